"""`hub explain lint`: one line in, one answer out, whatever the line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.explain.lint import explain_line, human


def test_a_line_is_answered_with_rule_span_severity_and_sentence() -> None:
    result = explain_line(json.dumps({"channel": "email", "subject": "Hello", "text": "Only this: 20% off", "locale": "en"}))
    offer = next(f for f in result["findings"] if f["rule"] == "promo.offer")
    assert offer["span"] == [11, 18]
    assert offer["severity"] == "refuse"
    assert offer["reason"] == "MISLABELLED"
    assert offer["sentence"] == "This reads like an offer. Take “20% off” out, then send"
    assert "20% off" in human(result)
    json.dumps(result)


def test_a_plain_answer_has_no_findings() -> None:
    result = explain_line(json.dumps({"channel": "sms", "text": "A consultation is £50"}))
    assert result["findings"] == []
    assert human(result).startswith("Nothing found")


@pytest.mark.parametrize(
    "line",
    ["", "{", "[]", "null", "1", "{}", '{"channel":"fax","text":"a"}', '{"channel":"sms"}', '{"channel":"sms","text":1}',
     '{"channel":["sms"],"text":"a"}', '{"channel":"sms","text":"a","kind":"XXX"}', '{"channel":"sms","text":"a","subject":3}',
     "[" * 100_000],
)  # fmt: skip
def test_a_line_that_cannot_be_read_says_so(line: str) -> None:
    result = explain_line(line)
    assert set(result) == {"error"}
    assert human(result).startswith("This line could not be read")


@given(st.text(max_size=80))
def test_no_line_raises(line: str) -> None:
    assert human(explain_line(line))
