"""What staff write down about a person, in a real browser: two presses, by key, live, and on every screen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.browser.inbox.test_inbox_in_chromium import DESKTOP, NARROW, PHONE, UNNAMED, Desk, desk, live, pytestmark

__all__ = ["desk", "pytestmark"]
SHOTS = os.environ.get("HUB_TEST_SHOTS")  # a folder for pictures, when somebody wants to look


async def _shot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


async def test_an_objection_is_two_presses_and_shuts_the_composer_of_every_open_page(desk: Desk) -> None:
    page, other = await desk.signed_in(), None
    await desk.clinic.writes("Hello")
    path = f"/inbox/{await desk.clinic.conversation()}"
    await page.goto(path)
    other = await desk.page(page.context)
    await other.goto(path)
    await live(page)
    await live(other)
    await expect(other.locator("#reply")).to_be_visible()
    await page.keyboard.press("o")
    await expect(page.get_by_role("button", name="To all marketing")).to_be_focused()
    await page.get_by_label("Their words, if you have them").first.fill("Half a sentence")
    await desk.clinic.writes("Are you there?")  # what arrives meanwhile leaves a half-filled form alone
    await expect(page.locator(".msg.in")).to_have_count(2)
    await expect(page.get_by_label("Their words, if you have them").first).to_have_value("Half a sentence")
    await page.get_by_role("button", name="To all marketing").click()
    await expect(page.locator(".story")).to_contain_text("Objects to all marketing")
    await expect(page.locator(".story")).to_contain_text("recorded by Priya Nair")
    await page.locator("[data-objects] summary").click()
    await page.get_by_label("Another purpose").select_option("enquiry")
    await page.get_by_role("button", name="To this purpose").click()
    await expect(page.locator("#reply")).to_have_count(0)
    await expect(other.locator("#reply")).to_have_count(0)
    assert desk.complaints == []


async def test_a_doubtful_stop_is_found_judged_and_brought_back(desk: Desk) -> None:
    page = await desk.signed_in()
    await desk.clinic.writes("not interested")
    path = f"/inbox/{await desk.clinic.conversation()}"
    await page.goto("/inbox?view=judge")
    await expect(page.locator('.views [aria-current="true"]')).to_have_text("To judge1")
    await page.goto(path)
    await page.get_by_label("If not, why").fill("She meant the other clinic")
    await page.get_by_role("button", name="No, they did not").click()
    await expect(page.get_by_text("Did they mean stop?")).to_have_count(0)
    await page.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(page.get_by_text("Did they mean stop?")).to_be_visible()
    await page.get_by_role("button", name="Yes, they meant stop").click()
    await expect(page.locator("#reply")).to_have_count(0)
    assert desk.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_panel_fits_every_screen_and_names_every_control(desk: Desk, scheme: str) -> None:
    page = await desk.signed_in(color_scheme=scheme)
    await desk.clinic.writes("not interested")
    path = f"/inbox/{await desk.clinic.conversation()}"
    for name, size in (("desktop", DESKTOP), ("phone", PHONE), ("narrow", NARROW)):
        await page.set_viewport_size(size)  # type: ignore[arg-type]
        await page.goto(path if name == "desktop" else f"{path}/person")
        for summary in await page.locator("[data-part='wishes'] summary").all():
            await summary.click()
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name
        assert await page.evaluate("(e => e.scrollWidth - e.clientWidth)(document.querySelector('.person .scroll'))") <= 0, name
        assert await page.evaluate(UNNAMED) == 0, name
        if name != "narrow":
            await page.set_viewport_size({"width": size["width"], "height": 2200})
            await _shot(page, f"{name}-{scheme}")
    assert desk.complaints == []
