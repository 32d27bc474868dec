"""Hostile mail: bounded in time and memory, never an exception but the declared one, and no text lost."""

from __future__ import annotations

import time
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

H = b"From: a@b.example\r\nTo: c@d.example\r\n"
MULTIPART = H + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
REPORT = H + b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n"
ROBOT = b"From: MAILER-DAEMON@x.example\r\nSubject: failure notice\r\n\r\nThis is the qmail-send program at x\r\n"


def fill(piece: bytes, size: int) -> bytes:
    return piece * (size // len(piece))


def nested(levels: int) -> bytes:
    out = [H + b'Content-Type: multipart/mixed; boundary="b0"\r\n\r\n']
    out += [b'--b%d\r\nContent-Type: multipart/mixed; boundary="b%d"\r\n\r\n' % (i, i + 1) for i in range(levels)]
    return b"".join([*out, b"--b%d\r\n\r\ninnermost text\r\n" % levels])


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "encoded words in the subject": lambda n: H + b"Subject: " + fill(b"=?utf-8?q?=41?= ", n) + b"\r\n\r\nhi",
    "folded encoded words": lambda n: H + b"Subject: " + fill(b"=?utf-8?q?=41?=\r\n ", n) + b"\r\n\r\nhi",
    "parameter continuations": lambda n: (
        H + b"Content-Type: text/plain" + b"".join(b";\r\n n*%d=a" % i for i in range(n // 14)) + b"\r\n\r\nhi"
    ),
    "nested multiparts": lambda n: nested(n // 60),
    "tiny parts": lambda n: MULTIPART + fill(b"--b\r\n\r\nx\r\n", n),
    "near misses of a boundary": lambda n: MULTIPART + fill(b"--bx\r\n", n),
    "nested near misses": lambda n: nested(19) + fill(b"\r\n--b0x--b1x", n),
    "header fields": lambda n: H + fill(b"X-A: b\r\n", n) + b"\r\nhi",
    "one folded header": lambda n: H + b"X-A: a" + fill(b"\r\n a", n) + b"\r\n\r\nhi",
    "no structure at all": lambda n: fill(b"a", n),
    "carriage returns": lambda n: fill(b"X: y\r", n),
    "comments in From": lambda n: b"From: " + fill(b"(", n) + b"\r\n\r\nhi",
    "addresses": lambda n: b"From: a@b\r\nTo: " + fill(b"a@b,", n) + b"\r\n\r\nhi",
    "short lines": lambda n: H + b"\r\n" + fill(b"a\r\n", n),
    "lines like an intro": lambda n: H + b"\r\n" + fill(b"On 1 a@b wrote x\r\n", n),
    "lines like a block": lambda n: H + b"\r\n" + fill(b"From: 1\r\nTo: 2\r\n\r\n", n),
    "flowed text": lambda n: H + b"Content-Type: text/plain; format=flowed\r\n\r\n" + fill(b"a \r\n", n),
    "quoted-printable": lambda n: H + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + fill(b"= ", n),
    "base64 file": lambda n: (
        H + b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + fill(b"A" * 76 + b"\r\n", n)
    ),
    "uuencoded": lambda n: H + b"Content-Transfer-Encoding: x-uuencode\r\n\r\n" + fill(b"#86)C\r\n", n),
    "bytes of no charset": lambda n: H + b"\r\n" + fill(bytes(range(128, 256)), n),
    "lone surrogates": lambda n: H + b"Content-Type: text/plain; charset=utf-7\r\n\r\n" + fill(b"+2AA-", n),
    "html": lambda n: H + b"Content-Type: text/html\r\n\r\n" + fill(b"<p>a</p>", n),
    "html nested": lambda n: H + b"Content-Type: text/html\r\n\r\n" + fill(b"<div>a", n),
    "html unclosed": lambda n: H + b"Content-Type: text/html\r\n\r\n" + fill(b"<a <b", n),
    "html in many parts": lambda n: MULTIPART + fill(b"--b\r\nContent-Type: text/html\r\n\r\n" + fill(b"<p>a", 100_000) + b"\r\n", n),
    "report blocks": lambda n: REPORT + b"--b\r\nContent-Type: message/delivery-status\r\n\r\n" + fill(b"Action: failed\r\n\r\n", n),
    "report of nonsense": lambda n: REPORT + b"--b\r\nContent-Type: message/delivery-status\r\n\r\n" + fill(b"xx\r\n", n),
    "bounce text": lambda n: ROBOT + fill(b"<a@b.example>: mailbox for \r\n", n),
}
MB = 1024 * 1024


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_mail_costs_little_time_and_memory(make: Callable[[int], bytes]) -> None:
    raw = make(6 * MB)
    began = time.process_time()
    read_mail(raw)
    assert time.process_time() - began < 1.0  # 25 MB under 2 s, with room for a slow machine
    tracemalloc.start()
    read_mail(make(MB))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * MB + 4 * MB  # what was cut at fixed bounds does not grow with the mail


@pytest.mark.parametrize(
    "name", ["nested multiparts", "tiny parts", "near misses of a boundary", "short lines", "lines like an intro", "bounce text"]
)
def test_time_grows_in_step_with_size(name: str) -> None:
    def cost(size: int) -> float:
        raw = HOSTILE[name](size)
        best = 9.0
        for _ in range(2):
            began = time.process_time()
            read_mail(raw)
            best = min(best, time.process_time() - began)
        return best

    assert cost(8 * MB) < 12 * cost(2 * MB) + 0.1


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
