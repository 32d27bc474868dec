"""A campaign's claims: lock the people whose turn it is, read their facts anew, decide each, and only then set `sending`.

The same guarantees as `hub.gate.claim`: stops take the same locks, and facts are read in a statement of their own after
the locks are held (promise P1). Message, decision and the person's place on the list are written in one transaction, so
whoever dies in between has done all of it or none (promise P4).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from hub.campaigns.asking import Asker
from hub.campaigns.content import Text, mail_parts
from hub.gate.claim import Claimed
from hub.gate.content import from_row
from hub.model.address import Address, AddressClass, Channel
from hub.model.audit import AuditEvent
from hub.model.campaign import Campaign, RecipientState
from hub.model.ids import ConversationId, DecisionId, MessageId, uuid7
from hub.model.message import OutboundMail, OutboundMessage
from hub.model.permission import Decision, Kind
from hub.model.sealed import Sealed
from hub.policy.permission import decide
from hub.settings import Settings
from hub.store import audit, decisions, recipients
from hub.store import queue as waiting
from hub.store.audience import FIRST
from hub.store.decisions import DecisionRow
from hub.store.delivery import Sent
from hub.store.pool import Connection, Pool, Row
from hub.store.recipients import Outgoing, Turn, Verdict

MOST_AT_ONCE = 500  # people in one transaction
REST = timedelta(milliseconds=500)  # after the whole list was gone through and nobody's turn had come
POSTPONE_AT_MOST = timedelta(days=1)  # a cap that frees later than this refuses: the news would be old


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    turn: Turn
    row: Row
    decision: Decision
    record: DecisionRow
    state: RecipientState
    not_before: datetime | None


class CampaignSource:
    """The people of one running campaign, for `hub.gate.deliver.Delivery`."""

    def __init__(self, pool: Pool, campaign: Campaign, settings: Settings, *, clock: Callable[[], datetime]) -> None:
        content = dict(campaign.content or {})
        account = settings.accounts.get(campaign.draft.account_id)
        self._pool, self._campaign, self._clock, self._policy = pool, campaign, clock, settings.policy
        self._asker = Asker(draft=campaign.draft, content=from_row(content), account=account, policy=settings.policy)
        self._text = Text(campaign.draft.body, clinic=settings.clinic.trading_name)
        self._content_hash = bytes.fromhex(str(content.get("hash", "")))
        self._version = str(content.get("version", ""))
        self._after, self._rests_until = FIRST, clock()

    async def claim(self, limit: int) -> tuple[list[Claimed], int]:
        """Up to `limit` people the judge lets go now, and how many were looked at. Nobody while it is paused or at night.

        The list is worked off from its beginning to its end, and then gone through again for those who came back to it.
        """
        if self._asker.quiet_until(self._clock()) is not None or self._clock() < self._rests_until:
            return [], 0
        after = self._after
        async with self._pool.acquire() as conn, conn.transaction():
            turns = await recipients.lock_turns(conn, self._campaign.id, after=after, now=self._clock(), limit=min(limit, MOST_AT_ONCE))
            if not turns:
                self._begin_again(after)
                return [], 0
            self._after = max(self._after, turns[-1].contact_id)
            try:
                judged, outgoing = await self._judge_and_write(conn, turns)
            except BaseException:
                self._after = FIRST
                raise
            if not judged:
                return [], 0
        committed_at = self._clock()  # a claim is good from the commit on
        return [self._claimed(j, o, committed_at) for j, o in zip(judged, outgoing, strict=True) if o is not None], len(turns)

    def _begin_again(self, after: UUID) -> None:
        """Nobody was left behind `after`: begin at the top; nobody anywhere: rest."""
        if after == FIRST:
            self._rests_until = self._clock() + REST
        self._after = FIRST

    async def _judge_and_write(self, conn: Connection, turns: Sequence[Turn]) -> tuple[list[_Judged], list[Outgoing | None]]:
        """What became of each, and the message of each who was let go; nothing where the campaign does not run any more."""
        now = self._clock()
        rows = await recipients.facts_of(conn, self._campaign, turns, now=now)
        if not recipients.running(rows[0]):
            return [], []
        judged = [self._judge(turn, row, now) for turn, row in zip(turns, rows, strict=True)]
        outgoing = [self._outgoing(j) if j.state is RecipientState.CLAIMED else None for j in judged]
        await self._write(conn, judged, [o for o in outgoing if o is not None], now)
        return judged, outgoing

    def _judge(self, turn: Turn, row: Row, now: datetime) -> _Judged:
        decision = decide(self._asker.facts(row, now), self._policy)
        state, not_before = RecipientState.REFUSED, None
        if decision.allowed:
            state = RecipientState.CLAIMED
        elif decision.retry_at is not None and decision.retry_at <= now + POSTPONE_AT_MOST:
            state, not_before = RecipientState.PENDING, decision.retry_at
        record = DecisionRow(
            id=DecisionId(uuid7()),
            message_id=(turn.message_id or MessageId(uuid7())) if decision.allowed else turn.message_id,
            contact_id=turn.contact_id,
            phase="claim",
            asked_at=now,
            kind=Kind.MKT,
            channel=self._campaign.draft.channel,
            address_hash=turn.address_hash,
            decision=decision,
            content_hash=self._content_hash,
            lint_version=self._version,
            campaign_id=self._campaign.id,
            operator="system:campaign",
        )
        return _Judged(turn=turn, row=row, decision=decision, record=record, state=state, not_before=not_before)

    def _outgoing(self, judged: _Judged) -> Outgoing:
        if judged.record.message_id is None:
            raise ValueError("a person was let go without a message")  # _judge makes one for each
        known = judged.row["conversation_id"]
        return Outgoing(
            turn=judged.turn,
            message_id=judged.record.message_id,
            conversation_id=known or ConversationId(uuid7()),
            new_conversation=known is None,
            body=self._text.for_person(judged.row["display_name"]),
            decision_id=judged.record.id,
        )

    async def _write(self, conn: Connection, judged: Sequence[_Judged], outgoing: Sequence[Outgoing], now: datetime) -> None:
        await decisions.record(conn, [j.record for j in judged])
        if outgoing:
            await recipients.write_outgoing(conn, self._campaign, outgoing, now=now)
        verdicts = [
            Verdict(
                contact_id=j.turn.contact_id,
                state=j.state,
                reason=None if j.decision.allowed else j.decision.reason,
                decision_id=j.record.id,
                message_id=j.record.message_id,
                not_before=j.not_before,
            )
            for j in judged
        ]
        await recipients.write_verdicts(conn, self._campaign.id, verdicts, now=now)
        await audit.append(conn, self._events([j.record for j in judged], now))

    def _events(self, records: Sequence[DecisionRow], now: datetime) -> list[AuditEvent]:
        """One event for each outcome of a claim, with a hash over its decisions, so that none can be changed unseen."""
        counts = Counter(r.decision.allowed for r in records)
        events = []
        for allowed, people in counts.items():
            mine = sorted(f"{r.id} {r.contact_id} {r.decision.reason}" for r in records if r.decision.allowed is allowed)
            digest = hashlib.sha256("\n".join(mine).encode()).hexdigest()
            action = "decision.allow" if allowed else "decision.refuse"
            detail: dict[str, str | int] = {"people": people, "decisions": digest}
            events.append(AuditEvent(at=now, actor="system:campaign", action=action, object=f"campaign:{self._campaign.id}", detail=detail))
        return events

    def _claimed(self, judged: _Judged, outgoing: Outgoing, at: datetime) -> Claimed:
        row = judged.row
        mail, text = None, outgoing.body
        if self._campaign.draft.channel is Channel.EMAIL:
            subject, words = mail_parts(outgoing.body.reveal())
            text = Sealed(words)
            mail = OutboundMail(
                subject=Sealed(subject),
                conversation_id=outgoing.conversation_id,
                written_at=at,
                leaves_list=judged.turn.contact_id,
                list_name=self._campaign.draft.purpose,
                automatic=False,
            )
        return Claimed(
            message=OutboundMessage(
                id=outgoing.message_id,
                to=Address(kind=AddressClass(row["address_kind"]), value=Sealed(row["address"])),
                text=text,
                mail=mail,
            ),
            kind=Kind.MKT,
            contact_id=judged.turn.contact_id,
            conversation_id=outgoing.conversation_id,
            channel=self._campaign.draft.channel,
            address_hash=judged.turn.address_hash,
            attempts=row["attempts"],
            claimed_at=at,
            campaign_id=self._campaign.id,
        )

    async def put_back(self, message_ids: Iterable[MessageId]) -> None:
        """The leave ran out before the sending began: these people wait for their turn again."""
        ids, now = list(message_ids), self._clock()
        async with self._pool.acquire() as conn, conn.transaction():
            await waiting.unclaim(conn, ids, send_after=now)
            await recipients.put_back(conn, self._campaign.id, ids, not_before=now)

    async def recorded(self, conn: Connection, rows: Sequence[Sent]) -> None:
        """People whose send was not taken wait until their result says."""
        await recipients.try_again(conn, self._campaign.id, rows)
