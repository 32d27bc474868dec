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
_MOST = _LONGEST + _MAX_NAME


def whole_message(tokens: Tokens, said: list[int], lexicon: Lexicon) -> tuple[Keyword, int, int] | None:
    """The keyword the message is, its first token and the end of it; None when it is not one. said: the tokens that are words and no
    politeness.
    """
    if len(said) > _MOST and _alone(tokens.texts[said[0]], lexicon) is None:
        return None  # more tokens are a whole message only where each is a keyword
    words = tokens.words
    core = [i for i, word in enumerate(words) if not word.mask & PUNCTUATION]
    if not core:
        return None
    if found := _keyword(tokens, core, lexicon):
        return found, core[0], core[-1] + 1
    whole, core = len(core), core[core.index(said[0]) : core.index(said[-1]) + 1] if said else []
    if len(core) > 1 and words[core[0]].mask & _REPLY and words[core[1]].mask & _LETTER:
        core = core[1:]  # "回复 R": what our own text told them to do
    if not core:
        return None
    if len(core) < whole and (found := _keyword(tokens, core, lexicon)):
        return found, core[0], core[-1] + 1
    return _with_signature(tokens, core, lexicon)


def _keyword(tokens: Tokens, at: list[int], lexicon: Lexicon) -> Keyword | None:
    """The keyword these tokens spell together, or repeat."""
    if len(at) <= _LONGEST:
        joined = "".join([tokens.texts[i] for i in at]).replace(" ", "")
        if found := lexicon.keywords.get(joined) or (None if joined.isascii() else lexicon.keywords.get(strip_accents(joined))):
            return found
    if len(at) == 1:
        return None
    known: list[Keyword] = []
    for text in map(tokens.texts.__getitem__, at):
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
        if inside and outside and _signature(tokens, inside, outside) and (found := _keyword(tokens, inside, lexicon)):
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
