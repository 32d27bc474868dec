"""Requests about personal data, people who are not who we think, children, emergencies (policy §3.5, §4.1, D14).

Read in the same pass as opt-outs. A request is never refused here for lack of legal words: it opens a case, staff judge.
"""

from __future__ import annotations

from collections.abc import Callable

from hub.policy.optout.classes import BITS
from hub.policy.optout.grammar import Rules, matches
from hub.policy.optout.tokens import Tokens

SUPPRESSING = frozenset({"erasure", "objection"})
_ASKING = BITS["asked"] | BITS["question"]
_AGE_MAY_FOLLOW = (
    BITS["break"] | BITS["comma"] | BITS["years_old"] | BITS["common"] | BITS["but"] | BITS["link"] | BITS["question"] | BITS["mark"]
)
_OF_WHAT, _WHOM = BITS["link"] | BITS["off"], BITS["others"] | BITS["me"] | BITS["i"]
_MAX_DENIAL = 6  # tokens: "this isn't Sarah's phone anymore"


def request(rules: Rules, codes: str) -> tuple[str, int, int] | None:
    """The kind of request, its first token and its end; the first of the table where several stand. rules: those that are possible."""
    for rule, first, end in matches(rules, codes):
        return rule.id.partition(".")[2], first, end
    return None


def wrong_person(tokens: Tokens, present: int, core: int, capital: Callable[[int], bool], *, we_wrote: bool) -> tuple[int, int] | None:
    """Where the text says we reached someone else. capital: whether a token was written with a capital letter.

    core: number of tokens that are words. A question ("is this the wrong number?") is none. we_wrote: whether we wrote to
    them before; who was never written to and says "sent to the wrong one" speaks of a message of their own.
    """
    saying = BITS["wrong_person"] | (BITS["misdirected"] if we_wrote and core <= _MAX_DENIAL else 0)
    if present & saying and not present & BITS["asked"]:
        at = next(i for i, word in enumerate(tokens.words) if word.mask & saying)
        return None if _of_a_thing(tokens, at + 1, capital) else (at, at + 1)
    if not present & (BITS["not_called"] | BITS["i_am"]) or core > _MAX_DENIAL or present & _ASKING:
        return None
    words = tokens.words
    for at in range(len(words) - 1):
        denied = words[at].mask & BITS["not_called"] or (at and words[at].mask & BITS["negation"] and words[at - 1].mask & BITS["i_am"])
        if denied and tokens.words[at + 1].mask & BITS["other"] and capital(at + 1):
            return at, at + 2
    return None


def _of_a_thing(tokens: Tokens, at: int, capital: Callable[[int], bool]) -> bool:
    """What is wrong is a thing's: "wrong number on the door", "número equivocado de póliza"; "wrong number for Mei" is not."""
    words = tokens.words
    if at + 1 >= len(words) or not words[at].mask & _OF_WHAT:
        return False
    return not (words[at + 1].mask & _WHOM or (words[at + 1].mask & BITS["other"] and capital(at + 1)))


def is_child(tokens: Tokens, present: int) -> bool:
    """The writer says to be under 18."""
    if present & BITS["under_18"]:
        return True
    if not present & BITS["age_of_child"]:
        return False
    words = tokens.words
    for at in range(1, len(words)):
        if not words[at].mask & BITS["age_of_child"]:
            continue
        following = words[at + 1].mask if at + 1 < len(words) else BITS["break"]
        if words[at - 1].mask & BITS["i_am"] and following & _AGE_MAY_FOLLOW and not following & (BITS["time"] | BITS["until"]):
            return True
    return False


def is_urgent(tokens: Tokens, present: int) -> bool:
    """Names a danger sign that is not denied right before it ("no bleeding")."""
    if not present & BITS["urgent"]:
        return False
    denials = BITS["no"] | BITS["negation"] | BITS["no_word"]
    words = tokens.words
    return any(word.mask & BITS["urgent"] and not (at and words[at - 1].mask & denials) for at, word in enumerate(words))
