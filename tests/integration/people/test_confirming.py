"""A box ticked with a typed number counts for nothing until that very number says yes, once, in time (policy §2.3 DOI, §5)."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer

from hub.campaigns.acts import asker_of
from hub.campaigns.content import examine
from hub.intake.confirming import confirm_consent
from hub.model.address import Channel
from hub.model.campaign import Purpose
from hub.model.message import Attestation
from hub.policy import consent_link
from hub.public import confirm
from hub.public.site import PUBLIC
from hub.settings import Settings
from hub.store import audience
from hub.store.pool import Pool
from hub.web.keys import POOL
from tests.integration.campaigns.samples import draft
from tests.integration.people.helpers import box, fills_in, hasher
from tests.integration.public.site import public_app
from tests.world import AMY, SMS, StandingClock, World, world
from workers import follow_ups
from workers.runtime import Runtime

ADULT = Attestation(wording_id="age_adult", wording_version=1, locale="en")
STRANGER = "+447700900999"


async def ticks(clinic: World, *, event_id: str = "f1", number: str = AMY, adult: Attestation | None = ADULT, **more: object) -> None:
    """Somebody types a number into the form, ticks news by text message, and the question to the number leaves."""
    await fills_in(clinic, event_id=event_id, number=number, consents=(box(Channel.SMS),), adult=adult, **more)  # type: ignore[arg-type]
    await asked(clinic)


async def asked(clinic: World) -> None:
    async with AsyncExitStack() as stack:
        runtime = Runtime(clinic.settings, clinic.pool, stack, clinic.clock)
        for topic in ("confirm_consent", "confirm_stop", "lapse_consent"):
            await follow_ups.run(runtime, topic)
    await clinic.delivers(SMS)


async def reached(clinic: World) -> dict[str, int]:
    """What a newsletter by text message counts."""
    wanted = draft(purpose=Purpose.NEWSLETTER, interests=("skin",))
    asker = asker_of(wanted, examine(wanted, clinic.settings), clinic.settings)
    async with clinic.pool.acquire() as conn:
        return await audience.count(conn, asker.question(clinic.clock()), clinic.settings.policy, now=clinic.clock())


async def test_a_yes_from_the_number_makes_the_ticked_box_count(clinic: World, clock: StandingClock) -> None:
    await ticks(clinic)
    [text] = clinic.transport.texts()
    assert "CONFIRM" in text
    assert not any(private in text for private in (AMY, "Amy", "skin"))
    assert await reached(clinic) == {"CONSENT_UNCONFIRMED": 1}
    clock.forward(minutes=3)
    await clinic.writes("Confirm!", account=SMS)
    assert await reached(clinic) == {"ALLOW": 1}
    [event] = await clinic.rows("SELECT * FROM consent_event WHERE event = 'confirmed'")
    message = await clinic.value("SELECT id FROM message WHERE body = 'Confirm!'")
    assert (event["evidence_ref"], event["actor"], event["age_attested"]) == (f"message:{message}", "person", "age_adult@1/en")
    assert await clinic.value("SELECT count(*) FROM audit_event WHERE action = 'consent.confirmed'") == 1
    assert await clinic.value("SELECT count(*) FROM outbox WHERE topic = 'acknowledge'") == 0


async def test_the_yes_reaches_the_consent_though_the_number_is_somebody_elses_record(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("I wrote before", account=SMS)
    await ticks(clinic)
    clock.forward(minutes=1)
    await clinic.writes("YES", account=SMS)
    assert (await reached(clinic))["ALLOW"] == 1
    assert await clinic.value("SELECT count(*) FROM contact WHERE merged_into IS NULL") == 2
    assert await clinic.value("SELECT count(DISTINCT contact_id) FROM message WHERE direction = 'inbound' AND channel = 'sms'") == 1


@pytest.mark.parametrize(
    ("said", "number", "after"),
    [
        ("YES", STRANGER, timedelta(minutes=1)),
        ("YES", AMY, timedelta(days=7, minutes=1)),
        ("yes, what does a peel cost?", AMY, timedelta(minutes=1)),
        ("no", AMY, timedelta(minutes=1)),
        ("STOP", AMY, timedelta(minutes=1)),
    ],
)
async def test_nothing_else_confirms(clinic: World, clock: StandingClock, said: str, number: str, after: timedelta) -> None:
    await ticks(clinic)
    clock.now += after
    await clinic.writes(said, phone=number, account=SMS)
    assert await clinic.value("SELECT count(*) FROM consent_event WHERE event = 'confirmed'") == 0
    assert "ALLOW" not in await reached(clinic)


async def test_a_no_stops_all_news_and_is_confirmed_once(clinic: World, clock: StandingClock) -> None:
    await ticks(clinic)
    clock.forward(minutes=1)
    await clinic.writes("No thanks", account=SMS)
    assert await reached(clinic) == {"SUPPRESSED": 1}
    await asked(clinic)
    assert [r["kind"] for r in await clinic.rows("SELECT kind FROM message WHERE direction = 'outbound' ORDER BY id")] == ["DOI", "OOC"]


async def test_a_yes_where_nothing_was_asked_is_only_a_word(clinic: World) -> None:
    await clinic.writes("YES", account=SMS)
    assert await clinic.value("SELECT count(*) FROM consent_event") == 0


async def test_a_yes_to_something_staff_asked_later_confirms_nothing(clinic: World, clock: StandingClock) -> None:
    await ticks(clinic)
    clock.forward(minutes=1)
    await clinic.replies("Shall we say Tuesday?", channel=Channel.SMS)
    await clinic.delivers(SMS)
    clock.forward(minutes=1)
    await clinic.writes("Yes", account=SMS)
    assert await reached(clinic) == {"CONSENT_UNCONFIRMED": 1}


async def test_three_copies_of_the_yes_confirm_once(clinic: World, clock: StandingClock) -> None:
    await ticks(clinic)
    clock.forward(minutes=1)
    for event_id in ("SMa", "SMa", "SMb"):
        await clinic.writes("yes", account=SMS, event_id=event_id)
    assert await clinic.value("SELECT count(*) FROM consent_event WHERE event = 'confirmed'") == 1


async def test_a_stop_after_the_yes_counts(clinic: World, clock: StandingClock) -> None:
    await ticks(clinic)
    clock.forward(minutes=1)
    await clinic.writes("yes", account=SMS)
    clock.forward(minutes=1)
    await clinic.writes("no more offers please", account=SMS)
    assert await reached(clinic) == {"SUPPRESSED": 1}


async def test_a_confirmed_consent_lifts_older_stops_of_news_here_and_nothing_wider(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("no more offers please", account=SMS)
    clock.forward(days=1)
    await ticks(clinic)
    clock.forward(minutes=1)
    await clinic.writes("yes", account=SMS)
    assert (await reached(clinic))["ALLOW"] == 1
    standing = {(r["scope"], r["channel"]) for r in await clinic.rows("SELECT scope, channel FROM suppression WHERE lifted_at IS NULL")}
    assert ("CHANNEL_MARKETING", "whatsapp") in standing
    assert ("CHANNEL_MARKETING", "sms") not in standing


async def test_after_a_stop_of_the_channel_the_number_is_not_even_asked(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("STOP", account=SMS)
    clock.forward(days=1)
    await ticks(clinic)
    assert await clinic.value("SELECT reason FROM decision WHERE kind = 'DOI'") == "STOP_CHANNEL"


async def test_an_address_is_asked_once_in_ninety_days(clinic: World, clock: StandingClock) -> None:
    await ticks(clinic)
    clock.forward(days=2)
    await ticks(clinic, event_id="f2")
    clock.forward(days=89)
    await ticks(clinic, event_id="f3")
    assert len(clinic.transport.sent) == 2


async def test_a_question_that_could_not_leave_in_time_never_does(clinic: World, clock: StandingClock) -> None:
    await fills_in(clinic, event_id="f1", number=AMY, consents=(box(Channel.SMS),), adult=ADULT)
    clock.forward(minutes=16)
    await asked(clinic)
    assert clinic.transport.sent == []


@pytest.mark.parametrize(
    ("adult", "birth_date", "asks"), [(None, None, 0), (None, "1990-05-01", 1), (ADULT, "2012-05-01", 0), (ADULT, None, 1)]
)
async def test_only_adults_are_asked(clinic: World, adult: Attestation | None, birth_date: str | None, asks: int) -> None:
    await ticks(clinic, adult=adult, birth_date=birth_date)
    assert len(clinic.transport.sent) == asks


async def test_a_consent_nobody_confirms_lapses(clinic: World, clock: StandingClock) -> None:
    await ticks(clinic)
    clock.forward(days=8)
    await asked(clinic)
    assert await reached(clinic) == {"NO_CONSENT": 1}
    await clinic.writes("yes", account=SMS)
    assert await reached(clinic) == {"NO_CONSENT": 1}


async def test_a_link_confirms_like_a_word_and_once(clinic: World, clock: StandingClock) -> None:
    await ticks(clinic)
    consent = await clinic.value("SELECT consent_id FROM consent_state")
    async with clinic.pool.acquire() as conn, conn.transaction():
        first = await confirm_consent(conn, consent, evidence=f"link:{consent}", now=clock())  # type: ignore[arg-type]
        again = await confirm_consent(conn, consent, evidence=f"link:{consent}", now=clock())  # type: ignore[arg-type]
    assert (first, again) == (True, False)
    assert await reached(clinic) == {"ALLOW": 1}


async def test_looking_at_the_page_confirms_nothing_and_a_press_does(clinic: World, clock: StandingClock) -> None:
    await ticks(clinic)
    consent = await clinic.value("SELECT consent_id FROM consent_state")
    clock.forward(hours=1)
    async with public_app(clinic.pool, clinic.settings, clock) as app:
        app[POOL] = clinic.pool
        confirm.add_to(app)
        key = app[PUBLIC].account.secrets["form_token_key"]
        path = f"/consent/{consent_link.issue(consent, key)}"  # type: ignore[arg-type]
        async with TestClient(TestServer(app)) as client:
            looked = await (await client.get(path)).text()
            guessed = await (await client.post("/consent/" + "A" * 64)).text()
            assert await reached(clinic) == {"CONSENT_UNCONFIRMED": 1}
            pressed = await (await client.post(path)).text()
    assert "Yes, send me news" in looked
    assert guessed.replace("A" * 64, "") == pressed.replace(path.removeprefix("/consent/"), "")  # it tells nothing
    assert await reached(clinic) == {"ALLOW": 1}


async def test_somebody_on_file_under_the_old_pepper_is_no_second_contact(pool: Pool, settings: Settings, clock: StandingClock) -> None:
    async with world(pool, replace(settings, hasher=hasher(1)), clock) as before:
        await before.writes("Hello", account=SMS)
    async with world(pool, replace(settings, hasher=hasher(2, 1)), clock) as after:
        await after.writes("Hello again", account=SMS)
        await after.writes("STOP", account=SMS)
        assert await after.value("SELECT count(*) FROM contact") == 1
        assert await after.value("SELECT count(*) FROM conversation") == 1
        assert (await after.value("SELECT count(*) FROM suppression WHERE scope = 'CHANNEL'")) == 2  # under both keys
