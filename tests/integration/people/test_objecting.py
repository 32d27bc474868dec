"""What a person objects to binds at once, whoever wrote it down, in whichever record it stands (policy R21, R22, §4)."""

from __future__ import annotations

from datetime import timedelta

import asyncpg
import pytest

from hub.model.address import Channel
from hub.model.ids import ContactId, StaffId, uuid7
from hub.model.permission import Kind, Reason
from hub.people import merge as merging
from hub.people import objecting
from hub.policy.gates import _OBJECTIONS
from hub.store import facts, objections
from hub.store.objections import ABOUT, NewObjection
from tests.integration.people.helpers import CLEAN, contact_at, fills_in, phone
from tests.world import AMY, SMS, StandingClock, World

BOB = "+447700900124"
STAFF = StaffId(uuid7())


def test_the_table_and_the_judge_know_the_same_words() -> None:
    assert _OBJECTIONS == ABOUT


async def test_words_that_object_bind_in_the_transaction_that_stores_them(clinic: World) -> None:
    await clinic.writes("I object to direct marketing", account=SMS)
    amy = await contact_at(clinic, phone(AMY))
    async with clinic.pool.acquire() as conn:
        assert await objections.standing(conn, [amy]) == {amy: ("ads_match", "marketing", "profiling")}
    assert await clinic.value("SELECT count(*) FROM audit_event WHERE action = 'objection.added'") == 3
    await clinic.writes("I object to direct marketing", account=SMS)
    assert await clinic.value("SELECT count(*) FROM objection") == 3  # it stands already


async def test_an_objection_told_to_staff_holds_back_what_it_is_about(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello", account=SMS)
    amy = await contact_at(clinic, phone(AMY))
    async with clinic.pool.acquire() as conn, conn.transaction():
        assert await objecting.object_for(conn, amy, "enquiry", said_at=clock(), staff_id=STAFF, now=clock())
        assert not await objecting.object_for(conn, amy, "enquiry", said_at=clock(), staff_id=STAFF, now=clock())
    assert (await clinic.replies("Hello Amy", channel=Channel.SMS)).decision.reason is Reason.OBJECTED
    async with clinic.pool.acquire() as conn, conn.transaction():
        back = {"said_at": clock() + timedelta(hours=1), "evidence": "letter of today", "staff_id": STAFF, "now": clock()}
        assert await objecting.take_back(conn, amy, "enquiry", **back)  # type: ignore[arg-type]
    assert (await clinic.replies("Hello Amy", channel=Channel.SMS)).decision.allowed


async def test_what_nobody_could_have_said_is_refused(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello", account=SMS)
    amy = await contact_at(clinic, phone(AMY))
    async with clinic.pool.acquire() as conn, conn.transaction():
        with pytest.raises(objecting.CannotRecord, match="about"):
            await objecting.object_for(conn, amy, "tickling", said_at=clock(), staff_id=STAFF, now=clock())
        with pytest.raises(objecting.CannotRecord, match="future"):
            await objecting.object_for(conn, amy, "all", said_at=clock() + timedelta(days=1), staff_id=STAFF, now=clock())
        with pytest.raises(objecting.CannotRecord, match="took it back"):
            await objecting.take_back(conn, amy, "all", said_at=clock(), evidence=" ", staff_id=STAFF, now=clock())
    row = NewObjection(contact_id=amy, about="tickling", occurred_at=clock(), source="staff", recorded_by="person")
    async with clinic.pool.acquire() as conn:
        with pytest.raises(asyncpg.CheckViolationError):
            await objections.add(conn, [row], now=clock())


async def test_an_objection_to_marketing_is_a_stop_that_outlives_the_record(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello", account=SMS)
    amy = await contact_at(clinic, phone(AMY))
    async with clinic.pool.acquire() as conn, conn.transaction():
        await objecting.object_for(conn, amy, "marketing", said_at=clock(), staff_id=STAFF, now=clock())
    stops = await clinic.rows("SELECT scope, address_hash FROM suppression WHERE contact_id = $1", amy)
    assert [s["scope"] for s in stops] == ["ALL_MARKETING"]
    assert stops[0]["address_hash"] is not None


async def test_objections_are_shared_by_a_merge_and_stay_with_both_when_it_is_undone(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello", account=SMS)
    await clinic.writes("Hello", phone=BOB, account=SMS)
    amy, bob = await contact_at(clinic, phone(AMY)), await contact_at(clinic, phone(BOB))
    async with clinic.pool.acquire() as conn:
        async with conn.transaction():
            await objecting.object_for(conn, bob, "profiling", said_at=clock(), staff_id=STAFF, now=clock())
            await merging.merge(conn, kept=amy, merged=bob, now=clock(), actor="staff:x")
            await objecting.object_for(conn, amy, "care", said_at=clock(), staff_id=STAFF, now=clock())
        async with conn.transaction():
            await merging.unmerge(conn, bob, now=clock(), actor="staff:x")
        assert await objections.standing(conn, [amy, bob]) == {amy: ("care", "profiling"), bob: ("care", "profiling")}


async def test_the_facts_of_five_hundred_hold_each_ones_own_objections(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello", account=SMS)
    await clinic.writes("Hello", phone=BOB, account=SMS)
    people = [await contact_at(clinic, phone(AMY)), await contact_at(clinic, phone(BOB))]
    async with clinic.pool.acquire() as conn, conn.transaction():
        await objecting.object_for(conn, people[0], "all", said_at=clock(), staff_id=STAFF, now=clock())
        asks = [_ask(people[n % 2]) for n in range(500)]
        found = await facts.gather(conn, asks, now=clock())
    assert [f.objections for f in found] == [("all",), ()] * 250


def _ask(contact_id: ContactId) -> facts.Ask:
    return facts.Ask(
        conversation_id=uuid7(),  # type: ignore[arg-type]
        contact_id=contact_id,
        identity_id=None,
        channel=Channel.SMS,
        kind=Kind.SVC,
        account_id="test",
        content=CLEAN,
        route_ok=True,
        reply_window_h=None,
    )


async def test_staff_may_write_down_that_somebody_is_of_age_but_not_against_a_birth_date(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello", account=SMS)
    await fills_in(clinic, event_id="f1", number=BOB, birth_date="2012-05-01")
    amy, bob = await contact_at(clinic, phone(AMY)), await contact_at(clinic, phone(BOB))
    async with clinic.pool.acquire() as conn, conn.transaction():
        told = [await objecting.confirm_age(conn, who, staff_id=STAFF, now=clock()) for who in (amy, amy, bob)]
    assert told == [True, False, False]
    assert await clinic.value("SELECT count(*) FROM audit_event WHERE action = 'record.changed'") == 1


async def test_a_queued_message_of_a_kind_nobody_knows_is_refused_and_holds_up_nobody(clinic: World) -> None:
    await clinic.writes("Hello", account=SMS)
    await clinic.writes("Hello", phone=BOB, account=SMS)
    odd = await clinic.replies("Hello Amy", channel=Channel.SMS)
    await clinic.replies("Hello Bob", phone=BOB, channel=Channel.SMS)
    await clinic.rows("UPDATE message SET kind = 'XYZ' WHERE id = $1", odd.message_id)
    await clinic.delivers(SMS)
    assert clinic.transport.texts() == ["Hello Bob"]
    assert await clinic.value("SELECT status FROM message WHERE id = $1", odd.message_id) == "refused"
    assert await clinic.value("SELECT reason FROM decision WHERE kind = 'unknown'") == "BAD_INPUT"


async def test_a_message_written_before_the_stop_and_delivered_after_it_reopens_nothing(clinic: World, clock: StandingClock) -> None:
    written = clock()
    clock.forward(minutes=5)
    await clinic.writes("STOP", account=SMS)
    clock.forward(minutes=1)
    await clinic.writes("One more question", account=SMS, at=written)
    assert await clinic.value("SELECT state FROM invitation") == "WITHDRAWN"
    await clinic.writes("I changed my mind", account=SMS)
    assert await clinic.value("SELECT state FROM invitation") == "OPEN"
