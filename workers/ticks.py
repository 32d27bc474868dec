"""What the clock does by itself: turn crashed sends into unknown ones, ask providers about those, seal the audit log."""

from __future__ import annotations

from datetime import timedelta

import structlog

from hub import audit as sealing
from hub.gate import results
from hub.intake.changes import settle
from hub.intake.writes import Writes
from hub.model.address import Address, AddressClass
from hub.model.audit import AuditEvent
from hub.model.message import OutboundMessage
from hub.store import audit, changes, delivery, live, nonces, snooze
from hub.store.delivery import Unsettled
from hub.store.pool import Connection
from workers.runtime import Runtime

log = structlog.get_logger("ticks")

ASK_AFTER = timedelta(seconds=10)
REPORTS_KEPT = timedelta(days=1)
NAMES_KEPT = timedelta(hours=1)
LOOK_BACK = timedelta(minutes=10)  # no transaction of intake takes longer


async def seal_audit(runtime: Runtime) -> None:
    """Chain what was appended since the last second."""
    async with runtime.pool.acquire() as conn:
        await sealing.seal_once(conn, runtime.clock())


async def give_up_stale_sends(runtime: Runtime) -> int:
    """Rows a crash left in `sending` become `unknown`: shown to staff, never resent by themselves."""
    now = runtime.clock()
    async with runtime.pool.acquire() as conn, conn.transaction():
        given_up = await delivery.give_up_stale(conn, claimed_before=now - timedelta(seconds=runtime.settings.stale_after_s), now=now)
        await audit.append(
            conn, [AuditEvent(at=now, actor="system:clock", action="send.unknown", object=f"message:{m}") for m, _ in given_up]
        )
        await live.notify(conn, (c for _, c in given_up))
    if given_up:
        log.warning("ticks.sends_unknown", messages=len(given_up))
    return len(given_up)


async def look_up_unknown_sends(runtime: Runtime) -> None:
    """Ask the provider what became of unknown sends, where it can be asked."""
    now = runtime.clock()
    async with runtime.pool.acquire() as conn:
        waiting = await delivery.unsettled(conn, claimed_before=now - ASK_AFTER, now=now)
    for one in waiting:
        try:
            await _look_up(runtime, one)
        except Exception as fault:
            log.warning("ticks.look_up_failed", message=str(one.id), fault=type(fault).__name__)


async def _look_up(runtime: Runtime, one: Unsettled) -> None:
    transport = await runtime.transport(one.account_id) if one.account_id in runtime.settings.accounts else None
    if transport is None:
        return
    message = OutboundMessage(id=one.id, to=Address(kind=AddressClass(one.address_kind), value=one.address), text=one.body)
    found = await transport.look_up(message, one.claimed_at)
    if found is None or (status := results.FINAL.get(found.code)) is None:
        return
    now = runtime.clock()
    async with runtime.pool.acquire() as conn, conn.transaction():
        conversation_id = await delivery.settle_unknown(
            conn, one.id, status, error_code=found.error_code, now=now, provider_message_id=found.provider_message_id
        )
        if conversation_id is not None:
            event = AuditEvent(at=now, actor="system:clock", action="send.settled", object=f"message:{one.id}", result=status)
            await audit.append(conn, [event])
            await live.notify(conn, [conversation_id])


async def sweep(runtime: Runtime) -> None:
    """Drop parked reports that belong to nobody, names of requests that are no longer fresh, and changes nothing waits for."""
    async with runtime.pool.acquire() as conn:
        await nonces.sweep(conn, older_than=runtime.clock() - NAMES_KEPT)
        await delivery.sweep_reports(conn, older_than=runtime.clock() - REPORTS_KEPT)
        await changes.sweep(conn, now=runtime.clock())
        await _settle_changes(conn, runtime)


async def _settle_changes(conn: Connection, runtime: Runtime) -> None:
    """A change and its message that were stored side by side did not see each other: looked at once more."""
    writes = Writes(now=runtime.clock())
    async with conn.transaction():
        targets, watermarks = await changes.recent(conn, since=writes.now - LOOK_BACK)
        await settle(conn, writes, targets)
        writes.changed.extend(conversation_id for _, conversation_id in await changes.move_up_to(conn, watermarks))
        await audit.append(conn, writes.audit)
        await live.notify(conn, writes.changed)


async def bring_back(runtime: Runtime) -> None:
    """Conversations put aside return at their time."""
    now = runtime.clock()
    async with runtime.pool.acquire() as conn, conn.transaction():
        woken = await snooze.wake_due(conn, now=now)
        await audit.append(
            conn, [AuditEvent(at=now, actor="system:clock", action="conversation.woken", object=f"conversation:{c}") for c in woken]
        )
        await live.notify(conn, woken)
