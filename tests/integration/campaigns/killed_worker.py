"""A campaign worker in a process of its own, to be killed: sends to a file, line by line, whatever the judge lets go."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from channels.registry import ADAPTERS
from hub.campaigns.source import CampaignSource
from hub.campaigns.work import CampaignWork
from hub.gate.deliver import Delivery
from hub.model.ids import CampaignId
from hub.model.message import ProviderRequest, ProviderResponse
from hub.settings import load_settings
from hub.store.pool import open_pool
from tests.conftest import CONFIG
from tests.world import SMS, RecordingTransport


class WritingTransport(RecordingTransport):
    """Every number it is given goes to a file before it answers: what a provider would know after our death."""

    def __init__(self, path: Path) -> None:
        super().__init__(wait_s=0.005)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def send(self, request: ProviderRequest) -> ProviderResponse:
        os.write(self._file, f"{request.fields.reveal()['to']}\n".encode())
        return await super().send(request)


async def main(database_url: str, campaign_id: str, path: str) -> None:
    """Work on the campaign until it is done or we are killed."""
    loaded = load_settings(dict(os.environ), CONFIG)
    settings = replace(loaded, accounts={i: replace(a, rate_per_s=100_000.0, burst=100_000) for i, a in loaded.accounts.items()})
    settings = replace(settings, policy=replace(settings.policy, campaign_stopped_permille=1000))
    pool = await open_pool(database_url, min_size=1, max_size=4)
    account, transport = settings.accounts[SMS], WritingTransport(Path(path))

    def clock() -> datetime:
        return datetime.fromisoformat(os.environ["TEST_NOW"]) + (datetime.now(UTC) - began)

    began = datetime.now(UTC)

    def way_out(source: CampaignSource) -> Delivery:
        return Delivery(
            pool, account, ADAPTERS[account.adapter], transport, policy=settings.policy, clock=clock, source=source, in_flight=60
        )

    await CampaignWork(pool, settings, clock=clock).run(CampaignId(UUID(campaign_id)), way_out, deadline_s=20)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
