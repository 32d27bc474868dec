"""Serves the doubles and the practice phone.

It reads the hub's own records to tell what the hub did, and lets time pass for one person. It never runs unless the
sandbox is on, and never touches an account that is not marked as the sandbox's.
"""

from __future__ import annotations

import asyncio
import errno
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import uvloop
from aiohttp import web

import channels.sandbox.phone.page as phone_page
from channels.sandbox import alone, staff
from channels.sandbox.doubles import Double, Person
from channels.sandbox.phone import LedgerLine, Phone, PhoneParts
from channels.sandbox.slack import SlackDouble
from channels.sandbox.twilio import TwilioDouble
from hub import web as desks
from hub.practice.doubles import doubles_of
from hub.practice.slack import routes as slack_routes
from hub.practice.slack import slack_of
from hub.practice.telling import as_told
from hub.settings import Settings
from hub.store import ledger
from hub.store.pool import Pool, open_pool
from hub.web.render import Pages
from hub.web.static_files import StaticFiles

STATIC: Final = Path(desks.__file__).parent / "static"


class NoSandboxAccount(Exception):
    """No account is marked as the sandbox's; the message is a sentence for whoever starts the hub."""


def run_sandbox(settings: Settings) -> None:
    """Serve until told to stop (SIGTERM or Ctrl-C).

    Raises SystemExit with one sentence when the port is taken or no account is the sandbox's.
    """
    try:
        uvloop.run(_run(settings))
    except NoSandboxAccount as fault:
        raise SystemExit(str(fault)) from None
    except OSError as fault:
        if fault.errno != errno.EADDRINUSE:
            raise
        sentence = f"Port {settings.sandbox_port} is in use: stop what uses it, or set HUB_SANDBOX_PORT to another."
        raise SystemExit(sentence) from None


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serve(settings, port=settings.sandbox_port):
        await stop.wait()


@asynccontextmanager
async def serve(settings: Settings, *, port: int) -> AsyncIterator[str]:
    """The doubles and the page on `settings.sandbox_host`; yields their address. Port 0 takes a free one.

    Raises OSError when the port is taken, NoSandboxAccount when no account is marked as the sandbox's.
    """
    doubles = doubles_of(settings)
    if not doubles:
        raise NoSandboxAccount("The sandbox needs an account marked sandbox = true in channels.toml.")
    pool = await open_pool(settings.database_url or "", min_size=1, max_size=4)
    slack = slack_of(settings)
    runner = web.AppRunner(make_app(settings, doubles, pool, slack), access_log=None, shutdown_timeout=1.0)
    try:
        await runner.setup()
        await web.TCPSite(runner, settings.sandbox_host, port).start()
        host, bound = runner.addresses[0][:2]
        async with AsyncExitStack() as opened:
            for double in doubles:
                await opened.enter_async_context(double.open(f"http://{host}:{bound}"))
            if slack is not None:
                await opened.enter_async_context(slack.open(f"http://{host}:{bound}"))
            yield f"http://{host}:{bound}"
    finally:
        await runner.cleanup()
        await pool.close()


def make_app(settings: Settings, doubles: Sequence[Double], pool: Pool, slack: SlackDouble | None = None) -> web.Application:
    """The page, the providers' own APIs beside it, and the control door of process tests."""
    static = StaticFiles(STATIC)
    pages = Pages({"sandbox": phone_page.TEMPLATES, "staff": staff.TEMPLATES}, static=static)
    phone = Phone(_parts(settings, doubles, pool, pages))
    app = web.Application()
    app.add_routes([*phone.routes(), *static.routes(), *(route for double in doubles for route in double.routes())])
    for double in doubles:
        if isinstance(double, TwilioDouble):
            app.add_routes(alone.routes(double))
    app.add_routes(slack_routes(slack, settings, pages))
    app.on_shutdown.append(lambda _: phone.end_streams())
    return app


def _parts(settings: Settings, doubles: Sequence[Double], pool: Pool, pages: Pages) -> PhoneParts:
    accounts = [account for double in doubles for account in double.accounts]

    def hashes_of(person: Person) -> list[bytes]:
        addresses = (person.address(account) for account in accounts)
        return sorted({digest for address in addresses for digest in settings.hasher.hashes(address)})

    async def what_the_hub_did(person: Person, limit: int) -> list[LedgerLine]:
        async with pool.acquire() as conn:
            return [as_told(line) for line in await ledger.recent(conn, hashes_of(person), limit)]

    async def let_hours_pass(person: Person, hours: int) -> None:
        async with pool.acquire() as conn:
            await ledger.let_pass(conn, hashes_of(person), timedelta(hours=hours))

    async def go_on() -> None:
        async with pool.acquire() as conn:
            await ledger.go_on(conn, [account.id for account in accounts])

    return PhoneParts(
        doubles=doubles,
        html=pages.html,
        ledger=what_the_hub_did,
        let_hours_pass=let_hours_pass,
        go_on=go_on,
        clock=lambda: datetime.now(UTC),
        zone=ZoneInfo(settings.clinic.time_zone),
        clinic=settings.clinic.trading_name,
        inbox_url=f"{settings.public_url}/inbox",
        form_url=f"{settings.public_url}/enquire",
        staff_url=staff.PATH if settings.slack is not None and settings.slack.loopback is not None else "",
    )
