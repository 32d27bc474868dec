"""Small mails for the tests of this folder."""

from __future__ import annotations

from channels.mail.reader import read_mail
from channels.mail.site import Envelope, Site
from channels.mail.values import Mail

HEAD = "From: Amy O'Neil <amy@example.org>\nTo: hello@clinic.example\nSubject: A question\nMessage-ID: <one@example.org>\n"


def raw(head: str, body: str | bytes = "", *, encoding: str = "utf-8") -> bytes:
    """A mail with CRLF line ends from text with unix ones."""
    data = body if isinstance(body, bytes) else body.encode(encoding)
    return (head.rstrip("\n") + "\n\n").encode().replace(b"\n", b"\r\n") + data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def read(head: str, body: str | bytes = "", *, site: Site | None = None, envelope: Envelope | None = None) -> Mail:
    return read_mail(raw(HEAD + head, body), site=site, envelope=envelope)
