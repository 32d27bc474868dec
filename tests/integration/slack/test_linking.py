"""Who somebody in Slack is: offered by a confirmed address, linked by its owner alone, ended at once."""

from __future__ import annotations

import re

from aiohttp.test_utils import TestClient, TestServer

from channels.sandbox.slack import Member
from hub.app import make_app
from hub.desks.account import passwords
from hub.model.ids import StaffId
from hub.store import slack_inbound, staff
from tests.integration.slack.conftest import PRIYA, Office

PASSWORD = "four quiet river stones"


async def hired(office: Office, email: str) -> StaffId:
    hashed = await passwords.hashed(PASSWORD)
    async with office.pool.acquire() as conn, conn.transaction():
        staff_id = await staff.add_staff(conn, email=email, name="Ann Lee", role="front_desk", now=office.clock())
        await staff.set_password(conn, staff_id, name=None, hashed=hashed)
    return staff_id


async def page_of(client: TestClient, email: str) -> str:  # type: ignore[type-arg]
    origin = str(client.make_url("/")).rstrip("/")
    await client.post("/sign-in", data={"email": email, "password": PASSWORD}, headers={"Origin": origin})
    return await (await client.get("/account")).text()


async def press(client: TestClient, page: str, path: str, **fields: str) -> str:  # type: ignore[type-arg]
    found = re.search(r'name="csrf" content="([^"]+)"', page)
    assert found
    origin = str(client.make_url("/")).rstrip("/")
    answer = await client.post(path, data={"csrf": found[1], **fields}, headers={"Origin": origin})
    return await answer.text()


async def test_a_confirmed_address_is_offered_and_its_owner_links_it(office: Office) -> None:
    ann = Member(id="U2ANN", name="Ann in Slack", email="Ann@fenwicklane.example")
    office.double.join(ann)
    await hired(office, "ann@fenwicklane.example")
    await office.clinic.writes("Hello")
    await office.mirrors()
    await office.reply(">> Not yet", user=ann.id)
    assert await office.clinic.statuses() == []
    async with TestClient(TestServer(make_app(office.settings, clock=office.clock))) as client:
        page = await page_of(client, "ann@fenwicklane.example")
        assert "Ann in Slack" in page
        page = await press(client, page, "/account/slack", user=ann.id)
        assert "You act there as" in page
        await office.reply("&gt;&gt; Now I may", user=ann.id)
        assert await office.clinic.statuses() == ["queued"]
        await press(client, page, "/account/slack/leave")
        await office.reply("&gt;&gt; Not any more", user=ann.id)
        assert await office.clinic.statuses() == ["queued"]
    acts = await office.clinic.rows("SELECT action FROM audit_event WHERE action IN ('staff.linked', 'staff.unlinked') ORDER BY id")
    assert [r["action"] for r in acts] == ["staff.linked", "staff.unlinked"]


async def test_nobody_links_an_address_slack_has_not_confirmed_or_that_is_not_theirs(office: Office) -> None:
    office.double.join(Member(id="U2ANN", name="Ann", email="ann@fenwicklane.example", confirmed=False))
    ann = await hired(office, "ann@fenwicklane.example")
    await office.clinic.writes("Hello")
    await office.mirrors()
    await office.reply("hi", user="U2ANN")
    async with office.pool.acquire() as conn:
        assert await slack_inbound.offers(conn, ann) == []
    async with TestClient(TestServer(make_app(office.settings, clock=office.clock))) as client:
        page = await page_of(client, "ann@fenwicklane.example")
        await press(client, page, "/account/slack", user=PRIYA.id)
        await press(client, page, "/account/slack", user="U2ANN")
    assert await office.clinic.value("SELECT count(*) FROM slack_user WHERE staff_id = $1", ann) == 0
