"""What a person's panel needs to know of their wishes: objections with who wrote them down, stops that wait for somebody to
judge the words, and who else may be the same person. Lifts provisional stops only, and never one that has become permanent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from hub.model.address import Channel
from hub.model.ids import ContactId, ConversationId
from hub.model.sealed import Sealed
from hub.store.pool import Connection

PERMANENT_AFTER: Final = timedelta(days=30)  # a provisional stop nobody judged stays for good (policy §3.6)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionRow:
    """One objection, standing or taken back. recorder: the colleague who wrote it down; None where the person's own words did."""

    about: str
    occurred_at: datetime
    recorder: str | None
    withdrawn_at: datetime | None


async def objections_of(conn: Connection, contact_id: ContactId) -> list[ObjectionRow]:
    """All of one person, newest first, those taken back too."""
    rows = await conn.fetch(
        """
        SELECT o.about, o.occurred_at, s.name AS recorder, o.withdrawn_at
        FROM objection o LEFT JOIN staff s ON o.recorded_by = 'staff:' || s.id::text
        WHERE o.contact_id = $1 ORDER BY o.occurred_at DESC, o.id DESC
        """,
        contact_id,
    )
    return [ObjectionRow(**dict(r.items())) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """A provisional stop nobody judged yet. id: one of its rows, which names it in a form.

    permanent_at: from when on it can only be confirmed. said_on: None when no message said it.
    """

    id: UUID
    occurred_at: datetime
    permanent_at: datetime
    said_on: Channel | None
    evidence_id: UUID | None
    words: Sealed[str] | None


# Against the person, or against any form of any address of theirs.
_THEIRS = """(x.contact_id = $1 OR x.address_hash IN (
    SELECT unnest(a.aliases || a.hash) FROM identity i JOIN address a ON a.hash = i.address_hash WHERE i.contact_id = $1))"""


async def waiting(conn: Connection, contact_id: ContactId) -> list[WaitingRow]:
    """What somebody must still judge about one person, oldest first."""
    rows = await conn.fetch(
        f"""
        SELECT (array_agg(x.id ORDER BY x.id))[1] AS id, x.occurred_at, min(x.recorded_at) AS recorded_at,
               min(m.channel) AS said_on, x.evidence_id, min(m.body) AS words
        FROM suppression x LEFT JOIN message m ON m.id = x.evidence_id AND m.direction = 'inbound'
        WHERE x.provisional AND x.lifted_at IS NULL AND {_THEIRS}
        GROUP BY x.occurred_at, x.source, x.evidence_id ORDER BY x.occurred_at, 1
        """,
        contact_id,
    )
    return [
        WaitingRow(
            id=r["id"],
            occurred_at=r["occurred_at"],
            permanent_at=r["recorded_at"] + PERMANENT_AFTER,
            said_on=Channel(r["said_on"]) if r["said_on"] else None,
            evidence_id=r["evidence_id"],
            words=Sealed(r["words"]) if r["words"] else None,
        )
        for r in rows
    ]


async def same_words(conn: Connection, contact_id: ContactId, stop_id: UUID) -> list[UUID]:
    """All provisional rows that the words behind this one wrote, locked; none where it is judged, definite or another's.

    The caller holds the locks of `people.lock_reach`.
    """
    rows = await conn.fetch(
        f"""
        WITH one AS (
            SELECT x.* FROM suppression x
            WHERE x.id = $2 AND x.provisional AND x.lifted_at IS NULL AND {_THEIRS}
        )
        SELECT x.id FROM suppression x, one
        WHERE x.provisional AND x.lifted_at IS NULL AND x.source = one.source AND x.occurred_at = one.occurred_at
          AND (x.evidence_id = one.evidence_id OR (x.evidence_id IS NULL AND one.evidence_id IS NULL AND {_THEIRS}))
        ORDER BY x.id FOR UPDATE OF x
        """,
        contact_id,
        stop_id,
    )
    return [r["id"] for r in rows]


async def make_final(conn: Connection, ids: Sequence[UUID]) -> None:
    """Somebody judged that these were meant."""
    await conn.execute("UPDATE suppression SET provisional = false WHERE id = ANY($1)", list(ids))


async def lift_provisional(conn: Connection, ids: Sequence[UUID], *, by: str, now: datetime) -> list[UUID]:
    """Somebody judged that these words were no stop; the lifted ids. A definite one is left as it is, whatever is asked."""
    rows = await conn.fetch(
        "UPDATE suppression SET lifted_at = $2, lifted_by = $3 WHERE id = ANY($1) AND provisional AND lifted_at IS NULL RETURNING id",
        list(ids),
        now,
        by,
    )
    return [r["id"] for r in rows]


async def stand_again(conn: Connection, contact_id: ContactId, stop_id: UUID) -> list[UUID]:
    """Undo such a lift of a colleague's: the rows the same act lifted stand as before, and wait to be judged. Their ids."""
    rows = await conn.fetch(
        f"""
        WITH one AS (
            SELECT x.* FROM suppression x WHERE x.id = $2 AND x.provisional AND x.lifted_by LIKE 'staff:%' AND {_THEIRS}
        )
        UPDATE suppression x SET lifted_at = NULL, lifted_by = NULL FROM one
        WHERE x.provisional AND x.lifted_at = one.lifted_at AND x.lifted_by = one.lifted_by RETURNING x.id
        """,
        contact_id,
        stop_id,
    )
    return [r["id"] for r in rows]


async def no_longer_unclear(conn: Connection, evidence_id: UUID | None) -> None:
    """The conversation in which the judged words stand asks nobody any more."""
    await conn.execute(
        "UPDATE conversation SET stop_unclear = false WHERE stop_unclear AND id = (SELECT conversation_id FROM message WHERE id = $1)",
        evidence_id,
    )


async def conversations_of(conn: Connection, contact_id: ContactId) -> list[ConversationId]:
    """Every conversation of the person: open pages that show one of them are told."""
    rows = await conn.fetch("SELECT id FROM conversation WHERE contact_id = $1", contact_id)
    return [ConversationId(r["id"]) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Double:
    """Somebody who may be the same person: an address the one typed is proven to be the other's. merged: is joined already."""

    id: ContactId
    name: Sealed[str] | None
    address: Sealed[str] | None
    merged: bool


async def doubles(conn: Connection, contact_id: ContactId) -> list[Double]:
    """At most five candidates, and whoever was joined into this contact."""
    rows = await conn.fetch(
        """
        SELECT c.id, c.display_name, (SELECT i.address FROM identity i WHERE i.contact_id = c.id AND i.address IS NOT NULL
                                      ORDER BY i.verified DESC, i.last_seen_at DESC, i.id LIMIT 1) AS address, f.merged
        FROM (
            SELECT c.id, true AS merged FROM contact c WHERE c.merged_into = $1
            UNION ALL
            (SELECT DISTINCT o.contact_id, false FROM identity i
             JOIN identity o ON o.address_hash = i.address_hash AND o.contact_id <> i.contact_id AND o.verified <> i.verified
             JOIN contact c ON c.id = o.contact_id AND c.merged_into IS NULL AND c.erasure <> 'done'
             WHERE i.contact_id = $1 LIMIT 5)
        ) f JOIN contact c ON c.id = f.id ORDER BY f.merged, c.id
        """,
        contact_id,
    )
    return [
        Double(
            id=ContactId(r["id"]),
            name=Sealed(r["display_name"]) if r["display_name"] else None,
            address=Sealed(r["address"]) if r["address"] else None,
            merged=r["merged"],
        )
        for r in rows
    ]
