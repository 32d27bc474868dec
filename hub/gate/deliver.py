"""Handing messages over: claim, send, record, for one account at a time, until nothing waits or the time is up.

The one place that calls a channel's `send`. A claim older than one second is put back and decided again, so a slow
moment never sends on an old answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

import structlog

from channels.errors import CannotExpress, NotSent, OutcomeUnknown
from hub.gate.claim import Claimed, QueueSource
from hub.gate.results import Finished, record
from hub.model.ids import MessageId
from hub.model.message import Account, Adapter, SendCode, SendResult, Transport
from hub.model.permission import PolicySettings
from hub.store import accounts
from hub.store.delivery import Sent
from hub.store.pool import ROW_FAULTS, STORE_FAULTS, Connection, Pool

log = structlog.get_logger("gate")

CLAIM_GOOD_FOR = timedelta(seconds=1)
POLL_S = 0.03
# How a worker learns how many it may claim at once: each send begun in time adds a little, each that came too late takes a share.
SURER, LESS_SURE, FEWEST = 0.05, 0.98, 8.0
RECORD_RETRIES = 60


class Source(Protocol):
    """Where a way out gets what it sends: claimed with the judge's leave, and put back when the leave ran out."""

    async def claim(self, limit: int) -> tuple[list[Claimed], int]: ...
    async def put_back(self, message_ids: Iterable[MessageId]) -> None: ...
    async def recorded(self, conn: Connection, rows: Sequence[Sent]) -> None: ...


@runtime_checkable
class Narrow(Protocol):
    """A transport that carries only so many at once, on as many connections."""

    at_once: int


class Delivery:
    """One account's way out in one worker.

    source: what waits in the account's queue, unless another one is given.
    held: whether nothing may be claimed just now, since something that came in is not stored yet: it may be a stop.
    in_flight: sends claimed and not yet done, at most; fewer are claimed where they would wait longer than a claim is good for.
    claims: claims under way at once, so that one decides while another reads or writes.
    clock: aware UTC; passed in so that tests can move it.
    """

    def __init__(
        self,
        pool: Pool,
        account: Account,
        adapter: Adapter,
        transport: Transport,
        *,
        policy: PolicySettings,
        clock: Callable[[], datetime],
        in_flight: int = 64,
        claims: int = 1,
        source: Source | None = None,
        held: Callable[[], bool] = lambda: False,
    ) -> None:
        self._pool, self._account, self._adapter, self._transport = pool, account, adapter, transport
        self._policy, self._clock, self._in_flight = policy, clock, in_flight
        self._held, self._claims = held, claims
        self._source: Source = source or QueueSource(pool, account, policy=policy, clock=clock)
        self._tasks: set[asyncio.Task[None]] = set()
        self._freed = asyncio.Event()  # a send is done
        self._window = float(in_flight)  # sends that are begun in time, as far as we know
        self._lanes = asyncio.Semaphore(transport.at_once if isinstance(transport, Narrow) else in_flight)
        self._finished: asyncio.Queue[Finished] = asyncio.Queue()
        self._open = 0  # claimed and not yet recorded; their people wait for the next message
        self._asked_for = 0  # sends that claims under way may bring

    async def run(self, *, deadline_s: float, linger_s: float = 0.5, alive: Callable[[], Awaitable[None]] | None = None) -> int:
        """Deliver until nothing has waited for `linger_s`, or for `deadline_s` at most. How many were let go.

        alive: called about once a second, to keep the lease on this work.
        """
        self._end = asyncio.get_running_loop().time() + deadline_s
        recorder = asyncio.create_task(self._record())
        lanes = [asyncio.create_task(self._claim_on(linger_s, None if n else alive)) for n in range(self._claims)]
        try:
            return sum(await asyncio.gather(*lanes))
        finally:
            self._end = 0.0  # where one lane failed, the others finish the claim they are at
            await asyncio.gather(*lanes, return_exceptions=True)
            if self._tasks:
                await asyncio.wait(self._tasks)
            await self._finished.join()
            recorder.cancel()

    async def _claim_on(self, linger_s: float, alive: Callable[[], Awaitable[None]] | None) -> int:
        loop = asyncio.get_running_loop()
        idle_since, beat, let_go = loop.time(), loop.time(), 0
        while loop.time() < self._end and (self._open or loop.time() - idle_since < linger_s):
            were_open = self._open
            started, looked_at = await self._claim_some()
            let_go += started
            if looked_at or were_open or self._open:
                idle_since = loop.time()
            if not looked_at:
                await self._pause()
            if alive and loop.time() - beat > 1:
                beat = loop.time()
                await alive()
        return let_go

    async def _pause(self) -> None:
        self._freed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_S):
                await self._freed.wait()

    async def _claim_some(self) -> tuple[int, int]:
        """Claim what the rate limiter lets go right now, and start sending it: how many, of how many looked at."""
        most = int(self._window)
        free = min(most - len(self._tasks) - self._asked_for, most // self._claims)
        if free < max(1, most // (4 * self._claims)):
            return 0, 0  # few at a time would cost a transaction each
        if self._held():
            return 0, 0
        self._asked_for += free
        try:
            claimed, looked_at = await self._claim(free)
        finally:
            self._asked_for -= free
        self._open += len(claimed)
        for one in claimed:
            task = asyncio.create_task(self._send(one))
            self._tasks.add(task)
            task.add_done_callback(self._done)
        return len(claimed), looked_at

    async def _claim(self, free: int) -> tuple[list[Claimed], int]:
        async with self._pool.acquire() as conn:
            tokens = await accounts.take_tokens(
                conn, self._account.id, wanted=free, rate_per_s=self._account.rate_per_s, burst=self._account.burst, now=self._clock()
            )
        if not tokens:
            return [], 0
        claimed: list[Claimed] = []
        try:
            claimed, looked_at = await self._source.claim(tokens)
        finally:
            if tokens > len(claimed):
                async with self._pool.acquire() as conn:
                    await accounts.give_back(conn, self._account.id, tokens - len(claimed))
        return claimed, looked_at

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._freed.set()

    async def _send(self, claimed: Claimed) -> None:
        """Hand it over as soon as there is a way free, if its leave is still good by then."""
        async with self._lanes:
            if self._clock() - claimed.claimed_at <= CLAIM_GOOD_FOR:
                self._window = min(self._in_flight, self._window + SURER)
                self._finished.put_nowait(Finished(claimed=claimed, result=await self._hand_over(claimed)))
                return
        self._window = max(min(FEWEST, self._in_flight), self._window * LESS_SURE)
        await self._put_back(claimed)

    async def _put_back(self, claimed: Claimed) -> None:
        """Let it be decided anew. Where the store is away it stays `sending`, and is given up as unknown rather than sent."""
        try:
            await self._source.put_back([claimed.message.id])
        except STORE_FAULTS as fault:
            log.warning("gate.not_put_back", fault=type(fault).__name__, message=str(claimed.message.id))
        finally:
            self._open -= 1

    async def _hand_over(self, claimed: Claimed) -> SendResult:
        try:
            request = self._adapter.render(claimed.message, self._account)
        except CannotExpress as refusal:
            return SendResult(code=SendCode.REJECTED, error_code=refusal.constant)
        try:
            return self._adapter.interpret(await self._transport.send(request))
        except NotSent:
            return SendResult(code=SendCode.NOT_SENT)
        except OutcomeUnknown:
            return SendResult(code=SendCode.OUTCOME_UNKNOWN)
        except Exception as fault:
            # Bytes may have left: whatever it was, it is not sent again by itself.
            log.error("gate.send_fault", fault=type(fault).__name__, account=self._account.id, message=str(claimed.message.id))
            return SendResult(code=SendCode.OUTCOME_UNKNOWN, error_code="internal")

    async def _record(self) -> None:
        """Record results as they come, all that wait at once."""
        while True:
            batch = [await self._finished.get()]
            while not self._finished.empty() and len(batch) < 500:
                batch.append(self._finished.get_nowait())
            try:
                await self._record_batch(batch)
            finally:
                self._open -= len(batch)
                for _ in batch:
                    self._finished.task_done()

    async def _record_batch(self, batch: list[Finished]) -> None:
        """Write results together, and one by one where one of them cannot stand, so that it takes no other with it."""
        for attempt in range(RECORD_RETRIES):
            try:
                async with self._pool.acquire() as conn, conn.transaction():
                    rows = await record(conn, batch, self._account, self._policy, now=self._clock())
                    await self._source.recorded(conn, rows)
                return
            except ROW_FAULTS as fault:
                log.warning("gate.result_refused", fault=type(fault).__name__, account=self._account.id, results=len(batch))
                if len(batch) == 1:
                    break
                for one in batch:
                    await self._record_batch([one])
                return
            except Exception as fault:
                log.warning("gate.record_again", fault=type(fault).__name__, account=self._account.id, results=len(batch))
                await asyncio.sleep(min(1.0, 0.02 * 2**attempt))
        log.error("gate.results_left_unknown", account=self._account.id, results=len(batch))
