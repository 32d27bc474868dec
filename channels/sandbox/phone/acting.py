"""What the practice phone's forms ask for: acts of the person, and bending the world. Always comes back to the page."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from channels.sandbox.doubles import Act, CannotDo, Do, Person
from channels.sandbox.phone import samples, troubles
from channels.sandbox.phone.view import App
from channels.sandbox.provider import ProviderDouble
from channels.sandbox.values import Rule, Trouble

if TYPE_CHECKING:
    from channels.sandbox.phone.page import Phone

LONGEST: Final = 4096
PATIENCE_S: Final = 3.0  # how long a sent form waits for the hub's answer before the page comes back
HOURS: Final = 24
KEPT: Final = 100
WRITING: Final = frozenset({Do.WRITE, Do.REPLY, Do.EDIT, Do.STORY})
HOURS_PASSED: Final = "24 hours have passed for this person."
WILL_FAIL: Final = "The next message to this person will not be delivered."
ONCE_MORE: Final = "The last message was delivered once more."
NO_MORE_TROUBLE: Final = "All trouble is over."
TROUBLE_TURNED: Final = "Done: see what the hub makes of it."


class Told:
    """Sentences for the page after an act, by a short key, so that none travels in an address."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, str] = OrderedDict()

    def keep(self, sentence: str) -> str:
        """The key of a sentence; "" for none."""
        if not sentence:
            return ""
        self._kept[key := secrets.token_hex(4)] = sentence
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return key

    def find(self, key: str) -> str:
        return self._kept.get(key, "")


class Acting:
    """The forms of one phone."""

    def __init__(self, phone: Phone) -> None:
        self._phone = phone
        self._posting: set[asyncio.Task[None]] = set()

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/write", self.write), web.post("/do", self.do), web.post("/act", self.act), web.post("/trouble", self.trouble)]

    async def write(self, request: web.Request) -> web.Response:
        """The person writes, answers or corrects: a signed webhook goes to the hub, as from the provider."""
        form, person, app = await self._read(request)
        do = Do(wanted) if (wanted := form.get("do", "")) in WRITING else Do.WRITE
        text, subject = form.get("text", "").strip()[:LONGEST], form.get("subject", "").strip()[:200]
        told = ""
        if text:
            told = await self._post(
                app.double.act(app.account, person, Act(do=do, text=text, subject=subject, target=form.get("target", "")))
            )
        return self._back(person, app, told=told)

    async def do(self, request: web.Request) -> web.Response:
        """The person does something else than writing."""
        form, person, app = await self._read(request)
        wanted = form.get("do", "")
        if wanted not in set(Do) - WRITING:
            return self._back(person, app)
        file = samples.FILES.get(form.get("file", ""))
        act = Act(
            do=Do(wanted),
            text=form.get("text", "")[:200],
            target=form.get("target", ""),
            payload=form.get("payload", "")[:200],
            place=samples.PLACE if wanted == Do.LOCATION else None,
            files=(file,) if file else (),
        )
        return self._back(person, app, told=await self._post(app.double.act(app.account, person, act)))

    async def act(self, request: web.Request) -> web.Response:
        """Bend the world."""
        form, person, app = await self._read(request)
        what, told = form.get("what", ""), ""
        if what == "hours":
            await self._phone.parts.let_hours_pass(person, HOURS)
            told = HOURS_PASSED
        elif what == "fail" and Trouble.UNDELIVERED in app.double.offers:
            app.double.troubles.add(Rule(trouble=Trouble.UNDELIVERED, to=spelt(app, person)))
            told = WILL_FAIL
        elif what == "twice":
            told = await self._post(app.double.again(app.account, person)) or ONCE_MORE
        self._phone.changes.notify()
        return self._back(person, app, told=told)

    async def trouble(self, request: web.Request) -> web.Response:
        """Turn a trouble on or off, or end all of it."""
        form, person, app = await self._read(request)
        doubles, told = self._phone.parts.doubles, TROUBLE_TURNED
        if form.get("kind") == "none":
            for double in doubles:
                double.troubles.clear()
            await self._phone.parts.go_on()
            told = NO_MORE_TROUBLE
        else:
            named = next((double for double in doubles if double.name == form.get("double")), None)
            if named is None or not troubles.switch(named, form.get("kind", ""), form.get("seconds", "")):
                told = ""
        self._phone.changes.notify()
        return self._back(person, app, told=told)

    async def _post(self, delivery: Awaitable[object]) -> str:
        """Deliver, and wait for it a moment; a slow hub does not hold the page. What to tell when it made no sense."""

        async def run() -> None:
            await delivery

        task = asyncio.create_task(run())
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)
        await asyncio.wait({task}, timeout=PATIENCE_S)
        if not task.done():
            return ""
        try:
            task.result()
        except CannotDo as fault:
            return str(fault)
        return ""

    async def _read(self, request: web.Request) -> tuple[Mapping[str, str], Person, App]:
        """The form's fields, the person and the channel. Raises 403 when a page of another site sent it."""
        origin = request.headers.get("Origin", "")
        if origin and urlsplit(origin).netloc != request.host:
            raise web.HTTPForbidden
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        return form, self._phone.people.find(form.get("who", "")), self._phone.app_of(form)

    def _back(self, person: Person, app: App, *, told: str = "") -> web.Response:
        key = self._phone.told.keep(told)
        query = {"who": person.key, "on": app.account.id} | ({"told": key} if key else {})
        return web.Response(status=303, headers={"Location": f"/?{urlencode(query)}", "Cache-Control": "no-store"})


def spelt(app: App, person: Person) -> str:
    """The person as the provider's troubles know them."""
    handle = person.handle(app.account.channel)
    return app.double.pair_of(app.account, handle)[1] if isinstance(app.double, ProviderDouble) else handle
