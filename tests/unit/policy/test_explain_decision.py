"""`hub explain decision`: liberal in spelling, strict in what it concludes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.explain.decision import explain_line, human
from hub.explain.facts import read_facts
from hub.model.permission import Reason

BASE: dict[str, Any] = {
    "country": "GB",
    "address": "verified",
    "suppressions": [],
    "selection": "declared_interest",
    "flags": {"restricted": False, "objections": [], "erasure": "none", "deceased": False, "age": 34, "age_confirmed": True},
    "content": {
        "promo": False,
        "pom": False,
        "pressure": False,
        "health_terms": False,
        "books_u18_procedure": False,
        "identity_ok": True,
        "optout_ok": True,
        "images_ok": True,
        "interests": ["skincare"],
    },
    "env": {
        "now": "2026-11-24T11:00:00Z",
        "store_healthy": True,
        "paused": False,
        "route_ok": True,
        "local_zone": "Europe/London",
        "marketing_sent_7d": 0,
        "marketing_sent_30d": 0,
        "campaign_already_sent": False,
    },
}
OPEN = {"state": "OPEN", "last_inbound_at": "2026-11-24T09:00:00Z", "consecutive_outbound": 0}
CONSENT = {
    "id": "c1",
    "purpose": "promotion",
    "channel": "email",
    "interests": ["skincare"],
    "given_at": "2026-03-01T00:00:00+00:00",
    "confirmed": True,
    "proven": True,
    "ended": False,
    "wording": "news@1/en",
}
NEWS = {**BASE, "kind": "MKT", "channel": "email", "purpose": "promotion", "consents": [CONSENT]}
SALE = dict.fromkeys(
    (
        "same_entity",
        "completed_sale",
        "offered_at_collection",
        "offered_every_message",
        "similar_category",
        "not_refused",
        "non_health_audience",
    ),
    True,
) | {"enabled": True, "sale_id": "s1"}


def ask(**line: Any) -> dict[str, Any]:
    return explain_line(json.dumps({**BASE, **line}))


def test_a_reply_within_its_window_is_allowed() -> None:
    assert ask(kind="RPL", channel="whatsapp", invitation=OPEN) == {
        "outcome": "ALLOW",
        "reason": "ALLOW",
        "gate": 26,
        "proofs": ["ground=invitation", "state=OPEN", "since=2026-11-24T09:00:00+00:00"],
        "retry_at": None,
    }


@pytest.mark.parametrize("kind", ["RPL", "rpl", " Rpl "])
@pytest.mark.parametrize("channel", ["email", "E-Mail", "EMAIL", "mail"])
def test_names_are_taken_in_any_usual_spelling(kind: str, channel: str) -> None:
    assert ask(kind=kind, channel=channel, invitation=OPEN)["outcome"] == "ALLOW"


def test_members_of_flags_and_env_may_stand_at_the_top() -> None:
    flat = {**BASE, **BASE["flags"], **BASE["env"], "kind": "RPL", "channel": "sms", "invitation": "open"}
    del flat["flags"], flat["env"]
    flat |= {"last_inbound_at": "2026-11-24T09:00:00Z", "consecutive_outbound": "0"}
    assert explain_line(json.dumps(flat))["outcome"] == "ALLOW"


def test_a_bare_state_without_its_times_is_not_enough() -> None:
    assert ask(kind="RPL", channel="email", invitation="OPEN")["reason"] == "NO_INVITATION"


@pytest.mark.parametrize("line", [{"kind": "promo", "channel": "sms"}, {"kind": "RPL", "channel": "pigeon"}, {"kind": None}, {}])
def test_an_unknown_kind_or_channel_is_bad_input(line: dict[str, Any]) -> None:
    assert ask(**line)["reason"] == "BAD_INPUT"


def test_a_question_without_a_time_is_bad_input() -> None:
    env = {**BASE["env"], "now": "2026-11-24T11:00:00"}  # no offset: no moment
    assert ask(kind="RPL", channel="sms", invitation=OPEN, env=env)["reason"] == "BAD_INPUT"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (["CHANNEL(sms)"], "STOP_CHANNEL"),
        (["channel( SMS )"], "STOP_CHANNEL"),
        (["CHANNEL(email)"], "ALLOW"),
        (["ALL_MARKETING"], "ALLOW"),
        (["all-contact"], "STOP_ALL"),
        ([{"scope": "CHANNEL", "channel": "sms", "at": "2026-11-24T10:00:00Z"}], "STOP_CHANNEL"),
        ([{"scope": "CHANNEL", "channel": "sms", "at": "2026-11-23T10:00:00Z"}], "ALLOW"),  # the person wrote after it
        ([{"scope": "CHANNEL", "at": "2026-11-24T10:00:00Z"}], "STOP_CHANNEL"),
        (["CHANNEL(pigeon)"], "STOP_ALL"),
        (["EVERYTHING"], "STOP_ALL"),
        ("unknown", "STOP_ALL"),
        (None, "STOP_ALL"),
    ],
)
def test_suppressions_are_read_or_taken_as_a_stop(given: object, reason: str) -> None:
    assert ask(kind="RPL", channel="sms", invitation=OPEN, suppressions=given)["reason"] == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "ALLOW"),
        ({"proven": None}, "CONSENT_UNPROVEN"),
        ({"confirmed": "unknown"}, "CONSENT_UNCONFIRMED"),
        ({"given_at": "long ago"}, "CONSENT_UNPROVEN"),
        ({"ended": None}, "NO_CONSENT"),
        ({"status": "withdrawn"}, "NO_CONSENT"),
        ({"channel": "sms"}, "NO_CONSENT"),
        ({"interests": []}, "NOT_RELEVANT"),
    ],
)
def test_a_consent_counts_only_as_far_as_it_can_be_read(changes: dict[str, Any], reason: str) -> None:
    assert explain_line(json.dumps({**NEWS, "consents": [{**CONSENT, **changes}]}))["reason"] == reason


def test_the_soft_opt_in_stands_where_the_line_switches_it_on() -> None:
    sold = {**NEWS, "consents": [], "selection": "retail_sale"}
    assert explain_line(json.dumps({**sold, "soft_optin": SALE}))["proofs"] == ["ground=soft_optin", "sale=s1"]
    assert explain_line(json.dumps({**sold, "soft_optin": {**SALE, "enabled": False}}))["reason"] == "NO_CONSENT"
    assert explain_line(json.dumps({**sold, "soft_optin": {**SALE, "similar_category": "maybe"}}))["reason"] == "NO_SOFT_OPTIN"
    assert explain_line(json.dumps({**sold, "soft_optin": SALE, "consents": ["?"]}))["outcome"] == "REFUSE"


def test_a_postponement_says_when() -> None:
    result = explain_line(json.dumps({**NEWS, "env": {**BASE["env"], "now": "2026-11-24T22:30:00Z"}}))
    assert (result["reason"], result["retry_at"]) == ("QUIET", "2026-11-25T09:00:00+00:00")
    assert "Ask again at 2026-11-25T09:00:00+00:00" in human(result)


@pytest.mark.parametrize("word", ["unknown", "", None, [], {}, 7])
def test_an_unreadable_flag_refuses(word: object) -> None:
    for name in ("restricted", "deceased"):
        flags = {**BASE["flags"], name: word}
        assert ask(kind="RPL", channel="sms", invitation=OPEN, flags=flags)["outcome"] == "REFUSE"


def test_an_acknowledgement_of_unknown_date_counts_as_just_sent() -> None:
    answered = {**OPEN, "inbound_automatic": False, "last_ack_at": "unknown"}
    assert ask(kind="ACK", channel="email", invitation=answered)["reason"] == "ACK_USED"
    assert ask(kind="ACK", channel="email", invitation={**answered, "last_ack_at": None})["outcome"] == "ALLOW"


@pytest.mark.parametrize("line", ["{", "", "nonsense", "[" * 100_000, "[]", "7", '"RPL"', "null"])
def test_a_line_that_is_no_object_is_an_error_in_words(line: str) -> None:
    assert explain_line(line)["error"].startswith("This line is ")
    with pytest.raises(ValueError, match="This line is "):
        read_facts(line)
    assert "could not be read" in human(explain_line(line))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["yes", "OPEN", "2026-11-24T11:00:00Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted({*BASE, *BASE["env"], *OPEN})), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["kind", "channel", "invitation", "consents", "now", *BASE]), JSON)
def test_no_value_in_any_place_makes_it_fail(place: str, value: object) -> None:
    result = explain_line(json.dumps({**NEWS, "invitation": OPEN, place: value}))
    assert Reason(result["reason"])
    assert human(result)
