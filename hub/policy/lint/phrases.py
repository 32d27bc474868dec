"""The phrase language of the word lists, compiled, and the one pass that finds every listed phrase in a text.

A list entry is words with a few signs, so that the data protection contact can edit it without knowing regular
expressions. It is no parser of sentences, and each entry compiles to a bounded pattern: no text makes it slow.

    off            the word itself            win|wins         either word
    guarantee*     any ending                 the?             may be absent
    #              a number, also in words    £                an amount of money
    ~              up to three words          !at|over …       not after these words
    … !until|from  not before these words

Phrases with Han characters are looked for anywhere (such text has no spaces); there ~ is up to eight characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hub.policy.lint.fold import fold

HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"\w+")
_KEY_LENGTH = 3

_NUMBER_SOURCE = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|seventy|half"
_NUMBER_WORDS = frozenset(_NUMBER_SOURCE.split("|"))
_NUMBER = r"(?:\d{1,7}(?:[.,]\d{1,3}){0,2}(?:[ap]m(?!\w))?|" + _NUMBER_SOURCE + ")"
_HAN_NUMBER = r"[0-9一二三四五六七八九十百千两兩半几幾.]{1,6}"
_SIGN = "[£$€¥]"
MONEY = (
    rf"(?:(?:(?<={_SIGN})|(?<={_SIGN} ))\d{{1,7}}(?:[.,]\d{{1,3}}){{0,2}}"
    r"|\d{1,7}(?:[.,]\d{1,3}){0,2}\s?(?:pounds?|quid|gbp|p(?!\w)|元|镑|鎊|英镑|英鎊|块))"
)
PRICE = re.compile(rf"{_SIGN}\s?\d|\d\s?(?:{_SIGN}|pounds?\b|quid\b|gbp\b|元|镑|鎊|英镑|英鎊)")
_GAP = r"[^\w.!?;\n]{1,3}"  # between two words of a phrase; a sentence end parts them
_HAN_GAP = r"[^\w\n。！？.!?]?"

# A word that turns a phrase into its denial, at most four words before it in the same clause.
_DENIAL = re.compile(
    r"(?<!why )(?<!\w)(?:no|not|nobody|none|never|cannot|can't|cant|don't|dont|doesn't|didn't|isn't|aren't|won't|without|nor|unable)"
    r"(?:[^\w.!?;:,\n]{1,3}[\w']{1,20}){0,4}[^\w.!?;:,\n]{1,3}$"
)
_DENIAL_REACH = 90  # characters
_HAN_DENIAL = re.compile(r"(?:没有?|沒有?|无|無|不|未|并非|並非|别|勿)[^\W。]{0,2}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A list of phrases that mean the same to one rule. deniable: "no …" before a phrase makes it harmless."""

    rule: str
    phrases: tuple[str, ...]
    deniable: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """One listed phrase in a folded text: start and end in the view."""

    rule: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Entry:
    rule: str
    pattern: re.Pattern[str]
    deniable: bool


@dataclass(frozen=True, slots=True)
class _Drawer:
    """The entries filed under one key. `quick` matches where any of them does, so most words cost one try."""

    quick: re.Pattern[str]
    entries: tuple[_Entry, ...]


def _drawer(entries: Sequence[_Entry]) -> _Drawer:
    return _Drawer(re.compile("|".join(f"(?:{entry.pattern.pattern})" for entry in entries)), tuple(entries))


def _word_pattern(word: str) -> str:
    if word == "~":
        return rf"(?:[\w']{{1,20}}(?:{_GAP}[\w']{{1,20}}){{0,2}})"
    return "(?:" + "|".join(_single(w) for w in word.split("|")) + ")"


def _single(word: str) -> str:
    ending = r"\w{0,12}" if word.endswith("*") else ""
    body = re.escape(word.rstrip("*"))
    body = body.replace(r"\#", _NUMBER).replace("#", _NUMBER).replace("£", MONEY)
    body = body.replace("'", "'?").replace(r"\-", "[^\\w.!?\n]?").replace("%", r"\s{0,2}(?:%|percent|per\scent|pc(?!\w))")
    return body + ending


def compile_phrase(phrase: str) -> re.Pattern[str]:
    """The pattern of one entry, to be tried at the start of a word. Raises ValueError on an entry without a word."""
    words = phrase.split()
    before = words.pop(0)[1:] if words and words[0].startswith("!") else ""
    after = words.pop()[1:] if words and words[-1].startswith("!") else ""
    if not words or words[0] in ("~",) or words[0].endswith("?"):
        raise ValueError(f"a phrase starts with a word: {phrase!r}")
    pattern = "".join(rf"(?<!(?<!\w){re.escape(w)} )" for w in before.split("|") if w)
    pattern += _word_pattern(words[0])
    for word in words[1:]:
        if word.endswith("?") or word == "~":
            pattern += rf"(?:{_GAP}{_word_pattern(word.rstrip('?'))})?"
        else:
            pattern += _GAP + _word_pattern(word)
    pattern += r"(?!\w)" if not words[-1].endswith("%") else ""
    if after:
        pattern += r"(?!\W{0,3}(?:" + "|".join(_single(w) for w in after.split("|")) + r")(?!\w))"
    return re.compile(pattern)


def compile_han(phrase: str) -> str:
    """The pattern source of one entry with Han characters. `!xy` at the end: not before x or y."""
    body, _, after = phrase.partition("!")
    parts = []
    for character in body.strip():
        if character == "#":
            parts.append(_HAN_NUMBER)
        elif character == "~":
            parts.append(r"[^。！？\n]{0,8}?")
        elif character == "|":
            raise ValueError(f"write two entries instead of |: {phrase!r}")
        else:
            parts.append(re.escape(character))
    return _HAN_GAP.join(parts) + (f"(?![{re.escape(after)}])" if after else "")


def _keys(phrase: str) -> Iterable[str]:
    """The first letters under which a phrase is filed; numbers share one drawer."""
    first = next(w for w in phrase.split() if not w.startswith("!"))
    for word in first.split("|"):
        if word[0] in "#£" or word[0].isdigit():
            yield "#"
        match = _WORD.match(word)
        if match and not word[0].isdigit():
            yield match[0][:_KEY_LENGTH]


class PhraseBook:
    """Every listed phrase, filed by its first letters: a text is read once, whatever the number of phrases."""

    def __init__(self, groups: Sequence[Group]) -> None:
        drawers: dict[str, list[_Entry]] = {}
        han: dict[tuple[str, bool], list[str]] = {}
        for group in groups:
            for phrase in (fold(written).text for written in group.phrases):
                if HAN.search(phrase):
                    han.setdefault((group.rule, group.deniable), []).append(compile_han(phrase))
                    continue
                entry = _Entry(group.rule, compile_phrase(phrase), group.deniable)
                for key in set(_keys(phrase)):
                    drawers.setdefault(key, []).append(entry)
        self._numbers = _drawer(drawers.pop("#", []))
        self._drawers = {key: _drawer(entries) for key, entries in drawers.items()}
        # longest first: 限时优惠 is one hit, not 限时
        self._han = tuple(
            _Entry(rule, re.compile("|".join(sorted(sources, key=len, reverse=True))), deniable)
            for (rule, deniable), sources in han.items()
        )

    def find(self, view: str) -> list[Hit]:
        """Every phrase found in a folded text, in reading order, the longest where several start together."""
        hits: dict[tuple[str, int], int] = {}
        drawers = self._drawers
        for word in _WORD.finditer(view):
            start = word.start()
            text = word[0] if word.end() - start < 16 else view[start : start + 16]
            drawer = drawers.get(text[:_KEY_LENGTH])
            if drawer and drawer.quick.match(view, start):
                _try_all(drawer, view, start, hits)
            if (text[0].isdigit() or text in _NUMBER_WORDS) and self._numbers.quick.match(view, start):
                _try_all(self._numbers, view, start, hits)
        if not view.isascii() and HAN.search(view):
            for entry in self._han:
                for match in entry.pattern.finditer(view):
                    if not (entry.deniable and _HAN_DENIAL.search(view, max(0, match.start() - 5), match.start())):
                        hits[entry.rule, match.start()] = match.end()
        found = [Hit(rule, start, end) for (rule, start), end in hits.items()]
        found.sort(key=lambda hit: (hit.start, -hit.end, hit.rule))
        return found


def _try_all(drawer: _Drawer, view: str, start: int, hits: dict[tuple[str, int], int]) -> None:
    for entry in drawer.entries:
        match = entry.pattern.match(view, start)
        if match is None or (entry.deniable and _DENIAL.search(view, max(0, start - _DENIAL_REACH), start)):
            continue
        begin = start
        if begin and view[begin].isdigit():  # the sign belongs to the amount
            begin -= 1 if view[begin - 1] in "£$€¥" else 2 if view[max(0, begin - 2) : begin] in ("£ ", "$ ", "€ ", "¥ ") else 0
        key = (entry.rule, begin)
        hits[key] = max(match.end(), hits.get(key, 0))
