"""A clinic with campaigns: two colleagues, people who agreed, and workers that can be started and killed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime

import pytest

from channels.registry import ADAPTERS
from hub.campaigns import acts
from hub.campaigns.source import CampaignSource
from hub.campaigns.work import CampaignWork
from hub.gate.deliver import Delivery
from hub.model.campaign import Campaign, Progress
from hub.model.ids import CampaignId
from hub.settings import Settings
from hub.store import campaigns
from hub.store.pool import Pool
from tests.integration.campaigns.people import Person, write
from tests.integration.campaigns.samples import draft
from tests.integration.campaigns.staff import staff
from tests.world import SMS, RecordingTransport, StandingClock, World, world


class Desk:
    """What the tests of campaigns do again and again."""

    def __init__(self, clinic: World, clock: Callable[[], datetime]) -> None:
        self.clinic, self.clock = clinic, clock
        self.pool, self.settings, self.transport = clinic.pool, clinic.settings, clinic.transport

    async def people(self, *people: Person) -> None:
        async with self.pool.acquire() as conn:
            await write(conn, self.settings, people, now=self.clock())

    async def draft(self, **changes: object) -> CampaignId:
        async with self.pool.acquire() as conn, conn.transaction():
            writer = await staff(conn, "jo", self.clock())
            return await acts.create(conn, draft(**changes), by=writer, now=self.clock(), settings=self.settings)

    async def approve(self, campaign_id: CampaignId, *, by: str = "sam") -> None:
        async with self.pool.acquire() as conn, conn.transaction():
            approver = await staff(conn, by, self.clock())
            found = await campaigns.one(conn, campaign_id)
            assert found is not None
            seen = acts.approval_hash(found.draft)
            await acts.approve(conn, campaign_id, by=approver, seen=seen, now=self.clock(), settings=self.settings)

    async def started(self, **changes: object) -> CampaignId:
        """A campaign written, approved by another, its list frozen, and begun."""
        campaign_id = await self.draft(**changes)
        await self.approve(campaign_id)
        await self.act(acts.start, campaign_id)
        return campaign_id

    async def act(self, act: Callable[..., object], campaign_id: CampaignId, **more: object) -> None:
        async with self.pool.acquire() as conn, conn.transaction():
            by = await staff(conn, "jo", self.clock())
            await act(conn, campaign_id, by=f"staff:{by}" if act is acts.start else by, now=self.clock(), **more)  # type: ignore[misc]

    def work(self) -> CampaignWork:
        return CampaignWork(self.pool, self.settings, clock=self.clock)

    def way_out(self, transport: RecordingTransport | None = None, **changes: object) -> Callable[[CampaignSource], Delivery]:
        account = self.settings.accounts[SMS]

        def made(source: CampaignSource) -> Delivery:
            return Delivery(
                self.pool, account, ADAPTERS[account.adapter], transport or self.transport, policy=self.settings.policy, clock=self.clock,
                source=source, **changes,  # type: ignore[arg-type]
            )  # fmt: skip

        return made

    async def runs(self, campaign_id: CampaignId, *, deadline_s: float = 10, **changes: object) -> int:
        """A worker takes one slice of it."""
        return await self.work().run(campaign_id, self.way_out(**changes), deadline_s=deadline_s, linger_s=0.05)  # type: ignore[arg-type]

    async def campaign(self, campaign_id: CampaignId) -> Campaign:
        async with self.pool.acquire() as conn:
            found = await campaigns.one(conn, campaign_id)
        assert found is not None
        return found

    async def progress(self, campaign_id: CampaignId) -> Progress:
        async with self.pool.acquire() as conn:
            return await campaigns.progress(conn, campaign_id)

    async def sheet(self, campaign_id: CampaignId) -> dict[str, int]:
        async with self.pool.acquire() as conn:
            return await campaigns.sheet(conn, campaign_id)


@pytest.fixture
async def desk(pool: Pool, settings: Settings, clock: StandingClock) -> AsyncIterator[Desk]:
    async with world(pool, settings, clock) as opened:
        yield Desk(opened, clock)
