"""Mails made to cost a reader time or memory, by what they do, as functions of a size in bytes."""

from __future__ import annotations

from collections.abc import Callable

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
