"""Staff find that two contacts are one person, or that they were two after all.

The union of the stops covers both from the merge on, and goes on covering both when it is undone; so does the stricter
of their flags. Never decides by itself that two are one, and never lifts anything.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from hub.model.audit import AuditEvent
from hub.model.consent import ConsentAct, ConsentEvent
from hub.model.ids import ContactId, uuid7
from hub.policy.consent import ADULT, age_on
from hub.store import audit, consents, live, merges, objections, suppressions
from hub.store import people as people_store
from hub.store.merges import Merge, Person
from hub.store.pool import Connection

_ERASURE = ("none", "pending", "done")


class CannotMerge(Exception):
    """The two cannot be joined, or parted; the message is a sentence for the person who asked."""


async def merge(conn: Connection, *, kept: ContactId, merged: ContactId, now: datetime, actor: str, reason: str | None = None) -> UUID:
    """Join `merged` into `kept`, in the caller's transaction; the merge's id, which `unmerge` takes. Raises CannotMerge."""
    if kept == merged:
        raise CannotMerge("This is one contact already.")
    await people_store.lock_reach(conn, [kept, merged], [])
    found = await merges.people(conn, [kept, merged])
    if len(found) < 2:
        raise CannotMerge("One of these contacts does not exist.")
    _refuse_gone(found[kept], found[merged])
    await _share(conn, found[kept], found[merged], actor=actor, now=now)
    await _stricter(conn, found[kept], found[merged], now=now)
    joined = Merge(id=uuid7(), kept_id=kept, merged_id=merged, merged_at=now)
    moved = await merges.begin(conn, joined, by=actor)
    await consents.recount(conn, [kept])
    await _note(conn, "contact.merged", joined, now=now, actor=actor, reason=reason)
    await live.notify(conn, moved)
    return joined.id


async def unmerge(conn: Connection, merged: ContactId, *, now: datetime, actor: str, reason: str | None = None) -> ContactId:
    """Part them again, in the caller's transaction; the contact it was merged into. Both keep every stop. Raises CannotMerge."""
    joined = await merges.standing(conn, merged)
    if joined is None:
        raise CannotMerge("This contact is not merged into another.")
    await people_store.lock_reach(conn, [joined.kept_id, merged], [])
    found = await merges.people(conn, [joined.kept_id, merged])
    kept = found[joined.kept_id]
    if found[merged].merged_into != kept.id:
        raise CannotMerge("Somebody has just parted these two.")
    if kept.merged_into is not None:
        raise CannotMerge("The contact it went into was itself merged since: undo that merge first.")
    if kept.erasure == "done":
        raise CannotMerge("This person was erased: there is nothing left to part.")
    # What stands against the one by an address of the other must be shared before the address leaves.
    before = await consents.ended(conn, [kept.id])
    await _share(conn, kept, found[merged], actor=actor, now=now)
    await _stricter(conn, kept, found[merged], now=now)
    moved = await merges.end(conn, joined, by=actor, now=now)
    await consents.recount(conn, [kept.id, merged])
    await _stay_ended(conn, before, [kept.id, merged], now=now, actor=actor)
    await _note(conn, "contact.unmerged", joined, now=now, actor=actor, reason=reason)
    await live.notify(conn, moved)
    return kept.id


def _refuse_gone(*people: Person) -> None:
    for person in people:
        if person.merged_into is not None:
            raise CannotMerge("One of these contacts was merged into another before.")
        if person.erasure == "done":
            raise CannotMerge("One of these people was erased.")


async def _share(conn: Connection, kept: Person, merged: Person, *, actor: str, now: datetime) -> None:
    """Both ways while the two are one; when they part, the kept one has everything already, and its own acts besides."""
    new = await suppressions.share(conn, kept.id, merged.id, now=now)
    if merged.merged_into is None:
        new += await suppressions.share(conn, merged.id, kept.id, now=now)
    told = await objections.share(conn, kept.id, merged.id, now=now)
    if merged.merged_into is None:
        told += await objections.share(conn, merged.id, kept.id, now=now)
    events = [AuditEvent(at=now, actor=actor, action="suppression.added", object=f"suppression:{i}", reason="merge") for i in new]
    events += [AuditEvent(at=now, actor=actor, action="objection.added", object=f"objection:{i}", reason="merge") for i in told]
    await audit.append(conn, events)


async def _stricter(conn: Connection, one: Person, other: Person, *, now: datetime) -> None:
    """Restriction, a wish to be erased, death and youth hold for both, until each is lifted by its own rule."""
    both = (one, other)
    young = [p.birth_date for p in both if p.birth_date is not None and age_on(now.date(), p.birth_date) < ADULT]
    for person in both:
        birth = max(young) if young else person.birth_date
        doubtful = None not in (one.birth_date, other.birth_date) and one.birth_date != other.birth_date
        await merges.set_flags(
            conn,
            replace(
                person,
                restricted=one.restricted or other.restricted,
                erasure=max((one.erasure, other.erasure), key=_ERASURE.index),
                deceased=one.deceased or other.deceased,
                birth_date=birth,
                age_confirmed=person.age_confirmed and not doubtful,
            ),
        )


async def _stay_ended(conn: Connection, before: set[UUID], people: list[ContactId], *, now: datetime, actor: str) -> None:
    """A refusal of the one ended consents of the other; parted, these must not come back to life (policy §5)."""
    revived = before - await consents.ended(conn, people)
    if not revived:
        return
    lives: dict[UUID, ConsentEvent] = {}
    for events in (await consents.of_contacts(conn, people)).values():
        lives |= {e.consent_id: e for e in events if e.consent_id in revived}
    endings = [
        replace(e, id=uuid7(), event=ConsentAct.INVALIDATED, occurred_at=now, recorded_at=now, source="unmerge", actor=actor)
        for e in lives.values()
    ]
    await consents.record(conn, endings)
    await audit.append(
        conn,
        [
            AuditEvent(at=now, actor=actor, action="consent.invalidated", object=f"consent:{e.consent_id}", reason="unmerge")
            for e in endings
        ],
    )


async def _note(conn: Connection, action: str, joined: Merge, *, now: datetime, actor: str, reason: str | None) -> None:
    detail = {"merge": str(joined.id), "into": str(joined.kept_id)}
    event = AuditEvent(at=now, actor=actor, action=action, object=f"contact:{joined.merged_id}", reason=reason, detail=detail)
    await audit.append(conn, [event])
