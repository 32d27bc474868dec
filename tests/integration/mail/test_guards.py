"""Storms of mail, and reports of what did not arrive: nothing is lost, nobody is silenced or answered who should not be."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from channels.mail.tokens import Purpose
from hub.intake.mail_guards import MOST_FROM_ONE, MOST_UNVOUCHED, WITHIN, Flood
from hub.model.address import Channel
from hub.model.permission import ContentFacts, Kind
from hub.settings import Settings
from hub.store.facts import Ask, gather
from hub.store.pool import Connection, Pool
from tests.integration.mail.letters import DOMAIN, account, letter, open_door, signed, texts
from tests.integration.mail.test_in import report, sent_to
from tests.world import StandingClock
from workers.mail.door import MailDoor

ACCOUNT = account()
FOLDER = Path(__file__).parents[2] / "fixtures" / "mail" / "bounces"
SAMPLES: dict[str, dict[str, Any]] = tomllib.loads((FOLDER / "expected.toml").read_text("utf-8"))
SOFT = {"status": "4.4.1", "words": "450 4.4.1 connection timed out"}


@pytest.fixture
async def door(settings: Settings, pool: Pool, clock: StandingClock) -> AsyncIterator[MailDoor]:
    async with open_door(settings, pool, clock) as opened:
        yield opened


async def test_two_robots_in_a_loop_are_stored_and_neither_answered_nor_shown_on_top(door: MailDoor, conn: Connection) -> None:
    for n in range(MOST_FROM_ONE):
        await door.take(ACCOUNT, letter(f"Round {n}", message_id=f"{n}@x", trusted=True))
    await conn.execute("UPDATE conversation SET unread = 0, status = 'resolved'")
    await conn.execute("DELETE FROM outbox")
    await conn.execute("UPDATE invitation SET last_inbound_at = last_inbound_at - interval '2 days'")
    before = await conn.fetchval("SELECT opened_at FROM invitation")
    await door.take(ACCOUNT, letter("One too many", message_id="loop@x", trusted=True))
    assert (await texts(conn))[-1] == "One too many"
    assert tuple(await conn.fetchrow("SELECT unread, status FROM conversation")) == (0, "resolved")
    assert await conn.fetchval("SELECT count(*) FROM outbox WHERE topic = 'acknowledge'") == 0
    assert await conn.fetchval("SELECT opened_at FROM invitation") == before
    await door.take(ACCOUNT, letter("STOP", message_id="stop@x", trusted=True))  # a stop in the storm is a stop
    assert await conn.fetchval("SELECT count(*) FROM suppression WHERE scope = 'ALL_MARKETING'")
    assert await conn.fetchval("SELECT count(*) FROM outbox WHERE topic = 'confirm_stop'") == 0
    await door.take(ACCOUNT, letter("Hello", sender="Ben <ben@example.org>", message_id="ben@x", trusted=True))  # others are heard as ever
    assert await conn.fetchval("SELECT count(*) FROM outbox WHERE topic = 'acknowledge'") == 1


async def test_an_hour_later_the_same_address_is_heard_again(door: MailDoor, conn: Connection, clock: StandingClock) -> None:
    for n in range(MOST_FROM_ONE):
        await door.take(ACCOUNT, letter(f"Round {n}", message_id=f"{n}@x"))
    await conn.execute("UPDATE conversation SET unread = 0")
    clock.now += WITHIN + timedelta(seconds=1)
    await door.take(ACCOUNT, letter("Me again", message_id="later@x"))
    assert await conn.fetchval("SELECT unread FROM conversation") == 1


async def test_a_flood_of_forged_stops_at_data_suppresses_for_now_and_confirms_nothing(
    door: MailDoor, conn: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    for n in range(MOST_UNVOUCHED + 2):
        await door.take(ACCOUNT, letter("STOP", sender=f"p{n}@example.org", to=f"data@{DOMAIN}", subject="x", message_id=f"{n}@x"))
    assert await conn.fetchval("SELECT count(DISTINCT address_hash) FROM suppression") == MOST_UNVOUCHED + 2
    found = await conn.fetch(
        "SELECT provisional, count(DISTINCT address_hash) AS n FROM suppression WHERE address_hash IS NOT NULL GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(r) for r in found] == [(False, MOST_UNVOUCHED), (True, 2)]
    assert capsys.readouterr().out.count("mail.flood") == 1  # once an hour, not once a mail


def test_fifty_within_an_hour_are_no_flood_and_the_next_is() -> None:
    now = datetime(2026, 11, 24, 11, tzinfo=UTC)
    flood = Flood()
    assert not any(flood.note(now) for _ in range(MOST_UNVOUCHED))
    assert not flood.note(now + WITHIN)
    assert not any(flood.note(now + 3 * WITHIN) for _ in range(MOST_UNVOUCHED))
    assert flood.note(now + 3 * WITHIN)


async def failing(conn: Connection, door: MailDoor, times: int, begin: int = 0) -> None:
    for n in range(begin, begin + times):
        message, _ = await sent_to(conn)
        raw = report(signed(Purpose.BOUNCE, message), **SOFT).replace(b"<d1@", f"<d{n}@".encode())
        await door.take(ACCOUNT, raw, sender="")


async def test_an_address_that_refused_for_two_weeks_is_marked_and_never_suppressed(
    door: MailDoor, conn: Connection, clock: StandingClock
) -> None:
    await door.take(ACCOUNT, letter(trusted=True))
    await conn.execute("UPDATE message SET created_at = created_at - interval '20 days'")
    await failing(conn, door, 4)
    assert await conn.fetchval("SELECT state FROM address") == "ok"
    await failing(conn, door, 1, begin=4)
    assert await conn.fetchval("SELECT state FROM address") == "invalid"
    assert await conn.fetchval("SELECT count(*) FROM suppression") == 0


async def test_old_refusals_and_a_person_who_wrote_meanwhile_mark_nothing(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter(trusted=True))
    await failing(conn, door, 6)
    assert await conn.fetchval("SELECT state FROM address") == "ok"  # they wrote just now
    await conn.execute("UPDATE message SET created_at = created_at - interval '15 days'")
    await failing(conn, door, 4, begin=10)
    assert await conn.fetchval("SELECT state FROM address") == "ok"


async def test_a_complaint_is_on_record_as_one(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter(trusted=True))
    message, _ = await sent_to(conn)
    head = f"From: fbl@provider.example\r\nTo: {signed(Purpose.BOUNCE, message)}\r\nSubject: c\r\nMIME-Version: 1.0\r\n"
    body = "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n\r\n--b--\r\n"
    kind = "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"
    await door.take(ACCOUNT, (head + kind + body).encode())
    assert await conn.fetchval("SELECT array_agg(DISTINCT source) FROM suppression") == ["complaint"]


async def test_an_open_case_is_a_ground_to_write_about_it_and_a_closed_one_is_none(
    door: MailDoor, conn: Connection, clock: StandingClock
) -> None:
    await door.take(ACCOUNT, letter("Please send me a copy of my data", to=f"data@{DOMAIN}", subject="x"))
    row = await conn.fetchrow("SELECT c.id, c.contact_id, i.id AS identity_id FROM conversation c JOIN identity i USING (contact_id)")

    async def case_open(kind: Kind) -> bool | None:
        ask = Ask(
            conversation_id=row["id"],
            contact_id=row["contact_id"],
            identity_id=row["identity_id"],
            channel=Channel.EMAIL,
            kind=kind,
            account_id=ACCOUNT.id,
            content=ContentFacts(),
            route_ok=True,
            reply_window_h=None,
        )
        [facts] = await gather(conn, [ask], now=clock())
        return facts.basis.case_open

    assert await case_open(Kind.RTS) is True
    assert await case_open(Kind.RPL) is not True
    await conn.execute("UPDATE rights_case SET state = 'closed', closed_at = now()")
    assert await case_open(Kind.RTS) is False


@pytest.mark.parametrize("text", ["stop or not, I am not sure", "wrong person"])
async def test_every_case_leaves_its_mark_on_the_message_that_opened_it(door: MailDoor, conn: Connection, text: str) -> None:
    await door.take(ACCOUNT, letter(text, to=f"data@{DOMAIN}", subject="x"))
    row = await conn.fetchrow("SELECT signal, detail FROM message")
    cases = await conn.fetchval("SELECT count(*) FROM rights_case")
    assert bool(cases) == (row["signal"] == "RIGHTS" or "case" in (row["detail"] or {}))
    assert cases == 1


async def test_every_sample_of_a_report_does_what_its_row_says_and_unmatched_ones_do_nothing(door: MailDoor, conn: Connection) -> None:
    await door.take(ACCOUNT, letter(trusted=True))
    wrong: list[str] = []
    for case, wanted in SAMPLES.items():
        raw = (FOLDER / f"{case}.eml").read_bytes()
        await door.take(ACCOUNT, raw, sender="")
        if await conn.fetchval("SELECT state FROM address WHERE state <> 'ok'"):
            wrong.append(f"{case}: unmatched, and marked")
        assert await conn.fetchval("SELECT count(*) FROM inbound_event WHERE provider_event_id NOT LIKE 'kept:%'")
        await conn.execute("UPDATE inbound_event SET provider_event_id = 'kept:' || id")  # the matched one is no repeat of it
        message, _ = await sent_to(conn)
        await door.take(ACCOUNT, raw + b"\r\n", sender="", recipients=[signed(Purpose.BOUNCE, message)])
        found = await _effects(conn, message)
        about = wanted["recipient"] in ("", "amy@example.org")
        status = {"failed": "failed", "delivered": "delivered"}.get(wanted["action"], "sent")
        expected = (status, "invalid" if wanted["suppress"] and about else "ok")
        if found != expected:
            wrong.append(f"{case}: {found}, not {expected}")
        await conn.execute("UPDATE address SET state = 'ok'")
        await conn.execute("UPDATE message SET status = 'sent', error_code = NULL WHERE direction = 'outbound'")
    assert wrong == []
    assert await conn.fetchval("SELECT count(*) FROM suppression") == 0
    assert len(await texts(conn)) == 1  # no report is ever a message


async def _effects(conn: Connection, message: UUID) -> tuple[str, str]:
    row = await conn.fetchrow("SELECT m.status, a.state FROM message m, address a WHERE m.id = $1", message)
    return row["status"], row["state"]
