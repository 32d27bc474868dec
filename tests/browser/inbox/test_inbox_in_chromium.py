"""The inbox in a real browser: live, on the keyboard, without JavaScript, on a phone, in both themes."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, async_playwright, expect

from hub.app import make_app
from hub.settings import Settings
from hub.store import staff
from hub.store.pool import Pool
from tests.world import SMS, StandingClock, World, world

CHROMIUM = (
    os.environ.get("HUB_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: install it, or name it in HUB_TEST_CHROMIUM"),
]
PASSWORD = "four quiet river stones"
# How many controls have no name a screen reader could say.
UNNAMED = """
[...document.querySelectorAll("button, a[href], input:not([type=hidden]), textarea, select")].filter((e) =>
    !(e.textContent.trim() || e.getAttribute("aria-label") || e.labels?.length || e.querySelector("[aria-label]"))).length
"""
DESKTOP, PHONE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}, {"width": 320, "height": 640}


@dataclass
class Desk:
    """The running hub, its clinic, and a browser; remembers what pages complained about."""

    url: str
    clinic: World
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    async def context(self, **options: Any) -> BrowserContext:
        return await self.browser.new_context(**{"viewport": DESKTOP, "base_url": self.url, **options})

    async def page(self, context: BrowserContext) -> Page:
        page = await context.new_page()
        page.on("console", lambda message: self.complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    async def link(self) -> str:
        """A one-time link for a new administrator."""
        now = self.clinic.clock()
        async with self.clinic.pool.acquire() as conn:
            staff_id = await staff.add_staff(conn, email="priya@fenwicklane.example", name="Administrator", role="administrator", now=now)
            return f"{self.url}/welcome/{await staff.create_link(conn, staff_id, now=now)}"

    async def signed_in(self, **options: Any) -> Page:
        """A receptionist at the inbox, through the one-time link."""
        page = await self.page(await self.context(**options))
        await page.goto(await self.link())
        await page.get_by_label("Your name").fill("Priya Nair")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_label("Also work in the inbox").check()
        await page.get_by_role("button", name="Begin").click()
        await expect(page).to_have_url(f"{self.url}/inbox")
        return page


@pytest.fixture
async def desk(pool: Pool, settings: Settings, database_url: str) -> AsyncIterator[Desk]:
    clock = StandingClock(datetime.now(UTC))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    here = f"http://127.0.0.1:{port}"
    configured = replace(settings, database_url=database_url, public_url=here, undo_s=6.0)
    runner = web.AppRunner(make_app(configured, clock=clock), shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with async_playwright() as playwright, world(pool, configured, clock) as clinic:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield Desk(here, clinic, browser)
        await browser.close()
    await runner.cleanup()


async def live(page: Page) -> None:
    """The page hears the stream."""
    await page.wait_for_selector('body[data-live="yes"]')


async def test_from_the_first_link_to_the_answered_enquiry_without_a_reload(desk: Desk) -> None:
    page = await desk.signed_in()
    await expect(page.get_by_text("Try it with a practice phone")).to_be_visible()
    await live(page)
    await desk.clinic.writes("Hello, do you do lip filler?")
    row = page.locator(".item")
    await expect(row).to_contain_text("Hello, do you do lip filler?", timeout=20_000)
    await row.click()
    await page.get_by_label("Reply to").fill("Yes, shall we book a consultation?")
    await live(page)
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".toast")).to_contain_text("Sending in")
    await expect(page.locator(".msg.out")).to_contain_text("Waiting to leave")
    await expect(page.get_by_label("Reply to")).to_have_value("")
    desk.clinic.clock.forward(seconds=7)  # type: ignore[attr-defined]
    await desk.clinic.delivers()
    await expect(page.locator('.msg.out [href="#i-tick1"]')).to_have_count(1)
    await desk.clinic.writes("STOP")
    await expect(page.get_by_role("heading", name="asked us not to write")).to_be_visible()
    await expect(page.locator(".said")).to_contain_text("STOP")
    await expect(page.get_by_label("Reply to")).to_have_count(0)
    assert desk.complaints == []


async def test_what_is_being_typed_survives_what_arrives(desk: Desk) -> None:
    page = await desk.signed_in()
    await desk.clinic.writes("Hello", account=SMS)
    await page.goto(f"/inbox/{await desk.clinic.conversation()}")
    await live(page)
    field = page.get_by_label("Reply to")
    await field.fill("Half a sent")
    await desk.clinic.writes("Are you there?", account=SMS)
    await expect(page.locator(".msg.in")).to_have_count(2)
    await expect(field).to_have_value("Half a sent")
    await expect(page.locator("[data-count]")).to_have_text("11 of 160, one SMS")
    await expect(page.locator("[data-announce]")).to_contain_text("Are you there?")


async def test_a_stop_that_arrives_while_somebody_types_keeps_the_words(desk: Desk) -> None:
    page = await desk.signed_in()
    await desk.clinic.writes("Hello", account=SMS)
    await page.goto(f"/inbox/{await desk.clinic.conversation()}")
    await live(page)
    await page.get_by_label("Reply to").fill("We could also offer")
    await desk.clinic.writes("STOP", account=SMS)
    await expect(page.get_by_role("heading", name="asked us not to write")).to_be_visible()
    await expect(page.get_by_label("Your text is kept here")).to_have_value("We could also offer")


async def test_undo_by_the_toast_takes_the_reply_back(desk: Desk) -> None:
    page = await desk.signed_in()
    await desk.clinic.writes("Hello")
    await page.goto(f"/inbox/{await desk.clinic.conversation()}")
    await page.get_by_label("Reply to").fill("Oh no")
    await page.get_by_role("button", name="Send").click()
    await page.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(page.locator(".sys", has_text="took a reply back")).to_be_visible()
    assert await desk.clinic.statuses() == ["cancelled"]


async def test_every_act_works_without_javascript(desk: Desk) -> None:
    page = await desk.signed_in(java_script_enabled=False)
    await desk.clinic.writes("Hello")
    await page.goto("/inbox")
    await page.locator(".item").click()
    await page.get_by_label("Reply to").fill("Good morning")
    await page.get_by_role("button", name="Send").click()
    await expect(page.locator(".msg.out")).to_contain_text("Good morning")
    await page.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(page.get_by_text("Taken back. Nothing was sent")).to_be_visible()
    await page.get_by_role("button", name="Assign to me").click()
    await page.get_by_role("button", name="Resolve").click()
    await expect(page.get_by_role("button", name="Reopen")).to_be_visible()


async def test_the_keyboard_reaches_everything(desk: Desk) -> None:
    page = await desk.signed_in()
    for n in range(3):
        desk.clinic.clock.forward(seconds=1)  # type: ignore[attr-defined]
        await desk.clinic.writes(f"enquiry {n}", phone=f"+44770090011{n}")
    await page.goto("/inbox")
    await live(page)
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await expect(page.locator(".item:focus")).to_contain_text("enquiry 1")
    await page.keyboard.press("k")
    await page.keyboard.press("Enter")
    await expect(page.locator(".msg.in")).to_contain_text("enquiry 2")
    await live(page)
    await page.keyboard.press("r")
    await expect(page.get_by_label("Reply to")).to_be_focused()
    await page.keyboard.type("je?")  # letters in a field are letters
    await expect(page.get_by_label("Reply to")).to_have_value("je?")
    await page.keyboard.press("Escape")
    await page.keyboard.press("a")
    await expect(page.locator(".watch")).to_contain_text("Priya")
    await page.keyboard.press("e")
    await expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.get_by_label("Switch single-letter keys off").check()
    await page.keyboard.press("Escape")
    await page.keyboard.press("e")
    await asyncio.sleep(0.3)
    await expect(page.get_by_role("button", name="Reopen")).to_be_visible()


@pytest.mark.parametrize("viewport", [PHONE, NARROW], ids=["phone", "narrow"])
async def test_nothing_scrolls_sideways_on_a_phone(desk: Desk, viewport: dict[str, int]) -> None:
    page = await desk.signed_in(viewport=viewport)
    await desk.clinic.writes("A_very_long_word_without_any_place_to_break_" * 8)
    await desk.clinic.writes("Hello", phone="+447700900777", account=SMS)
    await desk.clinic.writes("STOP", phone="+447700900777", account=SMS)
    one, two = await desk.clinic.conversation(), await desk.clinic.conversation(phone="+447700900777")
    for path in ("/inbox", f"/inbox/{one}", f"/inbox/{one}/person", f"/inbox/{two}", "/account", "/sign-in", "/nothing-here"):
        await page.goto(path)
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


async def test_one_pane_per_address_on_a_phone_and_back_works(desk: Desk) -> None:
    page = await desk.signed_in(viewport=PHONE)
    await desk.clinic.writes("Hello")
    await page.goto("/inbox")
    await page.locator(".item").click()
    await expect(page.locator(".pane.list")).to_be_hidden()
    await expect(page.locator(".tabs")).to_be_hidden()
    await page.get_by_role("link", name="About this person").click()
    await expect(page.get_by_role("heading", name="How we may speak")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_label("Reply to")).to_be_visible()
    await page.get_by_role("link", name="Back to list").click()
    await expect(page.locator(".item")).to_be_visible()


@pytest.mark.parametrize(("scheme", "ground"), [("light", "rgb(245, 243, 238)"), ("dark", "rgb(18, 22, 24)")])
async def test_the_theme_follows_the_system_until_it_is_chosen(desk: Desk, scheme: Any, ground: str) -> None:
    page = await desk.signed_in(color_scheme=scheme)
    grounds = "getComputedStyle(document.documentElement).backgroundColor"
    assert await page.evaluate(grounds) == ground
    await page.goto("/account")
    await page.get_by_role("button", name="Dark").click()
    await page.goto("/inbox")
    assert await page.evaluate(grounds) == "rgb(18, 22, 24)"


async def test_no_page_breaks_its_own_security_policy(desk: Desk) -> None:
    page = await desk.signed_in()
    await desk.clinic.writes("Hello")
    await desk.clinic.writes("Hello", phone="+447700900777", account=SMS)
    await desk.clinic.writes("STOP", phone="+447700900777", account=SMS)
    for phone in ("+447700900123", "+447700900777"):
        conversation = await desk.clinic.conversation(phone=phone)
        for path in (f"/inbox/{conversation}", f"/inbox/{conversation}/person", "/inbox?view=resolved", "/account"):
            await page.goto(path)
            await asyncio.sleep(0.1)
    assert desk.complaints == []


async def test_each_page_has_one_first_heading_and_named_regions(desk: Desk) -> None:
    page = await desk.signed_in()
    await desk.clinic.writes("Hello")
    conversation = await desk.clinic.conversation()
    for path in ("/inbox", f"/inbox/{conversation}", f"/inbox/{conversation}/person"):
        await page.goto(path)
        assert await page.locator("h1").count() == 1, path
        unnamed = await page.evaluate(UNNAMED)
        assert unnamed == 0, path


async def test_the_window_is_told_in_the_edge_of_the_composer(desk: Desk) -> None:
    page = await desk.signed_in()
    await desk.clinic.writes("Hello")
    desk.clinic.clock.now += timedelta(hours=11, minutes=55)  # type: ignore[attr-defined]
    await page.goto(f"/inbox/{await desk.clinic.conversation()}")
    await expect(page.locator("[data-left]")).to_have_text("12 h left")
    assert await page.locator(".meter .v").get_attribute("x2") == "50"
