"""One inbound text -> what the person wants of us: the whole recogniser in one pass (policy §3).

Layers in order: L1 the whole message is a stop word; L2c reversed forms, L2b limits and L2 revocations; L3 guards and
L4 lone words; L5, learnt weights that may only raise NONE to AMBIGUOUS. Where a text says several things, the one that stops
most wins the label, and everything it suppresses is written.

Some patterns only hint at an opt-out: what they find counts in answer to marketing, and is weighed by L5 elsewhere. Others would put
a text to staff: where we never wrote to somebody, they do so unless the weights speak against it, for there they mostly find talk
among friends. What policy names is not weighed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from hub.model.address import Channel
from hub.model.permission import Kind, OptOutLabel, Signal, TextContext
from hub.policy.optout import rights
from hub.policy.optout.classes import BITS, bits
from hub.policy.optout.grammar import Compiled, Possible, matches
from hub.policy.optout.guards import alternative, clause, limited, mask_of
from hub.policy.optout.leaning import Before, Topic, tongue_of
from hub.policy.optout.lexicon import Keyword, Lexicon
from hub.policy.optout.offers import offered_letters
from hub.policy.optout.patterns import Weight
from hub.policy.optout.reading import Reading, read
from hub.policy.optout.scope import EVERYTHING, MARKETING, Suppression, bare, named_channels, ordered, reach
from hub.policy.optout.short import Found, is_unknown, lone_word
from hub.policy.optout.tokens import Tokens
from hub.policy.optout.whole import whole_message

_NOTHING = Signal(label=OptOutLabel.NONE)
_OFFERED_FOR = timedelta(days=30)
_ENOUGH = 400  # revocations looked at: who repeats himself more often has been understood
# What may stand beside a welcome and make it none: "please call me, I want this to stop".
_AGAINST = bits("negation|never|no|no_more|no_word|stop|stop_after|unwanted|enough|fewer|vexed|keep|remove|off|again|instead|only|this_way")
# What a message holds that speaks of what is sent, or of writing and an end to it: less is asked of it where it answers nothing of ours.
_OF_SENDING = bits("message|promo|sms|email|contact|contacted|pester|receive|list|consent|unsubscribe|nuisance")
_OF_WRITING = _OF_SENDING | bits(
    "phone|send|my_detail|my_data|data|clinic|whatsapp|wechat|messenger|instagram|vexed|stop|stop_after|remove|off|leave_alone|no_contact"
    "|withdraw|wrong_person|keep|enough|no_more"
)
# What opt-outs are made of, one of which must stand in a message that answers nothing of ours.
_OF_OPT_OUTS = _OF_WRITING | bits(
    "negation|never|after_negation|unwanted|no|no_word|fewer|needless|nothing|only|this_way|cancel|keyword|erase|anger|temper|misdirected"
    "|stop_sign|nuisance|reproach"
)


class Ruled(NamedTuple):
    """What words and patterns say of a text (L1 to L4). hint: what weights judge by its weight, where nothing else was found.
    wanted: it asks for more in so many words (L2c), so nothing is left to weigh.
    """

    signal: Signal
    reading: Reading
    hint: Found | None
    wanted: bool


def recognise(text: str, context: TextContext, lexicon: Lexicon) -> Signal:
    """What the text asks for. Never raises, never logs; linear in the text.

    matched_span: in `text` as given. suppress: widest first, to be written whatever the label is.
    """
    ruled = by_rules(text, context, lexicon)
    if ruled.signal.label is not OptOutLabel.NONE or not _leans(ruled, context, lexicon):
        return ruled.signal
    found = ruled.hint or Found("leaning", 0, len(ruled.reading.tokens))
    return replace(_doubt(ruled.reading, ruled.signal, found, context), rule_id=f"L5.{found.rule}")


def by_rules(text: str, context: TextContext, lexicon: Lexicon) -> Ruled:
    """The layers before L5; examples are learnt from what they make of a text."""
    reading = read(text, lexicon)
    tokens = reading.tokens
    if hit := whole_message(tokens, reading.core, lexicon):
        return Ruled(_from_keyword(reading, *hit, context), reading, None, False)
    signal, hint, wanted = _NOTHING, None, False
    if reading.present & lexicon.grammar.triggers:
        revoked = _NOT_REVOKED
        request = None
        if possible := lexicon.grammar.possible(reading.present):
            codes = _without_staccato(tokens, lexicon.other.code)
            revoked = _revocations(reading, codes, possible, context)
            request = rights.request(possible.rights, codes)
        signal, hint = _from_sentences(reading, revoked, request, context)
        wanted = revoked.wanted
    if hint is None and reading.present & BITS["welcome"] and not reading.present & _AGAINST:
        wanted = True
    if signal.label is OptOutLabel.NONE and context.last_outbound_kind is Kind.MKT and is_unknown(tokens):
        signal = replace(signal, label=OptOutLabel.AMBIGUOUS, suppress=(MARKETING,), rule_id="L4.unknown_language")
    return Ruled(signal, reading, hint, wanted)


def _leans(ruled: Ruled, context: TextContext, lexicon: Lexicon) -> bool:
    """L5: no layer understood it, and its words lean towards an opt-out. Where we never wrote, the weights never act alone: a word
    that opt-outs are made of must stand in it.
    """
    ours, reading, hint = context.last_outbound_kind, ruled.reading, ruled.hint
    present = reading.present
    asks = hint is not None and hint.weight is Weight.ASKS
    if lexicon.leaning is None or (ruled.wanted and not asks):
        return False
    if ours is None and hint is None and not present & _OF_OPT_OUTS:
        return False
    return lexicon.leaning.leans(
        reading.tokens,
        hint.rule if hint else "",
        asks=asks,
        tongue=tongue_of(reading.tokens, lexicon.english, lexicon.chinese),
        before=Before.NOTHING if ours is None else Before.MARKETING if ours is Kind.MKT else Before.OURS,
        topic=Topic.SENDING if present & _OF_SENDING else Topic.WRITING if present & _OF_WRITING else Topic.ELSE,
    )


def _from_keyword(read: Reading, keyword: Keyword, first: int, end: int, context: TextContext) -> Signal:
    """L1 and the words that are whole messages of another kind."""
    here = Signal(label=OptOutLabel.NONE, rule_id=f"L1.{keyword.kind}", language=keyword.language, matched_span=read.span(first, end))
    flags = ("appointment?",) if keyword.kind in ("cancel", "maybe") and context.appointment_pending else ()
    if keyword.kind in ("stop", "cancel") or (keyword.kind == "letter" and _was_offered(keyword.text, context, read.lexicon)):
        return replace(here, label=OptOutLabel.OPT_OUT, suppress=ordered(bare(context.channel)), flags=flags)
    if keyword.kind == "start":
        return replace(here, label=OptOutLabel.OPT_IN)
    if keyword.kind == "help":
        return replace(here, label=OptOutLabel.HELP, flags=("help",))
    if keyword.kind in ("maybe", "refusal") or context.last_outbound_kind is Kind.MKT:
        return replace(here, label=OptOutLabel.AMBIGUOUS, suppress=(MARKETING,), flags=flags)
    return _NOTHING


def _was_offered(letter: str, context: TextContext, lexicon: Lexicon) -> bool:
    """A single letter counts on SMS only, when our last text in 30 days offered it, or by custom in China (policy §3.4)."""
    if context.channel is not Channel.SMS:
        return False
    if context.sender_prefix == "+86" and letter != "11":
        return True
    if context.now is not None and context.last_outbound_at is not None and context.now - context.last_outbound_at > _OFFERED_FOR:
        return False
    said = context.last_outbound_text
    offered = (*context.last_outbound_offered, *(offered_letters(said.reveal(), lexicon) if said else ()))
    return letter.upper() in map(str.upper, offered)


def _from_sentences(read: Reading, revoked: _Revoked, request: _Request | None, context: TextContext) -> tuple[Signal, Found | None]:
    """Everything that needs more than one word, and what only hints at something."""
    flags = _flags(read)
    nothing = Signal(label=OptOutLabel.NONE, flags=flags) if flags else _NOTHING
    tokens = read.tokens
    stops, provisional, turned = revoked.stops, revoked.part, revoked.turned
    reached = rights.wrong_person(tokens, read.present, len(read.core), read.capital, we_wrote=context.last_outbound_kind is not None)
    apology = reached is not None and _may_be_their_own(read, reached[0])
    if reached and not apology:
        return replace(_at(read, nothing, Found("wrong_person", *reached)), label=OptOutLabel.WRONG_PERSON, suppress=(EVERYTHING,)), None
    if request and not _is_about_list(stops, request):
        kind, first, end = request
        rows: set[Suppression] = {MARKETING} if kind in rights.SUPPRESSING else set()
        rows.update(*(row for _, row in stops))
        asked = _at(read, nothing, Found(f"rights.{kind}", first, end))
        return replace(asked, label=OptOutLabel.RIGHTS, suppress=ordered(rows), rights=kind), None
    if stops:
        widest, _ = max(stops, key=lambda stop: EVERYTHING in stop[1])
        rows = set().union(*(row for _, row in stops))
        return replace(_at(read, nothing, widest), label=OptOutLabel.OPT_OUT, suppress=ordered(rows)), None
    if reached and (provisional is None or provisional.weight is Weight.HINTS):
        provisional = Found("L4.misdirected", *reached)
    if provisional is None or _is_weighed(provisional, context):
        found = [one for one in (provisional, lone_word(read, context, turned=turned)) if one]
        provisional = max(found, key=lambda one: one.weight, default=None)
    if provisional is None:
        return nothing, None
    if _is_weighed(provisional, context) and context.last_outbound_kind is not Kind.MKT:
        return nothing, provisional
    return _doubt(read, nothing, provisional, context), None


def _is_weighed(found: Found, context: TextContext) -> bool:
    """Whether it is for the weights to say what becomes of it."""
    return found.weight is Weight.HINTS or (found.weight is Weight.ASKS and context.last_outbound_kind is None)


def _doubt(read: Reading, signal: Signal, found: Found, context: TextContext) -> Signal:
    """Put to staff, with marketing stopped meanwhile."""
    meant = context.appointment_pending and read.tokens.words[found.first].mask & BITS["cancel"]
    flags = (*signal.flags, "appointment?") if meant else signal.flags
    return replace(_at(read, signal, found), label=OptOutLabel.AMBIGUOUS, suppress=(MARKETING,), flags=flags)


def _may_be_their_own(read: Reading, at: int) -> bool:
    """Politely said, "sent to the wrong person" may be a message of theirs: only staff can tell."""
    mask = read.tokens.words[at].mask
    return bool(mask & BITS["misdirected"] and not mask & BITS["wrong_person"] and read.present & BITS["courtesy"])


def _at(read: Reading, signal: Signal, found: Found) -> Signal:
    first, end = found.first, found.end
    return replace(signal, rule_id=found.rule, language=read.language(first, end), matched_span=read.span(first, end))


def _flags(read: Reading) -> tuple[str, ...]:
    urgent = ("urgent",) if rights.is_urgent(read.tokens, read.present) else ()
    return (*urgent, "under_18") if rights.is_child(read.tokens, read.present) else urgent


def _without_staccato(tokens: Tokens, other: str) -> str:
    """Codes with full stops between single words passed over: "STOP. CONTACTING. ME." is one sentence."""
    codes = tokens.codes()
    if tokens.texts.count(".") < 2:
        return codes
    ends = [i for i, text in enumerate(tokens.texts) if text == "."]
    short = {after for before, after in itertools.pairwise([-1, *ends]) if after - before == 2}
    if len(short) < 2:
        return codes
    passed = {at for at in short if at - 2 in short or at + 2 in short}
    passed |= {at - 2 for at in passed}
    return "".join(other if i in passed else code for i, code in enumerate(codes))


_Stop = tuple[Found, set[Suppression]]
_Request = tuple[str, int, int]  # its kind, its first token and its end


class _Revoked(NamedTuple):
    """stops: the revocations that stand. part: the first that stands only in part, one that only hints last. turned: whether any
    reversal is there. wanted: whether one of them asks for more.
    """

    stops: Sequence[_Stop]
    part: Found | None
    turned: bool
    wanted: bool


_NOT_REVOKED = _Revoked((), None, turned=False, wanted=False)


def _revocations(read: Reading, codes: str, possible: Possible, context: TextContext) -> _Revoked:
    """L2c, L2b, L2."""
    tokens = read.tokens
    turned: set[int] = set()
    wanted = False
    doubts: dict[int, Weight] = {}  # tokens a reversal puts in doubt -> what they still weigh
    for rule, first, end in matches(possible.reversals, codes):
        if rule.unprompted and context.last_outbound_kind is not None:
            continue
        if rule.weight is not Weight.STANDS:
            doubts.update({at: max(rule.weight, doubts.get(at, rule.weight)) for at in range(first, end)})
        else:
            turned.update(range(first, end))
            wanted = wanted or rule.wanted
    stops: list[_Stop] = []
    part: Found | None = None
    found = matches(possible.revocations, codes)
    for rule, first, end in itertools.islice(found, _ENOUGH):
        if turned and not turned.isdisjoint(range(first, end)):
            continue
        if rule.answering and context.last_outbound_kind is not Kind.MKT:
            continue
        if (found_part := _in_part(rule, first, end, tokens, doubts)) is None:
            own = mask_of(tokens, first, end) if alternative(tokens, first, end) else mask_of(tokens, first, clause(tokens, first, end)[1])
            stops.append((Found(rule.id, first, end), reach(rule.reach, own, context.channel)))
        elif part is None or (part.weight is Weight.HINTS and found_part.weight > Weight.HINTS):
            part = found_part
    return _Revoked(stops, part, bool(turned or doubts), wanted)


def _in_part(rule: Compiled, first: int, end: int, tokens: Tokens, doubts: dict[int, Weight]) -> Found | None:
    """The revocation as one that staff must judge, for what it may also mean or what limits it; None where it stands."""
    if rule.weight is not Weight.STANDS:
        return Found(rule.id, first, end, rule.weight)
    if doubts and not doubts.keys().isdisjoint(range(first, end)):
        return Found(rule.id, first, end, max(doubts[at] for at in range(first, end) if at in doubts))
    if alternative(tokens, first, end):
        own = mask_of(tokens, first, end)
        stands = (named_channels(own) or own & BITS["promo"]) and not own & BITS["phone"]
        return None if stands else Found("L2b.alternative", first, end)
    return Found("L2b.limited", first, end) if rule.limitable and limited(tokens, first, end) else None


def _is_about_list(stops: Sequence[_Stop], request: _Request) -> bool:
    """ "Remove my details from your list" leaves a list; it is no request to erase."""
    return request[0] == "erasure" and any("list" in stop.rule and stop.first < request[2] and request[1] < stop.end for stop, _ in stops)
