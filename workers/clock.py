"""The clock process: one leader by advisory lock runs the relay and the system's ticks; the others wait to take over.

When the database goes away the leader steps down and begins again; nothing here keeps state of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable

import structlog
import uvloop
from redis import Redis

from hub.settings import Settings
from hub.store.live import WORK, listen
from hub.store.pool import STORE_FAULTS, Connection, connect, open_pool
from workers import files, missed, parts, slack, ticks
from workers.relay import Relay
from workers.runtime import Runtime, utc_now

log = structlog.get_logger("clock")

LEADER_LOCK = 0x48554202
EVERY: tuple[tuple[float, Callable[[Runtime], Awaitable[object]]], ...] = (
    (1.0, ticks.seal_audit),
    (1.0, parts.release),
    (2.0, ticks.give_up_stale_sends),
    (5.0, ticks.look_up_unknown_sends),
    (5.0, ticks.bring_back),
    (60.0, ticks.sweep),
    (30.0, files.delete_released),
    (3600.0, files.delete_orphans),
    (60.0, missed.catch_up),
)


def run_clock(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    uvloop.run(_main(settings))


async def _main(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    lead = asyncio.create_task(_lead_for_ever(settings))
    await stop.wait()
    lead.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await lead


async def _lead_for_ever(settings: Settings) -> None:
    """Begin again after any fault: a clock that stands still unseen would be worse than one that stumbles."""
    while True:
        try:
            await _lead(settings)
        except Exception as fault:
            log.warning("clock.stepped_down", fault=kind_of(fault))
        await asyncio.sleep(0.5)


def kind_of(fault: BaseException) -> str:
    """The class of a fault, for the log; of a group, that of its first."""
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return type(fault).__name__


async def _lead(settings: Settings) -> None:
    """Take the lead when it is free, and keep it while the connection that holds the lock lives. Raises what ends it."""
    lock = await connect(settings.database_url or "")
    try:
        if not await lock.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK):
            return
        log.info("clock.leads")
        async with contextlib.AsyncExitStack() as stack:
            pool = await open_pool(settings.database_url or "", min_size=1, max_size=8)
            stack.push_async_callback(_close, pool)
            runtime = Runtime(settings, pool, stack, utc_now)
            relay = Relay(pool, Redis.from_url(settings.redis_url or ""), utc_now)
            await listen(lock, WORK, lambda _note: relay.noted.set())
            async with asyncio.TaskGroup() as group:
                group.create_task(relay.run())
                group.create_task(_still_leads(lock))
                group.create_task(slack.run(runtime))
                for every_s, tick in EVERY:
                    group.create_task(_every(every_s, tick, runtime))
    finally:
        lock.terminate()


async def _close(pool: object) -> None:
    pool.terminate()  # type: ignore[attr-defined]


async def _still_leads(lock: Connection) -> None:
    while True:
        await asyncio.sleep(1)
        await lock.fetchval("SELECT 1", timeout=5)


async def _every(every_s: float, tick: Callable[[Runtime], Awaitable[object]], runtime: Runtime) -> None:
    """Run a tick again and again; a failing one is logged and tried again, unless the database itself is gone."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await tick(runtime)
        except STORE_FAULTS:
            raise
        except Exception as fault:
            log.error("clock.tick_failed", tick=tick.__name__, fault=type(fault).__name__)
