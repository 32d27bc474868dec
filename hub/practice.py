"""The sandbox process: the doubles of the providers and the practice phone on one port, put together here.

It reads the hub's own records to tell what the hub did, and lets time pass for one person. It never runs unless the
sandbox is on, and never touches an account that is not marked as the sandbox's.
"""

from __future__ import annotations

import asyncio
import errno
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import uvloop
from aiohttp import web

import channels.sandbox.phone.page as phone_page
from channels.sandbox import alone
from channels.sandbox.phone import LedgerLine, Phone, PhoneParts
from channels.sandbox.twilio import TwilioDouble
from hub.model.address import Address, AddressClass
from hub.model.message import Account
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.store import ledger
from hub.store.pool import Pool, open_pool
from hub.web.render import Pages
from hub.web.static_files import StaticFiles

TWILIO = frozenset({"sms_twilio", "whatsapp_twilio"})
STATIC = Path(__file__).parent / "web" / "static"
ICONS = {"tick": "tick1"}
WISHES = frozenset({"hand", "x"})
CHANNELS = {"WhatsApp": "whatsapp", "SMS": "sms"}
# The ledger speaks in sentences; these are the ones the exercise listens for (hub.store.ledger).
STEPS = {
    "Understood as a stop": ("stopped",),
    "Reply refused": ("refused",),
    "Every contact ended": ("closed:whatsapp", "closed:sms"),
} | {f"Reply {status}": ("answered",) for status in ("accepted", "sent", "delivered", "read")}
CLOSED = "Closed by the person's wish"
REOPENED = "Open again on"


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


class NoSandboxAccount(Exception):
    """No account is marked as the sandbox's; the message is a sentence for whoever starts the hub."""


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
    accounts = [a for a in settings.accounts.values() if a.options.get("sandbox") is True and a.adapter in TWILIO]
    if not accounts:
        raise NoSandboxAccount("The sandbox needs an account marked sandbox = true in channels.toml.")
    pool = await open_pool(settings.database_url or "", min_size=1, max_size=4)
    double = twilio(accounts, settings)
    runner = web.AppRunner(make_app(settings, accounts, double, pool), access_log=None, shutdown_timeout=1.0)
    try:
        await runner.setup()
        await web.TCPSite(runner, settings.sandbox_host, port).start()
        host, bound = runner.addresses[0][:2]
        async with double.open(f"http://{host}:{bound}"):
            yield double.base_url
    finally:
        await runner.cleanup()
        await pool.close()


def twilio(accounts: Sequence[Account], settings: Settings) -> TwilioDouble:
    """The double that plays Twilio for these accounts, each with its own token."""
    first = accounts[0]
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104  compared, not bound
    double = TwilioDouble(
        str(first.options.get("account_sid", "")),
        first.secrets["auth_token"].reveal(),
        public_url=settings.public_url,
        web_url=f"http://{host}:{settings.port}",
    )
    for account in accounts:
        double.own(account)
    return double


def make_app(settings: Settings, accounts: Sequence[Account], double: TwilioDouble, pool: Pool) -> web.Application:
    """The page, the double's REST API beside it, and the control door of process tests."""
    static = StaticFiles(STATIC)
    pages = Pages({"sandbox": phone_page.TEMPLATES}, static=static)
    by_invitation = sorted(accounts, key=lambda a: a.channel != "whatsapp")  # WhatsApp first, as on the phone of the exercise

    def hash_of(number: str) -> bytes:
        return settings.hasher.hash(Address(kind=AddressClass.PHONE, value=Sealed(number)))

    async def what_the_hub_did(number: str, limit: int) -> list[LedgerLine]:
        async with pool.acquire() as conn:
            return [as_told(line) for line in await ledger.recent(conn, hash_of(number), limit)]

    async def let_hours_pass(number: str, hours: int) -> None:
        async with pool.acquire() as conn:
            await ledger.let_pass(conn, hash_of(number), timedelta(hours=hours))

    phone = Phone(
        PhoneParts(
            double=double,
            accounts=by_invitation,
            html=pages.html,
            ledger=what_the_hub_did,
            let_hours_pass=let_hours_pass,
            clock=lambda: datetime.now(UTC),
            zone=ZoneInfo(settings.clinic.time_zone),
            clinic=settings.clinic.trading_name,
            inbox_url=f"{settings.public_url}/inbox",
        )
    )
    app = web.Application()
    app.add_routes([*phone.routes(), *static.routes(), *alone.routes(double)])
    app.on_shutdown.append(lambda _: phone.end_streams())
    return app


def as_told(line: ledger.LedgerLine) -> LedgerLine:
    """A line of the hub's ledger as the page tells it, with what it proves of the exercise."""
    return LedgerLine(
        at=line.at,
        icon=ICONS.get(line.icon, line.icon),
        title=line.title,
        detail=line.detail,
        steps=steps_of(line.title, line.detail),
        wish=line.icon in WISHES,
    )


def steps_of(title: str, detail: str) -> tuple[str, ...]:
    """What a line proves: see `LedgerLine.steps`."""
    if title in STEPS:
        return STEPS[title]
    named = next((channel for name, channel in CHANNELS.items() if f"{title} {detail}".endswith(f"On {name}")), None)
    if title == CLOSED and named:
        return (f"closed:{named}",)
    reopened = next((channel for name, channel in CHANNELS.items() if title == f"{REOPENED} {name}"), None)
    return (f"open:{reopened}",) if reopened else ()
