"""Telling open pages that something changed, through PostgreSQL's LISTEN and NOTIFY. Carries ids only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from uuid import UUID

import msgspec

from hub.store.pool import Connection

LIVE = "live"  # conversations changed: {"c": [ids]}
WORK = "work"  # outbound work is waiting: an account id, or "outbox"
_IDS_PER_NOTE = 150  # a note holds under 8,000 bytes


def conversation_notes(conversation_ids: Iterable[UUID]) -> list[tuple[str, str]]:
    """The (channel, payload) notes that tell open pages about these conversations."""
    ids = [str(i) for i in dict.fromkeys(conversation_ids)]
    parts = (ids[start : start + _IDS_PER_NOTE] for start in range(0, len(ids), _IDS_PER_NOTE))
    return [(LIVE, msgspec.json.encode({"c": part}).decode()) for part in parts]


async def send(conn: Connection, notes: Iterable[tuple[str, str]]) -> None:
    """Send notes when the caller's transaction commits; the same note twice is sent once."""
    wanted = list(dict.fromkeys(notes))
    if wanted:
        await conn.execute(
            "SELECT tell(c, p) FROM unnest($1::text[], $2::text[]) AS n(c, p)", [c for c, _ in wanted], [p for _, p in wanted]
        )


async def notify(conn: Connection, conversation_ids: Iterable[UUID]) -> None:
    """Tell open pages, when the caller's transaction commits, that these conversations changed."""
    await send(conn, conversation_notes(conversation_ids))


async def notify_work(conn: Connection, subjects: Iterable[str]) -> None:
    """Wake the relay, when the caller's transaction commits."""
    await send(conn, [(WORK, subject) for subject in subjects])


async def listen(conn: Connection, channel: str, callback: Callable[[str], None]) -> None:
    """Call back with each payload on `channel`. `conn` must be a connection of its own, kept open by the caller."""

    def heard(_conn: object, _pid: int, _channel: str, payload: object) -> None:
        callback(str(payload))

    await conn.add_listener(channel, heard)
