"""The composition root of the web process: the one place that knows every part, and nothing about any of them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog
import uvloop
from aiohttp import web

from hub import collector, public, webhooks, wordings
from hub.bot.answers import Voice
from hub.desks import account, campaigns, inbox
from hub.gate.passive import PassiveAnswers
from hub.intake import Intake
from hub.intake.compose import tools
from hub.intake.front import Front
from hub.intake.spool import Spool
from hub.public import confirm, unsubscribe
from hub.settings import Settings
from hub.slack import routes as slack_routes
from hub.store.pool import open_pool
from hub.store.wordings import ChangedWording, register
from hub.web import live, observe
from hub.web.errors import error_pages
from hub.web.keys import CLOCK, FRONT, INTAKE, LIVE, PAGES, PASSIVE, POOL, SETTINGS
from hub.web.live import LiveStream
from hub.web.render import Pages
from hub.web.security import add_headers
from hub.web.static_files import StaticFiles

log = structlog.get_logger("web")

HERE = Path(__file__).parent
TEMPLATES = {
    "web": HERE / "web" / "templates",
    "account": HERE / "desks" / "account" / "templates",
    "inbox": HERE / "desks" / "inbox" / "templates",
    "campaigns": HERE / "desks" / "campaigns" / "templates",
    "public": public.TEMPLATES,
}
LARGEST_FORM = 1_048_576  # bytes; webhooks cap their bodies themselves, channel by channel
CLOSE_WITHIN_S = 10.0
POOL_SIZE = 10


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def make_app(settings: Settings, *, clock: Callable[[], datetime] = utc_now) -> web.Application:
    """The web application, not yet started; starting it opens the pool, the intake and the live stream."""
    app = web.Application(middlewares=[observe.request_line, error_pages], client_max_size=LARGEST_FORM)
    static = StaticFiles(HERE / "web" / "static")
    app[SETTINGS], app[CLOCK] = settings, clock
    app[PAGES] = Pages(TEMPLATES, static=static, everywhere=inbox.HELPERS)
    for routes in (static.routes, observe.routes, live.routes, webhooks.routes, account.routes, inbox.routes, campaigns.routes):
        app.add_routes(routes())
    _add_public_pages(app)
    unsubscribe.add_to(app)
    app.on_response_prepare.append(add_headers)
    app.cleanup_ctx.extend([_pool, _intake, _live])
    slack_routes.add_to(app)
    app.on_shutdown.append(_end_streams)
    return app


def _add_public_pages(app: web.Application) -> None:
    """A clinic without a contact form has none of them."""
    settings = app[SETTINGS]
    site = public.site_of(settings, wordings.load(settings.config_dir / "wordings"))
    if site is not None:
        app[public.PUBLIC], app[public.LIMITS] = site, public.Limits()
        app.add_routes(public.routes())
        confirm.add_to(app)


async def _pool(app: web.Application) -> AsyncIterator[None]:
    pool = app[POOL] = await open_pool(app[SETTINGS].database_url or "", min_size=2, max_size=POOL_SIZE)
    async with pool.acquire() as conn:  # what the form shows is archived before it is shown
        await register(conn, wordings.load(app[SETTINGS].config_dir / "wordings").entries)
    yield
    try:
        await asyncio.wait_for(pool.close(), CLOSE_WITHIN_S)
    except TimeoutError:
        pool.terminate()


async def _intake(app: web.Application) -> AsyncIterator[None]:
    settings, clock = app[SETTINGS], app[CLOCK]
    found, spool = tools(settings), Spool(settings.data_dir / "spool", settings.secret_key)
    app[INTAKE] = Intake(app[POOL], found, clock=clock)
    app[FRONT] = Front(app[INTAKE], spool, settings.accounts)
    app[PASSIVE] = PassiveAnswers(app[POOL], Voice(settings=settings, wordings=found.wordings), clock=clock, held=spool.waiting)
    app[FRONT].start()
    yield
    await app[FRONT].stop()
    await app[INTAKE].close()


async def _live(app: web.Application) -> AsyncIterator[None]:
    app[LIVE] = LiveStream(app[SETTINGS].database_url or "")
    app[LIVE].start()
    yield
    await app[LIVE].stop()


async def _end_streams(app: web.Application) -> None:
    """Open streams would keep the process waiting for their end."""
    await app[LIVE].stop()


def run_web(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished, at most CLOSE_WITHIN_S.

    Raises SystemExit with one sentence where a published wording was edited in place.
    """
    try:
        uvloop.run(_serve(settings))
    except ChangedWording as fault:
        raise SystemExit(f"{fault} It stands in {wordings.file_of(settings.config_dir / 'wordings', fault.wording_id)}.") from None


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(make_app(settings), access_log=None, shutdown_timeout=CLOSE_WITHIN_S)
    await runner.setup()
    site = web.TCPSite(runner, settings.host, settings.port, reuse_port=True)
    await site.start()
    collector.look_rarely()
    log.info("web.ready", port=settings.port)
    await stop.wait()
    await runner.cleanup()
