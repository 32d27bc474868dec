"""Files on messages: noted with the message, fetched later, found again by content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.model.ids import AccountId, MessageId
from hub.model.message import MediaRef
from hub.model.sealed import Sealed
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAttachment:
    id: UUID
    message_id: MessageId
    position: int
    media: MediaRef
    created_at: datetime


async def add(conn: Connection, attachments: Sequence[NewAttachment]) -> None:
    """Note files that are still with the provider, and those that came along and lie on our disk already."""
    if not attachments:
        return
    await conn.execute(
        """
        INSERT INTO attachment (id, message_id, position, mime_type, file_name, source_url, created_at, size, sha256, state)
        SELECT *, CASE WHEN sha256 IS NULL THEN 'pending' ELSE 'stored' END
        FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::bigint[],
                    $9::bytea[])
            AS n(id, message_id, position, mime_type, file_name, source_url, created_at, size, sha256)
        """,
        [a.id for a in attachments],
        [a.message_id for a in attachments],
        [a.position for a in attachments],
        [a.media.mime_type[:200] for a in attachments],
        [a.media.file_name.reveal() if a.media.file_name else None for a in attachments],
        [a.media.url.reveal() if a.media.url else a.media.provider_media_id for a in attachments],
        [a.created_at for a in attachments],
        [a.media.kept.size if a.media.kept else None for a in attachments],
        [a.media.kept.sha256 if a.media.kept else None for a in attachments],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A file still to be fetched, or None when it was settled meanwhile."""

    id: UUID
    account_id: AccountId
    media: MediaRef
    created_at: datetime


async def pending(conn: Connection, attachment_id: UUID) -> Pending | None:
    """What a fetch needs to know."""
    return await _at_provider(conn, attachment_id, "pending")


async def left_behind(conn: Connection, attachment_id: UUID) -> Pending | None:
    """A file that lies on our disk and is still with the provider; None where it is not."""
    return await _at_provider(conn, attachment_id, "stored")


async def _at_provider(conn: Connection, attachment_id: UUID, state: str) -> Pending | None:
    row = await conn.fetchrow(
        """
        SELECT a.id, a.mime_type, a.file_name, a.source_url, a.created_at, m.account_id
        FROM attachment a JOIN message m ON m.id = a.message_id
        WHERE a.id = $1 AND a.state = $2 AND (a.state = 'pending' OR a.source_url IS NOT NULL)
        """,
        attachment_id,
        state,
    )
    if row is None:
        return None
    source = row["source_url"] or ""
    is_url = source.startswith(("https://", "http://"))
    media = MediaRef(
        url=Sealed(source) if is_url else None,
        provider_media_id=None if is_url else source or None,
        mime_type=row["mime_type"],
        file_name=Sealed(row["file_name"]) if row["file_name"] else None,
    )
    return Pending(id=row["id"], account_id=row["account_id"], media=media, created_at=row["created_at"])


async def stored(conn: Connection, attachment_id: UUID, *, mime_type: str, size: int, sha256: bytes, keep_source: bool = False) -> bool:
    """The file lies on our disk now; False where it was taken back meanwhile. Where the provider keeps it is forgotten, unless
    it is still to be deleted there."""
    done = await conn.execute(
        "UPDATE attachment SET state = 'stored', mime_type = $2, size = $3, sha256 = $4,"
        " source_url = CASE WHEN $5 THEN source_url END"
        " WHERE id = $1 AND state = 'pending'",  # taken back meanwhile: stays so
        attachment_id,
        mime_type,
        size,
        sha256,
        keep_source,
    )
    return bool(done == "UPDATE 1")


async def forget_source(conn: Connection, attachment_id: UUID) -> None:
    """The provider keeps the file no longer, or may keep it."""
    await conn.execute("UPDATE attachment SET source_url = NULL WHERE id = $1", attachment_id)


async def refused(conn: Connection, attachment_id: UUID, reason: str) -> None:
    """The file was not fetched, and why: a constant, never the provider's words."""
    await conn.execute("UPDATE attachment SET state = 'refused', refusal = $2, source_url = NULL WHERE id = $1", attachment_id, reason)


async def conversation_of(conn: Connection, attachment_id: UUID) -> UUID | None:
    """The conversation whose page shows the file."""
    found: UUID | None = await conn.fetchval(
        "SELECT m.conversation_id FROM attachment a JOIN message m ON m.id = a.message_id WHERE a.id = $1", attachment_id
    )
    return found
