"""Taking a person's own words and names out of the store. What proves our conduct stays, without a name (policy §4.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from hub.store import address_changes
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Emptied:
    """How much went. files: SHA-256 of stored files nobody else refers to, for the caller to delete from the disk."""

    messages: int
    attachments: int
    identities: int
    files: tuple[bytes, ...]


async def empty(conn: Connection, people: Sequence[UUID]) -> Emptied:
    """Blank all that these contacts said and were called; the caller holds their locks.

    The rows of messages stay, as campaigns count them and decisions name them; their texts go, and so do provider ids of
    inbound messages, since some hold a phone number. The journal's raw bodies go too.
    """
    threads = [r["id"] for r in await conn.fetch("SELECT id FROM conversation WHERE contact_id = ANY($1) ORDER BY id FOR UPDATE", people)]
    await conn.execute("SELECT 1 FROM message WHERE conversation_id = ANY($1) ORDER BY id FOR UPDATE", threads)
    files = [*await conn.fetch(_ATTACHMENTS, threads), *await conn.fetch(_NOTE_FILES, threads)]
    await conn.execute(_NOTES, threads)
    await conn.execute(_MAILS, threads)
    await conn.execute(_JOURNAL, threads)
    await address_changes.forget(conn, people)
    await conn.execute(
        "DELETE FROM outbox WHERE ref IN (SELECT id FROM message WHERE conversation_id = ANY($1)) OR ref = ANY($2)",
        threads,
        [f["id"] for f in files],
    )
    messages = await conn.fetch(_MESSAGES, threads)
    identities = await conn.fetch(
        "UPDATE identity SET address = NULL, verified = false WHERE contact_id = ANY($1) AND address IS NOT NULL RETURNING id", people
    )
    await conn.execute(
        "UPDATE conversation SET status = 'resolved', assigned_to = NULL, unread = 0, stop_unclear = false, snoozed_at = NULL,"
        " snoozed_until = NULL WHERE id = ANY($1)",
        threads,
    )
    await conn.execute("UPDATE consent_event SET ip_truncated = NULL, ua_family = NULL WHERE contact_id = ANY($1)", people)
    await conn.execute(
        "UPDATE contact SET display_name = NULL, locale = NULL, birth_date = NULL, age_confirmed = false, erasure = 'done'"
        " WHERE id = ANY($1)",
        people,
    )
    orphans = await conn.fetch(
        "SELECT h FROM unnest($1::bytea[]) AS h WHERE NOT EXISTS (SELECT 1 FROM attachment a WHERE a.sha256 = h)"
        " AND NOT EXISTS (SELECT 1 FROM note_file f WHERE f.sha256 = h)",
        sorted({f["sha256"] for f in files if f["sha256"] is not None}),
    )
    return Emptied(messages=len(messages), attachments=len(files), identities=len(identities), files=tuple(bytes(o["h"]) for o in orphans))


_ATTACHMENTS = """
DELETE FROM attachment WHERE message_id IN (SELECT id FROM message WHERE conversation_id = ANY($1)) RETURNING id, sha256
"""
_NOTE_FILES = """
DELETE FROM note_file WHERE note_id IN (SELECT id FROM note WHERE conversation_id = ANY($1)) RETURNING id, sha256
"""
_NOTES = """
WITH emptied AS (UPDATE note SET body = '' WHERE conversation_id = ANY($1) RETURNING id)
DELETE FROM note_version WHERE note_id IN (SELECT id FROM emptied)
"""
_MESSAGES = """
UPDATE message SET body = '', detail = NULL, status = CASE WHEN status = 'queued' THEN 'cancelled' ELSE status END,
    provider_message_id = CASE WHEN direction = 'inbound' THEN NULL ELSE provider_message_id END
WHERE conversation_id = ANY($1) RETURNING id
"""
_MAILS = "DELETE FROM mail WHERE message_id IN (SELECT id FROM message WHERE conversation_id = ANY($1))"
# A request that also brought an event nobody could process yet is kept for its replay, its 14 days at most.
_JOURNAL = """
WITH mine AS (
    SELECT DISTINCT coalesce(e.request_of, e.id) AS id FROM inbound_event e
    JOIN message m ON m.account_id = e.account_id AND m.provider_message_id = e.provider_event_id
    WHERE m.conversation_id = ANY($1) AND m.direction = 'inbound'
)
UPDATE inbound_event r SET body = NULL, request = NULL FROM mine
WHERE r.id = mine.id AND r.state <> 'failed'
  AND NOT EXISTS (SELECT 1 FROM inbound_event f WHERE f.request_of = r.id AND f.state = 'failed')
"""
