"""One inbound text -> what the person wants of us: the whole recogniser in one pass (policy §3).

Layers in order: L1 the whole message is a stop word; L2c reversed forms, L2b limits and L2 revocations; L3 guards and
L4 lone words; L5, learnt weights that may only raise NONE to AMBIGUOUS. Where a text says several things, the one that stops
most wins the label, and everything it suppresses is written.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from datetime import timedelta

from hub.model.address import Channel
from hub.model.permission import Kind, OptOutLabel, Signal, TextContext
from hub.policy.optout import rights
from hub.policy.optout.classes import BITS, bits
from hub.policy.optout.guards import L3, alternative, clause, limited, mask_of
from hub.policy.optout.lexicon import Keyword, Lexicon
from hub.policy.optout.normalise import Folded, fold
from hub.policy.optout.scope import EVERYTHING, MARKETING, Suppression, bare, named_channels, ordered, reach
from hub.policy.optout.tokens import Tokens, tokenise
from hub.policy.optout.visible import Visible, visible
from hub.policy.optout.whole import AROUND, PUNCTUATION, whole_message

_OFFERED_FOR = timedelta(days=30)
_L4_TOKENS = 4
_REFUSAL_TOKENS = 5
_UNKNOWN_TOKENS = 3
_ENOUGH = 400  # revocations looked at: who repeats himself more often has been understood
_STRONG = BITS["stop"] | BITS["stop_after"] | BITS["unsubscribe"] | BITS["no_contact"]
_SENDINGS = BITS["message"] | BITS["promo"] | BITS["contacted"]
_ENDINGS = bits("stop|stop_after|no_more|enough|unwanted|no_contact|vexed")
_MIXED_GUARDS = L3 & ~(BITS["body"] | BITS["time"] | BITS["until"] | BITS["habit"]) | BITS["thing"]
_CLOSED_TOKENS = 10
_SHOUT = 3  # letters
_STRANGERS = 2  # words nobody knows that an answer to marketing may hold
_DONE = bits("stop|stop_after|no_more|enough|unwanted")
_DENYING = bits("negation|no|anger|no_word|off|remove")
_VOCABULARY = (
    _DONE
    | _DENYING
    | bits("contact|contacted|send|message|promo|receive|want|me|you|them|everything|again|list|consent|my_detail|hold|withdraw")
    | bits("sms|email|whatsapp|wechat|glue|link|but|i|courtesy")
)
# What a message must hold to be weighed where it answers no marketing: something about writing, lists, or an end to it.
_ABOUT_WRITING = bits(
    "message|promo|sms|email|whatsapp|wechat|messenger|instagram|phone|contact|contacted|pester|send|list|consent|my_detail|my_data|data"
    "|unsubscribe|nuisance|vexed|stop|stop_after|remove|off|leave_alone|no_contact|withdraw|clinic|wrong_person|receive|keep|enough|no_more"
)
_PLEADING = _SENDINGS | bits("contact|list|consent|courtesy")
_FOOTER_LIKE = BITS["reply"] | BITS["footer"] | BITS["link"]
_REFUSING = (
    BITS["no_word"]
    | BITS["anger"]
    | BITS["temper"]
    | BITS["courtesy"]
    | BITS["you"]
    | BITS["me"]
    | BITS["but"]
    | BITS["i"]
    | BITS["negation"]
    | BITS["want"]
)


@dataclass(frozen=True, slots=True)
class _Read:
    """A text taken apart. core: the tokens that are words and no politeness. present: every class that occurs."""

    received: str
    seen: Visible
    folded: Folded
    tokens: Tokens
    core: list[int]
    present: int
    lexicon: Lexicon

    def span(self, first: int, end: int) -> tuple[int, int]:
        """Where tokens [first, end) stand in the text as received."""
        return self.seen.span(*self.folded.span(self.tokens.starts[first], self.tokens.ends[end - 1]))

    def capital(self, token: int) -> bool:
        start, end = self.span(token, token + 1)
        return self.received[start:end][:1].isupper()

    def language(self, first: int, end: int) -> str:
        """The language of these tokens; where several share the words, the one that knows most of the message."""
        shared = -1
        for word in self.tokens.words[first:end]:
            if word.languages:
                shared = shared & word.languages or word.languages
        if shared <= 0:
            return ""
        names = [(1 << n, name) for n, name in enumerate(self.lexicon.languages) if shared >> n & 1]
        return max(names, key=lambda row: sum(bool(w.languages & row[0]) for w in self.tokens.words))[1]


def recognise(text: str, context: TextContext, lexicon: Lexicon) -> Signal:
    """What the text asks for. Never raises, never logs; linear in the text.

    matched_span: in `text` as given. suppress: widest first, to be written whatever the label is.
    """
    seen = visible(text)
    folded = fold(seen.text)
    tokens = tokenise(folded.text, lexicon)
    present = mask_of(tokens, 0, len(tokens))
    if present & _FOOTER_LIKE:
        _cut_footers(tokens, present, lexicon)
        present = mask_of(tokens, 0, len(tokens))
    if hit := whole_message(tokens, lexicon):
        read = _Read(text, seen, folded, tokens, list(range(hit[1], hit[2])), present, lexicon)
        return _from_keyword(read, *hit, context)
    if present & lexicon.grammar.triggers:
        core = [i for i, word in enumerate(tokens.words) if not word.mask & AROUND]
        read = _Read(text, seen, folded, tokens, core, present, lexicon)
        signal = _from_sentences(read, context)
    else:
        signal = Signal(label=OptOutLabel.NONE)
    if signal.label is OptOutLabel.NONE and context.last_outbound_kind is Kind.MKT and _is_unknown(tokens):
        signal = replace(signal, label=OptOutLabel.AMBIGUOUS, suppress=(MARKETING,), rule_id="L4.unknown_language")
    if signal.label is OptOutLabel.NONE and _leans(tokens, present, lexicon, context):
        whole = seen.span(*folded.span(tokens.starts[0], tokens.ends[-1]))
        signal = replace(signal, label=OptOutLabel.AMBIGUOUS, suppress=(MARKETING,), rule_id="L5.leaning", matched_span=whole)
    return signal


def _cut_footers(tokens: Tokens, present: int, lexicon: Lexicon) -> None:
    """Drop the tokens of footer sentences: they are ours, whoever pasted them."""
    dropped: set[int] = set()
    if not present & (BITS["keyword"] | BITS["footer"] | BITS["letter"] | BITS["unsubscribe"]):
        return
    for _, first, end in lexicon.grammar.matches(lexicon.grammar.footers, tokens.codes(), present):
        dropped.update(range(first, end))
    if dropped:
        kept = [i for i in range(len(tokens)) if i not in dropped]
        tokens.texts = [tokens.texts[i] for i in kept]
        tokens.starts = [tokens.starts[i] for i in kept]
        tokens.ends = [tokens.ends[i] for i in kept]
        tokens.words = [tokens.words[i] for i in kept]


def _from_keyword(read: _Read, keyword: Keyword, first: int, end: int, context: TextContext) -> Signal:
    """L1 and the words that are whole messages of another kind."""
    here = Signal(label=OptOutLabel.NONE, rule_id=f"L1.{keyword.kind}", language=keyword.language, matched_span=read.span(first, end))
    flags = ("appointment?",) if keyword.kind in ("cancel", "maybe") and context.appointment_pending else ()
    if keyword.kind in ("stop", "cancel") or (keyword.kind == "letter" and _was_offered(keyword.text, context)):
        return replace(here, label=OptOutLabel.OPT_OUT, suppress=ordered(bare(context.channel)), flags=flags)
    if keyword.kind == "start":
        return replace(here, label=OptOutLabel.OPT_IN)
    if keyword.kind == "help":
        return replace(here, label=OptOutLabel.HELP, flags=("help",))
    if keyword.kind == "maybe" or context.last_outbound_kind is Kind.MKT:
        return replace(here, label=OptOutLabel.AMBIGUOUS, suppress=(MARKETING,), flags=flags)
    return Signal(label=OptOutLabel.NONE)


def _was_offered(letter: str, context: TextContext) -> bool:
    """A single letter counts on SMS only, when our last text in 30 days offered it, or by custom in China (policy §3.4)."""
    if context.channel is not Channel.SMS:
        return False
    recent = context.now is None or context.last_outbound_at is None or context.now - context.last_outbound_at <= _OFFERED_FOR
    if recent and any(letter.upper() == offered.upper() for offered in context.last_outbound_offered):
        return True
    return context.sender_prefix == "+86" and letter != "11"


def _from_sentences(read: _Read, context: TextContext) -> Signal:
    """Everything that needs more than one word."""
    flags = _flags(read)
    nothing = Signal(label=OptOutLabel.NONE, flags=flags)
    grammar, tokens = read.lexicon.grammar, read.tokens
    codes = _without_staccato(tokens, read.lexicon.other.code)
    stops, provisional = _revocations(read, codes, context)
    if found := rights.wrong_person(tokens, read.present, len(read.core), read.capital, we_wrote=context.last_outbound_kind is not None):
        return replace(_at(read, nothing, "wrong_person", *found), label=OptOutLabel.WRONG_PERSON, suppress=(EVERYTHING,))
    request = rights.request(grammar, codes, read.present)
    if request and not _is_about_list(stops, request):
        kind, first, end = request
        rows: set[Suppression] = {MARKETING} if kind in rights.SUPPRESSING else set()
        rows.update(*(row for _, _, _, row in stops))
        return replace(_at(read, nothing, f"rights.{kind}", first, end), label=OptOutLabel.RIGHTS, suppress=ordered(rows), rights=kind)
    if stops:
        rule, first, end, _ = max(stops, key=lambda stop: EVERYTHING in stop[3])
        rows = set().union(*(row for _, _, _, row in stops))
        return replace(_at(read, nothing, rule, first, end), label=OptOutLabel.OPT_OUT, suppress=ordered(rows))
    if provisional is None:
        provisional = _lone_word(read, codes, context)
    if provisional is None:
        return nothing
    hit = replace(_at(read, nothing, *provisional), label=OptOutLabel.AMBIGUOUS, suppress=(MARKETING,))
    if tokens.words[provisional[1]].mask & BITS["cancel"] and context.appointment_pending:
        hit = replace(hit, flags=(*flags, "appointment?"))
    return hit


def _at(read: _Read, signal: Signal, rule: str, first: int, end: int) -> Signal:
    return replace(signal, rule_id=rule, language=read.language(first, end), matched_span=read.span(first, end))


def _flags(read: _Read) -> tuple[str, ...]:
    urgent = ("urgent",) if rights.is_urgent(read.tokens, read.present) else ()
    return (*urgent, "under_18") if rights.is_child(read.tokens, read.present) else urgent


def _without_staccato(tokens: Tokens, other: str) -> str:
    """Codes with full stops between single words passed over: "STOP. CONTACTING. ME." is one sentence."""
    codes = tokens.codes()
    ends = [i for i, word in enumerate(tokens.words) if word.mask & BITS["break"] and tokens.texts[i] == "."]
    short = {after for before, after in itertools.pairwise([-1, *ends]) if after - before == 2}
    if len(short) < 2:
        return codes
    passed = {at for at in short if at - 2 in short or at + 2 in short}
    passed |= {at - 2 for at in passed}
    return "".join(other if i in passed else code for i, code in enumerate(codes))


_Stop = tuple[str, int, int, set[Suppression]]


def _revocations(read: _Read, codes: str, context: TextContext) -> tuple[list[_Stop], tuple[str, int, int] | None]:
    """L2c, L2b, L2: the revocations that stand, and the first that stands only in part."""
    grammar, tokens = read.lexicon.grammar, read.tokens
    turned: set[int] = set()
    doubted: set[int] = set()
    for rule, first, end in grammar.matches(grammar.reversals, codes, read.present):
        (doubted if rule.ask else turned).update(range(first, end))
    stops: list[_Stop] = []
    part: tuple[str, int, int] | None = None
    found = grammar.matches(grammar.revocations, codes, read.present)
    for rule, first, end in itertools.islice(found, _ENOUGH):
        if turned and not turned.isdisjoint(range(first, end)):
            continue
        if rule.answering and context.last_outbound_kind is not Kind.MKT:
            continue
        _, stop = clause(tokens, first, end)
        mask = mask_of(tokens, first, stop)
        if rule.ask or not doubted.isdisjoint(range(first, end)):
            part = part or (rule.id, first, end)
            continue
        if alternative(tokens, first, end):
            own = mask_of(tokens, first, end)
            if (named_channels(own) or own & BITS["promo"]) and not own & BITS["phone"]:
                stops.append((rule.id, first, end, reach(rule.reach, own, context.channel)))
                continue
            part = part or ("L2b.alternative", first, end)
        elif rule.limitable and limited(tokens, first, end):
            part = part or ("L2b.limited", first, end)
        else:
            stops.append((rule.id, first, end, reach(rule.reach, mask, context.channel)))
    return stops, part


def _is_about_list(stops: list[_Stop], request: tuple[str, int, int]) -> bool:
    """ "Remove my details from your list" leaves a list; it is no request to erase."""
    return request[0] == "erasure" and any("list" in rule and first < request[2] and request[1] < end for rule, first, end, _ in stops)


def _lone_word(read: _Read, codes: str, context: TextContext) -> tuple[str, int, int] | None:
    """L3, L4, L4b: a stop word in a very short message, a refusal without object, a stop sign alone."""
    words, core = read.tokens.words, read.core
    if not core:
        signs = [i for i, word in enumerate(words) if word.mask & BITS["stop_sign"]]
        return ("L4b.sign", signs[0], signs[0] + 1) if signs else None
    if context.last_outbound_kind is Kind.MKT and all(words[i].mask & _REFUSING for i in core):
        return ("L4b.no_to_marketing", core[0], core[-1] + 1)
    if read.present & BITS["nuisance"]:
        at = next(i for i, word in enumerate(words) if word.mask & BITS["nuisance"])
        return ("L4b.nuisance", at, at + 1)
    if alone := _lone_sentence(read):
        return alone
    reversed_ = any(True for _ in read.lexicon.grammar.matches(read.lexicon.grammar.reversals, codes, read.present))
    after_marketing = context.last_outbound_kind is Kind.MKT
    if not reversed_ and (said := _closed_sentence(read, after_marketing=after_marketing) or _shouted(read)):
        return said
    if (after_marketing or read.present & BITS["promo"]) and (mixed := _mixed(read, codes)):
        return mixed
    if read.present & L3:
        return None
    if closed := _closed(read, codes, after_marketing=after_marketing):
        return closed
    if len(core) > _REFUSAL_TOKENS:
        return None
    grammar = read.lexicon.grammar
    if any(True for _ in grammar.matches(grammar.reversals, codes, read.present)):
        return None
    for at in core:
        counted = any(words[i].mask & BITS["number"] for i in core)  # "one more stop", "i end at 6"
        if words[at].mask & BITS["keyword"] and len(core) <= _L4_TOKENS and not counted and _may_stand_alone(read, at):
            return ("L4.keyword", at, at + 1)
    refusals = [i for i, word in enumerate(words) if word.mask & BITS["anger"]]
    others = sum(bool(words[i].mask & BITS["other"]) for i in core)
    return ("L4b.refusal", refusals[0], refusals[0] + 1) if refusals and others <= 1 else None


def _mixed(read: _Read, codes: str) -> tuple[str, int, int] | None:
    """An ending word and what we send, in one message, in no pattern we know: staff judge. Questions and reports are none."""
    present = read.present
    if not present & _SENDINGS or not present & _ENDINGS or present & _MIXED_GUARDS:
        return None
    grammar = read.lexicon.grammar
    if any(True for _ in grammar.matches(grammar.reversals, codes, present)):
        return None
    at = next(i for i, word in enumerate(read.tokens.words) if word.mask & _ENDINGS)
    return ("L4.mixed", at, at + 1)


def _closed(read: _Read, codes: str, *, after_marketing: bool) -> tuple[str, int, int] | None:
    """A short message made of nothing but the words of opt-outs, in an order no pattern knows: "no more of this please".

    A bare denial ("I don't need these") says it only in answer to marketing; there, a few words we do not know do not matter.
    """
    words, core = read.tokens.words, read.core
    strangers = [i for i in core if not words[i].mask & _VOCABULARY]
    if len(core) > _CLOSED_TOKENS or len(strangers) > (_STRANGERS if after_marketing else 0):
        return None
    grammar = read.lexicon.grammar
    if any(True for _ in grammar.matches(grammar.reversals, codes, read.present)):
        return None
    if not (after_marketing or read.present & _PLEADING):
        return None
    ending = next((i for i in core if words[i].mask & _DONE), None)
    if ending is None and (after_marketing or read.present & (_SENDINGS | BITS["consent"])):
        ending = next((i for i in core if words[i].mask & _DENYING), None)
    return ("L4.closed", ending, ending + 1) if ending is not None else None


def _closed_sentence(read: _Read, *, after_marketing: bool) -> tuple[str, int, int] | None:
    """One sentence among several that says nothing but enough: "How lovely, spam at seven. No more please."

    Where nothing is about writing, it says so only in answer to marketing, or politely: "No more. It's about three years old."
    """
    words = read.tokens.words
    about_us = bool(read.present & (_SENDINGS | BITS["contact"]))
    parting = BITS["break"] | (BITS["comma"] if about_us else 0)
    ending = _DONE | (BITS["anger"] if about_us else 0)
    ends = [-1, *(i for i, word in enumerate(words) if word.mask & parting), len(words)]
    for before, after in itertools.pairwise(ends):
        inside = [i for i in range(before + 1, after) if not words[i].mask & PUNCTUATION]
        if not 1 <= len(inside) <= _REFUSAL_TOKENS or any(not words[i].mask & _VOCABULARY for i in inside):
            continue
        politely = any(words[i].mask & BITS["courtesy"] for i in inside)
        if not (about_us or politely or after_marketing) or (after < len(words) and words[after].mask & BITS["asked"]):
            continue
        done = next((i for i in inside if words[i].mask & (ending | BITS["remove"] if politely else ending)), None)
        if done is not None and not any(words[i].mask & (BITS["i"] | L3) for i in inside):
            return ("L4.closed_sentence", done, done + 1)
    return None


def _shouted(read: _Read) -> tuple[str, int, int] | None:
    """A stop word in capitals in a message that is not: what our own texts tell people to send."""
    if not any(letter.islower() for letter in read.seen.text):
        return None
    for at in read.core:
        word = read.tokens.words[at]
        if word.mask & BITS["keyword"] and word.mask & _STRONG and not word.mask & BITS["place"]:
            start, end = read.span(at, at + 1)
            if read.received[start:end].isupper() and end - start >= _SHOUT and not _amid_capitals(read, at):
                return ("L4.shouted", at, at + 1)
    return None


def _amid_capitals(read: _Read, at: int) -> bool:
    """A label ("END:VCARD") or one word of a cry ("STOP VIOLENCE")."""
    for beside in (at - 1, at + 1):
        if 0 <= beside < len(read.tokens):
            start, end = read.span(beside, beside + 1)
            if read.received[start:end] == ":" or (read.received[start:end].isupper() and end - start >= _SHOUT):
                return True
    return False


def _lone_sentence(read: _Read) -> tuple[str, int, int] | None:
    """A sentence of its own, or the last words after a comma, that is a stop word: "I told you already. Stop." """
    words, core = read.tokens.words, read.core
    breaks = [-1, *(i for i, word in enumerate(words) if word.mask & BITS["break"]), len(words)]
    commas = [i for i in range(breaks[-2] + 1, len(words)) if words[i].mask & BITS["comma"]]
    if commas and not read.present & L3:
        breaks[-1:] = [commas[-1], len(words)]
    for before, after in itertools.pairwise(breaks):
        inside = [i for i in core if before < i < after]
        if (
            len(inside) == 1
            and words[inside[0]].mask & BITS["keyword"]
            and words[inside[0]].mask & _STRONG
            and not words[inside[0]].mask & BITS["cancel"]
        ):
            return ("L4.sentence", inside[0], inside[0] + 1)
    return None


def _may_stand_alone(read: _Read, at: int) -> bool:
    """A keyword beside an unknown word mostly has that word as its object ("no more wine"); stop itself does not need more."""
    words, core = read.tokens.words, read.core
    unknown = any(words[i].mask & BITS["other"] for i in core)
    return not unknown or (at in (core[0], core[-1]) and bool(words[at].mask & _STRONG))


def _leans(tokens: Tokens, present: int, lexicon: Lexicon, context: TextContext) -> bool:
    """L5: no layer understood it, and its words lean towards an opt-out. Never without a word of the lists, or our marketing before it."""
    ours = context.last_outbound_kind
    if lexicon.leaning is None or not (ours is Kind.MKT or present & _ABOUT_WRITING):
        return False
    return lexicon.leaning.leans(tokens, after_ours=ours is not None, after_marketing=ours is Kind.MKT)


def _is_unknown(tokens: Tokens) -> bool:
    """One to three words, all of no language we know."""
    words = [i for i, word in enumerate(tokens.words) if not word.mask & PUNCTUATION]
    return 0 < len(words) <= _UNKNOWN_TOKENS and all(tokens.words[i].mask & BITS["other"] and tokens.texts[i][0].isalpha() for i in words)
