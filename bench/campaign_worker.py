"""A worker on one campaign, in a process of its own that may be killed at any moment: slice after slice until it has ended.

`python -m bench.campaign_worker CAMPAIGN BEGAN`: its id, and the wall's time when the run's clock said eleven.
"""

from __future__ import annotations

import os
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import uvloop

from bench.clinic import CONFIG
from bench.daylight import daylight
from channels.registry import ADAPTERS
from hub.campaigns.source import CampaignSource
from hub.campaigns.work import CampaignWork
from hub.gate.deliver import Delivery
from hub.model.campaign import CampaignState
from hub.model.ids import AccountId, CampaignId
from hub.settings import load_settings
from hub.store import campaigns
from hub.store.pool import open_pool

IN_FLIGHT, CLAIMS = 200, 2
OVER = (CampaignState.FINISHED, CampaignState.CANCELLED)


async def main(campaign: UUID, began: datetime) -> None:
    """Work until the campaign has ended, or we are killed."""
    loaded = load_settings(os.environ, CONFIG)
    accounts = {i: replace(a, rate_per_s=100_000.0, burst=100_000) for i, a in loaded.accounts.items()}
    policy = replace(loaded.policy, campaign_stopped_permille=1000)  # many stop here, and it goes on all the same
    settings, campaign_id = replace(loaded, accounts=accounts, policy=policy), CampaignId(campaign)
    account = settings.accounts[AccountId("sms-sandbox")]
    adapter = ADAPTERS[account.adapter]
    assert adapter.open_transport
    async with AsyncExitStack() as stack:
        transport = await stack.enter_async_context(adapter.open_transport(account))
        pool = await open_pool(settings.database_url or "", min_size=2, max_size=6)
        stack.push_async_callback(pool.close)

        def way_out(source: CampaignSource) -> Delivery:
            return Delivery(
                pool, account, adapter, transport, policy=settings.policy, clock=lambda: daylight(began), source=source,
                in_flight=IN_FLIGHT, claims=CLAIMS,
            )  # fmt: skip

        work = CampaignWork(pool, settings, clock=lambda: daylight(began))
        while True:
            await work.run(campaign_id, way_out, deadline_s=20)
            async with pool.acquire() as conn:
                found = await campaigns.one(conn, campaign_id)
            if found is None or found.state in OVER:
                return


if __name__ == "__main__":
    uvloop.run(main(UUID(sys.argv[1]), datetime.fromisoformat(sys.argv[2])))
