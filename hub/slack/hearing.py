"""Working through what came from Slack: each event in one transaction with the note that it is done, so its effect happens once.

A reply in a thread is a note. It goes to the person only when it begins with the prefix, or when somebody presses "Send to
patient"; an edit never sends anything.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from channels.errors import BadPayload
from channels.slack.errors import SlackRefused
from channels.slack.payload import Change, Handshake, Other, Pressed, Said, SlackFile, Submitted, parse_event, parse_interaction
from channels.slack.text import to_plain
from hub import gate
from hub.model.ids import ConversationId, MessageId
from hub.model.sealed import Sealed
from hub.settings import Settings, SlackSettings
from hub.slack import acts
from hub.slack.people import Colleague, People
from hub.store import live, notes, slack, slack_inbound, thread
from hub.store.notes import NewFile
from hub.store.pool import Connection, Pool
from hub.store.slack import Thread
from hub.store.slack_inbound import Kept

log = structlog.get_logger("slack")

TRIES_MOST = 10
FILE_MOST = 25 * 1024 * 1024
LONGEST_NOTE = 40_000


class Hearing:
    """Works through kept events, oldest first."""

    def __init__(self, pool: Pool, people: People, settings: Settings, *, clock: Callable[[], datetime]) -> None:
        if settings.slack is None:
            raise ValueError("Slack is switched off")
        self._pool, self._people, self._settings, self._clock = pool, people, settings, clock
        self._slack: SlackSettings = settings.slack

    async def step(self) -> bool:
        """Work through the next event. False when none is due."""
        now = self._clock()
        async with self._pool.acquire() as conn, conn.transaction():
            kept = await slack_inbound.take(conn, now=now)
            if kept is None:
                return False
            try:
                async with conn.transaction():
                    await self._work(conn, kept, now)
            except BadPayload as fault:
                log.warning("slack.malformed", at=fault.constant)
                await slack_inbound.done(conn, kept.id, failed=True)
            except Exception as fault:
                await self._put_off(conn, kept, fault, now)
            else:
                await slack_inbound.done(conn, kept.id)
        return True

    async def _put_off(self, conn: Connection, kept: Kept, fault: Exception, now: datetime) -> None:
        log.warning("slack.put_off", fault=type(fault).__name__, attempts=kept.attempts)
        if kept.attempts + 1 >= TRIES_MOST and not isinstance(fault, SlackRefused):
            await slack_inbound.done(conn, kept.id, failed=True)
        else:
            await slack_inbound.put_off(conn, kept.id, again=now + timedelta(seconds=min(300, 2**kept.attempts)))

    async def _work(self, conn: Connection, kept: Kept, now: datetime) -> None:
        found = parse_event(kept.body) if kept.kind == "event" else parse_interaction(kept.body)
        if isinstance(found, Said):
            await self._said(conn, found, now)
        elif isinstance(found, Pressed):
            await self._pressed(conn, found, now)
        elif isinstance(found, Other | Handshake | Submitted):
            return  # nothing follows; a modal was answered when it came

    async def _said(self, conn: Connection, said: Said, now: datetime) -> None:
        """Words in a thread of ours. Anything said elsewhere in the channel is none of our business."""
        if not said.thread_ts or said.thread_ts == said.ts or said.unchanged:
            return
        found = await slack.thread_at(conn, said.channel, said.thread_ts)
        if found is None:
            return
        note_id = await slack.of_note(conn, said.channel, said.ts)
        if said.change is Change.DELETED:
            await self._taken_away(conn, found, note_id, now)
            return
        await self._people.refresh(said.user)
        who = await self._people.who(conn, said.user, said.user_team)
        if isinstance(who, str):
            if said.change is Change.WRITTEN:
                await slack.say(conn, found.conversation_id, who, about=said.user, now=now)
            return
        if said.change is Change.WRITTEN and note_id is None:
            await self._written(conn, found, said, who, now)
        elif note_id is None:
            # The edit came before what it changed: the newer words are kept, and an edit never sends anything.
            kept = await acts.keep_note(conn, found.conversation_id, Sealed(self._words(said.text.reveal())[1]), who, now=now)
            await slack.keep_note(conn, said.channel, said.ts, kept)
        elif said.change is Change.EDITED:
            code = await acts.change_note(conn, note_id, Sealed(self._words(said.text.reveal())[1]), who, now=now)
            await self._tell(conn, found, code, said.user, now)

    async def _written(self, conn: Connection, found: Thread, said: Said, who: Colleague, now: datetime) -> None:
        raw = said.text.reveal()
        to_person, words = self._words(raw)
        note_id = await acts.keep_note(conn, found.conversation_id, Sealed(words), who, now=now)
        await slack.keep_note(conn, said.channel, said.ts, note_id)
        if said.files:
            await notes.add_files(conn, note_id, [self._file(f) for f in said.files], now=now)
        if to_person:
            # The prefix is taken off the marked-up text as well, so that what is a mention is still known for one.
            code = await acts.send_note(conn, note_id, self._without_prefix(raw), who, settings=self._settings, now=now)
            await self._tell(conn, found, code, said.user, now)

    def _words(self, raw: str) -> tuple[bool, str]:
        """Whether the words are for the person, and the words themselves without prefix and mark-up."""
        text = to_plain(raw)[:LONGEST_NOTE]
        to_person = text.startswith(self._slack.prefix)
        return to_person, text.removeprefix(self._slack.prefix).strip() if to_person else text

    def _without_prefix(self, raw: str) -> str:
        escaped = self._slack.prefix.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        text = raw.lstrip()
        return text.removeprefix(escaped) if text.startswith(escaped) else text.removeprefix(self._slack.prefix)

    @staticmethod
    def _file(file: SlackFile) -> NewFile:
        refusal = "elsewhere" if file.url is None else "too_large" if file.size > FILE_MOST else None
        return NewFile(name=file.name, mime_type=file.mime_type, source_url=file.url, refusal=refusal)

    async def _taken_away(self, conn: Connection, found: Thread, note_id: UUID | None, now: datetime) -> None:
        """Slack lets only the writer, or an administrator there, take words away; so nobody is asked who did."""
        if note_id is not None:
            code = await acts.take_note_away(conn, note_id, "system:slack", now=now)
            await self._tell(conn, found, code, None, now)

    async def _tell(self, conn: Connection, found: Thread, code: str | None, user: str | None, now: datetime) -> None:
        if code is not None:
            await slack.say(conn, found.conversation_id, code, about=user, now=now)

    async def _pressed(self, conn: Connection, pressed: Pressed, now: datetime) -> None:
        if pressed.action.startswith("open:") or pressed.action == "reply":
            return  # a link, or the modal that was opened when it was pressed
        try:
            subject = UUID(pressed.value)
        except ValueError:
            raise BadPayload("slack", "value") from None
        conversation_id = await self._conversation(conn, pressed.action, subject)
        found = await slack.thread(conn, conversation_id) if conversation_id is not None else None
        if found is None or conversation_id is None or found.channel != pressed.channel:
            return
        await self._people.refresh(pressed.user)
        who = await self._people.who(conn, pressed.user, pressed.user_team)
        if isinstance(who, str):
            await slack.say(conn, conversation_id, who, about=pressed.user, now=now)
            return
        code = await self._do(conn, pressed.action, subject, conversation_id, who, now)
        await self._tell(conn, found, code, pressed.user, now)

    async def _conversation(self, conn: Connection, action: str, subject: UUID) -> ConversationId | None:
        if action == "send":
            note = await notes.one(conn, subject)
            return note.conversation_id if note else None
        if action == "undo":
            sending = await thread.sending(conn, MessageId(subject))
            return sending.conversation_id if sending else None
        return ConversationId(subject)

    async def _do(
        self, conn: Connection, action: str, subject: UUID, conversation_id: ConversationId, who: Colleague, now: datetime
    ) -> str | None:
        if action == "send":
            note = await notes.one(conn, subject)
            code = await acts.send_note(conn, subject, _marked(note.body.reveal()) if note else "", who, settings=self._settings, now=now)
            await live.notify(conn, [conversation_id])
            return code
        if action == "undo":
            return None if await gate.cancel(conn, MessageId(subject), now=now) else "too_late"
        if not await acts.press(conn, action, conversation_id, who, settings=self._settings, now=now):
            log.warning("slack.unknown_button")
        return None


def _marked(text: str) -> str:
    """Plain words as Slack would mark them up, so that they read back as they are."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
