"""Somebody wants to speak: staff, the bot, a desk. The judge is asked at once, so a refusal is seen where it was asked.

A message that may go is written as `queued` and decided again when it leaves (`hub.gate.claim`); a refused one is
stored too, with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub.gate.content import as_row
from hub.gate.examine import Examined, examine
from hub.gate.parts import HELD, parts
from hub.gate.routes import account_for, capabilities, route_ok, window_messages
from hub.gate.templates import Choice, Worded, instead, worded
from hub.model.address import Channel
from hub.model.audit import AuditEvent
from hub.model.ids import AccountId, ConversationId, DecisionId, MessageId, StaffId, uuid7
from hub.model.message import Account, DeliveryStatus
from hub.model.permission import Decision, Facts, Kind, Reason
from hub.model.sealed import Sealed
from hub.policy.permission import decide
from hub.settings import Settings
from hub.store import audit, decisions, delivery, drafts, facts, live, messages
from hub.store import queue as waiting
from hub.store.decisions import DecisionRow
from hub.store.pool import Connection

# Smaller leaves first (design §7: reply > mail > campaign).
PRIORITY = {Kind.SAF: 0, Kind.RPL: 1, Kind.OOC: 1, Kind.ACK: 2, Kind.BOT: 2, Kind.MKT: 9}
UNDOABLE = frozenset({Kind.RPL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody wants to say, where and why. send_after: None for now (plus the undo seconds for staff replies).

    template: an approved template in place of the text. locale: the person's language, for what is said where the window is shut.
    """

    conversation_id: ConversationId
    kind: Kind
    channel: Channel
    text: Sealed[str]
    written_by: StaffId | None
    send_after: datetime | None = None
    template: Choice | None = None
    locale: str = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """The stored message and the judge's answer; the message is `refused` where the answer is no."""

    message_id: MessageId
    decision: Decision
    examined: Examined


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    draft: Draft
    place: drafts.Place
    account_id: AccountId
    facts: Facts
    examined: Examined
    said: Worded
    decision: Decision


class UnknownConversation(Exception):
    """There is no such conversation."""


async def preview(conn: Connection, draft: Draft, *, now: datetime, settings: Settings) -> Decision:
    """What the judge would say to this draft. Writes nothing. Raises UnknownConversation, UnknownTemplate."""
    return (await _ask(conn, draft, now=now, settings=settings)).decision


async def queue(conn: Connection, draft: Draft, *, now: datetime, settings: Settings) -> Queued:
    """Ask, then store the message with the answer, in the caller's transaction. Raises UnknownConversation, UnknownTemplate."""
    asked = await _ask(conn, draft, now=now, settings=settings)
    decision = asked.decision
    message_id = MessageId(uuid7())
    send_after = draft.send_after or now + timedelta(seconds=settings.undo_s if draft.kind in UNDOABLE else 0)
    row = messages.OutboundRow(
        id=message_id,
        conversation_id=draft.conversation_id,
        contact_id=asked.place.contact_id,
        identity_id=asked.place.identity_id,
        channel=draft.channel,
        account_id=asked.account_id,
        kind=draft.kind,
        body=asked.said.text,
        status=_status(decision),
        priority=PRIORITY.get(draft.kind, 5),
        written_by=draft.written_by,
        created_at=now,
        send_after=max(send_after, decision.retry_at) if decision.retry_at else send_after,
        content=as_row(asked.facts.content, version=asked.examined.version, content_hash=asked.examined.content_hash),
        template_id=asked.said.template_id,
        variables=asked.said.variables,
    )
    whole = row.template_id is not None or row.status is not DeliveryStatus.QUEUED
    said = [row.body.reveal()] if whole else parts(row.body.reveal(), settings.accounts.get(asked.account_id))
    last = await _write(conn, asked, replace(row, body=Sealed(said[0])), now)
    for text in said[1:]:
        last = await _write(conn, asked, replace(row, id=MessageId(uuid7()), body=Sealed(text), follows=last, send_after=now + HELD), now)
    await drafts.touch(conn, draft.conversation_id, last, now=now)
    await live.notify(conn, [draft.conversation_id])
    if row.status is DeliveryStatus.QUEUED:
        await live.notify_work(conn, [f"deliver:{asked.account_id}"])
    return Queued(message_id=message_id, decision=decision, examined=asked.examined)


async def _write(conn: Connection, asked: _Asked, row: messages.OutboundRow, now: datetime) -> MessageId:
    """One message, with the decision about the whole text beside it."""
    await messages.add_outbound(conn, row)
    await _note(conn, asked, row.id, asked.decision, now)
    return row.id


def _status(decision: Decision) -> DeliveryStatus:
    """A refusal that names a time to ask again is a postponement; any other refusal is final."""
    return DeliveryStatus.QUEUED if decision.allowed or decision.retry_at else DeliveryStatus.REFUSED


async def _ask(conn: Connection, draft: Draft, *, now: datetime, settings: Settings) -> _Asked:
    """The draft as it stands; where only the window speaks against it, what may be said instead, if the judge lets that go."""
    place = await drafts.place_of(conn, draft.conversation_id, draft.channel)
    if place is None:
        raise UnknownConversation
    account = account_for(settings.accounts, draft.channel, prefer=place.account_id)
    said = worded(settings, account, draft.template) if draft.template else Worded(text=draft.text)
    asked = await _ask_to_say(conn, draft, said, place, account, now=now, settings=settings)
    if draft.template or asked.decision.reason is not Reason.WINDOW:
        return asked
    other = instead(settings, account, draft.kind, draft.locale, draft.text, by_person=draft.written_by is not None)
    if other is None:
        return asked
    second = await _ask_to_say(conn, draft, other, place, account, now=now, settings=settings)
    return second if _status(second.decision) is DeliveryStatus.QUEUED else asked


async def _ask_to_say(
    conn: Connection, draft: Draft, said: Worded, place: drafts.Place, account: Account | None, *, now: datetime, settings: Settings
) -> _Asked:
    examined = await examine(conn, replace(draft, text=said.text), settings=settings)
    ask = facts.Ask(
        conversation_id=draft.conversation_id,
        contact_id=place.contact_id,
        identity_id=place.identity_id,
        channel=draft.channel,
        kind=draft.kind,
        account_id=account.id if account else "",
        content=replace(examined.facts, template=said.status),
        route_ok=route_ok(account),
        reply_window_h=capabilities(account).reply_window_h if account else 0,
        window_messages=window_messages(account),
    )
    [gathered] = await facts.gather(conn, [ask], now=now)
    return _Asked(
        draft=draft,
        place=place,
        account_id=account.id if account else AccountId("none"),
        facts=gathered,
        examined=examined,
        said=said,
        decision=decide(gathered, settings.policy),
    )


async def _note(conn: Connection, asked: _Asked, message_id: MessageId, decision: Decision, now: datetime) -> None:
    operator = f"staff:{asked.draft.written_by}" if asked.draft.written_by else "system:bot"
    await decisions.record(
        conn,
        [
            DecisionRow(
                id=DecisionId(uuid7()),
                message_id=message_id,
                contact_id=asked.place.contact_id,
                phase="queue",
                asked_at=now,
                kind=asked.draft.kind,
                channel=asked.draft.channel,
                address_hash=asked.place.address_hash,
                decision=decision,
                content_hash=asked.examined.content_hash,
                lint_version=asked.examined.version,
                operator=operator,
            )
        ],
    )
    action = "decision.allow" if decision.allowed else "decision.refuse"
    await audit.append(conn, [AuditEvent(at=now, actor=operator, action=action, object=f"message:{message_id}", reason=decision.reason)])


async def cancel(conn: Connection, message_id: MessageId, *, now: datetime) -> bool:
    """Undo: take a message back that has not begun to leave. False when it is too late."""
    conversation_id = await waiting.cancel_queued(conn, message_id, now=now)
    if conversation_id is not None:
        await audit.append(conn, [AuditEvent(at=now, actor="system:gate", action="message.cancelled", object=f"message:{message_id}")])
        await live.notify(conn, [conversation_id])
    return conversation_id is not None


async def settle(conn: Connection, message_id: MessageId, *, arrived: bool, staff_id: StaffId, now: datetime) -> bool:
    """A person says what became of an unknown send. False when a report or somebody else settled it first."""
    status = DeliveryStatus.DELIVERED if arrived else DeliveryStatus.FAILED
    conversation_id = await delivery.settle_unknown(conn, message_id, status, error_code=None if arrived else "settled_by_staff", now=now)
    if conversation_id is not None:
        event = AuditEvent(
            at=now,
            actor=f"staff:{staff_id}",
            action="send.settled",
            object=f"message:{message_id}",
            result="arrived" if arrived else "lost",
        )
        await audit.append(conn, [event])
        await live.notify(conn, [conversation_id])
    return conversation_id is not None


async def send_again(conn: Connection, message_id: MessageId, *, staff_id: StaffId, now: datetime, settings: Settings) -> Queued | None:
    """Write a failed message anew, as a new message with its own decision. None when it did not fail."""
    failed = await drafts.failed_text(conn, message_id)
    if failed is None:
        return None
    draft = Draft(conversation_id=failed.conversation_id, kind=Kind.RPL, channel=failed.channel, text=failed.text, written_by=staff_id)
    return await queue(conn, draft, now=now, settings=settings)
