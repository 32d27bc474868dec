"""The practice phone in Chromium: it stays fresh by itself, obeys its own content policy, and fits any width."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from channels.sandbox.phone import LedgerLine
from tests.integration.test_sandbox_phone import Desk, desk
from tests.integration.test_sandbox_twilio import hub, outbound, send

__all__ = ["desk", "hub"]  # fixtures

CHROMIUM = (
    os.environ.get("HUB_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        await opened.close()


async def open_page(browser: Browser, desk: Desk, complaints: list[str], *, width: int = 1440, height: int = 900) -> Page:
    context = await browser.new_context(viewport={"width": width, "height": height})
    page = await context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(f"{desk.url}/?who=123&on=whatsapp")
    await expect(page.locator("[data-live]")).not_to_have_attribute("hidden", "")  # the stream is open
    return page


async def test_the_page_keeps_itself_fresh_and_breaks_no_rule(browser: Browser, desk: Desk) -> None:
    complaints: list[str] = []
    page = await open_page(browser, desk, complaints)
    await page.get_by_label("Message", exact=True).fill("Hello, do you do lip filler?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".msg.out .read")).to_be_visible()
    await expect(page.get_by_label("Message", exact=True)).to_be_focused()
    await expect(page.get_by_label("Message", exact=True)).to_have_value("")
    await send(desk.hub.accounts["whatsapp"], desk.double, outbound("Hello, yes, our doctors do."))
    await expect(page.locator(".msg.from")).to_contain_text("Hello, yes, our doctors do.")
    desk.lines.insert(0, LedgerLine(at=datetime.now(UTC), icon="hand", title="Understood as a stop", detail="", steps=("stopped",)))
    await expect(page.locator(".led")).to_contain_text("Understood as a stop")
    await expect(page.locator(".led use").first).to_have_attribute("href", "#i-hand")
    assert await page.evaluate("document.getElementById('i-hand') !== null")
    await page.get_by_role("button", name="Make the next delivery fail").click()
    await expect(page.get_by_role("status")).to_contain_text("will not be delivered")
    assert complaints == []


async def test_a_new_person_is_chosen_from_the_list(browser: Browser, desk: Desk) -> None:
    page = await open_page(browser, desk, [])
    await page.get_by_label("You are").select_option("new")
    await page.wait_for_url(lambda url: "who=123" not in url and "who=new" not in url)
    await expect(page.locator(".phone .nothing")).to_be_visible()


@pytest.mark.parametrize(("width", "height"), [(320, 640), (390, 844), (768, 1024), (1440, 900)])
async def test_it_fits_without_sideways_scroll_and_opens_at_its_newest_end(browser: Browser, desk: Desk, width: int, height: int) -> None:
    for number in range(12):
        await desk.post("/write", text=f"Message {number} " + "long" * 30)
    page = await open_page(browser, desk, [], width=width, height=height)
    assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    await expect(page.locator(".msg").last).to_be_in_viewport()
    await expect(page.get_by_role("button", name="Send")).to_be_in_viewport()
