"""A colleague answers from Slack: the practice phone, the page of staff in Slack and the hub itself, in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.hub_command import environ, free_port, started
from tests.browser.test_whole_story import CHROMIUM, chromium, link_in, patient_writes, settle_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
EMAIL = "priya@fenwicklane.example"


def says(staff: Page, text: str) -> None:
    staff.get_by_label("Reply in the thread").last.fill(text)
    staff.locator("form[action='/staff/reply'] button").click()


def comes(page: Page, place: str, words: str) -> None:
    """The page does not hear of changes by itself: it is looked at again until the words stand there."""
    for _ in range(40):
        if page.locator(place, has_text=words).count():
            return
        page.wait_for_timeout(250)
        page.reload()
    raise AssertionError(f"{words} never came")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: install the system's package to run this test")
def test_a_reply_with_the_prefix_goes_from_slack_to_the_patient_and_any_other_is_a_note(tmp_path: Path) -> None:
    web, practice, log = free_port(), free_port(), tmp_path / "log"
    env = environ(tmp_path / "var", HUB_PORT=str(web), HUB_SANDBOX_PORT=str(practice), HUB_UNDO_S="1", HUB_ADMIN_EMAIL=EMAIL)
    with started("up", "--sandbox", env=env, log=log), chromium() as browser:
        desk, phone = browser.new_page(), browser.new_page()
        settle_in(desk, f"http://127.0.0.1:{web}/welcome/{link_in(log)}")
        phone.goto(f"http://127.0.0.1:{practice}/")
        patient_writes(phone, "Hello, are you open on Saturday?")
        with browser.expect_page() as opened:
            phone.get_by_role("link", name="Staff in Slack").click()
        staff = opened.value
        staff.get_by_text("Somebody new").click()
        staff.get_by_label("Name", exact=True).fill("Priya Nair")
        staff.get_by_label("Work email").fill(EMAIL)
        staff.get_by_role("button", name="Join").click()
        staff.get_by_label("You are").select_option(label="Priya Nair")
        staff.get_by_role("button", name="Be this colleague").click()
        comes(staff, ".msg", "are you open on Saturday")

        says(staff, "Am I known here?")
        desk.goto(f"http://127.0.0.1:{web}/account")
        comes(desk, "main", "Yes, link us")
        desk.get_by_role("button", name="Yes, link us").click()
        says(staff, ">> Yes, from nine to four.")
        expect(phone.locator("[data-part=thread]")).to_contain_text("Yes, from nine to four.", timeout=15_000)
        says(staff, "She sounded in a hurry")
        desk.goto(f"http://127.0.0.1:{web}/inbox")
        desk.locator("a.item").first.click()
        expect(desk.locator(".notice-note", has_text="in a hurry")).to_be_visible(timeout=10_000)
        expect(phone.locator("[data-part=thread]")).not_to_contain_text("in a hurry")
