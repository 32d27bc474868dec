"""Opt-outs racing sends: whatever the interleaving, no claim commits after a stop that covers it (promise P1)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from channels.registry import ADAPTERS
from hub.gate import claim
from hub.gate.deliver import Delivery
from hub.settings import Settings
from hub.store.pool import Pool, open_pool
from tests.world import SMS, RecordingTransport, World, world

PEOPLE = 150
ROUNDS = 10
WORKERS = 3

# Each row remembers what its transaction could see when it was written. A claim that was let go although its snapshot
# already held the stop has ignored it; a stop written while an undecided claim held the locks cannot happen at all.
_WATCH = """
ALTER TABLE decision ADD COLUMN seen pg_snapshot DEFAULT pg_current_snapshot();
ALTER TABLE suppression ADD COLUMN written_by_xact xid8 DEFAULT pg_current_xact_id();
"""
_IGNORED_STOPS = """
SELECT m.id FROM message m
JOIN decision d ON d.id = m.decision_id AND d.outcome = 'ALLOW' AND d.phase = 'claim'
JOIN suppression s ON s.contact_id = m.contact_id AND s.scope = 'CHANNEL' AND s.channel = m.channel
WHERE m.direction = 'outbound' AND pg_visible_in_snapshot(s.written_by_xact, d.seen) AND s.occurred_at > m.created_at
"""


def utc_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def clinic(pool: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A clinic whose claims think for a while between reading the facts and writing the decision.

    That is the moment a stop must not slip into; without the locks, it does so dozens of times in this test.
    """
    read = claim.facts.gather

    async def read_and_think(*asked: Any, **named: Any) -> Any:
        found = await read(*asked, **named)
        await asyncio.sleep(0.01)
        return found

    monkeypatch.setattr(claim.facts, "gather", read_and_think)
    async with pool.acquire() as conn:
        await conn.execute(_WATCH)
    async with world(pool, settings, utc_now) as opened:
        yield opened


def phone_of(round_: int, person: int) -> str:
    return f"+4477{round_:02}9{person:05}"


async def one_round(clinic: World, deliveries: list[Delivery], chance: random.Random, round_: int) -> None:
    """Everybody has a reply waiting; stops and workers start together, in random order and at random moments."""
    phones = [phone_of(round_, n) for n in range(PEOPLE)]
    await asyncio.gather(*(clinic.writes("Hello", phone=p, account=SMS) for p in phones))
    await asyncio.gather(*(clinic.replies("Good morning", phone=p, channel=clinic.account(SMS).channel) for p in phones))

    async def stops(phone: str) -> None:
        await asyncio.sleep(chance.random() * 0.25)
        await clinic.writes("STOP", phone=phone, account=SMS)

    chance.shuffle(phones)
    await asyncio.gather(*(stops(p) for p in phones), *(d.run(deadline_s=10, linger_s=0.3) for d in deliveries))


async def test_no_claim_commits_after_a_stop_that_covers_it(clinic: World, database_url: str, settings: Settings) -> None:
    chance = random.Random(20261124)
    account = clinic.account(SMS)
    pools = [await open_pool(database_url, min_size=1, max_size=4) for _ in range(WORKERS)]
    transports = [RecordingTransport(wait_s=0.002) for _ in pools]
    deliveries = [
        Delivery(p, account, ADAPTERS[account.adapter], t, policy=settings.policy, clock=utc_now, in_flight=8)
        for p, t in zip(pools, transports, strict=True)
    ]
    for round_ in range(ROUNDS):
        await one_round(clinic, deliveries, chance, round_)
    await deliveries[0].run(deadline_s=20, linger_s=0.5)  # what the race left over
    for p in pools:
        p.terminate()

    assert await clinic.rows(_IGNORED_STOPS) == []
    counts = {
        str(r["status"]): int(str(r["n"]))
        for r in await clinic.rows("SELECT status, count(*) AS n FROM message WHERE kind = 'RPL' GROUP BY 1")
    }
    assert sum(counts.values()) == PEOPLE * ROUNDS
    assert set(counts) <= {"accepted", "refused"}
    assert min(counts.get("accepted", 0), counts.get("refused", 0)) > 0, "the race was never close"
    assert sum(len(t.sent) for t in transports) == counts["accepted"]
