"""What a form brings can always be stored."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hub.web.forms import storable


@given(st.text(st.characters(codec=None)))
def test_any_text_becomes_one_the_database_keeps(text: str) -> None:
    kept = storable(text)
    kept.encode("utf-8")
    assert "\0" not in kept


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_ordinary_text_is_left_as_it_is(text: str) -> None:
    assert storable(text) == text
