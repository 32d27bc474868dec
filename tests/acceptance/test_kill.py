"""kill -9 of every process in the middle of load: nothing acknowledged is lost, nothing is sent twice, nothing hangs (P2, P3, P4, P8)."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from channels.sandbox.values import Trouble
from hub.model.ids import AccountId
from tests.acceptance.clinic import Clinic
from tests.acceptance.day import Day, Letter
from tests.world import SMS, WHATSAPP

PEOPLE = 200
CUT = 5
SPREAD_S = 4.0  # within which everybody writes
LEFT = ("accepted", "sent", "delivered", "read")


@dataclass
class Load:
    """What went in: every webhook with its answers, every reply that was queued."""

    letters: list[Letter] = field(default_factory=list)
    replies: dict[UUID, str] = field(default_factory=dict)  # message id -> phone


async def one(day: Day, load: Load, phone: str, account: AccountId, after_s: float) -> None:
    """A person writes, is answered, and writes once more."""
    await asyncio.sleep(after_s)
    channel = day.account(account).channel
    load.letters.append(await day.writes(phone, "Hello, do you do facials?", account=account))
    load.replies[await day.replies(phone, "Good morning, yes we do.", channel=channel)] = phone
    load.letters.append(await day.writes(phone, "Thank you", account=account))


async def everybody(day: Day, load: Load) -> None:
    chance = random.Random(20261124)
    people = day.people(PEOPLE)
    async with asyncio.TaskGroup() as group:
        for n, phone in enumerate(people):
            group.create_task(one(day, load, phone, (SMS, WHATSAPP)[n % 2], chance.random() * SPREAD_S))


async def in_the_middle(day: Day, load: Load) -> None:
    async def under_way() -> bool:
        return len(load.replies) > PEOPLE // 3 and day.double.creates > PEOPLE // 4

    await day.until(under_way, what="the load")


async def check(day: Day, load: Load) -> None:
    """The promises, read off the database and the double."""
    sids = [letter.sid for letter in load.letters]
    assert len(set(sids)) == PEOPLE * 2
    stored = "SELECT count(*) AS n FROM message WHERE provider_message_id = ANY($1) AND direction = 'inbound' GROUP BY provider_message_id"
    assert [r["n"] for r in await day.rows(stored, sids)] == [1] * len(sids)
    journal = "SELECT state, count(*) AS n FROM inbound_event WHERE provider_event_id = ANY($1) GROUP BY 1"
    assert {r["state"]: r["n"] for r in await day.rows(journal, sids)} == {"processed": len(sids)}

    assert len(load.replies) == PEOPLE
    assert day.double.doubled() == []
    statuses = await day.statuses(load.replies)
    assert set(statuses.values()) <= {*LEFT, "unknown"}
    assert all(day.double.sends_of(m) == 1 for m, status in statuses.items() if status in LEFT)
    # Whatever left stands in the records, on an ALLOW of its own that was made when it was claimed.
    ours = [UUID(m) for m in day.double.counts]
    grounds = """SELECT m.id FROM message m JOIN decision d ON d.id = m.decision_id AND d.message_id = m.id
                 WHERE m.id = ANY($1) AND d.phase = 'claim' AND d.outcome = 'ALLOW' AND cardinality(d.proofs) > 0"""
    assert {r["id"] for r in await day.rows(grounds, ours)} == set(ours)
    assert await day.value("SELECT count(*) FROM message WHERE status = 'sending'") == 0


async def hanging(day: Day) -> bool:
    return bool(await day.value("SELECT count(*) FROM message WHERE status = 'sending'") >= CUT)


@pytest.mark.parametrize("victim", ["web", "worker", "clock", "valkey", "postgres"])
async def test_a_process_killed_under_load_loses_nothing_and_sends_nothing_twice(clinic: Clinic, day: Day, victim: str) -> None:
    load = Load()
    going = asyncio.create_task(everybody(day, load))
    await in_the_middle(day, load)
    if victim == "worker":  # so that sends are surely cut: accepted there, and not answered when the worker goes
        day.double.trouble(Trouble.HANG, times=CUT)
        await day.until(lambda: hanging(day), what="a send under way")
    clinic.kill(victim)
    await asyncio.sleep(0.3)
    clinic.start(victim)
    await going
    await day.quiet()
    await check(day, load)
    answers = {answer for letter in load.letters for answer in letter.answers}
    assert answers <= ({0, 200} if victim == "web" else {200, 503} if victim == "postgres" else {200})
    in_doubt = [m for m, status in (await day.statuses(load.replies)).items() if status == "unknown"]
    if victim not in ("worker", "postgres"):
        assert in_doubt == [], "no send was cut, so none may be in doubt"
    # What the double has is known to have left, by its report or by asking; in doubt is only what it never got.
    assert [day.double.sends_of(m) for m in in_doubt] == [0] * len(in_doubt)
