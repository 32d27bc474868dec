"""A campaign at scale: counting, writing the list, facts, claims, and the worker's memory. BENCH_PEOPLE: 1,000,000 by default.

Each stands beside what PostgreSQL takes for the bare work in the same run: one join with nothing decided, the same rows
written with nothing asked, a queue of the same rows worked off with nobody's rights looked at.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from bench.clinic import Clinic, clinic
from bench.crowd import campaign_of, crowd
from bench.daylight import beginning, daylight
from bench.report import Line, show
from hub.campaigns.acts import asker_of
from hub.campaigns.content import examine
from hub.campaigns.work import CampaignWork
from hub.model.ids import CampaignId
from hub.store import audience, campaigns, turns
from hub.store.pool import Connection, Pool, open_pool

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "1000000"))
CLAIMS = int(os.environ.get("BENCH_CLAIMS", "60000"))
_LEAST_PEOPLE = max(4 * CLAIMS, 40_000)  # the facts alone are read of 20,000 on the list
_JOIN = """
SELECT count(*) FROM consent_state s
JOIN identity i ON i.contact_id = s.contact_id AND i.channel = s.channel AND i.address_hash = s.address_hash
WHERE s.channel = 'sms' AND s.purpose = 'promotion'
"""
_BARE_LIST = "CREATE TABLE bare_list (LIKE recipient INCLUDING ALL)"
_BARE_WRITE = "INSERT INTO bare_list SELECT * FROM recipient WHERE campaign_id = $1 ORDER BY contact_id"
_BARE_CLAIM = """
UPDATE bare_list b SET state = 'cancelled' FROM (
    SELECT contact_id FROM bare_list WHERE campaign_id = $1 AND contact_id > $2 AND state = 'pending'
    ORDER BY contact_id LIMIT 500 FOR UPDATE SKIP LOCKED
) n WHERE b.campaign_id = $1 AND b.contact_id = n.contact_id RETURNING b.contact_id
"""


def main() -> None:
    """Measure and show. Raises SystemExit with a sentence where the list would be too short for what is measured on it."""
    if PEOPLE < _LEAST_PEOPLE:
        raise SystemExit(
            f"BENCH_PEOPLE={PEOPLE} is too few for BENCH_CLAIMS={CLAIMS}: two workers claim so many each, and about half of the people"
            f" come on the list. Set BENCH_PEOPLE to {_LEAST_PEOPLE} or more, or BENCH_CLAIMS to less."
        )
    with clinic() as open_clinic:
        lines = asyncio.run(_measure(open_clinic))
    show(f"A campaign among {PEOPLE:,} people", lines)


async def _measure(open_clinic: Clinic) -> list[Line]:
    began = beginning()
    pool = await open_pool(open_clinic.settings.database_url or "", min_size=4, max_size=8)
    async with pool.acquire() as conn:
        seeding = await _timed(lambda: crowd(conn, PEOPLE, now=daylight(began)))
        campaign_id = await campaign_of(conn, open_clinic.settings, now=daylight(began))
    lines = [Line(case="making the people", figure=f"{seeding:.0f} s")]
    lines += await _counting(pool, open_clinic, campaign_id)
    lines += await _writing(pool, open_clinic, campaign_id)
    lines += await _facts(pool, campaign_id)
    lines += await _claiming(pool, open_clinic, campaign_id)
    await pool.close()
    return lines


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await work()
    return time.perf_counter() - began


async def _counting(pool: Pool, open_clinic: Clinic, campaign_id: CampaignId) -> list[Line]:
    settings = open_clinic.settings
    async with pool.acquire() as conn:
        campaign = await campaigns.one(conn, campaign_id)
        assert campaign is not None
        question = asker_of(campaign.draft, examine(campaign.draft, settings), settings).question(campaign.created_at)
        bare = min([await _timed(lambda: conn.fetchval(_JOIN)) for _ in range(3)])
        counts = [
            await _timed(lambda: audience.count_in_lanes(conn, pool, question, settings.policy, now=campaign.created_at)) for _ in range(5)
        ]
    took = sorted(counts)[2]
    return [
        Line(
            case="count with every reason, median of 5", figure=f"{took:.2f} s", ceiling=f"{bare:.2f} s", ratio=f"{took / bare:.1f}x",
            target="< 2 s for 1,000,000", ok=took * 1_000_000 / PEOPLE < 2,
        )
    ]  # fmt: skip


async def _writing(pool: Pool, open_clinic: Clinic, campaign_id: CampaignId) -> list[Line]:
    work = CampaignWork(pool, open_clinic.settings, clock=lambda: daylight(beginning()))
    began = time.perf_counter()
    while (campaign := await work.freeze_slice(campaign_id)) is not None and campaign.frozen_at is None:
        pass
    took = time.perf_counter() - began
    async with pool.acquire() as conn:
        listed = (await campaigns.sheet(conn, campaign_id))["ALLOW"]
        await conn.execute(_BARE_LIST)
        bare = await _timed(lambda: conn.execute(_BARE_WRITE, campaign_id, timeout=300))
        await conn.execute("VACUUM ANALYZE recipient", timeout=300)
        await conn.execute("VACUUM ANALYZE bare_list", timeout=300)
    return [
        Line(
            case=f"writing a list of {listed:,}", figure=f"{took:.1f} s ({listed / took:,.0f}/s)", ceiling=f"{bare:.1f} s",
            ratio=f"{took / bare:.1f}x", target="< 10 s for 600,000", ok=took * 600_000 / listed < 10,
        )
    ]  # fmt: skip


async def _facts(pool: Pool, campaign_id: CampaignId) -> list[Line]:
    async with pool.acquire() as conn:
        campaign = await campaigns.one(conn, campaign_id)
        assert campaign is not None
        times, after = [], audience.FIRST
        for _ in range(40):
            async with conn.transaction():
                held = await turns.lock_turns(conn, campaign_id, after=after, now=daylight(beginning()), limit=500)
                after = held[-1].contact_id
                times.append(await _timed(lambda t=held: turns.facts_of(conn, campaign, t, now=campaign.created_at)))  # type: ignore[misc]
            people = [t.contact_id for t in held]
            bare = 1000 * await _timed(lambda who=people: conn.fetch("SELECT * FROM contact WHERE id = ANY($1)", who))  # type: ignore[misc]
    took = sorted(times)[len(times) // 2] * 1000
    return [
        Line(
            case="facts of 500 people, median", figure=f"{took:.1f} ms", ceiling=f"{bare:.1f} ms", ratio=f"{took / bare:.1f}x",
            target="< 10 ms", ok=took < 10,
        )
    ]  # fmt: skip


async def _claiming(pool: Pool, open_clinic: Clinic, campaign_id: CampaignId) -> list[Line]:
    bare = await _bare_claims(pool, campaign_id)
    alone, whole = _worker(open_clinic, campaign_id, "claims"), _worker(open_clinic, campaign_id, "whole")
    return [
        Line(
            case="claims with the full decision, one worker", figure=f"{alone['rate']:,.0f}/s", ceiling=f"{bare:,.0f}/s",
            ratio=f"{alone['rate'] / bare:.2f}", target=">= 10,000/s", ok=alone["rate"] >= 10_000,
        ),
        Line(case="... processor time of the worker itself", figure=f"{alone['cpu_us']:.0f} us each"),
        Line(case="claimed, sent to an instant double, recorded", figure=f"{whole['rate']:,.0f}/s"),
        Line(case="worker memory", figure=f"{whole['rss'] / 1e6:.0f} MB", target="< 200 MB", ok=whole["rss"] < 200e6),
    ]  # fmt: skip


def _worker(open_clinic: Clinic, campaign_id: UUID, mode: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.campaign_claims", str(campaign_id), mode, str(CLAIMS)]
    done = subprocess.run(command, env=open_clinic.environ, check=True, stdout=subprocess.PIPE, timeout=300)
    return dict(json.loads(done.stdout.splitlines()[-1]))


async def _bare_claims(pool: Pool, campaign_id: UUID) -> float:
    """Rows a second a queue of the same shape gives, two connections side by side."""
    after, done = audience.FIRST, 0

    async def lane(conn: Connection) -> None:
        nonlocal after, done
        while done < CLAIMS and (rows := await conn.fetch(_BARE_CLAIM, campaign_id, after)):
            done += len(rows)
            after = max(after, *(r["contact_id"] for r in rows))

    began = time.perf_counter()
    async with pool.acquire() as one, pool.acquire() as other:
        await asyncio.gather(lane(one), lane(other))
    return done / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
