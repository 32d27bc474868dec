"""L3, L4 and L4b: stop words in very short messages, refusals without object, a stop sign alone (policy §3.3)."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from hub.model.permission import Kind, TextContext
from hub.policy.optout.classes import BITS, bits
from hub.policy.optout.guards import L3
from hub.policy.optout.patterns import Weight
from hub.policy.optout.reading import Reading
from hub.policy.optout.tokens import Tokens
from hub.policy.optout.whole import PUNCTUATION

_L4_TOKENS = 4
_REFUSAL_TOKENS = 5
_UNKNOWN_TOKENS = 3
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
_PLEADING = _SENDINGS | bits("contact|list|consent|courtesy")
_REFUSING = bits("no_word|anger|temper|courtesy|you|me|but|i|negation|want")
_TELLING, _TO_US = bits("i|others"), bits("you|want")


class Found(NamedTuple):
    """What a rule found: the tokens [first, end). weight: what policy names always asks."""

    rule: str
    first: int
    end: int
    weight: Weight = Weight.ALWAYS_ASKS


def lone_word(read: Reading, context: TextContext, *, turned: bool) -> Found | None:
    """L3, L4, L4b: a stop word in a very short message, a refusal without object, a complaint, a stop sign alone.

    turned: a reversed or reporting form stands somewhere in it (L2c).
    """
    words, core = read.tokens.words, read.core
    if not core:
        return _wordless(read, context)
    if context.last_outbound_kind is Kind.MKT and all(words[i].mask & _REFUSING for i in core):
        return Found("L4b.no_to_marketing", core[0], core[-1] + 1)
    wrote = context.last_outbound_kind is not None
    if complaint := _complaint(read, "nuisance", Weight.ASKS) or (_complaint(read, "reproach", Weight.ASKS) if wrote else None):
        return complaint
    return _said_alone(read, context, turned=turned) or _complaint(read, "reproach", Weight.HINTS)


def _complaint(read: Reading, kind: str, weight: Weight) -> Found | None:
    """The first word of this class."""
    if not read.present & BITS[kind]:
        return None
    at = next(i for i, word in enumerate(read.tokens.words) if word.mask & BITS[kind])
    return Found(f"L4b.{kind}", at, at + 1, weight)


def _said_alone(read: Reading, context: TextContext, *, turned: bool) -> Found | None:
    """A stop word or a refusal that is a sentence, or all there is."""
    if alone := _lone_sentence(read):
        return alone
    if turned:
        return None
    wrote, after_marketing = context.last_outbound_kind is not None, context.last_outbound_kind is Kind.MKT
    if said := _closed_sentence(read, after_marketing=after_marketing) or _shouted(read):
        return said
    if (after_marketing or read.present & BITS["promo"]) and (mixed := _mixed(read, wrote=wrote)):
        return mixed
    if read.present & L3:
        return None
    if closed := _closed(read, wrote=wrote, after_marketing=after_marketing):
        return closed
    return _refusal(read, wrote=wrote, after_marketing=after_marketing) if len(read.core) <= _REFUSAL_TOKENS else None


def _wordless(read: Reading, context: TextContext) -> Found | None:
    """A stop sign, or, in answer to marketing, a no that is politeness in another language (nu)."""
    telling = BITS["stop_sign"] | (BITS["no_word"] if context.last_outbound_kind is Kind.MKT else 0)
    for at, word in enumerate(read.tokens.words):
        if word.mask & telling:
            return Found("L4b.sign" if word.mask & BITS["stop_sign"] else "L4b.no_to_marketing", at, at + 1)
    return None


def _refusal(read: Reading, *, wrote: bool, after_marketing: bool) -> Found | None:
    """A stop word in a message of four words, or a refusal in one of five.

    Where we never wrote, it only hints where somebody is named who does it ("tell him to stop", "we have enough"), or a thing is refused.
    """
    words, core = read.tokens.words, read.core
    counted = any(words[i].mask & BITS["number"] for i in core)  # "one more stop", "i end at 6", "4 are enough"
    for at in core if len(core) <= _L4_TOKENS and not counted else ():
        if words[at].mask & BITS["keyword"] and _may_stand_alone(read, at):
            return Found("L4.keyword", at, at + 1, _hinting_if(not wrote and _is_told(read, core, at)))
    refusing = BITS["anger"] | (BITS["temper"] if after_marketing else 0)
    refusals = [i for i, word in enumerate(words) if word.mask & refusing and not (i and words[i - 1].mask & BITS["negation"])]
    others = sum(bool(words[i].mask & BITS["other"]) for i in core)
    if not refusals or others > 1:
        return None
    at = refusals[0]
    of_a_thing = others > 0 or counted  # "No thanks, I'm full"
    return Found("L4b.refusal", at, at + 1, _hinting_if(not wrote and (of_a_thing or _is_told(read, core, at))))


def _hinting_if(doubtful: bool, otherwise: Weight = Weight.ALWAYS_ASKS) -> Weight:
    return Weight.HINTS if doubtful else otherwise


def _is_told(read: Reading, core: list[int], at: int) -> bool:
    """Before the stop word somebody is named who does it: "we'll stop", "Jason quit". "I want to stop", "I beg you stop" are said to us."""
    words = read.tokens.words
    telling = _TELLING | (BITS["other"] if words[at].mask & BITS["ended"] else 0)
    return not read.present & _TO_US and any(words[i].mask & telling for i in core if i < at)


def _mixed(read: Reading, *, wrote: bool) -> Found | None:
    """An ending word and what we send, in one message, in no pattern we know: staff judge. Questions and reports are none."""
    present = read.present
    if not present & _SENDINGS or not present & _ENDINGS or present & _MIXED_GUARDS:
        return None
    words = read.tokens.words
    at = next(i for i, word in enumerate(words) if word.mask & _ENDINGS)
    if not any(word.mask & _SENDINGS for i, word in enumerate(words) if i != at):
        return None  # one word that is both ("spam") says nothing by itself
    return Found("L4.mixed", at, at + 1, _hinting_if(not wrote))


def _closed(read: Reading, *, wrote: bool, after_marketing: bool) -> Found | None:
    """A short message made of nothing but the words of opt-outs, in an order no pattern knows: "no more of this please".

    A bare denial ("I don't need these") says it only in answer to marketing; there, a few words we do not know do not matter.
    """
    words, core = read.tokens.words, read.core
    strangers = [i for i in core if not words[i].mask & _VOCABULARY]
    if len(core) > _CLOSED_TOKENS or len(strangers) > (_STRANGERS if after_marketing else 0):
        return None
    if not (after_marketing or read.present & _PLEADING):
        return None
    ending = next((i for i in core if words[i].mask & _DONE), None)
    if ending is None and (after_marketing or read.present & (_SENDINGS | BITS["consent"])):
        ending = next((i for i in core if words[i].mask & _DENYING), None)
    if ending is None:
        return None
    return Found("L4.closed", ending, ending + 1, _hinting_if(not wrote and _is_told(read, core, ending), Weight.ASKS))


def _closed_sentence(read: Reading, *, after_marketing: bool) -> Found | None:
    """One sentence among several that says nothing but enough: "How lovely, spam at seven. No more please."

    Where nothing is about writing, it says so only in answer to marketing, or politely: "No more. It's about three years old."
    """
    words = read.tokens.words
    if not read.present & (_DONE | BITS["anger"] | BITS["remove"]):
        return None
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
            return Found("L4.closed_sentence", done, done + 1, Weight.ASKS)
    return None


def _shouted(read: Reading) -> Found | None:
    """A stop word in capitals in a message that is not: what our own texts tell people to send."""
    if not read.present & BITS["keyword"] or not any(letter.islower() for letter in read.seen.text):
        return None
    for at in read.core:
        word = read.tokens.words[at]
        if word.mask & BITS["keyword"] and word.mask & _STRONG and not word.mask & BITS["place"]:
            start, end = read.span(at, at + 1)
            if read.received[start:end].isupper() and end - start >= _SHOUT and not _amid_capitals(read, at):
                return Found("L4.shouted", at, at + 1, Weight.ASKS)
    return None


def _amid_capitals(read: Reading, at: int) -> bool:
    """A label ("END:VCARD") or one word of a cry ("STOP VIOLENCE")."""
    for beside in (at - 1, at + 1):
        if 0 <= beside < len(read.tokens):
            start, end = read.span(beside, beside + 1)
            if read.received[start:end] == ":" or (read.received[start:end].isupper() and end - start >= _SHOUT):
                return True
    return False


def _lone_sentence(read: Reading) -> Found | None:
    """A sentence of its own, or the last words after a comma, that is a stop word: "I told you already. Stop." """
    words, core = read.tokens.words, read.core
    if not read.present & BITS["keyword"]:
        return None
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
            return Found("L4.sentence", inside[0], inside[0] + 1, Weight.ASKS)
    return None


def _may_stand_alone(read: Reading, at: int) -> bool:
    """A keyword beside an unknown word mostly has that word as its object ("no more wine"); stop itself does not need more."""
    words, core = read.tokens.words, read.core
    unknown = any(words[i].mask & BITS["other"] for i in core)
    return not unknown or (at in (core[0], core[-1]) and bool(words[at].mask & _STRONG))


def is_unknown(tokens: Tokens) -> bool:
    """One to three words, all of no language we know."""
    words = [i for i, word in enumerate(tokens.words) if not word.mask & PUNCTUATION]
    return 0 < len(words) <= _UNKNOWN_TOKENS and all(tokens.words[i].mask & BITS["other"] and tokens.texts[i][0].isalpha() for i in words)
