"""Every reason of the judge has words, a family, and no loose end."""

from __future__ import annotations

import pytest

from hub.desks.inbox.refusals import REFUSALS, Family, refusal
from hub.desks.inbox.views import WISHES
from hub.desks.inbox.words import delivery_words, refused_words, size_words
from hub.model.address import Channel
from hub.model.permission import Reason

ALL = sorted(set(Reason) - {Reason.ALLOW})


def test_every_refusal_has_its_words() -> None:
    assert set(REFUSALS) == set(ALL)


@pytest.mark.parametrize("reason", ALL)
@pytest.mark.parametrize("time", ["", "today 09:14"])
def test_marks_are_filled_and_an_unknown_time_leaves_no_gap(reason: Reason, time: str) -> None:
    found = refusal(reason, name="Ruth", by="by SMS", time=time)
    for text in (found.heading, found.advice):
        assert "{" not in text
        assert "  " not in text
        assert text
        assert "!" not in text
        assert text[0].isupper()
    assert not found.heading.endswith(".")
    assert found.advice.endswith(".")


def test_what_is_drawn_as_a_wish_is_told_as_a_wish() -> None:
    assert {r for r, entry in REFUSALS.items() if entry.family is Family.WISH} == WISHES


@pytest.mark.parametrize("reason", ALL)
def test_no_sentence_knows_a_gender_or_blames(reason: Reason) -> None:
    entry = REFUSALS[reason]
    words = f"{entry.heading} {entry.advice}".lower().split()
    assert not {"he", "she", "his", "her", "him", "please", "error", "invalid"} & set(words)


def test_a_refused_message_says_why_in_one_line() -> None:
    text = refused_words(Reason.STOP_CHANNEL, name="Ka Yan", channel=Channel.SMS)
    assert text.startswith("Ka Yan asked us not to write by SMS. You can answer here again")
    assert refused_words(None, name="Ka Yan", channel=Channel.SMS).startswith("No rule allows")


def test_an_unknown_code_is_told_as_a_code() -> None:
    assert delivery_words("30003") == "the phone was off or out of reach"
    assert delivery_words("99999") == "the provider refused it (code 99999)"
    assert delivery_words(None) == "the provider gave no reason"


def test_sizes() -> None:
    assert [size_words(n) for n in (None, 10, 412_000, 3_100_000)] == ["kept", "1 KB", "412 KB", "3.1 MB"]
