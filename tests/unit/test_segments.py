"""SMS segments: every row of channels.md §4, the straddling rule, and the plain punctuation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.segments import GSM_BASIC, GSM_EXTENSION, plain_punctuation, segments


@pytest.mark.parametrize(
    ("text", "alphabet", "count"),
    [
        ("a" * 160, "GSM-7", 1),
        ("a" * 161, "GSM-7", 2),
        ("a" * 306, "GSM-7", 2),
        ("a" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1),
        ("€" * 81, "GSM-7", 2),
        ("’" * 70, "UCS-2", 1),
        ("’" * 71, "UCS-2", 2),
        ("😀" * 35, "UCS-2", 1),
        ("😀" * 36, "UCS-2", 2),
        ("Hi £5 – see you", "UCS-2", 1),
        ("naïve", "UCS-2", 1),
        ("£éàÜöñ", "GSM-7", 1),
        ("x" * 1600, "GSM-7", 11),
        ("ж" * 1600, "UCS-2", 24),
        ("", "GSM-7", 0),
    ],
)
def test_every_row_of_the_table_is_counted(text: str, alphabet: str, count: int) -> None:
    result = segments(text)
    assert (result.alphabet, result.count) == (alphabet, count)


def test_a_two_septet_character_does_not_straddle_an_edge() -> None:
    # 152 + € leaves one septet of the first segment unused, so the rest needs a third.
    assert segments("a" * 152 + "€" + "a" * 151).count == 2
    assert segments("a" * 152 + "€" + "a" * 152).count == 3


def test_a_surrogate_pair_does_not_straddle_an_edge() -> None:
    assert segments("ж" * 66 + "😀" + "ж" * 65).count == 2
    assert segments("ж" * 66 + "😀" + "ж" * 66).count == 3


def test_the_gsm_alphabet_has_its_documented_size() -> None:
    assert (len(GSM_BASIC), len(GSM_EXTENSION)) == (127, 10)  # 128 positions, one of them the escape


def test_curly_quotes_and_dashes_become_plain_so_the_text_stays_gsm() -> None:
    text = plain_punctuation("“Don’t worry” – we’re here…")
    assert text == "\"Don't worry\" - we're here..."
    assert segments(text).alphabet == "GSM-7"


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=700))
def test_no_segment_is_over_full_and_none_is_missing(text: str) -> None:
    result = segments(text)
    single, joined = (160, 153) if result.alphabet == "GSM-7" else (70, 67)
    if result.units <= single:
        assert result.count == (1 if text else 0)
    else:
        # At most one unit is wasted in each segment but the last.
        assert joined * result.count >= result.units > (joined - 1) * (result.count - 1)


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",))))
def test_plain_punctuation_leaves_plain_text_alone(text: str) -> None:
    once = plain_punctuation(text)
    assert plain_punctuation(once) == once
