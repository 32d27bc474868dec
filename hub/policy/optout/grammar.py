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


_Need = tuple[int, tuple[tuple[int, Compiled], ...]]


@dataclass(frozen=True, slots=True)
class Table:
    """The rules of one table in its order. shelves: each of them under one of its needs, with its place in the table; a few needs stand
    together under what any of them asks for, so that most are never looked at.
    """

    rules: tuple[Compiled, ...]
    shelves: tuple[tuple[int, tuple[_Need, ...]], ...]

    def matches(self, codes: str, present: int) -> Iterator[tuple[Compiled, int, int]]:
        """Every rule with every place (first token, end) where it matches, in the order of the table."""
        for _, rule in self._possible(present):
            for match in rule.look.finditer(codes):
                yield rule, match.start(), match.end()

    def _possible(self, present: int) -> list[tuple[int, Compiled]]:
        """The rules that a message with these bits has something for: of everyday ones hardly any, so most are never asked."""
        found: list[tuple[int, Compiled]] = []
        for any_need, needs in self.shelves:
            if present & any_need:
                for need, rules in needs:
                    if present & need:
                        for place in rules:
                            rule = place[1]
                            for one in rule.needs:
                                if not present & one:
                                    break
                            else:
                                if not present & rule.unless:
                                    found.append(place)
        if len(found) > 1:
            found.sort(key=itemgetter(0))
        return found


@dataclass(frozen=True, slots=True)
class Grammar:
    """All tables, compiled for one lexicon. triggers: a message with none of these bits has nothing to look for."""

    footers: Table
    reversals: Table
    revocations: Table
    rights: Table
    triggers: int


# Classes one of which is part of everything any table looks for.
_TRIGGERS = (
    "stop|stop_after|negation|never|after_negation|unwanted|no|no_more|enough|fewer|needless|nothing|only|this_way|number|count|gone|unsubscribe"
    "|no_contact|leave_alone|withdraw|cancel|keyword|remove|erase|take|off|out|anger|temper|no_word|wrong_person|misdirected|not_called|urgent"
    "|under_18|i_am|years_old|stop_sign|nuisance|reproach|my_data|data|not_my|about_me|object|wrong"
)
# What a gap may not hold: tokens that end the thought or turn it around.
_SHELF = 6  # needs
_STOPPERS = ("break", "comma", "barrier", "report", "question", "body", "habit", "place", "but", "hold", "footer")
_TERM = re.compile(r"(?P<gap>[~≈…_])(?P<most>\d)|(?P<edge>[\^$])|(?P<any>[a-z_0-9|]+)(?:-(?P<none>[a-z_|]+))?(?P<optional>\??)")


def compile_grammar(codes: Mapping[int, str]) -> Grammar:
    """All tables over these codes (set of class bits -> its character)."""
    revocations = _compile(REVOCATIONS, codes)
    rights = _compile(RIGHTS, codes)
    return Grammar(
        footers=_compile(FOOTERS, codes),
        reversals=_compile(REVERSALS, codes),
        revocations=revocations,
        rights=rights,
        triggers=bits("|".join((_TRIGGERS, *(name for name in BITS if name.startswith("right_"))))),
    )


def _compile(patterns: tuple[Pattern, ...], codes: Mapping[int, str]) -> Table:
    rules = tuple(
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
    by_need: dict[int, list[tuple[int, Compiled]]] = {}
    for place in enumerate(rules):
        by_need.setdefault(min(place[1].needs, key=int.bit_count), []).append(place)  # the narrowest is the rarest, mostly
    needs = [(need, tuple(by_need[need])) for need in sorted(by_need, key=lambda need: need & -need)]  # those of kindred classes together
    shelves = [tuple(needs[at : at + _SHELF]) for at in range(0, len(needs), _SHELF)]
    return Table(rules, tuple((reduce(or_, [need for need, _ in shelf]), shelf) for shelf in shelves))


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
