"""The relay: looks at what waits in PostgreSQL and puts a job into RQ for it. Jobs carry ids and an explicit description.

A lease in PostgreSQL says which work a job is on. If Valkey loses the job, the lease runs out and the relay makes a
new one; nothing has to be remembered in Redis.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog
from redis import Redis
from redis.exceptions import RedisError

from hub.store import accounts, campaigns, outbox
from hub.store import queue as waiting
from hub.store.pool import Pool
from workers.runtime import queue_named

log = structlog.get_logger("relay")

LEASE_S = 4.0
JOB_TIMEOUT_S = 120
OUTBOX_QUEUES = {"fetch_media": "housekeeping", "forget_media": "housekeeping"}  # other follow-ups are answers somebody waits for


class Relay:
    """Turns waiting work into jobs; one per subject at a time."""

    def __init__(self, pool: Pool, redis: Redis, clock: Callable[[], datetime]) -> None:
        self._pool, self._redis, self._clock = pool, redis, clock
        self.noted = asyncio.Event()

    async def run(self, *, every_s: float = 0.25) -> None:
        """Look whenever something was noted, and every `every_s` seconds in any case."""
        while True:
            try:
                async with asyncio.timeout(every_s):
                    await self.noted.wait()
            except TimeoutError:
                pass
            self.noted.clear()
            await self.look()

    async def look(self) -> int:
        """Enqueue a job for everything that waits and has none. How many were enqueued."""
        now = self._clock()
        async with self._pool.acquire() as conn:
            wanted: list[tuple[str, str, str, str]] = [
                ("reply", f"deliver:{a}", "workers.jobs.deliver", a) for a in await waiting.accounts_with_due(conn, now=now)
            ]
            wanted += [
                (OUTBOX_QUEUES.get(t, "reply"), f"outbox:{t}", "workers.jobs.follow_up", t) for t in await outbox.due_topics(conn, now=now)
            ]
            wanted += [("campaign", f"campaign:{c}", "workers.jobs.campaign", str(c)) for c in await campaigns.at_work(conn, now=now)]
            made = 0
            for queue, subject, function, argument in wanted:
                if await accounts.lease(conn, subject, now=now, for_s=LEASE_S):
                    made += 1
                    if not await asyncio.to_thread(self._enqueue, queue, subject, function, argument):
                        await accounts.end_lease(conn, subject)
        return made

    def _enqueue(self, queue: str, subject: str, function: str, argument: str) -> bool:
        try:
            queue_named(queue, self._redis).enqueue_call(
                function,
                args=(argument,),
                timeout=JOB_TIMEOUT_S,
                result_ttl=0,
                failure_ttl=3600,
                ttl=60,
                description=subject,
            )
        except (RedisError, OSError) as fault:
            log.warning("relay.queue_unreachable", fault=type(fault).__name__)
            return False
        return True
