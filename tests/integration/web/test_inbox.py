"""The inbox over a real database: what is shown, what may be done, and that works without any script."""

from __future__ import annotations

import re

import pytest

from hub.model.address import Channel
from hub.model.ids import ConversationId
from hub.model.message import ContentKind, InboundMessage, MediaRef
from hub.model.sealed import Sealed
from tests.integration.web.conftest import PASSWORD, Browser, Hire
from tests.world import AMY, SMS, WHATSAPP, StandingClock, World, refused

OTHER = "+447700900777"


async def open_thread(browser: Browser, conversation: ConversationId, query: str = "") -> str:
    response, page = await browser.get(f"/inbox/{conversation}{query}")
    assert response.status == 200
    return page


def seat(page: str) -> str:
    """The foot of the thread."""
    return page.split('data-part="seat"')[1].split("</section>")[0]


async def test_the_first_run_teaches_the_rim_and_offers_the_practice_phone(signed_in: Browser, web_settings: object) -> None:
    _, page = await signed_in.get("/inbox")
    assert "Try it with a practice phone" in page
    assert "A ring round a channel" in page
    assert "Nobody is waiting" in page


async def test_an_enquiry_stands_in_the_list_unread_with_its_rim(signed_in: Browser, clinic: World) -> None:
    await clinic.writes("Hello, do you do lip filler?")
    _, page = await signed_in.get("/inbox")
    row = page.split('class="item')[1].split("</a>")[0]
    assert row.startswith(" new")
    assert "Hello, do you do lip filler?" in row
    assert 'data-rim="arc"' in row
    assert "WhatsApp: invited, 23 hours left" in row


async def test_opening_a_thread_marks_it_read_and_writes_down_who_looked(signed_in: Browser, clinic: World) -> None:
    await clinic.writes("Hello")
    conversation = await clinic.conversation()
    page = await open_thread(signed_in, conversation)
    assert "Invited on WhatsApp" in page
    assert await clinic.value("SELECT unread FROM conversation") == 0
    await signed_in.get(f"/inbox/{conversation}/person")
    seen = await clinic.rows("SELECT actor, object FROM audit_event WHERE action = 'record.viewed' ORDER BY id")
    contact = await clinic.value("SELECT contact_id FROM conversation")
    assert [r["object"] for r in seen] == [f"conversation:{conversation}", f"contact:{contact}"]
    assert all(str(r["actor"]).startswith("staff:") for r in seen)


async def test_a_reply_is_queued_with_its_undo_and_delivered_ticks_follow(signed_in: Browser, clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello")
    conversation = await clinic.conversation()
    await open_thread(signed_in, conversation)
    response, page = await signed_in.post(f"/inbox/{conversation}/reply", text="Good morning", channel="whatsapp")
    assert response.status == 200
    assert 'data-seconds="6"' in page
    assert "Waiting to leave" in page
    assert "Priya, 11:00. Invited reply" in page
    clock.forward(seconds=7)
    await clinic.delivers()
    assert clinic.transport.texts() == ["Good morning"]
    page = await open_thread(signed_in, conversation)
    assert "Waiting to leave" not in page
    assert "#i-tick1" in page


async def test_undo_takes_a_reply_back_before_it_leaves(signed_in: Browser, clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello")
    conversation = await clinic.conversation()
    await open_thread(signed_in, conversation)
    _, page = await signed_in.post(f"/inbox/{conversation}/reply", text="Oh no", channel="whatsapp")
    message = re.search(r'name="message" value="([^"]+)"', page)
    assert message
    _, page = await signed_in.post(f"/inbox/{conversation}/undo", message=message[1])
    assert "Taken back. Nothing was sent" in page
    assert "Priya took a reply back" in page
    clock.forward(seconds=10)
    await clinic.delivers()
    assert clinic.transport.texts() == []


async def test_after_a_stop_the_refusal_takes_the_composers_seat_with_their_words(signed_in: Browser, clinic: World) -> None:
    await clinic.writes("Hello", account=SMS)
    await clinic.writes("STOP", account=SMS)
    page = await open_thread(signed_in, await clinic.conversation())
    foot = seat(page)
    assert "<textarea" not in foot
    assert "asked us not to write" in foot
    assert '<blockquote class="said">STOP' in foot
    assert "STOP_CHANNEL, gate 10" in foot
    assert "Understood as a stop. SMS and all marketing ended at once" in page
    assert 'data-rim="stop"' in page


async def test_a_reply_after_a_stop_is_refused_stored_and_keeps_its_text(signed_in: Browser, clinic: World) -> None:
    await clinic.writes("Hello", account=SMS)
    conversation = await clinic.conversation()
    await open_thread(signed_in, conversation)
    await clinic.writes("STOP", account=SMS)
    response, page = await signed_in.post(f"/inbox/{conversation}/reply", text="One more thing", channel="sms")
    assert response.status == 422
    assert "One more thing" in seat(page)
    assert "was not sent" in seat(page)
    assert await clinic.statuses() == ["refused"]
    await clinic.delivers(SMS)
    assert clinic.transport.texts() == []


async def test_an_offer_in_a_reply_keeps_the_composer_and_the_text(signed_in: Browser, clinic: World) -> None:
    await clinic.writes("Hello")
    conversation = await clinic.conversation()
    await open_thread(signed_in, conversation)
    offer = "20% off all peels this week only, book now!"
    response, page = await signed_in.post(f"/inbox/{conversation}/reply", text=offer, channel="whatsapp")
    assert response.status == 422
    assert "<textarea" in page
    assert f"{offer}</textarea>" in page
    assert "MISLABELLED" in page
    assert "Take “20% off” out, then send" in page


async def test_a_shut_window_is_said_in_time(signed_in: Browser, clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello")
    clock.forward(hours=11)
    await signed_in.get("/inbox")
    clock.forward(hours=11)
    await signed_in.get("/inbox")
    clock.forward(hours=3)
    page = await open_thread(signed_in, await clinic.conversation())
    assert "WhatsApp window is shut" in page
    assert 'class="composer closed wait"' in page


async def test_an_unknown_outcome_is_settled_by_a_person(signed_in: Browser, clinic: World) -> None:
    await clinic.writes("Hello")
    await clinic.replies("Good morning")
    await clinic.delivers()
    await clinic.value("UPDATE message SET status = 'unknown' WHERE direction = 'outbound'")
    conversation = await clinic.conversation()
    page = await open_thread(signed_in, conversation)
    assert "We do not know if it arrived" in page
    message = re.search(r'name="message" value="([^"]+)"', page)
    assert message
    _, page = await signed_in.post(f"/inbox/{conversation}/settle", message=message[1], arrived="yes")
    assert await clinic.statuses() == ["delivered"]
    assert "Settled" in page


async def test_a_failed_message_says_why_and_is_sent_again_as_a_new_one(signed_in: Browser, clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello", account=SMS)
    clinic.transport.answer = refused(400, 30007)
    await clinic.replies("Good morning", channel=Channel.SMS)
    await clinic.delivers(SMS)
    conversation = await clinic.conversation()
    page = await open_thread(signed_in, conversation)
    assert "Not delivered: " in page
    message = re.search(r'name="message" value="([^"]+)"', page)
    assert message
    await signed_in.post(f"/inbox/{conversation}/again", message=message[1])
    assert await clinic.statuses() == ["failed", "queued"]


async def test_resolving_moves_to_another_view_and_a_new_message_brings_it_back(signed_in: Browser, clinic: World) -> None:
    await clinic.writes("Hello")
    conversation = await clinic.conversation()
    await open_thread(signed_in, conversation)
    _, page = await signed_in.post(f"/inbox/{conversation}/status", status="resolved")
    assert "Reopen" in page
    for view, there in (("open", False), ("resolved", True)):
        _, page = await signed_in.get(f"/inbox?view={view}")
        assert (f"/inbox/{conversation}?" in page) is there
    await clinic.writes("One more question")
    _, page = await signed_in.get("/inbox")
    assert f"/inbox/{conversation}?" in page


async def test_assigning_shows_in_mine_and_leaves_unassigned(signed_in: Browser, clinic: World) -> None:
    await clinic.writes("Hello")
    conversation = await clinic.conversation()
    await open_thread(signed_in, conversation)
    await signed_in.post(f"/inbox/{conversation}/assign", to="me")
    for view, there in (("mine", True), ("unassigned", False)):
        _, page = await signed_in.get(f"/inbox?view={view}")
        assert (f"/inbox/{conversation}?" in page) is there
    _, page = await signed_in.post(f"/inbox/{conversation}/unread")
    assert 'class="item new"' in page


async def test_views_show_what_they_name(signed_in: Browser, clinic: World) -> None:
    await clinic.writes("Hello")
    await clinic.writes("not now please", phone=OTHER, account=SMS)
    unclear = await clinic.conversation(phone=OTHER)
    await clinic.value("UPDATE conversation SET stop_unclear = true WHERE id = $1", unclear)
    for view, count in (("open", 2), ("unanswered", 2), ("unclear", 1), ("failed", 0), ("resolved", 0)):
        _, page = await signed_in.get(f"/inbox?view={view}")
        assert page.count('class="item') == count, view


async def test_an_unclear_stop_is_settled_by_somebody_who_read_it(signed_in: Browser, clinic: World) -> None:
    await clinic.writes("hmm leave it", account=SMS)
    conversation = await clinic.conversation()
    await clinic.value("UPDATE conversation SET stop_unclear = true")
    page = await open_thread(signed_in, conversation)
    assert "This may be a stop." in page
    _, page = await signed_in.post(f"/inbox/{conversation}/meant", meant="stop")
    assert "Asked to stop by SMS" in page
    assert await clinic.value("SELECT count(*) FROM suppression WHERE source = 'staff' AND scope = 'CHANNEL'") == 1
    assert await clinic.value("SELECT state FROM invitation") == "WITHDRAWN"


async def test_pages_follow_each_other_without_gap_or_repeat(signed_in: Browser, clinic: World, clock: StandingClock) -> None:
    for n in range(65):
        clock.forward(seconds=1)
        await clinic.writes("Hello", phone=f"+4477009{n:05d}")
    seen: list[str] = []
    path: str | None = "/inbox"
    while path:
        _, page = await signed_in.get(path)
        seen += re.findall(r'data-key="c-([^"]+)"', page)
        older = re.search(r'href="(/inbox\?view=open&amp;before=[^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else None
    assert len(seen) == len(set(seen)) == 65


async def test_a_long_thread_is_read_in_pages(signed_in: Browser, clinic: World, clock: StandingClock) -> None:
    for n in range(70):
        clock.forward(seconds=1)
        await clinic.writes(f"message number {n:02d}")
    page = await open_thread(signed_in, await clinic.conversation())
    assert "message number 69" in page
    assert "message number 05<" not in page
    earlier = re.search(r'href="(/inbox/[^"]+before=[^"]+)"', page)
    assert earlier
    _, page = await signed_in.get(earlier[1].replace("&amp;", "&"))
    assert "message number 05<" in page
    assert "Back to the latest messages" in page


async def test_files_and_kinds_without_text_are_shown_in_words(signed_in: Browser, clinic: World) -> None:
    await clinic.writes("", media=(MediaRef(mime_type="image/jpeg", url=Sealed("https://media.example/x"), file_name=None),))
    sender = clinic.request()
    event = InboundMessage(
        account_id=WHATSAPP,
        channel=Channel.WHATSAPP,
        provider_event_id="SMunsupported",
        senders=(_phone(),),
        sent_at=sender.received_at,
        text=Sealed(""),
        kind=ContentKind.UNSUPPORTED,
    )
    await clinic.takes([event])
    page = await open_thread(signed_in, await clinic.conversation())
    assert "being fetched" in page
    assert "sent a kind of message we cannot show yet" in page


def _phone() -> object:
    from hub.model.address import Address, AddressClass

    return Address(kind=AddressClass.PHONE, value=Sealed(AMY))


async def test_what_people_write_is_never_markup(signed_in: Browser, clinic: World) -> None:
    await clinic.writes('<script>alert(1)</script><b>bold</b> & "quotes"')
    page = await open_thread(signed_in, await clinic.conversation())
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@pytest.mark.parametrize("text", ["", "   ", "x" * 100_001])
async def test_a_reply_that_cannot_be_one_is_refused_calmly(signed_in: Browser, clinic: World, text: str) -> None:
    await clinic.writes("Hello")
    conversation = await clinic.conversation()
    await open_thread(signed_in, conversation)
    response, _ = await signed_in.post(f"/inbox/{conversation}/reply", text=text, channel="whatsapp")
    assert response.status in (400, 413)
    assert await clinic.statuses() == []


@pytest.mark.parametrize("path", ["/inbox/01a20661-3df3-789d-9b8d-06dfa9077d5a", "/inbox/------------------------------------"])
async def test_a_conversation_that_is_not_there_is_not_found(signed_in: Browser, path: str) -> None:
    for tail in ("", "/person", "/messages"):
        response, _ = await signed_in.get(path + tail)
        assert response.status == 404


async def test_a_message_of_another_conversation_cannot_be_acted_on(signed_in: Browser, clinic: World) -> None:
    await clinic.writes("Hello")
    queued = await clinic.replies("Good morning", undo_s=60)
    await clinic.writes("Hello", phone=OTHER)
    other = await clinic.conversation(phone=OTHER)
    await open_thread(signed_in, other)
    response, _ = await signed_in.post(f"/inbox/{other}/undo", message=str(queued.message_id))
    assert response.status == 404
    assert await clinic.statuses() == ["queued"]


async def test_somebody_who_only_reads_has_no_composer_and_no_acts(browser: Browser, hire: Hire, clinic: World) -> None:
    await hire("data_protection")
    await browser.post("/sign-in", email="priya@fenwicklane.example", password=PASSWORD)
    await clinic.writes("Hello")
    conversation = await clinic.conversation()
    page = await open_thread(browser, conversation)
    assert "You read here" in page
    assert f'action="/inbox/{conversation}/' not in page
    response, _ = await browser.post(f"/inbox/{conversation}/reply", text="Hello", channel="whatsapp")
    assert response.status == 403


async def test_fragments_are_the_same_parts_as_the_page(signed_in: Browser, clinic: World) -> None:
    await clinic.writes("Hello")
    conversation = await clinic.conversation()
    page = await open_thread(signed_in, conversation)
    _, fragment = await signed_in.get(f"/inbox/{conversation}/messages?view=open")
    for part in ("strip", "thread", "seat"):
        assert _part(page, part) == _part(fragment, part)
    response, row = await signed_in.get(f"/inbox/rows/{conversation}?view=open")
    assert response.status == 200
    assert f'data-key="c-{conversation}"' in row
    response, _ = await signed_in.get(f"/inbox/rows/{conversation}?view=resolved")
    assert response.status == 204


def _part(page: str, name: str) -> str:
    text = page.split(f'data-part="{name}"')[1]
    return re.split(r"data-part=|<section|</section>|<aside", text)[0].strip()
