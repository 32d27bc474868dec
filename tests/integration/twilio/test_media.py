"""A patient's photo: fetched to our disk, then deleted at Twilio, which would keep it until it is told (channels.md §4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from channels.sandbox.twilio import TwilioDouble
from hub.model.message import MediaRef
from hub.model.sealed import Sealed
from tests.world import WHATSAPP, StandingClock, World
from workers import follow_ups
from workers.runtime import Runtime

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 64


async def sends_a_photo(clinic: World, double: TwilioDouble) -> str:
    """The photo's place at Twilio; the hub has the message."""
    written = await double.patient_writes(clinic.account(WHATSAPP), "+447700900123", "Look", media=[("image/png", PNG)])
    url = written.fields["MediaUrl0"]
    await clinic.writes("Look", event_id=written.sid, media=(MediaRef(url=Sealed(url), mime_type="image/png"),))
    return url.removeprefix(double.base_url)


async def attachment(clinic: World) -> tuple[object, ...]:
    [row] = await clinic.rows("SELECT state, refusal, source_url FROM attachment")
    return tuple(row.values())


async def test_it_is_deleted_at_twilio_once_it_lies_with_us_and_not_before(runtime: Runtime, clinic: World, double: TwilioDouble) -> None:
    path = await sends_a_photo(clinic, double)
    assert await follow_ups.run(runtime, "fetch_media") == 1
    assert path in double.media
    assert (await attachment(clinic))[0] == "stored"
    assert await follow_ups.run(runtime, "forget_media") == 1
    assert path not in double.media
    assert await attachment(clinic) == ("stored", None, None)


async def test_a_deletion_that_fails_is_tried_again_and_one_too_many_is_well(
    runtime: Runtime, clinic: World, double: TwilioDouble, clock: StandingClock
) -> None:
    path = await sends_a_photo(clinic, double)
    await follow_ups.run(runtime, "fetch_media")
    transport = await runtime.transport(WHATSAPP)
    there, transport._client.api.base_url = transport._client.api.base_url, "http://127.0.0.1:9"
    await follow_ups.run(runtime, "forget_media")
    transport._client.api.base_url = there
    assert await clinic.value("SELECT attempts FROM outbox WHERE topic = 'forget_media'") == 1
    del double.media[path]
    clock.forward(minutes=1)
    await follow_ups.run(runtime, "forget_media")
    assert await clinic.value("SELECT count(*) FROM outbox WHERE topic = 'forget_media'") == 0
    assert await attachment(clinic) == ("stored", None, None)


async def test_an_account_may_leave_its_files_there_and_nobody_elses_file_is_deleted(
    runtime: Runtime, clinic: World, double: TwilioDouble
) -> None:
    path = await sends_a_photo(clinic, double)
    transport = await runtime.transport(WHATSAPP)
    await transport.delete_media(MediaRef(url=Sealed(double.base_url + path.replace("/AC", "/ACx")), mime_type="image/png"))
    account = transport._account
    transport._account = replace(account, options={**account.options, "delete_media": False})
    await follow_ups.run(runtime, "fetch_media")
    await follow_ups.run(runtime, "forget_media")
    assert path in double.media
    assert await attachment(clinic) == ("stored", None, None)


async def test_a_passing_trouble_is_waited_out_and_a_lasting_one_is_told(
    runtime: Runtime, clinic: World, double: TwilioDouble, clock: StandingClock
) -> None:
    await sends_a_photo(clinic, double)
    transport = await runtime.transport(WHATSAPP)
    rules = transport._rules
    transport._rules = replace(rules, loopback="127.0.0.1:9")
    await clinic.value("UPDATE attachment SET source_url = 'http://127.0.0.1:9/x' RETURNING id")
    await follow_ups.run(runtime, "fetch_media")
    assert (await attachment(clinic))[0] == "pending"
    clock.now += timedelta(hours=2)
    await follow_ups.run(runtime, "fetch_media")
    assert (await attachment(clinic))[:2] == ("refused", "unreachable")
