"""The practice phone over HTTP, as a browser without a script uses it, and its stream; in front of a real little hub."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import aiohttp
import pytest
from aiohttp import web

from channels.sandbox.doubles import Person
from channels.sandbox.phone import LedgerLine, Phone, PhoneParts
from channels.sandbox.phone.page import TEMPLATES
from channels.sandbox.twilio import TwilioDouble
from hub.practice.serving import STATIC
from hub.practice.telling import steps_of
from hub.store import ledger
from hub.web.render import Pages
from hub.web.static_files import StaticFiles
from tests.integration.test_sandbox_twilio import SID, TOKEN, Hub, hub, outbound, send

__all__ = ["hub"]  # a fixture

FIRST = "+447700900123"


@dataclass
class Desk:
    """The phone, its double, the hub behind it, and what was asked of the callables."""

    hub: Hub
    double: TwilioDouble
    http: aiohttp.ClientSession
    url: str = ""
    lines: list[LedgerLine] = field(default_factory=list)
    passed: list[tuple[str, int]] = field(default_factory=list)

    async def page(self, **query: str) -> str:
        async with self.http.get("/", params={"who": "123", "on": "whatsapp"} | query) as answer:
            assert answer.status == 200
            return await answer.text()

    async def post(self, path: str, **form: str) -> aiohttp.ClientResponse:
        answer = await self.http.post(path, data={"who": "123", "on": "whatsapp"} | form)
        await answer.read()
        return answer


@pytest.fixture
async def desk(hub: Hub) -> AsyncIterator[Desk]:
    double = TwilioDouble(SID, TOKEN, pace=0.02)
    for kind in ("whatsapp_twilio", "sms_twilio"):
        double.own(hub.account(kind))
    desk = Desk(hub=hub, double=double, http=None)  # type: ignore[arg-type]

    async def told(person: Person, limit: int) -> list[LedgerLine]:
        return desk.lines[:limit] if person.number == FIRST else []

    async def let_hours_pass(person: Person, hours: int) -> None:
        desk.passed.append((person.number, hours))

    async def go_on() -> None:
        desk.passed.append(("trouble", 0))

    static = StaticFiles(STATIC)
    phone = Phone(
        PhoneParts(
            doubles=[double],
            html=Pages({"sandbox": TEMPLATES}, static=static).html,
            ledger=told,
            let_hours_pass=let_hours_pass,
            go_on=go_on,
            clock=lambda: datetime(2026, 11, 24, 11, 42, tzinfo=UTC),
            zone=ZoneInfo("Europe/London"),
            clinic="Fenwick Lane Clinic",
            inbox_url="http://127.0.0.1:1/inbox",
            form_url="http://127.0.0.1:1/enquire",
        )
    )
    app = web.Application()
    app.add_routes([*phone.routes(), *static.routes()])
    app.on_shutdown.append(lambda _: phone.end_streams())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    desk.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with double.serve(), aiohttp.ClientSession(desk.url) as desk.http:
        yield desk
    await runner.cleanup()


async def test_what_the_patient_writes_goes_through_the_real_webhook_and_shows_its_tick(desk: Desk) -> None:
    answer = await desk.post("/write", text="Hello, do you do lip filler?")
    assert (answer.status, answer.history[0].status) == (200, 303)
    [message] = desk.hub.messages()
    assert message.text.reveal() == "Hello, do you do lip filler?"
    assert message.display_name is not None
    assert message.display_name.reveal() == "Meiling Chen"
    page = await desk.page()
    assert "Hello, do you do lip filler?" in page
    assert "Stored by the hub" in page
    assert "WhatsApp: invited" in page


async def test_the_hubs_answer_reaches_the_phone_once_it_is_delivered(desk: Desk) -> None:
    await send(desk.hub.accounts["whatsapp"], desk.double, outbound("Hello, yes, our doctors do."))
    await desk.double.settled()
    assert "Hello, yes, our doctors do." in await desk.page()
    assert "Hello, yes, our doctors do." not in await desk.page(on="sms")
    assert desk.hub.statuses()[-1] == "read"


async def test_what_a_patient_writes_is_never_markup(desk: Desk) -> None:
    await desk.post("/write", text="<script>alert(1)</script>")
    page = await desk.page()
    assert "<script>alert(1)</script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


async def test_the_page_carries_nothing_inline(desk: Desk) -> None:
    await desk.post("/write", text="Hello")
    async with desk.http.get("/") as answer:
        policy, page = answer.headers["Content-Security-Policy"], await answer.text()
    assert "unsafe" not in policy
    assert "style=" not in page
    assert "<style" not in page
    assert page.count("<script") == page.count('<script type="module" src="/phone/phone.js">') == 1
    for name in ("phone.css", "phone.js"):
        async with desk.http.get(f"/phone/{name}") as own:
            assert own.status == 200
    async with desk.http.get("/phone/..%2Fpage.py") as other:
        assert other.status == 404


async def test_the_next_delivery_fails_when_asked(desk: Desk) -> None:
    assert "will not be delivered" in await (await desk.post("/act", what="fail")).text()
    await send(desk.hub.accounts["whatsapp"], desk.double, outbound("Are you there?"))
    await desk.double.settled()
    assert desk.hub.statuses()[-1] == "undelivered"
    page = await desk.page()
    assert "did not arrive. Code 30003" in page
    assert "Are you there?" not in page


async def test_the_last_message_is_delivered_twice_when_asked(desk: Desk) -> None:
    assert "Write a message first" in await (await desk.post("/act", what="twice")).text()
    await desk.post("/write", text="Hello")
    await desk.post("/act", what="twice")
    first, again = desk.hub.messages()
    assert first.provider_event_id == again.provider_event_id
    assert (await desk.page()).count("<p>Hello</p>") == 1


async def test_hours_pass_for_the_person_only(desk: Desk) -> None:
    await desk.post("/act", what="hours")
    assert desk.passed == [(FIRST, 24)]


async def test_a_new_person_has_a_number_nobody_has(desk: Desk) -> None:
    async with desk.http.get("/", params={"who": "new"}) as answer:
        key = answer.url.query["who"]
    assert key not in ("123", "124", "456", "457")
    await desk.post("/write", who=key, text="Hello")
    assert desk.hub.messages()[0].senders[0].value.reveal() == f"+447700900{key}"


async def test_a_hub_that_does_not_answer_is_told_on_the_bubble(desk: Desk) -> None:
    desk.hub.down = 1
    await desk.post("/write", text="Hello")
    assert "The hub did not take it" in await desk.page()


async def test_another_sites_form_is_refused(desk: Desk) -> None:
    async with desk.http.post("/write", data={"text": "Hello"}, headers={"Origin": "https://evil.example"}) as answer:
        assert answer.status == 403
    assert desk.hub.messages() == []


async def test_odd_queries_and_forms_show_the_page(desk: Desk) -> None:
    assert "Meiling Chen" in await desk.page(who="nobody", on="pigeon", told="anything")
    assert (await desk.post("/act", what="anything")).status == 200
    assert (await desk.post("/write", text="   ")).status == 200
    assert desk.hub.messages() == []


def line(what: str, word: str, state: str = "", channel: str = "whatsapp") -> LedgerLine:
    """A line of the hub's records, with what it proves."""
    said = ledger.LedgerLine(at=datetime.now(UTC), icon="hand", title="x", detail="", what=what, word=word, state=state, channel=channel)
    return LedgerLine(at=said.at, icon="hand", title="x", detail="", steps=steps_of(said))


async def test_the_exercise_ticks_itself_off(desk: Desk) -> None:
    assert (await desk.page()).count(">, done<") == 0
    await desk.post("/write", text="Hello")
    for told, done in ((line("status", "RPL", "read"), 2), (line("understood", "OPT_OUT"), 3), (line("refused", "RPL"), 4)):
        desk.lines.insert(0, told)
        assert (await desk.page()).count(">, done<") == done
    desk.lines.insert(0, line("suppressed", "CHANNEL"))
    page = await desk.page()
    assert "WhatsApp: asked to stop" in page
    assert "SMS: not invited" in page
    await desk.post("/write", text="Hello again")
    assert (await desk.page()).count(">, done<") == 5
    desk.lines.insert(0, line("lifted", "CHANNEL"))
    assert "WhatsApp: invited" in await desk.page()
    desk.lines.insert(0, line("suppressed", "ALL_CONTACT", channel=""))
    assert (await desk.page()).count("asked to stop") == 2


async def test_the_stream_says_when_to_look_and_carries_no_words(desk: Desk) -> None:
    async with desk.http.get("/events", params={"who": "123"}) as stream, asyncio.timeout(10):
        assert stream.content_type == "text/event-stream"
        assert await stream.content.readline() == b"retry: 1000\n"
        await desk.post("/write", text="Sentinel words")
        heard = b""
        while b"changed" not in heard:
            heard += await stream.content.readline()
        assert b"Sentinel" not in heard
        # What only the hub knows of is noticed too.
        desk.lines.insert(0, LedgerLine(at=datetime.now(UTC) + timedelta(hours=1), icon="x", title="Reply refused", detail=""))
        heard = b""
        while b"changed" not in heard:
            heard += await stream.content.readline()
    async with desk.http.get("/parts", params={"who": "123", "on": "whatsapp"}) as parts:
        assert "Sentinel words" in await parts.text()
