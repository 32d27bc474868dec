"""What staff write down for a person who told them: an objection, its taking back, and that somebody is of age.

An objection is free and needs no reason (policy R21, R51). Taking one back needs the person's own act, as lifting a stop does.
"""

from __future__ import annotations

from datetime import datetime

from hub.model.audit import AuditEvent
from hub.model.ids import ContactId, StaffId
from hub.model.permission import Scope
from hub.store import audit, objections, suppressions
from hub.store import people as people_store
from hub.store.objections import ABOUT, NewObjection
from hub.store.pool import Connection
from hub.store.suppressions import NewSuppression

_ALL_MARKETING = frozenset({"marketing", "all"})


class CannotRecord(Exception):
    """It cannot be written down like that; the message is a sentence for the person who asked."""


async def object_for(conn: Connection, contact_id: ContactId, about: str, *, said_at: datetime, staff_id: StaffId, now: datetime) -> bool:
    """Record an objection made to staff, in the caller's transaction. False where it stands already. Raises CannotRecord.

    An objection to marketing, or to everything, is a stop of all marketing as well, so that it outlives the record (policy §3.6).
    """
    if about not in ABOUT:
        raise CannotRecord("The hub does not know what this objection is about.")
    if said_at > now:
        raise CannotRecord("This lies in the future: when did the person say it?")
    reach = await people_store.lock_reach(conn, [contact_id], [])
    by = f"staff:{staff_id}"
    row = NewObjection(contact_id=contact_id, about=about, occurred_at=said_at, source="staff", recorded_by=by)
    added = await objections.add(conn, [row], now=now)
    events = [AuditEvent(at=now, actor=by, action="objection.added", object=f"objection:{i}", reason=about) for i in added]
    if added and about in _ALL_MARKETING:
        held: list[tuple[bytes | None, int | None]] = [*sorted({(h, k) for h, _, k, _ in reach.addresses})]
        stops = [_stop(contact_id, said_at, h, k) for h, k in held or [(None, None)]]
        ids = await suppressions.add(conn, stops, now=now)
        events += [AuditEvent(at=now, actor=by, action="suppression.added", object=f"suppression:{i}", reason="objection") for i in ids]
    await audit.append(conn, events)
    return bool(added)


def _stop(contact_id: ContactId, said_at: datetime, address_hash: bytes | None, key_id: int | None) -> NewSuppression:
    return NewSuppression(
        address_hash=address_hash,
        key_id=key_id,
        contact_id=contact_id,
        scope=Scope.ALL_MARKETING,
        channel=None,
        occurred_at=said_at,
        source="staff",
    )


async def take_back(
    conn: Connection, contact_id: ContactId, about: str, *, said_at: datetime, evidence: str, staff_id: StaffId, now: datetime
) -> bool:
    """Record that the person took an objection back. evidence: "message:<uuid>" or where the paper is kept. Raises CannotRecord.

    Lifts no stop: a person who wants news again agrees anew (policy §3.7).
    """
    if not evidence.strip():
        raise CannotRecord("Say how the person took it back: only they can.")
    await people_store.lock_reach(conn, [contact_id], [])
    by = f"staff:{staff_id}"
    gone = await objections.withdraw(conn, contact_id, about, said_at=said_at, by=f"{by} on {evidence.strip()[:200]}", now=now)
    await audit.append(
        conn, [AuditEvent(at=now, actor=by, action="objection.withdrawn", object=f"objection:{i}", reason=about) for i in gone]
    )
    return bool(gone)


async def confirm_age(conn: Connection, contact_id: ContactId, *, staff_id: StaffId, now: datetime) -> bool:
    """Record that the person told staff they are 18 or over (policy R44). False where a birth date says otherwise, or it is known."""
    await people_store.lock_reach(conn, [contact_id], [])
    if not await people_store.confirm_age(conn, contact_id, today=now.date()):
        return False
    event = AuditEvent(at=now, actor=f"staff:{staff_id}", action="record.changed", object=f"contact:{contact_id}", reason="age_confirmed")
    await audit.append(conn, [event])
    return True
