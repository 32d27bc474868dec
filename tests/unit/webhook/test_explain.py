"""`hub explain webhook` over every recorded delivery of every adapter: events, refusals, and never a secret."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from channels.registry import ADAPTERS
from hub.explain.webhook import explain, human, path_of, read_headers
from hub.model.message import RawRequest
from tests.contract.samples import NOW, SAMPLES

FIXTURES = Path(__file__).parents[2] / "fixtures"
every_adapter = pytest.mark.parametrize("kind", sorted(ADAPTERS))


def recorded(kind: str, name: str) -> RawRequest:
    case = json.loads((FIXTURES / kind / f"{name}.json").read_text())
    return SAMPLES[kind].sign(case["body"].encode(), case["path"])


@every_adapter
def test_every_recorded_delivery_is_explained_event_by_event(kind: str) -> None:
    sample = SAMPLES[kind]
    for path in sorted((FIXTURES / kind).glob("*.json")):
        answers = explain(recorded(kind, path.stem), sample.account, now=NOW)
        expected = [event["type"] for event in json.loads(path.read_text())["events"]]
        assert [answer["type"] for answer in answers] == expected, path.stem
        shown = json.dumps(answers, ensure_ascii=False) + "".join(human(answer) for answer in answers)
        assert not [secret for secret in sample.secrets if secret in shown]
        assert all(answer["stores"][0] == "journal" for answer in answers)


@every_adapter
def test_what_is_not_signed_is_refused_and_nothing_more_is_said(kind: str) -> None:
    sample = SAMPLES[kind]
    unsigned = sample.with_signature(sample.request(), None)
    assert explain(unsigned, sample.account, now=NOW) == [{"refused": "bad_signature"}]


@every_adapter
def test_a_body_beyond_the_cap_is_not_read(kind: str) -> None:
    sample = SAMPLES[kind]
    large = replace(sample.request(), body=b"x" * (sample.adapter.capabilities.max_body_bytes + 1))
    assert explain(large, sample.account, now=NOW) == [{"refused": "too_large"}]


def test_a_stop_names_what_it_would_stop() -> None:
    (answer,) = explain(recorded("sms_twilio", "stop_by_advanced_opt_out"), SAMPLES["sms_twilio"].account, now=NOW)
    assert ["CHANNEL", "sms"] in answer["recognised"]["suppress"]
    assert ["ALL_MARKETING", None] in answer["recognised"]["suppress"]
    assert "suppressions" in answer["stores"]
    assert "CHANNEL(sms)" in human(answer)


def test_a_signed_body_that_is_none_says_which_rule_it_broke() -> None:
    sample = SAMPLES["whatsapp_meta"]
    (answer,) = explain(sample.request(b"{"), sample.account, now=NOW)
    assert answer["signature"] == "holds"
    assert human(answer).startswith("The signature holds, but")


def test_headers_are_read_as_tools_print_them() -> None:
    lines = ["POST /webhooks/sms HTTP/1.1", "Host: a:80", "X-Twilio-Signature:  abc= ", "", "nonsense"]
    assert read_headers(lines) == {"host": "a:80", "x-twilio-signature": "abc="}


def test_an_address_keeps_every_character_of_its_path_and_query() -> None:
    assert path_of("https://hub.example.org/webhooks/sms?a=%20b#c") == "/webhooks/sms?a=%20b"
    assert path_of("/webhooks/sms") == "/webhooks/sms"
    assert path_of("https://hub.example.org") == "/"
