"""Playing a colleague by hand: the page over the double, with nothing but forms."""

from __future__ import annotations

import re
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

import hub.web
from channels.sandbox import staff
from channels.sandbox.staff import page as staff_page
from hub.web.render import Pages
from hub.web.static_files import StaticFiles
from tests.integration.slack.conftest import PRIYA, Office


async def test_a_newcomer_replies_presses_and_reads_by_hand(office: Office, monkeypatch: object) -> None:
    static = StaticFiles(Path(hub.web.__file__).parent / "static")
    pages = Pages({"staff": staff.TEMPLATES}, static=static)
    app = web.Application()
    app.add_routes(staff.StaffPage(office.double, pages.html, clinic="Clinic", inbox_url="http://hub.example/inbox").routes())
    monkeypatch.setattr(staff_page, "SETTLE_S", 0.0)  # type: ignore[attr-defined]
    await office.clinic.writes("<b>Hello</b> <!channel>")
    await office.mirrors()
    async with TestClient(TestServer(app)) as client:
        origin = {"Origin": str(client.make_url("/")).rstrip("/")}
        text = await (await client.get("/staff")).text()
        assert "&lt;b&gt;Hello&lt;/b&gt; &lt;!channel&gt;" in text
        form = {"who": PRIYA.id, "thread": office.root.ts}
        assert (await client.post("/staff/reply", data={**form, "text": "x"})).status == 403
        await client.post("/staff/reply", data={**form, "text": ">> By hand"}, headers=origin)
        await office.mirrors()
        assert await office.clinic.value("SELECT body FROM message WHERE kind = 'RPL'") == "By hand"
        text = await (await client.get("/staff", params=form)).text()
        found = re.search(r'name="value" value="([0-9a-f-]{36})"><button class="btn" name="action" value="resolve"', text)
        assert found
        await client.post("/staff/press", data={**form, "ts": office.root.ts, "action": "resolve", "value": found[1]}, headers=origin)
        await office.mirrors()
        assert await office.clinic.value("SELECT status FROM conversation") == "resolved"
