"""What one intake transaction is going to write, gathered before anything is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from hub.model.address import Channel
from hub.model.audit import AuditEvent
from hub.model.ids import ContactId, ConversationId, IdentityId, MessageId
from hub.model.message import InboundMessage
from hub.model.permission import Scope, Signal
from hub.model.sealed import Sealed
from hub.store.attachments import NewAttachment
from hub.store.conversations import Arrival, NewConversation
from hub.store.mail import MailRow
from hub.store.messages import InboundRow
from hub.store.outbox import FollowUp
from hub.store.people import NewContact, NewIdentity


class Held(StrEnum):
    """Why we do nothing of ourselves about a mail: one address writes without end, or data@ is flooded by nobody knows whom."""

    STORM = "storm"
    FLOOD = "flood"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An inbound message with the person and thread it belongs to. signal: what the recogniser made of it.

    other: it came into the thread from an address that is not this person's. on_file: the person had that address with us before.
    """

    id: MessageId
    event: InboundMessage
    contact_id: ContactId
    identity_id: IdentityId | None
    conversation_id: ConversationId
    hashes: tuple[bytes, ...]
    signal: Signal
    proven: bool  # the provider vouches for the sender; a form's typed addresses are not proven, nor a mail without DMARC
    other: bool = False
    on_file: bool = False
    held: Held | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Somebody asked us to stop, in words or through a provider.

    contact_id: None when nobody is known at the address. withdraws: whether the invitation goes as well.
    """

    contact_id: UUID | None
    hashes: tuple[bytes, ...]
    effects: tuple[tuple[Scope, Channel | None], ...]
    occurred_at: datetime
    source: str
    rule_id: str | None = None
    evidence_id: UUID | None = None
    provisional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Somebody wrote START on a channel from an address they hold."""

    contact_id: ContactId
    hashes: tuple[bytes, ...]
    channel: Channel
    said_at: datetime
    message_id: MessageId


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """Somebody said yes to our question whether a typed address is theirs."""

    consent_id: UUID
    message_id: MessageId
    said_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedChannel:
    """A form named this channel, with this typed address, for its answer."""

    conversation_id: ConversationId
    channel: Channel
    identity_id: IdentityId | None
    at: datetime


@dataclass(slots=True)
class Writes:
    """Lists in the order they are written; see the lock order in migration 0001."""

    now: datetime
    contacts: list[NewContact] = field(default_factory=list)
    identities: list[NewIdentity] = field(default_factory=list)
    verified: list[IdentityId] = field(default_factory=list)
    names: list[tuple[ContactId, Sealed[str]]] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    agreed: list[Agreed] = field(default_factory=list)
    answered: set[MessageId] = field(default_factory=set)  # messages that are no more than an answer to our question
    conversations: list[NewConversation] = field(default_factory=list)
    arrivals: dict[ConversationId, Arrival] = field(default_factory=dict)
    named: list[NamedChannel] = field(default_factory=list)
    placed: list[Placed] = field(default_factory=list)
    messages: list[InboundRow] = field(default_factory=list)
    attachments: list[NewAttachment] = field(default_factory=list)
    mails: list[MailRow] = field(default_factory=list)
    follow_ups: list[FollowUp] = field(default_factory=list)
    audit: list[AuditEvent] = field(default_factory=list)
    changed: list[ConversationId] = field(default_factory=list)

    def note(self, action: str, object_: str, *, actor: str = "person", reason: str | None = None, **detail: Any) -> None:
        """Add one audit event of this moment."""
        self.audit.append(AuditEvent(at=self.now, actor=actor, action=action, object=object_, reason=reason, detail=detail or None))
