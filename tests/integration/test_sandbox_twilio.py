"""The double of Twilio, asked by the real SDK and answering to a real little hub: trouble for trouble (channels.md §3, §11)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from channels.errors import MediaRefused, NotSent, OutcomeUnknown
from channels.registry import ADAPTERS
from channels.sandbox.twilio import TwilioDouble
from channels.sandbox.values import OptOutMode, Trouble
from hub.model.address import Address, AddressClass, Channel
from hub.model.ids import AccountId, MessageId, uuid7
from hub.model.message import (
    Account,
    InboundMessage,
    OutboundMessage,
    Outcome,
    ProviderKeyword,
    RawRequest,
    SendCode,
    SendResult,
    StatusUpdate,
    Transport,
)
from hub.model.sealed import Sealed

SID, TOKEN = "AC00000000000000000000000000000001", "0123456789abcdef0123456789abcdef"
PATIENT = "+447700900123"


@dataclass
class Hub:
    """As much of a hub as a provider can see: it verifies, parses and answers; `down` answers 503 that often."""

    accounts: dict[str, Account] = field(default_factory=dict)
    events: list[object] = field(default_factory=list)
    refused: int = 0
    down: int = 0
    url: str = ""

    def account(self, kind: str, **options: str | bool | float) -> Account:
        channel = Channel(kind.removesuffix("_twilio"))
        sender = "+447700900456" if channel is Channel.SMS else "whatsapp:+447700900457"
        account = Account(
            id=AccountId(channel.value),
            adapter=kind,
            channel=channel,
            sender=sender,
            public_url=self.url,
            secrets={"auth_token": Sealed(TOKEN)},
            options={"account_sid": SID} | options,
            processor="sandbox",
        )
        self.accounts[account.id] = account
        return account

    async def receive(self, request: web.Request) -> web.Response:
        account = self.accounts[request.match_info["account"]]
        adapter = ADAPTERS[account.adapter]
        raw = RawRequest(
            method=request.method,
            path_and_query=request.raw_path,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=await request.read(),
            received_at=datetime.now(UTC),
        )
        adapter.verify(raw, account, raw.received_at)
        if self.down:
            self.down -= 1
            return web.Response(status=503)
        self.events += adapter.parse(raw, account)
        answer = adapter.reply(raw, Outcome.STORED)
        return web.Response(status=answer.status, body=answer.body, content_type=answer.content_type)

    def statuses(self) -> list[str]:
        return [e.provider_event_id.partition(":")[2] for e in self.events if isinstance(e, StatusUpdate)]

    def messages(self) -> list[InboundMessage]:
        return [e for e in self.events if isinstance(e, InboundMessage)]


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    hub = Hub()
    app = web.Application()
    app.add_routes([web.post("/webhooks/{account}", hub.receive), web.post("/webhooks/{account}/{tail:.+}", hub.receive)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield hub
    await runner.cleanup()


@pytest.fixture
async def double() -> AsyncIterator[TwilioDouble]:
    async with TwilioDouble(SID, TOKEN, pace=0.02).serve() as double:
        yield double


@asynccontextmanager
async def transport(account: Account, double: TwilioDouble, **options: float) -> AsyncIterator[Transport]:
    pointed = replace(
        account, options={**account.options, "api_base_url": double.base_url, "media_host": double.media_host, "sandbox": True, **options}
    )
    opened = ADAPTERS[account.adapter].open_transport
    assert opened is not None
    async with opened(pointed) as one:
        yield one


def outbound(text: str = "Hello") -> OutboundMessage:
    return OutboundMessage(id=MessageId(uuid7()), to=Address(kind=AddressClass.PHONE, value=Sealed(PATIENT)), text=Sealed(text))


async def send(account: Account, double: TwilioDouble, message: OutboundMessage | None = None, **options: float) -> SendResult:
    adapter = ADAPTERS[account.adapter]
    async with transport(account, double, **options) as one:
        return adapter.interpret(await one.send(adapter.render(message or outbound(), account)))


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [("sms_twilio", ["queued", "sent", "delivered"]), ("whatsapp_twilio", ["queued", "sent", "delivered", "read"])],
)
async def test_a_send_is_accepted_once_and_its_statuses_find_our_message(
    hub: Hub, double: TwilioDouble, kind: str, statuses: list[str]
) -> None:
    message = outbound()
    result = await send(hub.account(kind), double, message)
    await double.settled()
    assert (result.code, result.provider_message_id) == (SendCode.ACCEPTED, double.sent[0].sid)
    assert double.sends_of(message.id) == 1
    assert hub.statuses() == statuses
    assert {e.message_id for e in hub.events if isinstance(e, StatusUpdate)} == {message.id}


@pytest.mark.parametrize(
    ("trouble", "result", "accepted"),
    [
        (Trouble.THROTTLED, SendCode.THROTTLED, 0),
        (Trouble.STOPPED, SendCode.RECIPIENT_STOPPED, 0),
        (Trouble.REFUSED, SendCode.REJECTED, 0),
        (Trouble.CREDENTIALS, SendCode.ACCOUNT_INVALID, 0),
        (Trouble.SERVER_ERROR, SendCode.OUTCOME_UNKNOWN, 0),
        (Trouble.SERVER_ERROR_AFTER, SendCode.OUTCOME_UNKNOWN, 1),
    ],
)
async def test_each_trouble_of_the_answer_is_understood(
    hub: Hub, double: TwilioDouble, trouble: Trouble, result: SendCode, accepted: int
) -> None:
    account = hub.account("sms_twilio")
    double.trouble(trouble, wait_s=7)
    answer = await send(account, double)
    assert (answer.code, len(double.sent)) == (result, accepted)
    assert answer.retry_after_s == (7.0 if trouble is Trouble.THROTTLED else None)
    assert (await send(account, double)).code is SendCode.ACCEPTED  # asked for once, over once


@pytest.mark.parametrize("trouble", [Trouble.DROP_AFTER, Trouble.DROP_BEFORE, Trouble.HANG])
async def test_a_call_without_an_answer_leaves_the_outcome_unknown_and_is_never_repeated(
    hub: Hub, double: TwilioDouble, trouble: Trouble
) -> None:
    double.trouble(trouble, to=PATIENT)
    message = outbound()
    with pytest.raises(OutcomeUnknown) as told:
        await send(hub.account("sms_twilio"), double, message, timeout_s=2.0)
    assert PATIENT not in repr(told.value)
    assert double.sends_of(message.id) == (0 if trouble is Trouble.DROP_BEFORE else 1)
    assert double.creates == len(double.sent)


async def test_a_refused_connection_sends_nothing(hub: Hub) -> None:
    gone = TwilioDouble(SID, TOKEN)
    async with gone.serve():
        pass
    with pytest.raises(NotSent):
        await send(hub.account("sms_twilio"), gone)


async def test_wrong_credentials_are_our_own_fault(hub: Hub, double: TwilioDouble) -> None:
    account = replace(hub.account("sms_twilio"), secrets={"auth_token": Sealed("another")})
    assert (await send(account, double)).code is SendCode.ACCOUNT_INVALID
    assert double.sent == []


async def test_nothing_private_is_logged_however_loud_the_logs(hub: Hub, double: TwilioDouble, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    account, message = hub.account("sms_twilio"), outbound("Sentinel words")
    async with transport(account, double) as one:
        await one.send(ADAPTERS["sms_twilio"].render(message, account))
        await one.look_up(message, datetime.now(UTC))
    told = caplog.text + repr([record.args for record in caplog.records])
    assert not [word for word in ("Sentinel", PATIENT, PATIENT[1:], TOKEN) if word in told]


async def test_trouble_is_for_the_person_it_was_asked_for(hub: Hub, double: TwilioDouble) -> None:
    double.trouble(Trouble.STOPPED, to="+447700900999")
    assert (await send(hub.account("sms_twilio"), double)).code is SendCode.ACCEPTED


async def test_the_fate_of_an_unknown_send_is_looked_up(hub: Hub, double: TwilioDouble) -> None:
    account, message = hub.account("sms_twilio"), outbound("Are you free on Tuesday – at 3?")
    began = datetime.now(UTC)
    double.trouble(Trouble.DROP_AFTER)
    async with transport(account, double) as one:
        with pytest.raises(OutcomeUnknown):
            await one.send(ADAPTERS["sms_twilio"].render(message, account))
        found = await one.look_up(message, began)
        assert found is not None
        assert (found.code, found.provider_message_id) == (SendCode.ACCEPTED, double.sent[0].sid)
        assert await one.look_up(outbound("Another text"), began) is None
        assert await one.look_up(message, began + timedelta(hours=1)) is None


async def test_a_look_up_that_finds_two_alike_says_nothing(hub: Hub, double: TwilioDouble) -> None:
    account, began = hub.account("sms_twilio"), datetime.now(UTC)
    for _ in range(2):
        await send(account, double, outbound("See you then"))
    async with transport(account, double) as one:
        assert await one.look_up(outbound("See you then"), began) is None


async def test_an_undelivered_message_says_so_in_its_callback(hub: Hub, double: TwilioDouble) -> None:
    double.trouble(Trouble.UNDELIVERED)
    await send(hub.account("sms_twilio"), double)
    await double.settled()
    last = hub.events[-1]
    assert isinstance(last, StatusUpdate)
    assert (hub.statuses(), last.error_code) == (["queued", "sent", "undelivered"], "30003")


async def test_statuses_come_early_late_never_or_in_the_wrong_order(hub: Hub, double: TwilioDouble) -> None:
    account = hub.account("sms_twilio")
    double.trouble(Trouble.EARLY)
    await send(account, double)
    assert hub.statuses() == ["queued", "sent", "delivered"]  # before the create answered
    hub.events.clear()
    double.trouble(Trouble.REORDERED)
    await send(account, double)
    await double.settled()
    assert hub.statuses() == ["delivered", "sent", "queued"]
    hub.events.clear()
    double.trouble(Trouble.SILENT)
    await send(account, double)
    await double.settled()
    assert hub.statuses() == []
    double.trouble(Trouble.LATE, wait_s=0.1)
    await send(account, double)
    assert hub.statuses() == []
    await double.settled()
    assert hub.statuses() == ["queued", "sent", "delivered"]


async def test_a_webhook_comes_three_times_at_once(hub: Hub, double: TwilioDouble) -> None:
    double.trouble(Trouble.TRIPLE)
    written = await double.patient_writes(hub.account("sms_twilio"), PATIENT, "Hello")
    assert written.answers == [200, 200, 200]
    assert {m.provider_event_id for m in hub.messages()} == {written.sid}
    assert len(hub.messages()) == 3


async def test_a_person_writes_with_a_real_signature_on_either_channel(hub: Hub, double: TwilioDouble) -> None:
    for kind in ("sms_twilio", "whatsapp_twilio"):
        written = await double.patient_writes(hub.account(kind), PATIENT, "Hello, do you do lip filler? £ 你好")
        assert written.answers == [200]
    assert [m.text.reveal() for m in hub.messages()] == ["Hello, do you do lip filler? £ 你好"] * 2
    assert [m.senders[0].value.reveal() for m in hub.messages()] == [PATIENT, PATIENT]


async def test_a_subaccount_signs_and_sends_with_its_own_token(hub: Hub, double: TwilioDouble) -> None:
    account = replace(hub.account("sms_twilio"), secrets={"auth_token": Sealed("own-token")})
    hub.accounts[account.id] = account
    assert (await send(account, double)).code is SendCode.ACCOUNT_INVALID
    double.own(account)
    assert (await send(account, double)).code is SendCode.ACCEPTED
    assert (await double.patient_writes(account, PATIENT, "Hello")).answers == [200]


async def test_a_webhook_the_hub_could_not_store_is_not_pushed_again(hub: Hub, double: TwilioDouble) -> None:
    hub.down = 1
    written = await double.patient_writes(hub.account("sms_twilio"), PATIENT, "Hello")
    assert (written.answers, hub.messages()) == ([503], [])


async def test_a_hub_that_is_not_there_is_tried_twice_and_then_given_up(double: TwilioDouble) -> None:
    absent = Hub(url="http://127.0.0.1:9")
    written = await double.patient_writes(absent.account("sms_twilio"), PATIENT, "Hello")
    assert written.answers == [0]


async def test_a_file_is_fetched_with_the_credential_and_within_its_bounds(hub: Hub, double: TwilioDouble) -> None:
    account = hub.account("whatsapp_twilio")
    await double.patient_writes(account, PATIENT, "", media=[("image/jpeg", b"\xff\xd8" + b"x" * 5000)])
    [message] = hub.messages()
    async with transport(account, double) as one:
        assert len(await one.fetch_media(message.media[0], 10_000)) == 5002
        with pytest.raises(MediaRefused, match="too_big"):
            await one.fetch_media(message.media[0], 5000)
        with pytest.raises(MediaRefused, match="http_404"):
            await one.fetch_media(replace(message.media[0], url=Sealed(f"{double.base_url}/none")), 5000)
    plain = ADAPTERS[account.adapter].open_transport
    assert plain is not None
    async with plain(account) as one:
        with pytest.raises(MediaRefused, match="scheme"):  # no account but a sandbox's reaches loopback
            await one.fetch_media(message.media[0], 10_000)


async def test_an_account_that_is_no_sandbox_cannot_declare_a_media_host(hub: Hub, double: TwilioDouble) -> None:
    account = hub.account("whatsapp_twilio")
    await double.patient_writes(account, PATIENT, "", media=[("image/jpeg", b"x")])
    opened = ADAPTERS[account.adapter].open_transport
    assert opened is not None
    async with opened(replace(account, options={**account.options, "media_host": double.media_host})) as one:
        with pytest.raises(MediaRefused):
            await one.fetch_media(hub.messages()[0].media[0], 10_000)


async def test_advanced_opt_out_confirms_blocks_and_tells_us() -> None:
    hub = Hub(url="http://127.0.0.1:9")
    async with TwilioDouble(SID, TOKEN, statuses=False, opt_out=OptOutMode.ADVANCED).serve() as double:
        account = hub.account("sms_twilio")
        written = await double.patient_writes(account, PATIENT, " stop ")
        assert written.fields["OptOutType"] == ProviderKeyword.STOP.upper()
        assert "unsubscribed" in double.sent[-1].body
        assert (await send(account, double)).code is SendCode.RECIPIENT_STOPPED
        assert "OptOutType" not in (await double.patient_writes(account, PATIENT, "Stop please")).fields
        await double.patient_writes(account, PATIENT, "START")
        assert (await send(account, double)).code is SendCode.ACCEPTED


async def test_an_answer_outside_the_window_fails_in_its_callback(hub: Hub) -> None:
    moved = timedelta()
    clock = lambda: datetime.now(UTC) + moved  # noqa: E731
    async with TwilioDouble(SID, TOKEN, pace=0, window=timedelta(hours=24), clock=clock).serve() as double:
        account = hub.account("whatsapp_twilio")
        await double.patient_writes(account, PATIENT, "Hello")
        await send(account, double)
        await double.settled()
        assert hub.statuses()[-1] == "read"
        moved = timedelta(hours=25)
        await send(account, double)
        await double.settled()
        last = hub.events[-1]
        assert isinstance(last, StatusUpdate)
        assert last.error_code == "63016"


async def test_what_is_kept_is_bounded_and_counts_outlive_it(hub: Hub) -> None:
    async with TwilioDouble(SID, TOKEN, statuses=False, keep=3).serve() as double:
        account, messages = hub.account("sms_twilio"), [outbound(f"{n}") for n in range(6)]
        async with transport(account, double) as one:
            await asyncio.gather(*(one.send(ADAPTERS["sms_twilio"].render(m, account)) for m in messages))
        assert len(double.sent) == 3
        assert [double.sends_of(m.id) for m in messages] == [1] * 6
        assert double.doubled() == []


async def test_the_body_the_sdk_posts_is_the_one_that_was_rendered(hub: Hub, double: TwilioDouble) -> None:
    text = "a=b&c+d %20 £€ 你好\n😀"
    await send(hub.account("whatsapp_twilio"), double, outbound(text))
    assert double.sent[0].body == text
