"""What somebody is called on a page."""

from __future__ import annotations

import pytest

from hub.desks.inbox.names import NAMELESS, display_name, first_name, initials, language, shown_address
from hub.model.sealed import Sealed


@pytest.mark.parametrize(
    ("name", "letters", "first"),
    [
        ("Priya Nair", "PN", "Priya"),
        ("Meiling Chen 陈美玲", "陈", "Meiling"),
        ("林嘉欣", "林", "林嘉欣"),
        ("Ruth", "R", "Ruth"),
        ("+44 7700 900162", "62", "+44 7700 900162"),
        ("", "?", ""),
    ],
)
def test_faces_and_first_names(name: str, letters: str, first: str) -> None:
    assert (initials(name), first_name(name)) == (letters, first)


def test_a_number_is_shown_in_groups_and_anything_else_as_it_is() -> None:
    assert shown_address("+447700900162") == "+44 7700 900162"
    assert shown_address("daniel@example.com") == "daniel@example.com"
    assert shown_address("+") == "+"


def test_a_name_wins_over_an_address_and_an_address_over_nothing() -> None:
    assert display_name(Sealed("Ruth"), Sealed("+447700900162")).reveal() == "Ruth"
    assert display_name(None, Sealed("+447700900162")).reveal() == "+44 7700 900162"
    assert display_name(None, None).reveal() == NAMELESS


@pytest.mark.parametrize(
    ("text", "locale", "tag"),
    [
        ("请问周六有没有预约？", None, "zh"),
        ("唔好再send俾我", "zh-Hant", "zh-Hant"),
        ("こんにちは", None, "ja"),
        ("Hello", None, None),
        ("Bonjour", "fr", "fr"),
        ("Hello", "zh-Hans", None),
    ],
)
def test_the_language_of_words_where_it_can_be_told(text: str, locale: str | None, tag: str | None) -> None:
    assert language(text, locale) == tag
