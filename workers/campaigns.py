"""A campaign's slice of work in a worker process: the parts of this process, put under `hub.campaigns.work`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from channels.registry import ADAPTERS
from hub.campaigns.source import CampaignSource
from hub.campaigns.work import CampaignWork
from hub.gate.deliver import Delivery
from hub.model.ids import CampaignId
from hub.store import campaigns
from workers.runtime import Runtime

SLICE_S = 20.0
IN_FLIGHT = 2000
CLAIMS = 3


async def run(runtime: Runtime, campaign_id: CampaignId, *, alive: Callable[[], Awaitable[None]]) -> int:
    """Work on one campaign for at most about SLICE_S. How many people were let go; none where its account cannot send."""
    async with runtime.pool.acquire() as conn:
        found = await campaigns.one(conn, campaign_id)
    account = runtime.settings.accounts.get(found.draft.account_id) if found else None
    transport = await runtime.transport(account.id) if account else None

    def way_out(source: CampaignSource) -> Delivery | None:
        if account is None or transport is None:
            return None
        adapter, policy = ADAPTERS[account.adapter], runtime.settings.policy
        return Delivery(
            runtime.pool,
            account,
            adapter,
            transport,
            policy=policy,
            clock=runtime.clock,
            in_flight=IN_FLIGHT,
            claims=CLAIMS,
            source=source,
            held=runtime.spool.waiting,
        )

    work = CampaignWork(runtime.pool, runtime.settings, clock=runtime.clock, alive=alive)
    return await work.run(campaign_id, way_out, deadline_s=SLICE_S)
