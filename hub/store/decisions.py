"""Decisions: one row per time the judge was asked, with its ground and never the text (policy §2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.model.address import Channel
from hub.model.ids import ContactId, DecisionId, MessageId
from hub.model.permission import Decision
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """phase: "queue" when somebody asked to speak, "claim" when the message was about to leave."""

    id: DecisionId
    message_id: MessageId | None
    contact_id: ContactId
    phase: str
    asked_at: datetime
    kind: str  # a Kind, or "unknown"
    channel: Channel
    address_hash: bytes | None
    decision: Decision
    content_hash: bytes | None = None
    lint_version: str | None = None
    campaign_id: UUID | None = None
    operator: str | None = None


_COLUMNS = (
    "id", "message_id", "contact_id", "phase", "asked_at", "kind", "channel", "address_hash", "outcome", "reason", "gate", "retry_at",
    "proofs", "policy_version", "facts_digest", "content_hash", "lint_version", "campaign_id", "operator",
)  # fmt: skip


async def record(conn: Connection, rows: Sequence[DecisionRow]) -> None:
    """Write decisions, however many, in one go: a campaign's come by the hundred thousand."""
    if not rows:
        return
    await conn.copy_records_to_table("decision", records=[_record(r) for r in rows], columns=_COLUMNS)


def _record(r: DecisionRow) -> tuple[object, ...]:
    d = r.decision
    return (
        r.id, r.message_id, r.contact_id, r.phase, r.asked_at, r.kind, r.channel, r.address_hash, d.outcome, d.reason, d.gate, d.retry_at,
        d.proofs, d.policy_version, d.facts_digest, r.content_hash, r.lint_version, r.campaign_id, r.operator,
    )  # fmt: skip  # in the order of _COLUMNS
