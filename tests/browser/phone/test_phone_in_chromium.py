"""The practice phone beside the inbox, in a real browser and with the whole hub behind it: every channel, and trouble at a provider."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.hub_command import environ, free_port, started
from tests.browser.test_whole_story import CHROMIUM, chromium, link_in, settle_in

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(240),
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: install the system's package to run this test"),
]

CHANNELS = (
    "whatsapp-sandbox",
    "whatsapp-cloud-sandbox",
    "sms-sandbox",
    "messenger-sandbox",
    "instagram-sandbox",
    "wechat-sandbox",
    "email-sandbox",
)


@contextmanager
def clinic(folder: Path) -> Iterator[tuple[Page, Page, str]]:
    """A running hub: the inbox of a signed-in member of staff, a second page, and the phone's address."""
    web, phone_port, log = free_port(), free_port(), folder / "log"
    env = environ(folder / "var", HUB_PORT=str(web), HUB_SANDBOX_PORT=str(phone_port), HUB_UNDO_S="1")
    with started("up", "--sandbox", env=env, log=log), chromium() as browser:
        inbox, phone = browser.new_page(), browser.new_page()
        settle_in(inbox, f"http://127.0.0.1:{web}/welcome/{link_in(log)}")
        yield inbox, phone, f"http://127.0.0.1:{phone_port}"


def patient_writes(phone: Page, text: str) -> None:
    phone.fill("form[data-write] [name=text]", text)
    phone.click("form[data-write] button")


def answers(inbox: Page, question: str, text: str) -> None:
    """Staff open the enquiry and answer it."""
    row = inbox.locator("a.item", has_text=question)
    expect(row).to_be_visible(timeout=10_000)
    row.click()
    inbox.fill("#reply", text)
    inbox.locator("form", has=inbox.locator("#reply")).locator("button.go").click()


def test_a_patient_is_answered_and_may_stop_on_every_channel(tmp_path: Path) -> None:
    complaints: list[str] = []
    with clinic(tmp_path) as (inbox, phone, url):
        phone.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        thread = phone.locator("[data-part=thread]")
        for number, channel in enumerate(CHANNELS):
            phone.goto(f"{url}/?who=new&on={channel}")  # somebody new, so that no stop of another channel is in the way
            question, answer = f"Hello, question number {number}: do you do lip filler?", f"Yes, we do. This is answer number {number}."
            patient_writes(phone, question)
            expect(phone.locator(".msg.out .read")).to_be_visible(timeout=10_000)
            answers(inbox, f"question number {number}", answer)
            expect(thread).to_contain_text(answer, timeout=15_000)
            patient_writes(phone, "STOP")
            expect(phone.locator("[data-part=ledger]")).to_contain_text("Understood as a stop", timeout=15_000)
            if channel == "email-sandbox":  # by mail a stop ends the news; whoever writes may still be answered
                expect(phone.locator("[data-part=ledger]")).to_contain_text("All news ended")
                continue
            expect(phone.locator(".phone .apps [aria-current] .mark")).to_have_attribute("data-rim", "stop", timeout=15_000)
            expect(thread).to_contain_text("We will not write here again", timeout=15_000)
            expect(inbox.locator("#reply")).to_have_count(0, timeout=10_000)
    assert complaints == []


def test_trouble_at_a_provider_is_switched_on_and_the_inbox_still_ends_right(tmp_path: Path) -> None:
    with clinic(tmp_path) as (inbox, phone, url):
        phone.goto(f"{url}/?who=123&on=whatsapp-cloud-sandbox")
        panel, banner = phone.locator("#trouble"), phone.locator(".phone .trouble")
        panel.locator("summary").click()
        panel.get_by_role("combobox").select_option("2")
        for name in ("Three times at once", "Takes it, answers nonsense", "Reports in the wrong order"):
            panel.get_by_role("button", name=name).click()
            expect(panel.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
        expect(banner).to_contain_text("Three times at once")

        patient_writes(phone, "Hello, do you do lip filler?")
        expect(phone.locator("[data-part=ledger]")).to_contain_text("Delivered 3 times at once", timeout=10_000)
        answers(inbox, "Hello, do you do lip filler?", "Yes, we do.")
        expect(inbox.locator(".msg.in, .msg:not(.out)", has_text="Hello, do you do lip filler?")).to_have_count(1)
        expect(phone.locator("[data-part=thread] .msg.from", has_text="Yes, we do.")).to_have_count(1, timeout=15_000)
        expect(inbox.locator(".msg", has_text="Yes, we do.").locator(".read")).to_be_visible(timeout=15_000)

        phone.get_by_role("button", name="End all trouble").click()
        expect(banner).to_have_count(0)
        panel.get_by_role("button", name="Wrong signature (an attacker)").click()
        expect(banner).to_contain_text("Wrong signature")
        patient_writes(phone, "I am not who I say")
        expect(phone.locator("[data-part=thread]")).to_contain_text("The hub did not take it", timeout=10_000)
        expect(phone.locator("[data-part=ledger]")).to_contain_text("The hub answered 403")
        expect(inbox.locator(".msg", has_text="I am not who I say")).to_have_count(0)
