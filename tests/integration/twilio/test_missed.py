"""What patients wrote while nobody listened is found in Twilio's own list afterwards (channels.md §3)."""

from __future__ import annotations

from datetime import timedelta

from channels.sandbox.twilio import TwilioDouble
from tests.world import AMY, SMS, WHATSAPP, StandingClock, World
from workers.missed import catch_up
from workers.runtime import Runtime

BEN = "+447700900999"


async def down(runtime: Runtime, clock: StandingClock) -> None:
    """The hub has run before; then it is away for two hours."""
    assert await catch_up(runtime) == 0
    clock.forward(hours=2)


async def test_messages_of_an_outage_are_stored_once_in_their_order_with_their_files(
    runtime: Runtime, clinic: World, double: TwilioDouble, clock: StandingClock
) -> None:
    await down(runtime, clock)
    sms, whatsapp = clinic.account(SMS), clinic.account(WHATSAPP)
    written_at = clock.now
    lost = await double.patient_writes(sms, AMY, "Is Tuesday free?")
    assert lost.answers == [0]
    clock.forward(minutes=1)
    await double.patient_writes(sms, AMY, "Or Wednesday?")
    await double.patient_writes(whatsapp, BEN, "My photo", media=[("image/png", b"\x89PNG")])
    clock.forward(hours=1)
    assert await catch_up(runtime) == 3
    rows = await clinic.rows("SELECT body, occurred_at, created_at FROM message WHERE direction = 'inbound' ORDER BY id")
    assert [r["body"] for r in rows] == ["Is Tuesday free?", "Or Wednesday?", "My photo"]
    assert rows[0]["occurred_at"] == written_at.replace(microsecond=0)
    urls = await clinic.rows("SELECT source_url, mime_type FROM attachment")
    assert [(str(u["source_url"]).removeprefix(double.base_url) in double.media, u["mime_type"]) for u in urls] == [(True, "image/png")]
    clock.forward(hours=1)
    assert await catch_up(runtime) == 0


async def test_a_webhook_that_came_after_all_changes_nothing_and_neither_does_the_list_after_it(
    runtime: Runtime, clinic: World, double: TwilioDouble, clock: StandingClock
) -> None:
    await down(runtime, clock)
    lost = await double.patient_writes(clinic.account(SMS), AMY, "Hello")
    clock.forward(hours=1)
    assert await catch_up(runtime) == 1
    accepted = await clinic.writes("Hello", account=SMS, event_id=lost.sid)
    assert (accepted.new, accepted.repeated) == (0, 1)
    heard = await double.patient_writes(clinic.account(SMS), AMY, "Again")
    await clinic.writes("Again", account=SMS, event_id=heard.sid)
    clock.forward(hours=1)
    assert await catch_up(runtime) == 0


async def test_what_is_so_young_that_its_webhook_may_come_is_left_to_it(
    runtime: Runtime, clinic: World, double: TwilioDouble, clock: StandingClock
) -> None:
    await down(runtime, clock)
    await double.patient_writes(clinic.account(SMS), AMY, "Hello")
    clock.forward(minutes=2)
    assert await catch_up(runtime) == 0
    clock.forward(minutes=11)
    assert await catch_up(runtime) == 1


async def test_a_stop_among_them_holds_and_old_messages_get_no_automatic_answer(
    runtime: Runtime, clinic: World, double: TwilioDouble, clock: StandingClock
) -> None:
    await down(runtime, clock)
    await double.patient_writes(clinic.account(SMS), AMY, "STOP")
    await double.patient_writes(clinic.account(SMS), BEN, "How much is a peel?")
    clock.forward(hours=9)
    assert await catch_up(runtime) == 2
    scopes = {str(r["scope"]) for r in await clinic.rows("SELECT scope FROM suppression")}
    assert scopes == {"CHANNEL", "ALL_MARKETING"}
    assert [str(r["topic"]) for r in await clinic.rows("SELECT topic FROM outbox WHERE topic = 'acknowledge'")] == []


async def test_the_fate_of_our_own_message_is_learnt_and_others_messages_are_left_alone(
    runtime: Runtime, clinic: World, double: TwilioDouble, clock: StandingClock
) -> None:
    await down(runtime, clock)
    await clinic.writes("Hi", account=SMS)
    await clinic.replies("Good morning", channel=clinic.account(SMS).channel)
    transport = await runtime.transport(SMS)
    clinic.transport = transport
    assert await clinic.delivers(SMS) == 1
    [sent] = double.sent
    sent.status, sent.error_code = "undelivered", 30003
    stranger = double.new_message({"From": sent.sender, "To": BEN, "Body": "Another system's"}, status="delivered")
    double.messages[stranger.sid] = stranger
    clock.forward(hours=1)
    assert await catch_up(runtime) == 1
    assert await clinic.statuses() == ["failed"]
    assert await clinic.value("SELECT count(*) FROM delivery_report") == 0


async def test_a_provider_that_does_not_answer_is_asked_again_and_nothing_is_skipped(
    runtime: Runtime, clinic: World, double: TwilioDouble, clock: StandingClock
) -> None:
    await down(runtime, clock)
    await double.patient_writes(clinic.account(SMS), AMY, "Hello")
    clock.forward(hours=1)
    transport = await runtime.transport(SMS)
    there, transport._client.api.base_url = transport._client.api.base_url, "http://127.0.0.1:9"
    assert await catch_up(runtime) == 0
    transport._client.api.base_url = there
    assert await catch_up(runtime) == 0  # asked a moment ago
    clock.forward(minutes=11)
    assert await catch_up(runtime) == 1


async def test_once_a_day_the_look_goes_further_back_than_what_is_new(
    runtime: Runtime, clinic: World, double: TwilioDouble, clock: StandingClock
) -> None:
    await down(runtime, clock)
    late = await double.patient_writes(clinic.account(SMS), AMY, "Listed late")
    hidden = double.written.pop(late.sid)
    for _ in range(12):
        clock.forward(hours=1)
        assert await catch_up(runtime) == 0
    double.written[late.sid] = hidden
    clock.forward(hours=1)
    assert await catch_up(runtime) == 0
    clock.forward(hours=12)
    assert await catch_up(runtime) == 1
    assert clock.now - hidden.created_at < timedelta(hours=48)
