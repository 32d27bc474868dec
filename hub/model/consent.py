"""The life of a consent, as append-only events (policy §5). The present state is derived, never stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from hub.model.address import Channel
from hub.model.ids import ContactId


class ConsentAct(StrEnum):
    """What happened to a consent."""

    GIVEN = "given"
    CONFIRMED = "confirmed"
    REFRESHED = "refreshed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    INVALIDATED = "invalidated"


class Control(StrEnum):
    """How the person said yes. A ticked-for-them or bundled box is no consent (policy R12)."""

    UNTICKED_BOX = "unticked_box"
    PRETICKED_BOX = "preticked_box"
    BUNDLED_BOX = "bundled_box"
    NATIVE = "native"  # written from the very account the consent is about
    SPOKEN = "spoken"
    PAPER = "paper"


@dataclass(frozen=True, slots=True, kw_only=True)
class WordingRef:
    """Which sentence was shown, and proof of its text."""

    id: str
    version: int
    locale: str
    text_hash: bytes

    def __str__(self) -> str:
        return f"{self.id}@{self.version}/{self.locale}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentEvent:
    """One event in the life of one consent.

    consent_id: the consent, the same through all its events. occurred_at: when the person acted; recorded_at: when
    we wrote it down. wording: None when not known, which proves nothing. actor: "person" or "staff:<uuid>".
    evidence_ref: the submission or message. ip_truncated: /24 or /48. expires_at: as told to the person, if told.
    """

    id: UUID
    consent_id: UUID
    contact_id: ContactId
    event: ConsentAct
    purpose: str
    channel: Channel
    occurred_at: datetime
    recorded_at: datetime
    source: str
    control: Control
    needs_confirmation: bool
    actor: str
    address_hash: bytes | None = None
    interests: tuple[str, ...] = ()
    health_relevance: bool = False
    wording: WordingRef | None = None
    notice_version: str | None = None
    evidence_ref: str | None = None
    ip_truncated: str | None = None
    ua_family: str | None = None
    expires_at: datetime | None = None
    age_attested: str | None = None  # the wording of "I am 18 or over" that was ticked with it, "id@version/locale"
