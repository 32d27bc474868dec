"""Natural micro-batching: events that queue up while the last batch runs form the next one. There is no timer.

A batch that fails is taken apart and stored one request at a time, so one bad event never sinks its neighbours; the
bad one is journalled as failed and kept for `hub replay`. When the store cannot be reached nothing is acknowledged.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg
import structlog

from hub.intake.files import keep_files
from hub.intake.record import Tools, record, record_failed
from hub.intake.submission import Submission
from hub.model.ids import AccountId
from hub.model.message import Account, ChannelEvent, RawRequest
from hub.store import accounts
from hub.store.pool import STORE_FAULTS, Pool

log = structlog.get_logger("intake")

# Faults of the moment: two batches met on the same rows. Trying again settles them.
COLLISIONS = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.UniqueViolationError)
ATTEMPTS = 5
HEARD_EVERY = timedelta(seconds=10)


class IntakeFull(Exception):
    """More is waiting than may wait: answer 503 with Retry-After."""


class StoreUnavailable(Exception):
    """Nothing was stored: answer 503, so that the provider tries again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What became of one request, after the commit. failed: events journalled for a replay instead of processed."""

    new: int
    repeated: int
    failed: int = 0


@dataclass(slots=True)
class _Waiting:
    submission: Submission
    done: asyncio.Future[Accepted] = field(repr=False)


class Intake:
    """The one way in of a web process.

    max_waiting: requests that may wait before new ones are turned away. max_batch: requests in one transaction.
    """

    def __init__(
        self, pool: Pool, tools: Tools, *, clock: Callable[[], datetime], max_waiting: int = 2000, max_batch: int = 64, lanes: int = 1
    ) -> None:
        self._pool, self._tools, self._clock = pool, tools, clock
        self._max_waiting, self._max_batch = max_waiting, max_batch
        self._waiting: deque[_Waiting] = deque()
        self._pending: set[asyncio.Future[Accepted]] = set()
        self._arrived = asyncio.Event()
        self._lanes = [asyncio.create_task(self._run(), name=f"intake-{n}") for n in range(lanes)]
        self._heard: dict[AccountId, datetime] = {}
        self._closing = False

    async def accept(self, request: RawRequest, account: Account, events: Sequence[ChannelEvent], *, name: str = "") -> Accepted:
        """Store the events of one verified request; returns after the commit. name: see `Submission`.

        Raises IntakeFull when too much waits already, StoreUnavailable when the database cannot take it.
        """
        if self._closing or len(self._waiting) >= self._max_waiting:
            raise IntakeFull
        try:
            events = await keep_files(events, self._tools.keep)
        except OSError as fault:
            log.error("intake.files_not_kept", fault=type(fault).__name__, account=account.id)
            raise StoreUnavailable from None
        done: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self._pending.add(done)
        done.add_done_callback(self._pending.discard)
        self._waiting.append(_Waiting(Submission(request, account, tuple(events), name), done))
        self._arrived.set()
        return await done

    async def close(self) -> None:
        """Store what waits, then stop."""
        self._closing = True
        if self._pending:
            await asyncio.wait(self._pending)
        for lane in self._lanes:
            lane.cancel()
        await asyncio.gather(*self._lanes, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._arrived.wait()
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._max_batch))]
            if not self._waiting:
                self._arrived.clear()
            if batch:
                await self._store(batch)

    async def _store(self, batch: list[_Waiting]) -> None:
        try:
            results = await self._transaction([w.submission for w in batch])
        except asyncio.CancelledError:
            raise
        except STORE_FAULTS as fault:
            log.error("intake.store_unavailable", fault=type(fault).__name__, requests=len(batch))
            _fail(batch, StoreUnavailable())
        except Exception as fault:
            log.warning("intake.batch_taken_apart", fault=type(fault).__name__, requests=len(batch))
            for waiting in batch:
                await self._store_alone(waiting)
        else:
            for waiting, accepted in zip(batch, results, strict=True):
                if not waiting.done.done():
                    waiting.done.set_result(accepted)

    async def _store_alone(self, waiting: _Waiting) -> None:
        """Two processes may meet in one person: that passes. What goes on colliding with a row that stands never will."""
        lasting: Exception | None = None
        for attempt in range(ATTEMPTS):
            try:
                [accepted] = await self._transaction([waiting.submission])
            except STORE_FAULTS:
                _fail([waiting], StoreUnavailable())
                return
            except COLLISIONS as fault:
                lasting = fault if isinstance(fault, asyncpg.UniqueViolationError) else None
                await asyncio.sleep(0.01 * 2**attempt)
            except Exception as fault:
                await self._journal_failed(waiting, fault)
                return
            else:
                if not waiting.done.done():
                    waiting.done.set_result(accepted)
                return
        if lasting is not None:
            await self._journal_failed(waiting, lasting)
        else:
            _fail([waiting], StoreUnavailable())

    async def _transaction(self, submissions: Sequence[Submission]) -> list[Accepted]:
        async with self._pool.acquire() as conn, conn.transaction():
            counts = await record(conn, submissions, self._tools, now=self._clock())
        await self._note_heard({s.account.id for s in submissions})
        return [Accepted(new=new, repeated=repeated) for new, repeated in counts]

    async def _note_heard(self, account_ids: set[AccountId]) -> None:
        """Now and then, outside the transaction: which channels are alive. Losing a note costs nothing."""
        now = self._clock()
        due = {a for a in account_ids if a not in self._heard or now - self._heard[a] >= HEARD_EVERY}
        if due:
            self._heard |= dict.fromkeys(due, now)
            async with self._pool.acquire() as conn:
                await accounts.heard_from(conn, due, now=now)

    async def _journal_failed(self, waiting: _Waiting, fault: Exception) -> None:
        """Keep the raw request of an event that cannot be processed; acknowledged, counted, replayable."""
        log.error("intake.event_failed", fault=type(fault).__name__, account=waiting.submission.account.id)
        try:
            async with self._pool.acquire() as conn, conn.transaction():
                failed = await record_failed(conn, waiting.submission, error=type(fault).__name__, now=self._clock())
        except Exception as second:
            log.error("intake.journal_failed", fault=type(second).__name__, account=waiting.submission.account.id)
            _fail([waiting], StoreUnavailable())
            return
        if not waiting.done.done():
            waiting.done.set_result(Accepted(new=0, repeated=0, failed=failed))


def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
    for waiting in batch:
        if not waiting.done.done():
            waiting.done.set_exception(error)
