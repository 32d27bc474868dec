"""Erasing a person, as far as the store goes: their words, names and addresses. Stops outlive it, under their hashes.

Decides nothing: whether a request is granted, and what else must be told or kept, is for the rights desk.
"""

from __future__ import annotations

from datetime import datetime

from hub.model.audit import AuditEvent
from hub.model.ids import ContactId
from hub.store import audit, erasing, merges, suppressions
from hub.store import people as people_store
from hub.store.erasing import Emptied
from hub.store.pool import Connection


async def erase(conn: Connection, contact_id: ContactId, *, now: datetime, actor: str) -> Emptied:
    """Erase the person this contact stands for, with every contact merged into it, in the caller's transaction.

    The files of the answer are to be deleted once the transaction has committed. A second time changes nothing.
    Raises LookupError for an unknown contact.
    """
    people = await merges.together(conn, contact_id)
    if not people:
        raise LookupError("no such contact")
    await people_store.lock_reach(conn, people, [])
    kept = 0
    for person in sorted(people):
        kept += await suppressions.outlive(conn, person, now=now)
    emptied = await erasing.empty(conn, people)
    detail = {"messages": emptied.messages, "attachments": emptied.attachments, "identities": emptied.identities, "stops_kept": kept}
    await audit.append(conn, [AuditEvent(at=now, actor=actor, action="erasure.executed", object=f"contact:{people[0]}", detail=detail)])
    return emptied
