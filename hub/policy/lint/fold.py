"""Folding: one lower-case, plain-lettered view of a text in which listed words are looked for.

Case, width, diacritics, styled letters, zero-width characters and look-alikes of other scripts go; every place in
the view leads back to the place in the text it came from. It never changes the text that is sent.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

_MAX_EXPANSION = 4  # one character may decompose into eighteen; nobody hides a word that way, and the view stays small

# Folded where NFKD leaves them: apostrophes, dashes, small capitals, squared letters, the times sign.
_SPECIAL = dict(
    zip(
        "’‘ʼ´`×ıøđłßæœאᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ–—‐‑−￥",
        ["'"] * 5 + ["x", "i", "o", "d", "l", "ss", "ae", "oe", "א"] + list("abcdefghijklmnoprstuvwyz") + ["-"] * 5 + ["¥"],
        strict=True,
    )
) | {"_": " ", "ـ": "", "ى": "ي", "ی": "ي", "ة": "ه", "ک": "ك", "🅰": "a", "🅱": "b", "🅾": "o", "🅿": "p"}

_CYRILLIC = dict(zip("авсеенікмортухѕјг", "abceehikmoptyxsjr", strict=True))
_GREEK = dict(zip("αβεηικνορτυχ", "abenikvoptux", strict=True))
_TO_LATIN = str.maketrans(_CYRILLIC | _GREEK)
_TO_CYRILLIC = str.maketrans("abcehikmoptyxsj", "авсенікмортухѕј")
_LATIN = re.compile(r"[a-z]")
_KIN = re.compile(r"[\u0370-\u052f]")  # Greek and Cyrillic
_WORD = re.compile(r"\w+")

# Digits and signs read as letters, and i and l read as one letter, so that 1 can stand for either.
_LEET = str.maketrans("0134578i", "oleastbl")
_SIGNS = {"@": "a", "$": "s", "!": "l", "€": "e", "£": "e", "+": "t"}
_SIGN_IN_WORD = re.compile(r"(?<=[^\W\d])[@$!€£+](?=[^\W\d])")


@dataclass(frozen=True, slots=True)
class Folded:
    """A view of a text. `text` is what rules read; `origins[i]` is the offset its character i came from.

    origins is None where the two run in step, which is so for nearly every text.
    """

    text: str = field(repr=False)
    origins: tuple[int, ...] | None = field(default=None, repr=False)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the text as written behind a non-empty span of the view."""
        if self.origins is None:
            return start, end
        return self.origins[start], self.origins[end - 1] + 1


@lru_cache(maxsize=1 << 16)
def _fold_character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isspace():
        return "\n" if character in "\n\r\u2028\u2029" else " "
    kept = []
    for c in unicodedata.normalize("NFKD", character)[:_MAX_EXPANSION].casefold():
        category = unicodedata.category(c)
        if category in ("Mn", "Me", "Cf", "Cc"):
            continue
        kept.append(str(unicodedata.digit(c)) if category == "Nd" else _SPECIAL.get(c, c))
    return "".join(kept)


def _unmask_word(match: re.Match[str]) -> str:
    """One word in one script: Latin where every foreign letter has a Latin double, Cyrillic otherwise."""
    word = match[0]
    if not (_LATIN.search(word) and _KIN.search(word)):
        return word
    latin = word.translate(_TO_LATIN)
    return word.translate(_TO_CYRILLIC) if _KIN.search(latin) else latin


def fold(text: str) -> Folded:
    """The view of any text, lone surrogates and controls included. Linear in its length; never raises."""
    if text.isascii() and text.isprintable():
        return Folded(text.lower().replace("_", " ").replace("`", "'"))
    pieces = [_fold_character(c) for c in text]
    view = "".join(pieces)
    if _KIN.search(view) and _LATIN.search(view):
        view = _WORD.sub(_unmask_word, view)
    lengths = set(map(len, pieces))
    if lengths <= {1}:
        return Folded(view)
    return Folded(view, tuple(i for i, piece in enumerate(pieces) for _ in piece))


def unleet(view: str) -> str:
    """The same view, place for place, with digits and signs read as the letters they are drawn like."""
    return _SIGN_IN_WORD.sub(lambda m: _SIGNS[m[0]], view).translate(_LEET)
