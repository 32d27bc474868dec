"""`hub explain optout`: the promised fields, and the sentence for people."""

from __future__ import annotations

import json

import pytest

from hub.explain.optout import explain_line, human


def test_the_answer_has_the_promised_fields() -> None:
    assert explain_line('{"text": "please stop texting me", "channel": "wechat"}') == {
        "label": "OPT_OUT",
        "scope": ["CHANNEL(sms)", "CHANNEL(wechat)", "ALL_MARKETING"],
        "rule_id": "L2.stop_contact",
        "language": "en",
        "matched_span": [7, 19],
    }


def test_the_last_outbound_is_a_kind_or_what_it_offered() -> None:
    assert explain_line('{"text": "no", "last_outbound": "MKT"}')["label"] == "AMBIGUOUS"
    assert explain_line('{"text": "no"}')["label"] == "NONE"
    assert explain_line('{"text": "R", "last_outbound": {"kind": "MKT", "offered": ["R"]}}')["label"] == "OPT_OUT"


@pytest.mark.parametrize(
    "last",
    ['"MKT"', '"mkt"', '"marketing"', '"20% off peels this week"', '{"text": "20% off peels"}', '{"kind": "campaign", "text": "News"}'],
)
def test_what_was_said_last_is_told_by_kind_in_a_word_or_by_its_text(last: str) -> None:
    assert explain_line(f'{{"text": "no", "last_outbound": {last}}}')["label"] == "AMBIGUOUS"
    assert explain_line('{"text": "no", "last_outbound": "See you on Tuesday at three"}')["label"] == "NONE"


def test_a_letter_counts_where_the_last_text_offered_it() -> None:
    told = {"text": "R", "last_outbound": "Fenwick Lane: our skin room is open on Saturdays. Reply R to stop."}
    assert explain_line(json.dumps(told))["label"] == "OPT_OUT"
    assert explain_line(json.dumps(told | {"text": "T"}))["label"] == "NONE"


@pytest.mark.parametrize(
    "line", ["", "nope", "[]", "{}", '{"text": 1}', '{"text": "a", "channel": "pigeon"}', '{"text": "a", "last_outbound": "XYZ"}']
)
def test_a_bad_line_is_answered_with_an_error(line: str) -> None:
    assert explain_line(line)["error"]


@pytest.mark.parametrize(
    "text", ["stop", "no thanks", "delete all my data", "wrong number", "START", "help", "hello", "how do I stop the bleeding"]
)
def test_every_label_has_its_sentence(text: str) -> None:
    sentence = human(explain_line(json.dumps({"text": text})))
    assert sentence.endswith(".")
    assert "{" not in sentence


def test_an_unread_line_has_a_sentence_too() -> None:
    assert human({"error": "not a JSON line"}) == "Not read: not a JSON line."
