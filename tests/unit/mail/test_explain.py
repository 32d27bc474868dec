"""`hub explain mail`: the names the documents give, as plain JSON, and a few lines for people."""

from __future__ import annotations

import json
from pathlib import Path

from channels.mail.bounds import DEFAULT_LIMITS
from hub.explain.mail import explain, human

BOUNCES = Path(__file__).parents[2] / "fixtures" / "mail" / "bounces"
LETTER = (
    "From: Amy <amy@example.org>\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\n"
    "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nYes please\r\n\r\n"
    "On 1 Sep 2026, Clinic <a@b.example> wrote:\r\n> old\r\n--b\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\n%PDF-1\r\n--b--\r\n"
)


def test_a_message_is_explained() -> None:
    result = explain(LETTER.encode())
    assert {"kind", "from", "subject", "text", "visible_text", "attachments", "bounce"} <= set(result)
    assert (result["kind"], result["from"], result["subject"]) == ("message", "amy@example.org", "café")
    assert result["visible_text"] == "Yes please"
    assert "> old" in result["text"]
    assert result["attachments"][0]["name"] == "a.pdf"
    assert result["bounce"] is None
    assert json.loads(json.dumps(result)) == result
    assert "message from amy@example.org: café" in human(result)


def test_a_bounce_is_explained() -> None:
    result = explain((BOUNCES / "qmail_no_mailbox.eml").read_bytes())
    assert result["kind"] == "bounce"
    assert (result["bounce"]["recipient"], result["bounce"]["permanence"], result["bounce"]["suppress"]) == (
        "amy@example.org",
        "hard",
        True,
    )
    assert "-> suppress" in human(result)
    assert "-> keep" in human(explain((BOUNCES / "qmail_over_quota.eml").read_bytes()))


def test_a_mail_too_large_is_refused() -> None:
    result = explain(b"x" * (DEFAULT_LIMITS.total_bytes + 1))
    assert set(result) == {"refused"}
    assert human(result).startswith("refused")
