"""Outside the reply window only an approved template goes (policy §2.5): picked by staff, or as the one question to a typed number."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from hub import gate
from hub.gate.asking import Draft
from hub.gate.templates import Choice
from hub.model.address import Channel
from hub.model.message import Attestation, ProviderRequest
from hub.model.permission import Kind, Reason
from hub.model.sealed import Sealed
from hub.model.template import TemplateCategory
from hub.settings import Settings
from hub.store import wordings
from hub.store.erasing import empty
from hub.wordings import load
from tests.integration.people.helpers import box, fills_in
from tests.world import AMY, WHATSAPP, StandingClock, World
from workers import follow_ups
from workers.runtime import Runtime

ADULT = Attestation(wording_id="age_adult", wording_version=1, locale="en")
READY = Choice(id="answer-ready", locale="en", values={"subject": Sealed("opening\nhours")})
FILLED = "Hello, Fenwick Lane Clinic has an answer to your question about opening hours. Reply to this message to read on."


async def asks(clinic: World, choice: Choice | None, *, settings: Settings | None = None) -> gate.Queued:
    draft = Draft(
        conversation_id=await clinic.conversation(),
        kind=Kind.RPL,
        channel=Channel.WHATSAPP,
        text=Sealed("Your answer is ready"),
        written_by=None,
        send_after=clinic.clock(),
        template=choice,
    )
    async with clinic.pool.acquire() as conn, conn.transaction():
        return await gate.queue(conn, draft, now=clinic.clock(), settings=settings or clinic.settings)


def fields(request: ProviderRequest) -> dict[str, object]:
    return dict(request.fields.reveal())


async def test_a_template_goes_a_day_after_they_wrote_and_free_words_do_not(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("When are you open?")
    clock.forward(hours=26)
    assert (await asks(clinic, None)).decision.reason is Reason.WINDOW
    assert (await asks(clinic, READY)).decision.reason is Reason.ALLOW
    assert await clinic.delivers(WHATSAPP) == 1
    [sent] = map(fields, clinic.transport.sent)
    assert sent["content_sid"] == "HX00000000000000000000000000000001"
    assert json.loads(str(sent["content_variables"])) == {"1": "Fenwick Lane Clinic", "2": "opening hours"}
    assert "body" not in sent
    assert await clinic.value("SELECT body FROM message WHERE status = 'accepted'") == FILLED


async def test_a_template_is_not_offered_before_it_is_approved_nor_for_marketing(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("When are you open?")
    clock.forward(hours=26)
    for change in ({"approved": False}, {"category": TemplateCategory.MARKETING}):
        settings = replace(clinic.settings, templates=tuple(replace(t, **change) for t in clinic.settings.templates))
        with pytest.raises(gate.UnknownTemplate):
            await asks(clinic, READY, settings=settings)


@pytest.mark.parametrize("choice", [replace(READY, values={}), replace(READY, locale="fr"), replace(READY, id="nothing-such")])
async def test_a_template_with_an_empty_slot_or_of_no_such_name_is_not_sent(clinic: World, choice: Choice) -> None:
    await clinic.writes("When are you open?")
    with pytest.raises(gate.UnknownTemplate):
        await asks(clinic, choice)
    assert await clinic.statuses() == []


async def test_what_staff_write_into_a_slot_is_checked_like_any_answer(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("When are you open?")
    clock.forward(hours=26)
    sold = replace(READY, values={"subject": Sealed("20% off all peels, today only")})
    assert (await asks(clinic, sold)).decision.reason is Reason.MISLABELLED


async def test_a_stop_holds_a_template_back_too(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("When are you open?")
    await clinic.writes("STOP")
    clock.forward(hours=26)
    assert (await asks(clinic, READY)).decision.reason is Reason.STOP_CHANNEL


async def test_erasing_a_person_takes_the_slots_away_with_the_words(clinic: World) -> None:
    await clinic.writes("When are you open?")
    await asks(clinic, READY)
    assert "opening hours" in str(await clinic.value("SELECT detail::text FROM message WHERE direction = 'outbound'"))
    async with clinic.pool.acquire() as conn, conn.transaction():
        await empty(conn, [await conn.fetchval("SELECT id FROM contact")])
    assert await clinic.value("SELECT detail FROM message WHERE direction = 'outbound'") is None


async def test_the_question_to_a_typed_whatsapp_number_goes_as_a_template(clinic: World) -> None:
    async with clinic.pool.acquire() as conn:
        await wordings.register(conn, load(clinic.settings.config_dir / "wordings").entries)
    await fills_in(clinic, event_id="f1", number=AMY, consents=(box(Channel.WHATSAPP),), adult=ADULT)
    async with AsyncExitStack() as stack:
        assert await follow_ups.run(Runtime(clinic.settings, clinic.pool, stack, clinic.clock), "confirm_consent") == 1
    assert await clinic.delivers(WHATSAPP) == 1
    [sent] = map(fields, clinic.transport.sent)
    assert sent["content_sid"] == "HX00000000000000000000000000000002"
    assert await clinic.value("SELECT kind FROM message WHERE status = 'accepted'") == "DOI"
    await clinic.writes("Confirm")
    assert await clinic.value("SELECT count(*) FROM consent_event WHERE event = 'confirmed'") == 1
