"""The way out, against a real database: asked twice, decided at the last moment, sent at most once, always accounted for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from channels.errors import NotSent, OutcomeUnknown
from hub.gate import cancel, settle
from hub.model.address import Channel
from hub.model.ids import StaffId, uuid7
from hub.model.message import DeliveryStatus, ProviderRequest, ProviderResponse
from hub.model.permission import Kind, Reason
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.store import accounts, delivery
from hub.store.pool import Pool
from tests.world import SMS, WHATSAPP, StandingClock, World, refused, world


@pytest.fixture
async def clinic(pool: Pool, settings: Settings, clock: StandingClock) -> AsyncIterator[World]:
    async with world(pool, settings, clock) as opened:
        yield opened


async def staff(clinic: World) -> StaffId:
    staff_id = uuid7()
    await clinic.rows(
        "INSERT INTO staff (id, email, name, created_at) VALUES ($1, 'priya@clinic.example', 'Priya', $2) RETURNING id",
        staff_id,
        clinic.clock(),
    )
    return StaffId(staff_id)


async def test_a_reply_leaves_on_the_invitation_and_its_ground_is_recorded(clinic: World) -> None:
    await clinic.writes("Hello, do you do lip filler?")
    queued = await clinic.replies("Yes, our doctors do. A consultation comes first.")
    assert queued.decision.allowed
    assert await clinic.delivers() == 1
    assert len(clinic.transport.sent) == 1
    assert await clinic.statuses() == ["accepted"]
    [row] = await clinic.rows(
        "SELECT d.phase, d.outcome, d.proofs FROM message m JOIN decision d ON d.id = m.decision_id WHERE m.id = $1", queued.message_id
    )
    assert (row["phase"], row["outcome"]) == ("claim", "ALLOW")
    assert row["proofs"]


async def test_a_stop_between_queue_and_send_is_honoured(clinic: World) -> None:
    await clinic.writes("Hello")
    assert (await clinic.replies("Good morning")).decision.allowed
    await clinic.writes("STOP")
    assert await clinic.delivers() == 0
    assert clinic.transport.sent == []
    [row] = await clinic.rows("SELECT m.status, d.reason FROM message m JOIN decision d ON d.id = m.decision_id")
    assert (row["status"], row["reason"]) == ("refused", "STOP_CHANNEL")


async def test_a_refused_reply_is_stored_with_its_reason(clinic: World) -> None:
    await clinic.writes("STOP")
    queued = await clinic.replies("Are you sure?")
    assert queued.decision.reason is Reason.STOP_CHANNEL
    [row] = await clinic.rows("SELECT m.status, d.outcome, d.reason FROM message m JOIN decision d ON d.message_id = m.id")
    assert (row["status"], row["outcome"], row["reason"]) == ("refused", "REFUSE", "STOP_CHANNEL")


async def test_every_message_that_left_has_exactly_one_allow_at_the_last_look(clinic: World) -> None:
    for n in range(20):
        await clinic.writes("Hello", phone=f"+4477009004{n:02}")
        await clinic.replies("Good morning", phone=f"+4477009004{n:02}")
        if n % 3 == 0:
            await clinic.writes("stop texting me", phone=f"+4477009004{n:02}")
    await clinic.delivers()
    left = await clinic.rows(
        """
        SELECT m.id, count(d.id) FILTER (WHERE d.phase = 'claim' AND d.outcome = 'ALLOW') AS allows FROM message m
        LEFT JOIN decision d ON d.message_id = m.id WHERE m.direction = 'outbound' AND m.status <> 'refused' GROUP BY m.id
        """
    )
    assert [r["allows"] for r in left] == [1] * 13
    assert len(clinic.transport.sent) == 13


async def test_a_reply_on_a_channel_nobody_invited_us_on_is_refused(clinic: World) -> None:
    await clinic.writes("Hello", account=SMS)
    assert (await clinic.replies("Hello", channel=Channel.WHATSAPP)).decision.reason in (Reason.BAD_ADDRESS, Reason.CROSS_CHANNEL)


async def test_a_third_unanswered_turn_is_refused_and_an_answer_frees_it(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello")
    for turn in ("one", "two"):
        assert (await clinic.replies(turn)).decision.allowed
        await clinic.delivers()
        clock.forward(minutes=11)
    assert (await clinic.replies("three")).decision.reason is Reason.NO_ANSWER
    await clinic.writes("Sorry, I was away")
    assert (await clinic.replies("three")).decision.allowed


async def test_whatsapp_is_shut_a_day_after_their_last_message(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello")
    clock.forward(hours=24)
    assert (await clinic.replies("Good morning")).decision.reason is Reason.WINDOW


async def test_a_claim_older_than_a_second_is_decided_again(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello")
    await clinic.replies("Good morning")
    way_out = clinic.delivery()

    class Drifting(StandingClock):
        """Two seconds pass between the claim and the send, once."""

        drifts = 1

    real_send = way_out._send

    async def slow_send(claimed):  # type: ignore[no-untyped-def]
        if Drifting.drifts:
            Drifting.drifts -= 1
            clock.forward(seconds=2)
            await clinic.writes("STOP")
        await real_send(claimed)

    way_out._send = slow_send  # type: ignore[method-assign]
    await way_out.run(deadline_s=3, linger_s=0.1)
    assert clinic.transport.sent == []
    assert await clinic.statuses() == ["refused"]


async def test_a_throttled_send_waits_as_told_and_goes_once(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello")
    await clinic.replies("Good morning")
    answers = [ProviderResponse(status=429, body=refused(429, 20429)(None).body, retry_after_s=7)]  # type: ignore[arg-type]
    good = clinic.transport.answer
    clinic.transport.answer = lambda r: answers.pop() if answers else good(r)
    await clinic.delivers()
    assert await clinic.statuses() == ["queued"]
    wait = await clinic.value("SELECT send_after FROM message WHERE direction = 'outbound'")
    assert timedelta(seconds=7) <= wait - clock.now <= timedelta(seconds=10.5)  # type: ignore[operator]
    clock.forward(seconds=11)
    await clinic.delivers()
    assert await clinic.statuses() == ["accepted"]
    assert len(clinic.transport.sent) == 2


def raising(error: type[Exception]):  # type: ignore[no-untyped-def]
    def answer(_request: ProviderRequest) -> ProviderResponse:
        raise error(WHATSAPP, "test")

    return answer


async def test_what_never_left_is_tried_again(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello")
    await clinic.replies("Good morning")
    good, clinic.transport.answer = clinic.transport.answer, raising(NotSent)
    await clinic.delivers()
    assert await clinic.statuses() == ["queued"]
    clinic.transport.answer = good
    clock.forward(minutes=1)
    await clinic.delivers()
    assert await clinic.statuses() == ["accepted"]


async def test_an_unknown_outcome_is_shown_and_never_sent_again_by_itself(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello")
    queued = await clinic.replies("Good morning")
    clinic.transport.answer = raising(OutcomeUnknown)
    await clinic.delivers()
    assert await clinic.statuses() == ["unknown"]
    clock.forward(hours=1)
    await clinic.delivers()
    assert len(clinic.transport.sent) == 1
    async with clinic.pool.acquire() as conn, conn.transaction():
        assert await settle(conn, queued.message_id, arrived=True, staff_id=await staff(clinic), now=clock.now)
    assert await clinic.statuses() == ["delivered"]


async def test_a_fault_of_our_own_after_the_request_left_counts_as_unknown(clinic: World) -> None:
    await clinic.writes("Hello")
    await clinic.replies("Good morning")
    clinic.transport.answer = raising(KeyError)
    await clinic.delivers()
    assert await clinic.statuses() == ["unknown"]


async def test_a_result_that_cannot_stand_takes_no_other_with_it(clinic: World) -> None:
    for n in range(3):
        await clinic.writes("Hello", phone=f"+44770090000{n}")
        await clinic.replies(f"Good morning {n}", phone=f"+44770090000{n}")
    ids = iter(["SM" + "1" * 32, "SM" + "1" * 32, "SM" + "2" * 32])  # a provider that gives one id twice
    clinic.transport.answer = lambda _request: ProviderResponse(status=201, body=Sealed({"sid": next(ids), "status": "queued"}))
    await clinic.delivers()
    assert sorted(await clinic.statuses()) == ["accepted", "accepted", "sending"]  # the clock will call the third unknown


async def test_a_recipient_the_provider_says_has_stopped_is_suppressed(clinic: World) -> None:
    await clinic.writes("Hello", account=SMS)
    await clinic.replies("Good morning", channel=Channel.SMS)
    clinic.transport.answer = refused(400, 21610)
    await clinic.delivers(SMS)
    assert await clinic.statuses() == ["failed"]
    assert {r["rule_id"] for r in await clinic.rows("SELECT rule_id FROM suppression")} == {"provider:21610"}
    assert (await clinic.replies("Again", channel=Channel.SMS)).decision.reason is Reason.STOP_CHANNEL


async def test_an_address_nobody_is_at_is_not_written_to_again(clinic: World) -> None:
    await clinic.writes("Hello", account=SMS)
    await clinic.replies("Good morning", channel=Channel.SMS)
    clinic.transport.answer = refused(400, 21211)
    await clinic.delivers(SMS)
    assert (await clinic.replies("Again", channel=Channel.SMS)).decision.reason is Reason.BAD_ADDRESS


async def test_bad_credentials_pause_the_account_and_lose_nothing(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello")
    await clinic.replies("Good morning")
    good, clinic.transport.answer = clinic.transport.answer, refused(401, 20003)
    await clinic.delivers()
    assert await clinic.statuses() == ["queued"]
    assert await clinic.value("SELECT paused FROM account_state WHERE account_id = $1", WHATSAPP) == "credentials"
    clinic.transport.answer = good
    await clinic.delivers()
    assert len(clinic.transport.sent) == 1
    clock.forward(minutes=2)
    await clinic.delivers()
    assert await clinic.statuses() == ["accepted"]
    assert await clinic.value("SELECT paused FROM account_state WHERE account_id = $1", WHATSAPP) is None


async def test_undo_takes_a_waiting_reply_back(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello")
    queued = await clinic.replies("Oops", undo_s=6)
    async with clinic.pool.acquire() as conn, conn.transaction():
        assert await cancel(conn, queued.message_id, now=clock.now)
    clock.forward(seconds=10)
    assert await clinic.delivers() == 0
    assert await clinic.statuses() == ["cancelled"]


async def test_a_reply_waits_out_its_undo_time(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello")
    await clinic.replies("Good morning", undo_s=6)
    assert await clinic.delivers() == 0
    clock.forward(seconds=6)
    assert await clinic.delivers() == 1


async def test_messages_to_one_person_leave_in_order_one_at_a_time(clinic: World) -> None:
    await clinic.writes("Hello")
    for n in range(3):
        await clinic.replies(f"part {n}")
    clinic.transport.wait_s = 0.02
    await clinic.delivers()
    assert clinic.transport.texts() == ["part 0", "part 1", "part 2"]


async def test_the_rate_limit_holds_across_deliveries(clinic: World, clock: StandingClock) -> None:
    async with clinic.pool.acquire() as conn:
        taken = [
            await accounts.take_tokens(conn, WHATSAPP, wanted=10, rate_per_s=2, burst=3, now=clock.now + timedelta(seconds=s))
            for s in (0, 0, 1, 2, 100)
        ]
    assert taken == [3, 0, 2, 2, 3]


async def test_two_workers_on_one_account_send_each_message_once(clinic: World) -> None:
    for n in range(40):
        await clinic.writes("Hello", phone=f"+4477009005{n:02}")
        await clinic.replies("Good morning", phone=f"+4477009005{n:02}")
    clinic.transport.wait_s = 0.002
    await asyncio.gather(*(clinic.delivers() for _ in range(3)))
    assert len(clinic.transport.sent) == 40
    assert await clinic.statuses() == ["accepted"] * 40


async def test_a_row_left_in_sending_by_a_crash_becomes_unknown_and_is_not_resent(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello")
    queued = await clinic.replies("Good morning")
    await clinic.rows(
        """
        UPDATE message SET status = 'sending', claimed_at = $2, decision_id = (SELECT id FROM decision WHERE message_id = $1)
        WHERE id = $1 RETURNING id
        """,
        queued.message_id,
        clock.now,
    )
    clock.forward(seconds=31)
    async with clinic.pool.acquire() as conn:
        given_up = await delivery.give_up_stale(conn, claimed_before=clock.now - timedelta(seconds=30), now=clock.now)
    assert [m for m, _ in given_up] == [queued.message_id]
    await clinic.delivers()
    assert await clinic.statuses() == ["unknown"]
    assert clinic.transport.sent == []


async def test_a_kill_switch_pauses_automatic_messages_and_not_replies(clinic: World) -> None:
    await clinic.writes("Hello")
    await clinic.rows(
        "INSERT INTO kill_switch (subject, on_since, by, reason) VALUES ('channel:whatsapp', $1, 'test', 'test') RETURNING subject",
        clinic.clock(),
    )
    assert (await clinic.replies("Thank you for writing", kind=Kind.ACK)).decision.reason is Reason.PAUSED
    assert (await clinic.replies("Good morning")).decision.allowed


async def test_an_offer_in_a_reply_is_refused_as_mislabelled_and_keeps_the_words_at_fault(clinic: World) -> None:
    await clinic.writes("Hello")
    queued = await clinic.replies("Good morning, 20% off peels this week")
    assert queued.decision.reason is Reason.MISLABELLED
    assert any("20" in f.words for f in queued.examined.findings)


def test_the_database_ranks_statuses_as_the_model_does() -> None:
    from hub.model.delivery import FAILED_RANK, RANK

    assert RANK[DeliveryStatus.QUEUED] < RANK[DeliveryStatus.SENDING] < RANK[DeliveryStatus.UNKNOWN] < RANK[DeliveryStatus.ACCEPTED]
    assert RANK[DeliveryStatus.SENT] < FAILED_RANK < RANK[DeliveryStatus.DELIVERED]


async def test_the_rank_function_is_the_models_table(clinic: World) -> None:
    from hub.model.delivery import FAILED_RANK, RANK

    table = {**RANK, DeliveryStatus.FAILED: FAILED_RANK}
    for known, rank in table.items():
        assert await clinic.value("SELECT delivery_rank($1)", known) == rank
