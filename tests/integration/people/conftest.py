"""A clinic with its words archived, for the tests of people's lives."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hub import wordings
from hub.settings import Settings
from hub.store import wordings as archive
from hub.store.pool import Pool
from tests.world import StandingClock, World, world


@pytest.fixture
async def clinic(pool: Pool, settings: Settings, clock: StandingClock) -> AsyncIterator[World]:
    async with pool.acquire() as conn:
        await archive.register(conn, wordings.load(settings.config_dir / "wordings").entries)
    async with world(pool, settings, clock) as opened:
        yield opened
