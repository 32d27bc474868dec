"""The contact form in a real browser: by mouse, by keyboard, without JavaScript, on a phone, in both themes."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from hub.settings import Settings
from hub.store.pool import Pool
from tests.integration.public.site import public_app

CHROMIUM = (
    os.environ.get("HUB_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: install it, or name it in HUB_TEST_CHROMIUM"),
]


@pytest.fixture
async def origin(pool: Pool, settings: Settings) -> AsyncIterator[str]:
    """The public pages on a free port, on the real clock: the browser's patience is real as well."""
    runner = None
    port = _free_port()
    here = f"http://127.0.0.1:{port}"
    accounts = {i: replace(a, public_url=here) for i, a in settings.accounts.items()}
    async with public_app(pool, replace(settings, public_url=here, accounts=accounts), lambda: datetime.now(UTC)) as app:
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield here
        await runner.cleanup()


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        await opened.close()


async def open_form(browser: Browser, origin: str, **context: Any) -> Page:
    page = await (await browser.new_context(java_script_enabled=False, **context)).new_page()
    await page.goto(f"{origin}/enquire?lang=en")
    return page


async def patience(page: Page) -> None:
    """As long as the fastest person needs."""
    await page.wait_for_timeout(2100)


async def test_a_question_goes_in_without_javascript_and_without_a_cookie(browser: Browser, origin: str, pool: Pool) -> None:
    page = await open_form(browser, origin)
    await page.get_by_label("Your question").fill("Do you open on Saturdays?")
    await page.get_by_label("Email").first.fill("amy@example.org")
    await page.get_by_text("Yes, email me news about the subjects I tick.").click()
    await page.get_by_text("Clinic events").click()
    await patience(page)
    await page.get_by_role("button", name="Send my question").click()
    await page.wait_for_url("**/enquire/thanks?lang=en")
    assert await page.context.cookies() == []
    row = await pool.fetchrow("SELECT channel, interests FROM consent_event")
    assert (row["channel"], row["interests"]) == ("email", ["events"])


async def test_a_fault_takes_the_focus_and_leads_to_its_field_by_keyboard(browser: Browser, origin: str, pool: Pool) -> None:
    page = await open_form(browser, origin)
    await page.get_by_label("Your question").fill("Kept word for word")
    await page.get_by_label("Mobile").fill("07700 9003")
    await patience(page)
    await page.get_by_label("Mobile").press("Enter")
    await page.get_by_role("alert").wait_for()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    mobile = page.get_by_label("Mobile")
    assert await mobile.get_attribute("aria-invalid") == "true"
    told = await mobile.get_attribute("aria-describedby")
    assert told is not None
    assert await page.locator(f"#{told.split()[0]}").inner_text() == "2 digits seem to be missing."
    assert await page.get_by_label("Your question").input_value() == "Kept word for word"
    await mobile.fill("07700 900123")
    await mobile.press("Enter")
    await page.wait_for_url("**/enquire/thanks?lang=en")
    assert await pool.fetchval("SELECT body FROM message") == "Kept word for word"


async def test_nobody_meets_the_robots_field(browser: Browser, origin: str) -> None:
    page = await open_form(browser, origin)
    tree = await page.locator("form").aria_snapshot()
    assert "Leave this field empty" not in tree
    assert await page.locator("#website").get_attribute("tabindex") == "-1"


@pytest.mark.parametrize("path", ["/enquire?lang=en", "/enquire?lang=zh", "/enquire/thanks?lang=en", "/privacy?lang=en"])
@pytest.mark.parametrize("width", [320, 390, 1440])
async def test_no_page_scrolls_sideways(browser: Browser, origin: str, path: str, width: int) -> None:
    context = await browser.new_context(viewport={"width": width, "height": 800})
    page = await context.new_page()
    await page.goto(origin + path)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_every_control_has_a_name_and_is_big_enough_for_a_finger(browser: Browser, origin: str) -> None:
    context = await browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = await context.new_page()
    await page.goto(f"{origin}/enquire?lang=en")
    unnamed = "[...document.querySelectorAll('form input:not([type=hidden]), textarea')].filter(e => !e.labels.length).length"
    assert await page.evaluate(unnamed) == 0
    targets = "[...document.querySelectorAll('.input, .check, button')].filter(e => !e.closest('.vh'))"
    small = targets + ".filter(e => e.getBoundingClientRect().height < 36).length"
    assert await page.evaluate(small) == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_breaks_the_content_policy_in_either_theme(browser: Browser, origin: str, scheme: Any) -> None:
    page = await (await browser.new_context(color_scheme=scheme)).new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("request", lambda request: said.append(request.url) if not request.url.startswith(origin) else None)
    for path in ("/enquire?lang=en", "/enquire/zh", "/enquire/thanks", "/privacy"):
        await page.goto(origin + path)
    assert said == []
