"""Which single letters a text of ours offers as a way to stop: "Reply R to stop", 回T退订 (policy §3.4).

A letter means a stop only to somebody who was told so; their answer is read with what we last said.
"""

from __future__ import annotations

from collections.abc import Iterator

from hub.policy.optout.classes import BITS, bits
from hub.policy.optout.lexicon import Lexicon
from hub.policy.optout.normalise import fold
from hub.policy.optout.tokens import Tokens, tokenise

_BETWEEN = bits("but|comma|mark|courtesy|glue")  # "reply T or R", "reply with: N"
_SIGHT = 4  # tokens after "reply"


def offered_letters(text: str, lexicon: Lexicon) -> tuple[str, ...]:
    """The letters, in capitals, in the order they stand; none where the text offers only words such as STOP."""
    tokens = tokenise(fold(text).text, lexicon)
    return tuple(dict.fromkeys(letter.upper() for letter in _offered(tokens, lexicon)))


def _offered(tokens: Tokens, lexicon: Lexicon) -> Iterator[str]:
    for at, word in enumerate(tokens.words):
        if word.mask & BITS["footer"]:
            yield from (piece for piece in tokens.texts[at].split() if _is_letter(piece, lexicon))
        elif word.mask & BITS["reply"]:
            yield from _after(tokens, at + 1)


def _after(tokens: Tokens, at: int) -> Iterator[str]:
    for text, word in zip(tokens.texts[at : at + _SIGHT], tokens.words[at : at + _SIGHT], strict=True):
        if word.mask & BITS["letter"]:
            yield text
        elif not word.mask & _BETWEEN:
            return


def _is_letter(piece: str, lexicon: Lexicon) -> bool:
    keyword = lexicon.keywords.get(piece)
    return keyword is not None and keyword.kind == "letter"
