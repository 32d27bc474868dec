"""The web application over a database of its own, a browser stand-in, and people who may sign in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from hub.app import make_app
from hub.desks.account import passwords
from hub.model.ids import StaffId
from hub.settings import Settings
from hub.store import staff
from hub.store.pool import Pool
from tests.world import StandingClock, World, world

PASSWORD = "four quiet river stones"


@pytest.fixture
def web_settings(settings: Settings, database_url: str) -> Settings:
    return replace(settings, database_url=database_url, undo_s=6.0)


@pytest.fixture
async def app_client(web_settings: Settings, clock: StandingClock) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    async with TestClient(TestServer(make_app(web_settings, clock=clock))) as client:
        yield client


@pytest.fixture
async def clinic(pool: Pool, web_settings: Settings, clock: StandingClock) -> AsyncIterator[World]:
    async with world(pool, web_settings, clock) as opened:
        yield opened


@dataclass(slots=True)
class Browser:
    """One person's browser: keeps cookies, sends the Origin a browser sends, finds the token of the page it is on."""

    client: TestClient[web.Request, web.Application]
    token: str = ""

    @property
    def origin(self) -> str:
        return str(self.client.make_url("/")).rstrip("/")

    async def get(self, path: str, **more: object) -> tuple[ClientResponse, str]:
        response = await self.client.get(path, **more)  # type: ignore[arg-type]
        text = await response.text()
        if found := re.search(r'name="csrf" content="([^"]+)"', text):
            self.token = found[1]
        return response, text

    async def post(self, path: str, *, follow: bool = True, **fields: str) -> tuple[ClientResponse, str]:
        response = await self.client.post(
            path, data={"csrf": self.token, **fields}, headers={"Origin": self.origin}, allow_redirects=follow
        )
        return response, await response.text()


@pytest.fixture
def browser(app_client: TestClient[web.Request, web.Application]) -> Browser:
    return Browser(app_client)


Hire = Callable[..., Awaitable[StaffId]]


@pytest.fixture
def hire(pool: Pool, clock: StandingClock) -> Hire:
    """Add somebody with the known password."""

    async def add(role: str = "front_desk", *, email: str = "priya@fenwicklane.example", name: str = "Priya Nair") -> StaffId:
        hashed = await passwords.hashed(PASSWORD)
        async with pool.acquire() as conn, conn.transaction():
            staff_id = await staff.add_staff(conn, email=email, name=name, role=role, now=clock())
            await staff.set_password(conn, staff_id, name=None, hashed=hashed)
        return staff_id

    return add


@pytest.fixture
async def signed_in(browser: Browser, hire: Hire) -> Browser:
    """A receptionist at the inbox."""
    await hire()
    await browser.post("/sign-in", email="priya@fenwicklane.example", password=PASSWORD)
    await browser.get("/inbox")
    return browser
