"""The examination sets: messages by hands that had not seen the rules, nor the rules them (tests/data/optout/README.md).

What is held is what was measured, less a little: a change may not make it worse unseen. The aims stand in the README.
"""

from __future__ import annotations

import pytest

from hub.leaning import Said, read_examples, read_said
from hub.model.permission import OptOutLabel
from hub.policy.optout import recognise
from tests.unit.optout.helpers import DATA, LEXICON, ROOT, context

FOUND = {OptOutLabel.OPT_OUT, OptOutLabel.AMBIGUOUS, OptOutLabel.WRONG_PERSON, OptOutLabel.RIGHTS}
NEVER_WROTE, WROTE_BEFORE, AFTER_MARKETING = context(), context(note="after=ACK"), context(note="after=MKT")
# set -> share found where we never wrote, where we wrote before, in answer to marketing
LEAST = {
    "english-ordinary": (0.68, 0.97, None),
    "english-hard": (0.33, 0.90, 0.95),
    "chinese": (0.58, 0.93, 0.95),
    "others": (0.72, 0.95, None),
}
LANGUAGES = {"English": ("english-ordinary", "english-hard"), "Chinese": ("chinese",), "others": ("others",)}
MOST_WITHDRAWN = 0.01  # of those who ask for nothing
MOST_ASKED_IN_VAIN = 0.09  # of them, where we wrote before
MOST_ASKED_IN_VAIN_UNWRITTEN = 0.006  # of them, where we never wrote
ORDINARY_DAYS = {"days.txt": 28_000, "days-keypad.txt": 4_500, "days-zh.txt": 4_000}  # texts each holds at the least
MOST_RAISED_ON_ORDINARY_DAYS, MOST_STOPPED_THERE = 24, 11  # of 10,000 texts; two thirds are what policy names, said among friends


def said(name: str, *, wants_out: bool, after_marketing: bool) -> list[Said]:
    read = read_said(DATA / "exam" / f"{name}.txt")
    return [s for s in read if s.wants_out is wants_out and s.after_marketing is after_marketing]


@pytest.mark.parametrize("name", LEAST)
def test_those_who_want_out_are_found(name: str) -> None:
    for at, least in zip((NEVER_WROTE, WROTE_BEFORE, AFTER_MARKETING), LEAST[name], strict=True):
        if least is not None:
            asked = said(name, wants_out=True, after_marketing=at is AFTER_MARKETING)
            found = sum(recognise(s.text, at, LEXICON).label in FOUND for s in asked)
            assert found / len(asked) >= least


@pytest.mark.parametrize("language", LANGUAGES)
def test_those_who_do_not_are_hardly_ever_stopped_or_put_to_staff(language: str) -> None:
    clean = [one for name in LANGUAGES[language] for one in said(name, wants_out=False, after_marketing=False)]
    labels = [recognise(s.text, WROTE_BEFORE, LEXICON).label for s in clean]
    assert labels.count(OptOutLabel.OPT_OUT) / len(clean) <= MOST_WITHDRAWN
    assert labels.count(OptOutLabel.AMBIGUOUS) / len(clean) <= MOST_ASKED_IN_VAIN
    unwritten = [recognise(s.text, NEVER_WROTE, LEXICON).label for s in clean]
    assert unwritten.count(OptOutLabel.AMBIGUOUS) / len(clean) <= MOST_ASKED_IN_VAIN_UNWRITTEN


def ordinary_days(name: str) -> list[str]:
    return (DATA / name).read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", ORDINARY_DAYS)
def test_texts_of_ordinary_days_hardly_ever_raise_anything(name: str) -> None:
    texts = ordinary_days(name)
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
    days = [text for name in ORDINARY_DAYS for text in ordinary_days(name)]
    assert [text for text in (*sets, *days) if len(key(text)) > 12 and key(text) in learnt] == []
