"""Recording what became of sends: many in one transaction, whatever comes back.

A result is never dropped while this process lives. Should it die first, the row stays `sending`, the clock turns it
into `unknown`, and a callback, a look-up or a person settles it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub.gate.claim import Claimed
from hub.gate.routes import capabilities
from hub.intake.stops import apply_stops, keyword_effects, withdraw_invitations
from hub.intake.writes import Stop, Writes
from hub.model.address import Channel
from hub.model.message import Account, DeliveryStatus, SendCode, SendResult
from hub.model.permission import InvitationFacts, Kind, PolicySettings
from hub.policy.invitation import after_outbound
from hub.store import accounts, audit, changes, conversations, delivery, echoes, live, people
from hub.store.delivery import Sent
from hub.store.pool import Connection

COUNTS_FROM_S = 60.0  # a provider that says "in a second" paces us; one that says "in minutes" has refused for now
PAUSE = timedelta(minutes=1)  # a refused account is tried again after this long
FINAL = {
    SendCode.ACCEPTED: DeliveryStatus.ACCEPTED,
    SendCode.OUTCOME_UNKNOWN: DeliveryStatus.UNKNOWN,
    SendCode.REJECTED: DeliveryStatus.FAILED,
    SendCode.RECIPIENT_STOPPED: DeliveryStatus.FAILED,
    SendCode.ADDRESS_INVALID: DeliveryStatus.FAILED,
}
ACTIONS = {DeliveryStatus.ACCEPTED: "send.accepted", DeliveryStatus.FAILED: "send.failed", DeliveryStatus.UNKNOWN: "send.unknown"}
# Kinds that take a turn in the dialogue (policy R8); a confirmation or an acknowledgement does not press for an answer.
TURNS = frozenset({Kind.RPL, Kind.BOT})
# Where providers tell of messages before they answer the request that sent them.
ECHOING = frozenset({Channel.WHATSAPP, Channel.MESSENGER, Channel.INSTAGRAM})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """One claimed message and how its sending ended."""

    claimed: Claimed
    result: SendResult


def sent_row(finished: Finished, account: Account, *, now: datetime, jitter: float) -> Sent:
    """The row a result becomes. What was not processed goes back to the queue, as often as its channel has patience for; the judge
    is asked anew each time.

    jitter: 0 to 1, spreads retries so that they do not all come back in the same second.
    """
    claimed, result, able = finished.claimed, finished.result, capabilities(account)
    status = FINAL.get(result.code)
    send_after = None
    if status is None:
        counts = result.code is SendCode.NOT_SENT or (result.code is SendCode.THROTTLED and (result.retry_after_s or 0) >= COUNTS_FROM_S)
        if counts and claimed.attempts + 1 >= able.attempts:
            status = DeliveryStatus.FAILED
        else:
            status, send_after = DeliveryStatus.QUEUED, now + _wait(result, claimed.attempts, jitter, able.longest_wait_s)
    return Sent(
        id=claimed.message.id,
        account_id=account.id,
        status=status,
        provider_message_id=result.provider_message_id,
        error_code=None if status is DeliveryStatus.ACCEPTED else result.error_code or result.code,
        send_after=send_after,
    )


def _wait(result: SendResult, attempts: int, jitter: float, longest_s: float) -> timedelta:
    if result.code is SendCode.ACCOUNT_INVALID:
        return PAUSE
    seconds = result.retry_after_s if result.retry_after_s is not None else min(longest_s, 2.0**attempts)
    return timedelta(seconds=seconds * (1 + jitter / 2))


async def record(conn: Connection, batch: Sequence[Finished], account: Account, policy: PolicySettings, *, now: datetime) -> list[Sent]:
    """Store the results of a batch in the caller's transaction; the rows they became.

    A campaign's are many: the log has one event for each batch and outcome, and no open page is told of each.
    """
    rows = [sent_row(f, account, now=now, jitter=random.random()) for f in batch]  # noqa: S311  spreading, not secrecy
    writes = Writes(now=now)
    for finished, row in zip(batch, rows, strict=True):
        if finished.claimed.campaign_id is None and (action := ACTIONS.get(row.status)) is not None:
            writes.note(action, f"message:{row.id}", actor="system:gate", reason=row.error_code)
        if finished.claimed.kind is Kind.OOC and row.status is DeliveryStatus.ACCEPTED:
            writes.note("optout.confirmation_sent", f"message:{row.id}", actor="system:gate")
        if finished.result.code is SendCode.RECIPIENT_STOPPED:
            writes.stops.append(_stop(finished, now))
    await apply_stops(conn, writes)
    gone = [f.claimed.address_hash for f in batch if f.result.code is SendCode.ADDRESS_INVALID and f.claimed.address_hash]
    if gone:
        await people.mark_addresses(conn, gone, "invalid")
    await _take_turns(conn, [f for f, r in zip(batch, rows, strict=True) if r.send_after is None], policy, now)
    await withdraw_invitations(conn, writes)
    names = [(r.account_id, r.provider_message_id) for r in rows if r.provider_message_id]
    if names and account.channel in ECHOING:
        await echoes.give_way(conn, names)
    changed = await delivery.record_sent(conn, rows, now=now)
    if account.channel in ECHOING:
        await changes.catch_up(conn, [message_id for message_id, _ in changed])
    if any(f.result.code is SendCode.ACCOUNT_INVALID for f in batch):
        await accounts.pause(conn, account.id, "credentials", until=now + PAUSE, now=now)
    _note_campaigns(writes, batch, rows)
    await audit.append(conn, writes.audit)
    quiet = {f.claimed.message.id for f in batch if f.claimed.campaign_id is not None}
    await live.notify(conn, [conversation_id for message_id, conversation_id in changed if message_id not in quiet])
    return rows


def _note_campaigns(writes: Writes, batch: Sequence[Finished], rows: Sequence[Sent]) -> None:
    counts = Counter((f.claimed.campaign_id, r.status) for f, r in zip(batch, rows, strict=True) if f.claimed.campaign_id)
    for (campaign_id, status), count in counts.items():
        if (action := ACTIONS.get(status)) is not None:
            writes.note(action, f"campaign:{campaign_id}", actor="system:gate", people=count)


def _stop(finished: Finished, now: datetime) -> Stop:
    claimed = finished.claimed
    return Stop(
        contact_id=claimed.contact_id,
        hashes=(claimed.address_hash,) if claimed.address_hash else (),
        effects=keyword_effects(claimed.channel),
        occurred_at=now,
        source="provider_error",
        rule_id=f"provider:{finished.result.error_code}",
        evidence_id=claimed.message.id,
    )


async def _take_turns(conn: Connection, spoken: Sequence[Finished], policy: PolicySettings, now: datetime) -> None:
    """Count our turns on the invitations: a person who has two unanswered ones is not pressed with a third."""
    by_place = {
        (f.claimed.conversation_id, f.claimed.channel): f.claimed.kind
        for f in spoken
        if f.claimed.kind in TURNS or f.claimed.kind is Kind.ACK
    }
    if not by_place:
        return
    held = await conversations.lock_invitations(conn, by_place)
    await conversations.save_invitations(
        conn, [replace(row, facts=_turn(row.facts, by_place[(row.conversation_id, row.channel)], policy, now)) for row in held]
    )


def _turn(facts: InvitationFacts, kind: Kind, policy: PolicySettings, now: datetime) -> InvitationFacts:
    if kind is Kind.ACK:
        return replace(facts, last_ack_at=now)
    return after_outbound(facts, at=now, settings=policy)
