"""A send whose outcome nobody knows is settled by the provider's list, by a report that names it, or not at all; never sent again."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from channels.errors import OutcomeUnknown
from channels.registry import ADAPTERS
from channels.sandbox.twilio import TwilioDouble
from channels.sandbox.values import Trouble
from hub.gate import Draft, queue
from hub.model.address import Address, AddressClass, Channel
from hub.model.ids import AccountId, ConversationId
from hub.model.message import InboundMessage, ProviderRequest, ProviderResponse, RawRequest
from hub.model.permission import Kind
from hub.model.sealed import Sealed
from tests.contract.samples import SAMPLES
from tests.world import AMY, SMS, WHATSAPP, StandingClock, World
from workers import ticks
from workers.runtime import Runtime

EVERY_TWILIO = pytest.mark.parametrize("account", [SMS, WHATSAPP])


async def lost_answer(clinic: World, runtime: Runtime, double: TwilioDouble, account: AccountId, trouble: Trouble, text: str) -> None:
    """Staff answer, and the provider's answer to us is lost on the way."""
    await clinic.writes("Hello", account=account)
    double.trouble(trouble)
    clinic.transport = await runtime.transport(account)
    await clinic.replies(text, channel=clinic.account(account).channel)
    await clinic.delivers(account)
    assert await clinic.statuses() == ["unknown"]


@EVERY_TWILIO
async def test_a_message_twilio_has_in_its_list_is_settled_and_sent_once(
    runtime: Runtime, clinic: World, double: TwilioDouble, clock: StandingClock, account: AccountId
) -> None:
    await lost_answer(clinic, runtime, double, account, Trouble.DROP_AFTER, "We’re open – until 6")
    clock.forward(seconds=11)
    await ticks.look_up_unknown_sends(runtime)
    assert await clinic.statuses() == ["accepted"]
    assert await clinic.value("SELECT provider_message_id FROM message WHERE direction = 'outbound'") == double.sent[0].sid
    assert double.creates == 1


@EVERY_TWILIO
async def test_a_message_twilio_does_not_have_stays_unknown_and_is_asked_about_ever_more_rarely(
    runtime: Runtime, clinic: World, double: TwilioDouble, clock: StandingClock, account: AccountId
) -> None:
    await lost_answer(clinic, runtime, double, account, Trouble.DROP_BEFORE, "Until six")
    asked = 0
    for _ in range(720):  # an hour, every five seconds as the clock does
        clock.forward(seconds=5)
        before = await clinic.value("SELECT look_ups FROM message WHERE direction = 'outbound'")
        await ticks.look_up_unknown_sends(runtime)
        asked += await clinic.value("SELECT look_ups FROM message WHERE direction = 'outbound'") != before
    assert await clinic.statuses() == ["unknown"]
    assert 7 <= asked <= 11
    assert double.creates == 0


async def test_the_same_words_sent_a_moment_before_do_not_pass_for_those_that_were_lost(
    runtime: Runtime, clinic: World, double: TwilioDouble, clock: StandingClock
) -> None:
    await clinic.writes("Hello", account=SMS)
    clinic.transport = await runtime.transport(SMS)
    await clinic.replies("Yes", channel=Channel.SMS)
    await clinic.delivers(SMS)
    clock.forward(seconds=30)
    double.trouble(Trouble.DROP_BEFORE)
    await clinic.replies("Yes", channel=Channel.SMS)
    await clinic.delivers(SMS)
    clock.forward(seconds=11)
    await ticks.look_up_unknown_sends(runtime)
    assert await clinic.statuses() == ["accepted", "unknown"]


@pytest.mark.parametrize(
    ("kind", "person"),
    [
        ("whatsapp_meta", Address(kind=AddressClass.PHONE, value=Sealed(AMY))),
        ("messenger_meta", Address(kind=AddressClass.MESSENGER, value=Sealed("messenger-sandbox:PSID1"))),
        ("wechat_official", Address(kind=AddressClass.WECHAT, value=Sealed("wechat-sandbox:oU1"))),
    ],
)
async def test_where_nobody_can_be_asked_it_waits_for_a_report_that_names_it(
    clinic: World, clock: StandingClock, kind: str, person: Address
) -> None:
    account = next(a for a in clinic.settings.accounts.values() if a.adapter == kind)
    event = InboundMessage(
        account_id=account.id, channel=account.channel, provider_event_id="e1", senders=(person,), sent_at=clock(), text=Sealed("Hello")
    )
    await clinic.takes([event], account=account.id)
    message_id = await _unknown(clinic, account.id, account.channel)
    body = _report(kind, str(message_id), int(clock().timestamp()))
    if body is None:
        assert await clinic.statuses() == ["unknown"]  # WeChat tells nothing more: a person settles it
        return
    request = RawRequest(method="POST", path_and_query=SAMPLES[kind].path, headers={}, body=json.dumps(body).encode(), received_at=clock())
    await clinic.takes(ADAPTERS[kind].parse(request, account), account=account.id)
    assert await clinic.statuses() == ["delivered" if kind == "whatsapp_meta" else "sent"]


async def _unknown(clinic: World, account: AccountId, channel: Channel) -> object:
    def lost(_request: ProviderRequest) -> ProviderResponse:
        raise OutcomeUnknown(account, "timeout")

    clinic.transport.answer = lost
    conversation = ConversationId(UUID(str(await clinic.value("SELECT id FROM conversation"))))
    draft = Draft(
        conversation_id=conversation, kind=Kind.RPL, channel=channel, text=Sealed("Hi"), written_by=None, send_after=clinic.clock()
    )
    async with clinic.pool.acquire() as conn, conn.transaction():
        queued = await queue(conn, draft, now=clinic.clock(), settings=clinic.settings)
    assert queued.decision.allowed
    await clinic.delivers(account)
    assert await clinic.statuses() == ["unknown"]
    return queued.message_id


def _report(kind: str, message_id: str, at: int) -> dict[str, object] | None:
    """What Meta tells with our own id in it: a status, or the echo of what we sent."""
    if kind == "whatsapp_meta":
        status = {"id": "wamid.X1", "status": "delivered", "timestamp": str(at), "biz_opaque_callback_data": message_id}
        metadata = {"display_phone_number": "447700900458", "phone_number_id": "106540352242922"}
        value = {"messaging_product": "whatsapp", "metadata": metadata, "statuses": [status]}
        return {"object": "whatsapp_business_account", "entry": [{"id": "W", "changes": [{"field": "messages", "value": value}]}]}
    if kind == "messenger_meta":
        message = {"mid": "m_x", "text": "Hi", "is_echo": True, "app_id": 1, "metadata": message_id}
        event = {"sender": {"id": "100000000000001"}, "recipient": {"id": "PSID1"}, "timestamp": at * 1000, "message": message}
        return {"object": "page", "entry": [{"id": "100000000000001", "time": at * 1000, "messaging": [event]}]}
    return None
