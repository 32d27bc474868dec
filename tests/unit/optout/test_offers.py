"""Which letters our own texts offer as a way to stop (policy §3.4)."""

from __future__ import annotations

import pytest

from hub.policy.optout.offers import offered_letters
from tests.unit.optout.helpers import LEXICON


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("Fenwick Lane: news. Reply R to stop.", ("R",)),
        ("Reply T or R to unsubscribe", ("T", "R")),
        ("To stop, reply 0", ("0",)),
        ("【诊所】新品 回T退订", ("T",)),
        ("【诊所】新品，拒收请回复R", ("R",)),
        ("回0000退订", ("0000",)),
    ],
)
def test_letters_after_a_word_for_replying_are_offered(text: str, letters: tuple[str, ...]) -> None:
    assert offered_letters(text, LEXICON) == letters


@pytest.mark.parametrize("text", ["Reply STOP to opt out", "回TD退订", "Mr T. Hall will see you", "Ward R, bed 0", ""])
def test_other_letters_are_not(text: str) -> None:
    assert offered_letters(text, LEXICON) == ()
