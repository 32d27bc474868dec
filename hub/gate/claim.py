"""The last look: lock the people, read their facts anew, decide each, and only then set `sending`.

Stops take the same locks (`hub.intake.stops`), and the facts are read in a statement of their own after the locks are
held, so a claim that commits after a stop has seen it (promise P1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.gate.compose import mail_of
from hub.gate.content import from_row
from hub.gate.routes import capabilities, route_ok, window_messages
from hub.model.address import Address, AddressClass, Channel
from hub.model.audit import AuditEvent
from hub.model.ids import CampaignId, ContactId, ConversationId, DecisionId, MessageId, uuid7
from hub.model.message import Account, DeliveryStatus, OutboundMail, OutboundMessage
from hub.model.permission import Decision, Kind, PolicySettings
from hub.policy.permission import decide
from hub.store import audit, conversations, decisions, facts, live, mail_out
from hub.store import queue as waiting
from hub.store.decisions import DecisionRow
from hub.store.delivery import Sent
from hub.store.pool import Connection, Pool
from hub.store.queue import Verdict, Waiting

UNKNOWN_KIND = "unknown"  # in the record of a decision about a row whose kind nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A message the judge has just let go. claimed_at: when the claim committed; it is good for one second."""

    message: OutboundMessage
    kind: Kind
    contact_id: ContactId
    conversation_id: ConversationId
    channel: Channel
    address_hash: bytes | None
    attempts: int
    claimed_at: datetime
    campaign_id: CampaignId | None = None


class QueueSource:
    """Messages that wait in the queue of one account."""

    def __init__(self, pool: Pool, account: Account, *, policy: PolicySettings, clock: Callable[[], datetime]) -> None:
        self._pool, self._account, self._policy, self._clock = pool, account, policy, clock

    async def claim(self, limit: int) -> tuple[list[Claimed], int]:
        """Up to `limit` messages the judge lets go now, and how many were looked at."""
        return await claim(self._pool, self._account, limit=limit, clock=self._clock, policy=self._policy)

    async def put_back(self, message_ids: Iterable[MessageId]) -> None:
        """The leave ran out before the sending began: to be decided again."""
        async with self._pool.acquire() as conn:
            await waiting.unclaim(conn, message_ids, send_after=self._clock())

    async def recorded(self, conn: Connection, rows: Sequence[Sent]) -> None:
        """Nothing more to write than the messages."""


async def claim(
    pool: Pool,
    account: Account,
    *,
    limit: int,
    clock: Callable[[], datetime],
    policy: PolicySettings,
    only: MessageId | None = None,
) -> tuple[list[Claimed], int]:
    """Claim up to `limit` due messages of one account: those that may leave now, and how many were looked at.

    only: this message and no other, whether or not its time has come.
    """
    async with pool.acquire() as conn, conn.transaction():
        if only is not None:
            candidates = await waiting.one_due(conn, account.id, only)
        else:
            candidates = await waiting.due(conn, account.id, now=clock(), limit=limit)
        if not candidates:
            return [], 0
        await waiting.lock_people(conn, candidates)
        await conversations.lock_invitations(conn, ((c.conversation_id, c.channel) for c in candidates))
        rows = await waiting.lock_waiting(conn, (c.id for c in candidates))
        now = clock()
        decided = await _decide(conn, rows, account, policy, now)
        hashes = {c.id: c.address_hash for c in candidates}
        await _write(conn, decided, hashes, now)
        mails = await _mails(conn, [row for row, decision in decided if decision.allowed], account, now)
    # Good from the commit on, so the clock is read again here.
    committed_at = clock()
    claimed = [_claimed(row, hashes[row.id], committed_at, mails.get(row.id)) for row, decision in decided if decision.allowed]
    return claimed, len(rows)


async def _decide(
    conn: Connection, rows: Sequence[Waiting], account: Account, policy: PolicySettings, now: datetime
) -> list[tuple[Waiting, Decision]]:
    able, window = route_ok(account), capabilities(account).reply_window_h
    asks = [
        facts.Ask(
            conversation_id=row.conversation_id,
            contact_id=row.contact_id,
            identity_id=row.identity_id,
            channel=row.channel,
            kind=row.kind,
            account_id=account.id,
            content=from_row(row.content),
            route_ok=able,
            reply_window_h=window,
            window_messages=window_messages(account),
        )
        for row in rows
    ]
    gathered = await facts.gather(conn, asks, now=now) if asks else []
    return [(row, decide(found, policy)) for row, found in zip(rows, gathered, strict=True)]


async def _mails(conn: Connection, rows: Sequence[Waiting], account: Account, now: datetime) -> dict[MessageId, OutboundMail]:
    """What those of them that leave by mail say beside their text."""
    rows = [row for row in rows if row.channel is Channel.EMAIL]
    if not rows:
        return {}
    threads = await mail_out.threads_of(conn, (row.conversation_id for row in rows))
    return {
        row.id: mail_of(row.kind, row.conversation_id, threads.get(row.conversation_id), account, now=now)
        for row in rows
        if row.kind is not None
    }


async def _write(
    conn: Connection, decided: Sequence[tuple[Waiting, Decision]], hashes: Mapping[MessageId, bytes | None], now: datetime
) -> None:
    records = [
        DecisionRow(
            id=DecisionId(uuid7()),
            message_id=row.id,
            contact_id=row.contact_id,
            phase="claim",
            asked_at=now,
            kind=row.kind or UNKNOWN_KIND,
            channel=row.channel,
            address_hash=hashes[row.id],
            decision=decision,
            content_hash=bytes.fromhex(row.content["hash"]) if "hash" in row.content else None,
            lint_version=row.content.get("version"),
            operator=f"staff:{row.written_by}" if row.written_by else "system:gate",
        )
        for row, decision in decided
    ]
    await decisions.record(conn, records)
    verdicts = [_verdict(row, decision, record) for (row, decision), record in zip(decided, records, strict=True)]
    await waiting.write_verdicts(conn, verdicts, now=now)
    await audit.append(conn, [_event(row, decision, now) for row, decision in decided])
    await live.notify(conn, (row.conversation_id for row, decision in decided if not decision.allowed))


def _verdict(row: Waiting, decision: Decision, record: DecisionRow) -> Verdict:
    if decision.allowed:
        return Verdict(id=row.id, status=DeliveryStatus.SENDING, decision_id=record.id)
    if decision.retry_at is not None:
        return Verdict(id=row.id, status=DeliveryStatus.QUEUED, decision_id=None, send_after=decision.retry_at)
    return Verdict(id=row.id, status=DeliveryStatus.REFUSED, decision_id=record.id)


def _event(row: Waiting, decision: Decision, now: datetime) -> AuditEvent:
    action = "decision.allow" if decision.allowed else "decision.refuse"
    return AuditEvent(at=now, actor="system:gate", action=action, object=f"message:{row.id}", reason=decision.reason)


def _claimed(row: Waiting, address_hash: bytes | None, at: datetime, mail: OutboundMail | None) -> Claimed:
    if row.address is None or row.address_kind is None or row.kind is None:
        raise ValueError("a message without an address or a kind was let go")  # the judge refuses both before this
    return Claimed(
        message=OutboundMessage(
            id=row.id,
            to=Address(kind=AddressClass(row.address_kind), value=row.address),
            text=row.body,
            template_id=row.template_id,
            template_variables=row.variables,
            mail=mail,
        ),
        kind=row.kind,
        contact_id=row.contact_id,
        conversation_id=row.conversation_id,
        channel=row.channel,
        address_hash=address_hash,
        attempts=row.attempts,
        claimed_at=at,
    )
