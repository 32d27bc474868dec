"""The main job from end to end, as a newcomer plays it: `hub up`, the practice phone and the inbox, in a real browser."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from tests.acceptance.hub_command import environ, free_port, started

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]
LINK = re.compile(r"/welcome/([\w-]{20,})")
QUESTION = "Hello, do you do lip filler?"
ANSWER = "Hello, yes, our doctors do. A consultation comes first and is free."


@contextmanager
def chromium() -> Iterator[BrowserContext]:
    """A browser of this test's own, loopback only."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser.new_context(viewport={"width": 1440, "height": 900})
        finally:
            browser.close()


def link_in(log: Path) -> str:
    """The first administrator's one-time link, once the hub has started."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        shown = log.read_text()
        if "Ctrl-C stops everything" in shown and (found := LINK.search(shown)):
            return found[1]
        time.sleep(0.1)
    raise AssertionError("the hub did not start:\n" + log.read_text()[-3000:])


def settle_in(page: Page, url: str) -> None:
    """Use the one-time link: a name, a password, and the inbox beside administration."""
    page.goto(url)
    page.fill("input[name=name]", "Priya Nair")
    page.fill("input[type=password]", "correct horse battery staple")
    page.check("input[name=inbox]")
    page.click("main form button.go")
    page.wait_for_url("**/inbox")


def patient_writes(phone: Page, text: str) -> None:
    phone.fill("form[data-write] input[name=text]", text)
    phone.click("form[data-write] button")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: install the system's package to run this test")
def test_an_enquiry_comes_in_staff_answer_it_and_stop_stops_it(tmp_path: Path) -> None:
    web, phone_port, log = free_port(), free_port(), tmp_path / "log"
    env = environ(tmp_path / "var", HUB_PORT=str(web), HUB_SANDBOX_PORT=str(phone_port), HUB_UNDO_S="1")
    violations: list[str] = []
    with started("up", "--sandbox", env=env, log=log), chromium() as browser:
        inbox, phone = browser.new_page(), browser.new_page()
        for page in (inbox, phone):
            page.on("console", lambda message: violations.append(message.text) if "Content Security Policy" in message.text else None)
        settle_in(inbox, f"http://127.0.0.1:{web}/welcome/{link_in(log)}")
        phone.goto(f"http://127.0.0.1:{phone_port}/")

        patient_writes(phone, QUESTION)
        row = inbox.locator("a.item", has_text=QUESTION)
        expect(row).to_be_visible(timeout=20_000)  # how soon it stands there is the bench's to say

        row.click()
        inbox.fill("#reply", ANSWER)
        inbox.locator("form", has=inbox.locator("#reply")).locator("button.go").click()
        expect(phone.locator("[data-part=thread]")).to_contain_text(ANSWER, timeout=10_000)
        ours = inbox.locator(".msg", has_text=ANSWER)
        expect(ours.locator(".read")).to_be_visible(timeout=15_000)

        patient_writes(phone, "STOP")
        expect(phone.locator("[data-part=thread]")).to_contain_text("We will not write here again", timeout=10_000)
        expect(inbox.locator(".conv")).to_contain_text("asked us not to write on WhatsApp", timeout=10_000)
        expect(inbox.locator("#reply")).to_have_count(0)
        expect(phone.locator("[data-part=ledger]")).to_contain_text("Understood as a stop")
    assert violations == []
