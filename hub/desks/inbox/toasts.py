"""The one short message after an act, with its way back (looks §6). Built from ids in the address, so a reload shows the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.desks.inbox.desk import Look
from hub.desks.inbox.names import display_name, first_name
from hub.model.ids import ConversationId, MessageId
from hub.model.message import DeliveryStatus
from hub.store import thread
from hub.store.pool import Connection

SAID = {
    "resolved": "Resolved",
    "reopened": "Open again",
    "assigned": "Yours now",
    "handed_back": "Handed back",
    "unread": "Marked unread",
    "noted": "Noted. Only colleagues see it",
    "note_changed": "Note changed",
    "note_removed": "Note taken away. The record keeps it",
    "note_back": "As it was before",
    "not_then": "Not put aside: choose a time ahead, within a year",
    "snoozed": "Put aside. It comes back by itself",
    "not_open": "It is resolved, so there is nothing to put aside",
    "woken": "Back in the list",
    "undone": "Taken back. Nothing was sent",
    "too_late": "Too late to take back: it has left",
    "settled": "Settled",
    "settled_already": "Settled already",
    "later": "It may not leave just now. It is kept and leaves as soon as it may",
    "not_filled": "Nothing was sent: the template is gone, or a field of it was left empty",
    "not_again": "It did not fail, so it is not sent again",
    "stopped": "Stopped. Nothing more is sent here",
    "answers": "Kept open for answers",
    "objected": "Recorded. It holds from now on",
    "objects_already": "They object to this already",
    "objection_back": "Recorded that they took it back",
    "nothing_to_take_back": "Nothing taken back: they objected after that, or not at all",
    "not_yet_said": "Not recorded: that time lies in the future",
    "say_how": "Not taken back: say how they told us, and what they said",
    "of_age": "Recorded: 18 or over",
    "age_stands": "Not recorded: it is known already, or the birth date on file says otherwise",
    "stopped_for": "Stopped. Only the person can undo it",
    "judged_stop": "Stopped for good. Only the person can undo it",
    "judged_none": "Lifted: it was no stop",
    "judged_already": "Nothing changed: somebody has judged this already",
    "judge_again": "It stands again, and waits to be judged",
    "say_why": "Not lifted: say why it was no stop",
    "stands_for_good": "Not lifted: it has stood too long, so only the person can",
    "joined": "They are one person now. Stops of either hold",
    "parted": "They are two again. Stops stay with both",
    "not_the_same": "Not joined: one of them was joined, parted or erased meanwhile",
    "not_parted": "Not parted: a later join stands on this one, or they are parted already",
}

NOTE_UNDO = frozenset({"note_changed", "note_removed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Toast:
    """until: when a send leaves; seconds: how long that is from now, at most. action, field, button: the way back."""

    text: str
    until: datetime | None = None
    seconds: int = 0
    action: str = ""
    field: tuple[str, str] = ("", "")
    button: str = "Undo"


async def toast_for(conn: Connection, query: Mapping[str, str], look: Look, conversation_id: ConversationId | None = None) -> Toast | None:
    """The toast the address asks for; None when it has nothing to say any more."""
    if "sent" in query:
        return await _sending(conn, query["sent"], look)
    did = query.get("did", "")
    if did in NOTE_UNDO and (note := _id(query.get("note", ""))) is not None and conversation_id is not None:
        return Toast(text=SAID[did], action=f"/inbox/{conversation_id}/note/undo", field=("note", str(note)))
    if did == "judged_none" and (stop := _id(query.get("stop", ""))) is not None and conversation_id is not None:
        return Toast(text=SAID[did], action=f"/inbox/{conversation_id}/person/judge/undo", field=("stop", str(stop)))
    return Toast(text=SAID[did]) if did in SAID else None


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def _sending(conn: Connection, text: str, look: Look) -> Toast | None:
    """A reply that still waits to leave can be taken back."""
    found = _id(text)
    if found is None:
        return None
    message_id = MessageId(found)
    row = await thread.sending(conn, message_id)
    if row is None or row.status is not DeliveryStatus.QUEUED or row.send_after <= look.now:
        return None
    return Toast(
        text=f"Sending to {first_name(display_name(row.name, None).reveal())}" if row.name else "Sending",
        until=row.send_after,
        seconds=math.ceil((row.send_after - look.now).total_seconds()),
        action=f"/inbox/{row.conversation_id}/undo",
        field=("message", str(message_id)),
    )
