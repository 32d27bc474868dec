"""A text taken apart: what every layer of the recogniser looks at (policy §3.2)."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import NamedTuple

from hub.policy.optout.classes import BITS
from hub.policy.optout.grammar import matches
from hub.policy.optout.lexicon import Lexicon
from hub.policy.optout.normalise import Folded, fold
from hub.policy.optout.tokens import Tokens, tokenise
from hub.policy.optout.visible import Visible, visible
from hub.policy.optout.whole import AROUND

_FOOTER_LIKE = BITS["reply"] | BITS["footer"] | BITS["link"]
_OF_FOOTERS = BITS["keyword"] | BITS["footer"] | BITS["letter"] | BITS["unsubscribe"]


class Reading(NamedTuple):
    """received: the text as it came. core: the tokens that are words and no politeness. present: every class that occurs."""

    received: str
    seen: Visible
    folded: Folded
    tokens: Tokens
    core: list[int]
    present: int
    lexicon: Lexicon

    def span(self, first: int, end: int) -> tuple[int, int]:
        """Where tokens [first, end) stand in the text as received."""
        places = self.tokens.places
        return self.seen.span(*self.folded.span(places[first][0], places[end - 1][1]))

    def capital(self, token: int) -> bool:
        """Whether it begins with a capital letter, in a text that is not all capitals."""
        start, end = self.span(token, token + 1)
        return self.received[start:end][:1].isupper() and not self.received.isupper()

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


def read(text: str, lexicon: Lexicon) -> Reading:
    """Take a text apart, without what others wrote and without footers, ours or theirs. Never raises; linear in the text."""
    seen = visible(text)
    folded = fold(seen.text)
    tokens = tokenise(folded.text, lexicon)
    masks = [word.mask for word in tokens.words]
    present = reduce(or_, masks, 0)
    if present & _FOOTER_LIKE and present & _OF_FOOTERS:
        _cut_footers(tokens, lexicon)
        masks = [word.mask for word in tokens.words]
        present = reduce(or_, masks, 0)
    core = [at for at, mask in enumerate(masks) if not mask & AROUND]
    return Reading(text, seen, folded, tokens, core, present, lexicon)


def _cut_footers(tokens: Tokens, lexicon: Lexicon) -> None:
    """Drop the tokens of footer sentences: they are ours, whoever pasted them."""
    dropped: set[int] = set()
    for _, first, end in matches(lexicon.grammar.footers, tokens.codes()):
        dropped.update(range(first, end))
    if dropped:
        tokens.keep([i for i in range(len(tokens)) if i not in dropped])
