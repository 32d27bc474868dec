"""Each rule finds what it must, where it must, and leaves ordinary answers alone."""

from __future__ import annotations

import pytest

from tests.unit.lint.tables import Row, lint, rows

HITS = tuple(rows("hits.txt"))
INNOCENTS = tuple(rows("innocents.txt"))


def covers(outer: tuple[int, int], inner: tuple[int, int]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


@pytest.mark.parametrize("row", HITS, ids=lambda row: f"{row.rules[0]}: {row.text}")
def test_the_words_at_fault_are_found_where_they_stand(row: Row) -> None:
    found = [f for f in lint(row.text, row.channel, kind=row.kind).findings if f.rule == row.rules[0]]
    assert found, "nothing found"
    for start, end in row.spans:
        assert any(covers(f.span, (start, end)) or covers((start, end), f.span) for f in found), found
    for f in found:
        assert f.words == row.text[slice(*f.span)] or f.rule.startswith("link.")
        assert " ".join(f.words.split()) in f.sentence
        assert " ".join(f.words.split()) in f.sentence_zh


@pytest.mark.parametrize("row", INNOCENTS, ids=lambda row: f"{row.rules[0]}: {row.text}")
def test_an_ordinary_text_is_left_alone(row: Row) -> None:
    found = [f for f in lint(row.text, row.channel, kind=row.kind).findings if f.rule.startswith(row.rules)]
    assert [(f.rule, f.words) for f in found if f.rule != "link.unlisted"] == []


def test_the_tables_are_long_enough_to_mean_something() -> None:
    assert len(HITS) >= 150
    assert len(INNOCENTS) >= 100
