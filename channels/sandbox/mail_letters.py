"""The mails other people's programs write: enquiries, answers, reports of bounces, complaints. Built by the standard library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage, Message
from email.utils import format_datetime, formataddr
from hashlib import sha256
from typing import Final

from channels.sandbox.doubles import File

_LINK: Final = re.compile(r"<(https://[^>]+|http://127\.0\.0\.1[^>]+|http://localhost[^>]+)>")


def written(
    from_: str,
    to: str,
    subject: str,
    text: str,
    *,
    name: str,
    html: str,
    files: Sequence[File],
    answers: EmailMessage | None,
    sid: str,
    at: datetime,
) -> EmailMessage:
    """What a person's mail program sends; an answer goes where the mail it answers asks, and quotes it."""
    mail = EmailMessage()
    mail["From"] = formataddr((name, from_)) if name else from_
    mail["To"] = str(answers["Reply-To"] or answers["From"]) if answers is not None else to
    mail["Subject"] = " ".join(subject.split())
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{sid}>"
    if answers is not None:
        mail["In-Reply-To"] = str(answers["Message-ID"])
        mail["References"] = f"{answers['References'] or ''} {answers['Message-ID']}".strip()
        text = f"{text}\n\nOn {answers['Date']}, {answers['From']} wrote:\n" + "".join(
            f"> {line}\n" for line in body_of(answers, "plain").splitlines()
        )
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    for file in files:
        kind, _, subtype = file.mime.partition("/")
        mail.add_attachment(file.content, maintype=kind or "application", subtype=subtype or "octet-stream", filename=file.name)
    return mail


def body_of(mail: EmailMessage, kind: str) -> str:
    """The body of one look, "" where the mail has none."""
    part = mail.get_body(preferencelist=(kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""


def one_click_url(mail: Message) -> str | None:
    """The address of one-click unsubscribing; None where the mail does not offer it properly."""
    if "list-unsubscribe=one-click" not in str(mail["List-Unsubscribe-Post"] or "").replace(" ", "").lower():
        return None
    found = _LINK.search(str(mail["List-Unsubscribe"] or ""))
    return found[1] if found else None


def report(raw: bytes, mail_from: str, to: str, status: str, words: str, *, at: datetime) -> bytes:
    """A delivery report to the envelope sender (RFC 3464)."""
    machine = f"Reporting-MTA: dns; mail.sandbox.example\r\n\r\nFinal-Recipient: rfc822; {to}\r\nAction: failed\r\nStatus: {status}\r\n"
    machine += f"Diagnostic-Code: smtp; {words}\r\n"
    about = ("delivery-status", "message/delivery-status", machine)
    return _report("MAILER-DAEMON@mail.sandbox.example", mail_from, "Undelivered Mail Returned to Sender", about, raw, at)


def complaint(raw: bytes, sender: str, to: str, *, at: datetime) -> bytes:
    """A complaint (RFC 5965), as big mailbox providers send it to whom the sender named."""
    machine = f"Feedback-Type: abuse\r\nUser-Agent: Sandbox/1\r\nVersion: 1\r\nOriginal-Rcpt-To: {to}\r\n"
    about = ("feedback-report", "message/feedback-report", machine)
    return _report("feedback@mail.sandbox.example", sender, "Complaint about a message", about, raw, at)


def _report(from_: str, to: str, subject: str, about: tuple[str, str, str], raw: bytes, at: datetime) -> bytes:
    kind, mime, machine = about
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
    name = f"{at.timestamp()}.{sha256(head.encode()).hexdigest()[:16]}@mail.sandbox.example"
    mail = (
        f"From: {from_}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: {format_datetime(at)}\r\nAuto-Submitted: auto-replied\r\n"
        f"Message-ID: <{name}>\r\nReturn-Path: <>\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/report; report-type={kind}; boundary="=_report"\r\n\r\n'
        f"--=_report\r\nContent-Type: text/plain\r\n\r\n{subject}.\r\n"
        f"--=_report\r\nContent-Type: {mime}\r\n\r\n{machine}\r\n"
        f"--=_report\r\nContent-Type: text/rfc822-headers\r\n\r\n{head}\r\n--=_report--\r\n"
    )
    return mail.encode("ascii", "replace")
