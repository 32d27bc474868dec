"""The patterns as expressions over one character a token, for the classes of one lexicon.

Each set of classes that occurs in the lexicon is one character, a message is a string of such characters, and a
pattern becomes one expression over them, so looking costs the same however many words and languages there are.
Gaps are bounded, hence matching is linear in the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import itemgetter, or_
from typing import NamedTuple

from hub.policy.optout.classes import BITS, bits
from hub.policy.optout.patterns import FOOTERS, REVERSALS, REVOCATIONS, RIGHTS, Pattern, Reach, Weight


@dataclass(frozen=True, slots=True)
class Compiled:
    """A pattern over codes. needs: each of these sets of bits must occur in the message, else it cannot match."""

    id: str
    needs: tuple[int, ...]
    unless: int
    look: re.Pattern[str]
    reach: Reach
    limitable: bool
    weight: Weight
    answering: bool
    unprompted: bool
    wanted: bool


Rules = tuple[Compiled, ...]


class Possible(NamedTuple):
    """The rules that a message has something for, in the order of their tables."""

    reversals: Rules
    revocations: Rules
    rights: Rules


_Place = tuple[int, int, Compiled]  # the number of the table, the place in it, and the rule that stands there
_Shelf = tuple[int, tuple[tuple[int, tuple[_Place, ...]], ...]]  # what any need on it asks for, and the needs with their rules


@dataclass(frozen=True, slots=True)
class Grammar:
    """All tables, compiled for one lexicon. shelves: the rules of all tables but the footers' under one of their needs each, some needs
    on a shelf, beside what any of them asks for: so most rules are never looked at. triggers: a message with none of these bits has
    nothing to look for.
    """

    footers: Rules
    shelves: tuple[_Shelf, ...]
    triggers: int

    def possible(self, present: int) -> Possible | None:
        """The rules that a message with these bits has something for; None where there are none, as in nearly all everyday ones."""
        found: list[_Place] = []
        for any_need, needs in self.shelves:
            if present & any_need:
                for need, places in needs:
                    if present & need:
                        found += [place for place in places if _is_possible(place[2], present)]
        if not found:
            return None
        found.sort(key=itemgetter(0, 1))
        return Possible(*(tuple([rule for table, _, rule in found if table == number]) for number in range(len(Possible._fields))))


def _is_possible(rule: Compiled, present: int) -> bool:
    return not present & rule.unless and all(map(present.__and__, rule.needs))


def matches(rules: Rules, codes: str) -> Iterator[tuple[Compiled, int, int]]:
    """Every rule with every place (first token, end) where it matches."""
    for rule in rules:
        for match in rule.look.finditer(codes):
            yield rule, match.start(), match.end()


# Classes one of which is part of everything any table looks for.
_TRIGGERS = (
    "stop|stop_after|negation|never|after_negation|unwanted|no|no_more|enough|fewer|needless|nothing|only|this_way|number|count|gone|unsubscribe"
    "|no_contact|leave_alone|withdraw|cancel|keyword|remove|erase|take|off|out|anger|temper|no_word|wrong_person|misdirected|not_called|urgent"
    "|under_18|i_am|years_old|stop_sign|nuisance|reproach|my_data|data|not_my|about_me|object|wrong"
)
_SHELF = 8  # needs
# What one everyday message in twenty and more holds.
_COMMON = bits(
    "other|but|i|number|take|time|you|others|courtesy|me|they|them|i_am|negation|question|no_word|body|count|appointment|until|want"
    "|place|barrier|link|glue|deed|common"
)
# What a gap may not hold: tokens that end the thought or turn it around.
_STOPPERS = ("break", "comma", "barrier", "report", "question", "body", "habit", "place", "but", "hold", "footer")
_TERM = re.compile(r"(?P<gap>[~≈…_])(?P<most>\d)|(?P<edge>[\^$])|(?P<any>[a-z_0-9|]+)(?:-(?P<none>[a-z_|]+))?(?P<optional>\??)")


def compile_grammar(codes: Mapping[int, str]) -> Grammar:
    """All tables over these codes (set of class bits -> its character)."""
    tables = (REVERSALS, REVOCATIONS, RIGHTS)  # as in `Possible`
    return Grammar(
        footers=_compile(FOOTERS, codes),
        shelves=_shelves([(number, at, rule) for number, table in enumerate(tables) for at, rule in enumerate(_compile(table, codes))]),
        triggers=bits("|".join((_TRIGGERS, *(name for name in BITS if name.startswith("right_"))))),
    )


def _compile(patterns: tuple[Pattern, ...], codes: Mapping[int, str]) -> Rules:
    return tuple(
        Compiled(
            id=p.id,
            needs=_needs(p.terms, p.also),
            unless=bits(p.unless) if p.unless else 0,
            look=re.compile(_expression(p.terms, codes)),
            reach=p.reach,
            limitable=p.limitable,
            weight=p.weight,
            answering=p.answering,
            unprompted=p.unprompted,
            wanted=p.wanted,
        )
        for p in patterns
    )


def _shelves(places: list[_Place]) -> tuple[_Shelf, ...]:
    by_need: dict[int, list[_Place]] = {}
    for place in places:
        rarest = min(place[2].needs, key=lambda need: (bool(need & _COMMON), need.bit_count()))  # the narrowest is the rarest, mostly
        by_need.setdefault(rarest, []).append(place)
    needs = [(need, tuple(by_need[need])) for need in sorted(by_need, key=lambda need: (bool(need & _COMMON), need & -need))]
    shelves = [tuple(needs[at : at + _SHELF]) for at in range(0, len(needs), _SHELF)]
    return tuple((reduce(or_, [need for need, _ in shelf]), shelf) for shelf in shelves)


def _needs(terms: str, also: str) -> tuple[int, ...]:
    found = [bits(also)] if also else []
    for term in terms.split():
        match = _TERM.fullmatch(term)
        if match and match["any"] and not match["optional"]:
            found.append(bits(match["any"]))
    return tuple(found)


def _expression(terms: str, codes: Mapping[int, str]) -> str:
    parts = []
    for term in terms.split():
        match = _TERM.fullmatch(term)
        if match is None:
            raise ValueError(f"not a term: {term}")
        if match["gap"]:
            stoppers = _stoppers(match["gap"])
            # Lazy: the nearest partner is the one that was meant.
            parts.append(f"{_set(stoppers, 0, codes, inverse=True)}{{0,{match['most']}}}?")
        elif match["edge"]:
            ends = _set(bits("break|comma|but|courtesy"), 0, codes)
            parts.append(f"(?:^|(?<={ends}))" if term == "^" else f"(?=$|{ends})")
        else:
            wanted = _set(bits(match["any"]), bits(match["none"]) if match["none"] else 0, codes)
            parts.append(wanted + match["optional"])
    return "".join(parts)


def _stoppers(gap: str) -> int:
    """What a gap of this kind may not hold."""
    if gap == "…":
        return BITS["break"]
    turning = bits("|".join(_STOPPERS))
    return {"~": turning, "≈": turning & ~BITS["comma"], "_": turning | BITS["other"]}[gap]


def _set(wanted: int, unwanted: int, codes: Mapping[int, str], inverse: bool = False) -> str:
    """A character set of every code that has a wanted bit and no unwanted one; a set that matches nothing if none has."""
    chars = "".join(code for mask, code in codes.items() if mask & wanted and not mask & unwanted)
    if not chars:
        return r"[\x01]" if not inverse else r"[^\x01]"
    return f"[{'^' if inverse else ''}{chars}]"
