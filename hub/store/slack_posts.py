"""Posts and how far each is, and what rests for a while. Renders nothing.

A post is `waiting`, then `posting` (committed before the call), then `posted`; or `unknown`, until a look-up says whether it
stands there; `carried` when another post shows it too; `failed` when Slack will never take it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.model.ids import ConversationId
from hub.store.pool import Connection, Row
from hub.store.slack import thread


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One post at work. wanted: the digest it shows once this call went well."""

    id: UUID
    conversation_id: ConversationId
    kind: str
    subject: UUID | None
    code: str | None
    about: str | None
    at: datetime
    channel: str | None
    ts: str | None
    wanted: str
    plain: bool
    attempts: int
    claimed_at: datetime | None
    file_id: str | None


def _post(row: Row) -> Post:
    return Post(**{name: row[name] for name in Post.__slots__})


_FREE = "NOT EXISTS (SELECT 1 FROM slack_pause x WHERE x.until > $1 AND x.subject IN ('all', 'channel:' || t.channel))"


async def claim(conn: Connection, *, now: datetime, merge_from: int, merge_after: datetime) -> list[Post]:
    """The next post that may be made, now `posting`; with it those it shall carry, where many have waited long. Commit before the call.

    Order within a thread: nothing is taken while an earlier post of it waits, is being made or is unknown; a line or a
    message never before the first post is named. Empty: nothing is due.
    """
    first = await conn.fetchrow(
        f"""
        SELECT p.conversation_id FROM slack_post p JOIN slack_thread t USING (conversation_id)
        WHERE p.state = 'waiting' AND p.run_after <= $1 AND {_FREE}
          AND (p.kind = 'root' OR t.ts IS NOT NULL)
          AND NOT EXISTS (SELECT 1 FROM slack_post q WHERE q.conversation_id = p.conversation_id
                          AND (q.state IN ('posting', 'unknown') OR (q.state = 'waiting' AND q.number < p.number AND q.kind <> 'root')))
        ORDER BY p.run_after, p.number LIMIT 1
        """,
        now,
    )
    if first is None or (found := await thread(conn, first["conversation_id"], lock=True)) is None:
        return []
    busy = await conn.fetchval(
        "SELECT 1 FROM slack_post WHERE conversation_id = $1 AND state IN ('posting', 'unknown') LIMIT 1", found.conversation_id
    )
    rows = await conn.fetch(
        "SELECT * FROM slack_post WHERE conversation_id = $1 AND state = 'waiting' AND ($2 OR kind = 'root')"
        " ORDER BY (kind = 'root') DESC, number LIMIT 200",
        found.conversation_id,
        found.ts is not None,
    )
    if busy or not rows or rows[0]["run_after"] > now:
        return []
    taken = [rows[0]]
    late = [r for r in rows if r["kind"] in ("message", "note", "line") and not r["plain"]]
    if rows[0] in late and len(late) >= merge_from and late[0]["at"] <= merge_after:
        taken = late
    await conn.execute(
        "UPDATE slack_post SET state = 'posting', claimed_at = $2, attempts = attempts + 1, carried_by = NULL WHERE id = $1",
        rows[0]["id"],
        now,
    )
    if len(taken) > 1:
        await conn.execute(
            "UPDATE slack_post SET state = 'carried', carried_by = $2, shown = wanted WHERE id = ANY($1)",
            [r["id"] for r in taken[1:]],
            rows[0]["id"],
        )
    return [_post(r) for r in taken]


async def carried(conn: Connection, post_id: UUID) -> list[Post]:
    """The posts another one shows too, in order."""
    return [_post(r) for r in await conn.fetch("SELECT * FROM slack_post WHERE carried_by = $1 ORDER BY number", post_id)]


async def posted(conn: Connection, post: Post, channel: str, ts: str) -> None:
    """It stands. The first post names the thread, which is locked before its posts, as everywhere."""
    await thread(conn, post.conversation_id, lock=True)
    await conn.execute(
        """
        UPDATE slack_post SET state = 'posted', channel = $2, ts = $3, shown = $4, error = NULL
        WHERE id = $1 AND state IN ('posting', 'unknown')
        """,
        post.id,
        channel,
        ts,
        post.wanted,
    )
    if post.kind == "root":
        await conn.execute("UPDATE slack_thread SET channel = $2, ts = $3 WHERE conversation_id = $1", post.conversation_id, channel, ts)


async def unsettled(conn: Connection, post_id: UUID, word: str, *, again: datetime) -> None:
    """Nobody knows whether it stands; `again`: when to look it up."""
    await conn.execute(
        "UPDATE slack_post SET state = 'unknown', error = $2, run_after = $3 WHERE id = $1 AND state IN ('posting', 'unknown')",
        post_id,
        word,
        again,
    )


async def put_back(conn: Connection, post_id: UUID, word: str, *, again: datetime, plain: bool = False) -> None:
    """It does not stand there: to be posted again. plain: without words from outside, which Slack refused."""
    await conn.execute(
        "UPDATE slack_post SET state = 'waiting', error = $2, run_after = $3, plain = plain OR $4 WHERE id = $1"
        " AND state IN ('posting', 'unknown')",
        post_id,
        word,
        again,
        plain,
    )


async def give_up(conn: Connection, post_id: UUID, word: str) -> None:
    """Slack will never take it; the hub shows it all the same."""
    await conn.execute("UPDATE slack_post SET state = 'failed', error = $2 WHERE id = $1", post_id, word)


async def keep_file_id(conn: Connection, post_id: UUID, file_id: str) -> None:
    """Slack has the bytes under this name; showing them is another step."""
    await conn.execute("UPDATE slack_post SET file_id = $2 WHERE id = $1", post_id, file_id)


async def doubtful(conn: Connection, *, now: datetime, stale_before: datetime) -> Post | None:
    """The next post to look up: unknown ones, and those whose maker died in the call."""
    await conn.execute(
        "UPDATE slack_post SET state = 'unknown', error = 'interrupted', run_after = $2 WHERE state = 'posting' AND claimed_at < $1",
        stale_before,
        now,
    )
    row = await conn.fetchrow(
        f"""
        SELECT p.* FROM slack_post p JOIN slack_thread t USING (conversation_id)
        WHERE p.state = 'unknown' AND p.run_after <= $1 AND {_FREE} ORDER BY p.run_after, p.number LIMIT 1
        """,
        now,
    )
    return _post(row) if row else None


async def stale(conn: Connection, *, now: datetime) -> Post | None:
    """The next post that shows something older than it should."""
    row = await conn.fetchrow(
        f"""
        SELECT p.* FROM slack_post p JOIN slack_thread t USING (conversation_id)
        WHERE p.state = 'posted' AND p.wanted IS DISTINCT FROM p.shown AND p.kind <> 'file' AND p.run_after <= $1 AND {_FREE}
          AND NOT EXISTS (SELECT 1 FROM slack_pause y WHERE y.until > $1 AND y.subject = 'method:chat.update')
        ORDER BY p.run_after, p.number LIMIT 1
        """,
        now,
    )
    return _post(row) if row else None


async def shows(conn: Connection, post: Post) -> None:
    """The post shows now what was wanted when it was read."""
    await conn.execute("UPDATE slack_post SET shown = $2 WHERE id = $1", post.id, post.wanted)


async def put_off(conn: Connection, post_id: UUID, *, again: datetime) -> None:
    """Changing it did not work; again later."""
    await conn.execute("UPDATE slack_post SET run_after = $2 WHERE id = $1", post_id, again)


async def pause(conn: Connection, subject: str, reason: str, *, until: datetime) -> None:
    """Nothing more on this subject until then."""
    await conn.execute(
        """
        INSERT INTO slack_pause AS s (subject, until, reason) VALUES ($1, $2, $3)
        ON CONFLICT (subject) DO UPDATE SET until = greatest(s.until, excluded.until), reason = excluded.reason
        """,
        subject,
        until,
        reason,
    )
