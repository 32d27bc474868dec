"""Guards against storms of mail: one address that writes without end, and a flood of mail to data@ that nobody vouches for.

Nothing is lost or refused here: every mail is stored and every stop is written. What is held back is what we would do of
ourselves: answers, confirmations, moving the thread to the top (channels.md §2.4 "Loop", policy §4.3).
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from hub.intake.writes import Held, Placed, Writes
from hub.model.ids import ConversationId, IdentityId
from hub.model.message import Mailbox
from hub.store import mail
from hub.store.pool import Connection

log = structlog.get_logger("mail")

WITHIN = timedelta(hours=1)
MOST_FROM_ONE = 30  # mails within an hour; a person with many photographs stays below it, two robots in a loop do not
MOST_UNVOUCHED = 50  # mails to data@ within an hour (policy §4.3)


@dataclass(slots=True)
class Flood:
    """How many mails to data@ nobody vouches for came within the hour, to this process. A restart begins at nought, and a
    batch that is tried again counts again: either way stops are written."""

    came: deque[datetime] = field(default_factory=lambda: deque(maxlen=MOST_UNVOUCHED + 1))
    told_at: dict[Held, datetime] = field(default_factory=dict)

    def note(self, now: datetime) -> bool:
        """Count one; whether it is beyond what an hour may bring."""
        self.came.append(now)
        return len(self.came) > MOST_UNVOUCHED and now - self.came[0] < WITHIN

    def tell(self, kind: Held, now: datetime) -> bool:
        """Whether the operator is to be told of this kind now: once an hour."""
        due = kind not in self.told_at or now - self.told_at[kind] >= WITHIN
        if due:
            self.told_at[kind] = now
        return due


async def hold_back(conn: Connection, writes: Writes, flood: Flood) -> None:
    """Mark what is placed and belongs to a storm, and leave its threads where they are. Before anything is written."""
    mails = [p for p in writes.placed if p.event.mail is not None]
    if not mails:
        return
    storms = await _storms(conn, writes, mails)
    held = {p.id: Held.STORM for p in storms}
    for placed in mails:
        detail = placed.event.mail
        if detail and detail.mailbox is Mailbox.DATA and not detail.trusted and not placed.event.automatic and flood.note(writes.now):
            held.setdefault(placed.id, Held.FLOOD)
    if not held:
        return
    writes.placed = [replace(p, held=held.get(p.id)) for p in writes.placed]
    _leave_in_place(writes)
    for kind, count in Counter(held.values()).items():
        if flood.tell(kind, writes.now):
            log.error(f"mail.{kind}", mails=count)


async def _storms(conn: Connection, writes: Writes, mails: Sequence[Placed]) -> list[Placed]:
    """Those beyond the limit of their address, counting what is stored and what came with this batch."""
    new = {c.id for c in writes.conversations}
    asked = list(dict.fromkeys((p.conversation_id, p.identity_id) for p in mails if p.conversation_id not in new))
    before: dict[tuple[ConversationId, IdentityId | None], int] = {}
    if asked:
        since = writes.now - WITHIN
        before = dict(zip(asked, await mail.lately_from(conn, asked, since=since, most=MOST_FROM_ONE), strict=True))
    beyond = []
    for placed in mails:
        key = placed.conversation_id, placed.identity_id
        before[key] = before.get(key, 0) + 1
        if before[key] > MOST_FROM_ONE:
            beyond.append(placed)
    return beyond


def _leave_in_place(writes: Writes) -> None:
    """A thread that got nothing but a storm is not moved to the top, unless a person must decide about a stop."""
    got = Counter(p.conversation_id for p in writes.placed if p.held is Held.STORM)
    for conversation_id, count in got.items():
        arrival = writes.arrivals.get(conversation_id)
        if arrival is not None and arrival.count == count and not arrival.stop_unclear:
            del writes.arrivals[conversation_id]
            writes.changed.append(conversation_id)
