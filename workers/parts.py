"""The clock's look at later parts of long texts: each leaves once the one before was sent, or not at all."""

from __future__ import annotations

from hub.store import live
from hub.store import parts as waiting
from workers.runtime import Runtime


async def release(runtime: Runtime) -> None:
    """Let go what may go now, and take back what would begin in the middle."""
    async with runtime.pool.acquire() as conn, conn.transaction():
        moved = await waiting.release(conn, now=runtime.clock())
        await live.notify(conn, moved.given_up)
        await live.notify_work(conn, [f"deliver:{account_id}" for account_id in moved.accounts])
