"""One campaign worker alone, to be measured: `python -m bench.campaign_claims CAMPAIGN claims|whole PEOPLE`.

claims: lock, look, decide and write, and hand over nothing. whole: the same through the way out, to a provider that takes
everything at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from dataclasses import replace
from uuid import UUID, uuid4

import psutil
import uvloop

from bench.clinic import CONFIG
from bench.daylight import beginning, daylight
from channels.registry import ADAPTERS
from hub import collector
from hub.campaigns.source import MOST_AT_ONCE, CampaignSource
from hub.gate.claim import Claimed
from hub.gate.deliver import Delivery
from hub.model.ids import AccountId
from hub.model.message import OutboundMessage, ProviderRequest, ProviderResponse, SendResult
from hub.model.sealed import Sealed
from hub.settings import load_settings
from hub.store import campaigns
from hub.store.pool import open_pool
from workers.campaigns import CLAIMS, IN_FLIGHT


class Instant:
    """Takes every message at once, and never goes near a network."""

    async def send(self, _request: ProviderRequest) -> ProviderResponse:
        """Accepted, under an id of its own."""
        return ProviderResponse(status=201, body=Sealed({"sid": f"SM{uuid4().hex}", "status": "queued"}))

    async def look_up(self, _message: OutboundMessage, _since: object) -> SendResult | None:
        """Nothing is ever unknown here."""
        return None


class Counting(CampaignSource):
    """Stops when enough people were looked at."""

    looked_at, enough = 0, 0

    async def claim(self, limit: int) -> tuple[list[Claimed], int]:
        """As the source, until enough were."""
        if self.looked_at >= self.enough:
            return [], 0
        claimed, turns = await super().claim(limit)
        self.looked_at += turns
        return claimed, turns


async def main(campaign_id: UUID, mode: str, people: int) -> dict[str, float]:
    """Rate in people a second, the process's own processor time for each in microseconds, memory in bytes."""
    began_day = beginning()
    collector.look_rarely()  # as the worker does
    loaded = load_settings(os.environ, CONFIG)
    accounts = {i: replace(a, rate_per_s=1e6, burst=1_000_000) for i, a in loaded.accounts.items()}
    settings, account = replace(loaded, accounts=accounts), accounts[AccountId("sms-sandbox")]
    pool = await open_pool(settings.database_url or "", min_size=4, max_size=8)
    async with pool.acquire() as conn:
        campaign = await campaigns.one(conn, campaign_id)
    assert campaign is not None
    source = Counting(pool, campaign, settings, clock=lambda: daylight(began_day))
    await source_warm(source)
    source.enough = source.looked_at + people
    before, began, cpu = source.looked_at, time.perf_counter(), time.process_time()
    if mode == "claims":
        await asyncio.gather(*(lane(source) for _ in range(CLAIMS)))
    else:
        way_out = Delivery(
            pool, account, ADAPTERS[account.adapter], Instant(), policy=settings.policy, clock=lambda: daylight(began_day),  # type: ignore[arg-type]
            in_flight=IN_FLIGHT, claims=CLAIMS, source=source,
        )  # fmt: skip
        await way_out.run(deadline_s=120, linger_s=0.05)
    seconds, done = time.perf_counter() - began - (0.05 if mode == "whole" else 0.0), source.looked_at - before
    await pool.close()
    spent = time.process_time() - cpu
    return {"rate": done / seconds, "cpu_us": spent / done * 1e6, "rss": psutil.Process().memory_info().rss}


async def source_warm(source: Counting) -> None:
    """A first claim finds the place on the list, and plans its statements."""
    source.enough = 1
    await source.claim(MOST_AT_ONCE)


async def lane(source: Counting) -> None:
    """Claim, again and again, and send nothing."""
    while (await source.claim(MOST_AT_ONCE))[1]:
        pass


if __name__ == "__main__":
    print(json.dumps(uvloop.run(main(UUID(sys.argv[1]), sys.argv[2], int(sys.argv[3])))))
