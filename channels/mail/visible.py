"""What a person wrote now, told from what they quote and from what their program adds.

Line by line, one pass, no pattern that can run away. Folding is for showing and for the recognisers; the whole text is
always kept beside it. The words per language are in `words/replies.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from channels.mail import words

OUR_MARKERS = ("reply above this line", "please reply above this line", "请在此行以上回复")


@dataclass(frozen=True, slots=True)
class Folded:
    """own: the words written now, "" when nothing is left. visible: own, or everything where own is empty."""

    own: str
    visible: str


_MOST_INTRO_LINES = 4
_LONGEST_INTRO = 400
# Beyond so many lines that look like an intro and are none, no more are looked for: a mail like that is a trap.
_MOST_INTRO_CHECKS = 300

_WORDS = words.load("replies")
_INTROS = [re.compile(row["opening"] + r".{0,400}?" + row["ending"] + r"\s*$", re.I) for row in _WORDS["intro"]]
_INTRO_ENDS = tuple(_WORDS["intro_hint"]["endings"])
_FRINGE = " \t\u200e\u200f\u202a\u202c*"  # direction marks and bold stars around an intro
_KEY_OF = {word: key for key, group in _WORDS["block"].items() for word in group}
_BLOCK_LINE = re.compile(r"^[\s>*_]{0,10}([^\s:：*][^:：*]{0,24}?)\s{0,2}\*?\s?[:：]")
_SEPARATOR = re.compile(
    r"^[\s>*]{0,6}(?:[-_=—–─*]{2,}\s?"
    + words.any_of(map(re.escape, _WORDS["separator"]["phrases"]))
    + r"\s?[-_=—–─*:]{0,80}|"
    + words.any_of(map(re.escape, _WORDS["separator"]["bare"]))
    + r"\s?:)",
    re.I,
)
_RULE = re.compile(r"^\s?[_]{20,}\s*$")
_TELLING = re.compile(r"[-_=—–─*:：]")  # a line without any of these ends nothing, unless it holds one of our markers

_SENT_FROM = re.compile(r"^\s{0,4}" + words.any_of(_WORDS["sent_from"]["patterns"]), re.I)
_QUOTED = re.compile(r"^\s{0,3}(?:>|＞|\|\s?>)")


def fold(text: str, markers: Sequence[str] = OUR_MARKERS) -> Folded:
    """Take quotations, forwarded mail and signatures out of `text` (unix line ends).

    If nothing is left, `visible` is the whole text: the answer stands inside or below the quotation in a way these
    rules do not see, or the mail is nothing but a forward.
    """
    own = "\n".join(_own_lines(text.split("\n"), tuple(m.casefold() for m in markers)))
    own = re.sub(r"\n{3,}", "\n\n", own).strip()
    return Folded(own, own or text.strip())


def _own_lines(lines: list[str], markers: tuple[str, ...]) -> list[str]:
    kept: list[str] = []
    at = 0
    folded = "\n".join(lines).casefold() if markers else ""
    markers = tuple(m for m in markers if m in folded)
    closing = [line.rstrip(_FRINGE).endswith(_INTRO_ENDS) for line in lines]
    checks = _MOST_INTRO_CHECKS if True in closing else 0
    while at < len(lines):
        line = lines[at]
        if _ends_here(lines, at, markers):
            break
        if _QUOTED.match(line):
            at += 1
            continue
        length = 0
        # A cheap look before the patterns run: some line of the next few ends as an intro does.
        if checks and line and len(line) <= _LONGEST_INTRO and True in closing[at : at + _MOST_INTRO_LINES]:
            checks -= 1
            length = _intro_length(lines, at)
        if length:
            if not _quote_follows(lines, at + length):
                break
            at += length
            continue
        kept.append(line)
        at += 1
    return _without_footer(kept)


def _ends_here(lines: list[str], at: int, markers: tuple[str, ...]) -> bool:
    """Whether everything from this line on is not the writer's own."""
    line = lines[at]
    if not markers and not _TELLING.search(line):
        return False
    if line.rstrip("\r") in ("-- ", "--"):
        return True
    if len(line) > _LONGEST_INTRO:
        return False
    lowered = line.casefold()
    if any(marker in lowered for marker in markers) and not _QUOTED.match(line):
        return True
    return bool(_SEPARATOR.match(line)) or _is_block(lines, at) or (bool(_RULE.match(line)) and _block_after(lines, at + 1))


def _block_after(lines: list[str], at: int) -> bool:
    while at < len(lines) and not lines[at].strip():
        at += 1
    return at < len(lines) and _is_block(lines, at)


def _is_block(lines: list[str], at: int) -> bool:
    """An Outlook-style header block: sender first or second, and two more of date, recipient, subject close by."""
    first = _block_key(lines[at])
    if first not in ("from", "date", "subject"):
        return False
    seen = {first}
    for line in lines[at + 1 : at + 8]:
        key = _block_key(line)
        if key is not None:
            seen.add(key)
    return "from" in seen and len(seen - {"cc"}) >= 3


def _block_key(line: str) -> str | None:
    found = _BLOCK_LINE.match(line[:200])
    return _KEY_OF.get(found[1].casefold().strip()) if found else None


def _intro_length(lines: list[str], at: int) -> int:
    """How many lines from `at` make up an "On … wrote:" line, wrapped or not; 0 when none begins here."""
    joined = ""
    for count in range(1, _MOST_INTRO_LINES + 1):
        if at + count > len(lines):
            return 0
        line = lines[at + count - 1].strip(_FRINGE)
        if not line or len(joined) + len(line) > _LONGEST_INTRO:
            return 0
        joined = f"{joined} {line}" if joined else line
        if line.endswith(_INTRO_ENDS) and _looks_dated(joined) and any(pattern.match(joined) for pattern in _INTROS):
            return count
    return 0


def _looks_dated(line: str) -> bool:
    """An intro names a date or an address: "I wrote:" alone is a sentence."""
    return any(char.isdigit() for char in line) or "@" in line


def _quote_follows(lines: list[str], at: int) -> bool:
    for line in lines[at : at + 4]:
        if line.strip():
            return bool(_QUOTED.match(line))
    return False


def _without_footer(lines: list[str]) -> list[str]:
    """Drop "Sent from my phone" and empty lines at the end."""
    while lines and (not lines[-1].strip() or _SENT_FROM.match(lines[-1][:200])):
        lines.pop()
    return lines
