"""Objections people write: they bind at once, in the transaction that stores the words (policy §4, R21).

Marketing can be objected to without any weighing, and that covers profiling and matching with adverts. What else an
objection may be about is for staff to read in the case it opens (hub.people.objecting).
"""

from __future__ import annotations

from hub.intake.writes import Placed, Writes
from hub.store import objections, people
from hub.store.objections import NewObjection
from hub.store.pool import Connection

AT_ONCE = ("marketing", "profiling", "ads_match")


async def record_objections(conn: Connection, writes: Writes) -> None:
    """Store what the placed messages object to; after the stops, whose locks these take again."""
    objecting = [p for p in writes.placed if p.signal.rights == "objection" and not p.other]
    if not objecting:
        return
    await people.lock_reach(conn, [p.contact_id for p in objecting], [h for p in objecting for h in p.hashes])
    rows = [_row(placed, about) for placed in objecting for about in AT_ONCE]
    for added in await objections.add(conn, rows, now=writes.now):
        writes.note("objection.added", f"objection:{added}", reason="message")


def _row(placed: Placed, about: str) -> NewObjection:
    return NewObjection(
        contact_id=placed.contact_id,
        about=about,
        occurred_at=placed.event.sent_at,
        source="message",
        recorded_by="person",
        evidence_id=placed.id,
    )
