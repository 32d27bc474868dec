"""Campaigns in a real browser: two colleagues, the sheet, the running page and everybody's outcome."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright, expect

from channels.registry import ADAPTERS
from hub.app import make_app
from hub.campaigns.work import CampaignWork
from hub.gate.deliver import Delivery
from hub.model.ids import CampaignId
from hub.settings import Settings
from hub.store import campaigns, staff
from hub.store.pool import Pool
from tests.integration.campaigns.people import Given, Stop, agreed, write
from tests.integration.campaigns.samples import BODY
from tests.world import SMS, StandingClock, World, world

CHROMIUM = (
    os.environ.get("HUB_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
SHOTS = os.environ.get("HUB_TEST_SHOTS")  # a folder for pictures, when somebody wants to look
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: install it, or name it in HUB_TEST_CHROMIUM"),
]
PASSWORD = "four quiet river stones"
UNNAMED = """
[...document.querySelectorAll("button, a[href], input:not([type=hidden]), textarea, select")].filter((e) =>
    !(e.textContent.trim() || e.getAttribute("aria-label") || e.labels?.length || e.querySelector("[aria-label]"))).length
"""


@dataclass
class Desk:
    """The running hub, its clinic and a browser; remembers what pages complained about."""

    url: str
    clinic: World
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    async def signed_in(self, name: str, role: str, **options: object) -> Page:
        context = await self.browser.new_context(base_url=self.url, **{"viewport": {"width": 1440, "height": 900}, **options})  # type: ignore[arg-type]
        page = await context.new_page()
        page.on("console", lambda message: self.complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        now = self.clinic.clock()
        async with self.clinic.pool.acquire() as conn:
            staff_id = await staff.add_staff(conn, email=f"{name.split()[0].lower()}@fenwicklane.example", name=name, role=role, now=now)
            link = await staff.create_link(conn, staff_id, now=now)
        await page.goto(f"/welcome/{link}")
        await page.get_by_label("Your name").fill(name)
        await page.get_by_label("Password").fill(PASSWORD)
        await page.locator("form button").first.click()
        await page.wait_for_load_state()
        return page

    async def newest(self) -> tuple[CampaignWork, CampaignId]:
        async with self.clinic.pool.acquire() as conn:
            [found, *_] = await campaigns.newest(conn)
        return CampaignWork(self.clinic.pool, self.clinic.settings, clock=self.clinic.clock), found.id

    async def list_is_written(self) -> None:
        work, campaign_id = await self.newest()
        await work.freeze_slice(campaign_id)

    async def worker_runs(self) -> int:
        account, settings = self.clinic.account(SMS), self.clinic.settings
        work, campaign_id = await self.newest()
        return await work.run(
            campaign_id,
            lambda source: Delivery(
                self.clinic.pool, account, ADAPTERS[account.adapter], self.clinic.transport, policy=settings.policy,
                clock=self.clinic.clock, source=source,
            ),
            deadline_s=5,
        )  # fmt: skip


@pytest.fixture
async def desk(pool: Pool, database_url: str, settings: Settings, clock: StandingClock) -> AsyncIterator[Desk]:
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    here = replace(settings, database_url=database_url, port=port, public_url=f"http://127.0.0.1:{port}")
    runner = web.AppRunner(make_app(here, clock=clock), access_log=None)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    async with async_playwright() as player, world(pool, here, clock) as clinic:
        browser = await player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield Desk(here.public_url, clinic, browser)
        await browser.close()
    await runner.cleanup()


async def people(desk: Desk) -> None:
    names = ["Nia Powell", "Hannah Price", "Owen Pugh", "陈美凤", "Tomasz Nowak"]
    found = [agreed(n, name=names[n % 5]) for n in range(60)]
    found += [agreed(n, name=names[n % 5], stops=[Stop(scope="ALL_MARKETING")]) for n in range(60, 72)]
    found += [agreed(n, consents=[Given(days=4, interests=("laser",))]) for n in range(72, 100)]
    found += [agreed(n, consents=[Given(days=4, needs_confirmation=True)]) for n in range(100, 109)]
    found += [agreed(n, age_confirmed=False) for n in range(109, 120)]
    async with desk.clinic.pool.acquire() as conn:
        await write(conn, desk.clinic.settings, found, now=desk.clinic.clock() - timedelta(hours=1))


async def shot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png")


async def write_one(page: Page) -> None:
    await page.goto("/campaigns")
    await page.get_by_role("link", name=re.compile("Write the first|New campaign")).first.click()
    await page.get_by_label("Name").fill("Winter skincare evening")
    await page.get_by_label("Purpose").select_option("promotion")
    await page.get_by_label("Skincare").check()
    await page.get_by_label("Text").fill(BODY.replace("A consultation", "Botox today only! A consultation"))
    await page.get_by_role("button", name="Check the text").click()
    await expect(page.locator(".card", has_text="Text check")).to_contain_text("pom.named")
    await shot(page, "edit")
    await page.get_by_label("Text").fill(BODY)
    await page.get_by_role("button", name="Save and count").click()


async def test_two_colleagues_bring_a_campaign_from_the_first_word_to_the_last_person(desk: Desk) -> None:
    await people(desk)
    jo = await desk.signed_in("Jo Whitfield", "marketing")
    await write_one(jo)
    fall = jo.locator("table.fall")
    await expect(fall.locator("tr.total")).to_contain_text("60")
    await expect(fall).to_contain_text("NOT_RELEVANT")
    await expect(jo.get_by_role("button", name="Approve")).to_have_count(0)
    await expect(jo.locator("body")).to_contain_text("Somebody else has to approve it")
    await shot(jo, "presend-writer")
    await jo.get_by_role("link", name="Did not ask about skincare").click()
    await expect(jo.locator("tbody tr")).to_have_count(28)

    sam = await desk.signed_in("Sam Okoro", "data_protection")
    await sam.goto("/campaigns")
    await sam.get_by_role("link", name="Winter skincare evening").click()
    await shot(sam, "presend")
    assert await sam.evaluate(UNNAMED) == 0
    await sam.get_by_role("button", name="Approve").click()
    await expect(sam.locator(".chip").first).to_have_text("Approved")
    await sam.get_by_role("button", name="Begin now").click()
    await desk.list_is_written()
    await desk.clinic.writes("STOP", phone="+447700900001", account=SMS)
    assert await desk.worker_runs() == 59
    await sam.get_by_role("link", name="Look again").click()
    await expect(sam.locator("body")).to_contain_text("Adds up to the last person")
    await shot(sam, "finished")
    await sam.get_by_role("link", name="All 60").click()
    await expect(sam.locator("tbody tr")).to_have_count(50)
    await expect(sam.locator("tbody")).to_contain_text("Agreed 14 November 2026")
    await shot(sam, "people")
    await sam.get_by_role("link", name="Next page").click()
    await expect(sam.locator("tbody tr")).to_have_count(10)
    assert desk.complaints == []


async def test_a_running_campaign_shows_new_numbers_by_itself_and_can_be_paused(desk: Desk) -> None:
    await people(desk)
    jo, sam = await desk.signed_in("Jo Whitfield", "marketing"), await desk.signed_in("Sam Okoro", "marketing")
    await write_one(jo)
    await sam.goto(jo.url)
    await sam.get_by_role("button", name="Approve").click()
    await sam.get_by_role("button", name="Begin now").click()
    await expect(sam.locator(".big")).to_contain_text("0 of")
    await shot(sam, "running")
    await desk.worker_runs()
    await expect(sam.locator(".big")).to_contain_text("60 of 60", timeout=40_000)
    await expect(sam.get_by_role("button", name="Pause")).to_have_count(0)


async def test_without_a_script_and_on_a_phone_it_is_plain_links_and_forms(desk: Desk) -> None:
    await people(desk)
    jo = await desk.signed_in("Jo Whitfield", "marketing", java_script_enabled=False, viewport={"width": 390, "height": 844})
    await write_one(jo)
    await expect(jo.locator("tr.total")).to_contain_text("60")
    await shot(jo, "presend-phone")
    await jo.get_by_role("button", name="Give it up").click()
    await expect(jo.locator(".chip").first).to_have_text("Stopped for good")


async def test_an_auditor_sees_numbers_and_no_names_and_changes_nothing(desk: Desk) -> None:
    await people(desk)
    jo = await desk.signed_in("Jo Whitfield", "marketing")
    await write_one(jo)
    ann = await desk.signed_in("Ann Weir", "auditor")
    await ann.goto(jo.url.partition("?")[0])
    await expect(ann.locator("main form")).to_have_count(0)
    await ann.goto(jo.url.partition("?")[0] + "/audience")
    await expect(ann.locator("tbody")).not_to_contain_text("Powell")
    await expect(ann.locator("tbody tr").first).to_contain_text("Person ")
    desk_page = await desk.signed_in("Fay Ross", "front_desk")
    answer = await desk_page.goto("/campaigns")
    assert answer is not None
    assert answer.status == 403
