"""The mail process put together: its own Intake, a listener or two and a watch per folder for each e-mail account."""

from __future__ import annotations

import asyncio
import logging
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import structlog
import uvloop

from hub import collector
from hub.intake import Intake
from hub.intake.compose import tools
from hub.model.address import Channel
from hub.model.message import Account
from hub.settings import Settings
from hub.settings.mailboxes import LISTENERS, listener
from hub.store.pool import Pool, open_pool
from workers.mail.door import MailDoor
from workers.mail.listen import GREATEST, Mailroom, Rules, listen
from workers.mail.watch import Pace, Watch

log = structlog.get_logger("mail")

POOL_SIZE = 6


def run_mail(settings: Settings) -> None:
    """Take mail in until SIGTERM or SIGINT; what was accepted is stored first."""
    uvloop.run(_run(settings))


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    accounts = mail_accounts(settings)
    if not accounts:
        log.info("mail.no_mailbox", accounts=len(settings.accounts))
        await stop.wait()
        return
    pool = await open_pool(settings.database_url or "", min_size=1, max_size=POOL_SIZE)
    try:
        async with serving(settings, pool):
            collector.look_rarely()
            log.info("mail.ready", accounts=len(accounts))
            await stop.wait()
    finally:
        pool.terminate()


def mail_accounts(settings: Settings) -> list[Account]:
    """The e-mail accounts that have a way in here."""
    ways = (*LISTENERS, "imap_host")
    return [a for a in settings.accounts.values() if a.channel is Channel.EMAIL and any(a.options.get(way) for way in ways)]


@asynccontextmanager
async def serving(
    settings: Settings, pool: Pool, *, clock: Callable[[], datetime] = utc_now, pace: Pace | None = None
) -> AsyncIterator[Mapping[str, tuple[str, int] | str]]:
    """Everything open: gives, by "account:kind", where each listener listens. On leaving, what was accepted is stored."""
    logging.getLogger("mail.log").disabled = True  # aiosmtpd's own, which would write down who writes to us
    intake = Intake(pool, tools(settings), clock=clock, max_waiting=500)  # one lane: two copies of a stranger's first mail make one person
    door = MailDoor(intake, clock)
    servers: list[asyncio.Server] = []
    watches: list[asyncio.Task[None]] = []
    places: dict[str, tuple[str, int] | str] = {}
    try:
        for account in mail_accounts(settings):
            for name in LISTENERS:
                if (where := listener(str(account.options.get(name, "")))) is not None:
                    kind = name.partition("_")[0]
                    servers.append(await _open(kind, where, account, door))
                    places[f"{account.id}:{kind}"] = _place(servers[-1], where)
            watches += _watches(account, door, pool, clock, pace)
        yield places
    finally:
        for server in servers:
            server.close()
        for watch in watches:
            watch.cancel()
        await asyncio.gather(*watches, return_exceptions=True)
        await intake.close()


async def _open(kind: str, where: tuple[str, int] | str, account: Account, door: MailDoor) -> asyncio.Server:
    if isinstance(where, str):
        await asyncio.to_thread(Path(where).unlink, missing_ok=True)  # left behind by a process that was killed
    border = kind == "smtp" and account.options.get("smtp_behind_relay") is not True
    most = min(int(account.options.get("largest_mail_mb", 40)) * 1024 * 1024, GREATEST)
    return await listen(kind, where, Mailroom(account, door, Rules(most_bytes=most, border=border, tls=_tls(account, kind))))


def _tls(account: Account, kind: str) -> ssl.SSLContext | None:
    """STARTTLS for the SMTP listener: option `smtp_certificate`, a file with the key and the chain."""
    path = account.options.get("smtp_certificate")
    if kind != "smtp" or not path:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(str(path))
    return context


def _place(server: asyncio.Server, where: tuple[str, int] | str) -> tuple[str, int] | str:
    """Where a listener really is, should a free port have been asked for."""
    if isinstance(where, str):
        return where
    host, port, *_ = server.sockets[0].getsockname()
    return str(host), int(port)


def _watches(account: Account, door: MailDoor, pool: Pool, clock: Callable[[], datetime], pace: Pace | None) -> list[asyncio.Task[None]]:
    if not account.options.get("imap_host"):
        return []
    folders = [f.strip() for f in str(account.options.get("imap_folders", "INBOX")).split(",") if f.strip()]
    pace = pace or Pace(
        look_every_s=float(account.options.get("imap_look_every_s", Pace().look_every_s)),
        first_days=int(account.options.get("imap_first_days", Pace().first_days)),
    )
    return [
        asyncio.create_task(Watch(account, folder, door, pool, clock=clock, pace=pace).run(), name=f"imap:{account.id}")
        for folder in folders
    ]
