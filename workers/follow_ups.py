"""Follow-ups from the outbox: each is done in one transaction with the deletion of its row, so it happens once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import structlog

from hub.bot import answers
from hub.intake.confirming import lapse
from hub.store import outbox
from hub.store.pool import Connection
from workers import media
from workers.runtime import Runtime

log = structlog.get_logger("follow_up")

Handler = Callable[[Connection, UUID, Runtime], Awaitable[None]]


async def _acknowledge(conn: Connection, ref: UUID, runtime: Runtime) -> None:
    await answers.acknowledge(conn, ref, runtime.voice, now=runtime.clock())


async def _acknowledge_form(conn: Connection, ref: UUID, runtime: Runtime) -> None:
    await answers.acknowledge_form(conn, ref, runtime.voice, now=runtime.clock())


async def _confirm_stop(conn: Connection, ref: UUID, runtime: Runtime) -> None:
    await answers.confirm_stop(conn, ref, runtime.voice, now=runtime.clock())


async def _confirm_consent(conn: Connection, ref: UUID, runtime: Runtime) -> None:
    await answers.confirm_consent(conn, ref, runtime.voice, now=runtime.clock())


async def _lapse_consent(conn: Connection, ref: UUID, runtime: Runtime) -> None:
    await lapse(conn, ref, now=runtime.clock())


HANDLERS: dict[str, Handler] = {
    "acknowledge": _acknowledge,
    "acknowledge_form": _acknowledge_form,
    "confirm_consent": _confirm_consent,
    "confirm_stop": _confirm_stop,
    "fetch_media": media.fetch,
    "forget_media": media.forget,
    "lapse_consent": _lapse_consent,
}


async def run(runtime: Runtime, topic: str) -> int:
    """Work through the due rows of a topic, one transaction each. A failing one is put off, not lost."""
    finished = 0
    while await _one(runtime, topic):
        finished += 1
    return finished


async def _one(runtime: Runtime, topic: str) -> bool:
    """Do the next row; False when none is due."""
    async with runtime.pool.acquire() as conn, conn.transaction():
        due = await outbox.take(conn, topic, now=runtime.clock(), limit=1)
        if not due:
            return False
        try:
            async with conn.transaction():
                await HANDLERS[topic](conn, due[0].ref, runtime)
        except Exception as fault:
            log.warning("follow_up.put_off", topic=topic, fault=type(fault).__name__, attempts=due[0].attempts)
            await outbox.put_off(conn, due[0], now=runtime.clock())
        else:
            await outbox.done(conn, due[0].id)
    return True
