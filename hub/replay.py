"""Running journalled requests again: those that held an event nobody could process when it came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from channels.errors import BadPayload
from channels.registry import ADAPTERS
from hub.intake.record import Tools, record
from hub.intake.submission import Submission
from hub.model.message import RawRequest
from hub.settings import Settings
from hub.store import journal
from hub.store.journal import StoredRequest
from hub.store.pool import Pool

log = structlog.get_logger("replay")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """processed: events stored now. still_failing: requests that failed again and stay journalled."""

    processed: int
    still_failing: int


async def replay(pool: Pool, settings: Settings, tools: Tools, *, clock: Callable[[], datetime], limit: int = 1000) -> Replayed:
    """Parse and store every failed request again, each in a transaction of its own, oldest first."""
    async with pool.acquire() as conn:
        waiting = await journal.failed(conn, limit=limit)
    processed = failing = 0
    for stored in waiting:
        try:
            processed += await _again(pool, settings, tools, stored, clock())
        except Exception as fault:
            failing += 1
            log.warning("replay.failed_again", event=str(stored.event_id), fault=type(fault).__name__)
    return Replayed(processed=processed, still_failing=failing)


async def _again(pool: Pool, settings: Settings, tools: Tools, stored: StoredRequest, now: datetime) -> int:
    account = settings.accounts.get(stored.account_id)
    if account is None:
        raise BadPayload(stored.account_id, "unknown_account")
    request = RawRequest(
        method=stored.request["method"],
        path_and_query=stored.request["path"],
        headers=stored.request["headers"],
        body=stored.body,
        received_at=stored.received_at,
    )
    events = tuple(ADAPTERS[account.adapter].parse(request, account))
    async with pool.acquire() as conn, conn.transaction():
        await journal.forget_failed(conn, account.id, [e.provider_event_id for e in events])
        [(new, _repeated)] = await record(conn, [Submission(request, account, events)], tools, now=now)
    return new
