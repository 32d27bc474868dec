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
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from channels.sandbox.phone import view
from channels.sandbox.phone.people import People, Person
from channels.sandbox.phone.view import LedgerLine
from channels.sandbox.twilio import TwilioDouble
from channels.sandbox.values import Trouble, WrittenMessage
from hub.model.message import Account

FOLDER: Final = Path(__file__).parent
TEMPLATES: Final = FOLDER / "templates"
LINES: Final = 40
LONGEST: Final = 4096
PATIENCE_S: Final = 3.0  # how long a sent form waits for the hub's answer before the page comes back
LOOK_S: Final = 2.0  # how often the hub's own doings are looked at while nothing moves here
HEARTBEATS: Final = 7
SETTLE_S: Final = 0.05  # several changes at once are one
HOURS: Final = 24
OWN_FILES: Final = {"phone.css": "text/css", "phone.js": "text/javascript"}
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
TOLD: Final = {
    "hours": "24 hours have passed for this person.",
    "fail": "The next message to this person will not be delivered.",
    "twice": "The last message was delivered once more.",
    "nothing": "Write a message first.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneParts:
    """What the page is put together from.

    html: renders a template of this folder by name. ledger: what the hub did about a number, newest first, at most so many
    lines. let_hours_pass: moves a number's invitations into the past. inbox_url: where staff answer.
    """

    double: TwilioDouble
    accounts: Sequence[Account]
    html: Callable[[str, Mapping[str, object]], str]
    ledger: Callable[[str, int], Awaitable[Sequence[LedgerLine]]]
    let_hours_pass: Callable[[str, int], Awaitable[None]]
    clock: Callable[[], datetime]
    zone: tzinfo
    clinic: str
    inbox_url: str


class Phone:
    """The page, for one sandbox."""

    def __init__(self, parts: PhoneParts) -> None:
        self._parts = parts
        self._double = parts.double
        self._people = People(frozenset(a.sender.removeprefix("whatsapp:") for a in parts.accounts))
        self._posting: set[asyncio.Task[None]] = set()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.show),
            web.get("/parts", self.show_parts),
            web.get("/events", self.events),
            web.get("/phone/{name}", self.own_file),
            web.post("/write", self.write),
            web.post("/act", self.act),
        ]

    async def end_streams(self) -> None:
        """Let open pages go, so that the process can stop at once."""
        self._double.closing.set()
        self._double.changes.notify()

    # -- reading

    async def show(self, request: web.Request) -> web.Response:
        """The whole page. `who=new` makes a person and goes on as that person."""
        if request.query.get("who") == "new":
            return self._back(self._people.add(), self._account(request.query))
        return await self._page(request, "sandbox/phone.html")

    async def show_parts(self, request: web.Request) -> web.Response:
        """The parts of the page that move."""
        return await self._page(request, "sandbox/parts.html")

    async def _page(self, request: web.Request, template: str) -> web.Response:
        person, account, parts = self._people.find(request.query.get("who", "")), self._account(request.query), self._parts
        lines = await parts.ledger(person.number, LINES)
        text = parts.html(
            template,
            {
                "clinic": parts.clinic,
                "inbox_url": parts.inbox_url,
                "people": self._people.all(),
                "person": person,
                "on": account.channel.value,
                "told": TOLD.get(request.query.get("told", ""), ""),
                "bubbles": view.thread(self._double, account, person, parts.zone),
                "tabs": view.tabs(self._double, parts.accounts, account, person, lines),
                "try_this": view.exercise(self._double, parts.accounts, person, lines),
                "ledger": [(line, line.at.astimezone(parts.zone)) for line in lines],
                "now": parts.clock().astimezone(parts.zone),
            },
        )
        return web.Response(text=text, content_type="text/html", headers=HEADERS)

    async def own_file(self, request: web.Request) -> web.Response:
        """The page's own style sheet and module; what it shares with the desks comes from their folder."""
        name = request.match_info["name"]
        if name not in OWN_FILES:
            raise web.HTTPNotFound
        body = (FOLDER / "static" / name).read_bytes()
        headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
        return web.Response(body=body, content_type=OWN_FILES[name], charset="utf-8", headers=headers)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: "changed" whenever the page should look again."""
        person = self._people.find(request.query.get("who", ""))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", **HEADERS})
        await response.prepare(request)
        changed = self._double.changes.watch()
        try:
            await self._stream(response, person, changed)
        except (ConnectionError, asyncio.CancelledError):
            pass  # the page was closed, or the sandbox is stopping
        finally:
            self._double.changes.unwatch(changed)
        return response

    async def _stream(self, response: web.StreamResponse, person: Person, changed: asyncio.Event) -> None:
        newest, quiet = await self._newest(person), 0
        await response.write(b"retry: 1000\n\n")
        while not self._double.closing.is_set():
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
        lines = await self._parts.ledger(person.number, LINES)
        return tuple((line.at, line.title) for line in lines)

    # -- acting

    async def write(self, request: web.Request) -> web.Response:
        """The patient writes: a signed webhook goes to the hub, as from the provider."""
        form = await self._form(request)
        person, account, text = self._people.find(form.get("who", "")), self._account(form), form.get("text", "").strip()[:LONGEST]
        if text:
            await self._post(self._double.patient_writes(account, person.number, text, fields={"ProfileName": person.name}))
        return self._back(person, account)

    async def act(self, request: web.Request) -> web.Response:
        """Bend the world."""
        form = await self._form(request)
        person, account, what = self._people.find(form.get("who", "")), self._account(form), form.get("what", "")
        if what == "hours":
            await self._parts.let_hours_pass(person.number, HOURS)
            self._double.changes.notify()
        elif what == "fail":
            self._double.trouble(Trouble.UNDELIVERED, to=view.address_on(account, person.number))
        elif what == "twice":
            last = self._last(person, account)
            if last is None:
                what = "nothing"
            else:
                await self._post(self._double.deliver(last, f"{account.public_url}/webhooks/{account.id}"))
        return self._back(person, account, told=what)

    def _last(self, person: Person, account: Account) -> WrittenMessage | None:
        theirs = view.address_on(account, person.number)
        return next((w for w in reversed(self._double.written) if w.sender == theirs and w.account_id == account.id), None)

    async def _post(self, delivery: Awaitable[object]) -> None:
        """Deliver, and wait for it a moment; a slow hub does not hold the page."""

        async def run() -> None:
            await delivery

        task = asyncio.create_task(run())
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)
        await asyncio.wait({task}, timeout=PATIENCE_S)

    async def _form(self, request: web.Request) -> Mapping[str, str]:
        """The form's fields. Raises 403 when a page of another site sent it."""
        origin = request.headers.get("Origin", "")
        if origin and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden
        return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}

    def _account(self, given: Mapping[str, str]) -> Account:
        wanted = given.get("on", "")
        return next((a for a in self._parts.accounts if a.channel.value == wanted), self._parts.accounts[0])

    def _back(self, person: Person, account: Account, *, told: str = "") -> web.Response:
        query = {"who": person.key, "on": account.channel.value} | ({"told": told} if told in TOLD else {})
        return web.Response(status=303, headers={"Location": f"/?{urlencode(query)}", "Cache-Control": "no-store"})
