"""The phone, the double, the webhook route, the intake, the gate and one database, joined as they run: the exercise itself."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
import pytest
from aiohttp import web

from channels.registry import ADAPTERS
from hub import practice, webhooks, wordings
from hub.bot.answers import Voice, confirm_stop
from hub.gate.deliver import Delivery
from hub.gate.passive import PassiveAnswers
from hub.intake.front import Front
from hub.intake.spool import Spool
from hub.model.address import Channel
from hub.settings import Settings
from hub.store.pool import Pool
from hub.web.keys import CLOCK, FRONT, INTAKE, PASSIVE, SETTINGS
from tests.world import WHATSAPP, World, world

PATIENT = "+447700900123"


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class House:
    world: World
    settings: Settings
    phone: aiohttp.ClientSession

    async def write(self, text: str, on: str = "whatsapp") -> None:
        async with self.phone.post("/write", data={"who": "123", "on": on, "text": text}) as answer:
            assert answer.status == 200

    async def page(self, on: str = "whatsapp") -> str:
        async with self.phone.get("/", params={"who": "123", "on": on}) as answer:
            assert answer.status == 200
            return await answer.text()

    async def confirm(self) -> None:
        """The follow-up of a stop, as a worker does it."""
        latest = await self.world.value("SELECT id FROM message WHERE direction = 'inbound' ORDER BY id DESC LIMIT 1")
        voice = Voice(settings=self.settings, wordings=wordings.load(self.settings.config_dir / "wordings"))
        async with self.world.pool.acquire() as conn, conn.transaction():
            await confirm_stop(conn, UUID(str(latest)), voice, now=utc_now())

    async def deliver(self) -> None:
        """What waits is sent, through the SDK to the double."""
        account = self.settings.accounts[WHATSAPP]
        adapter = ADAPTERS[account.adapter]
        assert adapter.open_transport
        async with adapter.open_transport(account) as transport:
            delivery = Delivery(self.world.pool, account, adapter, transport, policy=self.settings.policy, clock=utc_now)
            await delivery.run(deadline_s=5, linger_s=0.05)

    async def comes(self, *words: str) -> str:
        """The page, once it holds all these words."""

        for _ in range(100):
            page = await self.page()
            if all(word in page for word in words):
                return page
            await asyncio.sleep(0.05)
        raise AssertionError([word for word in words if word not in page])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def joined(settings: Settings, *, web_port: int, sandbox_port: int, database_url: str) -> Settings:
    """The shipped configuration, moved to free ports."""
    public_url, netloc = f"http://127.0.0.1:{web_port}", f"127.0.0.1:{sandbox_port}"
    moved = {"api_base_url": f"http://{netloc}", "media_host": netloc, "smtp_port": free_port()}
    accounts = {
        id: replace(
            account,
            public_url=public_url,
            options=dict(account.options) | (moved if account.options.get("sandbox") else {}),
        )
        for id, account in settings.accounts.items()
    }
    return replace(
        settings, accounts=accounts, public_url=public_url, port=web_port, sandbox_port=sandbox_port, database_url=database_url, undo_s=0
    )


@asynccontextmanager
async def hooks(world: World, settings: Settings) -> AsyncIterator[None]:
    """The webhook route as the web process serves it."""
    app = web.Application()
    voice = Voice(settings=settings, wordings=wordings.load(settings.config_dir / "wordings"))
    spool = Spool(settings.data_dir / "spool", settings.secret_key)
    app[SETTINGS], app[CLOCK], app[INTAKE] = settings, utc_now, world.intake
    app[FRONT] = Front(world.intake, spool, settings.accounts)
    app[PASSIVE] = PassiveAnswers(world.pool, voice, clock=utc_now, held=spool.waiting)
    app.add_routes(webhooks.routes())
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", settings.port).start()
        yield
    finally:
        await runner.cleanup()


@pytest.fixture
async def house(pool: Pool, settings: Settings, database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    own = replace(settings, data_dir=tmp_path)
    moved = joined(own, web_port=free_port(), sandbox_port=free_port(), database_url=database_url)
    async with (
        world(pool, moved, utc_now) as opened,
        hooks(opened, moved),
        practice.serve(moved, port=moved.sandbox_port) as address,
        aiohttp.ClientSession(address) as phone,
    ):
        assert urlsplit(address).port == moved.sandbox_port
        yield House(world=opened, settings=moved, phone=phone)


async def test_a_newcomer_goes_through_the_whole_exercise(house: House) -> None:
    await house.write("Hello, do you do lip filler?")
    await house.comes("Stored by the hub", "WhatsApp: invited", "Signature checked, stored, then answered 200")

    answered = await house.world.replies("Hello, yes, our doctors do. A consultation comes first and is free.", phone=PATIENT)
    assert answered.decision.allowed, answered.decision.reason
    await house.deliver()
    await house.comes("Hello, yes, our doctors do.", "Reply read")

    await house.write("STOP")
    await house.confirm()
    await house.deliver()
    await house.comes("Understood as a stop", "WhatsApp: asked to stop", "Confirmation read")

    refused = await house.world.replies("Are you sure?", phone=PATIENT)
    assert not refused.decision.allowed
    page = await house.comes("Reply refused")
    assert page.count(">, done<") == 4
    await house.deliver()
    assert "Are you sure?" not in await house.page()


async def test_one_delivery_repeated_from_the_phone_is_one_message(house: House) -> None:
    await house.write("Hello")
    async with house.phone.post("/act", data={"who": "123", "on": "whatsapp", "what": "twice"}) as answer:
        assert "once more" in await answer.text()
    assert await house.world.value("SELECT count(*) FROM message WHERE direction = 'inbound'") == 1


async def test_24_hours_close_the_window(house: House) -> None:
    await house.write("Hello, do you do lip filler?")
    async with house.phone.post("/act", data={"who": "123", "on": "whatsapp", "what": "hours"}) as answer:
        assert "24 hours have passed" in await answer.text()
    late = await house.world.replies("Hello, yes, our doctors do.", phone=PATIENT, channel=Channel.WHATSAPP)
    assert not late.decision.allowed


async def test_both_channels_of_the_phone_reach_the_hub_with_their_own_secrets(house: House) -> None:
    await house.write("Hello", on="sms")
    await house.write("Hello", on="whatsapp")
    assert "Stored by the hub" in await house.page("sms")
    assert "Stored by the hub" in await house.page("whatsapp")
    assert len({a.secrets["auth_token"].reveal() for a in house.settings.accounts.values() if "auth_token" in a.secrets}) == 2


def test_a_port_in_use_is_one_sentence(settings: Settings, database_url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = replace(settings, sandbox_port=int(taken.getsockname()[1]), database_url=database_url)
        with pytest.raises(SystemExit, match="is in use: stop what uses it"):
            practice.run_sandbox(busy)


def test_a_sandbox_without_an_account_of_its_own_does_not_start(settings: Settings) -> None:
    live = {id: replace(a, options={**a.options, "sandbox": False}) for id, a in settings.accounts.items()}
    with pytest.raises(SystemExit, match="needs an account marked"):
        practice.run_sandbox(replace(settings, accounts=live))
