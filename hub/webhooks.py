"""One route for every channel: read bytes, verify, parse, store, answer. Refusals say nothing.

The account is picked from the URL, never from the body. An unknown account and a wrong signature take the same road, so
neither the answer nor its time tells them apart beyond the status.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import structlog
from aiohttp import web

from channels.errors import BadPayload, BadSignature
from channels.registry import ADAPTERS
from hub.gate.passive import Prepared
from hub.intake import Intake, IntakeFull, StoreUnavailable
from hub.intake.front import Front
from hub.model.ids import AccountId
from hub.model.message import Account, Outcome, RawRequest, Reply
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.web.keys import CLOCK, FRONT, INTAKE, PASSIVE, SETTINGS
from hub.web.observe import count_odd

log = structlog.get_logger("webhooks")

T = TypeVar("T")
LARGE = 262_144  # bytes of a body that are read elsewhere than in the loop
SMALLEST_CAP = 65_536  # what an unknown account may send before it is refused


def routes() -> list[web.RouteDef]:
    """The webhook routes; adapters with paths of their own below the account get the rest in `tail`."""
    return [
        web.post("/webhooks/{account}", receive),
        web.post("/webhooks/{account}/{tail:.+}", receive),
        web.get("/webhooks/{account}", receive),
    ]


async def receive(request: web.Request) -> web.Response:
    """Answer 200 only after the commit; 403 and 404 with empty bodies, 413, 400, 503 with Retry-After."""
    settings, clock = request.app[SETTINGS], request.app[CLOCK]
    account_id = request.match_info["account"]
    known = settings.accounts.get(AccountId(account_id))
    account = known or decoy(settings, account_id)
    adapter = ADAPTERS[account.adapter]
    cap = adapter.capabilities.max_body_bytes if known else SMALLEST_CAP
    body = await read_capped(request, cap)
    if body is None:
        return web.Response(status=413 if known else 404)
    raw = raw_request(request, body, now=clock())
    try:
        await _apart(raw, adapter.verify, raw, account, raw.received_at)
    except BadSignature:
        if known:
            log.warning("webhook.refused", account=account_id)
        return web.Response(status=403 if known else 404)
    if known is None:
        return web.Response(status=404)
    return await _take_in(request, raw, known, clock)


async def _take_in(request: web.Request, raw: RawRequest, account: Account, clock: Callable[[], datetime]) -> web.Response:
    adapter = ADAPTERS[account.adapter]
    try:
        events = await _apart(raw, adapter.parse, raw, account)
    except BadPayload:
        log.warning("webhook.malformed", account=account.id)
        return web.Response(status=400)
    if not events:
        return response(adapter.handshake(raw, account) if adapter.handshake else adapter.reply(raw, Outcome.HANDSHAKE))
    name = adapter.nonce(raw) if adapter.nonce else ""
    door: Intake | Front = request.app[FRONT] if adapter.capabilities.spool else request.app[INTAKE]
    try:
        accepted = await door.accept(raw, account, events, name=name)
    except IntakeFull:
        return web.Response(status=503, headers={"Retry-After": "2"})
    except StoreUnavailable:
        return web.Response(status=503, headers={"Retry-After": "10"})
    if accepted is None or accepted.new:  # repeats were counted when they were new
        count_odd(account.id, events)
    if accepted is not None and accepted.new and adapter.answer:
        prepared = await request.app[PASSIVE].prepare(raw, account, adapter, events)
        if prepared is not None and await request.app[PASSIVE].may_go(prepared):
            return await _answered(request, prepared)
    return response(adapter.reply(raw, Outcome.STORED))


async def _answered(request: web.Request, prepared: Prepared) -> web.Response:
    """Write a message as the answer itself, to its end, and only then say that it went."""
    answer, whole = response(prepared.reply), False
    try:
        await answer.prepare(request)
        await answer.write_eof()
        whole = request.transport is not None and not request.transport.is_closing()
    except OSError:
        log.warning("webhook.answer_broken", account=prepared.account.id)
    finally:
        await asyncio.shield(request.app[PASSIVE].went(prepared, whole=whole))
    return answer


async def _apart(raw: RawRequest, work: Callable[..., T], *given: object) -> T:
    """Do the work on a request; on a large one in a thread, so that nobody else's webhook waits for it."""
    return await asyncio.to_thread(work, *given) if len(raw.body) > LARGE else work(*given)


def raw_request(request: web.Request, body: bytes, *, now: datetime) -> RawRequest:
    """The request as adapters see it: raw path and query, lower-cased header names."""
    return RawRequest(
        method=request.method,
        path_and_query=request.raw_path,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
        received_at=now,
        remote_ip=request.remote,
    )


def response(reply: Reply) -> web.Response:
    """An adapter's answer as aiohttp's."""
    answer = web.Response(status=reply.status, body=reply.body, headers=dict(reply.headers))
    answer.content_type = reply.content_type
    return answer


async def read_capped(request: web.Request, cap: int) -> bytes | None:
    """The body, or None when it is longer than the cap; at most cap + 1 bytes are kept."""
    if request.content_length is not None and request.content_length > cap:
        return None
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.content.iter_chunked(65_536):
        size += len(chunk)
        if size > cap:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def decoy(settings: Settings, account_id: str) -> Account:
    """An account nobody knows the secret of, so that an unknown name costs as much time as a wrong signature."""
    model = next((a for a in settings.accounts.values() if a.secrets), next(iter(settings.accounts.values())))
    noise = {name: Sealed(secrets.token_hex(16)) for name in model.secrets}
    return replace(model, id=AccountId(account_id[:100]), secrets=noise)
