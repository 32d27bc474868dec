"""Staff in Slack, by hand: plain links and forms over the Slack double. It never reads the hub's records, and shows no mark-up."""

from __future__ import annotations

import asyncio
import html
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from channels.sandbox.slack import BOT, CHANNEL, Member, Said, SlackDouble
from channels.sandbox.values import Trouble
from channels.slack.text import to_plain

TEMPLATES: Final = Path(__file__).parent / "templates"
PATH: Final = "/staff"
LONGEST: Final = 4000
SETTLE_S: Final = 1.2  # the hub looks a few times a second; then the page comes back
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
TROUBLES: Final = {
    "throttled": (Trouble.THROTTLED, "Limit the next call"),
    "server_error": (Trouble.SERVER_ERROR, "Fail the next call"),
    "drop_after": (Trouble.DROP_AFTER, "Take the next post and drop the line"),
    "triple": (Trouble.TRIPLE, "Deliver the next event three times"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button of a post. href: for one that opens a page; action and value for any other."""

    label: str
    style: str
    action: str
    value: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One message as it is drawn. mine: whether the colleague being played wrote it."""

    ts: str
    who: str
    hub: bool
    mine: bool
    title: str
    lines: tuple[str, ...]
    small: tuple[str, ...]
    buttons: tuple[Press, ...]
    files: tuple[str, ...]
    edited: bool


class StaffPage:
    """The page, for one double. html: renders a template of this folder by name."""

    def __init__(self, double: SlackDouble, html: Callable[[str, Mapping[str, object]], str], *, clinic: str, inbox_url: str) -> None:
        self._double, self._html, self._clinic, self._inbox_url = double, html, clinic, inbox_url

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self.show), web.post(f"{PATH}/{{act}}", self.act)]

    async def show(self, request: web.Request) -> web.Response:
        who, thread = self._who(request.query.get("who", "")), request.query.get("thread", "")
        double = self._double
        roots = [s for channel in double.channels for s in double.posts(channel)]
        opened = next((s for s in roots if s.ts == thread), roots[-1] if roots else None)
        shown = [opened, *double.thread(opened.ts)] if opened else []
        text = self._html(
            "staff/staff.html",
            {
                "clinic": self._clinic,
                "inbox_url": self._inbox_url,
                "who": who,
                "people": list(double.members.values()),
                "roots": [drawn(double, s, who.id) for s in reversed(roots)],
                "opened": opened.ts if opened else "",
                "thread": [drawn(double, s, who.id) for s in shown],
                "modal": self._modal(),
                "whispers": [text for user, text in double.whispers[-3:] if user == who.id],
                "troubles": [(key, words) for key, (_, words) in TROUBLES.items()],
            },
        )
        return web.Response(text=text, content_type="text/html", headers=HEADERS)

    def _who(self, id: str) -> Member:
        return self._double.members.get(id) or next(iter(self._double.members.values()))

    def _modal(self) -> dict[str, Any] | None:
        """The window that is open: its id, its words, its choices and what was wrong."""
        if not self._double.views:
            return None
        id, view = next(reversed(self._double.views.items()))
        options = view["blocks"][0]["element"]["options"]
        choices = [(o["value"], html.unescape(o["text"]["text"])) for o in options]
        return {"id": id, "choices": choices, "wrong": self._double.view_errors.get(id, "")}

    async def act(self, request: web.Request) -> web.StreamResponse:
        """One thing the colleague does. A form of another site is refused, though nothing here belongs to anybody."""
        origin = request.headers.get("Origin", "")
        if urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        who, thread = self._who(form.get("who", "")), form.get("thread", "")
        await self._do(request.match_info["act"], who, thread, form)
        await asyncio.sleep(SETTLE_S)
        raise web.HTTPSeeOther(f"{PATH}?{urlencode({'who': who.id, 'thread': thread})}")

    async def _do(self, act: str, who: Member, thread: str, form: Mapping[str, str]) -> None:
        double, text, ts = self._double, _marked(form.get("text", "")[:LONGEST]), form.get("ts", "")
        known = next((s for s in double.said if s.ts == ts), None)
        if act == "join" and form.get("name", "").strip():
            id = f"U{secrets.token_hex(4).upper()}"
            double.join(Member(id=id, name=form["name"].strip()[:80], email=form.get("email", "").strip()[:254]))
        elif act == "reply" and text.strip():
            root = next((s for s in double.said if s.ts == thread), None)
            await double.says(who.id, text, thread, channel=root.channel if root else CHANNEL)
        elif act == "press" and known is not None:
            await double.presses(who.id, ts, form.get("action", ""), form.get("value", ""))
        elif act == "edit" and known is not None and known.user == who.id and text.strip():
            await double.edits(known, text)
        elif act == "delete" and known is not None and known.user == who.id:
            await double.deletes(known)
        elif act == "send" and form.get("view", "") in double.views:
            await double.submits(form["view"], who.id, {"text": form.get("text", ""), "channel": form.get("channel", "")})
        elif act == "close":
            double.views.clear()
        elif act == "trouble" and form.get("what", "") in TROUBLES:
            double.trouble(TROUBLES[form["what"]][0])


def drawn(double: SlackDouble, said: Said, who: str) -> Shown:
    """A message as words: what Slack would show, with nothing of it meaning anything but itself."""
    member = double.members.get(said.user)
    lines = [to_plain(said.text)] if said.user != BOT else _texts(said.blocks, "section")
    return Shown(
        ts=said.ts,
        who="Enquiry Hub" if said.user == BOT else member.name if member else said.user,
        hub=said.user == BOT,
        mine=said.user == who,
        title=" ".join(_texts(said.blocks, "header")),
        lines=tuple(lines),
        small=tuple(_texts(said.blocks, "context")),
        buttons=tuple(_presses(said.blocks)),
        files=tuple(str(f.get("name", "")) for f in said.files),
        edited=said.edited and said.user != BOT,
    )


def _texts(blocks: Sequence[Mapping[str, Any]], kind: str) -> list[str]:
    found = []
    for block in blocks:
        if block.get("type") == kind:
            held = [block["text"]] if "text" in block else block.get("elements", [])
            found += [to_plain(h["text"]) if h.get("type") == "mrkdwn" else html.unescape(h["text"]) for h in held]
    return found


def _presses(blocks: Sequence[Mapping[str, Any]]) -> list[Press]:
    elements = [e for b in blocks if b.get("type") == "actions" for e in b.get("elements", [])]
    return [
        Press(
            label=html.unescape(e["text"]["text"]),
            style=str(e.get("style", "")),
            action=str(e.get("action_id", "")),
            value=str(e.get("value", "")),
            href=str(e.get("url", "")) if str(e.get("url", "")).startswith(("http://", "https://")) else "",
        )
        for e in elements
    ]


def _marked(text: str) -> str:
    """What Slack makes of typed words before it tells anybody."""
    return html.escape(text.replace("\r\n", "\n"), quote=False)
