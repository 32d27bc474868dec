"""Catching up: what a provider has in its own list and never told us, stored as if its webhook had come (channels.md §3).

Twilio tries a webhook once more and then never again, whatever kept it from us: our web processes, the line, a wrong address.
So each account's list is compared with the journal every few minutes, and once a day further back. Never touches what is
so young that its webhook may still come: that tells more than the list does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from channels.errors import BadPayload, NotSent, OutcomeUnknown
from channels.registry import ADAPTERS
from hub.intake import Intake
from hub.intake.compose import tools
from hub.model.message import Account, ChannelEvent, InboundMessage, ListedEvent, ListsMessages
from hub.store import missed
from workers.runtime import Runtime

log = structlog.get_logger("missed")

LOOK_EVERY: Final = timedelta(minutes=10)
DEEP_EVERY: Final = timedelta(hours=24)
DEEP: Final = timedelta(hours=48)
OVERLAP: Final = timedelta(hours=1)  # a provider's list may lag behind its clock
LEFT_TO_WEBHOOKS: Final = timedelta(minutes=5)
LONGEST: Final = timedelta(days=30)  # further back nobody waits for an answer any more


async def catch_up(runtime: Runtime) -> int:
    """Look after every account whose time it is. How many events were new. One account's trouble is not another's."""
    new = 0
    for account in runtime.settings.accounts.values():
        if isinstance(transport := await runtime.transport(account.id), ListsMessages):
            try:
                new += await _account(runtime, account, transport)
            except (NotSent, OutcomeUnknown) as fault:
                log.warning("missed.not_listed", account=account.id, reason=fault.constant)
    return new


async def _account(runtime: Runtime, account: Account, transport: ListsMessages) -> int:
    now = runtime.clock()
    async with runtime.pool.acquire() as conn:
        stands = await missed.looked(conn, account.id, now=now)
        if stands is None or now - stands.looked_at < LOOK_EVERY:
            return 0
        await missed.tried(conn, account.id, now=now)
    deep = now - stands.deep_at >= DEEP_EVERY
    since = min(stands.seen_until - OVERLAP, now - DEEP) if deep else stands.seen_until - OVERLAP
    until = now - LEFT_TO_WEBHOOKS
    found = await _unheard(runtime, account, await transport.list_messages(max(since, now - LONGEST), until))
    new = await _store(runtime, account, transport, found) if found else 0
    async with runtime.pool.acquire() as conn:
        await missed.seen(conn, account.id, until=until, deep_at=now if deep else stands.deep_at)
    if new:
        log.warning("missed.stored", account=account.id, events=new)
    return new


async def _unheard(runtime: Runtime, account: Account, listed: Sequence[ListedEvent]) -> list[ListedEvent]:
    """Those nobody told us of: messages that came in, and the fate of our own whose end we do not know."""
    async with runtime.pool.acquire() as conn:
        known = await missed.journalled(conn, account.id, [e.provider_event_id for e in listed])
        ours = await missed.unfinished(conn, account.id, [e.provider_message_id for e in listed if not e.inbound])
    return [e for e in listed if e.provider_event_id not in known and (e.inbound or e.provider_message_id in ours)]


async def _store(runtime: Runtime, account: Account, transport: ListsMessages, found: Sequence[ListedEvent]) -> int:
    """Through intake, one after the other, in the order people wrote. Raises its faults: the same is looked at again later."""
    intake = Intake(runtime.pool, tools(runtime.settings), clock=runtime.clock)
    new = 0
    try:
        for one in found:
            request = await transport.as_delivered(one, received_at=runtime.clock())
            try:
                events = ADAPTERS[account.adapter].parse(request, account)
            except BadPayload as fault:
                log.warning("missed.not_read", account=account.id, reason=fault.constant)
                continue
            new += (await intake.accept(request, account, [_at(e, one.at) for e in events])).new
    finally:
        await intake.close()
    return new


def _at(event: ChannelEvent, at: datetime) -> ChannelEvent:
    """With the provider's time, which a webhook does not tell: an old message gets no automatic answer (channels.md §0)."""
    return replace(event, sent_at=at) if isinstance(event, InboundMessage) else event
