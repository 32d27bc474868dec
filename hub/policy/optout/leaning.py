"""L5: how far the words of a message lean towards an opt-out, by weights learnt from examples (policy §3.3).

People complain of being written to in words no pattern foresees: "how many times this week is that". A message no other
layer understands is weighed, and one that leans far enough is put to staff with marketing stopped meanwhile. The weighing
raises NONE to AMBIGUOUS and does nothing else: it never lowers a label, and only a person makes more of it. It is asked
only about messages that hold at least one word of the lists (`config/lexicon`), so it never acts alone.

What is weighed are the words and their classes, each alone and with its neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from hub.policy.optout.classes import BITS

if TYPE_CHECKING:  # the lexicon holds a leaning, and tokens are made with the lexicon
    from hub.policy.optout.tokens import Tokens

START, END = "^", "$"
_NUMBER = "0"  # what a number says is that there is one
_SAY_NOTHING = frozenset({"common", "other", "mark", "keyword", "glue", "courtesy"})
_NAMES = {bit: f"#{name}" for name, bit in BITS.items() if name not in _SAY_NOTHING}
_LONGEST = 120  # tokens; what is longer is a letter, and its sentences speak for themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaning:
    """Learnt weights. weights: feature -> weight, a feature as `features` names it. least: the score that puts a message to
    staff; least_after_marketing: the same where our last message was marketing.
    """

    version: str
    weights: Mapping[str, float]
    bias: float
    least: float
    least_after_marketing: float
    _of_classes: dict[int, float] = field(default_factory=dict)
    _of_neighbours: dict[tuple[int, int], float] = field(default_factory=dict)

    def leans(self, tokens: Tokens, *, after_marketing: bool) -> bool:
        """Whether staff should look at it."""
        if len(tokens) > _LONGEST:
            return False
        return self.score(tokens) >= (self.least_after_marketing if after_marketing else self.least)

    def score(self, tokens: Tokens) -> float:
        """The log-odds that this is an opt-out: the weights of `features`, summed without naming each class anew."""
        known, classes, neighbours = self.weights.get, self._of_classes, self._of_neighbours
        total, last, last_mask = 0.0, START, 0
        for text, word in zip(tokens.texts, tokens.words, strict=True):
            if text[0].isdigit():
                text = _NUMBER
            if text == last:
                continue
            mask = word.mask
            if (weight := classes.get(mask)) is None:
                weight = classes[mask] = sum(known(name, 0.0) for name in class_names(mask))
            pair = (last_mask, mask)
            if (both := neighbours.get(pair)) is None:
                both = neighbours[pair] = sum(known(name, 0.0) for name in pair_names(*pair))
            total += weight + both + known(text, 0.0) + known(f"{last} {text}", 0.0)
            last, last_mask = text, mask
        total += known(f"{last} {END}", 0.0) + sum(known(name, 0.0) for name in pair_names(last_mask, 0))
        return self.bias + total * scale(len(tokens))


def features(tokens: Tokens) -> Iterator[str]:
    """What is weighed, one by one and as often as it occurs: words, neighbours, classes (#name), neighbouring classes.

    A word said twice running is said once.
    """
    texts, masks = [START], [0]
    for text, word in zip(tokens.texts, tokens.words, strict=True):
        named = _NUMBER if text[0].isdigit() else text
        if named != texts[-1]:
            texts.append(named)
            masks.append(word.mask)
    texts.append(END)
    masks.append(0)
    yield from texts[1:-1]
    for mask in masks[1:-1]:
        yield from class_names(mask)
    for left, right in pairwise(texts):
        yield f"{left} {right}"
    for before, after in pairwise(masks):
        yield from pair_names(before, after)


def scale(size: int) -> float:
    """How much each of `size` tokens counts: a long message does not lean further only by being long."""
    return 12.0 / (size + 5)


def class_names(mask: int) -> list[str]:
    """The classes of one token; none for the beginning and the end of a message."""
    return [name for bit, name in _NAMES.items() if mask & bit]


def pair_names(before: int, after: int) -> list[str]:
    """The classes of two neighbours, each with each. A mask of 0 is the beginning or the end of the message, or no class."""
    left = class_names(before) or ([START] if not before else [])
    right = class_names(after) or ([END] if not after else [])
    return [f"{a} {b}" for a in left for b in right]
