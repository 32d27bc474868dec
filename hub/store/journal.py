"""The journal of what providers told us: one row per event, unique per account and provider id (promise P3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.model.ids import AccountId
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalEntry:
    """One event as it came in. `request` and `body` are kept on the first event of a request only."""

    id: UUID
    account_id: AccountId
    provider_event_id: str
    kind: str
    state: str
    received_at: datetime
    request: dict[str, Any] | None
    body: bytes | None
    request_of: UUID | None
    error: str | None = None


async def record(conn: Connection, entries: Sequence[JournalEntry]) -> set[UUID]:
    """Write the entries; the ids of those that are new. A repeated event is left out and changes nothing."""
    rows = await conn.fetch(
        """
        INSERT INTO inbound_event (id, account_id, provider_event_id, kind, state, received_at, request, body, request_of, error)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::jsonb[], $8::bytea[],
                             $9::uuid[], $10::text[])
        ON CONFLICT ON CONSTRAINT inbound_event_once DO NOTHING
        RETURNING id
        """,
        [e.id for e in entries],
        [e.account_id for e in entries],
        [e.provider_event_id for e in entries],
        [e.kind for e in entries],
        [e.state for e in entries],
        [e.received_at for e in entries],
        [e.request for e in entries],
        [e.body for e in entries],
        [e.request_of for e in entries],
        [e.error for e in entries],
    )
    return {row["id"] for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRequest:
    """A journalled request, ready to be parsed again."""

    event_id: UUID
    account_id: AccountId
    request: dict[str, Any]
    body: bytes
    received_at: datetime


async def failed(conn: Connection, *, limit: int = 1000) -> list[StoredRequest]:
    """Requests that hold an event which could not be processed, oldest first."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT ON (r.received_at, r.id) r.id, r.account_id, r.request, r.body, r.received_at
        FROM inbound_event e JOIN inbound_event r ON r.id = coalesce(e.request_of, e.id)
        WHERE e.state = 'failed' AND r.body IS NOT NULL
        ORDER BY r.received_at, r.id LIMIT $1
        """,
        limit,
    )
    return [
        StoredRequest(
            event_id=row["id"], account_id=row["account_id"], request=row["request"], body=row["body"], received_at=row["received_at"]
        )
        for row in rows
    ]


async def forget_failed(conn: Connection, account_id: AccountId, provider_event_ids: Sequence[str]) -> None:
    """Make room for a replay: drop the failed rows so that the same events count as new."""
    await conn.execute(
        "DELETE FROM inbound_event WHERE account_id = $1 AND provider_event_id = ANY($2) AND state = 'failed'",
        account_id,
        list(provider_event_ids),
    )


async def count_failed(conn: Connection) -> int:
    """Events waiting for a replay: the "not processed" number on the screens."""
    return int(await conn.fetchval("SELECT count(*) FROM inbound_event WHERE state = 'failed'"))
