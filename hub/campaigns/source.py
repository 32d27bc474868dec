"""A campaign's claims: lock the people whose turn it is, read their facts anew, decide each, and only then set `sending`.

The same guarantees as `hub.gate.claim`: stops take the same locks, and facts are read in a statement of their own after
the locks are held (promise P1). Message, decision and the person's place on the list are written in one transaction, so
whoever dies in between has done all of it or none (promise P4).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from hub.campaigns.asking import Asker
from hub.campaigns.content import Text, mail_parts
from hub.gate.claim import Claimed
from hub.gate.content import from_row
from hub.model.address import Address, AddressClass, Channel
from hub.model.audit import AuditEvent
from hub.model.campaign import Campaign, RecipientState
from hub.model.ids import ConversationId, DecisionId, MessageId, uuid7s
from hub.model.message import OutboundMail, OutboundMessage
from hub.model.permission import Facts, Kind
from hub.model.sealed import Sealed
from hub.policy.permission import decide
from hub.settings import Settings
from hub.store import audit, decisions, recipients, turns
from hub.store import queue as waiting
from hub.store.audience import FIRST
from hub.store.decisions import DecisionRow
from hub.store.delivery import Sent
from hub.store.pool import Connection, Pool, Row, Uuid
from hub.store.turns import Judged, Turn

MOST_AT_ONCE = 500  # people in one transaction
REST = timedelta(milliseconds=500)  # after the whole list was gone through and nobody's turn had come
POSTPONE_AT_MOST = timedelta(days=1)  # a cap that frees later than this refuses: the news would be old


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
            people = await turns.lock_turns(conn, self._campaign.id, after=after, now=self._clock(), limit=min(limit, MOST_AT_ONCE))
            if not people:
                self._begin_again(after)
                return [], 0
            self._after = max(self._after, people[-1].contact_id)
            try:
                judged = await self._judge_and_write(conn, people)
            except BaseException:
                self._after = FIRST
                raise
            if not judged:
                return [], 0
        committed_at = self._clock()  # a claim is good from the commit on
        return [self._claimed(j, committed_at) for j in judged if j.body is not None], len(people)

    def _begin_again(self, after: UUID) -> None:
        """Nobody was left behind `after`: begin at the top; nobody anywhere: rest."""
        if after == FIRST:
            self._rests_until = self._clock() + REST
        self._after = FIRST

    async def _judge_and_write(self, conn: Connection, people: Sequence[Turn]) -> list[Judged]:
        """What became of each; nothing where the campaign does not run any more."""
        now = self._clock()
        found = await turns.facts_of(conn, self._campaign, people, now=now)
        if not turns.running(found[0][0]):
            return []
        env, ids = self._asker.env(now, paused=found[0][0]["paused"]), uuid7s(3 * len(people), make=Uuid)
        asked = [(turn, rows[0], self._asker.facts(turn, rows, env)) for turn, rows in zip(people, found, strict=True)]
        judged = [self._judge(turn, row, facts, ids[3 * n : 3 * n + 3], now) for n, (turn, row, facts) in enumerate(asked)]
        await self._write(conn, judged, now)
        return judged

    def _judge(self, turn: Turn, row: Row, facts: Facts, ids: Sequence[UUID], now: datetime) -> Judged:
        """ids: three new ones, for the decision and for the message and the conversation it may need."""
        decision = decide(facts, self._policy)
        state, not_before, message_id, body = RecipientState.REFUSED, None, turn.message_id, None
        if decision.allowed:
            state, message_id = RecipientState.CLAIMED, message_id or MessageId(ids[1])
            body = self._text.for_person(turn.person["display_name"])
        elif decision.retry_at is not None and decision.retry_at <= now + POSTPONE_AT_MOST:
            state, not_before = RecipientState.PENDING, decision.retry_at
        known = row["conversation_id"]
        return Judged(
            turn=turn,
            row=row,
            decision=decision,
            decision_id=DecisionId(ids[0]),
            state=state,
            not_before=not_before,
            message_id=message_id,
            conversation_id=known or ConversationId(ids[2]),
            begins=known is None,
            body=body,
        )

    async def _write(self, conn: Connection, judged: Sequence[Judged], now: datetime) -> None:
        fresh = [j for j in judged if j.body is not None and j.turn.message_id is None]
        others = [j for j in judged if j.body is None or j.turn.message_id is not None]
        if fresh:
            await turns.write_let_go(conn, self._campaign, fresh, like=self._record(fresh[0], now), now=now)
        await decisions.record(conn, [self._record(j, now) for j in others])
        await turns.write_others(conn, self._campaign.id, others, now=now)
        await audit.append(conn, self._events(judged, now))

    def _record(self, judged: Judged, now: datetime) -> DecisionRow:
        return DecisionRow(
            id=judged.decision_id,
            message_id=judged.message_id,
            contact_id=judged.turn.contact_id,
            phase="claim",
            asked_at=now,
            kind=Kind.MKT,
            channel=self._campaign.draft.channel,
            address_hash=judged.turn.address_hash,
            decision=judged.decision,
            content_hash=self._content_hash,
            lint_version=self._version,
            campaign_id=self._campaign.id,
            operator="system:campaign",
        )

    def _events(self, judged: Sequence[Judged], now: datetime) -> list[AuditEvent]:
        """One event for each outcome of a claim, with a hash over its decisions, so that none can be changed unseen."""
        counts = Counter(j.decision.allowed for j in judged)
        events = []
        for allowed, people in counts.items():
            mine = sorted(f"{j.decision_id} {j.turn.contact_id} {j.decision.reason}" for j in judged if j.decision.allowed is allowed)
            digest = hashlib.sha256("\n".join(mine).encode()).hexdigest()
            action = "decision.allow" if allowed else "decision.refuse"
            detail: dict[str, str | int] = {"people": people, "decisions": digest}
            events.append(AuditEvent(at=now, actor="system:campaign", action=action, object=f"campaign:{self._campaign.id}", detail=detail))
        return events

    def _claimed(self, judged: Judged, at: datetime) -> Claimed:
        turn, row, body, message_id = judged.turn, judged.row, judged.body, judged.message_id
        if body is None or message_id is None or turn.address is None:
            raise ValueError("a person was let go without a message or an address")  # _judge and the judge see to it
        mail = None
        if self._campaign.draft.channel is Channel.EMAIL:
            subject, words = mail_parts(body.reveal())
            body = Sealed(words)
            mail = OutboundMail(
                subject=Sealed(subject),
                conversation_id=judged.conversation_id,
                written_at=at,
                leaves_list=turn.contact_id,
                list_name=self._campaign.draft.purpose,
                automatic=False,
            )
        return Claimed(
            message=OutboundMessage(
                id=message_id,
                to=Address(kind=AddressClass(turn.address["kind"]), value=Sealed(row["address"])),
                text=body,
                mail=mail,
            ),
            kind=Kind.MKT,
            contact_id=turn.contact_id,
            conversation_id=judged.conversation_id,
            channel=self._campaign.draft.channel,
            address_hash=turn.address_hash,
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
