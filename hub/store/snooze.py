"""Conversations put aside until a time, or until the person writes; they come back by themselves. Nothing here decides when."""

from __future__ import annotations

from datetime import datetime

from hub.model.ids import ConversationId
from hub.store.pool import Connection


async def snooze(conn: Connection, conversation_id: ConversationId, *, now: datetime, until: datetime | None) -> bool:
    """Put an open conversation aside; until: None for "when they write". False when it is not open."""
    return bool(
        await conn.fetchval(
            "UPDATE conversation SET snoozed_at = $2, snoozed_until = $3, unread = 0 WHERE id = $1 AND status = 'open' RETURNING true",
            conversation_id,
            now,
            until,
        )
    )


async def wake(conn: Connection, conversation_id: ConversationId) -> bool:
    """Bring one back before its time. False when it was not put aside."""
    return bool(
        await conn.fetchval(
            "UPDATE conversation SET snoozed_at = NULL, snoozed_until = NULL WHERE id = $1 AND snoozed_at IS NOT NULL RETURNING true",
            conversation_id,
        )
    )


async def wake_due(conn: Connection, *, now: datetime) -> list[ConversationId]:
    """Bring back all whose time has come, marked unread so that somebody looks."""
    rows = await conn.fetch(
        """
        UPDATE conversation SET snoozed_at = NULL, snoozed_until = NULL, unread = greatest(unread, 1)
        WHERE id IN (SELECT id FROM conversation WHERE snoozed_until <= $1 ORDER BY id FOR UPDATE) RETURNING id
        """,
        now,
    )
    return [r["id"] for r in rows]
