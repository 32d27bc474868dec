"""The word of a typed address: who answers the one question we asked, or opens the link we mailed (policy §2.3 DOI, §5).

A yes confirms the consents that were asked about, whoever's record the answer itself falls to, and joins no records. It is
written in the transaction that stores the answer. Never sends, and never confirms what was not asked.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from hub.intake.writes import Agreed, Placed, Stop, Writes
from hub.model.address import AddressHasher
from hub.model.audit import AuditEvent
from hub.model.consent import ConsentAct, ConsentEvent
from hub.model.ids import uuid7
from hub.model.permission import OptOutLabel, Scope
from hub.policy.answering import Answer, answer_of, in_time
from hub.store import audit, confirmations, consents, people, suppressions
from hub.store.confirmations import Unconfirmed
from hub.store.outbox import FollowUp
from hub.store.pool import Connection
from hub.wordings import Wordings

WITHIN = timedelta(days=7)  # policy §2.3: an address that does not confirm in this time is let go
ASK_IN = timedelta(minutes=15)  # the question itself may still leave so long after the form


async def hear_answers(conn: Connection, writes: Writes, wordings: Wordings, hasher: AddressHasher) -> None:
    """Find yes and no to an open question among the placed messages. Before the stops are written: a no is one."""
    said = [(placed, answer) for placed in writes.placed if (answer := _answer(placed, wordings))]
    if not said:
        return
    asked = [
        (n, placed.event.channel, digest)
        for n, (placed, _) in enumerate(said)
        for sender in placed.event.senders
        for digest in hasher.hashes(sender)
    ]
    for question in await confirmations.open_questions(conn, asked):
        placed, answer = said[question.ord]
        if not in_time(placed.event.sent_at, question.asked_at, WITHIN):
            continue
        if answer is Answer.YES:
            writes.agreed.append(Agreed(consent_id=question.consent_id, message_id=placed.id, said_at=placed.event.sent_at))
        elif placed.id not in writes.answered:
            _refuse(writes, placed)
        writes.answered.add(placed.id)


def _answer(placed: Placed, wordings: Wordings) -> Answer | None:
    event = placed.event
    if event.mail is not None:
        return None  # a mail's sender can be forged: it has a link of its own
    if not placed.proven or placed.other or event.automatic or event.keyword is not None or placed.signal.label is not OptOutLabel.NONE:
        return None  # what is a stop in any context is written as one already
    return answer_of(event.text.reveal(), wordings.answers)


def _refuse(writes: Writes, placed: Placed) -> None:
    """No to a question about news is no to all news (policy §3.3 L4b, §3.6)."""
    writes.stops.append(
        Stop(
            contact_id=placed.contact_id,
            hashes=placed.hashes,
            effects=((Scope.ALL_MARKETING, None),),
            occurred_at=placed.event.sent_at,
            source="message",
            rule_id="DOI.no",
            evidence_id=placed.id,
        )
    )
    writes.follow_ups.append(FollowUp(topic="confirm_stop", ref=placed.id, run_after=writes.now))


async def confirm_agreed(conn: Connection, writes: Writes) -> None:
    """Confirm what the batch's answers agreed to; after its stops are written and locked."""
    for agreed in writes.agreed:
        await confirm_consent(conn, agreed.consent_id, evidence=f"message:{agreed.message_id}", now=writes.now, said_at=agreed.said_at)


async def confirm_consent(conn: Connection, consent_id: UUID, *, evidence: str, now: datetime, said_at: datetime | None = None) -> bool:
    """Append `confirmed` to an open consent, and lift what a fresh, confirmed consent may lift (policy §3.7). In the caller's transaction.

    evidence: "message:<uuid>" or "link:<consent id>". said_at: the provider's time of the act; None: now. False where there
    is nothing to confirm: unknown, ended, too late, or confirmed already.
    """
    asked = await confirmations.consent(conn, consent_id)
    if asked is None:
        return False
    await people.lock_reach(conn, [asked.contact_id], [asked.address_hash])
    asked = await confirmations.consent(conn, consent_id)  # as it stands under the lock: of several answers the first counts
    at = min(said_at or now, now)
    if asked is None or not asked.open or at > asked.given_at + WITHIN + ASK_IN:
        return False
    given = await _given(conn, asked)
    at = max(at, given.occurred_at)
    await consents.record(
        conn, [_next(given, ConsentAct.CONFIRMED, at=at, now=now, actor="person", source=evidence.partition(":")[0], evidence=evidence)]
    )
    lifted = await suppressions.lift_by_consent(
        conn, [asked.address_hash], asked.contact_id, asked.channel, given_at=given.occurred_at, lifted_by=f"consent:{consent_id}", now=now
    )
    events = [AuditEvent(at=now, actor="person", action="consent.confirmed", object=f"consent:{consent_id}", reason=evidence)]
    events += [
        AuditEvent(at=now, actor="person", action="suppression.lifted", object=f"suppression:{i}", reason=f"consent:{consent_id}")
        for i in lifted
    ]
    await audit.append(conn, events)
    return True


async def lapse(conn: Connection, consent_id: UUID, *, now: datetime) -> bool:
    """End a consent whose address never gave its word; it is never asked again (policy §2.3 DOI). False where there is nothing to end."""
    asked = await confirmations.consent(conn, consent_id)
    if asked is None:
        return False
    await people.lock_reach(conn, [asked.contact_id], [asked.address_hash])
    asked = await confirmations.consent(conn, consent_id)
    if asked is None or not asked.open or now < asked.given_at + WITHIN + ASK_IN:
        return False
    given = await _given(conn, asked)
    expired = _next(given, ConsentAct.EXPIRED, at=now, now=now, actor="system:intake", source="unconfirmed", evidence=None)
    await consents.record(conn, [expired])
    event = AuditEvent(at=now, actor="system:intake", action="consent.expired", object=f"consent:{consent_id}", reason="unconfirmed")
    await audit.append(conn, [event])
    return True


async def _given(conn: Connection, asked: Unconfirmed) -> ConsentEvent:
    events = (await consents.of_contacts(conn, [asked.contact_id]))[asked.contact_id]
    return [e for e in events if e.consent_id == asked.consent_id and e.event is ConsentAct.GIVEN][-1]


def _next(
    given: ConsentEvent, act: ConsentAct, *, at: datetime, now: datetime, actor: str, source: str, evidence: str | None
) -> ConsentEvent:
    return replace(
        given, id=uuid7(), event=act, occurred_at=at, recorded_at=now, actor=actor, source=source, evidence_ref=evidence,
        ip_truncated=None, ua_family=None,
    )  # fmt: skip
