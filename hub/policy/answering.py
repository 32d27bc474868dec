"""Whether a short message answers a question of ours with yes or no. Pure; the words come from config/wordings.

It is asked only where a question to that very address is open. Anything longer than the bare word is no answer: a yes
that has to be guessed at proves no consent (policy §5), and what may be a stop is the recogniser's to find (policy §3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hub.policy.optout.normalise import fold, strip_accents
from hub.policy.optout.visible import visible

_LONGEST = 60  # characters of an answer, with room for politeness and emoji
_CLOCKS_APART = timedelta(minutes=2)  # the provider's time of an answer against ours of the question


class Answer(StrEnum):
    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerWords:
    """The words for yes and for no in every language, folded. Built by `answer_words`."""

    yes: frozenset[str]
    no: frozenset[str]


def answer_words(yes: Iterable[str], no: Iterable[str]) -> AnswerWords:
    """From the words as written. Raises ValueError where one is both, or nothing once folded."""
    folded = AnswerWords(yes=frozenset(map(_bare, yes)), no=frozenset(map(_bare, no)))
    if "" in folded.yes | folded.no or folded.yes & folded.no:
        raise ValueError("a word for yes or no is empty, or stands for both")
    return folded


def answer_of(text: str, words: AnswerWords) -> Answer | None:
    """What the whole message says, politeness in the list aside; None for anything that is not just yes or no."""
    own = visible(text).text.strip() if len(text) <= 2000 else text
    if not own or len(own) > _LONGEST or "?" in own or "？" in own:
        return None
    said = _bare(own)
    if said in words.no:
        return Answer.NO
    return Answer.YES if said in words.yes else None


def in_time(said_at: datetime, asked_at: datetime, within: timedelta) -> bool:
    """Whether an answer came while the question was open. Ends with the last moment of the span."""
    return asked_at - _CLOCKS_APART <= said_at <= asked_at + within


def _bare(text: str) -> str:
    """Letters and digits only, single spaces between words, without accents."""
    folded = strip_accents(fold(text).text).replace("'", "").replace("\u2019", "")
    kept = "".join(c if c.isalnum() or "\u0300" <= c <= "\u036f" or "\u0900" <= c <= "\u0dff" else " " for c in folded)
    return " ".join(kept.split())
