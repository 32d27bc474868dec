"""L1: the whole message is a stop word (policy §3.3). No guard can veto what is found here.

Politeness, emoji and punctuation around it do not count; a repeated word, a name or a telephone number beside it do no harm.
"""

from __future__ import annotations

from hub.policy.optout.classes import BITS
from hub.policy.optout.lexicon import Keyword, Lexicon
from hub.policy.optout.normalise import strip_accents
from hub.policy.optout.tokens import Tokens

PUNCTUATION = BITS["break"] | BITS["comma"] | BITS["mark"] | BITS["stop_sign"] | BITS["asked"]
AROUND = PUNCTUATION | BITS["courtesy"]
_REPLY, _LETTER, _NUMBER = BITS["reply"], BITS["letter"], BITS["number"]
_SIGNATURE = BITS["other"] | _NUMBER
_MAX_NAME = 3
_ENDING = ("stop", "cancel")
_LONGEST = 8  # tokens of the longest keyword, with room to spare
_MOST = _LONGEST + _MAX_NAME  # tokens; more are a whole message only where each is a keyword


def whole_message(tokens: Tokens, lexicon: Lexicon) -> tuple[Keyword, int, int] | None:
    """The keyword the message is, its first token and the end of it; None when it is not one."""
    words = tokens.words
    core = [i for i, word in enumerate(words) if not word.mask & PUNCTUATION]
    first, last = 0, len(core)
    while first < last and words[core[first]].mask & AROUND:
        first += 1
    while last > first and words[core[last - 1]].mask & AROUND:
        last -= 1
    if not core or (last - first > _MOST and _alone(tokens.texts[core[first]], lexicon) is None):
        return None
    if found := _keyword([tokens.texts[i] for i in core], lexicon):
        return found, core[0], core[-1] + 1
    whole, core = len(core), core[first:last]
    if len(core) > 1 and words[core[0]].mask & _REPLY and words[core[1]].mask & _LETTER:
        core = core[1:]  # "回复 R": what our own text told them to do
    if not core:
        return None
    if len(core) < whole and (found := _keyword([tokens.texts[i] for i in core], lexicon)):
        return found, core[0], core[-1] + 1
    return _with_signature(tokens, core, lexicon)


def _keyword(texts: list[str], lexicon: Lexicon) -> Keyword | None:
    """The keyword these tokens spell together, or repeat."""
    keywords = lexicon.keywords
    if len(texts) <= _LONGEST:
        joined = "".join(texts).replace(" ", "")
        if found := keywords.get(joined) or (None if joined.isascii() else keywords.get(strip_accents(joined))):
            return found
    if len(texts) == 1:
        return None
    known: list[Keyword] = []
    for text in texts:
        if (keyword := _alone(text, lexicon)) is None:
            return None
        known.append(keyword)
    return next((keyword for keyword in known if keyword.kind in _ENDING), known[0])  # "enough. stop" is a stop


def _alone(text: str, lexicon: Lexicon) -> Keyword | None:
    """The keyword that one token is."""
    return lexicon.keywords.get(text.replace(" ", ""))


def _with_signature(tokens: Tokens, core: list[int], lexicon: Lexicon) -> tuple[Keyword, int, int] | None:
    """Keyword beside a number, or parted from a name by punctuation: "STOP - Jane 07700 900123"."""
    if len(core) > _MOST:
        return None
    words = tokens.words
    end, start = len(core), 0
    while end > 0 and words[core[end - 1]].mask & _SIGNATURE:
        end -= 1
    while start < len(core) and words[core[start]].mask & _SIGNATURE:
        start += 1
    for inside, outside in ((core[:end], core[end:]), (core[start:], core[:start])):
        if inside and outside and _signature(tokens, inside, outside) and (found := _keyword([tokens.texts[i] for i in inside], lexicon)):
            return found, inside[0], inside[-1] + 1
    return None


def _signature(tokens: Tokens, inside: list[int], outside: list[int]) -> bool:
    """A name of at most three words, parted by punctuation, or a telephone number of at least seven digits with or without one."""
    numbers = [i for i in outside if tokens.words[i].mask & _NUMBER]
    digits = sum(len(tokens.texts[i]) for i in numbers)
    if len(outside) - len(numbers) > _MAX_NAME:
        return False
    parted = outside[0] - inside[-1] > 1 if inside[-1] < outside[0] else inside[0] - outside[-1] > 1
    return digits >= 7 or (not numbers and parted)
