"""Notes colleagues leave beside a conversation: written, changed with their history, marked as taken away.

Nothing of them is sent from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.model.ids import ConversationId, MessageId, StaffId, uuid7
from hub.model.sealed import Sealed
from hub.store.pool import Connection, Row
from hub.store.thread import FileRow, file_row

CLASSES = ("health", "administrative")  # policy R23: health unless somebody says otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRow:
    """One note. version: 1 until changed. deleted_at: set when taken away; its words are kept all the same (policy R53)."""

    id: UUID
    conversation_id: ConversationId
    body: Sealed[str]
    note_class: str
    source: str
    author_id: StaffId
    author: str
    version: int
    created_at: datetime
    changed_at: datetime | None
    deleted_at: datetime | None
    sent_message_id: MessageId | None
    files: tuple[FileRow, ...] = ()


_NOTES = """
SELECT n.id, n.conversation_id, n.body, n.class, n.source, n.written_by, s.name AS author, n.version, n.created_at, n.changed_at,
       n.deleted_at, n.sent_message_id, f.files
FROM note n JOIN staff s ON s.id = n.written_by
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(a.file_name, a.mime_type, a.size, a.state, a.refusal, a.id) ORDER BY a.position) AS files
    FROM note_file a WHERE a.note_id = n.id
) f ON true
"""


def _note(row: Row) -> NoteRow:
    return NoteRow(
        id=row["id"],
        conversation_id=ConversationId(row["conversation_id"]),
        body=Sealed(row["body"]),
        note_class=row["class"],
        source=row["source"],
        author_id=StaffId(row["written_by"]),
        author=row["author"],
        version=row["version"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        deleted_at=row["deleted_at"],
        sent_message_id=row["sent_message_id"],
        files=tuple(file_row(values) for values in row["files"] or ()),
    )


async def of_conversation(
    conn: Connection, conversation_id: ConversationId, *, since: datetime | None, until: datetime | None
) -> list[NoteRow]:
    """The notes of a conversation made from `since` (None: the first) to before `until` (None: the last), oldest first, 200 at most."""
    rows = await conn.fetch(
        _NOTES + "WHERE n.conversation_id = $1 AND ($2::timestamptz IS NULL OR n.created_at >= $2)"
        " AND ($3::timestamptz IS NULL OR n.created_at < $3) ORDER BY n.created_at DESC, n.id DESC LIMIT 200",
        conversation_id,
        since,
        until,
    )
    return [_note(r) for r in reversed(rows)]


async def one(conn: Connection, note_id: UUID, *, lock: bool = False) -> NoteRow | None:
    """One note; lock: for the caller to change."""
    row = await conn.fetchrow(_NOTES + "WHERE n.id = $1" + (" FOR UPDATE OF n" if lock else ""), note_id)
    return _note(row) if row else None


async def add(
    conn: Connection,
    conversation_id: ConversationId,
    body: Sealed[str],
    *,
    by: StaffId,
    source: str,
    now: datetime,
    note_class: str = "health",
) -> UUID:
    """Write a note down; its id."""
    note_id = uuid7()
    await conn.execute(
        "INSERT INTO note (id, conversation_id, class, body, source, written_by, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        note_id,
        conversation_id,
        note_class,
        body.reveal(),
        source,
        by,
        now,
    )
    return note_id


async def change(conn: Connection, note_id: UUID, body: Sealed[str], *, now: datetime) -> bool:
    """Put other words in their place and keep those that stood there. False when they are the same, or the note is gone."""
    before = await conn.fetchrow("SELECT body, version FROM note WHERE id = $1 AND deleted_at IS NULL FOR UPDATE", note_id)
    if before is None or before["body"] == body.reveal():
        return False
    await conn.execute(
        "INSERT INTO note_version (note_id, version, body, replaced_at) VALUES ($1, $2, $3, $4)",
        note_id,
        before["version"],
        before["body"],
        now,
    )
    await conn.execute("UPDATE note SET body = $2, version = version + 1, changed_at = $3 WHERE id = $1", note_id, body.reveal(), now)
    return True


async def delete(conn: Connection, note_id: UUID, *, now: datetime) -> bool:
    """Mark a note as taken away. False when it was already."""
    return bool(await conn.fetchval("UPDATE note SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL RETURNING true", note_id, now))


async def restore(conn: Connection, note_id: UUID) -> bool:
    """Bring back a note that was taken away. False when it was not."""
    return bool(await conn.fetchval("UPDATE note SET deleted_at = NULL WHERE id = $1 AND deleted_at IS NOT NULL RETURNING true", note_id))


async def words_before(conn: Connection, note_id: UUID) -> Sealed[str] | None:
    """What stood in a note before it was last changed; None where it never was."""
    body = await conn.fetchval("SELECT body FROM note_version WHERE note_id = $1 ORDER BY version DESC LIMIT 1", note_id)
    return Sealed(body) if body is not None else None


async def mark_sent(conn: Connection, note_id: UUID, message_id: MessageId) -> None:
    """Its words went to the person, as this message."""
    await conn.execute("UPDATE note SET sent_message_id = $2 WHERE id = $1", note_id, message_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file a colleague put beside a note. source_url: where it lies until it is fetched; refusal: why it never will be."""

    name: Sealed[str] | None
    mime_type: str
    source_url: Sealed[str] | None
    refusal: str | None = None


async def add_files(conn: Connection, note_id: UUID, files: list[NewFile], *, now: datetime) -> list[UUID]:
    """Note the files of a note; their ids, in order."""
    ids = [uuid7() for _ in files]
    await conn.executemany(
        """
        INSERT INTO note_file (id, note_id, position, file_name, mime_type, source_url, state, refusal, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $7::text IS NULL THEN 'pending' ELSE 'refused' END, $7, $8)
        """,
        [
            (i, note_id, n, f.name.reveal() if f.name else None, f.mime_type[:200], _url(f), f.refusal, now)
            for n, (i, f) in enumerate(zip(ids, files, strict=True))
        ],
    )
    return ids


def _url(file: NewFile) -> str | None:
    return file.source_url.reveal() if file.source_url is not None and file.refusal is None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingFile:
    """A file of a note that is still elsewhere."""

    id: UUID
    conversation_id: ConversationId
    url: Sealed[str]
    mime_type: str


async def pending_files(conn: Connection, *, limit: int) -> list[PendingFile]:
    """Files still to be fetched, oldest first."""
    rows = await conn.fetch(
        """
        SELECT f.id, n.conversation_id, f.source_url, f.mime_type FROM note_file f JOIN note n ON n.id = f.note_id
        WHERE f.state = 'pending' AND f.source_url IS NOT NULL ORDER BY f.id LIMIT $1
        """,
        limit,
    )
    return [
        PendingFile(id=r["id"], conversation_id=r["conversation_id"], url=Sealed(r["source_url"]), mime_type=r["mime_type"]) for r in rows
    ]


async def file_stored(conn: Connection, file_id: UUID, *, mime_type: str, size: int, sha256: bytes) -> None:
    """The file lies on our disk now."""
    await conn.execute(
        "UPDATE note_file SET state = 'stored', mime_type = $2, size = $3, sha256 = $4, source_url = NULL WHERE id = $1",
        file_id,
        mime_type,
        size,
        sha256,
    )


async def file_refused(conn: Connection, file_id: UUID, reason: str) -> None:
    """The file was not kept, and why: a constant."""
    await conn.execute("UPDATE note_file SET state = 'refused', refusal = $2, source_url = NULL WHERE id = $1", file_id, reason)
