"""Where the reply window is shut: approved templates in the composer's place, and a person's own words under the human-agent tag."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from hub import gate
from hub.model.address import Address, AddressClass, Channel
from hub.model.ids import AccountId, ConversationId
from hub.model.message import InboundMessage
from hub.model.permission import Kind, Reason
from hub.model.sealed import Sealed
from hub.settings import Settings
from tests.integration.web.conftest import PASSWORD, Browser, Hire
from tests.world import WHATSAPP, StandingClock, World

MESSENGER = AccountId("messenger-sandbox")


async def later(browser: Browser, clock: StandingClock, **by: float) -> None:
    """Time goes by; the receptionist signs in again."""
    clock.forward(**by)
    await browser.get("/sign-in")
    await browser.post("/sign-in", email="priya@fenwicklane.example", password=PASSWORD)


def seat(page: str) -> str:
    return page.split('data-part="seat"')[1].split("</section>")[0]


async def test_a_shut_window_offers_templates_as_they_will_read(signed_in: Browser, clinic: World, clock: StandingClock) -> None:
    await clinic.writes("When are you open?")
    conversation = await clinic.conversation()
    _, page = await signed_in.get(f"/inbox/{conversation}")
    assert "Our answer is ready" not in page
    await later(signed_in, clock, hours=26)
    _, page = await signed_in.get(f"/inbox/{conversation}")
    foot = seat(page)
    assert "Hello, Fenwick Lane Clinic has an answer to your question about" in foot.replace("<mark>", "").replace("</mark>", "")
    assert "Confirm news" not in foot
    response, page = await signed_in.post(
        f"/inbox/{conversation}/template", channel="whatsapp", template="answer-ready", locale="en", slot_subject="Saturdays"
    )
    assert response.status == 200
    assert "has an answer to your question about Saturdays." in page
    clock.forward(seconds=7)
    assert await clinic.delivers(WHATSAPP) == 1


async def test_an_empty_field_or_an_unknown_template_sends_nothing_and_says_so(
    signed_in: Browser, clinic: World, clock: StandingClock
) -> None:
    await clinic.writes("When are you open?")
    conversation = await clinic.conversation()
    await later(signed_in, clock, hours=26)
    await signed_in.get(f"/inbox/{conversation}")
    for template, subject in (("answer-ready", "  "), ("gone", "Saturdays"), ("confirm-news", "")):
        _, page = await signed_in.post(
            f"/inbox/{conversation}/template", channel="whatsapp", template=template, locale="en", slot_subject=subject
        )
        assert "Nothing was sent: the template is gone, or a field of it was left empty" in page
    assert await clinic.statuses() == []


async def test_words_in_a_field_that_may_not_go_are_shown_with_the_reason(signed_in: Browser, clinic: World, clock: StandingClock) -> None:
    await clinic.writes("When are you open?")
    conversation = await clinic.conversation()
    await later(signed_in, clock, hours=26)
    await signed_in.get(f"/inbox/{conversation}")
    _, page = await signed_in.post(
        f"/inbox/{conversation}/template", channel="whatsapp", template="answer-ready", locale="en", slot_subject="20% off peels"
    )
    assert "20% off peels" in seat(page)
    assert await clinic.statuses() == ["refused"]


@pytest.fixture
def web_settings(web_settings: Settings) -> Settings:
    """Meta approved the human-agent tag for the page."""
    page = web_settings.accounts[MESSENGER]
    return replace(
        web_settings, accounts={**web_settings.accounts, MESSENGER: replace(page, options={**page.options, "human_agent": True})}
    )


async def writes_on_messenger(clinic: World) -> None:
    person = Address(kind=AddressClass.MESSENGER, value=Sealed(f"{MESSENGER}:PSID1"))
    message = InboundMessage(
        account_id=MESSENGER,
        channel=Channel.MESSENGER,
        provider_event_id="m_1",
        senders=(person,),
        sent_at=clinic.clock(),
        text=Sealed("When are you open?"),
    )
    await clinic.takes([message], account=MESSENGER)


async def test_a_persons_own_words_go_for_seven_days_under_the_tag_and_no_longer(
    signed_in: Browser, clinic: World, clock: StandingClock
) -> None:
    await writes_on_messenger(clinic)
    conversation = await clinic.value("SELECT id FROM conversation")
    for hours, tagged in ((1, False), (47, True)):
        await later(signed_in, clock, hours=hours)
        await signed_in.get(f"/inbox/{conversation}")
        _, page = await signed_in.post(f"/inbox/{conversation}/reply", text=f"At nine, {hours}", channel="messenger")
        clock.forward(seconds=7)
        await clinic.delivers(MESSENGER)
        assert (clinic.transport.sent[-1].fields.reveal().get("tag") == "HUMAN_AGENT") is tagged
    assert "Only what you write yourself, until" in page
    await later(signed_in, clock, days=5, hours=1)
    _, page = await signed_in.get(f"/inbox/{conversation}")
    assert 'id="reply-form"' not in page


async def test_the_tag_is_never_used_for_a_robots_words_nor_without_metas_leave(
    clinic: World, settings: Settings, clock: StandingClock, hire: Hire
) -> None:
    await writes_on_messenger(clinic)
    clock.forward(hours=48)
    draft = gate.Draft(
        conversation_id=ConversationId(UUID(str(await clinic.value("SELECT id FROM conversation")))),
        kind=Kind.RPL,
        channel=Channel.MESSENGER,
        text=Sealed("At nine"),
        written_by=None,
    )
    by_person = replace(draft, written_by=await hire())
    async with clinic.pool.acquire() as conn:
        robot = await gate.preview(conn, draft, now=clock(), settings=clinic.settings)
        person = await gate.preview(conn, by_person, now=clock(), settings=clinic.settings)
        without = await gate.preview(conn, by_person, now=clock(), settings=settings)
    assert (robot.reason, person.reason, without.reason) == (Reason.WINDOW, Reason.ALLOW, Reason.WINDOW)
