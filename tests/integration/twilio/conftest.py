"""A clinic whose Twilio is the double: settings that point at it, and a runtime over them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from channels.sandbox.twilio import TwilioDouble
from hub.settings import Settings
from hub.store.pool import Pool
from tests.world import SMS, WHATSAPP, StandingClock, World, world
from workers.runtime import Runtime

NOBODY_LISTENS = "http://127.0.0.1:9"


@pytest.fixture
async def double(settings: Settings, clock: StandingClock) -> AsyncIterator[TwilioDouble]:
    account = settings.accounts[SMS]
    async with TwilioDouble(str(account.options["account_sid"]), "unused", statuses=False, pace=0, clock=clock).serve() as double:
        for account_id in (SMS, WHATSAPP):
            double.own(settings.accounts[account_id])
        yield double


@pytest.fixture
def pointed(settings: Settings, double: TwilioDouble) -> Settings:
    """The house's settings with Twilio's accounts alone, pointed at the double; its webhooks reach nobody."""
    there = {"api_base_url": double.base_url, "media_host": double.media_host}
    accounts = {
        i: replace(settings.accounts[i], public_url=NOBODY_LISTENS, options={**settings.accounts[i].options, **there})
        for i in (SMS, WHATSAPP)
    }
    return replace(settings, accounts={**settings.accounts, **accounts})


@pytest.fixture
async def runtime(pointed: Settings, pool: Pool, clock: StandingClock) -> AsyncIterator[Runtime]:
    only = replace(pointed, accounts={i: a for i, a in pointed.accounts.items() if i in (SMS, WHATSAPP)})
    async with AsyncExitStack() as stack:
        yield Runtime(only, pool, stack, clock)


@pytest.fixture
async def clinic(pointed: Settings, pool: Pool, clock: StandingClock) -> AsyncIterator[World]:
    async with world(pool, pointed, clock) as opened:
        yield opened
