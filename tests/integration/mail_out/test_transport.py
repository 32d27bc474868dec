"""Handing mail to a real SMTP server over real sockets: every fault has one meaning, and nothing is handed over twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from channels.errors import NotSent, OutcomeUnknown
from channels.mail import outgoing
from channels.mail.transport import MailTransport, open_transport
from channels.sandbox.mail import MailDouble
from channels.sandbox.values import Trouble
from hub.model.message import Account, OutboundMessage, SendCode, SendResult
from tests.integration.mail_out.letters import AMY, account, message


async def sent(transport: MailTransport, own: Account, one: OutboundMessage | None = None) -> SendResult:
    return outgoing.interpret(await transport.send(outgoing.render(one or message(), own)))


@asynccontextmanager
async def house(**options: object) -> AsyncIterator[tuple[MailDouble, Account, MailTransport]]:
    async with MailDouble().serve() as double:
        own = account(double.port, **options)
        double.own(own)
        async with open_transport(own) as transport:
            yield double, own, transport


async def test_a_mail_is_taken_whole_and_named_by_its_own_message_id() -> None:
    async with house() as (double, own, transport):
        one = message("First line.\n.\n..two dots\nlast")
        result = await sent(transport, own, one)
        [taken] = double.sent
        assert result == SendResult(code=SendCode.ACCEPTED, provider_message_id=f"ob-{one.id.hex}@clinic.example")
        assert taken.sid == result.provider_message_id
        assert double.sends_of(one.id) == 1
        assert taken.text.startswith("First line.\n.\n..two dots\nlast\n")
        assert taken.mail_from.startswith("bounce+")
        assert taken.to == AMY
        assert taken.subject == "Re: Opening hours"


async def test_connections_are_kept_and_replaced_after_their_share() -> None:
    async with house(smtp_per_connection=5, smtp_connections=1) as (double, own, transport):
        for _ in range(12):
            assert (await sent(transport, own)).code is SendCode.ACCEPTED
        assert double.server.connections == 3
        assert len(double.sent) == 12


async def test_no_more_connections_than_allowed_however_many_mails() -> None:
    async with house(smtp_connections=3) as (double, own, transport):
        results = await asyncio.gather(*(sent(transport, own) for _ in range(40)))
        assert {r.code for r in results} == {SendCode.ACCEPTED}
        assert double.server.connections == 3
        assert max(double.counts.values()) == 1


@pytest.mark.parametrize(
    ("trouble", "code", "meant"),
    [
        (Trouble.REFUSED, 550, SendCode.ADDRESS_INVALID),
        (Trouble.REFUSED, 552, SendCode.REJECTED),  # a full mailbox is no reason to give an address up
        (Trouble.REFUSED, 554, SendCode.REJECTED),
        (Trouble.THROTTLED, None, SendCode.THROTTLED),
        (Trouble.SERVER_ERROR, None, SendCode.NOT_SENT),
        (Trouble.CREDENTIALS, None, SendCode.ACCOUNT_INVALID),
        (Trouble.STOPPED, None, SendCode.REJECTED),
        (Trouble.SERVER_ERROR_AFTER, None, SendCode.THROTTLED),
    ],
)
async def test_an_answer_has_one_meaning_and_the_next_mail_goes(trouble: Trouble, code: int | None, meant: SendCode) -> None:
    async with house() as (double, own, transport):
        double.trouble(trouble, to=AMY, code=code)
        assert (await sent(transport, own)).code is meant
        assert (await sent(transport, own)).code is SendCode.ACCEPTED


async def test_a_greylisted_mail_is_to_come_again_after_minutes() -> None:
    async with house() as (double, own, transport):
        double.trouble(Trouble.THROTTLED)
        assert (await sent(transport, own)).retry_after_s == 300


async def test_a_line_cut_before_the_mail_means_not_sent() -> None:
    async with house() as (double, own, transport):
        double.trouble(Trouble.DROP_BEFORE)
        with pytest.raises(NotSent):
            await sent(transport, own)
        assert double.sent == []


async def test_a_line_cut_after_the_mail_means_unknown_and_it_is_not_handed_over_again() -> None:
    async with house() as (double, own, transport):
        double.trouble(Trouble.DROP_AFTER)
        one = message()
        with pytest.raises(OutcomeUnknown):
            await sent(transport, own, one)
        assert double.sends_of(one.id) == 1
        assert (await sent(transport, own)).code is SendCode.ACCEPTED


async def test_a_server_that_never_answers_the_mail_means_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.mail.transport.BODY_S", 0.2)
    async with house() as (double, own, transport):
        double.trouble(Trouble.HANG)
        with pytest.raises(OutcomeUnknown):
            await sent(transport, own)
        double.closing.set()


async def test_nobody_listening_means_not_sent() -> None:
    async with open_transport(account(1)) as transport:
        with pytest.raises(NotSent):
            await sent(transport, account(1))


async def test_a_mail_larger_than_the_server_takes_is_not_begun() -> None:
    async with house() as (double, own, transport):
        await sent(transport, own)
        [line] = transport._idle
        line.largest = 500
        result = await sent(transport, own)
        assert (result.code, result.error_code) == (SendCode.REJECTED, "too_big")
        assert len(double.sent) == 1


async def test_nothing_travels_in_clear_but_to_the_sandbox_on_this_machine() -> None:
    for wrong in (
        replace(account(25), options={**account(25).options, "sandbox": False}),
        replace(account(25), options={**account(25).options, "smtp_host": "192.0.2.1"}),
    ):
        with pytest.raises(ValueError, match="in clear"):
            async with open_transport(wrong):
                pass


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def scripted(*answers: bytes) -> AsyncIterator[int]:
    """A server that gives these answers, one a line, whatever it is told."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answers[0])
        for answer in answers[1:]:
            if not await reader.readline():
                break
            writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_starttls_is_insisted_on() -> None:
    async with scripted(b"220 here\r\n", b"250 clear\r\n") as port:
        own = account(port, smtp_security="starttls")
        async with open_transport(own) as transport:
            with pytest.raises(NotSent):
                await sent(transport, own)


async def test_wrong_credentials_pause_the_account() -> None:
    async with scripted(b"220 here\r\n", b"250-here\r\n250 AUTH PLAIN\r\n", b"535 5.7.8 no\r\n") as port:
        own = account(port, smtp_user="hub", secrets={"smtp_password": "wrong"})
        async with open_transport(own) as transport:
            assert (await sent(transport, own)).code is SendCode.ACCOUNT_INVALID


async def test_a_refused_sender_is_our_own_matter() -> None:
    async with scripted(b"220 here\r\n", b"250 here\r\n", b"550 5.7.1 not yours\r\n", b"250 ok\r\n") as port:
        own = account(port)
        async with open_transport(own) as transport:
            assert (await sent(transport, own)).code is SendCode.ACCOUNT_INVALID


async def test_a_server_that_does_not_greet_us_is_tried_again() -> None:
    async with scripted(b"421 4.3.2 busy\r\n") as port:
        own = account(port)
        async with open_transport(own) as transport:
            assert (await sent(transport, own)).code is SendCode.NOT_SENT


async def test_a_cancelled_send_leaves_no_connection_half_way() -> None:
    async with house(smtp_connections=1) as (double, own, transport):
        double.trouble(Trouble.SLOW, wait_s=5)
        task = asyncio.create_task(sent(transport, own))
        async with asyncio.timeout(5):
            await double.changes.watch().wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await sent(transport, own)).code is SendCode.ACCEPTED
