"""A campaign as a value: one text to everybody who agreed to hear about its subject (policy §1.3, design §5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub.model.address import Channel
from hub.model.ids import AccountId, CampaignId, ContactId, DecisionId, IdentityId, MessageId, StaffId
from hub.model.sealed import Sealed


class Purpose(StrEnum):
    """What a campaign may be for (policy R17); `ads_match` has a kind of its own."""

    PROMOTION = "promotion"
    NEWSLETTER = "newsletter"
    EVENT = "event"


class CampaignState(StrEnum):
    """draft -> approved -> scheduled -> running <-> paused -> finished or cancelled."""

    DRAFT = "draft"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


# The only ways on; the database holds the same table.
MOVES: dict[CampaignState, frozenset[CampaignState]] = {
    CampaignState.DRAFT: frozenset({CampaignState.APPROVED, CampaignState.CANCELLED}),
    CampaignState.APPROVED: frozenset({CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.CANCELLED}),
    CampaignState.SCHEDULED: frozenset({CampaignState.APPROVED, CampaignState.RUNNING, CampaignState.CANCELLED}),
    CampaignState.RUNNING: frozenset({CampaignState.PAUSED, CampaignState.FINISHED, CampaignState.CANCELLED}),
    CampaignState.PAUSED: frozenset({CampaignState.RUNNING, CampaignState.CANCELLED}),
    CampaignState.FINISHED: frozenset(),
    CampaignState.CANCELLED: frozenset(),
}


class RecipientState(StrEnum):
    """How far one person on the list has got. claimed: let go; what became of it is the message's status."""

    PENDING = "pending"
    CLAIMED = "claimed"
    REFUSED = "refused"
    CANCELLED = "cancelled"


DUPLICATE = "DUPLICATE"  # counted beside the judge's reasons: the address is on the list already, under another person


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody writes. body: with the slots {first_name}, {clinic}, {stop_line}. interests: at least one."""

    name: str
    purpose: Purpose
    channel: Channel
    account_id: AccountId
    interests: tuple[str, ...]
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign as stored. Times are None until they happened.

    frozen_at: the list is whole. list_hash: 32 bytes over the contacts on it. next_at: nothing is tried before.
    """

    id: CampaignId
    draft: Draft
    state: CampaignState
    created_by: StaffId
    created_at: datetime
    edited_by: StaffId
    edited_at: datetime
    approved_by: StaffId | None
    approved_at: datetime | None
    text_hash: bytes | None
    content: dict[str, object] | None
    frozen_at: datetime | None
    list_hash: bytes | None
    scheduled_at: datetime | None
    started_at: datetime | None
    next_at: datetime | None
    ended_at: datetime | None
    sent_back_reason: str | None = None  # what the approver wants changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One person on the list, as the desk shows it. status: the message's, once it was let go."""

    contact_id: ContactId
    identity_id: IdentityId
    name: Sealed[str] | None
    state: RecipientState
    status: str | None
    reason: str | None
    not_before: datetime | None
    decision_id: DecisionId | None
    message_id: MessageId | None
    at: datetime | None
    proofs: tuple[str, ...]
    error_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reactions:
    """What came back from those let go: people whose send failed, who complained of it, who have stopped something since."""

    let_go: int
    failed: int
    complained: int
    stopped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a campaign's people are now. Every one of `listed` is in exactly one of the others' counts.

    statuses: message status -> people let go. refused: reason -> people, at the last look.
    """

    listed: int
    pending: int
    cancelled: int
    statuses: dict[str, int]
    refused: dict[str, int]

    @property
    def let_go(self) -> int:
        return sum(self.statuses.values())

    @property
    def refusals(self) -> int:
        return sum(self.refused.values())

    @property
    def adds_up(self) -> bool:
        return self.listed == self.pending + self.cancelled + self.let_go + self.refusals
