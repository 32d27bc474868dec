"""Files as staff fetch them: of a message or of a note, named by their id and the conversation they must belong to."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from hub.model.ids import ConversationId
from hub.model.sealed import Sealed
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file on our disk. sha256: its name there; mime_type: as its content was read, not as anybody claimed."""

    id: UUID
    name: Sealed[str] | None
    mime_type: str
    size: int
    sha256: bytes


async def find(conn: Connection, conversation_id: ConversationId, file_id: UUID) -> StoredFile | None:
    """The file, if it is kept and belongs to this conversation."""
    row = await conn.fetchrow(
        """
        SELECT a.id, a.file_name, a.mime_type, a.size, a.sha256 FROM attachment a JOIN message m ON m.id = a.message_id
        WHERE a.id = $2 AND m.conversation_id = $1 AND a.state = 'stored'
        UNION ALL
        SELECT f.id, f.file_name, f.mime_type, f.size, f.sha256 FROM note_file f JOIN note n ON n.id = f.note_id
        WHERE f.id = $2 AND n.conversation_id = $1 AND f.state = 'stored'
        """,
        conversation_id,
        file_id,
    )
    if row is None:
        return None
    return StoredFile(
        id=row["id"],
        name=Sealed(row["file_name"]) if row["file_name"] else None,
        mime_type=row["mime_type"],
        size=row["size"] or 0,
        sha256=bytes(row["sha256"]),
    )
