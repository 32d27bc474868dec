"""Later parts of long texts, which wait for the part before them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.model.ids import AccountId, ConversationId
from hub.store.pool import Connection

# Some carriers tell nothing between taking a message on and delivering it.
ACCEPTED_LONG_AGO = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Accounts that have something to send now, and conversations where parts were given up with the one before them."""

    accounts: tuple[AccountId, ...]
    given_up: tuple[ConversationId, ...]


async def release(conn: Connection, *, now: datetime) -> Moved:
    """Let parts go whose former one was sent, and cancel those whose former one will not be. An unknown fate keeps them waiting."""
    freed = await conn.fetch(
        """
        UPDATE message m SET send_after = $1 FROM message p
        WHERE m.status = 'queued' AND m.follows IS NOT NULL AND p.id = m.follows AND m.send_after > $1
          AND (p.status IN ('sent', 'delivered', 'read') OR (p.status = 'accepted' AND p.status_at <= $2))
        RETURNING m.account_id
        """,
        now,
        now - ACCEPTED_LONG_AGO,
    )
    dropped = await conn.fetch(
        """
        UPDATE message m SET status = 'cancelled', status_at = $1 FROM message p
        WHERE m.status = 'queued' AND m.follows IS NOT NULL AND p.id = m.follows AND p.status IN ('failed', 'refused', 'cancelled')
        RETURNING m.conversation_id
        """,
        now,
    )
    return Moved(accounts=tuple({row["account_id"] for row in freed}), given_up=tuple({row["conversation_id"] for row in dropped}))
