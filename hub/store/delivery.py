"""What became of sends: results, provider reports, crashes and people's own word.

The rules are `hub.model.delivery`; here they are applied to many rows at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from hub.model.address import Channel
from hub.model.ids import AccountId, ContactId, ConversationId, MessageId
from hub.model.message import DeliveryStatus
from hub.model.sealed import Sealed
from hub.store import echoes
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """How one send ended, ready to be stored. send_after: set when it goes back to the queue."""

    id: MessageId
    account_id: AccountId
    status: DeliveryStatus
    provider_message_id: str | None = None
    error_code: str | None = None
    send_after: datetime | None = None


async def record_sent(conn: Connection, results: Sequence[Sent], *, now: datetime) -> list[tuple[MessageId, ConversationId]]:
    """Store the outcomes of sends in one statement, joining reports that came before them. Returns what changed.

    A callback may have moved the row on already, or a person may have settled it: statuses only move forward.
    """
    rows = await conn.fetch(
        """
        WITH r AS (
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[])
                AS r(id, status, provider_message_id, error_code, send_after, account_id)
        ), early AS (
            DELETE FROM delivery_report d USING r
            WHERE d.account_id = r.account_id AND d.provider_message_id = r.provider_message_id
            RETURNING r.id, d.status, d.error_code
        ), best AS (
            SELECT DISTINCT ON (id) id, status, error_code FROM early ORDER BY id, delivery_rank(status) DESC
        )
        UPDATE message m SET
            provider_message_id = coalesce(m.provider_message_id, r.provider_message_id),
            status = CASE
                WHEN m.status IN ('sending', 'unknown') AND r.status = 'queued' THEN 'queued'
                WHEN delivery_rank(coalesce(b.status, r.status)) > delivery_rank(m.status) THEN coalesce(b.status, r.status)
                ELSE m.status END,
            error_code = coalesce(b.error_code, r.error_code, m.error_code),
            send_after = coalesce(r.send_after, m.send_after), status_at = $7
        FROM r LEFT JOIN best b ON b.id = r.id
        WHERE m.id = r.id AND m.status NOT IN ('refused', 'cancelled', 'queued')
        RETURNING m.id, m.conversation_id
        """,
        [s.id for s in results],
        [s.status for s in results],
        [s.provider_message_id for s in results],
        [s.error_code for s in results],
        [s.send_after for s in results],
        [s.account_id for s in results],
        now,
    )
    return [(r["id"], r["conversation_id"]) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One provider status, ready to be joined to its message or parked."""

    id: UUID
    account_id: AccountId
    provider_message_id: str | None
    message_id: MessageId | None
    status: DeliveryStatus
    error_code: str | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The message a report belongs to."""

    report_id: UUID
    message_id: MessageId
    conversation_id: ConversationId
    contact_id: ContactId
    channel: Channel
    address_hash: bytes | None
    changed: bool


async def join_reports(conn: Connection, reports: Sequence[Report], *, now: datetime) -> list[Joined]:
    """Move messages on by their reports, and park reports whose message has no provider id yet.

    Rows are locked in id order first; several reports of one message count as the furthest of them.
    """
    found = await conn.fetch(
        """
        SELECT m.id, m.provider_message_id, m.account_id FROM message m
        WHERE m.direction = 'outbound' AND (m.id = ANY($1) OR (m.account_id, m.provider_message_id) IN
              (SELECT * FROM unnest($2::text[], $3::text[])))
        ORDER BY m.id FOR NO KEY UPDATE
        """,
        [r.message_id for r in reports if r.message_id],
        [r.account_id for r in reports if r.provider_message_id],
        [r.provider_message_id for r in reports if r.provider_message_id],
    )
    by_id = {r["id"]: r["id"] for r in found}
    by_provider = {(r["account_id"], r["provider_message_id"]): r["id"] for r in found}
    targets = [by_id.get(r.message_id) or by_provider.get((r.account_id, r.provider_message_id)) for r in reports]
    nameless = {r["id"] for r in found if r["provider_message_id"] is None}
    names = [(r.account_id, r.provider_message_id) for r in reports if r.message_id in nameless and r.provider_message_id]
    if names:
        await echoes.give_way(conn, names)
    await _park(conn, [r for r, t in zip(reports, targets, strict=True) if t is None], now=now)
    pairs = [(r, t) for r, t in zip(reports, targets, strict=True) if t is not None]
    return await _move(conn, pairs, now=now) if pairs else []


async def _move(conn: Connection, pairs: Sequence[tuple[Report, MessageId]], *, now: datetime) -> list[Joined]:
    rows = await conn.fetch(
        """
        WITH r AS (
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS r(id, status, error_code, provider_message_id)
        ), best AS (
            SELECT DISTINCT ON (id) id, status, error_code, max(provider_message_id) OVER (PARTITION BY id) AS provider_message_id
            FROM r ORDER BY id, delivery_rank(status) DESC
        ), moved AS (
            UPDATE message m SET
                status = CASE WHEN b.status <> 'unknown' AND delivery_rank(b.status) > delivery_rank(m.status)
                              THEN b.status ELSE m.status END,
                error_code = CASE WHEN b.status = 'failed' AND delivery_rank(m.status) < delivery_rank('failed') THEN b.error_code
                                  WHEN delivery_rank(b.status) > delivery_rank('failed') THEN NULL ELSE m.error_code END,
                provider_message_id = coalesce(m.provider_message_id, b.provider_message_id), status_at = $5
            FROM best b WHERE m.id = b.id AND m.status NOT IN ('refused', 'cancelled', 'queued')
            RETURNING m.id
        )
        SELECT m.id, m.conversation_id, m.contact_id, m.channel, i.address_hash, moved.id IS NOT NULL AS changed
        FROM message m LEFT JOIN identity i ON i.id = m.identity_id LEFT JOIN moved ON moved.id = m.id WHERE m.id = ANY($1)
        """,
        [t for _, t in pairs],
        [r.status for r, _ in pairs],
        [r.error_code for r, _ in pairs],
        [r.provider_message_id for r, _ in pairs],
        now,
    )
    facts = {r["id"]: r for r in rows}
    return [
        Joined(
            report_id=report.id,
            message_id=target,
            conversation_id=facts[target]["conversation_id"],
            contact_id=facts[target]["contact_id"],
            channel=Channel(facts[target]["channel"]),
            address_hash=facts[target]["address_hash"],
            changed=facts[target]["changed"],
        )
        for report, target in pairs
    ]


async def _park(conn: Connection, reports: Sequence[Report], *, now: datetime) -> None:
    if not reports:
        return
    await conn.execute(
        """
        INSERT INTO delivery_report (id, account_id, provider_message_id, message_id, status, error_code, occurred_at, received_at)
        SELECT id, account, provider, message, status, error, at, $8
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[])
            AS n(id, account, provider, message, status, error, at)
        """,
        [r.id for r in reports],
        [r.account_id for r in reports],
        [r.provider_message_id for r in reports],
        [r.message_id for r in reports],
        [r.status for r in reports],
        [r.error_code for r in reports],
        [r.occurred_at for r in reports],
        now,
    )


async def sweep_reports(conn: Connection, *, older_than: datetime) -> int:
    """Drop parked reports nobody claimed: they belong to another system on the same account."""
    return len(await conn.fetch("DELETE FROM delivery_report WHERE received_at < $1 RETURNING id", older_than))


async def give_up_stale(conn: Connection, *, claimed_before: datetime, now: datetime) -> list[tuple[MessageId, ConversationId]]:
    """Rows left in `sending` by a crash: bytes may have left, so they become `unknown` and are never resent by themselves."""
    rows = await conn.fetch(
        "UPDATE message SET status = 'unknown', status_at = $2 WHERE status = 'sending' AND claimed_at < $1 RETURNING id, conversation_id",
        claimed_before,
        now,
    )
    return [(r["id"], r["conversation_id"]) for r in rows]


async def settle_unknown(
    conn: Connection,
    message_id: MessageId,
    status: DeliveryStatus,
    *,
    error_code: str | None,
    now: datetime,
    provider_message_id: str | None = None,
) -> ConversationId | None:
    """A person or a look-up says what became of an unknown send; None when a report settled it first, or the provider's id it
    was found under is that of another message of ours: the same words were sent twice, and only the first arrived."""
    found: ConversationId | None = await conn.fetchval(
        """
        UPDATE message SET status = $2, error_code = $3, status_at = $4, provider_message_id = coalesce(provider_message_id, $5)
        WHERE id = $1 AND status = 'unknown' AND NOT EXISTS (
            SELECT 1 FROM message o WHERE o.account_id = message.account_id AND o.provider_message_id = $5 AND o.id <> $1)
        RETURNING conversation_id
        """,
        message_id,
        status,
        error_code,
        now,
        provider_message_id,
    )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """A message whose fate is unknown, with what a look-up needs."""

    id: MessageId
    conversation_id: ConversationId
    account_id: AccountId
    body: Sealed[str]
    address: Sealed[str]
    address_kind: str
    claimed_at: datetime


async def unsettled(conn: Connection, *, claimed_before: datetime, now: datetime, limit: int = 100) -> list[Unsettled]:
    """Unknown sends to be looked up now, those asked about longest ago first; noted as asked about.

    Each is asked about again after ten seconds, then after twice as long each time, at most an hour, for a day.
    """
    rows = await conn.fetch(
        """
        WITH due AS (
            SELECT id FROM message
            WHERE status = 'unknown' AND claimed_at < $1 AND claimed_at > $4::timestamptz - $3::interval
              AND (looked_up_at IS NULL OR
                   looked_up_at <= $4::timestamptz - least(interval '1 hour', interval '5 seconds' * power(2, look_ups)))
            ORDER BY coalesce(looked_up_at, claimed_at) LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED
        ), m AS (
            UPDATE message u SET looked_up_at = $4, look_ups = least(u.look_ups + 1, 12) FROM due WHERE u.id = due.id RETURNING u.*
        )
        SELECT m.id, m.conversation_id, m.account_id, m.body, m.claimed_at, i.address, a.kind
        FROM m JOIN identity i ON i.id = m.identity_id JOIN address a ON a.hash = i.address_hash
        WHERE i.address IS NOT NULL ORDER BY m.claimed_at
        """,
        claimed_before,
        limit,
        timedelta(days=1),
        now,
    )
    return [
        Unsettled(
            id=r["id"],
            conversation_id=r["conversation_id"],
            account_id=r["account_id"],
            body=Sealed(r["body"]),
            address=Sealed(r["address"]),
            address_kind=r["kind"],
            claimed_at=r["claimed_at"],
        )
        for r in rows
    ]
