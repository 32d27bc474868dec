"""The web process with two more routes: a bare hello, and the same intake one request at a time, to measure against."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import uvloop
from aiohttp import web

from channels.registry import ADAPTERS
from hub.app import make_app, utc_now
from hub.commands import logs
from hub.intake.compose import tools
from hub.intake.record import record
from hub.intake.submission import Submission
from hub.model.audit import AuditEvent
from hub.model.ids import AccountId
from hub.settings import load_settings
from hub.store import audit
from hub.store.pool import Connection
from hub.web.keys import POOL, SETTINGS
from hub.webhooks import raw_request

CONFIG = Path(__file__).parent.parent / "config"


async def hello(request: web.Request) -> web.Response:
    """The ceiling: read the body, answer."""
    await request.read()
    return web.Response(text="hello")


async def naive(request: web.Request) -> web.Response:
    """The same verification, statements and commit, a transaction for each request."""
    settings = request.app[SETTINGS]
    account = settings.accounts[AccountId(request.match_info["account"])]
    adapter = ADAPTERS[account.adapter]
    raw = raw_request(request, await request.read(), now=utc_now())
    adapter.verify(raw, account, raw.received_at)
    submission = Submission(raw, account, tuple(adapter.parse(raw, account)))
    async with request.app[POOL].acquire() as conn, conn.transaction():
        await record(conn, [submission], TOOLS, now=utc_now())
    return web.Response(text="stored")


settings = load_settings(os.environ, CONFIG)
TOOLS = tools(settings)


async def append_nothing(conn: Connection, events: Sequence[AuditEvent]) -> None:
    """In place of the audit log's own, to measure what it costs."""


def main() -> None:
    """Serve until stopped."""
    if os.environ.get("BENCH_NO_AUDIT"):
        audit.append = append_nothing
    logs.configure({**os.environ, "HUB_LOG": "json"})
    app = make_app(settings)
    app.router.add_post("/bench/hello", hello)
    app.router.add_post("/bench/naive/{account}", naive)
    web.run_app(app, host=settings.host, port=settings.port, access_log=None, print=None, loop=uvloop.new_event_loop())


if __name__ == "__main__":
    main()
