"""Telling open pages that something changed, through PostgreSQL's LISTEN and NOTIFY. Carries ids only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

import msgspec

from hub.store.pool import Connection

LIVE = "live"  # conversations changed: {"c": [ids]}
WORK = "work"  # outbound work is waiting: an account id, or "outbox"
_IDS_PER_NOTE = 150  # a note holds under 8,000 bytes


async def notify(conn: Connection, conversation_ids: Iterable[UUID]) -> None:
    """Tell open pages, when the caller's transaction commits, that these conversations changed."""
    ids = [str(i) for i in dict.fromkeys(conversation_ids)]
    for start in range(0, len(ids), _IDS_PER_NOTE):
        note = msgspec.json.encode({"c": ids[start : start + _IDS_PER_NOTE]}).decode()
        await conn.execute("SELECT pg_notify($1, $2)", LIVE, note)


async def notify_work(conn: Connection, subjects: Iterable[str]) -> None:
    """Wake the relay, when the caller's transaction commits."""
    wanted = list(dict.fromkeys(subjects))
    if wanted:
        await conn.execute("SELECT pg_notify($1, s) FROM unnest($2::text[]) AS s", WORK, wanted)


async def listen(conn: Connection, channel: str, callback: Callable[[str], None]) -> None:
    """Call back with each payload on `channel`. `conn` must be a connection of its own, kept open by the caller."""

    def heard(_conn: object, _pid: int, _channel: str, payload: object) -> None:
        callback(str(payload))

    await conn.add_listener(channel, heard)
