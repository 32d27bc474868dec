"""What colleagues do from Slack, in the caller's transaction: the same acts as in the inbox, written down the same way.

Whatever goes to a person goes through `hub.gate.queue`: checked, judged, stored with its answer, and left to wait its undo time.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from channels.slack.text import mentions, to_plain
from hub import gate
from hub.desks.inbox.acts import LONGEST_TEXT
from hub.desks.inbox.aside import back_at
from hub.desks.inbox.standings import standings
from hub.desks.inbox.views import Standing, primary
from hub.gate import Queued
from hub.gate.length import too_long
from hub.gate.routes import account_for
from hub.model.address import Channel
from hub.model.audit import AuditEvent
from hub.model.ids import ConversationId, MessageId
from hub.model.permission import Kind
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.slack.people import Colleague
from hub.store import audit, inbox, live, notes, snooze, thread
from hub.store.pool import Connection


class TooLong(Exception):
    """The text does not fit into one message of the channel. Its words say by how much, without a stop."""


async def ways_out(conn: Connection, conversation_id: ConversationId, *, settings: Settings, now: datetime) -> list[Standing]:
    """The channels an answer could take, the one the inbox would choose first."""
    found = list((await standings(conn, [conversation_id], now=now, settings=settings)).get(conversation_id, ()))
    first = primary(found)
    return [first, *(s for s in found if s is not first)] if first is not None else []


async def answer(
    conn: Connection,
    conversation_id: ConversationId,
    text: Sealed[str],
    channel: Channel,
    by: Colleague,
    *,
    settings: Settings,
    now: datetime,
) -> Queued:
    """Ask the judge and queue, as the inbox's composer does. Raises UnknownConversation, and TooLong before anything is queued."""
    row = await inbox.one(conn, conversation_id)
    if row is not None and (fault := too_long(account_for(settings.accounts, channel, prefer=row.account_id), text.reveal())):
        raise TooLong(fault)
    draft = gate.Draft(conversation_id=conversation_id, kind=Kind.RPL, channel=channel, text=text, written_by=by.id)
    queued = await gate.queue(conn, draft, now=now, settings=settings)
    if queued.decision.allowed:
        await inbox.mark_read(conn, conversation_id)
    return queued


async def send_note(conn: Connection, note_id: UUID, text: str, by: Colleague, *, settings: Settings, now: datetime) -> str | None:
    """Send what a note says to the person, once. text: in Slack's mark-up. None when the judge was asked (whatever the answer,
    the note shows it); else the code of what to say instead (hub.slack.render.LINES)."""
    note = await notes.one(conn, note_id, lock=True)
    if note is None or note.deleted_at is not None:
        return "not_again"
    if note.sent_message_id is not None:
        before = await thread.message(conn, note.sent_message_id)
        if before is not None and before.status not in ("refused", "cancelled"):
            return "not_again"
    words = to_plain(text)
    if note.files and not words:
        return "file_not_sent"
    if not words or len(words) > LONGEST_TEXT:
        return "empty"
    if mentions(text):
        return "mention"
    ways = await ways_out(conn, note.conversation_id, settings=settings, now=now)
    if not ways:
        return "nowhere"
    try:
        queued = await answer(conn, note.conversation_id, Sealed(words), ways[0].channel, by, settings=settings, now=now)
    except TooLong:
        return "too_long"
    await notes.mark_sent(conn, note_id, queued.message_id)
    return "file_not_sent" if note.files else None


async def keep_note(conn: Connection, conversation_id: ConversationId, text: Sealed[str], by: Colleague, *, now: datetime) -> UUID:
    """Keep a colleague's words as a note."""
    note_id = await notes.add(conn, conversation_id, text, by=by.id, source="slack", now=now)
    await _write_down(conn, by, "note.added", f"note:{note_id}", now=now)
    await live.notify(conn, [conversation_id])
    return note_id


async def change_note(conn: Connection, note_id: UUID, text: Sealed[str], by: Colleague, *, now: datetime) -> str | None:
    """Other words for a note. One that was sent stays as it is; then the code of what to say."""
    note = await notes.one(conn, note_id, lock=True)
    if note is None:
        return None
    if await _was_sent(conn, note.sent_message_id):
        return "edited_after"
    if await notes.change(conn, note_id, text, now=now):
        await _write_down(conn, by, "note.changed", f"note:{note_id}", now=now)
        await live.notify(conn, [note.conversation_id])
    return None


async def take_note_away(conn: Connection, note_id: UUID, actor: str, *, now: datetime) -> str | None:
    """Mark a note as taken away; its words stay on record. The code of what to say where they went to the person already."""
    note = await notes.one(conn, note_id, lock=True)
    if note is None or not await notes.delete(conn, note_id, now=now):
        return None
    await audit.append(conn, [AuditEvent(at=now, actor=actor, action="note.deleted", object=f"note:{note_id}")])
    await live.notify(conn, [note.conversation_id])
    return "deleted_after" if await _was_sent(conn, note.sent_message_id) else None


async def _was_sent(conn: Connection, message_id: MessageId | None) -> bool:
    sent = await thread.message(conn, message_id) if message_id is not None else None
    return sent is not None and sent.status not in ("refused", "cancelled")


async def press(
    conn: Connection, action: str, conversation_id: ConversationId, by: Colleague, *, settings: Settings, now: datetime
) -> bool:
    """A button of the first post. False for one nobody knows. Pressing it twice does no more than once."""
    verb, _, choice = action.partition(":")
    if verb == "assign":
        done, name = await inbox.assign(conn, conversation_id, by.id), "conversation.assigned"
    elif verb == "unassign":
        done, name = await inbox.assign(conn, conversation_id, None), "conversation.assigned"
    elif verb == "resolve":
        done, name = await inbox.set_status(conn, conversation_id, "resolved"), "conversation.resolved"
    elif verb == "reopen":
        done, name = await inbox.set_status(conn, conversation_id, "open"), "conversation.reopened"
    elif verb == "wake":
        done, name = await snooze.wake(conn, conversation_id), "conversation.woken"
    elif verb == "snooze":
        try:
            until = back_at(choice, now, ZoneInfo(settings.clinic.time_zone))
        except ValueError:
            return False
        done, name = await snooze.snooze(conn, conversation_id, now=now, until=until), "conversation.snoozed"
    else:
        return False
    if done:
        await _write_down(conn, by, name, f"conversation:{conversation_id}", now=now, result=choice or None)
        await live.notify(conn, [conversation_id])
    return True


async def _write_down(conn: Connection, by: Colleague, action: str, object: str, *, now: datetime, result: str | None = None) -> None:
    event = AuditEvent(at=now, actor=by.actor, role=by.role, action=action, object=object, reason="slack", result=result)
    await audit.append(conn, [event])
