"""Follow-ups that must happen. A row goes in with the fact that causes it and leaves when its work is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from hub.store.live import WORK
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """topic: "fetch_media", "confirm_stop", "acknowledge", "acknowledge_form", …. ref: the id of what it is about."""

    topic: str
    ref: UUID
    run_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    id: int
    ref: UUID
    attempts: int


async def add(conn: Connection, follow_ups: Sequence[FollowUp], *, now: datetime) -> None:
    """Queue follow-ups in the caller's transaction. `notes` wakes the relay for them."""
    if not follow_ups:
        return
    await conn.execute(
        """
        INSERT INTO outbox (topic, ref, run_after, created_at)
        SELECT topic, ref, run_after, $4 FROM unnest($1::text[], $2::uuid[], $3::timestamptz[]) AS n(topic, ref, run_after)
        """,
        [f.topic for f in follow_ups],
        [f.ref for f in follow_ups],
        [f.run_after for f in follow_ups],
        now,
    )


def notes(follow_ups: Sequence[FollowUp]) -> list[tuple[str, str]]:
    """The notes that wake the relay for these follow-ups."""
    return [(WORK, f"outbox:{f.topic}") for f in follow_ups]


async def due_topics(conn: Connection, *, now: datetime) -> list[str]:
    """Topics with something to do now."""
    return [r["topic"] for r in await conn.fetch("SELECT DISTINCT topic FROM outbox WHERE run_after <= $1", now)]


async def take(conn: Connection, topic: str, *, now: datetime, limit: int) -> list[Due]:
    """Lock due rows of one topic, oldest first; another worker's are skipped. The caller ends each with `done` or `put_off`."""
    rows = await conn.fetch(
        """
        SELECT id, ref, attempts FROM outbox WHERE topic = $1 AND run_after <= $2 ORDER BY run_after, id LIMIT $3 FOR UPDATE SKIP LOCKED
        """,
        topic,
        now,
        limit,
    )
    return [Due(id=r["id"], ref=r["ref"], attempts=r["attempts"]) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Of(Due):
    """A follow-up of a message that just came in."""

    topic: str


async def take_of(conn: Connection, topics: Sequence[str], account_id: str, provider_event_ids: Sequence[str]) -> Of | None:
    """Lock the first untried follow-up under one of these topics that these inbound messages caused; None where there is none,
    or somebody is at it already."""
    row = await conn.fetchrow(
        """
        SELECT o.id, o.ref, o.attempts, o.topic FROM outbox o JOIN message m ON m.id = o.ref
        WHERE m.account_id = $2 AND m.provider_message_id = ANY($3) AND o.topic = ANY($1) AND o.attempts = 0
        ORDER BY o.id LIMIT 1 FOR UPDATE OF o SKIP LOCKED
        """,
        list(topics),
        account_id,
        list(provider_event_ids),
    )
    return Of(id=row["id"], ref=row["ref"], attempts=row["attempts"], topic=row["topic"]) if row else None


async def done(conn: Connection, row_id: int) -> None:
    """The follow-up happened."""
    await conn.execute("DELETE FROM outbox WHERE id = $1", row_id)


async def put_off(conn: Connection, due: Due, *, now: datetime) -> None:
    """It failed: again later, each time a little later (5 s, doubling, at most an hour)."""
    wait = timedelta(seconds=min(3600, 5 * 2 ** min(due.attempts, 10)))
    await conn.execute("UPDATE outbox SET attempts = attempts + 1, run_after = $2 WHERE id = $1", due.id, now + wait)
