"""Addresses that became other ones, as providers tell it: noted beside the person, joined by nobody but staff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.model.address import Channel
from hub.model.ids import AccountId, ContactId, ConversationId
from hub.model.sealed import Sealed
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChange:
    """kind: the provider's own word. before, after: in clear, like an identity's address; None where not named."""

    id: UUID
    account_id: AccountId
    channel: Channel
    contact_id: ContactId
    kind: str
    before: Sealed[str] | None
    after: Sealed[str] | None
    occurred_at: datetime
    recorded_at: datetime


async def add(conn: Connection, row: NewChange) -> list[ConversationId]:
    """Note it; the person's conversations, whose pages show it."""
    await conn.execute(
        "INSERT INTO address_change (id, account_id, channel, contact_id, kind, before, after, occurred_at, recorded_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        row.id,
        row.account_id,
        row.channel,
        row.contact_id,
        row.kind,
        row.before.reveal() if row.before else None,
        row.after.reveal() if row.after else None,
        row.occurred_at,
        row.recorded_at,
    )
    return [r["id"] for r in await conn.fetch("SELECT id FROM conversation WHERE contact_id = $1 ORDER BY id", row.contact_id)]


async def numbers_beside(conn: Connection, contact_id: ContactId, channel: Channel) -> list[bytes]:
    """The phone numbers this person is known under on a channel, as hashes."""
    rows = await conn.fetch(
        "SELECT i.address_hash FROM identity i JOIN address a ON a.hash = i.address_hash"
        " WHERE i.contact_id = $1 AND i.channel = $2 AND a.kind = 'phone' ORDER BY 1",
        contact_id,
        channel,
    )
    return [bytes(r["address_hash"]) for r in rows]


async def mark_reassigned(conn: Connection, hashes: Sequence[bytes]) -> list[bytes]:
    """These addresses are no longer those of the person we know there; the ones newly marked, locked in hash order."""
    rows = await conn.fetch(
        """
        WITH mine AS (SELECT hash FROM address WHERE hash = ANY($1) AND state = 'ok' ORDER BY hash FOR NO KEY UPDATE)
        UPDATE address a SET state = 'reassigned' FROM mine WHERE a.hash = mine.hash RETURNING a.hash
        """,
        list(hashes),
    )
    return [bytes(r["hash"]) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """One change as the person's panel tells it."""

    channel: Channel
    kind: str
    before: Sealed[str] | None
    after: Sealed[str] | None
    occurred_at: datetime


async def of_person(conn: Connection, contact_id: ContactId, *, limit: int = 5) -> list[ChangeRow]:
    """The latest changes told about this person, newest first."""
    rows = await conn.fetch(
        "SELECT channel, kind, before, after, occurred_at FROM address_change WHERE contact_id = $1"
        " ORDER BY occurred_at DESC, id DESC LIMIT $2",
        contact_id,
        limit,
    )
    return [
        ChangeRow(
            channel=Channel(r["channel"]),
            kind=r["kind"],
            before=Sealed(r["before"]) if r["before"] else None,
            after=Sealed(r["after"]) if r["after"] else None,
            occurred_at=r["occurred_at"],
        )
        for r in rows
    ]


async def forget(conn: Connection, contact_ids: Sequence[UUID]) -> None:
    """Take the addresses themselves out, when a person is erased."""
    await conn.execute("UPDATE address_change SET before = NULL, after = NULL WHERE contact_id = ANY($1)", list(contact_ids))
