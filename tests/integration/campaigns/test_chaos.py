"""A campaign with people opting out all the while and its workers killed: nobody twice, no stop ignored, every person accounted for."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.campaigns import acts
from hub.model.campaign import CampaignState
from hub.model.ids import CampaignId
from hub.settings import Settings
from hub.store import delivery, turns
from hub.store.pool import Pool
from tests.conftest import NOW
from tests.integration.campaigns.conftest import Desk
from tests.integration.campaigns.people import agreed
from tests.world import SMS, RecordingTransport, world

PEOPLE, STOPS, IN_FLIGHT = 3000, 200, 20
# Each row remembers what its transaction could see: a claim let go whose snapshot already held the stop has ignored it.
_WATCH = """
ALTER TABLE decision ADD COLUMN seen pg_snapshot DEFAULT pg_current_snapshot();
ALTER TABLE suppression ADD COLUMN written_by_xact xid8 DEFAULT pg_current_xact_id();
"""
_IGNORED_STOPS = """
SELECT m.id FROM message m JOIN decision d ON d.id = m.decision_id AND d.outcome = 'ALLOW'
JOIN suppression s ON s.contact_id = m.contact_id AND s.scope = 'CHANNEL'
WHERE m.campaign_id IS NOT NULL AND pg_visible_in_snapshot(s.written_by_xact, d.seen)
"""
_FINAL = {"accepted", "failed", "unknown", "sent", "delivered", "read"}


def moving_clock() -> datetime:
    """The wall clock's pace from a Tuesday at eleven, so that the hour never decides a test."""
    return NOW + timedelta(seconds=time.monotonic() - _BEGAN)


_BEGAN = time.monotonic()


@pytest.fixture
async def busy(pool: Pool, settings: Settings) -> AsyncIterator[Desk]:
    async with pool.acquire() as conn:
        await conn.execute(_WATCH)
    calm = replace(settings.policy, campaign_stopped_permille=1000)  # here many stop, and it goes on all the same
    async with world(pool, replace(settings, policy=calm), moving_clock) as opened:
        yield Desk(opened, moving_clock)


async def frozen(desk: Desk, people: int) -> CampaignId:
    await desk.people(*(agreed(n, name=f"{'Amy' if n % 2 else 'Bo'} Fenn") for n in range(people)))
    campaign_id = await desk.started()
    await desk.work().freeze_slice(campaign_id)
    return campaign_id


async def opt_outs(desk: Desk, chance: random.Random, *, people: int, stops: int, over_s: float) -> None:
    async def stop(number: int) -> None:
        await asyncio.sleep(chance.random() * over_s)
        await desk.clinic.writes("STOP", phone=f"+4477009{number:05}", account=SMS)

    await asyncio.gather(*(stop(n) for n in chance.sample(range(people), stops)))


async def all_accounted_for(desk: Desk, campaign_id: CampaignId, left: Counter[str]) -> None:
    """The promises, read from the tables and from what the provider saw."""
    assert await desk.clinic.rows(_IGNORED_STOPS) == []
    assert not [number for number, times in left.items() if times > 1], "somebody was sent to twice"
    progress = await desk.progress(campaign_id)
    assert (progress.listed, progress.pending, progress.adds_up) == (PEOPLE, 0, True)
    assert set(progress.statuses) <= _FINAL
    # whoever the provider saw was let go; whoever it did not see is either unknown, or was never let go
    statuses = {
        str(r["address"]): str(r["status"])
        for r in await desk.clinic.rows(
            "SELECT i.address, m.status FROM message m JOIN identity i ON i.id = m.identity_id WHERE m.campaign_id = $1", campaign_id
        )
    }
    assert set(left) <= set(statuses)
    assert {statuses[number] for number in statuses if number not in left} <= {"unknown"}
    counts = Counter(str(r["n"]) for r in await desk.clinic.rows(
        "SELECT count(*) AS n FROM decision WHERE campaign_id = $1 AND outcome = 'ALLOW' GROUP BY message_id", campaign_id))  # fmt: skip
    assert sum(counts.values()) == progress.let_go


async def test_two_workers_with_stops_and_one_cut_off_account_for_everybody(busy: Desk) -> None:
    chance = random.Random(3)
    campaign_id = await frozen(busy, PEOPLE)
    transports = [RecordingTransport(wait_s=0.01) for _ in range(3)]
    workers = [asyncio.create_task(busy.runs(campaign_id, transport=t, in_flight=60)) for t in transports[:2]]
    stops = asyncio.create_task(opt_outs(busy, chance, people=PEOPLE, stops=STOPS, over_s=1.5))
    await asyncio.sleep(0.3)
    workers[0].cancel()
    await asyncio.wait(workers)
    await stops
    async with busy.pool.acquire() as conn:  # cut off between claim and hand-over: the clock finds these half a minute later
        await delivery.give_up_stale(conn, claimed_before=moving_clock() + timedelta(hours=1), now=moving_clock())
    await busy.runs(campaign_id, transport=transports[2])
    left = Counter(str(r.fields.reveal()["to"]) for t in transports for r in t.sent)
    await all_accounted_for(busy, campaign_id, left)
    assert (await busy.progress(campaign_id)).refused["STOP_CHANNEL"] > 0
    assert (await busy.campaign(campaign_id)).state is CampaignState.FINISHED


async def test_a_killed_worker_leaves_nobody_out_and_nobody_twice(
    busy: Desk, database_url: str, sandbox_environ: dict[str, str], tmp_path: Path
) -> None:
    campaign_id = await frozen(busy, PEOPLE)
    seen = tmp_path / "sent"
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.campaigns.killed_worker", database_url, str(campaign_id), str(seen),
        env={**sandbox_environ, "PATH": "/usr/bin:/bin", "TEST_NOW": moving_clock().isoformat()},
    )  # fmt: skip
    stops = asyncio.create_task(opt_outs(busy, random.Random(4), people=PEOPLE, stops=STOPS, over_s=3))
    for _ in range(600):
        await asyncio.sleep(0.02)
        if seen.exists() and seen.stat().st_size > 500 * 14:
            break
    worker.kill()
    assert await worker.wait() == -9
    in_flight = await busy.clinic.value("SELECT count(*) FROM message WHERE status = 'sending'")
    async with busy.pool.acquire() as conn:  # the clock finds them half a minute later
        given_up = await delivery.give_up_stale(conn, claimed_before=moving_clock() + timedelta(hours=1), now=moving_clock())
    assert len(given_up) == in_flight
    await stops
    await busy.runs(campaign_id)
    left = Counter(seen.read_text().split()) + Counter(str(r.fields.reveal()["to"]) for r in busy.transport.sent)
    await all_accounted_for(busy, campaign_id, left)
    assert (await busy.progress(campaign_id)).statuses.get("unknown", 0) == in_flight


async def test_pause_and_cancel_stop_all_but_those_on_their_way(busy: Desk) -> None:
    campaign_id = await frozen(busy, 1500)
    slow = RecordingTransport(wait_s=0.02)
    worker = asyncio.create_task(busy.runs(campaign_id, transport=slow, in_flight=IN_FLIGHT))
    await asyncio.sleep(0.4)
    await busy.act(acts.pause, campaign_id)
    let_go = len(slow.sent)
    await worker
    sent = len(slow.sent)
    assert sent - let_go <= 3 * IN_FLIGHT  # those on their way, and those claimed as the pause was written
    assert 0 < sent < 1500
    assert await busy.runs(campaign_id) == 0
    await busy.act(acts.cancel, campaign_id)
    await busy.runs(campaign_id)
    progress = await busy.progress(campaign_id)
    assert (progress.let_go, progress.cancelled, progress.pending) == (sent, 1500 - sent, 0)
    assert progress.adds_up


async def test_a_stop_waits_for_a_claim_that_is_deciding_and_no_claim_overlooks_one(busy: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    read = turns.facts_of

    async def read_and_think(*asked: Any, **named: Any) -> Any:
        found = await read(*asked, **named)
        await asyncio.sleep(0.02)  # the moment a stop must not slip into
        return found

    monkeypatch.setattr(turns, "facts_of", read_and_think)
    campaign_id = await frozen(busy, 1000)
    await asyncio.gather(
        busy.runs(campaign_id, in_flight=20), opt_outs(busy, random.Random(5), people=1000, stops=300, over_s=1.0)
    )  # fmt: skip
    assert await busy.clinic.rows(_IGNORED_STOPS) == []
    progress = await busy.progress(campaign_id)
    assert progress.adds_up
    assert min(progress.refused.get("STOP_CHANNEL", 0), progress.statuses["accepted"]) > 0
