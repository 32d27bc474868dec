"""How far a provider's own list of messages has been compared with what came by webhook, and what of it is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.model.ids import AccountId
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """seen_until: everything up to here was compared. looked_at: the last try. deep_at: the last look further back."""

    seen_until: datetime
    looked_at: datetime
    deep_at: datetime


async def looked(conn: Connection, account_id: AccountId, *, now: datetime) -> Looked | None:
    """Where the comparison stands. An account never seen begins now, so that nobody's old messages are imported: None."""
    begun = await conn.fetchval(
        "INSERT INTO missed_look (account_id, seen_until, looked_at, deep_at) VALUES ($1, $2, $2, $2)"
        " ON CONFLICT (account_id) DO NOTHING RETURNING account_id",
        account_id,
        now,
    )
    if begun is not None:
        return None
    row = await conn.fetchrow("SELECT seen_until, looked_at, deep_at FROM missed_look WHERE account_id = $1", account_id)
    return Looked(seen_until=row["seen_until"], looked_at=row["looked_at"], deep_at=row["deep_at"]) if row else None


async def tried(conn: Connection, account_id: AccountId, *, now: datetime) -> None:
    """The provider is being asked; should it not answer, it is asked again later."""
    await conn.execute("UPDATE missed_look SET looked_at = $2 WHERE account_id = $1", account_id, now)


async def seen(conn: Connection, account_id: AccountId, *, until: datetime, deep_at: datetime) -> None:
    """Everything up to `until` is stored. It only ever moves forward."""
    await conn.execute(
        "UPDATE missed_look SET seen_until = greatest(seen_until, $2), deep_at = greatest(deep_at, $3) WHERE account_id = $1",
        account_id,
        until,
        deep_at,
    )


async def journalled(conn: Connection, account_id: AccountId, event_ids: Sequence[str]) -> set[str]:
    """Those of the events that came in already, by webhook or by an earlier look."""
    rows = await conn.fetch(
        "SELECT provider_event_id FROM inbound_event WHERE account_id = $1 AND provider_event_id = ANY($2)", account_id, list(event_ids)
    )
    return {row["provider_event_id"] for row in rows}


async def unfinished(conn: Connection, account_id: AccountId, provider_message_ids: Sequence[str]) -> set[str]:
    """Those of the messages that are ours and whose end nobody has told us. Others' on the same account are none of our business."""
    rows = await conn.fetch(
        """
        SELECT provider_message_id FROM message
        WHERE account_id = $1 AND provider_message_id = ANY($2) AND direction = 'outbound' AND status IN ('accepted', 'sent', 'unknown')
        """,
        account_id,
        list(provider_message_ids),
    )
    return {row["provider_message_id"] for row in rows}
