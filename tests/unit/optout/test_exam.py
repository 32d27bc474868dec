"""The examination sets: messages by hands that had not seen the rules, nor the rules them (tests/data/optout/README.md).

What is held is what was measured, less a little: a change may not make it worse unseen. The aims stand in the README.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from hub.leaning import Said, read_examples, read_said
from hub.model.permission import OptOutLabel, TextContext
from hub.policy.optout import recognise
from tests.unit.optout.helpers import DATA, LEXICON, ROOT, context

STOPPED = {OptOutLabel.OPT_OUT, OptOutLabel.AMBIGUOUS}
FOUND = {OptOutLabel.OPT_OUT, OptOutLabel.AMBIGUOUS, OptOutLabel.WRONG_PERSON, OptOutLabel.RIGHTS}
NEVER_WROTE, IN_CONVERSATION, AFTER_MARKETING = context(), context(note="after=ACK"), context(note="after=MKT")
# set -> share found where we never wrote, in a conversation, in answer to marketing
LEAST = {
    "english-ordinary": (0.70, 0.97, 0.98),
    "english-hard": (0.36, 0.90, 0.95),
    "english-in-conversation": (0.69, 0.93, 0.97),
    "chinese": (0.59, 0.95, 0.95),
    "others": (0.72, 0.95, 0.92),
}
LANGUAGES = {"English": ("english-ordinary", "english-hard"), "Chinese": ("chinese",), "others": ("others",)}
AIMS = {"English": 0.97, "Chinese": 0.95, "others": 0.90}  # of those who want out, in answer to marketing
MOST_WITHDRAWN = 0.01  # of those who ask for nothing
MOST_ASKED_IN_VAIN = 0.08  # of them, in a conversation
MOST_ASKED_IN_VAIN_UNWRITTEN = 0.006  # of them, where we never wrote
ORDINARY_DAYS = {"days.txt": 28_000, "days-keypad.txt": 4_500, "days-zh.txt": 4_000}  # texts each holds at the least
MOST_RAISED_ON_ORDINARY_DAYS, MOST_STOPPED_THERE = 24, 11  # of 10,000 texts; two thirds are what policy names, said among friends
# what patients write back and nobody learnt from -> texts it holds at the least, share raised in a conversation, in answer to marketing
WRITTEN_BACK = {
    "conversation.txt": (4_000, 0.035, None),
    "conversation-zh.txt": (900, 0.028, None),
    "conversation-others.txt": (800, 0.05, None),
    "replies.txt": (1_400, None, 0.055),
    "replies-zh.txt": (600, None, 0.14),
    "replies-others.txt": (350, None, 0.13),
}
MOST_RAISED_UNWRITTEN = 0.002  # of all these, had we never written


def said(name: str, *, wants_out: bool) -> list[Said]:
    return [s for s in read_said(DATA / "exam" / f"{name}.txt") if s.wants_out is wants_out]


def wishes(name: str, at: TextContext) -> list[Said]:
    """Those that can be said there: what answers marketing means nothing elsewhere; a plain wish can be said anywhere."""
    return [s for s in said(name, wants_out=True) if at is AFTER_MARKETING or not s.after_marketing]


def share(texts: Iterable[str], at: TextContext, labels: set[OptOutLabel]) -> float:
    """How many of the texts are given one of these labels there."""
    found = [recognise(text, at, LEXICON).label in labels for text in texts]
    return sum(found) / len(found)


@pytest.mark.parametrize("name", LEAST)
def test_those_who_want_out_are_found(name: str) -> None:
    for at, least in zip((NEVER_WROTE, IN_CONVERSATION, AFTER_MARKETING), LEAST[name], strict=True):
        assert share([s.text for s in wishes(name, at)], at, FOUND) >= least


@pytest.mark.parametrize("language", LANGUAGES)
def test_those_who_want_out_of_marketing_are_found_as_often_as_was_aimed_for(language: str) -> None:
    asked = [one.text for name in LANGUAGES[language] for one in wishes(name, AFTER_MARKETING)]
    assert share(asked, AFTER_MARKETING, FOUND) >= AIMS[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_those_who_do_not_are_hardly_ever_stopped_or_put_to_staff(language: str) -> None:
    clean = [one for name in LANGUAGES[language] for one in said(name, wants_out=False) if not one.after_marketing]
    labels = [recognise(s.text, IN_CONVERSATION, LEXICON).label for s in clean]
    assert labels.count(OptOutLabel.OPT_OUT) / len(clean) <= MOST_WITHDRAWN
    assert labels.count(OptOutLabel.AMBIGUOUS) / len(clean) <= MOST_ASKED_IN_VAIN
    unwritten = [recognise(s.text, NEVER_WROTE, LEXICON).label for s in clean]
    assert unwritten.count(OptOutLabel.AMBIGUOUS) / len(clean) <= MOST_ASKED_IN_VAIN_UNWRITTEN


@pytest.mark.parametrize("name", WRITTEN_BACK)
def test_what_patients_write_back_is_seldom_taken_for_a_wish(name: str) -> None:
    texts = texts_of(name)
    least, in_conversation, after_marketing = WRITTEN_BACK[name]
    assert len(texts) > least
    for at, most in ((NEVER_WROTE, MOST_RAISED_UNWRITTEN), (IN_CONVERSATION, in_conversation), (AFTER_MARKETING, after_marketing)):
        if most is not None:
            assert share(texts, at, STOPPED) <= most


def texts_of(name: str) -> list[str]:
    return (DATA / name).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", ORDINARY_DAYS)
def test_texts_of_ordinary_days_hardly_ever_raise_anything(name: str) -> None:
    texts = texts_of(name)
    labels = [recognise(text, NEVER_WROTE, LEXICON).label for text in texts]
    stopped, asked = (labels.count(label) * 10_000 / len(texts) for label in (OptOutLabel.OPT_OUT, OptOutLabel.AMBIGUOUS))
    assert len(texts) > ORDINARY_DAYS[name]
    assert stopped <= MOST_STOPPED_THERE
    assert stopped + asked <= MOST_RAISED_ON_ORDINARY_DAYS


def test_no_message_of_the_sets_was_learnt_from() -> None:
    def key(text: str) -> str:
        return "".join(letter for letter in text.casefold() if letter.isalnum())

    learnt = {key(one.text) for one in read_examples(ROOT / "config")}
    sets = [one.text for name in LEAST for one in read_said(DATA / "exam" / f"{name}.txt")]
    days = [text for name in (*ORDINARY_DAYS, *WRITTEN_BACK) for text in texts_of(name)]
    assert [text for text in (*sets, *days) if len(key(text)) > 12 and key(text) in learnt] == []
