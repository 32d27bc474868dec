"""Notes, conversations put aside and mail in a real browser: by key, with the way back, quoted text folded, files handed out."""

from __future__ import annotations

from datetime import timedelta

from playwright.async_api import expect

from hub.files import FileStore
from hub.model.address import Address, AddressClass, Channel
from hub.model.ids import AccountId
from hub.model.message import ContentKind, InboundMessage, KeptFile, MailDetail, MediaRef
from hub.model.sealed import Sealed
from tests.browser.inbox.test_inbox_in_chromium import Desk, desk, live, pytestmark

__all__ = ["desk", "pytestmark"]
MAIL = AccountId("email-sandbox")
QUOTED = "> Thank you for writing."


async def test_a_note_is_written_changed_taken_away_and_brought_back_by_key(desk: Desk) -> None:
    page = await desk.signed_in()
    await desk.clinic.writes("Hello")
    await page.goto(f"/inbox/{await desk.clinic.conversation()}")
    await live(page)
    await page.keyboard.press("n")
    await expect(page.get_by_label("Note for colleagues").locator("textarea")).to_be_focused()
    await page.keyboard.type("She is nervous about needles")
    await page.get_by_role("button", name="Keep the note").click()
    note = page.locator(".notice-note")
    await expect(note).to_contain_text("She is nervous about needles")
    await note.get_by_text("Change", exact=True).click()
    await note.get_by_label("Note", exact=True).fill("She is nervous. Use the quiet room")
    await desk.clinic.writes("Are you there?")  # what arrives meanwhile leaves the words being typed alone
    await expect(page.locator(".msg.in")).to_have_count(2)
    await expect(note.get_by_label("Note", exact=True)).to_have_value("She is nervous. Use the quiet room")
    await note.get_by_role("button", name="Keep the change").click()
    await expect(note.locator("p.words")).to_have_text("She is nervous. Use the quiet room")
    await page.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(note.locator("p.words")).to_have_text("She is nervous about needles")
    await note.get_by_role("button", name="Take away").click()
    await expect(note).to_contain_text("The record keeps it")
    await expect(note.locator("p.words")).to_have_count(0)
    await page.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(note.locator("p.words")).to_have_text("She is nervous about needles")
    assert desk.complaints == []
    assert await desk.clinic.value("SELECT count(*) FROM note_version") == 2
    acts = "SELECT array_agg(action ORDER BY id) FROM audit_event WHERE object LIKE 'note:%'"
    assert await desk.clinic.value(acts) == ["note.added", "note.changed", "note.changed", "note.deleted", "note.restored"]


async def test_putting_aside_by_key_until_a_time_of_ones_own(desk: Desk) -> None:
    page = await desk.signed_in()
    await desk.clinic.writes("Hello")
    await page.goto(f"/inbox/{await desk.clinic.conversation()}")
    await live(page)
    await page.keyboard.press("h")
    await expect(page.get_by_role("button", name="Until tomorrow")).to_be_focused()
    await page.get_by_label("Until a time of your own").fill("2020-01-01T08:00")
    await page.get_by_role("button", name="Put aside until then").click()
    await expect(page.locator(".toast")).to_contain_text("choose a time ahead")
    when = (desk.clinic.clock() + timedelta(days=3)).replace(hour=9, minute=30)
    await page.keyboard.press("h")
    await page.get_by_label("Until a time of your own").fill(when.strftime("%Y-%m-%dT%H:%M"))
    await page.get_by_role("button", name="Put aside until then").click()
    await expect(page.locator(".chip.snooze")).to_contain_text("09:30")
    assert await desk.clinic.value("SELECT snoozed_until > now() FROM conversation")
    await page.keyboard.press("h")
    await page.get_by_role("button", name="Back to the list now").click()
    await expect(page.locator(".chip.snooze")).to_have_count(0)


def _mail(desk: Desk, kept: KeptFile) -> InboundMessage:
    return InboundMessage(
        account_id=MAIL,
        channel=Channel.EMAIL,
        provider_event_id="mail-1",
        senders=(Address(kind=AddressClass.EMAIL, value=Sealed("tom@patient.example")),),
        sent_at=desk.clinic.clock(),
        text=Sealed("Yes, Tuesday please."),
        kind=ContentKind.TEXT,
        display_name=Sealed("Tom Okafor"),
        media=(MediaRef(mime_type="application/pdf", file_name=Sealed("referral.pdf"), kept=kept),),
        mail=MailDetail(
            subject=Sealed("Consultation on acne scars"),
            whole_text=Sealed(f"Yes, Tuesday please.\n\n{QUOTED}"),
            own_text=Sealed("Yes, Tuesday please."),
            flags=("tnef",),
        ),
    )


async def test_a_mail_shows_its_subject_folds_what_it_quotes_and_hands_out_its_file(desk: Desk) -> None:
    page = await desk.signed_in()
    settings = desk.clinic.settings
    data = b"%PDF-1.4 referral"
    kept = KeptFile(sha256=FileStore(settings.data_dir / "files", settings.secret_key).put(data), size=len(data))
    await desk.clinic.takes([_mail(desk, kept)], account=MAIL)
    await page.goto("/inbox")
    await expect(page.locator(".item .snip")).to_have_text("Consultation on acne scars: Yes, Tuesday please.")
    await page.locator(".item").click()
    mail = page.locator(".msg.in")
    await expect(mail.locator(".subject")).to_contain_text("Consultation on acne scars")
    await expect(mail.get_by_text(QUOTED)).to_be_hidden()
    await mail.get_by_text("Show quoted text").click()
    await expect(mail.get_by_text(QUOTED)).to_be_visible()
    await expect(mail).to_contain_text("winmail.dat")
    await expect(page.locator(".subject-line")).to_contain_text("Re: Consultation on acne scars")
    async with page.expect_download() as download:
        await mail.get_by_role("link", name="referral.pdf").click()
    assert (await (await download.value).path()).read_bytes() == data
