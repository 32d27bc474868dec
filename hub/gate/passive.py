"""Answers given in the very request they answer, where a channel has such answers (WeChat's "passive replies").

The same two steps as everywhere: the message is queued, which asks the judge, and claimed, which asks again behind the locks that
stops take. What may not go, is late, or cannot be said this way is left to the ordinary way out, or refused as there.
A message that began to leave here is recorded as accepted, or as unknown where the connection broke; never sent again by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from channels.errors import CannotExpress
from hub.bot import answers
from hub.bot.answers import Voice
from hub.gate.asking import Queued
from hub.gate.claim import Claimed, claim
from hub.gate.results import Finished, record
from hub.model.message import Account, Adapter, ChannelEvent, DeliveryStatus, RawRequest, Reply, SendCode, SendResult
from hub.store import outbox
from hub.store import queue as waiting
from hub.store.facts import PASSIVE
from hub.store.pool import STORE_FAULTS, Pool

log = structlog.get_logger("gate")

# Longer than preparing takes, so that no worker sends it meanwhile; should this process die, a worker sends it then.
HEAD_START: Final = timedelta(seconds=4)
PREPARED_WITHIN_S: Final = 1.5
ANSWERED_WITHIN: Final = timedelta(seconds=3)  # of the five WeChat waits
CLAIM_GOOD_FOR: Final = timedelta(seconds=1)
RECORD_RETRIES: Final = 8

Speak = Callable[..., Awaitable[Queued | None]]
SPEAKERS: Final[Mapping[str, Speak]] = {"acknowledge": answers.acknowledge, "confirm_stop": answers.confirm_stop}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A claimed message, worded as the answer to a request. received_at: when that came."""

    claimed: Claimed
    reply: Reply
    account: Account
    received_at: datetime


class PassiveAnswers:
    """Finds what follows from a request just stored, and has it said in the answer. held: whether nothing may be claimed now."""

    def __init__(self, pool: Pool, voice: Voice, *, clock: Callable[[], datetime], held: Callable[[], bool]) -> None:
        self._pool, self._voice, self._clock, self._held = pool, voice, clock, held

    async def prepare(self, request: RawRequest, account: Account, adapter: Adapter, events: Sequence[ChannelEvent]) -> Prepared | None:
        """The answer to a request whose events were stored a moment ago; None where there is none to give, or no time for it."""
        if adapter.answer is None or self._held():
            return None
        try:
            async with asyncio.timeout(PREPARED_WITHIN_S):
                queued = await self._queued(account, events)
            if queued is None or not self._in_time(request.received_at):
                return None
            return await self._claimed(queued, request, account, adapter)
        except Exception as fault:  # the message itself is stored and acknowledged, whatever happens here
            log.warning("passive.left_to_the_queue", account=account.id, fault=type(fault).__name__)
            return None

    async def _queued(self, account: Account, events: Sequence[ChannelEvent]) -> Queued | None:
        """Do the follow-up that would speak, as a worker would: its message waits with a head start."""
        now = self._clock()
        async with self._pool.acquire() as conn, conn.transaction():
            due = await outbox.take_of(conn, list(SPEAKERS), account.id, [e.provider_event_id for e in events])
            if due is None:
                return None
            queued = await SPEAKERS[due.topic](conn, due.ref, self._voice, now=now, send_after=now + HEAD_START)
            await outbox.done(conn, due.id)
            return queued

    async def _claimed(self, queued: Queued, request: RawRequest, account: Account, adapter: Adapter) -> Prepared | None:
        policy = self._voice.settings.policy
        found, _ = await claim(self._pool, account, limit=1, clock=self._clock, policy=policy, only=queued.message_id)
        if not found or adapter.answer is None:
            return None
        try:
            reply = adapter.answer(found[0].message, request, account)
        except CannotExpress:
            await self._put_back(found[0])
            return None
        return Prepared(claimed=found[0], reply=reply, account=account, received_at=request.received_at)

    async def may_go(self, prepared: Prepared) -> bool:
        """Asked right before the answer is written: whether the leave is still good. If not, it is decided anew and sent otherwise."""
        fresh = self._clock() - prepared.claimed.claimed_at <= CLAIM_GOOD_FOR
        if fresh and self._in_time(prepared.received_at):
            return True
        await self._put_back(prepared.claimed)
        return False

    async def _put_back(self, claimed: Claimed) -> None:
        try:
            async with self._pool.acquire() as conn:
                await waiting.unclaim(conn, [claimed.message.id], send_after=self._clock())
        except STORE_FAULTS as fault:
            log.warning("passive.not_put_back", message=str(claimed.message.id), fault=type(fault).__name__)

    async def went(self, prepared: Prepared, *, whole: bool) -> None:
        """Record what became of it. whole: the answer was written to its end; nobody tells more than that."""
        named = f"{PASSIVE}{prepared.claimed.message.id}"
        result = SendResult(code=SendCode.ACCEPTED if whole else SendCode.OUTCOME_UNKNOWN, provider_message_id=named)
        finished = [Finished(claimed=prepared.claimed, result=result)]
        for attempt in range(RECORD_RETRIES):
            try:
                async with self._pool.acquire() as conn, conn.transaction():
                    await record(conn, finished, prepared.account, self._voice.settings.policy, now=self._clock())
                return
            except Exception as fault:
                log.warning("passive.record_again", fault=type(fault).__name__, account=prepared.account.id)
                await asyncio.sleep(min(1.0, 0.02 * 2**attempt))
        log.error("passive.left_unknown", account=prepared.account.id, status=DeliveryStatus.UNKNOWN)

    def _in_time(self, received_at: datetime) -> bool:
        return self._clock() - received_at <= ANSWERED_WITHIN
