"""One intake transaction, step by step: journal, people, stops, threads, messages, statuses, follow-ups, notes.

Everything a batch brings is committed together. The order of the steps is the lock order of migration 0001.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo

from hub.intake import mail_guards, mail_routing
from hub.intake.agreements import record_agreements
from hub.intake.changes import apply_changes
from hub.intake.confirming import confirm_agreed, hear_answers
from hub.intake.echoes import store_echoes
from hub.intake.moved import note_moves
from hub.intake.objecting import record_objections
from hub.intake.place import Recognise, place
from hub.intake.reports import apply_preferences, apply_reports
from hub.intake.stops import apply_starts, apply_stops, keyword_effects, withdraw_invitations, withdrawn_channels
from hub.intake.submission import Submission, count_new, journal_entries
from hub.intake.writes import Held, Placed, Start, Stop, Writes
from hub.model.address import AddressHasher, Channel
from hub.model.ids import ContactId, ConversationId
from hub.model.message import (
    Account,
    ChannelEvent,
    ContentKind,
    Echo,
    IdentityChange,
    InboundMessage,
    PreferenceChange,
    ProviderKeyword,
    StatusUpdate,
    Unknown,
)
from hub.model.permission import InvitationFacts, InvitationState, OptOutLabel, PolicySettings, Scope, Signal
from hub.policy.invitation import after_inbound, after_named, after_withdrawal
from hub.store import attachments, audit, conversations, journal, live, mail, messages, nonces, outbox, people, rights, suppressions
from hub.store.conversations import InvitationRow
from hub.store.outbox import FollowUp
from hub.store.pool import Connection
from hub.wordings import Wordings

ACKNOWLEDGE_EVERY = timedelta(hours=24)
LATE = timedelta(hours=6)  # older news gets no automatic answer (channels.md §0)
BARRED_FLAGS = frozenset({"urgent", "under_18"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What intake needs besides the database. confirms_stop: whether the gateway itself answers a stop, per account.

    keep: puts a file on our disk and gives its SHA-256; None refuses files that come along. zone: the clinic's place, whose days count.
    policy: what counts as a turn of ours.
    """

    hasher: AddressHasher
    recognise: Recognise
    wordings: Wordings
    confirms_stop: Callable[[Account, Signal], bool] = lambda _account, _signal: False
    keep: Callable[[bytes], bytes] | None = None
    zone: tzinfo = UTC
    flood: mail_guards.Flood = field(default_factory=mail_guards.Flood)
    policy: PolicySettings = field(default_factory=PolicySettings)


async def record(conn: Connection, submissions: Sequence[Submission], tools: Tools, *, now: datetime) -> list[tuple[int, int]]:
    """Store the events of these requests; per request (new, repeated). The caller holds the transaction."""
    bound = await _bound(conn, submissions, now)
    entries = [journal_entries(s, now=now) if is_bound else [] for s, is_bound in zip(submissions, bound, strict=True)]
    new_ids = await journal.record(conn, [e for per_request in entries for e in per_request])
    fresh = [
        (s.account, event)
        for s, per_request in zip(submissions, entries, strict=True)
        for event, entry in zip(s.events, per_request, strict=False)  # none of a request that was turned away
        if entry.id in new_ids
    ]
    if fresh:
        await _store(conn, fresh, tools, now)
    return [count_new(per_request, new_ids) for per_request in entries]


async def _bound(conn: Connection, submissions: Sequence[Submission], now: datetime) -> list[bool]:
    """Whether each may be stored: a name that came before with another body was taken from a request somebody saw."""
    named = [(s.account.id, s.name, s.request.body) for s in submissions if s.name]
    answers = iter(await nonces.bind(conn, named, now=now)) if named else iter(())
    return [next(answers) if s.name else True for s in submissions]


async def record_failed(conn: Connection, submission: Submission, *, error: str, now: datetime) -> int:
    """Journal a request that could not be processed, whole, for `hub replay`. How many events it held."""
    return len(await journal.record(conn, journal_entries(submission, now=now, error=error)))


async def _store(conn: Connection, fresh: Sequence[tuple[Account, ChannelEvent]], tools: Tools, now: datetime) -> None:
    writes = Writes(now=now)
    inbound = [(account, event) for account, event in fresh if isinstance(event, InboundMessage)]
    if inbound:
        await place(conn, writes, inbound, hasher=tools.hasher, recognise=tools.recognise)
        await mail_guards.hold_back(conn, writes, tools.flood)
        for placed in writes.placed:
            _understand(writes, placed, tools, {a.id: a for a, _ in inbound})
        await hear_answers(conn, writes, tools.wordings, tools.hasher)
    preferences = [(a, e) for a, e in fresh if isinstance(e, PreferenceChange)]
    if preferences:
        await apply_preferences(conn, writes, preferences, hasher=tools.hasher)
    await _people(conn, writes)
    await apply_stops(conn, writes)
    await apply_starts(conn, writes)
    await record_objections(conn, writes)
    await confirm_agreed(conn, writes)
    await _threads(conn, writes)
    await withdraw_invitations(conn, writes)
    if writes.messages:
        await messages.add_inbound(conn, writes.messages)
        await attachments.add(conn, writes.attachments)
        if writes.mails:
            await mail.add(conn, writes.mails)
        await open_cases(conn, writes, tools.zone)
        await record_agreements(conn, writes, tools.wordings, tools.hasher)
    reports = [(a, e) for a, e in fresh if isinstance(e, StatusUpdate)]
    if reports:
        await apply_reports(conn, writes, reports, hasher=tools.hasher)
    await store_echoes(conn, writes, [(a, e) for a, e in fresh if isinstance(e, Echo)], hasher=tools.hasher, policy=tools.policy)
    await note_moves(conn, writes, [(a, e) for a, e in fresh if isinstance(e, IdentityChange)], hasher=tools.hasher)
    await apply_changes(conn, writes, fresh, hasher=tools.hasher)
    for account, event in fresh:
        if isinstance(event, Unknown):
            writes.note("inbound.received", f"account:{account.id}", actor=f"provider:{account.id}", result_kind="unknown")
    await _follow(conn, writes)


async def _people(conn: Connection, writes: Writes) -> None:
    if writes.contacts or writes.identities:
        await people.add_people(conn, writes.contacts, writes.identities)
    if writes.verified:
        await people.mark_verified(conn, writes.verified, now=writes.now)
    if writes.names:
        await people.name_contacts(conn, writes.names)
    for contact_id in _with_several_addresses(writes):
        for added in await suppressions.share(conn, contact_id, contact_id, now=writes.now):
            writes.note("suppression.added", f"suppression:{added}", actor="system:intake", reason="same_person")


def _with_several_addresses(writes: Writes) -> list[ContactId]:
    """People who come with more than one address, or with one more than we knew: a stop on any of them binds on all (P5)."""
    new = {c.id for c in writes.contacts}
    hashes: dict[ContactId, set[bytes]] = {}
    for identity in writes.identities:
        hashes.setdefault(identity.contact_id, set()).add(identity.address_hash)
    return [contact_id for contact_id, found in hashes.items() if len(found) > 1 or contact_id not in new]


def _understand(writes: Writes, placed: Placed, tools: Tools, by_id: dict[str, Account]) -> None:
    """What the words ask for: stops, starts, confirmation, acknowledgement. Nothing is written yet."""
    event, signal = placed.event, placed.signal
    writes.note("inbound.received", f"message:{placed.id}", kind=event.kind, channel=event.channel)
    if signal.label is not OptOutLabel.NONE:
        writes.note("classify.result", f"message:{placed.id}", actor="system:recogniser", reason=signal.rule_id, label=signal.label)
    effects = signal.suppress
    source = "form" if event.form else "message"
    if event.keyword is ProviderKeyword.STOP:
        effects, source = (*keyword_effects(event.channel), *(e for e in effects if e[0] is Scope.ALL_CONTACT)), "provider_keyword"
    if effects:
        stop = Stop(
            contact_id=placed.contact_id,
            hashes=placed.hashes,
            effects=effects,
            occurred_at=event.sent_at,
            source=source,
            rule_id=signal.rule_id or None,
            evidence_id=placed.id,
            provisional=(signal.label is OptOutLabel.AMBIGUOUS or placed.held is Held.FLOOD) and source != "provider_keyword",
        )
        writes.stops.extend(mail_routing.reach(stop, placed))
        gateway_confirms = event.keyword is ProviderKeyword.STOP or tools.confirms_stop(by_id[event.account_id], signal)
        if not gateway_confirms and _may_be_told(placed):
            writes.follow_ups.append(FollowUp(topic="confirm_stop", ref=placed.id, run_after=writes.now))
    elif placed.proven and (signal.label is OptOutLabel.OPT_IN or event.keyword is ProviderKeyword.START):
        writes.starts.append(
            Start(
                contact_id=placed.contact_id,
                hashes=placed.hashes,
                channel=event.channel,
                said_at=event.sent_at,
                message_id=placed.id,
            )
        )
    writes.follow_ups.extend(
        FollowUp(topic="fetch_media", ref=a.id, run_after=writes.now)
        for a in writes.attachments
        if a.message_id == placed.id and a.media.kept is None
    )


def _may_be_told(placed: Placed) -> bool:
    """Whether a stop is confirmed to the address it came from: a mail nobody vouches for only to an address on file (policy §4.3)."""
    return not placed.other and placed.held is None and (placed.proven or (placed.event.mail is not None and placed.on_file))


async def open_cases(conn: Connection, writes: Writes, zone: tzinfo) -> None:
    """A case for each request about data, with its clock; the desk for them reads it (policy §4)."""
    requests = [r for p in writes.placed if (r := mail_routing.case_request(p, now=writes.now, zone=zone)) is not None]
    for request, opened in zip(requests, await rights.open_cases(conn, requests, now=writes.now), strict=True):
        if opened.new:  # what joins an open matter is kept with it, in rights_case_message
            note = {"actor": "system:intake", "reason": request.kind, "message": str(request.message_id)}
            writes.note("case.opened", f"case:{opened.case_id}", **note)


async def _threads(conn: Connection, writes: Writes) -> None:
    """Conversations and the invitations their messages open, on freshly locked rows."""
    if writes.conversations:
        await conversations.open_conversations(conn, writes.conversations)
    if writes.arrivals:
        await conversations.note_arrivals(conn, list(writes.arrivals.values()))
    inviting = [p for p in writes.placed if not p.other]  # somebody else's words invite nobody on this person's behalf
    touched = {(p.conversation_id, p.event.channel) for p in inviting}
    touched |= {(n.conversation_id, n.channel) for n in writes.named}
    if not touched:
        return
    held = {(r.conversation_id, r.channel): r for r in await conversations.lock_invitations(conn, touched)}
    for placed in inviting:
        key = (placed.conversation_id, placed.event.channel)
        before = held[key].facts if key in held else InvitationFacts(state=InvitationState.NONE, consecutive_outbound=0)
        after = _moved(writes, placed, before)
        held[key] = InvitationRow(
            conversation_id=placed.conversation_id,
            channel=placed.event.channel,
            identity_id=placed.identity_id or (held[key].identity_id if key in held else None),
            facts=after,
        )
    for named in writes.named:
        key = (named.conversation_id, named.channel)
        before = held[key].facts if key in held else InvitationFacts(state=InvitationState.NONE, consecutive_outbound=0)
        held[key] = InvitationRow(
            conversation_id=named.conversation_id,
            channel=named.channel,
            identity_id=named.identity_id,
            facts=after_named(before, at=named.at),
        )
    _acknowledge_forms(writes)
    await conversations.save_invitations(conn, list(held.values()))


def _acknowledge_forms(writes: Writes) -> None:
    """A form that named mail for its answer is acknowledged there (channels.md §1); by phone nobody is written to unasked."""
    by_mail = {n.conversation_id for n in writes.named if n.channel is Channel.EMAIL}
    for placed in writes.placed:
        heard_in_time = writes.now - placed.event.sent_at <= LATE and placed.signal.label is OptOutLabel.NONE
        if placed.event.form and placed.conversation_id in by_mail and heard_in_time:
            writes.follow_ups.append(FollowUp(topic="acknowledge_form", ref=placed.id, run_after=writes.now))


def _moved(writes: Writes, placed: Placed, before: InvitationFacts) -> InvitationFacts:
    event = placed.event
    if event.channel in withdrawn_channels(placed.signal.suppress) or None in withdrawn_channels(placed.signal.suppress):
        # Asking to stop is not writing again: it must not reopen what it closes. The window still counts from it.
        latest = max(filter(None, (before.last_inbound_at, event.sent_at)))
        return replace(after_withdrawal(before, at=event.sent_at), last_inbound_at=latest, bot_barred=True)
    if event.kind is ContentKind.REACTION:
        return before  # a sign under a message asks for no answer and moves no window (channels.md §6.1)
    after = after_inbound(before, at=event.sent_at, automatic=event.automatic or placed.held is Held.STORM)
    if placed.signal.label in (OptOutLabel.OPT_OUT, OptOutLabel.RIGHTS) or BARRED_FLAGS & set(placed.signal.flags):
        after = replace(after, bot_barred=True)
    if before.state is InvitationState.NONE:
        writes.note("invitation.opened", f"conversation:{placed.conversation_id}", channel=event.channel)
    elif before.state is InvitationState.WITHDRAWN:
        writes.note("invitation.reopened", f"conversation:{placed.conversation_id}", channel=event.channel)
    if _deserves_acknowledgement(writes, placed, before):
        writes.follow_ups.append(FollowUp(topic="acknowledge", ref=placed.id, run_after=writes.now))
    return after


def _deserves_acknowledgement(writes: Writes, placed: Placed, before: InvitationFacts) -> bool:
    """Whether this message begins something: the first in a day. A guess that saves work; the judge decides later."""
    event = placed.event
    if (
        placed.id in writes.answered
        or event.automatic
        or placed.held is not None
        or event.form
        or placed.signal.label is not OptOutLabel.NONE
        or writes.now - event.sent_at > LATE
    ):
        return False
    return before.last_inbound_at is None or event.sent_at - before.last_inbound_at >= ACKNOWLEDGE_EVERY


async def _follow(conn: Connection, writes: Writes) -> None:
    await audit.append(conn, writes.audit)
    await outbox.add(conn, writes.follow_ups, now=writes.now)
    changed: list[ConversationId] = [*writes.arrivals, *writes.changed]
    await live.send(conn, [*live.conversation_notes(changed), *outbox.notes(writes.follow_ups)])
