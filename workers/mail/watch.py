"""Watching one IMAP folder: everything new goes in once, in order, and the place we reached is kept in PostgreSQL.

A mail that cannot be had is noted and passed over; a store that is away is waited for. A changed UIDVALIDITY means another
numbering: what arrived lately is looked at again, and the journal knows what it has seen.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from hub.intake import IntakeFull, StoreUnavailable
from hub.model.message import Account
from hub.store import mail
from hub.store.pool import STORE_FAULTS, Pool
from workers.mail.door import MailDoor
from workers.mail.imap import FAULTS, ImapSession, LoginRefused
from workers.mail.listen import GREATEST

log = structlog.get_logger("mail")
T = TypeVar("T")
_AWAY: tuple[type[Exception], ...] = (IntakeFull, StoreUnavailable, *STORE_FAULTS)

TRIES = 3  # times a connection may be lost over one mail before it is passed over
AGAIN = timedelta(days=2)  # how much further back than our last look we look again under a new numbering


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """look_every_s: seconds between looks, IDLE or not; also how long one IDLE lasts, at most 25 minutes. first_days: how far
    back a mailbox is read that was never read before. refused_s: the wait after a refused login, which a person must mend."""

    look_every_s: float = 60.0
    first_days: int = 2
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0
    refused_s: float = 300.0


class Watch:
    """One folder of one account."""

    def __init__(
        self, account: Account, folder: str, door: MailDoor, pool: Pool, *, clock: Callable[[], datetime], pace: Pace | None = None
    ) -> None:
        self._account, self._folder, self._door, self._pool, self._clock = account, folder, door, pool, clock
        self._pace = pace or Pace()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="imap")
        self._session: ImapSession | None = None
        self._lost: Counter[int] = Counter()
        self._at: int | None = None  # the mail being fetched

    async def run(self) -> None:
        """Watch for ever; ends by cancellation."""
        wait = self._pace.first_wait_s
        try:
            while True:
                began = self._clock()
                again_in = await self._once()
                calm = self._clock() - began > timedelta(seconds=self._pace.longest_wait_s)
                wait = self._pace.first_wait_s if calm else min(wait * 2, self._pace.longest_wait_s)
                await asyncio.sleep(again_in or wait)
        finally:
            if self._session is not None:
                self._session.abort()
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _once(self) -> float | None:
        """One connection's life; seconds to wait where that is settled."""
        session = self._session = ImapSession(self._account, self._folder)
        try:
            await self._follow(session)
        except asyncio.CancelledError:
            session.abort()  # the thread may be in IDLE for another minute
            raise
        except LoginRefused:
            log.error("imap.login_refused", account=self._account.id)
            return self._pace.refused_s
        except FAULTS as fault:
            self._lost[self._at or 0] += 1
            log.warning("imap.connection_lost", account=self._account.id, fault=type(fault).__name__)
        except _AWAY as fault:
            log.warning("imap.store_away", account=self._account.id, fault=type(fault).__name__)
        finally:
            await self._do(session.close)
        return None

    async def _follow(self, session: ImapSession) -> None:
        uidvalidity, uidnext = await self._do(session.open)
        reached = await self._resume(session, uidvalidity, uidnext)
        log.info("imap.watching", account=self._account.id)
        idle = await self._do(session.can_idle)
        every = min(self._pace.look_every_s, 25 * 60.0)
        while True:
            for uid in await self._do(session.uids_after, reached):
                await self._take(session, uidvalidity, uid)
                reached = await self._reach(uidvalidity, uid)
            if idle:
                await self._do(session.wait, every)
            else:
                await asyncio.sleep(every)

    async def _resume(self, session: ImapSession, uidvalidity: int, uidnext: int) -> int:
        """The UID to go on after; under a new numbering, or at first, what arrived lately is taken in before."""
        async with self._pool.acquire() as conn:
            known = await mail.cursor(conn, self._account.id, self._folder)
        if known is not None and known.uidvalidity == uidvalidity:
            return known.uid
        since = known.read_at - AGAIN if known else self._clock() - timedelta(days=self._pace.first_days)
        for uid in await self._do(session.uids_since, since.date()):
            if uid < uidnext:
                await self._take(session, uidvalidity, uid)
        return await self._reach(uidvalidity, uidnext - 1)

    async def _reach(self, uidvalidity: int, uid: int) -> int:
        async with self._pool.acquire() as conn:
            await mail.move_cursor(conn, self._account.id, self._folder, uidvalidity=uidvalidity, uid=uid, now=self._clock())
        return uid

    async def _take(self, session: ImapSession, uidvalidity: int, uid: int) -> None:
        """Store one mail, or note why not."""
        if self._lost[uid] >= TRIES:
            await self._pass_over(uidvalidity, uid, "not_given", None)
            return
        self._at = uid
        found = await self._do(session.describe, uid)
        if found is None:
            return  # gone since
        if found.size > GREATEST:
            await self._pass_over(uidvalidity, uid, "too_big", found.size)
            return
        raw = await self._do(session.fetch, uid)
        self._at = None
        if raw is None:
            await self._pass_over(uidvalidity, uid, "not_given", found.size)
            return
        arrived = min(found.arrived_at, self._clock()) if found.arrived_at else None
        await self._door.take(self._account, raw, received_at=arrived)

    async def _pass_over(self, uidvalidity: int, uid: int, reason: str, size: int | None) -> None:
        log.error("imap.passed_over", account=self._account.id, uid=uid, reason=reason)
        async with self._pool.acquire() as conn:
            await mail.pass_over(
                conn, self._account.id, self._folder, uidvalidity=uidvalidity, uid=uid, reason=reason, size=size, now=self._clock()
            )

    async def _do(self, work: Callable[..., T], *given: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *given)
