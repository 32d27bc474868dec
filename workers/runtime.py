"""A worker process: RQ in the main thread, one asyncio loop beside it that lives as long as the process.

Jobs carry ids only; what they do is written in `workers.jobs`. The pool and the providers' sessions stay warm in the
loop. When Valkey goes away the worker waits and begins again; nothing it knew mattered (promise P8).
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog
import uvloop
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from channels.registry import ADAPTERS
from hub import collector, wordings
from hub.bot.answers import Voice
from hub.gate.deliver import Delivery
from hub.intake.spool import Spool
from hub.model.ids import AccountId
from hub.settings import Settings
from hub.store.pool import Pool, open_pool
from workers.tokens import KeptTokens

T = TypeVar("T")
log = structlog.get_logger("worker")

CLAIM_OF = 256  # sends: whoever has more of them under way decides about some while others are read or written
QUEUES = ("reply", "mail", "campaign", "housekeeping")  # in the order they are served


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Runtime:
    """What jobs of this process share. Entered once, on the worker's own loop."""

    def __init__(self, settings: Settings, pool: Pool, stack: AsyncExitStack, clock: Callable[[], datetime] = utc_now) -> None:
        self.settings, self.pool, self.clock = settings, pool, clock
        self.voice = Voice(settings=settings, wordings=wordings.load(settings.config_dir / "wordings"))
        self.spool = Spool(settings.data_dir / "spool", settings.secret_key)
        self.tokens = KeptTokens(pool, settings.secret_key, clock)
        self._stack = stack
        self._transports: dict[AccountId, Any] = {}

    async def transport(self, account_id: AccountId) -> Any:
        """The account's open transport; None where its adapter has none."""
        if account_id not in self._transports:
            account = self.settings.accounts[account_id]
            adapter = ADAPTERS[account.adapter]
            shared, factory = adapter.open_with_tokens, adapter.open_transport
            opening = shared(account, self.tokens) if shared else factory(account) if factory else None
            self._transports[account_id] = await self._stack.enter_async_context(opening) if opening else None
        return self._transports[account_id]

    async def delivery(self, account_id: AccountId) -> Delivery | None:
        """The way out of one account; None where nothing can leave."""
        account = self.settings.accounts.get(account_id)
        if account is None or (transport := await self.transport(account_id)) is None:
            return None
        adapter, policy = ADAPTERS[account.adapter], self.settings.policy
        return Delivery(
            self.pool,
            account,
            adapter,
            transport,
            policy=policy,
            clock=self.clock,
            in_flight=(in_flight := adapter.capabilities.in_flight),
            claims=max(1, in_flight // CLAIM_OF),
            held=self.spool.waiting,
        )


class _Loop:
    """An asyncio loop in a thread of its own, alive between jobs."""

    def __init__(self) -> None:
        collector.look_rarely()
        self.loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="worker-loop", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end on the loop; a job time-out or a signal in the calling thread cancels it."""
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout=5)


_current: tuple[_Loop, Runtime] | None = None


class JobFailed(Exception):
    """A job failed; names the class of the fault and nothing else."""


def run_job(work: Callable[[Runtime], Coroutine[Any, Any, T]]) -> T:
    """Run a job's coroutine on the worker's loop. Raises JobFailed, and RuntimeError outside a worker."""
    if _current is None:
        raise RuntimeError("jobs run inside a worker process")
    loop, runtime = _current
    try:
        return loop.call(work(runtime))
    except Exception as fault:
        # RQ keeps the story of a failed job in Valkey, words and all: they may quote what a patient wrote (promise P6).
        log.error("job.failed", exc_info=fault)
        raise JobFailed(type(fault).__name__) from None


def queue_named(name: str, redis: Redis) -> Queue:
    """A queue whose jobs are stored as JSON: ids only, and nothing to unpickle."""
    return Queue(name, connection=redis, serializer=JSONSerializer)


def run_worker(settings: Settings) -> None:
    """Serve the queues until SIGTERM or SIGINT; the job at hand is finished first."""
    global _current
    stopping = threading.Event()
    redis = Redis.from_url(settings.redis_url or "")
    loop = _Loop()
    stack = AsyncExitStack()

    async def begin() -> Runtime:
        pool = await open_pool(settings.database_url or "", min_size=1, max_size=8)
        stack.push_async_callback(pool.close)
        return Runtime(settings, pool, stack)

    try:
        _current = (loop, loop.call(begin()))
        while not stopping.is_set():
            _serve(redis, stopping)
    finally:
        _current = None
        loop.call(stack.aclose())
        loop.close()


class _Worker(SimpleWorker):
    """RQ's in-process worker, telling us when it was asked to stop."""

    max_connection_wait_time = 5.0  # RQ's own minute would keep answers waiting long after Valkey is back
    asked_to_stop: threading.Event

    def request_stop(self, signum: int, frame: Any) -> None:
        self.asked_to_stop.set()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]  # RQ ships no types


def _serve(redis: Redis, stopping: threading.Event) -> None:
    """One worker's life; ends when asked to stop, or when Valkey is lost."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        worker = _Worker(
            [queue_named(name, redis) for name in QUEUES], connection=redis, serializer=JSONSerializer, log_job_description=False
        )
        worker.asked_to_stop = stopping
        worker.work(logging_level="WARNING", with_scheduler=False)
    except (RedisError, OSError, ValueError) as fault:
        log.warning("worker.queue_lost", fault=type(fault).__name__)
        stopping.wait(0.5)
