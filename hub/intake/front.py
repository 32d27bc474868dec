"""The way in for channels that cannot wait: into the store, or onto the spool when the store does not take it in time.

While anything waits on the spool, what comes after it waits too, so the order of arrival is kept. Whatever was spooled goes
through `Intake` like everything else as soon as the store is back; twice, after a crash, is once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Final

import structlog

from channels.errors import BadPayload
from channels.registry import ADAPTERS
from hub.intake.batcher import Accepted, Intake, IntakeFull, StoreUnavailable
from hub.intake.spool import BadEntry, Spool, Spooled, SpoolFull
from hub.model.ids import AccountId
from hub.model.message import Account, ChannelEvent, RawRequest

log = structlog.get_logger("spool")

STORE_WITHIN_S: Final = 3.0  # WeChat waits five seconds
LOOK_EVERY_S: Final = 0.25
AT_ONCE: Final = 32


class Front:
    """What stands before one process's Intake. store_within_s: how long the store may take before the disk is used."""

    def __init__(
        self, intake: Intake, spool: Spool, accounts: Mapping[AccountId, Account], *, store_within_s: float = STORE_WITHIN_S
    ) -> None:
        self._intake, self._spool, self._accounts, self._within = intake, spool, accounts, store_within_s
        self._late: set[asyncio.Task[Accepted]] = set()
        self._emptying: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to empty the spool whenever something lies there."""
        self._emptying = asyncio.create_task(self._empty_for_ever(), name="spool")

    async def stop(self) -> None:
        """Stop; what waits stays on disk for the next process."""
        if self._emptying is not None:
            self._emptying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._emptying

    async def accept(self, request: RawRequest, account: Account, events: Sequence[ChannelEvent], *, name: str = "") -> Accepted | None:
        """Store the events, or keep the request on disk: None. Either way it may be acknowledged.

        Raises IntakeFull and StoreUnavailable as `Intake.accept` does, when the disk cannot take it either.
        """
        if self._spool.waiting():
            await self._keep(request, account, StoreUnavailable())
            return None
        storing = asyncio.create_task(self._intake.accept(request, account, events, name=name))
        try:
            return await asyncio.wait_for(asyncio.shield(storing), self._within)
        except TimeoutError:
            self._late.add(storing)  # it may yet be stored; the second time changes nothing
            storing.add_done_callback(self._ended)
            await self._keep(request, account, StoreUnavailable())
        except (IntakeFull, StoreUnavailable) as fault:
            await self._keep(request, account, fault)
        return None

    def _ended(self, task: asyncio.Task[Accepted]) -> None:
        self._late.discard(task)
        if not task.cancelled():
            task.exception()

    async def _keep(self, request: RawRequest, account: Account, otherwise: IntakeFull | StoreUnavailable) -> None:
        try:
            name = await asyncio.to_thread(self._spool.put, account.id, request)
        except (SpoolFull, OSError) as fault:
            log.error("spool.cannot_keep", account=account.id, fault=type(fault).__name__)
            raise otherwise from None
        log.warning("spool.kept", account=account.id, entry=name)

    async def _empty_for_ever(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                if self._spool.waiting():
                    await self.empty()
            except Exception as fault:
                log.error("spool.not_emptied", fault=type(fault).__name__)

    async def empty(self) -> int:
        """Store what waits, in order, as far as the store takes it; how many were dealt with. None while another process does."""
        stored = 0
        with self._spool.turn() as ours:
            names = self._spool.names() if ours else []
            for start in range(0, len(names), AT_ONCE):
                some = [entry for name in names[start : start + AT_ONCE] if (entry := await self._read(name)) is not None]
                done = await asyncio.gather(*(self._again(entry) for entry in some))
                stored += sum(done)
                if not all(done):
                    break
        if stored:
            log.info("spool.emptied", requests=stored)
        return stored

    async def _read(self, name: str) -> Spooled | None:
        try:
            return await asyncio.to_thread(self._spool.read, name)
        except FileNotFoundError:
            return None
        except BadEntry:
            self._set_aside(name, "unreadable")
            return None

    async def _again(self, entry: Spooled) -> bool:
        """Store one entry; False when the store is still away."""
        account = self._accounts.get(entry.account_id)
        if account is None:
            self._set_aside(entry.name, "unknown_account")
            return True
        adapter = ADAPTERS[account.adapter]
        try:
            events = adapter.parse(entry.request, account)
        except Exception as fault:  # BadPayload, or a fault of ours: one entry must not hold up everybody for good
            self._set_aside(entry.name, fault.constant if isinstance(fault, BadPayload) else type(fault).__name__)
            return True
        name = adapter.nonce(entry.request) if adapter.nonce else ""
        try:
            await self._intake.accept(entry.request, account, events, name=name)
        except (IntakeFull, StoreUnavailable):
            return False
        self._spool.remove(entry.name)
        return True

    def _set_aside(self, name: str, why: str) -> None:
        self._spool.set_aside(name)
        log.error("spool.set_aside", entry=name, why=why)
