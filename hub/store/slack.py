"""What a conversation shall show in Slack: changes noted, threads, and what is wanted in each. Renders nothing.

Making the posts is `slack_posts`, what came from Slack `slack_inbound`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.model.address import Channel
from hub.model.ids import AccountId, ConversationId, uuid7
from hub.store.pool import Connection, Row


async def switch(conn: Connection, *, on: bool, now: datetime) -> None:
    """From now on changes are noted, or are no longer."""
    if on:
        await conn.execute("INSERT INTO slack_switch (since) VALUES ($1) ON CONFLICT DO NOTHING", now)
    else:
        await conn.execute("DELETE FROM slack_switch")
        await conn.execute("DELETE FROM slack_change")


async def take_changes(conn: Connection, *, limit: int) -> list[ConversationId]:
    """Conversations that changed, each once; the notes go with the caller's transaction."""
    rows = await conn.fetch(
        """
        WITH taken AS (
            DELETE FROM slack_change WHERE id IN (SELECT id FROM slack_change ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
            RETURNING id, conversation_id
        )
        SELECT t.conversation_id FROM taken t JOIN conversation c ON c.id = t.conversation_id WHERE c.status <> 'spam'
        GROUP BY t.conversation_id ORDER BY min(t.id)
        """,
        limit,
    )
    return [r["conversation_id"] for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What routing asks of a conversation. interests: those the person chose, latest first."""

    channel: Channel
    account_id: AccountId
    interests: tuple[str, ...]


async def place(conn: Connection, conversation_id: ConversationId) -> Place:
    """Raises LookupError for no such conversation."""
    row = await conn.fetchrow(
        """
        SELECT c.channel, c.account_id, ARRAY(
            SELECT DISTINCT i FROM consent_event e, unnest(e.interests) i WHERE e.contact_id = c.contact_id AND e.event = 'given'
        ) AS interests FROM conversation c WHERE c.id = $1
        """,
        conversation_id,
    )
    if row is None:
        raise LookupError("no such conversation")
    return Place(channel=Channel(row["channel"]), account_id=AccountId(row["account_id"]), interests=tuple(row["interests"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A conversation's thread. ts: None until its first post was named."""

    conversation_id: ConversationId
    channel: str
    ts: str | None
    opened_at: datetime


def _thread(row: Row) -> Thread:
    return Thread(conversation_id=row["conversation_id"], channel=row["channel"], ts=row["ts"], opened_at=row["opened_at"])


async def thread(conn: Connection, conversation_id: ConversationId, *, lock: bool = False) -> Thread | None:
    """lock: held to the end of the caller's transaction, so that one hand at a time adds to a thread or posts into it."""
    row = await conn.fetchrow("SELECT * FROM slack_thread WHERE conversation_id = $1" + (" FOR UPDATE" if lock else ""), conversation_id)
    return _thread(row) if row else None


async def thread_at(conn: Connection, channel: str, ts: str) -> Thread | None:
    """The thread that begins with this post."""
    row = await conn.fetchrow("SELECT * FROM slack_thread WHERE channel = $1 AND ts = $2", channel, ts)
    return _thread(row) if row else None


async def open_thread(conn: Connection, conversation_id: ConversationId, channel: str, *, now: datetime) -> None:
    """Decide where a conversation goes; one that has a thread keeps it."""
    await conn.execute(
        "INSERT INTO slack_thread (conversation_id, channel, opened_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        conversation_id,
        channel,
        now,
    )


async def move_thread(conn: Connection, conversation_id: ConversationId, channel: str, *, now: datetime) -> None:
    """Begin the thread anew, in this channel: its first post shall be posted again, what was shown stays where it was."""
    await conn.execute("UPDATE slack_thread SET channel = $2, ts = NULL WHERE conversation_id = $1", conversation_id, channel)
    # A new id, since the old first post may still stand somewhere and would be found by a look-up.
    await conn.execute(
        """
        UPDATE slack_post SET id = $2, state = 'waiting', channel = NULL, ts = NULL, shown = NULL, run_after = $3, attempts = 0
        WHERE conversation_id = $1 AND kind = 'root'
        """,
        conversation_id,
        uuid7(),
        now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a conversation has to show, with digests that change when what should be shown does.

    root: of the first post, fields parted by "|": status, whose it is, put aside, stopped, unclear stop, then more.
    messages, notes: (id, digest, when); files: ids of kept files of the person's.
    """

    root: str
    messages: tuple[tuple[UUID, str, datetime], ...]
    notes: tuple[tuple[UUID, str, datetime], ...]
    files: tuple[tuple[UUID, datetime], ...]


LATEST = 30  # messages a thread begins with at most; older ones are read in the hub


async def to_show(conn: Connection, conversation_id: ConversationId, *, opened_at: datetime) -> Shown:
    """All of a conversation that belongs into its thread: the latest messages when it began, and everything since."""
    root = await conn.fetchval(
        """
        SELECT concat_ws('|', c.status, coalesce(c.assigned_to::text, ''), c.snoozed_at IS NOT NULL, EXISTS (
            SELECT 1 FROM suppression u WHERE u.lifted_at IS NULL AND (u.contact_id = c.contact_id OR u.address_hash IN (
                SELECT i.address_hash FROM identity i WHERE i.contact_id = c.contact_id))),
            c.stop_unclear, coalesce(c.snoozed_until::text, ''), left(md5(coalesce(p.display_name, '')), 8))
        FROM conversation c JOIN contact p ON p.id = c.contact_id WHERE c.id = $1
        """,
        conversation_id,
    )
    messages = await conn.fetch(
        """
        SELECT m.id, m.created_at, concat_ws('|', coalesce(m.status, 'in'), m.error_code, left(md5(m.body), 8), (
            SELECT string_agg(a.state, ',' ORDER BY a.position) FROM attachment a WHERE a.message_id = m.id),
            CASE WHEN m.detail ? 'taken_back' THEN 'gone' END) AS digest
        FROM message m WHERE m.conversation_id = $1 AND coalesce(m.kind, '') <> 'MKT'
          AND NOT EXISTS (SELECT 1 FROM note n WHERE n.sent_message_id = m.id AND n.source = 'slack')
          AND (m.created_at >= $2 OR m.id IN (SELECT x.id FROM message x WHERE x.conversation_id = $1 ORDER BY x.id DESC LIMIT $3))
        ORDER BY m.id
        """,
        conversation_id,
        opened_at,
        LATEST,
    )
    notes = await conn.fetch(
        """
        SELECT n.id, n.created_at, concat_ws('|', n.version, n.deleted_at IS NOT NULL, left(md5(n.body), 8), m.status, m.error_code, (
            SELECT string_agg(f.state, ',' ORDER BY f.position) FROM note_file f WHERE f.note_id = n.id)) AS digest
        FROM note n LEFT JOIN message m ON m.id = n.sent_message_id WHERE n.conversation_id = $1 AND n.created_at >= $2 ORDER BY n.id
        """,
        conversation_id,
        opened_at,
    )
    files = await conn.fetch(
        """
        SELECT a.id, m.created_at FROM attachment a JOIN message m ON m.id = a.message_id
        WHERE m.conversation_id = $1 AND a.state = 'stored' AND m.created_at >= $2 ORDER BY a.id
        """,
        conversation_id,
        opened_at,
    )
    return Shown(
        root=root or "",
        messages=tuple((r["id"], r["digest"], r["created_at"]) for r in messages),
        notes=tuple((r["id"], r["digest"], r["created_at"]) for r in notes),
        files=tuple((r["id"], r["created_at"]) for r in files),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One thing that shall stand in a thread. subject: what it shows; digest: of how it should look just now."""

    kind: str
    subject: UUID | None
    digest: str
    at: datetime


async def want(conn: Connection, conversation_id: ConversationId, wanted: Sequence[Wanted], *, now: datetime) -> None:
    """Add what has no post yet, and note for what has one, or is told in another's, that it shall look otherwise."""
    await conn.execute(
        """
        INSERT INTO slack_post AS p (id, conversation_id, kind, subject, at, wanted, run_after)
        SELECT id, $2, kind, subject, at, digest, $3 FROM unnest($1::uuid[], $4::text[], $5::uuid[], $6::timestamptz[], $7::text[])
            WITH ORDINALITY AS n(id, kind, subject, at, digest, place) ORDER BY place
        ON CONFLICT (conversation_id, kind, subject) WHERE kind <> 'line'
        DO UPDATE SET wanted = excluded.wanted, run_after = CASE WHEN p.state = 'posted' THEN $3 ELSE p.run_after END
        WHERE p.wanted <> excluded.wanted
        """,
        [uuid7() for _ in wanted],
        conversation_id,
        now,
        [w.kind for w in wanted],
        [w.subject for w in wanted],
        [w.at for w in wanted],
        [w.digest for w in wanted],
    )
    await conn.execute(
        """
        WITH changed AS (
            UPDATE slack_post SET shown = wanted WHERE conversation_id = $1 AND state = 'carried' AND shown IS DISTINCT FROM wanted
            RETURNING carried_by
        )
        UPDATE slack_post SET wanted = wanted || '+', run_after = $2 WHERE id IN (SELECT carried_by FROM changed) AND state = 'posted'
        """,
        conversation_id,
        now,
    )


async def say(
    conn: Connection,
    conversation_id: ConversationId,
    code: str,
    *,
    now: datetime,
    subject: UUID | None = None,
    about: str | None = None,
) -> None:
    """Add a line to a thread, if the conversation has one; one about the same thing is added once."""
    await conn.execute(
        """
        INSERT INTO slack_post (id, conversation_id, kind, subject, code, about, at, run_after)
        SELECT $1, t.conversation_id, 'line', $3, $4, $5, $6, $6 FROM slack_thread t WHERE t.conversation_id = $2
        ON CONFLICT (conversation_id, code, subject) WHERE kind = 'line' AND subject IS NOT NULL DO NOTHING
        """,
        uuid7(),
        conversation_id,
        subject,
        code,
        about,
        now,
    )


async def deserves_thread(conn: Connection, conversation_id: ConversationId) -> bool:
    """Whether the person has written since Slack was switched on; older conversations stay in the hub until they do."""
    return bool(
        await conn.fetchval(
            "SELECT EXISTS (SELECT 1 FROM message m, slack_switch s WHERE m.conversation_id = $1 AND m.direction = 'inbound'"
            " AND m.created_at >= s.since)",
            conversation_id,
        )
    )


async def root_shown(conn: Connection, conversation_id: ConversationId) -> str | None:
    """The digest the first post was last asked to show; None before there is one."""
    value: str | None = await conn.fetchval("SELECT wanted FROM slack_post WHERE conversation_id = $1 AND kind = 'root'", conversation_id)
    return value


async def of_note(conn: Connection, channel: str, ts: str) -> UUID | None:
    """The note a colleague's words in Slack became."""
    value: UUID | None = await conn.fetchval("SELECT note_id FROM slack_note WHERE channel = $1 AND ts = $2", channel, ts)
    return value


async def keep_note(conn: Connection, channel: str, ts: str, note_id: UUID) -> None:
    """Remember which words in Slack a note was. Raises asyncpg.UniqueViolationError for words kept already."""
    await conn.execute("INSERT INTO slack_note (channel, ts, note_id) VALUES ($1, $2, $3)", channel, ts, note_id)
