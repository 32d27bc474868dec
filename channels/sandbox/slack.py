"""Plays Slack for one workspace: the Web API, events, buttons, modals, files and the socket, on this computer alone.

It limits, is slow, fails, drops and repeats on demand, as channels.md §9 says the real one does; `count` tells how often a
post of ours was taken on. It never reads the hub's records.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from channels.sandbox import slack_api
from channels.sandbox.slack_sender import SlackSender
from channels.sandbox.values import Changes, Trouble, Troubles

BOT: Final = "UHUB"
TEAM: Final = "T0PRACTICE"
CHANNEL: Final = "C0ENQUIRIES"


@dataclass(slots=True, kw_only=True)
class Member:
    """Somebody in the workspace, or beside it. confirmed: whether Slack knows the address to be theirs."""

    id: str
    name: str
    email: str
    team: str = TEAM
    confirmed: bool = True
    guest: bool = False
    bot: bool = False
    deleted: bool = False


@dataclass(slots=True, kw_only=True)
class Said:
    """One message in a channel. id: the hub's own, from the metadata; "" for a person's."""

    ts: str
    channel: str
    user: str
    text: str
    thread_ts: str = ""
    id: str = ""
    blocks: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    deleted: bool = False
    edited: bool = False

    def as_json(self) -> dict[str, Any]:
        """As history and replies give it."""
        found: dict[str, Any] = {"type": "message", "user": self.user, "text": self.text, "ts": self.ts, "blocks": self.blocks}
        if self.thread_ts:
            found["thread_ts"] = self.thread_ts
        if self.files:
            found["files"] = self.files
        if self.user == BOT:
            found |= {"bot_id": "BHUB", "app_id": "A0HUB"}
            found["metadata"] = {"event_type": "hub_message", "event_payload": {"id": self.id}}
        return found


@dataclass(slots=True, kw_only=True)
class Asked:
    """One trouble asked for. method: of the API; "" for any. word: the error, for REFUSED. left: None for ever."""

    trouble: Trouble
    method: str = ""
    word: str = ""
    wait_s: float = 1.0
    left: int | None = 1


class SlackDouble:
    """One workspace with one app in it. clock: aware UTC. per_s: posts a second each channel takes; None for any number."""

    name = "slack"
    title = "Slack"
    offers = frozenset(
        {
            Trouble.THROTTLED,
            Trouble.REFUSED,
            Trouble.CREDENTIALS,
            Trouble.SERVER_ERROR,
            Trouble.SERVER_ERROR_AFTER,
            Trouble.HANG,
            Trouble.DROP_AFTER,
            Trouble.DROP_BEFORE,
            Trouble.LATE,
            Trouble.TRIPLE,
        }
    )

    def __init__(
        self,
        bot_token: str,
        signing_secret: str,
        *,
        hub_url: str = "",
        app_token: str = "",
        per_s: float | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.bot_token, self.app_token, self.signing_secret = bot_token, app_token, signing_secret
        self.hub_url, self.per_s, self.clock, self.base_url = hub_url, per_s, clock, ""
        self.changes, self.troubles, self.closing = Changes(), Troubles(), asyncio.Event()
        self.members: dict[str, Member] = {}
        self.channels: dict[str, str] = {CHANNEL: ""}  # id -> why nothing can be posted there; "" where it can
        self.said: list[Said] = []
        self.whispers: list[tuple[str, str]] = []
        self.views: dict[str, dict[str, Any]] = {}
        self.view_errors: dict[str, str] = {}
        self.triggers: dict[str, str] = {}
        self.kept: dict[str, tuple[str, bytes]] = {}  # file id -> name and bytes
        self.shown: dict[str, list[str]] = {}  # file id -> threads it is shown in, once for each time
        self.count: dict[str, int] = {}  # our id -> posts taken on
        self.calls: list[str] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.asked: list[Asked] = []
        self.shows_metadata = True  # False: the app lacks the right to read it
        self._sender = SlackSender(self)
        self._serial = itertools.count(1)
        self._last_post: dict[str, float] = {}

    # -- for tests and the page

    def trouble(self, kind: Trouble, *, method: str = "", word: str = "", times: int | None = 1, wait_s: float = 1.0) -> None:
        """Ask for trouble in calls of a method, or (TRIPLE, LATE) in what the hub is told."""
        self.asked.append(Asked(trouble=kind, method=method, word=word, left=times, wait_s=wait_s))

    def take(self, method: str, among: frozenset[Trouble]) -> Asked | None:
        """The first trouble that fits, counted down."""
        for one in self.asked:
            if one.trouble in among and one.method in ("", method):
                if one.left is not None:
                    one.left -= 1
                    if one.left <= 0:
                        self.asked.remove(one)
                return one
        return None

    def join(self, member: Member) -> Member:
        """Somebody joins the workspace."""
        self.members[member.id] = member
        return member

    def posts(self, channel: str = CHANNEL) -> list[Said]:
        """First posts of the hub in a channel, oldest first."""
        return [s for s in self.said if s.channel == channel and not s.thread_ts and s.user == BOT and not s.deleted]

    def thread(self, ts: str) -> list[Said]:
        """Everything under a first post, oldest first."""
        return [s for s in self.said if s.thread_ts == ts and not s.deleted]

    def doubled(self) -> list[str]:
        """Ids of ours that were taken on more than once. Must stay empty."""
        return [id for id, n in self.count.items() if n > 1]

    async def says(
        self,
        user: str,
        text: str,
        thread_ts: str = "",
        *,
        channel: str = CHANNEL,
        files: Sequence[tuple[str, str, bytes]] = (),
        copies: int = 1,
    ) -> tuple[Said, list[int]]:
        """A person writes. files: name, type, bytes. The message, and the status of each delivery."""
        said = Said(ts=self.new_ts(), channel=channel, user=user, text=text, thread_ts=thread_ts)
        said.files = [self._share(*file) for file in files]
        self.said.append(said)
        self.changes.notify()
        event = self._event(said, "message")
        if said.files:
            event |= {"subtype": "file_share", "files": said.files}
        return said, await self.tell(event, copies=copies)

    async def edits(self, said: Said, text: str) -> list[int]:
        """A person changes what they wrote."""
        before, said.text, said.edited = said.text, text, True
        event: dict[str, Any] = {
            "type": "message",
            "subtype": "message_changed",
            "channel": said.channel,
            "message": self._event(said, "message"),
        }
        return await self.tell({**event, "previous_message": {**self._event(said, "message"), "text": before}})

    async def deletes(self, said: Said) -> list[int]:
        """A person takes away what they wrote."""
        said.deleted = True
        event: dict[str, Any] = {"type": "message", "subtype": "message_deleted", "channel": said.channel, "deleted_ts": said.ts}
        return await self.tell({**event, "previous_message": self._event(said, "message")})

    async def presses(self, user: str, ts: str, action: str, value: str, *, copies: int = 1) -> list[int]:
        """A person presses a button of a post."""
        trigger = secrets.token_hex(8)
        self.triggers[trigger] = user
        said = next(s for s in self.said if s.ts == ts)
        payload = {
            "type": "block_actions",
            "team": {"id": TEAM},
            "user": {"id": user, "team_id": self._team(user)},
            "trigger_id": trigger,
            "container": {"type": "message", "channel_id": said.channel, "message_ts": ts},
            "actions": [{"action_id": action, "value": value, "action_ts": self.new_ts()}],
        }
        return await self._sender.interact(payload, copies=copies)

    async def submits(self, view_id: str, user: str, fields: Mapping[str, str]) -> list[int]:
        """A person sends a modal off; what the hub says against it stands in `view_errors`."""
        view = self.views[view_id]
        values: dict[str, Any] = {
            block: {block: {"type": "plain_text_input", "value": text}} for block, text in fields.items() if block != "channel"
        }
        if "channel" in fields:
            values["channel"] = {"channel": {"type": "static_select", "selected_option": {"value": fields["channel"]}}}
        payload = {
            "type": "view_submission",
            "team": {"id": TEAM},
            "user": {"id": user, "team_id": self._team(user)},
            "view": {**view, "id": view_id, "hash": self.new_ts(), "state": {"values": values}},
        }
        answers = await self._sender.interact(payload)
        errors = self._sender.last_answer.get("errors") if self._sender.last_answer else None
        self.view_errors.pop(view_id, None)
        if isinstance(errors, dict):
            self.view_errors[view_id] = " ".join(str(v) for v in errors.values())
        else:
            self.views.pop(view_id, None)
        self.changes.notify()
        return answers

    async def tell(self, event: Mapping[str, Any], *, copies: int = 1, event_id: str = "") -> list[int]:
        """Deliver an event to the hub, over the socket where one is open, else to its address."""
        rule = self.take("", frozenset({Trouble.TRIPLE, Trouble.LATE}))
        if rule is not None and rule.trouble is Trouble.LATE:
            await asyncio.sleep(rule.wait_s)
        envelope = {
            "type": "event_callback",
            "team_id": TEAM,
            "api_app_id": "A0HUB",
            "event_id": event_id or f"Ev{secrets.token_hex(6).upper()}",
            "event_time": int(self.clock().timestamp()),
            "event": dict(event),
        }
        return await self._sender.event(envelope, copies=3 if rule is not None and rule.trouble is Trouble.TRIPLE else copies)

    def _event(self, said: Said, kind: str) -> dict[str, Any]:
        found = {"type": kind, "channel": said.channel, "user": said.user, "text": said.text, "ts": said.ts}
        found |= {"user_team": self._team(said.user), "team": TEAM}
        return {**found, "thread_ts": said.thread_ts} if said.thread_ts else found

    def _team(self, user: str) -> str:
        return self.members[user].team if user in self.members else TEAM

    def _share(self, name: str, mime: str, data: bytes) -> dict[str, Any]:
        id = f"F{secrets.token_hex(4).upper()}"
        self.kept[id] = (name, data)
        address = f"{self.base_url}/slack/files/{id}"
        return {"id": id, "name": name, "mimetype": mime, "size": len(data), "url_private": address, "url_private_download": address}

    def new_ts(self) -> str:
        """A time stamp no other message has."""
        return f"{self.clock().timestamp():.0f}.{next(self._serial):06d}"

    def too_fast(self, channel: str) -> bool:
        """Whether a post comes sooner than the channel takes one."""
        now = asyncio.get_running_loop().time()
        if self.per_s is not None and now - self._last_post.get(channel, -1e9) < 1 / self.per_s:
            return True
        self._last_post[channel] = now
        return False

    def acknowledged(self, message: Mapping[str, Any]) -> None:
        """The hub has taken an envelope that went over the socket."""
        self._sender.acknowledged(message)

    # -- serving

    def routes(self) -> list[web.RouteDef]:
        """Slack's API, its files and its socket."""
        return slack_api.routes(self)

    @asynccontextmanager
    async def open(self, base_url: str) -> AsyncIterator[None]:
        """Run while open; `base_url` is where the routes are mounted."""
        self.base_url = base_url
        async with self._sender:
            try:
                yield
            finally:
                self.closing.set()
                for socket in self.sockets:
                    await socket.close()

    @asynccontextmanager
    async def serve(self, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[SlackDouble]:
        """Serve on a port of its own; 0 takes a free one."""
        app = web.Application(client_max_size=100 * 1024 * 1024)
        app.add_routes(self.routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            bound = runner.addresses[0]
            async with self.open(f"http://{bound[0]}:{bound[1]}"):
                yield self
        finally:
            await runner.cleanup()
