"""Hostile mail: bounded in time and memory, never an exception but the declared one, and no text lost."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mail.bounds import DEFAULT_LIMITS, Limits, MailTooLarge
from channels.mail.html import to_text
from channels.mail.reader import read_mail
from channels.mail.values import Mail
from hub.explain import mail as explain_mail
from tests.cost import grows_in_step
from tests.unit.mail.hostile import HOSTILE, MULTIPART, H, fill, nested

MB = 1024 * 1024


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_mail_costs_little_memory(make: Callable[[int], bytes]) -> None:
    raw = make(MB)
    tracemalloc.start()
    read_mail(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * MB + 4 * MB  # what was cut at fixed bounds does not grow with the mail


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_the_time_of_a_hostile_mail_grows_in_step_with_its_size(make: Callable[[int], bytes]) -> None:
    mails = {size: make(size) for size in (MB, 8 * MB)}
    assert grows_in_step(lambda size: read_mail(mails[size]), MB, 8 * MB)


def everything(mail: Mail) -> str:
    """All that a reader of the hub can get at."""
    files = "".join(a.content.reveal().decode("latin-1") for a in mail.attachments)
    return mail.subject.reveal() + mail.text.reveal() + (mail.html.reveal() if mail.html else "") + files


@pytest.mark.parametrize(
    "raw",
    [
        nested(1000),
        MULTIPART + fill(b"--b\r\n\r\nx\r\n", 100_000) + b"--b\r\n\r\ninnermost text\r\n",
        H + b"Subject: " + fill(b"=?utf-8?q?=41?= ", MB) + b"innermost text\r\n\r\nhi",
        H + fill(b"X-A: b\r\n", 400_000) + b"X-Last: innermost text\r\n\r\nhi",
        H + b"\r\n" + b"word " * 200_000 + b"innermost text",
        H + b"Content-Type: text/html\r\n\r\n" + b"<p>word</p>" * 100_000 + b"innermost text",
    ],
    ids=["nested", "parts", "subject", "fields", "text", "html"],
)
def test_what_a_bound_cuts_off_is_kept_and_noted(raw: bytes) -> None:
    mail = read_mail(raw)
    assert "innermost text" in everything(mail)
    assert mail.notes
    assert mail.sender is not None


def test_a_mail_too_large_is_refused_unread() -> None:
    limits = Limits(total_bytes=1000)
    with pytest.raises(MailTooLarge):
        read_mail(b"x" * 1001, limits=limits)
    assert read_mail(b"x" * 1000, limits=limits).text.reveal()
    assert DEFAULT_LIMITS.total_bytes >= 25 * MB


def test_layout_tricks_in_html_do_not_multiply_text() -> None:
    wide = "<table>" + f"<tr><td>{'a' * 50_000}</td></tr>" + "<tr><td>b</td></tr>" * 3000 + "</table>"
    assert len(to_text(wide, DEFAULT_LIMITS)) < 70_000
    pushed = '<p style="margin-top:100000em;padding-left:90000px">x</p>' + "<ul>" * 200 + "<li>y" * 1000
    assert len(to_text(pushed, DEFAULT_LIMITS)) < 20_000


PIECES = st.sampled_from(
    [
        b"\r\n", b"\n", b"\r", b" ", b"\t", b"--b", b"--b--", b"--b\r\n", b"\r\n\r\n", b";", b":", b",", b"<", b">", b'"', b"(",
        b")", b"=", b"\0", b"\xff",
        b"From: amy@example.org", b"From: ", b"Subject: =?utf-8?b?", b"=?big5?q?=A4?=", b"Content-Type: ",
        b"multipart/mixed; boundary=b", b"multipart/alternative; boundary=b",
        b"multipart/report; boundary=b", b"message/delivery-status", b"message/feedback-report", b"message/rfc822", b"text/html",
        b"text/plain; charset=", b"utf-8", b"gb2312",
        b"utf-7", b"; format=flowed", b"Content-Transfer-Encoding: base64", b"Content-Transfer-Encoding: quoted-printable",
        b"Content-Transfer-Encoding: x-uuencode",
        b"Content-Disposition: attachment; filename*0*=utf-8''%", b"; name*1=", b"Date: Tue, 99 Sep 20261",
        b"Date: Mon, 1 Jan 0000 00:00:00 +9999", b"Message-ID: <a@b>",
        b"Authentication-Results: x; dmarc=pass", b"Final-Recipient: rfc822; a@b", b"Status: 5.1.1", b"Action: failed",
        b"MAILER-DAEMON@x", b"X-Failed-Recipients: a@b.example",
        b"On 1 Sep a@b wrote:", b"> quoted", b"-- \r\n", b"<div class=gmail_quote>", b"<blockquote type=cite>", b"</div>",
        b"<table><tr><td>", b"user unknown", b"mailbox full",
        b"Auto-Submitted: auto-replied", b"begin 644 x", b"=41", b"QUJD", b"hello",
    ]
)  # fmt: skip


@settings(max_examples=250, deadline=None)
@given(st.lists(st.one_of(PIECES, st.binary(max_size=8)), max_size=40).map(b"".join))
def test_any_bytes_are_read_without_an_exception(raw: bytes) -> None:
    result = explain_mail.explain(raw)
    assert result["kind"] in ("message", "bounce", "complaint", "auto_reply")
    explain_mail.human(result)
    for value in (result["text"], result["subject"], result["visible_text"], result["from"] or ""):
        value.encode("utf-8")  # no lone surrogate: such text could not be stored
        assert "\0" not in value


words = st.lists(st.text("abcdefghij", min_size=6, max_size=9), min_size=1, max_size=4, unique=True)
kinds = st.sampled_from(["text/plain", "text/html", "text/enriched", "text/calendar", "application/x-odd", "message/rfc822", "text"])


@settings(max_examples=100, deadline=None)
@given(
    parts=st.lists(st.tuples(kinds, words), min_size=1, max_size=5),
    wrapper=st.sampled_from(["mixed", "alternative", "related", "signed", "encrypted", "report", "odd"]),
    close=st.booleans(),
)
def test_text_that_was_there_is_found_again(parts: list[tuple[str, list[str]]], wrapper: str, close: bool) -> None:
    lines = [f"From: a@b.example\r\nContent-Type: multipart/{wrapper}; boundary=qq\r\n\r\n"]
    lines += [f"--qq\r\nContent-Type: {kind}\r\n\r\n{' '.join(text)}\r\n" for kind, text in parts]
    raw = ("".join(lines) + ("--qq--\r\n" if close else "")).encode()
    found = everything(read_mail(raw))
    assert all(word in found for _, text in parts for word in text)
