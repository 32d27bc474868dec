"""Suppressions: added by what people say, found by keyed hash or person, lifted only by a recorded act of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.model.address import Channel
from hub.model.ids import uuid7
from hub.model.permission import Scope
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSuppression:
    """One standing "never", by address and, where known, by person as well.

    occurred_at: the provider's time of the words. source: "message", "provider_keyword", "provider_error",
    "provider_preference", "staff", "form", "import". evidence_id: the message that said so.
    """

    address_hash: bytes | None
    key_id: int | None
    contact_id: UUID | None
    scope: Scope
    channel: Channel | None
    occurred_at: datetime
    source: str
    interest: str | None = None
    purpose: str | None = None
    rule_id: str | None = None
    evidence_id: UUID | None = None
    provisional: bool = False


async def add(conn: Connection, rows: Sequence[NewSuppression], *, now: datetime) -> list[UUID]:
    """Write them; the new ids in the order given. The caller holds the locks of `people.lock_reach`."""
    if not rows:
        return []
    ids = [uuid7() for _ in rows]
    await conn.execute(
        """
        INSERT INTO suppression (id, address_hash, key_id, contact_id, scope, channel, interest, purpose, occurred_at, recorded_at,
                                 source, rule_id, evidence_id, provisional)
        SELECT id, hash, key_id, contact_id, scope, channel, interest, purpose, at, $9, source, rule_id, evidence_id, provisional
        FROM unnest($1::uuid[], $2::bytea[], $3::smallint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
                    $10::timestamptz[], $11::text[], $12::text[], $13::uuid[], $14::bool[])
            AS n(id, hash, key_id, contact_id, scope, channel, interest, purpose, at, source, rule_id, evidence_id, provisional)
        """,
        ids,
        [r.address_hash for r in rows],
        [r.key_id for r in rows],
        [r.contact_id for r in rows],
        [r.scope for r in rows],
        [r.channel for r in rows],
        [r.interest for r in rows],
        [r.purpose for r in rows],
        now,
        [r.occurred_at for r in rows],
        [r.source for r in rows],
        [r.rule_id for r in rows],
        [r.evidence_id for r in rows],
        [r.provisional for r in rows],
    )
    return ids


async def lift_channel(
    conn: Connection, hashes: Sequence[bytes], contact_id: UUID, channel: Channel, *, said_at: datetime, lifted_by: str, now: datetime
) -> list[UUID]:
    """The person wrote START on this channel: lift CHANNEL(this), nothing wider (policy §3.7). The lifted ids.

    Only what was said before the START is lifted, so a replayed old START never undoes a newer STOP; at equal times
    the stop stands.
    """
    rows = await conn.fetch(
        """
        UPDATE suppression SET lifted_at = $5, lifted_by = $6
        WHERE lifted_at IS NULL AND scope = 'CHANNEL' AND channel = $3 AND occurred_at < $4
          AND (address_hash = ANY($1) OR contact_id = $2)
        RETURNING id
        """,
        list(hashes),
        contact_id,
        channel,
        said_at,
        now,
        lifted_by,
    )
    return [r["id"] for r in rows]
