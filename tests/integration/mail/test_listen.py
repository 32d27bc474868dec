"""Real conversations with the LMTP and SMTP listeners over loopback and a unix socket."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from hub.settings import Settings
from hub.store.pool import Connection, Pool
from tests.integration.mail.letters import DOMAIN, PASSED, RawTalk, letter, mail_process, texts
from tests.world import StandingClock

T = TypeVar("T")
HELLO, STOP = f"hello@{DOMAIN}", f"stop@{DOMAIN}"
ANY = "127.0.0.1:0"


async def talk(work: Callable[..., T], *given: object) -> T:
    return await asyncio.to_thread(work, *given)


def deliver(place: tuple[str, int] | str, raw: bytes, recipients: list[str], word: str = "LHLO") -> list[str]:
    spoken = RawTalk(place)
    try:
        spoken.greet(word)
        return spoken.mail(raw, recipients)
    finally:
        spoken.close()


async def test_lmtp_answers_every_accepted_recipient_in_order_after_the_commit(
    settings: Settings, pool: Pool, clock: StandingClock, conn: Connection, tmp_path: Path
) -> None:
    path = str(tmp_path / "lmtp")
    async with mail_process(settings, pool, clock, lmtp_listen=f"unix:{path}"):
        answers = await talk(deliver, path, letter(), [HELLO, "nobody@clinic.example", STOP])
        assert [a[:9] for a in answers] == ["250 2.1.5", "550 5.1.1", "250 2.1.5", "250 2.0.0", "250 2.0.0"]
        assert await texts(conn) == ["How much is lip filler?"]  # stored by the time of the answer
        spoken = await talk(RawTalk, path)
        await talk(spoken.greet)
        again = await talk(spoken.mail, letter("Second", message_id="2@x"), [HELLO])
        third = await talk(spoken.mail, letter("..dots\r\n.\r\n..", message_id="3@x").replace(b"Lips", b"Dots"), [HELLO])
        assert [a[:3] for a in (*again, *third)] == ["250"] * 4
        assert await talk(spoken.say, "HELO x") == '500 Error: command "HELO" not recognized'
        spoken.close()
        assert (await texts(conn))[1:] == ["Second", "..dots\n.\n.."]


async def test_nothing_is_relayed_and_a_wrong_token_is_nobody(
    settings: Settings, pool: Pool, clock: StandingClock, conn: Connection
) -> None:
    async with mail_process(settings, pool, clock, lmtp_listen=ANY, smtp_listen=ANY) as places:
        for kind, word in (("lmtp", "LHLO"), ("smtp", "EHLO")):
            wanted = ["amy@example.org", f"reply+abc.aaaaaaaaaaaaaaaa@in.{DOMAIN}", f"hello@{DOMAIN}.evil.example"]
            answers = await talk(deliver, places[f"mail:{kind}"], letter(), wanted, word)
            assert [a[:9] for a in answers] == ["550 5.1.1"] * 3
        assert await texts(conn) == []


async def test_a_store_that_is_away_gives_the_mail_back_for_later(
    settings: Settings, pool: Pool, clock: StandingClock, conn: Connection
) -> None:
    async with mail_process(settings, pool, clock, lmtp_listen=ANY) as places:
        await conn.execute("ALTER TABLE inbound_event RENAME TO away")
        await conn.execute("ALTER TABLE message RENAME TO away_too")
        answers = await talk(deliver, places["mail:lmtp"], letter(), [HELLO, STOP])
        assert [a[:9] for a in answers[2:]] == ["451 4.3.0"] * 2
        await conn.execute("ALTER TABLE away RENAME TO inbound_event")
        await conn.execute("ALTER TABLE away_too RENAME TO message")
        assert (await talk(deliver, places["mail:lmtp"], letter(), [HELLO]))[-1].startswith("250")
        assert await texts(conn) == ["How much is lip filler?"]


async def test_sizes_are_told_kept_to_and_refused_to_each_recipient(
    settings: Settings, pool: Pool, clock: StandingClock, conn: Connection
) -> None:
    line = b"x" * 5000 + b"\r\n"  # longer than RFC 5321 allows, and sent all the same
    async with mail_process(settings, pool, clock, lmtp_listen=ANY, largest_mail_mb=31) as places:
        spoken = await talk(RawTalk, places["mail:lmtp"])
        await talk(spoken.greet)
        assert (await talk(spoken.say, f"MAIL FROM:<amy@example.org> SIZE={32 * 1024 * 1024}")).startswith("552")
        whole = letter() + line * (30 * 1024 * 1024 // len(line))
        assert [a[:3] for a in await talk(spoken.mail, whole, [HELLO])] == ["250", "250"]
        over = letter(message_id="2@x") + line * (32 * 1024 * 1024 // len(line))
        assert [a[:9] for a in (await talk(spoken.mail, over, [HELLO, STOP]))[2:]] == ["552 5.3.4"] * 2
        assert [a[:3] for a in await talk(spoken.mail, letter("After", message_id="3@x"), [HELLO])] == ["250", "250"]
        spoken.close()
        assert len(await texts(conn)) == 2
        assert (await texts(conn))[1] == "After"


async def test_the_smtp_listener_believes_no_results_that_came_with_the_mail(
    settings: Settings, pool: Pool, clock: StandingClock, conn: Connection
) -> None:
    def send(place: tuple[str, int]) -> None:
        with smtplib.SMTP(*place, timeout=10) as client:
            assert b"Python" not in client.ehlo()[1]
            client.sendmail("amy@example.org", [HELLO], letter(trusted=True).replace(PASSED.encode(), PASSED.lower().encode()))

    async with mail_process(settings, pool, clock, smtp_listen=ANY) as places:
        place = places["mail:smtp"]
        assert not isinstance(place, str)
        await talk(send, place)
    assert not await conn.fetchval("SELECT trusted FROM mail")


async def test_callers_beyond_the_limit_are_told_to_come_again(
    settings: Settings, pool: Pool, clock: StandingClock, conn: Connection
) -> None:
    async with mail_process(settings, pool, clock, lmtp_listen=ANY) as places:
        held = [await talk(RawTalk, places["mail:lmtp"]) for _ in range(64)]
        for one in held:
            assert (await talk(one.answer)).startswith("220")
        late = await talk(RawTalk, places["mail:lmtp"])
        assert (await talk(late.answer)).startswith("421 4.3.2")
        for one in (*held, late):
            one.close()
        await asyncio.sleep(0.2)
        assert (await talk(deliver, places["mail:lmtp"], letter(), [HELLO]))[-1].startswith("250")
    assert await texts(conn) == ["How much is lip filler?"]
