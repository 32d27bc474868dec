"""Decisions: one row per time the judge was asked, with its ground and never the text (policy §2.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.model.address import Channel
from hub.model.ids import ContactId, DecisionId, MessageId
from hub.model.permission import Decision, Kind
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """phase: "queue" when somebody asked to speak, "claim" when the message was about to leave."""

    id: DecisionId
    message_id: MessageId | None
    contact_id: ContactId
    phase: str
    asked_at: datetime
    kind: Kind
    channel: Channel
    address_hash: bytes | None
    decision: Decision
    content_hash: bytes | None = None
    lint_version: str | None = None
    campaign_id: UUID | None = None
    operator: str | None = None


async def record(conn: Connection, rows: Sequence[DecisionRow]) -> None:
    """Write decisions in one statement."""
    if not rows:
        return
    await conn.execute(
        """
        INSERT INTO decision (id, message_id, contact_id, phase, asked_at, kind, channel, address_hash, outcome, reason, gate, retry_at,
                              proofs, policy_version, facts_digest, content_hash, lint_version, campaign_id, operator)
        SELECT id, message_id, contact_id, phase, asked_at, kind, channel, hash, outcome, reason, gate, retry_at,
               CASE WHEN proofs = '' THEN '{}' ELSE string_to_array(proofs, E'\\x1f') END, policy_version, facts_digest, content_hash,
               lint_version, campaign_id, operator
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::bytea[], $9::text[],
                    $10::text[], $11::smallint[], $12::timestamptz[], $13::text[], $14::text[], $15::text[], $16::bytea[], $17::text[],
                    $18::uuid[], $19::text[])
            AS n(id, message_id, contact_id, phase, asked_at, kind, channel, hash, outcome, reason, gate, retry_at, proofs,
                 policy_version, facts_digest, content_hash, lint_version, campaign_id, operator)
        """,
        [r.id for r in rows],
        [r.message_id for r in rows],
        [r.contact_id for r in rows],
        [r.phase for r in rows],
        [r.asked_at for r in rows],
        [r.kind for r in rows],
        [r.channel for r in rows],
        [r.address_hash for r in rows],
        [r.decision.outcome for r in rows],
        [r.decision.reason for r in rows],
        [r.decision.gate for r in rows],
        [r.decision.retry_at for r in rows],
        ["\x1f".join(r.decision.proofs) for r in rows],  # unnest knows no arrays of arrays of unequal length
        [r.decision.policy_version for r in rows],
        [r.decision.facts_digest for r in rows],
        [r.content_hash for r in rows],
        [r.lint_version for r in rows],
        [r.campaign_id for r in rows],
        [r.operator for r in rows],
    )
