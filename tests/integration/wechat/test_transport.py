"""Calls to WeChat: the token everybody shares, refusals, files, and what must never be told. Real HTTP, real wechatpy."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from channels.errors import MediaRefused, NotSent, OutcomeUnknown
from channels.sandbox.values import Trouble
from channels.sandbox.wechat import WeChatDouble
from channels.wechat_official import ADAPTER, open_with_tokens
from hub.model.ids import AccountId
from hub.model.message import Account, IssuedToken, MediaRef, SendCode
from hub.model.sealed import Sealed
from hub.store.pool import Pool, open_pool
from tests.contract.samples import SAMPLES
from tests.world import StandingClock
from workers.tokens import KeptTokens

SAMPLE = SAMPLES["wechat_official"]
ID = AccountId("wechat")
KEY = Sealed(b"k" * 32)


@pytest.fixture
async def double() -> AsyncIterator[WeChatDouble]:
    found = WeChatDouble(counting=False)
    found.own(SAMPLE.account)
    async with found.serve():
        yield found


def at(double: WeChatDouble, **options: Any) -> Account:
    account = SAMPLE.at(double)
    return replace(account, options={**account.options, **options})


async def send(double: WeChatDouble, account: Account | None = None) -> Any:
    account = account or at(double)
    assert SAMPLE.outbound
    assert ADAPTER.open_transport
    async with ADAPTER.open_transport(account) as transport:
        return ADAPTER.interpret(await transport.send(ADAPTER.render(SAMPLE.outbound, account)))


class Provider:
    """Gives out tokens and counts; slow, so that others come meanwhile."""

    def __init__(self) -> None:
        self.asked: list[bool] = []

    async def __call__(self, force: bool) -> IssuedToken:
        self.asked.append(force)
        await asyncio.sleep(0.1)
        return IssuedToken(token=Sealed(f"token-{sum(self.asked)}"), lasts_s=7200)


async def test_two_processes_and_many_tasks_at_once_ask_once(pool: Pool, database_url: str, clock: StandingClock) -> None:
    provider = Provider()
    async with AsyncExitStack() as stack:
        other = await open_pool(database_url, min_size=1, max_size=4)
        stack.callback(other.terminate)
        keepers = [KeptTokens(pool, KEY, clock), KeptTokens(other, KEY, clock)]
        found = await asyncio.gather(*(keepers[n % 2].token(ID, provider) for n in range(20)))
    assert {token.reveal() for token in found} == {"token-0"}
    assert provider.asked == [False]


async def test_a_refused_token_is_replaced_once_by_force_where_the_provider_holds_it_for_good(
    pool: Pool, database_url: str, clock: StandingClock
) -> None:
    provider = Provider()
    other = await open_pool(database_url, min_size=1, max_size=2)
    keepers = [KeptTokens(pool, KEY, clock), KeptTokens(other, KEY, clock)]
    first = await keepers[0].token(ID, provider)
    found = await asyncio.gather(*(keepers[n % 2].token(ID, provider, refused=first) for n in range(10)))
    other.terminate()
    assert {token.reveal() for token in found} == {"token-1"}
    assert provider.asked == [False, False, True]


async def test_a_token_is_renewed_before_it_ends_and_lies_sealed(pool: Pool, clock: StandingClock) -> None:
    provider = Provider()
    keeper = KeptTokens(pool, KEY, clock)
    await keeper.token(ID, provider)
    async with pool.acquire() as conn:
        assert b"token-0" not in await conn.fetchval("SELECT sealed FROM provider_token")
    clock.now += timedelta(seconds=7200 - 301)
    await keeper.token(ID, provider)
    assert len(provider.asked) == 1
    clock.now += timedelta(seconds=2)
    await keeper.token(ID, provider)
    assert len(provider.asked) == 2


async def test_a_token_sealed_under_another_key_is_asked_for_again(pool: Pool, clock: StandingClock) -> None:
    provider = Provider()
    await KeptTokens(pool, KEY, clock).token(ID, provider)
    await KeptTokens(pool, Sealed(b"o" * 32), clock).token(ID, provider)
    assert len(provider.asked) == 2


async def test_a_keeper_that_is_away_means_nothing_was_sent(double: WeChatDouble, pool: Pool, clock: StandingClock) -> None:
    pool.terminate()
    account = at(double)
    assert SAMPLE.outbound
    async with open_with_tokens(account, KeptTokens(pool, KEY, clock)) as transport:
        with pytest.raises(NotSent):
            await transport.send(ADAPTER.render(SAMPLE.outbound, account))
    assert double.sent == []


async def test_a_token_that_is_always_refused_is_tried_twice_and_no_more(double: WeChatDouble) -> None:
    double.trouble(Trouble.CREDENTIALS, times=None)
    result = await send(double)
    assert (result.code, result.error_code) == (SendCode.ACCOUNT_INVALID, "40001")
    assert [path for path in double.calls if path.endswith("/send")] == ["/cgi-bin/message/custom/send"] * 2


@pytest.mark.parametrize(
    ("secret", "app", "code"), [("wrong", "wx0000000000000001", "40125"), ("wechat-app-secret-0001", "wxOTHER", "40013")]
)
async def test_a_wrong_secret_pauses_the_account(double: WeChatDouble, secret: str, app: str, code: str) -> None:
    account = replace(at(double, app_id=app), secrets={**SAMPLE.account.secrets, "app_secret": Sealed(secret)})
    result = await send(double, account)
    assert (result.code, result.error_code) == (SendCode.ACCOUNT_INVALID, code)
    assert double.sent == []


async def test_a_day_used_up_waits_for_midnight_in_china(double: WeChatDouble) -> None:
    double.trouble(Trouble.REFUSED, code=45009)
    result = await send(double)
    assert result.code is SendCode.THROTTLED
    assert 0 < result.retry_after_s <= 86_400


async def test_a_drop_or_a_silence_leaves_it_unknown_and_is_not_tried_again(double: WeChatDouble) -> None:
    for trouble in (Trouble.DROP_AFTER, Trouble.HANG):
        double.trouble(trouble)
        with pytest.raises(OutcomeUnknown):
            await send(double, at(double, timeout_s=2.0))
    assert len(double.sent) == 2


async def test_no_exception_and_no_log_holds_the_token(double: WeChatDouble, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = []
    for trouble in (Trouble.DROP_AFTER, Trouble.DROP_BEFORE, Trouble.HANG):
        double.trouble(trouble)
        with pytest.raises((OutcomeUnknown, NotSent)) as caught:
            await send(double, at(double, timeout_s=0.5))
        told.append("".join(traceback.format_exception(caught.value)))
    token = double.tokens["wx0000000000000001"]
    assert not [text for text in (*told, caplog.text) if token in text or "wechat-app-secret" in text]


async def test_a_template_sent_twice_under_one_id_is_one_message(double: WeChatDouble) -> None:
    assert SAMPLE.outbound
    assert ADAPTER.open_transport
    variables = (("thing1", Sealed("复诊提醒")), ("url", Sealed("https://clinic.example/a")))
    message = replace(SAMPLE.outbound, template_id="TMPL1", template_variables=variables)
    async with ADAPTER.open_transport(at(double)) as transport:
        results = [ADAPTER.interpret(await transport.send(ADAPTER.render(message, at(double)))) for _ in range(2)]
    assert results[0].provider_message_id == results[1].provider_message_id == double.sent[0].sid
    assert double.sends_of(message.id) == 1
    assert double.sent[0].fields["data"] == {"thing1": {"value": "复诊提醒"}}


async def fetch(double: WeChatDouble, media_id: str, max_bytes: int = 1000) -> bytes:
    assert ADAPTER.open_transport
    async with ADAPTER.open_transport(at(double)) as transport:
        return await transport.fetch_media(MediaRef(provider_media_id=media_id, mime_type="image/jpeg"), max_bytes)


async def test_files_come_by_their_id_films_by_the_address_told(double: WeChatDouble) -> None:
    for mime, content in (("audio/amr", b"#!AMR\n1"), ("image/jpeg", b"\xff\xd8\xff1"), ("video/mp4", b"\0\0\0\x18ftypmp42")):
        assert await fetch(double, double.keep_media(content, mime)) == content


async def test_an_error_in_place_of_a_file_is_no_file(double: WeChatDouble) -> None:
    with pytest.raises(MediaRefused, match="gone"):
        await fetch(double, "nothing")


async def test_a_file_that_is_too_big_is_refused(double: WeChatDouble) -> None:
    with pytest.raises(MediaRefused, match="too_big"):
        await fetch(double, double.keep_media(b"x" * 1001, "image/jpeg"))


async def test_a_film_on_a_host_nobody_listed_is_refused(double: WeChatDouble) -> None:
    media_id, account = double.keep_media(b"film", "video/mp4"), at(double)
    double.base_url = "http://169.254.169.254"  # what it tells as the film's address
    assert ADAPTER.open_transport
    async with ADAPTER.open_transport(account) as transport:
        with pytest.raises(MediaRefused):
            await transport.fetch_media(MediaRef(provider_media_id=media_id, mime_type="video/mp4"), 1000)


async def test_wechatpys_own_client_finds_the_double_as_it_finds_wechat(double: WeChatDouble) -> None:
    from wechatpy import WeChatClient
    from wechatpy.exceptions import WeChatClientException

    class Client(WeChatClient):  # type: ignore[misc]
        API_BASE_URL = double.base_url + "/cgi-bin/"

    token, _ = double.token_for("wx0000000000000001", fresh=False)

    def talk() -> None:
        client = Client("wx0000000000000001", "secret", access_token=token, timeout=5, auto_retry=False)
        assert client.message.send_text("oU1", "你好")["errcode"] == 0
        client = Client("wx0000000000000001", "secret", access_token="stale", timeout=5, auto_retry=False)
        with pytest.raises(WeChatClientException) as caught:
            client.message.send_text("oU1", "你好")
        assert caught.value.errcode == 40001
        client._http.close()

    await asyncio.to_thread(talk)
    assert [sent.body for sent in double.sent] == ["你好"]
