"""Text as received -> text as compared, keeping a map back (policy §3.2 steps 2 to 4).

Only what changes characters one by one happens here; what needs words (accents, look-alikes, spaced letters,
repeats, courtesy) happens on tokens, in `tokens`. Never raises, whatever the text: lone surrogates pass through.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

# Zero-width, bidi controls, soft hyphen, variation selectors, tags, Arabic harakat and tatweel: never part of a word.
_DROPPED = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0640\u0591-\u05c7"
)
_MARKS = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_DROP = re.compile(f"[{_DROPPED}]+")
_MARK_PILE = re.compile(f"([{_MARKS}]{{2}})[{_MARKS}]+")
_CLUSTER = re.compile(f"[^{_DROPPED}][{_DROPPED}{_MARKS}]*", re.DOTALL)
_SPLIT_PRONE = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f\u1100-\u11ff]")

# One character for one character, so positions hold. Turkish dotted and dotless i are one letter here (step 3).
_FOLD: dict[int, str] = {
    **dict.fromkeys(map(ord, "أإآٱ"), "ا"),
    **dict.fromkeys(map(ord, "ىیې"), "ي"),
    ord("ة"): "ه",
    ord("ۀ"): "ه",
    ord("ہ"): "ه",
    ord("ھ"): "ه",
    ord("ک"): "ك",
    ord("ı"): "i",
    ord("’"): "'",
    ord("‘"): "'",
    ord("ʼ"): "'",
    ord("`"): "'",
    ord("´"): "'",
    ord("_"): " ",
    **{ord("٠") + n: str(n) for n in range(10)},
    **{ord("۰") + n: str(n) for n in range(10)},
}
_FOLDED = re.compile("[" + "".join(map(chr, _FOLD)) + "]")

# Longer texts are read at both ends: nobody writes a stop 20,000 characters in and 10,000 from the end.
HEAD, TAIL = 20_000, 10_000
# Raw text is cut first (`visible`), so that a megabyte of invisible characters costs little; they are dropped before HEAD counts.
RAW_HEAD, RAW_TAIL = 24_000, 12_000
_GAP = "\n"


class Folded(NamedTuple):
    """A text ready to compare. origins: for each character its place in the text it came from; None: the same place."""

    text: str
    origins: Sequence[int] | None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span in the text as received that the characters [start, end) came from."""
        if self.origins is None or end <= start:
            return (start, end)
        return (self.origins[start], self.origins[end - 1] + 1)


def fold_word(text: str) -> str:
    """The compared form of a word or phrase of the lexicon: what `fold` would make of it."""
    return fold(text).text


def fold(text: str) -> Folded:
    """Compatibility forms, invisible characters, letter case, Arabic letters and digits, in this order."""
    if text.isascii():
        return _ascii(text)
    origins: Sequence[int] | None = None
    if _SPLIT_PRONE.search(text) or _DROP.search(text) or not unicodedata.is_normalized("NFKC", text):
        text, origins = _by_cluster(text, origins)
    lowered = text.casefold()
    if len(lowered) != len(text):
        lowered, origins = _casefold_slowly(text, origins)
    if _FOLDED.search(lowered):
        lowered = lowered.translate(_FOLD)
    if len(lowered) > HEAD + TAIL:
        lowered, origins = _ends(lowered, origins, HEAD, TAIL)
    return Folded(lowered, origins)


def strip_accents(word: str) -> str:
    """The word without Latin, Greek or Cyrillic accents (policy §3.2 step 5); đ, ł and ø too, which do not decompose."""
    if word.isascii():
        return word
    bare = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    return bare.replace("đ", "d").replace("ł", "l").replace("ø", "o").replace("ß", "ss")


def _ascii(text: str) -> Folded:
    origins: Sequence[int] | None = None
    if len(text) > HEAD + TAIL:
        text, origins = _ends(text, None, HEAD, TAIL)
    text = text.lower()
    if "_" in text or "`" in text:
        text = text.replace("_", " ").replace("`", "'")
    return Folded(text, origins)


def _ends(text: str, origins: Sequence[int] | None, head: int, tail: int) -> tuple[str, Sequence[int]]:
    """Both ends of a long text, with a line break where the middle was."""
    cut = len(text) - tail
    if origins is None:
        origins = range(len(text))
    return text[:head] + _GAP + text[cut:], [*origins[:head], origins[head], *origins[cut:]]


def _by_cluster(text: str, origins: Sequence[int] | None) -> tuple[str, list[int]]:
    """NFKC and removal, one base character with its marks at a time, so that every result knows where it came from."""
    out: list[str] = []
    where: list[int] = []
    for match in _CLUSTER.finditer(text):
        piece = match.group()
        at = match.start() if origins is None else origins[match.start()]
        if len(piece) > 1:
            piece = _MARK_PILE.sub(r"\1", _DROP.sub("", piece))
        if len(piece) > 1 or not piece.isascii():
            piece = unicodedata.normalize("NFKC", piece)
            if _DROP.search(piece):
                piece = _DROP.sub("", piece)
        out.append(piece)
        where.extend([at] * len(piece))
    return "".join(out), where


def _casefold_slowly(text: str, origins: Sequence[int] | None) -> tuple[str, list[int]]:
    """Case-folding where it changes the length (ß, İ)."""
    out: list[str] = []
    where: list[int] = []
    for index, char in enumerate(text):
        folded = "i" if char == "İ" else char.casefold()
        out.append(folded)
        where.extend([index if origins is None else origins[index]] * len(folded))
    return "".join(out), where
