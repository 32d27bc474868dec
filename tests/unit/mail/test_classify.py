"""Who is speaking: people, robots, complaints, loops; and which report is believed."""

from __future__ import annotations

import pytest

from channels.mail import tokens
from channels.mail.reader import read_mail
from channels.mail.site import Envelope, Site
from channels.mail.tokens import Purpose, TokenKeys
from channels.mail.values import MailKind
from hub.model.sealed import Sealed
from tests.unit.mail.letters import raw, read

KEYS = TokenKeys(secrets=(Sealed(b"mail-token-key-01"),))
SITE = Site(
    domains=("in.clinic.example",),
    own_addresses=frozenset({"hello@clinic.example"}),
    instance="clinic-1",
    keys=KEYS,
    form_senders=frozenset({"forms.example", "robot@site.example"}),
)
VERP = tokens.sign_address(Purpose.BOUNCE, "0190abcd", "in.clinic.example", KEYS)
REPLY = tokens.sign_address(Purpose.REPLY, "8f3c", "in.clinic.example", KEYS)

ROBOTS = {
    "auto_submitted": "Auto-Submitted: auto-replied (vacation)\n",
    "auto generated": "Auto-Submitted: auto-generated\n",
    "precedence bulk": "Precedence: bulk\n",
    "precedence auto_reply": "Precedence: auto_reply\n",
    "x-autoreply": "X-Autoreply: yes\n",
    "x-autorespond": "X-Autorespond: Away\n",
    "suppress": "X-Auto-Response-Suppress: All\n",
    "list-id": "List-Id: News <news.shop.example>\n",
    "null sender": "Return-Path: <>\n",
}


@pytest.mark.parametrize("head", ROBOTS.values(), ids=ROBOTS)
def test_the_signs_of_a_robot_are_known(head: str) -> None:
    mail = read(head, "I am away until Monday.")
    assert mail.kind is MailKind.AUTO_REPLY
    assert mail.automatic


@pytest.mark.parametrize(
    "sender", ["mailer-daemon@x.example", "postmaster@x.example", "no-reply@x.example", "noreply@x.example", "do-not-reply@x.example"]
)
def test_mail_from_a_robot_address_is_automatic(sender: str) -> None:
    head = f"From: {sender}\nSubject: News\n"
    assert read_mail(raw(head, "hello")).kind is MailKind.AUTO_REPLY


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Your enquiry",
        "Out of Office: back Monday",
        "自动回复: 你好",
        "Abwesenheitsnotiz: Urlaub",
        "Réponse automatique : absente",
    ],
)
def test_an_away_subject_is_a_sign(subject: str) -> None:
    mail = f"From: amy@example.org\r\nSubject: {subject}\r\n\r\nBack on Monday".encode()
    assert read_mail(mail).kind is MailKind.AUTO_REPLY
    assert read_mail(mail.replace(b"Subject: ", b"Subject: Re: ")).kind is MailKind.MESSAGE


@pytest.mark.parametrize(
    "head", ["Auto-Submitted: no\n", "X-Auto-Response-Suppress: None\n", "Precedence: normal\n", "Return-Path: <amy@example.org>\n", ""]
)
def test_a_person_is_a_person(head: str) -> None:
    mail = read(head, "How much is it?")
    assert (mail.kind, mail.automatic, mail.loop) == (MailKind.MESSAGE, "", False)


def test_the_null_envelope_sender_is_a_sign() -> None:
    assert read("", "away", envelope=Envelope(sender="")).kind is MailKind.AUTO_REPLY
    assert read("", "here", envelope=Envelope(sender="amy@example.org")).kind is MailKind.MESSAGE


def test_a_read_receipt_is_automatic() -> None:
    body = (
        "--b\n\nYour message was read\n--b\nContent-Type: message/disposition-notification\n\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n--b--\n"
    )
    mail = read('Content-Type: multipart/report; report-type=disposition-notification; boundary="b"\n', body)
    assert mail.kind is MailKind.AUTO_REPLY


def test_our_own_mail_come_back_is_a_loop() -> None:
    by_header = read("X-Hub-Instance: clinic-1\n", "hi", site=SITE)
    assert (by_header.kind, by_header.loop) == (MailKind.AUTO_REPLY, True)
    by_sender = read_mail(b"From: Clinic <Hello@Clinic.example>\r\n\r\nhi", site=SITE)
    assert (by_sender.kind, by_sender.loop) == (MailKind.AUTO_REPLY, True)
    assert not read("X-Hub-Instance: other-clinic\n", "hi", site=SITE).loop


def test_a_form_service_the_clinic_listed_speaks_for_a_person() -> None:
    form = b"From: noreply@forms.example\r\nReply-To: amy@example.org\r\nAuto-Submitted: auto-generated\r\n\r\nName: Amy"
    assert read_mail(form, site=SITE).kind is MailKind.MESSAGE
    assert read_mail(form).kind is MailKind.AUTO_REPLY


REPORT = (
    "--b\n\nsorry\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; amy@example.org\n"
    "Action: failed\nStatus: 5.1.1\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <ob-1@clinic.example>\n"
    "X-Hub-Instance: clinic-1\n\nold text\n--b--\n"
)
REPORT_HEAD = 'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n'


def test_a_report_to_our_signed_address_is_believed() -> None:
    mail = read(REPORT_HEAD + f"Delivered-To: {VERP.upper()}\n", REPORT, site=SITE)
    bounce = mail.bounces[0]
    assert (mail.kind, bounce.authentic, bounce.token, bounce.suppress) == (MailKind.BOUNCE, True, "0190abcd", True)
    assert bounce.original_message_id == "ob-1@clinic.example"


def test_a_forged_report_is_read_and_not_believed() -> None:
    for address in (VERP.replace("0190abcd", "0190abce"), REPLY, "hello@clinic.example"):
        mail = read(REPORT_HEAD + f"Delivered-To: {address}\n", REPORT, site=SITE)
        assert mail.kind is MailKind.BOUNCE
        assert not mail.bounces[0].authentic


def test_the_envelope_recipient_carries_the_token_too() -> None:
    mail = read(REPORT_HEAD, REPORT, site=SITE, envelope=Envelope(sender="", recipients=(VERP,)))
    assert mail.bounces[0].token == "0190abcd"


def test_a_reply_names_its_conversation_by_token_then_by_references() -> None:
    mail = read(f"Delivered-To: {REPLY}\nIn-Reply-To: <c@x>\nReferences: <a@x> <b@x> <c@x>\n", "Yes", site=SITE)
    assert (mail.kind, mail.conversation_token) == (MailKind.MESSAGE, "8f3c")
    assert mail.answered_ids == ("c@x", "b@x", "a@x")
    assert read(f"Delivered-To: {VERP}\n", "Yes", site=SITE).conversation_token is None
    assert read(f"Delivered-To: {REPLY}\n", "Yes").conversation_token is None  # no keys, no belief


def test_a_report_without_recipients_is_still_a_bounce() -> None:
    mail = read(REPORT_HEAD, "--b\n\nsorry\n--b\nContent-Type: message/delivery-status\n\nnonsense\n--b--\n")
    assert mail.kind is MailKind.BOUNCE


ARF = (
    "--b\n\nAn abuse report\n--b\nContent-Type: message/feedback-report\n\nFeedback-Type: {kind}\nUser-Agent: X/1\nVersion: 1\n{rcpt}\n"
    "--b\nContent-Type: message/rfc822\n\nReturn-Path: <{verp}>\nFrom: hello@clinic.example\nTo: {to}\n"
    "Message-ID: <ob-1@clinic.example>\n\nold\n--b--\n"
)
ARF_HEAD = 'Content-Type: multipart/report; report-type=feedback-report; boundary="b"\n'


def test_a_complaint_names_the_person_or_our_token() -> None:
    open_report = ARF.format(kind="abuse", rcpt="Original-Rcpt-To: rfc822; amy@example.org\n", verp=VERP, to="amy@example.org")
    mail = read(ARF_HEAD, open_report, site=SITE)
    assert mail.kind is MailKind.COMPLAINT
    assert mail.complaint is not None
    assert mail.complaint.recipient is not None
    assert mail.complaint.recipient.reveal() == "amy@example.org"
    redacted = read(ARF_HEAD, ARF.format(kind="abuse", rcpt="", verp=VERP, to="redacted@redacted.invalid"), site=SITE).complaint
    assert redacted is not None
    assert (redacted.recipient, redacted.tokens, redacted.authentic, redacted.suppress) == (None, ("0190abcd",), True, True)


def test_a_not_spam_report_suppresses_nobody() -> None:
    complaint = read(ARF_HEAD, ARF.format(kind="not-spam", rcpt="", verp="x@y.example", to="amy@example.org"), site=SITE).complaint
    assert complaint is not None
    assert (complaint.feedback_type, complaint.suppress, complaint.authentic) == ("not-spam", False, False)


def test_a_returned_junk_mail_is_a_complaint() -> None:
    junk = (
        "From: staff@hotmail.com\r\nSubject: complaint about message from 203.0.113.7\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        "Content-Type: message/rfc822\r\n\r\nX-HmXmrOriginalRecipient: amy@example.org\r\n"
        "Message-ID: <ob-1@c.example>\r\n\r\nold\r\n--b--\r\n"
    )
    mail = read_mail(junk.encode(), site=SITE)
    assert mail.complaint is not None
    assert mail.complaint.recipient is not None
    assert mail.complaint.recipient.reveal() == "amy@example.org"
