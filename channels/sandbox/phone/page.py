"""The practice phone's routes: one page that works as plain links and forms, and a stream that says when to look again.

The stream carries no content, only that something changed; the browser then asks for the parts of the page it shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final

from aiohttp import web

from channels.sandbox.doubles import Do, Double, Person
from channels.sandbox.phone import troubles, view
from channels.sandbox.phone.acting import Acting, Told
from channels.sandbox.phone.people import People
from channels.sandbox.phone.view import App, LedgerLine
from channels.sandbox.values import Changes, Trouble

FOLDER: Final = Path(__file__).parent
TEMPLATES: Final = FOLDER / "templates"
LINES: Final = 40
LOOK_S: Final = 2.0  # how often the hub's own doings are looked at while nothing moves here
HEARTBEATS: Final = 7
SETTLE_S: Final = 0.05  # several changes at once are one
OWN_FILES: Final = {"phone.css": "text/css", "phone.js": "text/javascript"}
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# A mail may bring its own looks, and nothing else: no script, no picture from anywhere, no form, no place to go.
MAIL_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; base-uri 'none'; sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneParts:
    """What the page is put together from.

    html: renders a template of this folder by name. ledger: what the hub did about a person, newest first, at most so many
    lines. let_hours_pass: moves a person's invitations into the past. go_on: lets accounts the hub paused send again.
    inbox_url: where staff answer. form_url: the website's form.
    """

    doubles: Sequence[Double]
    html: Callable[[str, Mapping[str, object]], str]
    ledger: Callable[[Person, int], Awaitable[Sequence[LedgerLine]]]
    let_hours_pass: Callable[[Person, int], Awaitable[None]]
    go_on: Callable[[], Awaitable[None]]
    clock: Callable[[], datetime]
    zone: tzinfo
    clinic: str
    inbox_url: str
    form_url: str
    staff_url: str = ""  # the page to play a colleague in Slack on; "" where Slack is not practised


class Phone:
    """The page, for one sandbox. It needs at least one double with an account."""

    def __init__(self, parts: PhoneParts) -> None:
        self.parts = parts
        self.apps = view.apps(parts.doubles)
        self.people = People(frozenset(app.account.sender.removeprefix("whatsapp:") for app in self.apps))
        self.told, self.changes, self.closing = Told(), Changes(), asyncio.Event()
        self._acting = Acting(self)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.show),
            web.get("/parts", self.show_parts),
            web.get("/events", self.events),
            web.get("/mail", self.mail),
            web.get("/phone/{name}", self.own_file),
            *self._acting.routes(),
        ]

    async def end_streams(self) -> None:
        """Let open pages go, so that the process can stop at once."""
        self.closing.set()
        for double in self.parts.doubles:
            double.closing.set()
        self.changes.notify()

    def app_of(self, given: Mapping[str, str]) -> App:
        """The channel asked for, by its account or by its medium; the first where it is none."""
        wanted = given.get("on", "")
        by_account = next((app for app in self.apps if app.account.id == wanted), None)
        return by_account or next((app for app in self.apps if app.account.channel.value == wanted), self.apps[0])

    # -- reading

    async def show(self, request: web.Request) -> web.Response:
        """The whole page. `who=new` makes a person and goes on as that person."""
        if request.query.get("who") == "new":
            where = f"/?who={self.people.add().key}&on={self.app_of(request.query).account.id}"
            return web.Response(status=303, headers={"Location": where, "Cache-Control": "no-store"})
        return await self._page(request, "sandbox/phone.html")

    async def show_parts(self, request: web.Request) -> web.Response:
        """The parts of the page that move."""
        return await self._page(request, "sandbox/parts.html")

    async def _page(self, request: web.Request, template: str) -> web.Response:
        person, app, parts = self.people.find(request.query.get("who", "")), self.app_of(request.query), self.parts
        lines = await parts.ledger(person, LINES)
        bubbles = view.thread(app, person, parts.zone)
        told = view.ledger(lines, self.apps, person, LINES)
        context = {
            "clinic": parts.clinic,
            "inbox_url": parts.inbox_url,
            "form_url": parts.form_url,
            "staff_url": parts.staff_url,
            "people": self.people.all(),
            "person": person,
            "on": app.account.id,
            "channel": app.account.channel.value,
            "provider": app.double,
            "told": self.told.find(request.query.get("told", "")),
            "bubbles": bubbles,
            "composing": composing(request.query, bubbles),
            "subject": Do.SUBJECT in app.double.abilities(app.account),
            "extras": view.extras(app),
            "tabs": view.tabs(self.apps, app, person, lines),
            "try_this": view.exercise(self.apps, person, lines),
            "ledger": [(line, line.at.astimezone(parts.zone)) for line in told],
            "may_fail": Trouble.UNDELIVERED in app.double.offers,
            "panel": troubles.panel(app.double),
            "banner": troubles.banner(parts.doubles),
            "seconds": troubles.SECONDS,
            "usual": troubles.USUAL_S,
            "signs": view.SIGNS,
            "now": parts.clock().astimezone(parts.zone),
        }
        return web.Response(text=parts.html(template, context), content_type="text/html", headers=HEADERS)

    async def mail(self, request: web.Request) -> web.Response:
        """A mail's own look, for the frame it is shown in."""
        person, app = self.people.find(request.query.get("who", "")), self.app_of(request.query)
        wanted = request.query.get("id", "")
        found = next((item for item in app.double.thread(app.account, person) if item.id == wanted and item.html), None)
        if found is None:
            raise web.HTTPNotFound
        return web.Response(text=found.html, content_type="text/html", headers=HEADERS | {"Content-Security-Policy": MAIL_POLICY})

    async def own_file(self, request: web.Request) -> web.Response:
        """The page's own style sheet and module; what it shares with the desks comes from their folder."""
        name = request.match_info["name"]
        if name not in OWN_FILES:
            raise web.HTTPNotFound
        body = (FOLDER / "static" / name).read_bytes()
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
        return web.Response(body=body, content_type=OWN_FILES[name], charset="utf-8", headers=headers)

    # -- staying fresh

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: "changed" whenever the page should look again."""
        person = self.people.find(request.query.get("who", ""))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **HEADERS})
        await response.prepare(request)
        watched = [self.changes, *(double.changes for double in self.parts.doubles)]
        changed = asyncio.Event()
        for changes in watched:
            changes.watch(changed)
        try:
            await self._stream(response, person, changed)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the page was closed, or the sandbox is stopping
        finally:
            for changes in watched:
                changes.unwatch(changed)
        return response

    async def _stream(self, response: web.StreamResponse, person: Person, changed: asyncio.Event) -> None:
        newest, quiet = await self._newest(person), 0
        await response.write(b"retry: 1000\n\n")
        while not self.closing.is_set():
            try:
                async with asyncio.timeout(LOOK_S):
                    await changed.wait()
                await asyncio.sleep(SETTLE_S)
            except TimeoutError:
                pass
            latest = await self._newest(person)
            if changed.is_set() or latest != newest:
                changed.clear()
                newest, quiet = latest, 0
                await response.write(b"event: changed\ndata: {}\n\n")
            elif (quiet := quiet + 1) >= HEARTBEATS:
                quiet = 0
                await response.write(b": still here\n\n")

    async def _newest(self, person: Person) -> tuple[object, ...]:
        return tuple((line.at, line.title) for line in await self.parts.ledger(person, LINES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Composing:
    """What the writing line is for. about: the words of the message it answers or corrects."""

    do: Do
    target: str = ""
    about: str = ""


def composing(query: Mapping[str, str], bubbles: Sequence[view.Bubble]) -> Composing:
    """From the page's address: `reply=`, `edit=` with a message's id, `story=1`; plain writing otherwise."""
    if query.get("story"):
        return Composing(do=Do.STORY)
    for do in (Do.REPLY, Do.EDIT):
        wanted = query.get(do.value)
        found = next((b for b in bubbles if wanted and b.item.id == wanted and do in b.acts), None)
        if found is not None:
            return Composing(do=do, target=found.item.id, about=found.item.text)
    return Composing(do=Do.WRITE)
