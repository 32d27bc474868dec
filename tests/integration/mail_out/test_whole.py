"""Mail from a person's form to their mailbox and back: every word leaves through the judge and over real SMTP, every answer comes home."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hub.settings import Settings
from hub.store import campaigns
from hub.store.pool import Pool
from tests.integration.mail_out.house import AMY, MAIL, House, link_in, opened
from tests.world import StandingClock

NEWS = (
    "News from our laser room\n{clinic}: hello {first_name}, our laser rooms are open on Saturdays now. Treatment follows a consultation."
)


@pytest.fixture
async def house(pool: Pool, settings: Settings, database_url: str, clock: StandingClock) -> AsyncIterator[House]:
    async with opened(pool, settings, database_url, clock) as found:
        yield found


async def test_the_form_is_acknowledged_by_mail_without_repeating_what_was_typed(house: House) -> None:
    await house.fills_in_form(message="A very private question about my scars", reply=["email"])
    await house.work()
    [sent] = house.mails_to()
    assert "A person reads every message" in sent.text
    whole = sent.raw.decode() + sent.text + sent.html
    for typed in ("scars", "private", "O'Neil", "Amy", "900123"):
        assert typed not in whole, typed
    assert sent.mail["Auto-Submitted"] == "auto-replied"
    assert sent.mail_from == ""
    assert sent.subject == "Your message to Fenwick Lane Clinic"
    assert sent.mail["List-Unsubscribe"] is None


async def test_an_address_is_acknowledged_once_a_day_however_many_forms_name_it(house: House) -> None:
    for _ in range(3):
        await house.fills_in_form(reply=["email"])
        await house.work()
    assert len(house.mails_to()) == 1
    house.clock.forward(days=1)
    await house.fills_in_form(reply=["email"])
    await house.work()
    assert len(house.mails_to()) == 2


async def test_a_form_that_asks_for_a_text_message_gets_no_mail(house: House) -> None:
    await house.fills_in_form(reply=["sms"])
    await house.work()
    assert house.double.sent == []


@pytest.mark.parametrize(("phone", "email", "asked"), [("", AMY, True), ("+8613912345678", AMY, False), ("", "amy@patient.cn", False)])
async def test_whoever_writes_from_elsewhere_is_not_asked_about_news(house: House, phone: str, email: str, asked: bool) -> None:
    await house.fills_in_form(message="Hello", news=["email"], interest=["laser"], adult="yes", phone=phone, email=email)
    await house.work()
    assert any("/consent/" in sent.text for sent in house.double.sent) is asked


async def test_the_answer_to_an_acknowledgement_comes_into_the_forms_thread(house: House) -> None:
    await house.fills_in_form(reply=["email"])
    await house.work()
    [sent] = house.mails_to()
    house.clock.forward(minutes=5)
    _, statuses = await house.double.send_in(house.account, AMY, f"Re: {sent.subject}", "Saturday would suit me", answers=sent)
    assert statuses == [200]
    assert len(await house.rows("SELECT DISTINCT conversation_id FROM message")) == 1


async def test_staff_answer_a_mail_from_the_inbox_and_the_persons_answer_joins_the_thread(house: House) -> None:
    desk = await house.signs_in("front_desk", "Priya")
    sid, _ = await house.double.send_in(house.account, AMY, "AW: Re: Opening hours", "Are you open on Sunday?")
    await house.work()
    conversation = await house.value("SELECT id FROM conversation")
    _, page = await desk.get(f"/inbox/{conversation}")
    assert "Are you open on Sunday?" in page
    response, page = await desk.post(f"/inbox/{conversation}/reply", text="Yes, from ten to four.", channel="email")
    assert response.status == 200
    await house.work()
    sent = house.mails_to()[-1]
    assert sent.subject == "Re: Opening hours"
    assert sent.mail["In-Reply-To"] == f"<{sid}>"
    assert sent.text.startswith("Yes, from ten to four.\n")
    assert sent.mail["Reply-To"].startswith("reply+")
    assert sent.mail_from.startswith("bounce+")
    house.clock.forward(minutes=5)
    # From her other mailbox, with a subject of her own: the signed address alone leads back.
    await house.double.send_in(house.account, "amy@elsewhere.example", "Something else", "See you then", answers=sent)
    threads = await house.rows("SELECT conversation_id, body FROM message WHERE direction = 'inbound' ORDER BY id")
    assert [r["conversation_id"] for r in threads] == [conversation] * 2
    _, page = await desk.get(f"/inbox/{conversation}")
    assert "See you then" in page


async def agreed_to_news(house: House) -> None:
    await house.fills_in_form(message="Hello", news=["email"], interest=["laser"], adult="yes")
    await house.work()
    question = next(sent for sent in house.mails_to() if "/consent/" in sent.text)
    assert await house.presses(link_in(question, "/consent/")) == 200


async def test_news_are_asked_about_by_mail_and_confirmed_by_the_button_only(house: House) -> None:
    await house.fills_in_form(message="Hello", news=["email"], interest=["laser"], adult="yes")
    await house.work()
    [question] = [sent for sent in house.mails_to() if "/consent/" in sent.text]
    assert "Amy" not in question.raw.decode()
    assert question.mail["List-Unsubscribe"] is None
    assert question.mail["Auto-Submitted"] == "auto-replied"
    link = link_in(question, "/consent/")
    client = await house.client()
    await client.get(link.removeprefix(house.account.public_url))
    assert await house.value("SELECT count(*) FROM consent_event WHERE event = 'confirmed'") == 0
    for _ in range(2):
        assert await house.presses(link) == 200
    assert await house.value("SELECT count(*) FROM consent_event WHERE event = 'confirmed'") == 1


async def test_a_campaign_goes_from_the_desk_to_the_mailbox_and_one_click_ends_the_next(house: House) -> None:
    await agreed_to_news(house)
    jo, sam = await house.signs_in("marketing", "Jo"), await house.signs_in("marketing", "Sam")
    await house.campaign_by_mail(jo, sam, body=NEWS)
    sent = house.mails_to()[-1]
    assert sent.subject == "News from our laser room"
    assert sent.text.startswith("Fenwick Lane Clinic: hello Amy, our laser rooms")
    assert "company number" in sent.text
    assert sent.mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link_in(sent, "/u/") in sent.mail["List-Unsubscribe"]
    assert await house.double.one_click(sent) == 200
    assert ("ALL_MARKETING", None) in await house.stopped()
    before = len(house.double.sent)
    second = await house.campaign_by_mail(jo, sam, body=NEWS, name="Spring")
    assert len(house.double.sent) == before
    async with house.pool.acquire() as conn:
        assert await campaigns.sheet(conn, second) == {"SUPPRESSED": 1}


async def test_news_to_nobody_marks_the_address_and_the_next_word_is_refused(house: House) -> None:
    await agreed_to_news(house)
    await house.campaign_by_mail(await house.signs_in("marketing", "Jo"), await house.signs_in("marketing", "Sam"), body=NEWS)
    sent = house.mails_to()[-1]
    assert await house.double.bounce(house.account, sent) == [200]
    assert (await house.statuses())[-1] == ("MKT", "failed")
    digest = await house.value("SELECT state FROM address WHERE kind = 'email'")
    assert digest == "invalid"


async def test_a_full_mailbox_fails_the_mail_and_leaves_the_address(house: House) -> None:
    await house.fills_in_form(reply=["email"])
    await house.work()
    await house.double.send_in(house.account, AMY, "Hello", "Hello?")
    await house.work()
    desk = await house.signs_in("front_desk", "Priya")
    conversation = await house.value("SELECT id FROM conversation ORDER BY id DESC LIMIT 1")
    await desk.get(f"/inbox/{conversation}")
    await desk.post(f"/inbox/{conversation}/reply", text="Good morning", channel="email")
    await house.work()
    sent = house.mails_to()[-1]
    await house.double.bounce(house.account, sent, status="5.2.2", words="552 5.2.2 Mailbox full")
    assert (await house.statuses())[-1] == ("RPL", "failed")
    assert await house.value("SELECT state FROM address WHERE kind = 'email' LIMIT 1") == "ok"


async def test_a_complaint_ends_the_news_and_a_forged_bounce_changes_nothing(house: House) -> None:
    await agreed_to_news(house)
    jo, sam = await house.signs_in("marketing", "Jo"), await house.signs_in("marketing", "Sam")
    await house.campaign_by_mail(jo, sam, body=NEWS)
    sent = house.mails_to()[-1]
    forged = sent.mail_from[:-24] + ("a" if sent.mail_from[-24] != "a" else "b") + sent.mail_from[-23:]
    before = await house.statuses()
    await house.double.bounce(house.account, type(sent)(sid="x@y", mail_from=forged, to=sent.to, raw=b"", mail=sent.mail, at=sent.at))
    assert await house.statuses() == before
    assert await house.double.complain(house.account, sent) == [200]
    assert ("ALL_MARKETING", None) in await house.stopped()
    sent_before = len(house.double.sent)
    await house.campaign_by_mail(jo, sam, body=NEWS, name="Spring")
    assert len(house.double.sent) == sent_before


async def test_a_mail_may_be_long_and_is_not_counted_in_text_messages(house: House) -> None:
    jo = await house.signs_in("marketing", "Jo")
    form = {"name": "Winter", "purpose": "newsletter", "account": MAIL, "interest": "laser"}
    long = f"News from our laser room\n{'{clinic}'}: " + "A consultation comes first. " * 200
    _, page = await jo.post("/campaigns/new", body=long, check="yes", **form)  # type: ignore[arg-type]
    assert "As Alexandra would get it:" in page
    response, page = await jo.post("/campaigns/new", body=long, **form)  # type: ignore[arg-type]
    assert response.status == 200
    response, page = await jo.post("/campaigns/new", body="S" * 151 + "\ntext", **form)  # type: ignore[arg-type]
    assert response.status == 422
    assert "at most 150 letters" in page
    sms = {**form, "account": "sms-sandbox"}
    response, page = await jo.post("/campaigns/new", body=long, **sms)  # type: ignore[arg-type]
    assert response.status == 422
    assert "at most 1600 letters" in page
