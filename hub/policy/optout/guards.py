"""What weakens a hit: limits by time, thing or alternative (L2b), and what vetoes a lone keyword (L3). Policy §3.3."""

from __future__ import annotations

from hub.policy.optout.classes import BITS
from hub.policy.optout.tokens import Tokens

_NAMES = ("appointment", "body", "habit", "time", "until", "place", "question", "asked", "report", "barrier", "mistake")
L3 = sum(BITS[name] for name in _NAMES)
_TURN = BITS["break"] | BITS["but"] | BITS["comma"]
_LIMIT_AFTER = BITS["until"] | BITS["time"] | BITS["thing"] | BITS["appointment"]
_LIMIT_BEFORE = BITS["until"] | BITS["time"]
_SIGHT = 40  # tokens a clause is followed for; longer ones are hostile or unpunctuated, and cost must stay linear
_BEFORE = 4  # how far in front of a revocation a limit may stand: "after 6pm please don't ring"


def mask_of(tokens: Tokens, first: int, end: int) -> int:
    """All classes of the tokens [first, end)."""
    found = 0
    for word in tokens.words[first:end]:
        found |= word.mask
    return found


def clause(tokens: Tokens, first: int, end: int, turns: int = _TURN) -> tuple[int, int]:
    """The tokens around [first, end) up to where the thought turns."""
    words = tokens.words
    low, high = max(0, first - _SIGHT), min(len(words), end + _SIGHT)
    while first > low and not words[first - 1].mask & turns:
        first -= 1
    while end < high and not words[end].mask & turns:
        end += 1
    return first, end


def limited(tokens: Tokens, first: int, end: int) -> bool:
    """The revocation [first, end) holds only for a time, a thing, or a matter at hand."""
    start, stop = clause(tokens, first, end)
    if mask_of(tokens, first, stop) & _LIMIT_AFTER & ~_own(tokens, first, end):
        return True
    return bool(mask_of(tokens, max(start, first - _BEFORE), first) & _LIMIT_BEFORE)


def alternative(tokens: Tokens, first: int, end: int) -> bool:
    """The sentence offers another way: "e-mail me instead", "texts are fine"."""
    _, stop = clause(tokens, first, end, BITS["break"])
    return bool(mask_of(tokens, end, stop) & BITS["instead"])


def _own(tokens: Tokens, first: int, end: int) -> int:
    """Classes that the revocation's own last word brings with it and that say nothing about limits."""
    return tokens.words[end - 1].mask & BITS["appointment"] if end - first == 1 else 0
