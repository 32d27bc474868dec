"""What a worker does with one campaign: write its list, start it when its time has come, send, and see that it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from hub.campaigns import acts
from hub.campaigns.asking import Asker
from hub.campaigns.limits import limits
from hub.campaigns.source import CampaignSource
from hub.gate.content import from_row
from hub.gate.deliver import Delivery
from hub.model.campaign import Campaign, CampaignState
from hub.model.ids import CampaignId
from hub.settings import Settings
from hub.store import audience, campaigns, recipients
from hub.store.pool import Pool

log = structlog.get_logger("campaigns")

SLICE = 300_000  # consents looked at in one transaction while the list is written
LIMITS_EVERY_S = 5.0
LOOK_AGAIN = timedelta(seconds=1)

MakeDelivery = Callable[[CampaignSource], Delivery | None]


class CampaignWork:
    """One campaign in one worker. alive: called often enough to keep the lease on it."""

    def __init__(
        self, pool: Pool, settings: Settings, *, clock: Callable[[], datetime], alive: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._pool, self._settings, self._clock, self._alive = pool, settings, clock, alive

    async def run(self, campaign_id: CampaignId, make_delivery: MakeDelivery, *, deadline_s: float, linger_s: float = 0.1) -> int:
        """Do what there is to do, for about `deadline_s` at most. How many people were let go.

        make_delivery: the way out of the campaign's account; None where nothing can leave, and then everybody waits.
        """
        end = asyncio.get_running_loop().time() + deadline_s
        campaign = await self.prepare(campaign_id, end)
        if campaign is None or campaign.state is not CampaignState.RUNNING or campaign.frozen_at is None:
            return 0
        asker = self._asker(campaign)
        if (until := asker.quiet_until(self._clock())) is not None:
            async with self._pool.acquire() as conn:
                await campaigns.hold_until(conn, campaign.id, until)
            return 0
        source = CampaignSource(self._pool, campaign, self._settings, clock=self._clock)
        left_s = max(0.1, end - asyncio.get_running_loop().time())
        delivery = make_delivery(source)
        looked_at = asyncio.get_running_loop().time()

        async def beat() -> None:
            nonlocal looked_at
            if self._alive:
                await self._alive()
            if asyncio.get_running_loop().time() - looked_at > LIMITS_EVERY_S:
                await self.pause_beyond_limits(campaign.id)
                looked_at = asyncio.get_running_loop().time()

        let_go = await delivery.run(deadline_s=left_s, linger_s=linger_s, alive=beat) if delivery else 0
        await self.pause_beyond_limits(campaign.id)
        await self._settle(campaign.id)
        return let_go

    async def pause_beyond_limits(self, campaign_id: CampaignId) -> None:
        """Pause it when too many sends failed, or too many people complained or stopped after they got it.

        Whoever lets it go on has seen that: from then on it is counted anew.
        """
        async with self._pool.acquire() as conn:
            passed = [x for x in limits(await campaigns.reactions(conn, campaign_id), self._settings.policy) if x.passed]
        if not passed:
            return
        async with self._pool.acquire() as conn, conn.transaction():
            campaign = await campaigns.one(conn, campaign_id, lock=True)
            if campaign is not None and campaign.state is CampaignState.RUNNING:
                await acts.pause_itself(conn, campaign_id, limit=passed[0].name, now=self._clock())
                log.warning("campaign.paused_itself", campaign=str(campaign_id), limit=passed[0].name)

    async def prepare(self, campaign_id: CampaignId, end: float) -> Campaign | None:
        """Write the list and start the campaign, as far as it is time for either; the campaign as it then is."""
        async with self._pool.acquire() as conn:
            campaign = await campaigns.one(conn, campaign_id)
        if campaign is None or campaign.state is CampaignState.DRAFT:
            return None
        if campaign.state is CampaignState.CANCELLED:
            await self._clear(campaign_id)
            return None
        while campaign is not None and campaign.frozen_at is None and asyncio.get_running_loop().time() < end:
            campaign = await self.freeze_slice(campaign_id)
            if self._alive:
                await self._alive()
        if campaign is not None and campaign.state is CampaignState.SCHEDULED:
            return await self._start_when_due(campaign_id)
        return campaign

    async def freeze_slice(self, campaign_id: CampaignId, *, size: int = SLICE) -> Campaign | None:
        """Write the next part of the list with its counts; the campaign afterwards, None when it was given up."""
        async with self._pool.acquire() as conn, conn.transaction():
            campaign = await campaigns.one(conn, campaign_id, lock=True)
            if campaign is None or campaign.approved_at is None or campaign.state is CampaignState.CANCELLED:
                return None
            if campaign.frozen_at is None:
                above = await campaigns.frozen_to(conn, campaign_id) or audience.FIRST
                to = await audience.slice_end(conn, above, size=size)
                now = self._clock()
                question = self._asker(campaign).question(now)
                counts = await audience.write(conn, campaign_id, question, self._settings.policy, above=above, to=to, now=now)
                await campaigns.slice_written(conn, campaign_id, counts, to=to)
                if to == audience.LAST:
                    await campaigns.list_is_whole(conn, campaign_id, now=now)
            return await campaigns.one(conn, campaign_id)

    async def _start_when_due(self, campaign_id: CampaignId) -> Campaign | None:
        async with self._pool.acquire() as conn, conn.transaction():
            campaign = await campaigns.one(conn, campaign_id, lock=True)
            due = campaign is not None and campaign.scheduled_at is not None and campaign.scheduled_at <= self._clock()
            if due and campaign is not None and campaign.state is CampaignState.SCHEDULED:
                await acts.start(conn, campaign_id, by="system:campaign", now=self._clock())
            return await campaigns.one(conn, campaign_id)

    async def _settle(self, campaign_id: CampaignId) -> None:
        """Finish it when everybody was asked about; else say when to look again."""
        now = self._clock()
        async with self._pool.acquire() as conn, conn.transaction():
            campaign = await campaigns.one(conn, campaign_id, lock=True)
            if campaign is None or campaign.state is not CampaignState.RUNNING:
                return
            left = await recipients.left(conn, campaign_id)
            if not left.pending and not left.in_flight:
                await acts.finish(conn, campaign_id, now=now)
            elif left.next_at is not None and left.next_at > now:
                await campaigns.hold_until(conn, campaign_id, left.next_at)
            else:
                await campaigns.hold_until(conn, campaign_id, None if left.pending else now + LOOK_AGAIN)

    async def _clear(self, campaign_id: CampaignId) -> None:
        last: UUID | None = audience.FIRST
        while last is not None:
            async with self._pool.acquire() as conn, conn.transaction():
                last = await recipients.cancel_pending(conn, campaign_id, after=last)
                if last is None:
                    await campaigns.list_is_cleared(conn, campaign_id, now=self._clock())
            if self._alive:
                await self._alive()

    def _asker(self, campaign: Campaign) -> Asker:
        draft = campaign.draft
        content = from_row(dict(campaign.content or {}))
        return Asker(draft=draft, content=content, account=self._settings.accounts.get(draft.account_id), policy=self._settings.policy)
