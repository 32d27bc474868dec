"""The way in, against a real database: what one transaction stores, and what it never loses or doubles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from hub.intake import Intake, IntakeFull, StoreUnavailable
from hub.intake.compose import tools
from hub.intake.record import Tools
from hub.model.address import Address, AddressClass, Channel
from hub.model.ids import AccountId
from hub.model.message import (
    ChannelEvent,
    ContentKind,
    DeliveryStatus,
    FormEnquiry,
    InboundMessage,
    PreferenceChange,
    ProviderKeyword,
    StatusUpdate,
    Unknown,
)
from hub.model.permission import Reason, Signal, TextContext
from hub.model.sealed import Sealed
from hub.replay import replay
from hub.settings import Settings
from hub.store.pool import Pool, open_pool
from tests.world import AMY, SMS, WHATSAPP, StandingClock, World, world


@pytest.fixture
async def clinic(pool: Pool, settings: Settings, clock: StandingClock) -> AsyncIterator[World]:
    async with world(pool, settings, clock) as opened:
        yield opened


async def test_a_first_message_makes_person_thread_and_invitation(clinic: World) -> None:
    await clinic.writes("Hello, do you do lip filler?")
    [row] = await clinic.rows(
        """
        SELECT m.body, m.channel, i.verified, i.country, c.status, c.unread, n.state, n.last_inbound_at
        FROM message m JOIN identity i ON i.id = m.identity_id JOIN conversation c ON c.id = m.conversation_id
        JOIN invitation n ON n.conversation_id = c.id AND n.channel = m.channel
        """
    )
    assert row["body"] == "Hello, do you do lip filler?"
    assert (row["verified"], row["country"], row["status"], row["unread"], row["state"]) == (True, "GB", "open", 1, "OPEN")
    assert row["last_inbound_at"] == clinic.clock()


async def test_the_same_webhook_three_times_at_once_is_one_message(clinic: World) -> None:
    answers = await asyncio.gather(*(clinic.writes("Hello", event_id="SM1") for _ in range(3)))
    assert sorted(a.new for a in answers) == [0, 0, 1]
    assert await clinic.value("SELECT count(*) FROM message") == 1


async def test_a_new_sender_writing_twice_at_once_to_two_processes_is_one_person(
    pool: Pool, settings: Settings, clock: StandingClock
) -> None:
    async with world(pool, settings, clock) as one, world(pool, settings, clock) as two:
        for n in range(20):
            phone = f"+4477009001{n:02}"
            await asyncio.gather(one.writes("a", phone=phone), two.writes("b", phone=phone))
        assert await one.value("SELECT count(*) FROM contact") == 20
        assert await one.value("SELECT count(*) FROM message") == 40


async def test_sms_and_whatsapp_from_one_number_are_one_person_with_two_threads(clinic: World) -> None:
    await clinic.writes("on whatsapp")
    await clinic.writes("on sms", account=SMS)
    assert await clinic.value("SELECT count(*) FROM contact") == 1
    assert await clinic.value("SELECT count(*) FROM conversation") == 2


async def test_a_stop_takes_effect_in_the_transaction_that_stores_it(clinic: World) -> None:
    await clinic.writes("Hello")
    await clinic.writes("STOP")
    scopes = {(r["scope"], r["channel"]) for r in await clinic.rows("SELECT scope, channel FROM suppression WHERE lifted_at IS NULL")}
    assert scopes == {("ALL_MARKETING", None), ("CHANNEL", "whatsapp")}
    assert await clinic.value("SELECT state FROM invitation") == "WITHDRAWN"
    assert await clinic.value("SELECT count(*) FROM outbox WHERE topic = 'confirm_stop'") == 1
    assert await clinic.value("SELECT count(DISTINCT xmin::text) FROM suppression") == 1


async def test_a_stop_beyond_doubt_settles_the_doubt_before_it(clinic: World, clock: StandingClock) -> None:
    unclear = "SELECT stop_unclear FROM conversation"
    waiting = "SELECT count(*) FROM suppression WHERE provisional AND lifted_at IS NULL"
    await clinic.writes("Hello")
    await clinic.writes("not interested")
    assert (await clinic.value(unclear), await clinic.value(waiting)) == (True, 1)
    clock.forward(minutes=1)
    await clinic.writes("Is Thursday possible?")
    assert (await clinic.value(unclear), await clinic.value(waiting)) == (True, 1)  # this settles nothing
    await clinic.writes("STOP")
    assert (await clinic.value(unclear), await clinic.value(waiting)) == (False, 0)
    assert await clinic.value("SELECT count(*) FROM suppression WHERE lifted_at IS NULL AND scope = 'ALL_MARKETING'") == 2
    assert await clinic.value("SELECT count(*) FROM audit_event WHERE reason = 'said again beyond doubt'") == 1


async def test_a_single_letter_is_a_stop_only_where_our_last_text_offered_it(clinic: World, clock: StandingClock) -> None:
    """Policy §3.4: T, R, N or 0 counts on SMS, when our last text in 30 days offered that letter."""
    stops = "SELECT count(*) FROM suppression WHERE scope = 'CHANNEL' AND lifted_at IS NULL"
    await clinic.writes("Hello", account=SMS)
    await clinic.replies("We are open until six.", channel=Channel.SMS)
    await clinic.writes("R", account=SMS)
    assert await clinic.value(stops) == 0
    await clinic.replies("We are open until six. Reply R to stop.", channel=Channel.SMS)
    clock.forward(days=31)
    await clinic.writes("R", account=SMS)
    await clinic.writes("T", account=SMS)
    assert await clinic.value(stops) == 0
    await clinic.replies("We are open until six. Reply R to stop.", channel=Channel.SMS)
    await clinic.writes("R", account=SMS)
    assert await clinic.value(stops) == 1


async def test_a_gateway_that_confirms_the_stop_itself_gets_no_second_confirmation(clinic: World) -> None:
    await clinic.writes("ARRET", account=SMS, keyword=ProviderKeyword.STOP)
    assert await clinic.value("SELECT count(*) FROM suppression WHERE source = 'provider_keyword'") == 2
    assert await clinic.value("SELECT count(*) FROM outbox WHERE topic = 'confirm_stop'") == 0


async def test_start_opens_this_channel_and_nothing_wider(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("STOP")
    clock.forward(minutes=5)
    await clinic.writes("START")
    standing = {r["scope"] for r in await clinic.rows("SELECT scope FROM suppression WHERE lifted_at IS NULL")}
    assert standing == {"ALL_MARKETING"}


async def test_an_old_start_delivered_late_never_undoes_a_newer_stop(clinic: World, clock: StandingClock) -> None:
    before = clock.now
    clock.forward(minutes=5)
    await clinic.writes("STOP")
    await clinic.writes("START", at=before)
    assert await clinic.value("SELECT count(*) FROM suppression WHERE lifted_at IS NOT NULL") == 0


async def test_writing_again_after_a_stop_reopens_the_thread_and_keeps_marketing_stopped(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("STOP")
    clock.forward(minutes=5)
    await clinic.writes("Sorry, one more question about opening hours")
    [row] = await clinic.rows("SELECT state, reopened_at FROM invitation")
    assert row["state"] in ("OPEN", "DIALOGUE")
    assert row["reopened_at"] == clock.now
    assert await clinic.value("SELECT count(*) FROM suppression WHERE lifted_at IS NULL AND scope = 'ALL_MARKETING'") == 1


async def test_a_second_stop_does_not_reopen_what_it_closes(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("STOP")
    clock.forward(minutes=5)
    await clinic.writes("STOP")
    assert await clinic.value("SELECT state FROM invitation") == "WITHDRAWN"


def poisoned(settings: Settings) -> Tools:
    """A recogniser with a fault: one text breaks it."""
    sound = tools(settings)

    def fragile(text: str, context: TextContext) -> Signal:
        if text == "poison":
            raise ZeroDivisionError
        return sound.recognise(text, context)

    return replace(sound, recognise=fragile)


async def test_one_bad_event_never_sinks_its_neighbours_and_can_be_replayed(pool: Pool, settings: Settings, clock: StandingClock) -> None:
    intake = Intake(pool, poisoned(settings), clock=clock, lanes=1)
    clinic = World(pool, settings, clock, intake)
    try:
        texts = ["one", "poison", "three"]
        answers = await asyncio.gather(*(clinic.writes(t, phone=f"+44770090010{i}") for i, t in enumerate(texts)))
    finally:
        await intake.close()
    assert [(a.new, a.failed) for a in answers] == [(1, 0), (0, 1), (1, 0)]
    assert {r["body"] for r in await clinic.rows("SELECT body FROM message")} == {"one", "three"}
    assert await clinic.value("SELECT error FROM inbound_event WHERE state = 'failed'") == "ZeroDivisionError"


async def test_a_failed_webhook_is_stored_by_a_replay_once_the_fault_is_mended(
    pool: Pool, settings: Settings, clock: StandingClock
) -> None:
    from channels.registry import ADAPTERS
    from hub.model.message import RawRequest

    account = settings.accounts[SMS]
    body = b"MessageSid=SM00000000000000000000000000000001&AccountSid=AC1&From=%2B447700900123&To=%2B447700900456&Body=poison&NumMedia=0"
    request = RawRequest(
        method="POST",
        path_and_query=f"/webhooks/{SMS}",
        headers={"content-type": "application/x-www-form-urlencoded"},
        body=body,
        received_at=clock(),
    )
    intake = Intake(pool, poisoned(settings), clock=clock)
    answer = await intake.accept(request, account, ADAPTERS[account.adapter].parse(request, account))
    await intake.close()
    assert answer.failed == 1
    outcome = await replay(pool, settings, tools(settings), clock=clock)
    assert (outcome.processed, outcome.still_failing) == (1, 0)
    async with pool.acquire() as conn:
        assert await conn.fetchval("SELECT body FROM message") == "poison"
        assert await conn.fetchval("SELECT count(*) FROM inbound_event WHERE state = 'failed'") == 0


async def test_nothing_is_acknowledged_while_the_database_is_away(clinic: World, pool: Pool) -> None:
    pool.terminate()
    with pytest.raises(StoreUnavailable):
        await clinic.writes("Hello")


async def test_more_than_may_wait_is_turned_away(pool: Pool, settings: Settings, clock: StandingClock) -> None:
    intake = Intake(pool, tools(settings), clock=clock, max_waiting=3, lanes=1)
    clinic = World(pool, settings, clock, intake)
    answers = await asyncio.gather(*(clinic.writes("x", phone=f"+4477009002{n:02}") for n in range(10)), return_exceptions=True)
    await intake.close()
    full = sum(isinstance(a, IntakeFull) for a in answers)
    assert full == 7
    assert await clinic.value("SELECT count(*) FROM message") == 3


@pytest.mark.parametrize("text", ["nul\0inside", "lone \ud800 surrogate", "x" * 1_000_000, "", "\u202e\u200b🙏" * 500])
async def test_odd_text_is_stored_never_an_error(clinic: World, text: str) -> None:
    answer = await clinic.writes(text)
    assert (answer.new, answer.failed) == (1, 0)
    [row] = await clinic.rows("SELECT body, detail FROM message")
    assert "\0" not in str(row["body"])
    if len(text) > 65_536:
        assert row["detail"] == {"cut_from": 1_000_000}


def status(to: DeliveryStatus, *, sid: str, code: str | None = None, stopped: bool = False, account: AccountId = WHATSAPP) -> ChannelEvent:
    from tests.conftest import NOW

    return StatusUpdate(
        account_id=account,
        provider_event_id=f"{sid}:{to}",
        provider_message_id=sid,
        message_id=None,
        status=to,
        occurred_at=NOW,
        error_code=code,
        recipient_stopped=stopped,
    )


async def test_a_status_before_its_send_result_is_parked_and_joined(clinic: World) -> None:
    await clinic.writes("Hello")
    await clinic.replies("Good morning")

    async def read_first() -> None:
        await clinic.takes([status(DeliveryStatus.READ, sid="SMearly")])

    await read_first()
    clinic.transport.answer = lambda _r: _named("SMearly")
    await clinic.delivers()
    assert await clinic.statuses() == ["read"]
    assert await clinic.value("SELECT count(*) FROM delivery_report") == 0


def _named(sid: str):  # type: ignore[no-untyped-def]
    from hub.model.message import ProviderResponse

    return ProviderResponse(status=201, body=Sealed({"sid": sid, "status": "queued"}))


async def test_statuses_in_any_order_only_move_forward(clinic: World) -> None:
    await clinic.writes("Hello")
    await clinic.replies("Good morning")
    clinic.transport.answer = lambda _r: _named("SM77")
    await clinic.delivers()
    seen = []
    for to in (DeliveryStatus.DELIVERED, DeliveryStatus.SENT, DeliveryStatus.READ, DeliveryStatus.FAILED, DeliveryStatus.DELIVERED):
        await clinic.takes([status(to, sid="SM77")])
        seen += await clinic.statuses()
    assert seen == ["delivered", "delivered", "read", "read", "read"]


async def test_a_status_batch_with_every_status_counts_as_the_furthest(clinic: World) -> None:
    await clinic.writes("Hello")
    await clinic.replies("Good morning")
    clinic.transport.answer = lambda _r: _named("SM78")
    await clinic.delivers()
    await clinic.takes([status(to, sid="SM78") for to in (DeliveryStatus.READ, DeliveryStatus.SENT, DeliveryStatus.DELIVERED)])
    assert await clinic.statuses() == ["read"]


async def test_a_provider_code_that_means_stop_suppresses_the_person(clinic: World) -> None:
    await clinic.writes("Hello")
    await clinic.replies("Good morning")
    clinic.transport.answer = lambda _r: _named("SM79")
    await clinic.delivers()
    await clinic.takes([status(DeliveryStatus.FAILED, sid="SM79", code="63014", stopped=True)])
    rows = await clinic.rows("SELECT scope, source, rule_id FROM suppression")
    assert {(r["scope"], r["source"], r["rule_id"]) for r in rows} == {
        ("ALL_MARKETING", "provider_error", "provider:63014"),
        ("CHANNEL", "provider_error", "provider:63014"),
    }


async def test_a_preference_for_an_address_nobody_knows_still_suppresses_it(clinic: World) -> None:
    event = PreferenceChange(
        account_id=WHATSAPP,
        channel=Channel.WHATSAPP,
        provider_event_id="pref-1",
        senders=(Address(kind=AddressClass.PHONE, value=Sealed(AMY)),),
        occurred_at=clinic.clock(),
        stop=True,
        whole_channel=False,
        source="user_preferences",
    )
    await clinic.takes([event])
    assert await clinic.value("SELECT count(*) FROM suppression WHERE address_hash IS NOT NULL AND contact_id IS NULL") == 2


async def test_an_unknown_event_is_journalled_and_acknowledged(clinic: World) -> None:
    answer = await clinic.takes([Unknown(account_id=WHATSAPP, provider_event_id="odd-1", kind="hologram")])
    assert answer.new == 1
    [row] = await clinic.rows("SELECT kind, state, body FROM inbound_event")
    assert (row["kind"], row["state"], row["body"]) == ("unknown:hologram", "unknown", b"raw")


async def test_an_unsupported_message_is_stored_and_shown_as_such(clinic: World) -> None:
    event = InboundMessage(
        account_id=WHATSAPP,
        channel=Channel.WHATSAPP,
        provider_event_id="SModd",
        senders=(Address(kind=AddressClass.PHONE, value=Sealed(AMY)),),
        sent_at=clinic.clock(),
        text=Sealed(""),
        kind=ContentKind.UNSUPPORTED,
    )
    await clinic.takes([event])
    assert await clinic.value("SELECT content_kind FROM message") == "unsupported"


def form(
    clinic: World, *, phone: str = AMY, reply: tuple[Channel, ...] = (Channel.SMS,), message: str = "Do you do peels?"
) -> ChannelEvent:
    return InboundMessage(
        account_id=AccountId("form"),
        channel=Channel.WEB_FORM,
        provider_event_id=f"form-{message}-{phone}",
        senders=(),
        sent_at=clinic.clock(),
        text=Sealed(message),
        form=FormEnquiry(
            form_id="hosted",
            submission_id="s1",
            name=Sealed("Amy O'Neil"),
            email=Address(kind=AddressClass.EMAIL, value=Sealed("amy@example.org")),
            phone=Address(kind=AddressClass.PHONE, value=Sealed(phone)),
            reply_channels=reply,
            consents=(),
            notice_version="1",
        ),
    )


async def test_a_form_never_joins_the_record_of_the_person_whose_number_it_types(clinic: World) -> None:
    await clinic.writes("I am the real Amy")
    await clinic.takes([form(clinic)], account=AccountId("form"))
    assert await clinic.value("SELECT count(*) FROM contact") == 2
    assert await clinic.value("SELECT count(*) FROM identity WHERE verified") == 1


async def test_a_person_who_comes_back_with_another_number_is_still_stopped(clinic: World) -> None:
    await clinic.takes([form(clinic)], account=AccountId("form"))
    await clinic.writes("don't contact me again", account=SMS)
    await clinic.takes([form(clinic, phone="+447700900777", message="Me again")], account=AccountId("form"))
    queued = await clinic.replies("Hello again", phone="+447700900777", channel=Channel.SMS)
    assert queued.decision.reason is Reason.STOP_ALL  # the typed mail address is the one that was stopped


async def test_a_form_opens_an_invitation_on_the_channel_it_names_only(clinic: World) -> None:
    await clinic.takes([form(clinic)], account=AccountId("form"))
    rows = await clinic.rows("SELECT channel, state, named_by_person FROM invitation ORDER BY channel")
    assert [(r["channel"], r["state"], r["named_by_person"]) for r in rows] == [("sms", "OPEN", True), ("web_form", "OPEN", False)]


async def test_the_reply_to_a_form_answer_comes_back_into_its_thread(clinic: World) -> None:
    await clinic.takes([form(clinic)], account=AccountId("form"))
    await clinic.writes("Thank you, Thursday is fine", account=SMS)
    assert await clinic.value("SELECT count(*) FROM contact") == 1
    assert await clinic.value("SELECT count(*) FROM conversation") == 1
    assert await clinic.value("SELECT bool_or(verified) FROM identity WHERE channel = 'sms'") is True


async def test_a_stop_ends_it_for_everybody_at_the_same_address(clinic: World) -> None:
    await clinic.takes([form(clinic)], account=AccountId("form"))
    async with clinic.pool.acquire() as conn:
        await conn.execute("UPDATE identity SET verified = true WHERE channel = 'email'")  # another person's record by now
    await clinic.writes("STOP", account=SMS)
    assert await clinic.value("SELECT count(*) FROM contact") == 2
    queued = await clinic.replies("Peels start at 80 pounds", channel=Channel.SMS)
    assert not queued.decision.allowed


async def test_two_lanes_and_two_processes_lose_nothing(database_url: str, settings: Settings, clock: StandingClock) -> None:
    pools = [await open_pool(database_url, min_size=1, max_size=4) for _ in range(2)]
    worlds = [World(p, settings, clock, Intake(p, tools(settings), clock=clock)) for p in pools]
    await asyncio.gather(
        *(
            worlds[n % 2].writes("STOP" if n % 7 == 0 else f"message {n}", phone=f"+4477009003{n % 30:02}", event_id=f"SM{n}")
            for n in range(300)
        )
    )
    assert await worlds[0].value("SELECT count(*) FROM message") == 300
    assert await worlds[0].value("SELECT count(*) FROM contact") == 30
    for w in worlds:
        await w.intake.close()
        w.pool.terminate()


async def test_the_window_counts_from_the_latest_message_whatever_the_order(clinic: World, clock: StandingClock) -> None:
    late = clock.now
    await clinic.writes("second", at=late)
    await clinic.writes("first", at=late - timedelta(hours=3))
    assert await clinic.value("SELECT last_inbound_at FROM invitation") == late


async def test_the_schema_refuses_a_message_that_left_without_a_decision(clinic: World) -> None:
    await clinic.writes("Hello")
    await clinic.replies("Good morning")
    with pytest.raises(asyncpg.CheckViolationError, match="message_left_on_a_decision"):
        await clinic.rows("UPDATE message SET status = 'sent' WHERE direction = 'outbound' RETURNING id")


def test_config_is_where_the_world_expects_it(settings: Settings) -> None:
    assert Path(settings.config_dir, "lexicon").is_dir()


async def test_what_collides_for_ever_is_kept_for_replay_and_not_refused_for_ever(clinic: World) -> None:
    await clinic.rows("CREATE UNIQUE INDEX only_one ON message (channel)")
    await clinic.writes("First", event_id="SM1")
    found = await clinic.writes("Second", event_id="SM2")
    assert (found.new, found.failed) == (0, 1)
    assert await clinic.value("SELECT count(*) FROM inbound_event WHERE state = 'failed'") == 1
