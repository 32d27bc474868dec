"""L5: how far the words of a message lean towards an opt-out, by weights learnt from examples (policy §3.3).

People complain of being written to in words no pattern foresees: "how many times this week is that". A message no other
layer understands is weighed, and one that leans far enough is put to staff with marketing stopped meanwhile. The weighing
raises NONE to AMBIGUOUS and does nothing else: it never lowers a label, and only a person makes more of it. Of somebody to
whom we never wrote most is asked, less where the message speaks of what is sent, and more where it speaks of no writing at all.

What is weighed are the words and their classes, each alone and with its neighbour, what only hints at an opt-out, and once more
each word alone where it answers marketing: "pass" means something else there. Nobody complains of what was never sent, so most
is asked of somebody to whom we never wrote; much of what is said in a conversation, which nearly always is about the matter at
hand; and least of an answer to marketing. How much is enough is measured on what people write in each of these cases, and for
each tongue, because examples of them differ in number and kind.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from sys import intern
from typing import TYPE_CHECKING

from hub.policy.optout.classes import BITS, bits

if TYPE_CHECKING:  # the lexicon holds a leaning, and tokens are made with the lexicon
    from hub.policy.optout.tokens import Tokens

START, END, ANSWER, HINT, CLASS, BESIDE = "^", "$", "@", "!", "#", "|"
_NUMBER = "0"  # what a number says is that there is one
_SAY_NOTHING = frozenset({"common", "other", "mark", "keyword", "glue", "courtesy", "break", "comma"})
_NAMES = {bit: f"{CLASS}{name}" for name, bit in BITS.items() if name not in _SAY_NOTHING}
_TELLING_MARKS = bits("asked|stop_sign")
_LONGEST = 120  # tokens; what is longer is a letter, and its sentences speak for themselves


class Before(StrEnum):
    """What we had sent before somebody wrote."""

    NOTHING = "nothing"
    OURS = "ours"  # an answer, a question, a reminder: they are in a conversation with us
    MARKETING = "marketing"


class Tongue(StrEnum):
    """The tongues that have examples enough to be measured alone."""

    ENGLISH = "english"
    CHINESE = "chinese"
    OTHER = "other"


class Topic(StrEnum):
    """What a message speaks of."""

    SENDING = "sending"  # texts, calls, offers, lists: what friends hardly ever refuse each other
    WRITING = "writing"  # no more than words that opt-outs are made of
    ELSE = "else"


WordWeight = tuple[float, Mapping[str, float]]  # of a word, and of each word that may follow it
_NOTHING: Mapping[str, float] = {}
_UNKNOWN: WordWeight = (0.0, _NOTHING)
_NO_WORD = frozenset((START, ANSWER, HINT, CLASS))  # what features begin with that are none
# How much further a message must lean that comes from somebody to whom we never wrote.
_FURTHER = {Topic.SENDING: -0.4, Topic.WRITING: 0.5, Topic.ELSE: 1.0}
_AGREEING = 1.0  # the least score of what a rule would put to staff


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaning:
    """Learnt weights. words: word -> its weight, and what it weighs with the word after it: one look-up a word, and no name to be made
    of two. weights: any other feature -> weight, a feature as `features` names it. least: the score that puts a message to staff.
    """

    version: str
    words: Mapping[str, WordWeight]
    weights: Mapping[str, float]
    bias: float
    least: Mapping[Tongue, Mapping[Before, float]]
    _of_answers: dict[int, float] = field(default_factory=dict)
    _of_classes: defaultdict[int, dict[int, float]] = field(default_factory=lambda: defaultdict(dict))  # by those of the token before

    @classmethod
    def learnt(cls, *, version: str, weights: Mapping[str, float], bias: float, least: Mapping[Tongue, Mapping[Before, float]]) -> Leaning:
        """From weights by feature. A word is one object wherever it stands, so that it is read from memory once."""
        alone: dict[str, float] = {}
        after: dict[str, dict[str, float]] = {}
        rest: dict[str, float] = {}
        for name, weight in weights.items():
            first, beside, second = map(intern, name.partition(BESIDE))
            if beside:
                after.setdefault(first, {})[second] = weight
            else:
                (rest if first[0] in _NO_WORD else alone)[first] = weight
        words = {word: (alone.get(word, 0.0), after.get(word, _NOTHING)) for word in alone.keys() | after.keys()}
        return cls(version=version, words=words, weights=rest, bias=bias, least=least)

    def by_feature(self) -> dict[str, float]:
        """Every feature's weight, as `learnt` took them."""
        alone = {word: weight for word, (weight, _) in self.words.items() if weight}
        pairs = {f"{first}{BESIDE}{second}": weight for first, (_, after) in self.words.items() for second, weight in after.items()}
        return dict(sorted((alone | pairs | dict(self.weights)).items()))

    def leans(self, tokens: Tokens, hint: str, *, asks: bool, tongue: Tongue, before: Before, topic: Topic) -> bool:
        """Whether staff should look at it. asks: a rule would put it to them, so the weights need only not speak against it.

        A single word says enough only in answer to marketing, or where a rule found it.
        """
        said = _said(tokens)
        answers = before is Before.MARKETING
        if not said or len(said) > _LONGEST or (len(said) < 2 and not answers):
            return asks
        further = _FURTHER[topic] if before is Before.NOTHING else 0.0
        least = _AGREEING if asks else self.least[tongue][before] + further
        return self._score(said, hint, after_marketing=answers) >= least

    def score(self, tokens: Tokens, hint: str = "", *, after_marketing: bool) -> float:
        """The log-odds that this is an opt-out: the weights of `features`, summed without naming each class anew."""
        return self._score(_said(tokens), hint, after_marketing=after_marketing)

    def _score(self, said: Sequence[tuple[str, int]], hint: str, *, after_marketing: bool) -> float:
        known, words, classes = self.weights.get, self.words.get, self._of_classes
        total, last = known(ANSWER, 0.0) if after_marketing else 0.0, 0
        beside, (_, after) = classes[last], words(START, _UNKNOWN)
        if hint:
            total += known(HINT, 0.0) + known(HINT + hint, 0.0)
        for text, mask in said:
            if (of_classes := beside.get(mask)) is None:
                of_classes = beside[mask] = self._beside(last, mask)
            alone, following = words(text, _UNKNOWN)
            total += of_classes + alone + after.get(text, 0.0)
            if after_marketing:
                total += self._of_answer(text, mask)
            last, beside, after = mask, classes[mask], following
        if (of_classes := beside.get(0)) is None:
            of_classes = beside[0] = self._beside(last, 0)
        total += of_classes + after.get(END, 0.0)
        return self.bias + total * scale(len(said))

    def _beside(self, before: int, mask: int) -> float:
        """What the classes of a token weigh, alone and with those of the one before it."""
        return sum(self.weights.get(name, 0.0) for name in (*class_names(mask), *pair_names(before, mask)))

    def _of_answer(self, text: str, mask: int) -> float:
        """What a token weighs more where it answers marketing."""
        if (weight := self._of_answers.get(mask)) is None:
            weight = self._of_answers[mask] = sum(self.weights.get(ANSWER + name, 0.0) for name in class_names(mask))
        return weight + self.weights.get(ANSWER + text, 0.0)


def features(tokens: Tokens, hint: str, *, after_marketing: bool) -> Iterator[str]:
    """What is weighed, one by one and as often as it occurs: words, neighbours, classes (#name), neighbouring classes, the rule
    that hints at an opt-out (!); of an answer to marketing also words and classes marked as such (@).
    """
    said = _said(tokens)
    alone = [*(text for text, _ in said), *(name for _, mask in said for name in class_names(mask))]
    yield from alone
    if hint:
        yield from (HINT, HINT + hint)
    if after_marketing:
        yield ANSWER
        yield from (ANSWER + name for name in alone)
    ends = [(START, 0), *said, (END, 0)]
    for (left, before), (right, after) in pairwise(ends):
        yield f"{left}{BESIDE}{right}"
        yield from pair_names(before, after)


def tongue_of(tokens: Tokens, english: int, chinese: int) -> Tongue:
    """What it is mostly written in, by its words. english, chinese: the bits of these languages. Plain letters nobody knows are English."""
    of_english, of_chinese, of_others = 0, 0, 0
    for word in tokens.words:
        if word.languages & english:
            of_english += 1
        elif word.languages & chinese:
            of_chinese += 1
        elif word.languages:
            of_others += 1
    if of_chinese > of_english and of_chinese >= of_others:
        return Tongue.CHINESE
    if of_others > of_english or not (of_english or all(map(str.isascii, tokens.texts))):
        return Tongue.OTHER
    return Tongue.ENGLISH


def _said(tokens: Tokens) -> list[tuple[str, int]]:
    """Each word with its classes: numbers alike, marks left out but for a question's, and what is said twice running once."""
    said: list[tuple[str, int]] = []
    last = ""
    for text, word in zip(tokens.texts, tokens.words, strict=True):
        begin = text[0]
        if begin.isalpha():
            named = text
        elif begin.isdigit():
            named = _NUMBER
        elif begin.isalnum() or word.mask & _TELLING_MARKS:
            named = text
        else:
            continue
        if named != last:
            said.append((named, word.mask))
            last = named
    return said


def weighed(tokens: Tokens) -> int:
    """How many words `features` tells of."""
    return len(_said(tokens))


def scale(size: int) -> float:
    """How much each of `size` tokens counts: a long message leans further than a short one, but not by its length alone."""
    return 2.0 / math.sqrt(size + 4)


def class_names(mask: int) -> list[str]:
    """The classes of one token; none for the beginning and the end of a message."""
    return [name for bit, name in _NAMES.items() if mask & bit]


def pair_names(before: int, after: int) -> list[str]:
    """The classes of two neighbours, each with each. A mask of 0 is the beginning or the end of the message, or no class."""
    left = class_names(before) or ([START] if not before else [])
    right = class_names(after) or ([END] if not after else [])
    return [f"{a} {b}" for a in left for b in right]
