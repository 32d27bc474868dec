"""The same letters mean different things: by language, by what stands around them, by who is spoken of."""

from __future__ import annotations

import pytest

from hub.model.permission import OptOutLabel
from tests.unit.optout.helpers import read


@pytest.mark.parametrize(
    "text",
    [
        "taking cab from home to meet her now..last min email",  # min: not, in Greek as it is texted
        "back from oversea, the team will be tire",  # tire: take away, in Portuguese
        "email at my phone bo $$, call tmr",  # bo: leave out, in Vietnamese
    ],
)
def test_a_short_word_of_another_language_means_nothing_amid_english(text: str) -> None:
    assert read(text).label is OptOutLabel.NONE


@pytest.mark.parametrize("text", ["tire meu número da lista por favor", "pls huwag na mag text", "ne m'écrivez plus", "mat bhejo message"])
def test_it_means_what_it_says_where_its_language_is_spoken_or_mixed_in(text: str) -> None:
    assert read(text).label is OptOutLabel.OPT_OUT


@pytest.mark.parametrize("text", ["我想退订金，做不了了", "我想退订单"])
def test_a_stop_word_that_runs_on_into_a_harmless_word_is_none(text: str) -> None:
    assert read(text).label is OptOutLabel.NONE
    assert read("我想退订").label is OptOutLabel.OPT_OUT


@pytest.mark.parametrize(
    ("told", "asked"),
    [
        ("He's so cute but never texts first", "never text me again"),
        ("aunty stop calling him small boy, he has a beard", "stop calling me"),
        ("take my coat off before the scan or after?", "take me off"),
        ("Remove 20 onions from the list, add curry leaves", "Remove me from the list"),
        ("J'ai été désabonnée par erreur, remettez-moi", "Je veux être désabonnée"),
        ("galti se unsubscribe ho gaya, wapas add kar do", "unsubscribe kar do"),
    ],
)
def test_what_is_told_of_others_or_was_not_meant_is_no_stop(told: str, asked: str) -> None:
    assert read(told).label is not OptOutLabel.OPT_OUT
    assert read(asked).label is OptOutLabel.OPT_OUT


@pytest.mark.parametrize("text", ["no need to call me lah", "don't bother", "Woah. Ok... Dont disturb. Msg u later k"])
def test_what_only_hints_counts_in_answer_to_marketing(text: str) -> None:
    """Elsewhere the weights judge it with the other words."""
    assert read(text).label is OptOutLabel.NONE
    assert read(text, note="after=MKT").label is OptOutLabel.AMBIGUOUS
