"""What people object to: added by what they say, to us or to staff, and withdrawn only by a recorded act of theirs (policy R21, R22)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.model.ids import uuid7
from hub.store.pool import Connection

# The judge's words (hub.policy.gates), which the table knows too; a test holds the two together.
ABOUT = frozenset(
    {"enquiry", "automation", "service", "care", "marketing", "profiling", "ads_match", "all", "promotion", "newsletter", "event"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewObjection:
    """source: "message", "staff", "merge". recorded_by: "person" or "staff:<uuid>". evidence_id: the message that said so."""

    contact_id: UUID
    about: str
    occurred_at: datetime
    source: str
    recorded_by: str
    evidence_id: UUID | None = None


async def add(conn: Connection, rows: Sequence[NewObjection], *, now: datetime) -> list[UUID]:
    """Write those that do not stand already; the new ids. The caller holds the locks of `people.lock_reach`.

    Raises asyncpg.CheckViolationError for a word the judge does not know.
    """
    if not rows:
        return []
    wanted = {(r.contact_id, r.about): r for r in rows}
    new = await conn.fetch(
        """
        INSERT INTO objection (id, contact_id, about, occurred_at, recorded_at, source, recorded_by, evidence_id)
        SELECT n.id, n.contact_id, n.about, n.at, $8, n.source, n.by, n.evidence
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::uuid[])
            AS n(id, contact_id, about, at, source, by, evidence)
        WHERE NOT EXISTS (
            SELECT 1 FROM objection o WHERE o.contact_id = n.contact_id AND o.about = n.about AND o.withdrawn_at IS NULL
        )
        RETURNING id
        """,
        [uuid7() for _ in wanted],
        [r.contact_id for r in wanted.values()],
        [r.about for r in wanted.values()],
        [r.occurred_at for r in wanted.values()],
        [r.source for r in wanted.values()],
        [r.recorded_by for r in wanted.values()],
        [r.evidence_id for r in wanted.values()],
        now,
    )
    return [r["id"] for r in new]


async def withdraw(conn: Connection, contact_id: UUID, about: str, *, said_at: datetime, by: str, now: datetime) -> list[UUID]:
    """The person takes back what they objected to before `said_at`; the ids. Rows stay, and say who took them back."""
    rows = await conn.fetch(
        """
        UPDATE objection SET withdrawn_at = $4, withdrawn_by = $5
        WHERE contact_id = $1 AND about = $2 AND occurred_at < $3 AND withdrawn_at IS NULL RETURNING id
        """,
        contact_id,
        about,
        said_at,
        now,
        by,
    )
    return [r["id"] for r in rows]


async def standing(conn: Connection, contact_ids: Iterable[UUID]) -> dict[UUID, tuple[str, ...]]:
    """What each of these people objects to now, in the judge's words; a person who objects to nothing is left out."""
    rows = await conn.fetch(
        "SELECT contact_id, array_agg(DISTINCT about ORDER BY about) AS about FROM objection"
        " WHERE contact_id = ANY($1) AND withdrawn_at IS NULL GROUP BY contact_id",
        list(contact_ids),
    )
    return {r["contact_id"]: tuple(r["about"]) for r in rows}


async def share(conn: Connection, giver: UUID, taker: UUID, *, now: datetime) -> list[UUID]:
    """Whatever the one objects to, the other does too: they were found to be one person, or parted again. The new ids."""
    rows = await conn.fetch(
        "SELECT about, occurred_at, evidence_id FROM objection WHERE contact_id = $1 AND withdrawn_at IS NULL ORDER BY occurred_at, id",
        giver,
    )
    given = [
        NewObjection(
            contact_id=taker,
            about=r["about"],
            occurred_at=r["occurred_at"],
            source="merge",
            recorded_by="person",
            evidence_id=r["evidence_id"],
        )
        for r in rows
    ]
    return await add(conn, given, now=now)
