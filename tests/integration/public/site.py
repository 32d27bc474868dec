"""The public pages over a real database and the real way in, without the desks."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

from aiohttp import web

import hub
from hub import public
from hub.intake import Intake
from hub.intake.compose import tools
from hub.settings import Settings
from hub.store import wordings as archive
from hub.store.pool import Pool
from hub.web.keys import CLOCK, INTAKE, PAGES, SETTINGS
from hub.web.render import Pages
from hub.web.security import add_headers
from hub.web.static_files import StaticFiles
from hub.wordings import load

ORIGIN = "http://hub.example"


@asynccontextmanager
async def public_app(
    pool: Pool, settings: Settings, clock: Callable[[], datetime], *, limits: public.Limits | None = None
) -> AsyncIterator[web.Application]:
    """settings.public_url is where the pages say they are."""
    static = StaticFiles(Path(hub.__file__).parent / "web" / "static")
    wordings = load(settings.config_dir / "wordings")
    site = public.site_of(settings, wordings)
    assert site is not None
    app = web.Application()
    app[SETTINGS], app[CLOCK], app[public.PUBLIC] = settings, clock, site
    app[public.LIMITS] = limits or public.Limits()
    app[PAGES] = Pages({"public": public.TEMPLATES}, static=static)
    app.add_routes([*public.routes(), *static.routes()])
    app.on_response_prepare.append(add_headers)
    async with pool.acquire() as conn:
        await archive.register(conn, wordings.entries)
    app[INTAKE] = Intake(pool, tools(settings), clock=clock)
    try:
        yield app
    finally:
        await app[INTAKE].close()


def hidden(html: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found is not None, name
    return found[1]
