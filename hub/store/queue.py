"""The sending queue: what is due, the locks a claim takes, and what the claim made of it.

The rows of `message` in state `queued` are the queue; Redis only says that somebody should look. A campaign's people
wait elsewhere (`hub.store.recipients`), and so do its messages that were put back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.model.address import Channel
from hub.model.ids import AccountId, ContactId, ConversationId, DecisionId, IdentityId, MessageId, StaffId
from hub.model.message import DeliveryStatus
from hub.model.permission import Kind, kind_of
from hub.model.sealed import Sealed
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A queued message that is due, before anything is locked."""

    id: MessageId
    contact_id: ContactId
    conversation_id: ConversationId
    channel: Channel
    address_hash: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A queued message, locked by the caller."""

    id: MessageId
    conversation_id: ConversationId
    contact_id: ContactId
    identity_id: IdentityId | None
    channel: Channel
    account_id: AccountId
    kind: Kind | None  # None: a kind nobody knows, which the judge refuses
    body: Sealed[str]
    address: Sealed[str] | None  # null once erased
    address_kind: str | None
    content: dict[str, Any]
    attempts: int
    template_id: str | None
    written_by: StaffId | None
    variables: tuple[tuple[str, Sealed[str]], ...] = ()


async def due(conn: Connection, account_id: AccountId, *, now: datetime, limit: int) -> list[Candidate]:
    """What may be claimed for one account: the earliest of each person, nobody who has a message in flight."""
    rows = await conn.fetch(
        """
        WITH waiting AS (
            SELECT m.id, m.contact_id, m.conversation_id, m.channel, m.identity_id, m.priority, m.send_after,
                   row_number() OVER (PARTITION BY m.contact_id ORDER BY m.priority, m.send_after, m.id) AS turn
            FROM (SELECT id, contact_id, conversation_id, channel, identity_id, priority, send_after FROM message
                  WHERE status = 'queued' AND account_id = $1 AND send_after <= $2 AND campaign_id IS NULL
                  ORDER BY priority, send_after, id LIMIT $3 * 4) m
        )
        SELECT w.id, w.contact_id, w.conversation_id, w.channel, i.address_hash FROM waiting w LEFT JOIN identity i ON i.id = w.identity_id
        WHERE w.turn = 1  -- LIMIT keeps the planner from reading everything in flight once for each of them
          AND (SELECT 1 FROM message f WHERE f.contact_id = w.contact_id AND f.status = 'sending' LIMIT 1) IS NULL
        ORDER BY w.priority, w.send_after, w.id LIMIT $3
        """,
        account_id,
        now,
        limit,
    )
    return [
        Candidate(
            id=r["id"],
            contact_id=r["contact_id"],
            conversation_id=r["conversation_id"],
            channel=Channel(r["channel"]),
            address_hash=r["address_hash"],
        )
        for r in rows
    ]


async def one_due(conn: Connection, account_id: AccountId, message_id: MessageId) -> list[Candidate]:
    """One waiting message whatever its time, unless its person has a message in flight."""
    row = await conn.fetchrow(
        """
        SELECT m.id, m.contact_id, m.conversation_id, m.channel, i.address_hash FROM message m LEFT JOIN identity i ON i.id = m.identity_id
        WHERE m.id = $1 AND m.account_id = $2 AND m.status = 'queued'
          AND NOT EXISTS (SELECT 1 FROM message f WHERE f.contact_id = m.contact_id AND f.status = 'sending')
        """,
        message_id,
        account_id,
    )
    if row is None:
        return []
    return [
        Candidate(
            id=row["id"],
            contact_id=row["contact_id"],
            conversation_id=row["conversation_id"],
            channel=Channel(row["channel"]),
            address_hash=row["address_hash"],
        )
    ]


async def lock_people(conn: Connection, candidates: Sequence[Candidate]) -> None:
    """Take the locks that stops take as well: addresses by hash, then contacts by id.

    What is read after this call, in statements of their own, is what a claim may decide on.
    """
    hashes = sorted({c.address_hash for c in candidates if c.address_hash is not None})
    if hashes:
        await conn.execute("SELECT 1 FROM address WHERE hash = ANY($1) ORDER BY hash FOR NO KEY UPDATE", hashes)
    await conn.execute("SELECT 1 FROM contact WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE", sorted({c.contact_id for c in candidates}))


async def lock_waiting(conn: Connection, ids: Iterable[MessageId]) -> list[Waiting]:
    """Lock those of the messages that still wait; another worker's are skipped."""
    rows = await conn.fetch(
        """
        SELECT m.id, m.conversation_id, m.contact_id, m.identity_id, m.channel, m.account_id, m.kind, m.body, m.content, m.attempts,
               m.template_id, m.detail -> 'variables' AS variables, m.written_by, i.address, a.kind AS address_kind
        FROM message m LEFT JOIN identity i ON i.id = m.identity_id LEFT JOIN address a ON a.hash = i.address_hash
        WHERE m.id = ANY($1) AND m.status = 'queued' ORDER BY m.id FOR UPDATE OF m SKIP LOCKED
        """,
        list(ids),
    )
    return [
        Waiting(
            id=r["id"],
            conversation_id=r["conversation_id"],
            contact_id=r["contact_id"],
            identity_id=r["identity_id"],
            channel=Channel(r["channel"]),
            account_id=r["account_id"],
            kind=kind_of(r["kind"]),
            body=Sealed(r["body"]),
            address=Sealed(r["address"]) if r["address"] is not None else None,
            address_kind=r["address_kind"],
            content=r["content"] or {},
            attempts=r["attempts"],
            template_id=r["template_id"],
            written_by=r["written_by"],
            variables=tuple((name, Sealed(value)) for name, value in r["variables"] or ()),
        )
        for r in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a claim made of one waiting message. send_after: when a postponed one is asked again."""

    id: MessageId
    status: DeliveryStatus  # SENDING, REFUSED or (postponed) QUEUED
    decision_id: DecisionId | None
    send_after: datetime | None = None


async def write_verdicts(conn: Connection, verdicts: Sequence[Verdict], *, now: datetime) -> None:
    """Set claimed messages to `sending`, refused ones to `refused`, and put off the postponed."""
    await conn.execute(
        """
        UPDATE message m SET status = v.status, decision_id = coalesce(v.decision_id, m.decision_id), status_at = $5,
            claimed_at = CASE WHEN v.status = 'sending' THEN $5 ELSE m.claimed_at END,
            attempts = m.attempts + (v.status = 'sending')::int, send_after = coalesce(v.send_after, m.send_after)
        FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[]) AS v(id, status, decision_id, send_after)
        WHERE m.id = v.id
        """,
        [v.id for v in verdicts],
        [v.status for v in verdicts],
        [v.decision_id for v in verdicts],
        [v.send_after for v in verdicts],
        now,
    )


async def unclaim(conn: Connection, ids: Iterable[MessageId], *, send_after: datetime) -> None:
    """Put claimed messages back whose sending has not begun, so that they are decided again."""
    await conn.execute(
        "UPDATE message SET status = 'queued', send_after = $2, attempts = attempts - 1 WHERE id = ANY($1) AND status = 'sending'",
        list(ids),
        send_after,
    )


async def accounts_with_due(conn: Connection, *, now: datetime) -> list[AccountId]:
    """Accounts that have something to send now and are not paused."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT m.account_id FROM message m LEFT JOIN account_state s ON s.account_id = m.account_id
        WHERE m.status = 'queued' AND m.campaign_id IS NULL AND m.send_after <= $1 AND (s.paused IS NULL OR s.paused_until <= $1)
        """,
        now,
    )
    return [r["account_id"] for r in rows]


async def cancel_queued(conn: Connection, message_id: MessageId, *, now: datetime) -> ConversationId | None:
    """Take a waiting message back; its conversation, or None when it is too late."""
    found: ConversationId | None = await conn.fetchval(
        "UPDATE message SET status = 'cancelled', status_at = $2 WHERE id = $1 AND status = 'queued' RETURNING conversation_id",
        message_id,
        now,
    )
    return found
