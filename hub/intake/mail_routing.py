"""What a mail asks of us by where it was sent and what it says now: a stop, a case about data, or nothing of the kind. Pure.

Words are looked for in what the person wrote now and, where that asks for nothing, in a subject of their own: quoted footers
and answered subjects are our words, not theirs (policy §3.2 step 1). A mail nobody vouches for may quiet the address it names
and end news for its person, and no more (channels.md §2.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, tzinfo

from hub.intake.submission import storable
from hub.intake.writes import Placed, Stop
from hub.model.address import Channel
from hub.model.message import InboundMessage, Mailbox, MailDetail
from hub.model.permission import OptOutLabel, Scope, Signal, TextContext
from hub.policy import clocks
from hub.store.rights import Request

Recognise = Callable[[str, TextContext], Signal]
Effects = tuple[tuple[Scope, Channel | None], ...]

STOP_EFFECTS: Effects = ((Scope.CHANNEL, Channel.EMAIL), (Scope.ALL_MARKETING, None))
UNCLEAR, COMPLAINT = "unclear", "complaint"
KINDS = frozenset({"access", "erasure", "rectification", "restriction", "objection", "portability", COMPLAINT, UNCLEAR})
_CLEAR_STOPS = frozenset({OptOutLabel.OPT_OUT, OptOutLabel.RIGHTS, OptOutLabel.WRONG_PERSON})
# Words before a subject that make it an answer or something passed on, in the languages mail programs write them.
_ANSWER = re.compile(
    r"^\s*(?:re|aw|antw|sv|vs|fwd?|wg|tr|rv|rif|i|odp|pd|ynt|ilt|ref|enc|回复|回覆|答复|转发|轉寄|رد|пересл)\s*(?:\[\d+\])?\s*[:：]", re.I
)
# Policy §4.1 seeds: how people say that they are unhappy with how their data are handled. At data@ only.
_COMPLAINT = re.compile(
    r"\bcomplain|\bunhappy (?:with|about)\b|\bdata breach\b|\binformation commissioner\b|\bico\b|投诉|投訴"
    r"|\breclamo\b|\bplainte\b|\bqueja\b|\bskarg|\breclama[cț]|жалоб|şikayet|شكوى|शिकायत|شکایت",
    re.I,
)


def hear(event: InboundMessage, recognise: Recognise, context: TextContext) -> Signal:
    """The recogniser's answer for one inbound message, with what its mailbox adds."""
    detail = event.mail
    if detail is None:
        return recognise(storable(event.text.reveal()), context)
    return _by_mailbox(event, detail, _in_words(detail, recognise, context))


def _in_words(detail: MailDetail, recognise: Recognise, context: TextContext) -> Signal:
    own, subject = detail.own_text.reveal().strip(), detail.subject.reveal().strip()
    said = recognise(storable(detail.own_text.reveal()), context) if own else Signal(label=OptOutLabel.NONE)
    if said.label is not OptOutLabel.NONE or not subject or _ANSWER.match(subject):
        return said
    titled = recognise(storable(subject), context)
    flags = tuple(dict.fromkeys([*said.flags, *titled.flags]))
    return replace(titled, matched_span=(0, 0), flags=flags)  # no place in the text that is shown


def _by_mailbox(event: InboundMessage, detail: MailDetail, said: Signal) -> Signal:
    """stop@ ends all by itself; at data@ everything is a matter of rights (policy §4.1). Robots' words stand alone."""
    if event.automatic:
        return said
    if detail.mailbox is Mailbox.STOP:
        effects = tuple(dict.fromkeys([*said.suppress, *STOP_EFFECTS]))
        if said.label in _CLEAR_STOPS:
            return replace(said, suppress=effects)
        return replace(said, label=OptOutLabel.OPT_OUT, suppress=effects, rule_id="mailbox.stop", matched_span=(0, 0))
    if detail.mailbox is Mailbox.DATA and said.label in (OptOutLabel.NONE, OptOutLabel.HELP, OptOutLabel.OPT_IN):
        return replace(said, label=OptOutLabel.RIGHTS, rule_id="mailbox.data", rights=_unsaid(detail), matched_span=(0, 0))
    return said


def _unsaid(detail: MailDetail) -> str:
    """The kind of a matter that names no right."""
    words = f"{detail.subject.reveal()}\n{detail.own_text.reveal()[:20_000]}"
    return COMPLAINT if _COMPLAINT.search(words) else UNCLEAR


def case_kind(event: InboundMessage, signal: Signal) -> str | None:
    """The kind of case a message opens; None for none. A plain stop has no case: it is done at once (policy §4.4)."""
    if signal.label is OptOutLabel.RIGHTS:
        return signal.rights if signal.rights in KINDS else UNCLEAR
    at_data = event.mail is not None and event.mail.mailbox is Mailbox.DATA and not event.automatic
    if at_data and event.mail is not None and signal.label is not OptOutLabel.OPT_OUT:
        return _unsaid(event.mail)
    return None


def case_request(placed: Placed, *, now: datetime, zone: tzinfo) -> Request | None:
    """The case a placed message opens or joins, with its days; None for none."""
    kind = case_kind(placed.event, placed.signal)
    if kind is None:
        return None
    received_at = min(placed.event.sent_at, now)
    day = received_at.astimezone(zone).date()
    return Request(
        kind=kind,
        contact_id=placed.contact_id,
        conversation_id=placed.conversation_id,
        channel=placed.event.channel,
        message_id=placed.id,
        received_at=received_at,
        statutory_due=clocks.complaint_ack_due(day) if kind == COMPLAINT else clocks.statutory_due(day),
        policy_due=clocks.policy_due(day),
        due=clocks.due(day),
        target=clocks.target(day),
        trusted=placed.proven and placed.on_file,
    )


def unvouched(placed: Placed) -> bool:
    """Whether nothing shows that the person themselves wrote this mail."""
    return placed.event.mail is not None and (placed.other or not placed.event.mail.trusted)


def reach(stop: Stop, placed: Placed) -> list[Stop]:
    """The stops to write for one message: as asked, or, where nobody vouches for the sender, everything for the address that
    was named as sender and no more than an end of all news for the person."""
    if not unvouched(placed):
        return [stop]
    here = tuple((s, c) for s, c in stop.effects if s is Scope.ALL_CONTACT or (s is Scope.CHANNEL and c is Channel.EMAIL))
    news = replace(stop, effects=((Scope.ALL_MARKETING, None),))
    return [replace(stop, contact_id=None, effects=here), news] if here and stop.hashes else [news]


def spread_held_back(placed: Placed) -> bool:
    """Whether more was asked for than an unvouched mail may have: staff are shown it and decide."""
    kept = {(Scope.ALL_MARKETING, None), (Scope.CHANNEL, Channel.EMAIL)}
    return unvouched(placed) and any(effect not in kept for effect in placed.signal.suppress)
