"""However a listed name is dressed up it is found, nothing raises, spans hold, and no text makes the check slow."""

from __future__ import annotations

import tomllib
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.lint_rules import DEFAULT_FOLDER
from hub.model.address import Channel
from hub.policy.lint import Severity, Where
from hub.policy.lint.fold import fold, unleet
from hub.policy.lint.sentences import SENTENCES
from tests.cost import grows_in_step
from tests.unit.lint.tables import lint

_TERMS = [
    term for substance in tomllib.loads((DEFAULT_FOLDER / "medicines.toml").read_text("utf-8"))["substance"] for term in substance["terms"]
]
LATIN = [t["text"] for t in _TERMS if t["text"].isascii() and "*" not in t["text"]]
SPLITTABLE = [t["text"] for t in _TERMS if t["text"] in LATIN and t.get("split", True)]
EVERY = [t["text"] for t in _TERMS if "*" not in t["text"]]
_LEET = {"o": "0", "i": "1", "l": "1", "e": "3", "a": "4", "s": "5", "t": "7", "b": "8"}
_CYRILLIC = dict(zip("aceopxy", "асеорху", strict=True))
_WIDE = {chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)}


def found(text: str) -> bool:
    return lint(f"Ask about {text} here").has("pom")


@pytest.mark.parametrize("term", EVERY)
def test_every_listed_name_is_found_as_listed(term: str) -> None:
    assert found(term)


@given(st.sampled_from(LATIN), st.data())
@settings(max_examples=300, deadline=None)
def test_a_listed_name_is_found_in_any_case_width_accent_and_figure(term: str, data: st.DataObject) -> None:
    figures = sum(c.isdigit() for c in term)
    allowed = sum(c.isalnum() for c in term) // 2 - figures
    out = []
    for c in term:
        how = data.draw(st.sampled_from(["plain", "upper", "wide", "accent", "hidden", "leet"])) if c.isalnum() else "plain"
        if how == "leet" and allowed > 0 and c in _LEET:
            allowed -= 1
            c = _LEET[c]
        out.append({"upper": c.upper(), "wide": _WIDE.get(c, c), "accent": c + "\u0301", "hidden": c + "\u200b"}.get(how, c))
    assert found("".join(out)), "".join(out)


@given(st.sampled_from(SPLITTABLE), st.data())
@settings(max_examples=200, deadline=None)
def test_a_listed_name_is_found_taken_apart(term: str, data: st.DataObject) -> None:
    letters = [c for c in term if c.isalnum()]
    between = st.sampled_from(["", "", " ", ".", "-", "_", "*", "·", "/"])
    text = "".join(c + data.draw(between) for c in letters[:-1]) + letters[-1]
    assert found(text), text


@given(st.sampled_from(LATIN), st.data())
@settings(max_examples=150, deadline=None)
def test_a_listed_name_is_found_with_letters_of_another_script(term: str, data: st.DataObject) -> None:
    words = []
    for word in term.split():
        swapped = [_CYRILLIC.get(c, c) if data.draw(st.booleans()) else c for c in word]
        words.append("".join(swapped) if any(c.isascii() and c.isalpha() for c in swapped) else word)
    assert found(" ".join(words)), words


@given(
    st.text(st.characters(), max_size=120),
    st.sampled_from(list(Channel)),
    st.sampled_from([*EVERY, "20% off", "八折", "hurry", "reply YES"]),
)
@settings(max_examples=300, deadline=None)
def test_any_text_gets_a_report_whose_spans_hold(noise: str, channel: Channel, words: str) -> None:
    text = f"{noise} {words} {noise[::-1]}"
    report = lint(text, channel, subject=noise, preview=words)
    parts = {Where.TEXT: text, Where.SUBJECT: noise, Where.PREVIEW: words}
    for f in report.findings:
        start, end = f.span
        assert 0 <= start <= end <= len(parts[f.where])
        assert f.severity in tuple(Severity)
        assert f.rule in SENTENCES
        assert f.sentence
        assert f.sentence_zh
        if start < end and not f.rule.startswith("link."):
            assert f.words == parts[f.where][start:end]


@given(st.text(st.characters(), max_size=200))
@settings(max_examples=300, deadline=None)
def test_the_folded_view_leads_back_to_the_text(text: str) -> None:
    folded = fold(text)
    assert len(unleet(folded.text)) == len(folded.text)
    for i, c in enumerate(folded.text):
        start, end = folded.original(i, i + 1)
        assert 0 <= start < end <= len(text)
        if c.isascii() and c.isalpha() and text[start].isascii() and text[start].isalpha():
            assert text[start].lower() == c or unicodedata.category(text[start]) == "Lu"


@pytest.mark.parametrize(
    "unit",
    ["stop ", "b.", "b o t o ", "botulinu", "b\u0301\u0302\u0303", "\u200b", "限时优惠", "1/", "£50 ", "http://a.b/?x=",
     "no don't miss special ",
     "filler book. ", "book a consultation filler. ", "reply yes or ", "wrinkle relax ", "вотоx ", "ﷺ", "only 5 a b c ", "{", "【"],
)  # fmt: skip
def test_a_hostile_text_costs_no_more_per_letter_than_a_short_one(unit: str) -> None:
    assert grows_in_step(lambda size: lint((unit * (size // len(unit) + 1))[:size], Channel.SMS), 10_000, 80_000)


def test_a_text_of_a_thousand_faults_gets_a_readable_report() -> None:
    assert len(lint("botox 20% off hurry " * 1000, Channel.SMS).findings) < 200
