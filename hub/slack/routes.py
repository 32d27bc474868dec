"""Where Slack calls us: events and presses of buttons. Verified over the raw bytes, stored, answered within three seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web

from channels.errors import BadPayload, BadSignature
from channels.slack import signature
from channels.slack.payload import Handshake, parse_event, parse_interaction
from channels.slack.transport import open_client
from hub.settings import SlackSettings
from hub.slack.receiving import WITHIN_S, Receiving
from hub.store.pool import STORE_FAULTS
from hub.web.keys import CLOCK, POOL, SETTINGS
from hub.webhooks import raw_request, read_capped

log = structlog.get_logger("slack")

RECEIVING: web.AppKey[Receiving] = web.AppKey("slack")
LARGEST: Final = 1_048_576  # bytes
EVENTS: Final = "/webhooks/slack/events"
ACTIONS: Final = "/webhooks/slack/actions"


def add_to(app: web.Application) -> None:
    """Add the routes, where Slack is switched on and calls us. Their addresses are whole, so they win over
    the channels' own, which take any name."""
    chosen = app[SETTINGS].slack
    if chosen is None or not chosen.signing_secrets:
        return
    app.add_routes([web.post(EVENTS, events), web.post(ACTIONS, actions)])
    app.cleanup_ctx.append(_receiving)


async def _receiving(app: web.Application) -> AsyncIterator[None]:
    chosen = _chosen(app)
    async with open_client(
        chosen.bot_token, base_url=chosen.base_url, loopback=chosen.loopback, timeout_s=min(WITHIN_S, chosen.timeout_s)
    ) as client:
        app[RECEIVING] = Receiving(app[POOL], client, app[SETTINGS], clock=app[CLOCK])
        yield
        await app[RECEIVING].close()


def _chosen(app: web.Application) -> SlackSettings:
    chosen = app[SETTINGS].slack
    if chosen is None:
        raise LookupError("Slack is switched off")
    return chosen


async def events(request: web.Request) -> web.Response:
    """The Events API. The handshake is signed like everything else."""

    async def work(body: bytes) -> web.Response:
        found = parse_event(body)
        if isinstance(found, Handshake):
            return web.Response(text=found.challenge)
        await request.app[RECEIVING].event(found, body)
        return web.Response()

    return await _taken(request, work)


async def actions(request: web.Request) -> web.Response:
    """Buttons and modals."""

    async def work(body: bytes) -> web.Response:
        answer = await request.app[RECEIVING].interaction(parse_interaction(body), body)
        return web.json_response(answer) if answer else web.Response()

    return await _taken(request, work)


async def _taken(request: web.Request, work: Callable[[bytes], Awaitable[web.Response]]) -> web.Response:
    """401 for what Slack did not sign, 400 for what nobody can read, 503 while the store is away: Slack then sends it again."""
    body = await read_capped(request, LARGEST)
    if body is None:
        return web.Response(status=413)
    raw = raw_request(request, body, now=request.app[CLOCK]())
    try:
        signature.verify(raw.headers, body, _chosen(request.app).signing_secrets, raw.received_at)
    except BadSignature:
        log.warning("slack.refused")
        return web.Response(status=401)
    try:
        async with asyncio.timeout(WITHIN_S + 0.3):
            return await work(body)
    except BadPayload as fault:
        log.warning("slack.malformed", at=fault.constant)
        return web.Response(status=400)
    except STORE_FAULTS:
        return web.Response(status=503, headers={"Retry-After": "5"})
