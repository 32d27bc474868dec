"""The web application and a worker's runtime over one database, with WeChat played beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from channels.sandbox.wechat import WeChatDouble
from hub.app import make_app
from hub.gate import Draft, Queued, queue
from hub.model.address import Address, AddressClass, Channel
from hub.model.ids import AccountId, ConversationId
from hub.model.message import Account
from hub.model.permission import Kind
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.store.pool import Pool
from tests.world import StandingClock
from workers.follow_ups import run as follow_up
from workers.runtime import Runtime

WECHAT = AccountId("wechat-sandbox")
AMY = "oAMY000000000000000000000001"


@dataclass
class Hub:
    """A clinic on WeChat: the double, the web application's port, and a worker's runtime."""

    pool: Pool
    settings: Settings
    clock: StandingClock
    double: WeChatDouble
    runtime: Runtime
    app: web.Application

    @property
    def account(self) -> Account:
        return self.settings.accounts[WECHAT]

    async def rows(self, sql: str, *values: object) -> list[Mapping[str, object]]:
        async with self.pool.acquire() as conn:
            return list(await conn.fetch(sql, *values))

    async def count(self, sql: str) -> object:
        async with self.pool.acquire() as conn:
            return await conn.fetchval(sql)

    async def recorded(self) -> None:
        """Wait until what was said in an answer is written down, which happens right after the answer."""
        for _ in range(100):
            if not await self.count("SELECT count(*) FROM message WHERE status = 'sending'"):
                return
            await asyncio.sleep(0.02)

    async def replies(self, text: str, *, kind: Kind = Kind.RPL, person: str = AMY) -> Queued:
        """Staff answer the person."""
        address = Address(kind=AddressClass.WECHAT, value=Sealed(f"{WECHAT}:{person}"))
        async with self.pool.acquire() as conn, conn.transaction():
            found = await conn.fetchval(
                "SELECT c.id FROM conversation c JOIN identity i USING (contact_id) WHERE i.address_hash = $1 ORDER BY c.id DESC LIMIT 1",
                self.settings.hasher.hash(address),
            )
            draft = Draft(
                conversation_id=ConversationId(found),
                kind=kind,
                channel=Channel.WECHAT,
                text=Sealed(text),
                written_by=None,
                send_after=self.clock() - timedelta(seconds=1),
            )
            return await queue(conn, draft, now=self.clock(), settings=self.settings)

    async def works(self) -> int:
        """A worker does what follows and delivers what is due; how many messages were let go."""
        await self.recorded()
        for topic in ("acknowledge", "confirm_stop", "fetch_media"):
            await follow_up(self.runtime, topic)
        delivery = await self.runtime.delivery(WECHAT)
        assert delivery
        return await delivery.run(deadline_s=5, linger_s=0.05)


@asynccontextmanager
async def opened_hub(pool: Pool, settings: Settings, clock: StandingClock) -> AsyncIterator[Hub]:
    """Start it all; the double is asked at its own port, and reaches the application at its."""
    app = make_app(settings, clock=clock)
    server = TestServer(app)
    async with AsyncExitStack() as stack:
        await server.start_server()
        stack.push_async_callback(server.close)
        double = WeChatDouble(public_url=settings.public_url, web_url=str(server.make_url("/")).rstrip("/"), clock=clock)
        await stack.enter_async_context(double.serve())
        account = settings.accounts[WECHAT]
        options = dict(account.options) | {"api_base_url": double.base_url, "media_host": double.media_host}
        found = replace(settings, accounts={**settings.accounts, WECHAT: replace(account, options=options)})
        double.own(found.accounts[WECHAT])
        yield Hub(pool, found, clock, double, Runtime(found, pool, stack, clock), app)


@pytest.fixture
def own_settings(settings: Settings, database_url: str, tmp_path: Path) -> Settings:
    """Settings with a data folder of the test's own, since a spool lies there."""
    return replace(settings, database_url=database_url, data_dir=tmp_path)


@pytest.fixture
async def hub(pool: Pool, own_settings: Settings, clock: StandingClock) -> AsyncIterator[Hub]:
    async with opened_hub(pool, own_settings, clock) as found:
        yield found
