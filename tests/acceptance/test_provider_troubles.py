"""What goes wrong at the provider: each message is received there once, and the records say what is known of it (P2, P4)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from channels.sandbox.values import Trouble
from hub.model.ids import MessageId
from tests.acceptance.clinic import Clinic
from tests.acceptance.day import Day
from tests.acceptance.day import day as open_day
from tests.world import SMS


async def answered(day: Day, kind: Trouble | None, *also: Trouble, wait_s: float = 1.0) -> MessageId:
    """Somebody wrote, was acknowledged, and is now answered; what is sent to them meets this trouble."""
    phone = day.person()
    await day.writes(phone, "Hello", account=SMS)
    await day.quiet()
    for trouble in (kind, *also):
        if trouble is not None:
            day.double.trouble(trouble, to=phone, wait_s=wait_s)
    return await day.replies(phone, "Good morning, yes we do.", channel=day.account(SMS).channel)


async def is_now(day: Day, message: MessageId, *statuses: str, within_s: float = 20) -> str:
    async def reached() -> bool:
        return (await day.statuses([message]))[message] in statuses

    await day.until(reached, within_s=within_s, what=f"{statuses}")
    return (await day.statuses([message]))[message]


async def attempts(day: Day, message: MessageId) -> int:
    return int(await day.value("SELECT attempts FROM message WHERE id = $1", message))


async def test_a_throttled_message_waits_as_long_as_it_was_told_and_leaves_once(day: Day) -> None:
    begun = datetime.now(UTC)
    message = await answered(day, Trouble.THROTTLED, wait_s=1.5)
    await is_now(day, message, "accepted", "sent", "delivered")
    [left] = [m for m in day.double.sent if m.message_id == str(message)]
    assert left.created_at - begun >= timedelta(seconds=1.5)
    assert (day.double.sends_of(message), await attempts(day, message)) == (1, 2)


async def test_a_server_error_leaves_the_outcome_unknown_and_is_not_tried_again_by_itself(day: Day) -> None:
    message = await answered(day, Trouble.SERVER_ERROR)
    await is_now(day, message, "unknown")
    await asyncio.sleep(3)
    assert await is_now(day, message, "unknown") == "unknown"
    assert (day.double.sends_of(message), await attempts(day, message)) == (0, 1)


@pytest.mark.parametrize("trouble", [Trouble.HANG, Trouble.DROP_AFTER, Trouble.SERVER_ERROR_AFTER])
async def test_an_accepted_message_without_an_answer_is_unknown_until_the_report_settles_it(day: Day, trouble: Trouble) -> None:
    message = await answered(day, trouble, Trouble.LATE, wait_s=4)
    await is_now(day, message, "unknown")
    assert await is_now(day, message, "delivered") == "delivered"
    assert (day.double.sends_of(message), await attempts(day, message)) == (1, 1)
    sid = await day.value("SELECT provider_message_id FROM message WHERE id = $1", message)
    assert sid == next(m.sid for m in day.double.sent if m.message_id == str(message))


async def test_an_accepted_message_nobody_reports_on_is_settled_by_asking(day: Day) -> None:
    message = await answered(day, Trouble.DROP_AFTER, Trouble.SILENT)
    await is_now(day, message, "unknown")
    assert await is_now(day, message, "accepted", within_s=20) == "accepted"
    assert (day.double.sends_of(message), await attempts(day, message)) == (1, 1)


async def test_a_connection_that_breaks_before_any_answer_is_not_tried_again_by_itself(day: Day) -> None:
    phone = day.person()
    await day.writes(phone, "Hello", account=SMS)
    await day.quiet()
    day.double.trouble(Trouble.DROP_BEFORE)
    message = await day.replies(phone, "Good morning, yes we do.", channel=day.account(SMS).channel)
    # Nothing was taken, but nobody on this side can know that.
    assert await is_now(day, message, "unknown") == "unknown"
    assert day.double.sends_of(message) == 0


async def test_a_provider_that_cannot_be_reached_is_tried_again_until_it_can(clinic: Clinic) -> None:
    async with open_day(clinic) as before:
        phone = before.person()
        await before.writes(phone, "Hello", account=SMS)
        await before.quiet()
        soon = datetime.now(UTC) + timedelta(seconds=1)
        message = await before.replies(phone, "Good morning, yes we do.", channel=before.account(SMS).channel, at=soon)
    await asyncio.sleep(2)
    async with open_day(clinic) as after:
        assert await attempts(after, message) >= 1
        await is_now(after, message, "accepted", "sent", "delivered")
        assert after.double.sends_of(message) == 1


async def test_a_recipient_who_stopped_at_the_provider_is_suppressed_here_too(day: Day) -> None:
    message = await answered(day, Trouble.STOPPED)
    assert await is_now(day, message, "failed") == "failed"
    found = await day.rows(
        "SELECT s.scope, s.source FROM suppression s JOIN message m USING (contact_id) WHERE m.id = $1 AND s.scope = 'CHANNEL'", message
    )
    assert {(r["scope"], r["source"]) for r in found} == {("CHANNEL", "provider_error")}
    assert day.double.sends_of(message) == 0
