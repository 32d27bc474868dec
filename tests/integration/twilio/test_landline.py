"""Nothing in the house would text a British landline: the form's number is on file, and not as one for text messages."""

from __future__ import annotations

from hub.model.address import Channel
from hub.model.permission import Kind, Reason
from tests.integration.people.helpers import fills_in
from tests.world import SMS, World

LANDLINE = "+442071838750"


async def test_a_typed_landline_is_no_address_for_text_messages(clinic: World) -> None:
    await fills_in(clinic, event_id="f1", number=LANDLINE)
    assert await clinic.value("SELECT count(*) FROM identity WHERE channel = 'sms'") == 0
    await fills_in(clinic, event_id="f2", number="+447700900123")
    assert await clinic.value("SELECT count(*) FROM identity WHERE channel = 'sms'") == 1


async def test_a_landline_that_wrote_to_us_is_not_written_to_and_the_reason_is_told(clinic: World) -> None:
    await clinic.writes("Hello", phone=LANDLINE, account=SMS)
    queued = await clinic.replies("Good morning", phone=LANDLINE, channel=Channel.SMS, kind=Kind.RPL)
    assert queued.decision.reason is Reason.ALLOW
    await clinic.delivers(SMS)
    assert [r["error_code"] for r in await clinic.rows("SELECT error_code FROM message WHERE direction = 'outbound'")] == ["landline"]
    assert clinic.transport.sent == []
