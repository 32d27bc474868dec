"""One log line and one measurement per request, readiness and metrics. Route patterns only, never a path: paths hold ids and tokens."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import Sequence

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

from hub.model.message import ChannelEvent, DeliveryStatus, StatusUpdate, Unknown
from hub.web.keys import POOL

log = structlog.get_logger("web")
REQUESTS = Counter("hub_http_requests", "Answers given, by route and status.", ["method", "route", "status"])
SECONDS = Histogram("hub_http_seconds", "Time until the answer was ready.", ["route"])
UNKNOWN = Counter("hub_provider_unknown", "Events and statuses of providers nobody here knows the meaning of.", ["account", "what"])
FAILED = Counter("hub_provider_failures", "Messages a provider reported as failed, by its own code.", ["account", "code"])
PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "Via")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@web.middleware
async def request_line(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Log and measure. Probes and static files are measured but not logged."""
    started = time.perf_counter()
    status = 500
    try:
        response = await handler(request)
        status = response.status
        return response
    except web.HTTPException as answer:
        status = answer.status
        raise
    finally:
        spent, route = time.perf_counter() - started, pattern(request)
        method = request.method if request.method in METHODS else "other"
        REQUESTS.labels(method, route, str(status)).inc()
        if route != "/live":  # lasts as long as its page is open
            SECONDS.labels(route).observe(spent)
        if not route.startswith(("/static/", "/healthz", "/metrics")):
            log.info("request", method=method, route=route, status=status, ms=round(spent * 1000, 1))


def pattern(request: web.Request) -> str:
    """The route as it was registered, or "unmatched"."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unmatched"


def count_odd(account_id: str, events: Sequence[ChannelEvent]) -> None:
    """Count what a provider told that no table of ours explains: by account and kind, never by person."""
    for event in events:
        if type(event) is Unknown:
            UNKNOWN.labels(account_id, "event").inc()
        elif isinstance(event, StatusUpdate) and event.status is DeliveryStatus.UNKNOWN:
            UNKNOWN.labels(account_id, "status").inc()
        elif isinstance(event, StatusUpdate) and event.status is DeliveryStatus.FAILED:
            FAILED.labels(account_id, event.error_code or "none").inc()


def routes() -> list[web.RouteDef]:
    return [web.get("/healthz", healthz), web.get("/metrics", metrics)]


async def healthz(request: web.Request) -> web.Response:
    """Ready to work: the database answers within two seconds."""
    try:
        async with asyncio.timeout(2), request.app[POOL].acquire() as conn:
            await conn.fetchval("SELECT 1")
    except Exception:
        return web.Response(status=503, text="database\n")
    return web.Response(text="ok\n")


async def metrics(request: web.Request) -> web.Response:
    """For a collector on this machine. Anybody else finds nothing here.

    Behind a proxy on this machine everybody seems to come from here; such requests say that they were passed on.
    """
    if not is_loopback(request.remote) or any(name in request.headers for name in PROXY_HEADERS):
        raise web.HTTPNotFound
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def is_loopback(remote: str | None) -> bool:
    try:
        return remote is not None and ipaddress.ip_address(remote).is_loopback
    except ValueError:
        return False
