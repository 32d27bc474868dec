"""A yes is the bare word, in any of our languages; everything else proves nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from hub import wordings
from hub.model.sealed import Sealed
from hub.policy import consent_link
from hub.policy.answering import Answer, answer_of, answer_words, in_time

WORDS = wordings.load(Path(__file__).parents[3] / "config" / "wordings").answers
ASKED = datetime(2026, 11, 24, 11, tzinfo=UTC)
WEEK = timedelta(days=7)
KEY = Sealed("a key of this clinic")
CONSENT = UUID("01900000-0000-7000-8000-000000000001")


@pytest.mark.parametrize(
    "said", ["YES", "yes.", "  Yes 👍", "CONFIRM", "Ja, bitte", "是", "确认。", "確認", "Sí", "si", "oui", "да", "نعم", "ＹＥＳ"]
)
def test_a_bare_yes_is_one_in_every_language(said: str) -> None:
    assert answer_of(said, WORDS) is Answer.YES


@pytest.mark.parametrize("said", ["No", "no thanks", "That wasn't me", "不是我", "nein", "нет", "لا"])
def test_a_bare_no_is_one_in_every_language(said: str) -> None:
    assert answer_of(said, WORDS) is Answer.NO


@pytest.mark.parametrize(
    "said", ["", "👍", "yes?", "yes, Tuesday at 5", "yes " * 40, "not yes", "STOP", "I said yes to my sister", "> YES"]
)
def test_anything_else_is_no_answer(said: str) -> None:
    assert answer_of(said, WORDS) is None


def test_a_word_for_both_is_refused() -> None:
    with pytest.raises(ValueError, match="both"):
        answer_words(["ok"], ["OK!"])


def test_the_last_moment_of_the_seven_days_counts_and_the_next_does_not() -> None:
    assert in_time(ASKED + WEEK, ASKED, WEEK)
    assert not in_time(ASKED + WEEK + timedelta(microseconds=1), ASKED, WEEK)
    assert not in_time(ASKED - timedelta(hours=1), ASKED, WEEK)


def test_a_link_names_its_consent_and_no_other_text_does() -> None:
    token = consent_link.issue(CONSENT, KEY)
    assert consent_link.read(token, KEY) == CONSENT
    assert consent_link.read(token, Sealed("another key")) is None
    for wrong in ("", "x", token[:-1], token + "A", "é" * 64, "A" * 5000, token.replace(token[3], "_" if token[3] != "_" else "-", 1)):
        assert consent_link.read(wrong, KEY) is None
