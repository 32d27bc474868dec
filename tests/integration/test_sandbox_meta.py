"""The double of Meta, asked by our own transport and answering to a real little hub: trouble for trouble (channels.md §6, §7, §11)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from channels.errors import BadSignature, MediaRefused, NotSent, OutcomeUnknown
from channels.registry import ADAPTERS
from channels.sandbox import meta_payloads
from channels.sandbox.meta import MetaDouble
from channels.sandbox.values import Trouble
from hub.model.address import Address, AddressClass, Channel
from hub.model.ids import AccountId, MessageId, uuid7
from hub.model.message import (
    Account,
    ContentKind,
    DeliveryStatus,
    InboundMessage,
    MediaRef,
    OutboundMessage,
    Outcome,
    RawRequest,
    SendCode,
    SendResult,
    StatusUpdate,
    Transport,
    Unknown,
    Watermark,
)
from hub.model.sealed import Sealed

SECRET, TOKEN, VERIFY = "app-secret-0001", "EAATOKEN", "verify-token-0001"
PATIENT = "+447700900123"
KINDS = {"whatsapp_meta": Channel.WHATSAPP, "messenger_meta": Channel.MESSENGER, "instagram_meta": Channel.INSTAGRAM}
SENDERS = {Channel.WHATSAPP: "+447700900456", Channel.MESSENGER: "1001", Channel.INSTAGRAM: "2001"}
PEOPLE = {Channel.WHATSAPP: PATIENT, Channel.MESSENGER: "PSID1", Channel.INSTAGRAM: "IGSID1"}
every_kind = pytest.mark.parametrize("kind", KINDS)


@dataclass
class Hub:
    """As much of a hub as a provider can see: it verifies, parses and answers; each event is kept once, by its id."""

    accounts: dict[str, Account] = field(default_factory=dict)
    events: dict[str, Any] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    def account(self, kind: str, **options: str | bool | float) -> Account:
        channel = KINDS[kind]
        account = Account(
            id=AccountId(channel.value),
            adapter=kind,
            channel=channel,
            sender=SENDERS[channel],
            public_url=self.url,
            secrets={"app_secret": Sealed(SECRET), "access_token": Sealed(TOKEN), "verify_token": Sealed(VERIFY)},
            options=({"phone_number_id": "106540352242922"} if channel is Channel.WHATSAPP else {}) | options,
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
        try:
            adapter.verify(raw, account, raw.received_at)
        except BadSignature:
            return web.Response(status=403)
        self.bodies.append(raw.body)
        events = adapter.parse(raw, account)
        for event in events:
            self.events.setdefault(event.provider_event_id, event)
        answer = adapter.reply(raw, Outcome.STORED if events else Outcome.HANDSHAKE)
        return web.Response(status=answer.status, body=answer.body, content_type=answer.content_type)

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events.values() if isinstance(event, kind)]


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    hub = Hub()
    app = web.Application()
    app.add_routes([web.post("/webhooks/{account}", hub.receive), web.get("/webhooks/{account}", hub.receive)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield hub
    await runner.cleanup()


@pytest.fixture
async def double() -> AsyncIterator[MetaDouble]:
    async with MetaDouble(SECRET, TOKEN, pace=0.02).serve() as double:
        yield double


@asynccontextmanager
async def transport(account: Account, double: MetaDouble, **options: str | bool | float) -> AsyncIterator[Transport]:
    pointed = {"api_base_url": double.base_url, "media_host": double.media_host, "sandbox": True, **options}
    opened = ADAPTERS[account.adapter].open_transport
    assert opened is not None
    async with opened(replace(account, options={**account.options, **pointed})) as one:
        yield one


def outbound(account: Account, text: str = "Hello") -> OutboundMessage:
    kinds = {Channel.WHATSAPP: AddressClass.PHONE, Channel.MESSENGER: AddressClass.MESSENGER, Channel.INSTAGRAM: AddressClass.INSTAGRAM}
    person = PEOPLE[account.channel]
    value = person if account.channel is Channel.WHATSAPP else f"{account.id}:{person}"
    return OutboundMessage(id=MessageId(uuid7()), to=Address(kind=kinds[account.channel], value=Sealed(value)), text=Sealed(text))


async def send(account: Account, one: Transport, message: OutboundMessage) -> SendResult:
    adapter = ADAPTERS[account.adapter]
    return adapter.interpret(await one.send(adapter.render(message, account)))


@every_kind
async def test_the_hub_passes_the_set_up_and_a_wrong_token_does_not(hub: Hub, double: MetaDouble, kind: str) -> None:
    account = hub.account(kind)
    assert await double.handshake(account, VERIFY) == (200, "1158201444")
    assert (await double.handshake(account, "wrong"))[0] == 403


@every_kind
async def test_what_a_person_writes_arrives_whole_and_was_escaped_on_the_way(hub: Hub, double: MetaDouble, kind: str) -> None:
    account = hub.account(kind)
    message_id, answers = await double.patient_writes(account, PEOPLE[account.channel], "你好, café 👍")
    assert answers == [200]
    [event] = hub.of(InboundMessage)
    assert (event.provider_event_id, event.text.reveal()) == (message_id, "你好, café 👍")
    assert hub.bodies[0].isascii()


@every_kind
async def test_a_delivery_made_three_times_at_once_is_one_event(hub: Hub, double: MetaDouble, kind: str) -> None:
    account = hub.account(kind)
    double.trouble(Trouble.TRIPLE)
    assert (await double.patient_writes(account, PEOPLE[account.channel], "Hello"))[1] == [200, 200, 200]
    assert len(hub.events) == 1


async def test_another_secret_is_refused(hub: Hub) -> None:
    account = hub.account("whatsapp_meta")
    async with MetaDouble("another-secret", TOKEN).serve() as stranger:
        assert (await stranger.patient_writes(account, PATIENT, "Hello"))[1] == [403]
    assert not hub.events


async def test_two_accounts_may_have_apps_and_tokens_of_their_own(hub: Hub, double: MetaDouble) -> None:
    first = hub.account("whatsapp_meta")
    secrets = {"app_secret": Sealed("page-secret"), "access_token": Sealed("page-token"), "verify_token": Sealed(VERIFY)}
    second = replace(hub.account("messenger_meta"), secrets=secrets)
    hub.accounts[second.id] = second
    double.own(second)
    assert (await double.patient_writes(first, PATIENT, "Hello"))[1] == [200]
    assert (await double.patient_writes(second, "PSID1", "Hello"))[1] == [200]
    async with transport(second, double) as one:
        assert (await send(second, one, outbound(second))).code is SendCode.ACCEPTED
    async with transport(replace(second, secrets=first.secrets), double) as one:
        assert (await send(second, one, outbound(second))).code is SendCode.ACCOUNT_INVALID


async def test_the_double_stands_inside_a_larger_application(hub: Hub) -> None:
    double = MetaDouble(SECRET, TOKEN, statuses=False)
    app = web.Application()
    app.add_routes(double.routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        async with double.open(f"http://127.0.0.1:{runner.addresses[0][1]}"):
            account = hub.account("whatsapp_meta")
            wanted = MediaRef(provider_media_id=double.keep_media(b"content", "image/jpeg"), mime_type="image/jpeg")
            async with transport(account, double) as one:
                assert (await send(account, one, outbound(account))).code is SendCode.ACCEPTED
                assert await one.fetch_media(wanted, 1000) == b"content"
    finally:
        await runner.cleanup()


async def test_a_batch_of_late_and_mixed_news_keeps_every_piece(hub: Hub, double: MetaDouble) -> None:
    account = hub.account("whatsapp_meta")
    late = datetime.now(UTC) - timedelta(days=3)
    items = [
        meta_payloads.whatsapp(account, messages=[meta_payloads.whatsapp_message(PATIENT, late, text={"body": f"{n}"}) for n in range(3)]),
        meta_payloads.whatsapp(account, messages=[{"type": "text"}, meta_payloads.whatsapp_message(PATIENT, late, text={"body": "3"})]),
        meta_payloads.whatsapp(account, statuses=[{"id": "wamid.X", "status": "read", "timestamp": "1760000000"}], errors=[{"code": 1}]),
    ]
    assert await double.push(account, items, copies=2) == [200, 200]
    assert [event.text.reveal() for event in hub.of(InboundMessage)] == ["0", "1", "2", "3"]
    assert all(datetime.now(UTC) - event.sent_at > timedelta(days=2) for event in hub.of(InboundMessage))
    assert len(hub.of(StatusUpdate)) == 1
    assert len(hub.of(Unknown)) == 2


@every_kind
async def test_a_send_is_reported_with_our_own_id(hub: Hub, double: MetaDouble, kind: str) -> None:
    account = hub.account(kind)
    double.hears(account)
    message = outbound(account)
    async with transport(account, double) as one:
        result = await send(account, one, message)
    await double.settled()
    assert result.code is SendCode.ACCEPTED
    assert double.sends_of(message.id) == 1
    reports = hub.of(StatusUpdate)
    assert {report.provider_message_id for report in reports} == {result.provider_message_id}
    assert message.id in {report.message_id for report in reports}
    told = {report.status for report in reports} | {mark.status for mark in hub.of(Watermark)}
    assert told == {DeliveryStatus.SENT, DeliveryStatus.DELIVERED, DeliveryStatus.READ}


@every_kind
async def test_a_report_that_comes_before_the_answer_names_our_id_too(hub: Hub, double: MetaDouble, kind: str) -> None:
    account = hub.account(kind)
    double.hears(account)
    double.trouble(Trouble.EARLY)
    message = outbound(account)
    async with transport(account, double) as one:
        await send(account, one, message)
        assert message.id in {report.message_id for report in hub.of(StatusUpdate)}


@every_kind
@pytest.mark.parametrize("trouble", [Trouble.HANG, Trouble.DROP_AFTER])
async def test_a_send_without_an_answer_is_unknown_made_once_and_settled_by_its_report(
    hub: Hub, double: MetaDouble, kind: str, trouble: Trouble
) -> None:
    account = hub.account(kind)
    double.hears(account)
    double.trouble(trouble)
    message = outbound(account)
    async with transport(account, double, timeout_s=2.0) as one:
        with pytest.raises(OutcomeUnknown):
            await send(account, one, message)
        assert await one.look_up(message, datetime.now(UTC)) is None
    await double.settled()
    assert double.sends_of(message.id) == 1
    assert message.id in {report.message_id for report in hub.of(StatusUpdate)}


@pytest.mark.parametrize(
    ("trouble", "code", "expected", "told"),
    [
        (Trouble.THROTTLED, None, SendCode.THROTTLED, "130429"),
        (Trouble.STOPPED, None, SendCode.RECIPIENT_STOPPED, "131050"),
        (Trouble.REFUSED, None, SendCode.REJECTED, "131047"),
        (Trouble.REFUSED, 132001, SendCode.REJECTED, "132001"),
        (Trouble.CREDENTIALS, None, SendCode.ACCOUNT_INVALID, "190"),
        (Trouble.SERVER_ERROR, None, SendCode.OUTCOME_UNKNOWN, "2"),
        (Trouble.SERVER_ERROR_AFTER, None, SendCode.OUTCOME_UNKNOWN, "1"),
    ],
)
async def test_each_refusal_has_its_class(
    hub: Hub, double: MetaDouble, trouble: Trouble, code: int | None, expected: SendCode, told: str
) -> None:
    account = hub.account("whatsapp_meta")
    double.trouble(trouble, code=code, wait_s=7)
    message = outbound(account)
    async with transport(account, double) as one:
        result = await send(account, one, message)
    assert (result.code, result.error_code) == (expected, told)
    assert result.retry_after_s == (7 if trouble is Trouble.THROTTLED else None)
    assert double.sends_of(message.id) == (1 if trouble is Trouble.SERVER_ERROR_AFTER else 0)


@every_kind
async def test_where_nobody_listens_nothing_was_sent(hub: Hub, double: MetaDouble, kind: str) -> None:
    account = hub.account(kind)
    async with transport(account, double, api_base_url="http://127.0.0.1:9") as one:
        with pytest.raises(NotSent):
            await send(account, one, outbound(account))


async def test_a_failed_delivery_is_told_with_its_code(hub: Hub, double: MetaDouble) -> None:
    account = hub.account("whatsapp_meta")
    double.hears(account)
    double.trouble(Trouble.UNDELIVERED)
    async with transport(account, double) as one:
        await send(account, one, outbound(account))
    await double.settled()
    [failed] = [report for report in hub.of(StatusUpdate) if report.status is DeliveryStatus.FAILED]
    assert (failed.error_code, failed.address_invalid) == ("131026", False)


@every_kind
async def test_an_answer_passes_while_the_window_is_open_and_not_once_it_has_shut(hub: Hub, kind: str) -> None:
    now = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
    times = {"now": now}
    async with MetaDouble(SECRET, TOKEN, pace=0, window=timedelta(hours=24), clock=lambda: times["now"]).serve() as double:
        account = hub.account(kind)
        await double.patient_writes(account, PEOPLE[account.channel], "Hello")
        async with transport(account, double) as one:
            times["now"] = now + timedelta(hours=24)
            open_still = await send(account, one, outbound(account))
            times["now"] = now + timedelta(hours=24, seconds=1)
            shut = await send(account, one, outbound(account))
        await double.settled()
    assert open_still.code is SendCode.ACCEPTED
    failed = {r.error_code for r in hub.of(StatusUpdate) if r.status is DeliveryStatus.FAILED}
    if account.channel is Channel.WHATSAPP:  # accepted at first; the refusal comes as a status
        assert (shut.code, failed) == (SendCode.ACCEPTED, {"131047"})
    else:
        assert (shut.code, shut.error_code, failed) == (SendCode.REJECTED, "10/2018278", set())


async def test_a_token_of_another_app_is_the_accounts_fault(hub: Hub, double: MetaDouble) -> None:
    account = replace(hub.account("messenger_meta"), secrets={"app_secret": Sealed(SECRET), "access_token": Sealed("other")})
    async with transport(account, double) as one:
        assert (await send(account, one, outbound(account))).code is SendCode.ACCOUNT_INVALID


async def test_calls_prove_their_app_where_the_account_asks_for_it(hub: Hub, double: MetaDouble) -> None:
    account = hub.account("whatsapp_meta", prove_calls=True)
    async with transport(account, double) as one:
        assert (await send(account, one, outbound(account))).code is SendCode.ACCEPTED
    assert double.sent[0].fields["appsecret_proof"] == "eaafe2523b8dbb806182d93242f363b3ef734e7cdaf41352c07a229b8d16e8f0"
    wrong = replace(account, secrets={**account.secrets, "app_secret": Sealed("another")})
    async with transport(wrong, double) as one:
        assert (await send(wrong, one, outbound(wrong))).code is SendCode.REJECTED


async def test_instagram_login_sends_as_the_owner_of_the_token(hub: Hub, double: MetaDouble) -> None:
    account = hub.account("instagram_meta", instagram_login=True)
    async with transport(account, double) as one:
        assert (await send(account, one, outbound(account))).code is SendCode.ACCEPTED
    assert double.sent[0].node == "me"


# -- files


@every_kind
async def test_a_file_a_person_sends_can_be_fetched(hub: Hub, double: MetaDouble, kind: str) -> None:
    account = hub.account(kind)
    await double.patient_writes(account, PEOPLE[account.channel], "before", media=[("image/jpeg", b"\xff\xd8\xff picture")])
    [event] = hub.of(InboundMessage)
    assert (event.kind, event.text.reveal()) == (ContentKind.MEDIA, "before")
    async with transport(account, double) as one:
        assert await one.fetch_media(event.media[0], 1000) == b"\xff\xd8\xff picture"
        with pytest.raises(MediaRefused, match="too_big"):
            await one.fetch_media(event.media[0], 5)


async def test_an_address_that_died_meanwhile_is_asked_for_afresh_once(hub: Hub, double: MetaDouble) -> None:
    account = hub.account("whatsapp_meta")
    wanted = MediaRef(provider_media_id=double.keep_media(b"content", "image/jpeg"), mime_type="image/jpeg")
    async with transport(account, double) as one:
        double.dead_addresses = 1
        assert await one.fetch_media(wanted, 1000) == b"content"
        double.dead_addresses = 2
        double.fresh.clear()
        with pytest.raises(MediaRefused, match="http_404"):
            await one.fetch_media(wanted, 1000)


async def test_a_file_that_is_not_what_was_announced_is_refused(hub: Hub, double: MetaDouble) -> None:
    account = hub.account("whatsapp_meta")
    media_id = double.keep_media(b"content", "image/jpeg")
    double.digests[media_id] = hashlib.sha256(b"other").hexdigest()
    async with transport(account, double) as one:
        with pytest.raises(MediaRefused, match="digest"):
            await one.fetch_media(MediaRef(provider_media_id=media_id, mime_type="image/jpeg"), 1000)


@pytest.mark.parametrize(("media_id", "constant"), [("999", "lookup_404"), ("../me", "no_address"), ("", "no_address")])
async def test_a_file_nobody_has_is_refused(hub: Hub, double: MetaDouble, media_id: str, constant: str) -> None:
    account = hub.account("whatsapp_meta")
    async with transport(account, double) as one:
        with pytest.raises(MediaRefused, match=constant):
            await one.fetch_media(MediaRef(provider_media_id=media_id, mime_type="image/jpeg"), 1000)


@pytest.mark.parametrize(
    ("url", "constant"),
    [
        ("https://evil.example/a", "host"),
        ("https://fbcdn.net.evil.example/a", "host"),
        ("https://evilfbcdn.net/a", "host"),
        ("https://user@scontent.xx.fbcdn.net/a", "host"),
        ("https://scontent.xx.fbcdn.net:8443/a", "host"),
        ("http://scontent.xx.fbcdn.net/a", "scheme"),
        ("https://169.254.169.254/latest", "host"),
        ("https://[bad/a", "host"),
    ],
)
async def test_only_metas_own_file_servers_are_asked(hub: Hub, double: MetaDouble, url: str, constant: str) -> None:
    account = hub.account("messenger_meta")
    async with transport(account, double) as one:
        with pytest.raises(MediaRefused, match=constant):
            await one.fetch_media(MediaRef(url=Sealed(url), mime_type="image/jpeg"), 1000)


async def test_no_fault_tells_the_token_or_the_text(hub: Hub, double: MetaDouble) -> None:
    account = hub.account("whatsapp_meta")
    double.trouble(Trouble.DROP_AFTER)
    async with transport(account, double) as one:
        with pytest.raises(OutcomeUnknown) as told:
            await send(account, one, outbound(account, "Sentinel words"))
    assert not [word for word in (TOKEN, "Sentinel", "7700900123") if word in repr(told.value) + json.dumps([str(told.value)])]
