"""Two contacts found to be one person, and parted again: who had what is written down before anything moves.

Moves rows and nothing else; which stops and flags both keep is decided by `hub.people.merge`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from hub.model.ids import ContactId, ConversationId
from hub.store import consents
from hub.store.pool import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The flags of a contact that a merge must not soften."""

    id: ContactId
    merged_into: UUID | None
    restricted: bool
    erasure: str
    deceased: bool
    birth_date: date | None
    age_confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """A merge that stands."""

    id: UUID
    kept_id: ContactId
    merged_id: ContactId
    merged_at: datetime


async def people(conn: Connection, ids: Sequence[UUID]) -> dict[UUID, Person]:
    """The contacts as they are; the caller holds their locks."""
    rows = await conn.fetch(
        "SELECT id, merged_into, restricted, erasure, deceased, birth_date, age_confirmed FROM contact WHERE id = ANY($1)", list(ids)
    )
    return {r["id"]: Person(**dict(r.items())) for r in rows}


async def set_flags(conn: Connection, person: Person) -> None:
    """Write the flags as they shall stand."""
    await conn.execute(
        "UPDATE contact SET restricted = $2, erasure = $3, deceased = $4, birth_date = $5, age_confirmed = $6 WHERE id = $1",
        person.id,
        person.restricted,
        person.erasure,
        person.deceased,
        person.birth_date,
        person.age_confirmed,
    )


async def standing(conn: Connection, merged_id: UUID) -> Merge | None:
    """The merge that took this contact away, if it is."""
    row = await conn.fetchrow(
        "SELECT id, kept_id, merged_id, merged_at FROM contact_merge WHERE merged_id = $1 AND unmerged_at IS NULL", merged_id
    )
    return Merge(**dict(row.items())) if row else None


async def together(conn: Connection, contact_id: UUID) -> list[UUID]:
    """The contact that stands for this person, then everybody merged into it, however often."""
    rows = await conn.fetch(
        """
        WITH RECURSIVE up AS (
            SELECT id, merged_into, 0 AS depth FROM contact WHERE id = $1
            UNION ALL SELECT c.id, c.merged_into, up.depth + 1 FROM contact c JOIN up ON c.id = up.merged_into
        ), down AS (
            SELECT id FROM up WHERE merged_into IS NULL
            UNION ALL SELECT c.id FROM contact c JOIN down ON c.merged_into = down.id
        ) SELECT id FROM down
        """,
        contact_id,
    )
    return [r["id"] for r in rows]


async def begin(conn: Connection, merge: Merge, *, by: str) -> list[ConversationId]:
    """Write down who has what, then move it to the kept contact. The conversations that moved."""
    await conn.execute(
        "INSERT INTO contact_merge (id, kept_id, merged_id, merged_at, merged_by) VALUES ($1, $2, $3, $4, $5)",
        merge.id, merge.kept_id, merge.merged_id, merge.merged_at, by,
    )  # fmt: skip
    await conn.execute(_NOTE, merge.id, merge.merged_id, merge.kept_id)
    await _pass_proofs(conn, merge, to_kept=True)
    moved = await _items(conn, merge.id, "conversation")
    await conn.execute("UPDATE identity SET contact_id = $2 WHERE id = ANY($1)", await _items(conn, merge.id, "identity"), merge.kept_id)
    await _move_conversations(conn, moved, merge.kept_id)
    await consents.move(conn, await _items(conn, merge.id, "consent"), merge.kept_id)
    await conn.execute("UPDATE contact SET merged_into = $2 WHERE id = $1", merge.merged_id, merge.kept_id)
    return [ConversationId(i) for i in moved]


# An address both have stays where it is on either side; only its proof passes over.
_NOTE = """
INSERT INTO contact_merge_item (merge_id, kind, ref)
SELECT $1::uuid, 'identity', i.id FROM identity i WHERE i.contact_id = $2 AND NOT EXISTS (
    SELECT 1 FROM identity k WHERE k.contact_id = $3 AND k.channel = i.channel AND k.address_hash = i.address_hash)
UNION ALL
SELECT $1::uuid, 'verified', i.id FROM identity i WHERE i.contact_id = $2 AND i.verified AND EXISTS (
    SELECT 1 FROM identity k WHERE k.contact_id = $3 AND k.channel = i.channel AND k.address_hash = i.address_hash)
UNION ALL SELECT $1::uuid, 'conversation', c.id FROM conversation c WHERE c.contact_id = $2
UNION ALL SELECT DISTINCT $1::uuid, 'consent', e.consent_id FROM consent_event e WHERE e.contact_id = $2
"""


async def _pass_proofs(conn: Connection, merge: Merge, *, to_kept: bool) -> None:
    """An address is proven once per channel, so the proof moves between the two rows that name it."""
    proofs = await _items(conn, merge.id, "verified")
    pairs = await conn.fetch(
        """
        SELECT i.id AS theirs, k.id AS ours FROM identity i
        JOIN identity k ON k.contact_id = $2 AND k.channel = i.channel AND k.address_hash = i.address_hash
        WHERE i.id = ANY($1)
        """,
        proofs,
        merge.kept_id,
    )
    for taken, given in (("theirs", "ours"),) if to_kept else (("ours", "theirs"),):
        await conn.execute("UPDATE identity SET verified = false WHERE id = ANY($1)", [p[taken] for p in pairs])
        await conn.execute("UPDATE identity SET verified = true WHERE id = ANY($1)", [p[given] for p in pairs])


async def end(conn: Connection, merge: Merge, *, by: str, now: datetime) -> list[ConversationId]:
    """Give the merged contact back what it had, and the threads its own addresses began since. The conversations that moved."""
    began = await conn.fetch(_BEGAN, merge.kept_id, merge.merged_at, await _items(conn, merge.id, "identity"))
    moved = [*await _items(conn, merge.id, "conversation"), *(r["id"] for r in began)]
    # What has since become the same address as one the merged contact still has stays with the kept one.
    await conn.execute(
        """
        UPDATE identity i SET contact_id = $2 WHERE i.id = ANY($1) AND NOT EXISTS (
            SELECT 1 FROM identity k WHERE k.contact_id = $2 AND k.channel = i.channel AND k.address_hash = i.address_hash)
        """,
        await _items(conn, merge.id, "identity"),
        merge.merged_id,
    )
    await _pass_proofs(conn, merge, to_kept=False)
    await _move_conversations(conn, moved, merge.merged_id)
    await consents.move(conn, await _items(conn, merge.id, "consent"), merge.merged_id)
    await conn.execute("UPDATE contact SET merged_into = NULL WHERE id = $1", merge.merged_id)
    await conn.execute("UPDATE contact_merge SET unmerged_at = $2, unmerged_by = $3 WHERE id = $1", merge.id, now, by)
    return [ConversationId(i) for i in moved]


# Threads of the kept contact since the merge that only the merged contact's own addresses wrote in.
_BEGAN = """
SELECT c.id FROM conversation c
WHERE c.contact_id = $1 AND c.created_at >= $2
  AND EXISTS (SELECT 1 FROM message m WHERE m.conversation_id = c.id AND m.direction = 'inbound' AND m.identity_id = ANY($3))
  AND NOT EXISTS (SELECT 1 FROM message m WHERE m.conversation_id = c.id AND m.direction = 'inbound'
                  AND (m.identity_id IS NULL OR NOT m.identity_id = ANY($3)))
  AND NOT EXISTS (SELECT 1 FROM contact_merge_item t JOIN contact_merge g ON g.id = t.merge_id
                  WHERE t.kind = 'conversation' AND t.ref = c.id AND g.unmerged_at IS NULL)
"""


async def _items(conn: Connection, merge_id: UUID, kind: str) -> list[UUID]:
    rows: list[Row] = await conn.fetch("SELECT ref FROM contact_merge_item WHERE merge_id = $1 AND kind = $2 ORDER BY ref", merge_id, kind)
    return [r["ref"] for r in rows]


async def _move_conversations(conn: Connection, ids: Sequence[UUID], contact_id: UUID) -> None:
    """With all that was said in them; threads before messages, each by id."""
    await conn.execute("SELECT 1 FROM conversation WHERE id = ANY($1) ORDER BY id FOR UPDATE", list(ids))
    await conn.execute("SELECT 1 FROM message WHERE conversation_id = ANY($1) ORDER BY id FOR UPDATE", list(ids))
    await conn.execute("UPDATE conversation SET contact_id = $2 WHERE id = ANY($1)", list(ids), contact_id)
    await conn.execute("UPDATE message SET contact_id = $2 WHERE conversation_id = ANY($1)", list(ids), contact_id)
