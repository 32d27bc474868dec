"""`hub explain mail` tells where a mail would go, from its words and its mailbox alone."""

from __future__ import annotations

import pytest

from hub.explain import mail

HEAD = "From: Amy <amy@example.org>\r\nTo: {to}\r\nSubject: {subject}\r\n{more}\r\n{text}\r\n"


def route(to: str = "hello@clinic.example", subject: str = "Lips", text: str = "How much?", more: str = "") -> dict[str, object]:
    [found] = mail.explain(HEAD.format(to=to, subject=subject, text=text, more=more).encode())["routes"]
    return dict(found)


@pytest.mark.parametrize(
    ("to", "text", "goes", "case", "stops"),
    [
        ("hello@clinic.example", "How much?", "conversation", None, False),
        ("hello@clinic.example", "please stop emailing me", "conversation", None, True),
        ("stop@clinic.example", "", "conversation", None, True),
        ("data@clinic.example", "Hello", "conversation", "unclear", False),
        ("data@clinic.example", "a copy of my data please", "conversation", "access", False),
        ("data@clinic.example", "STOP", "conversation", None, True),
    ],
)
def test_a_mail_goes_where_its_mailbox_and_its_words_say(to: str, text: str, goes: str, case: str | None, stops: bool) -> None:
    found = route(to=to, text=text)
    assert (found["goes"], found["case"], bool(found["suppress"])) == (goes, case, stops)
    assert found["stays_with_the_address"] == stops  # nobody vouches for these


def test_a_robot_begins_no_conversation() -> None:
    assert route(more="Auto-Submitted: auto-replied\r\n")["goes"] == "known_thread_only"


@pytest.mark.parametrize("prefix", ["Re: ", "AW: ", "Fwd: ", "回复：", "Re[2]: "])
def test_a_subject_somebody_answers_is_not_theirs(prefix: str) -> None:
    assert route(subject=f"{prefix}unsubscribe")["suppress"] == []
    assert route(subject="unsubscribe")["suppress"]
