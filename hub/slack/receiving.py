"""Taking in what Slack delivers, over HTTP or a socket: stored before it is answered, worked through afterwards.

Only the modal is worked on while Slack waits, since its answer says what is wrong where the words were typed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

import structlog

from channels.slack.blocks import reply_modal
from channels.slack.errors import SlackRefused
from channels.slack.payload import Handshake, Other, Pressed, Said, Submitted
from channels.slack.transport import SlackClient
from hub.desks.inbox.views import NAMES, Standing, via
from hub.gate.asking import UnknownConversation
from hub.model.address import Channel
from hub.model.ids import ConversationId
from hub.policy.sentences import sentence
from hub.settings import Settings
from hub.slack import acts
from hub.slack.people import Colleague, People
from hub.slack.render import LINES
from hub.store import slack, slack_inbound
from hub.store.pool import Connection, Pool

log = structlog.get_logger("slack")

MODAL = "reply"
WITHIN_S = 2.5  # Slack waits three seconds


class Receiving:
    """The way in from Slack, for one process. Keeps nothing of its own."""

    def __init__(self, pool: Pool, client: SlackClient, settings: Settings, *, clock: Callable[[], datetime]) -> None:
        if settings.slack is None:
            raise ValueError("Slack is switched off")
        self._pool, self._client, self._settings, self._clock = pool, client, settings, clock
        self._team = settings.slack.team
        self._people = People(pool, client, self._team, clock=clock)
        self._opening: set[asyncio.Task[None]] = set()

    async def event(self, found: Said | Other | Handshake, body: bytes) -> None:
        """Store an event. What nothing follows from is not kept."""
        if isinstance(found, Said):
            async with self._pool.acquire() as conn:
                await slack_inbound.keep(conn, found.event_id, "event", body, now=self._clock())

    async def interaction(self, found: Pressed | Submitted | Other, body: bytes) -> Mapping[str, object] | None:
        """Store a press, open the modal it asks for, or work on a modal that was sent off. What to answer; None for nothing."""
        if isinstance(found, Submitted):
            return await self._submitted(found)
        if isinstance(found, Pressed) and found.action == "reply":
            task = asyncio.create_task(self._open_modal(found))  # the trigger lives three seconds, and so does Slack's patience
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        elif isinstance(found, Pressed) and not found.action.startswith("open:"):
            async with self._pool.acquire() as conn:
                await slack_inbound.keep(conn, found.key, "action", body, now=self._clock())
        return None

    async def close(self) -> None:
        """Let go of modals that are just being opened."""
        for task in self._opening:
            task.cancel()
        await asyncio.gather(*self._opening, return_exceptions=True)

    async def _open_modal(self, pressed: Pressed) -> None:
        """Open the modal, or say to the one who asked why not."""
        try:
            view = await self._modal(pressed)
            if isinstance(view, str):
                await self._client.whisper(pressed.channel, pressed.user, view, pressed.message_ts)
            else:
                await self._client.open_modal(pressed.trigger_id, view)
        except SlackRefused as refusal:
            log.warning("slack.no_modal", word=refusal.word)
        except Exception as fault:
            log.error("slack.no_modal", fault=type(fault).__name__)

    async def _modal(self, pressed: Pressed) -> dict[str, object] | str:
        """The modal, or a sentence on why there is none."""
        try:
            conversation_id = ConversationId(UUID(pressed.value))
        except ValueError:
            return "This button is broken. Answer in the hub."
        await self._people.refresh(pressed.user)
        async with self._pool.acquire() as conn:
            found = await slack.thread(conn, conversation_id)
            who = await self._people.who(conn, pressed.user, pressed.user_team)
            if isinstance(who, str):
                return LINES[who][1]
            ways = await acts.ways_out(conn, conversation_id, settings=self._settings, now=self._clock())
        if found is None or found.channel != pressed.channel or not ways:
            return LINES["nowhere"][1]
        return reply_modal(
            title="Reply to patient",
            callback=MODAL,
            private=str(conversation_id),
            channels=[(w.channel.value, _way_words(w)) for w in ways],
            note="It is checked as in the hub, and can be taken back for a few seconds.",
            most=max(w.max_text for w in ways),
        )

    async def _submitted(self, sent: Submitted) -> Mapping[str, object]:
        """Queue the reply, or say in the modal why not. Sent off twice (Slack repeats what it is unsure of), it is queued once."""
        if sent.callback != MODAL:
            return {}
        try:
            async with asyncio.timeout(WITHIN_S):
                await self._people.refresh(sent.user)
                async with self._pool.acquire() as conn, conn.transaction():
                    return await self._queue(conn, sent)
        except (SlackRefused, TimeoutError):
            return _wrong("This took too long and was not sent. Try once more.")

    async def _queue(self, conn: Connection, sent: Submitted) -> Mapping[str, object]:
        wanted, words = sent.fields.get("channel"), sent.fields.get("text")
        channel = wanted.reveal() if wanted else ""
        if words is None or not words.reveal().strip() or channel not in set(Channel):
            return _wrong(LINES["empty"][1])
        who: Colleague | str = await self._people.who(conn, sent.user, sent.user_team)
        if isinstance(who, str):
            return _wrong(LINES[who][1])
        now = self._clock()
        if not await slack_inbound.keep(conn, sent.key, "action", b"", now=now):
            return {}
        await slack_inbound.done(conn, sent.key)
        try:
            queued = await acts.answer(
                conn, ConversationId(UUID(sent.private)), words, Channel(channel), who, settings=self._settings, now=now
            )
        except acts.TooLong as fault:
            return _wrong(f"Not sent. {fault}.")
        except (ValueError, UnknownConversation):
            return _wrong("There is no such conversation any more.")
        if queued.decision.allowed or queued.decision.retry_at is not None:
            return {}
        return _wrong(f"Not sent. {sentence(queued.decision.reason, 'en', channel=channel)}.")


def _way_words(way: Standing) -> str:
    """A way out as the list shows it; a shut one says so, and the judge says why."""
    said = via(way.channel)
    return f"{said[0].upper()}{said[1:]}" if way.open else f"{NAMES[way.channel]} (not open just now)"


def _wrong(words: str) -> Mapping[str, object]:
    """Slack shows this beneath the words that were typed, and keeps them."""
    return {"response_action": "errors", "errors": {"text": words}}
