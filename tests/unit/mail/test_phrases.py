"""Words and codes of remote servers: protecting words win, contradictions go to staff, names prove nothing."""

from __future__ import annotations

import pytest

from channels.mail import phrases, words
from channels.mail.values import Permanence

P = Permanence


@pytest.mark.parametrize("code", sorted(phrases.HARD_CODES))
def test_the_codes_of_a_missing_mailbox_suppress(code: str) -> None:
    said = phrases.judge(action="failed", status=code, diagnostic="")
    assert (said.permanence, said.suppress) == (P.HARD, True)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("5.2.2", P.FULL), ("4.2.2", P.FULL), ("5.2.3", P.POLICY), ("5.3.4", P.POLICY), ("5.7.1", P.POLICY), ("5.7.515", P.POLICY),
        ("4.4.1", P.SOFT), ("4.1.1", P.SOFT), ("5.0.0", P.UNKNOWN), ("5.4.1", P.UNKNOWN), ("", P.UNKNOWN),
    ],
)  # fmt: skip
def test_other_codes_never_suppress(code: str, kind: Permanence) -> None:
    said = phrases.judge(action="failed", status=code, diagnostic="")
    assert (said.permanence, said.suppress) == (kind, False)


@pytest.mark.parametrize(
    ("diagnostic", "kind"),
    [
        ("550 5.1.1 User unknown", P.HARD),
        ("550 User unknown", P.HARD),
        ("antispam.mx.example.org said: 550 5.1.1 User unknown", P.HARD),
        ("550 5.1.1 <full.house.quota@example.org>: User unknown", P.HARD),
        ("550 5.1.1 User unknown (mailbox full)", P.FULL),
        ("550 User unknown, try again later", P.UNKNOWN),
        ("450 4.1.1 User unknown", P.UNKNOWN),
        ("550 5.7.1 User unknown", P.UNKNOWN),
        ("552 5.2.2 User unknown", P.UNKNOWN),
        ("550 5.2.1 account is full", P.FULL),
        ("554 5.0.0 Service unavailable", P.UNKNOWN),
        ("421 4.7.0 Temporary failure", P.SOFT),
        ("552 sorry, that message size exceeds my databytes limit", P.POLICY),
        ("554 our server does not accept mail from you", P.UNKNOWN),
        ("535 your password is no longer valid", P.UNKNOWN),
        ("host 5.1.1.7 said: 554 no", P.UNKNOWN),
    ],
)
def test_a_diagnostic_is_read(diagnostic: str, kind: Permanence) -> None:
    said = phrases.judge(action="failed", status="", diagnostic=diagnostic)
    assert (said.permanence, said.suppress) == (kind, kind is P.HARD)


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_only_a_failure_suppresses(action: str) -> None:
    assert not phrases.judge(action=action, status="5.1.1", diagnostic="550 5.1.1 User unknown").suppress


ROWS = words.load("bounce_meanings")["meaning"]


def test_every_row_has_a_source_and_a_meaning() -> None:
    for row in ROWS:
        assert row["source"]
        assert Permanence(row["permanence"]) is not P.UNKNOWN


@pytest.mark.parametrize("row", [r for r in ROWS if r["permanence"] != "hard"], ids=lambda r: str(r["source"]))
def test_no_protecting_phrase_alone_or_with_a_hard_code_ever_suppresses(row: dict[str, object]) -> None:
    for phrase in row["phrases"]:  # type: ignore[attr-defined]
        text = str(phrase).replace("…", "something")
        for status in ("", "5.0.0", "5.1.1"):
            for tail in ("", "; 550 5.1.1 user unknown"):
                assert not phrases.judge(action="failed", status=status, diagnostic=text + tail).suppress, phrase


@pytest.mark.parametrize("row", [r for r in ROWS if r["permanence"] == "hard"], ids=lambda r: str(r["source"]))
def test_hard_phrases_speak_where_codes_say_nothing(row: dict[str, object]) -> None:
    silent = []
    for phrase in row["phrases"]:  # type: ignore[attr-defined]
        said = phrases.judge(action="failed", status="5.0.0", diagnostic=f"550 {str(phrase).replace('…', 'x')}")
        if said.permanence is not P.HARD:
            silent.append(phrase)
    assert silent == []
