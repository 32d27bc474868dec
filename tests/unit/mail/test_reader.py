"""Reading mail as people and programs send it: names, texts, charsets, files, threads."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mail.reader import read_mail
from channels.mail.site import Envelope
from tests.unit.mail.letters import HEAD, raw, read

MIXED = 'Content-Type: multipart/mixed; boundary="b"\n'
ALTERNATIVE = 'Content-Type: multipart/alternative; boundary="b"\n'


def test_the_parties_and_times_of_a_mail_are_read() -> None:
    mail = read_mail(
        raw(
            'From: "O\'Neil, Amy" <Amy.ONeil@Example.org>\n'
            'To: Clinic <hello@clinic.example>, "Second" <two@clinic.example>\nCc: three@clinic.example\n'
            "Reply-To: other@example.org\nDelivered-To: reply+8f3c.x@in.clinic.example\n"
            "Subject: =?utf-8?q?caf=C3=A9?= =?utf-8?q?_and?= more\n"
            "Date: Tue, 1 Sep 2026 10:00:00 +0100\nMessage-ID: <a@b.example>\nIn-Reply-To: <p@c.example>\n"
            "References: <o@c.example>\n <p@c.example>\n"
            "Content-Language: en-GB\n",
            "hello\n",
        ),
        envelope=Envelope(sender="bounce@example.org", recipients=("env@in.clinic.example",)),
    )
    assert mail.sender is not None
    assert (mail.sender.name.reveal(), mail.sender.address.reveal(), mail.from_count) == ("O'Neil, Amy", "Amy.ONeil@Example.org", 1)
    assert [p.name.reveal() for p in mail.to] == ["Clinic", "Second"]
    assert [r.reveal() for r in mail.recipients][:3] == ["env@in.clinic.example", "reply+8f3c.x@in.clinic.example", "hello@clinic.example"]
    assert mail.reply_to[0].address.reveal() == "other@example.org"
    assert mail.subject.reveal() == "café and more"
    assert mail.date == datetime(2026, 9, 1, 9, 0, tzinfo=UTC)
    assert (mail.message_id, mail.in_reply_to, mail.references) == ("a@b.example", ("p@c.example",), ("o@c.example", "p@c.example"))
    assert mail.language_hint == "en-GB"


@pytest.mark.parametrize(
    ("value", "name", "address"),
    [
        ("amy@example.org", "", "amy@example.org"),
        ("<amy@example.org>", "", "amy@example.org"),
        ("Amy (at work) <amy@example.org>", "Amy", "amy@example.org"),
        ("amy@example.org (Amy)", "", "amy@example.org"),
        ("=?gb2312?B?1tC5+g==?= <amy@example.org>", "中国", "amy@example.org"),
        ('"=?utf-8?q?Am=C3=A9lie?=" <amy@example.org>', "Amélie", "amy@example.org"),
        ('"quoted \\" name" <amy@example.org>', 'quoted " name', "amy@example.org"),
        ('"odd local"@example.org', "", '"odd local"@example.org'),
        ("Amy amy@example.org", "Amy", "amy@example.org"),
        ("Amy: amy@example.org;", "", "amy@example.org"),
        ("Amy\r\n <amy@example.org>", "Amy", "amy@example.org"),
    ],
)
def test_a_from_header_is_read(value: str, name: str, address: str) -> None:
    mail = read_mail(f"From: {value}\r\n\r\nx".encode())
    assert mail.sender is not None
    assert mail.sender.address.reveal() == address
    assert mail.sender.name.reveal() == name


CHARSETS = [
    ("gb2312", "你好，请问做一次多少钱？谢谢", "gb18030"),
    ("iso-8859-1", "It’s £300 – “fine”", "cp1252"),
    ("iso-8859-1", "Grüße aus Köln, schöne Straße", "utf-8"),
    ("us-ascii", "naïve café", "cp1252"),
    ("big5", "請問預約時間，謝謝您", "big5"),
    ("x-unknown", "你好，我想预约下个星期的时间", "gb18030"),
    ("unknown-8bit", "Здравствуйте, сколько стоит приём?", "cp1251"),
    ("", "Здравствуйте, сколько стоит приём?", "koi8-r"),
    ("", "こんにちは、予約をお願いします。", "cp932"),
    ("", "안녕하세요 예약하고 싶습니다 비용이 얼마인가요", "cp949"),
    ("iso-2022-jp", "こんにちは、予約をお願いします。", "iso-2022-jp"),
    ("ks_c_5601-1987", "안녕하세요", "cp949"),
    ("utf-7", "Grüße", "utf-7"),
    ("punycode", "Grüße", "utf-8"),
    ("iso-8859-2", "Zażółć gęślą jaźń", "iso8859-2"),
    ("windows-1256", "مرحبا، كم السعر؟", "cp1256"),
    ("iso-8859-9", "Şimdi randevu istiyorum", "cp1254"),
]


@pytest.mark.parametrize(("label", "text", "codec"), CHARSETS)
def test_mislabelled_text_is_read(label: str, text: str, codec: str) -> None:
    kind = f"Content-Type: text/plain; charset={label}\n" if label else "Content-Type: text/plain\n"
    assert read(kind, text.encode(codec)).text.reveal() == text


def test_ascii_labelled_as_wide_text_is_read() -> None:
    assert read("Content-Type: text/plain; charset=utf-16\n", "hello").text.reveal() == "hello"


def test_html_may_name_its_charset_itself() -> None:
    page = '<html><head><meta http-equiv="Content-Type" content="text/html; charset=big5"></head><body>請問預約時間</body></html>'
    assert read("Content-Type: text/html\n", page.encode("big5")).text.reveal() == "請問預約時間"


def test_lone_surrogates_are_kept_out() -> None:
    mail = read_mail(b"From: a@b.example\r\nSubject: =?utf-7?q?+2AA-?=\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n+2AA- hi")
    assert mail.text.reveal().encode("utf-8").endswith(b"hi")
    assert mail.subject.reveal().encode("utf-8")


def test_a_broken_byte_costs_one_character_only() -> None:
    text = read("Content-Type: text/plain; charset=utf-8\n", "schön ".encode() + b"\xff" + " grün".encode()).text.reveal()
    assert text.startswith("schön")
    assert text.endswith("grün")


def test_html_only_mail_becomes_text_without_what_is_hidden() -> None:
    mail = read(
        "Content-Type: text/html; charset=utf-8\n",
        "<html><head><title>T</title><style>p{}</style></head><body><script>x()</script><p>Hello&nbsp;there</p>"
        '<div style="display:none">preheader</div><p hidden>secret</p><table><tr><td>Name</td><td>Amy</td></tr></table>'
        "<ul><li>one<li>two</ul></body></html>",
    )
    text = mail.text.reveal()
    assert "Hello there" in text
    assert "Name Amy" in text
    assert "one" in text
    assert not any(word in text for word in ("preheader", "secret", "x()", "p{}"))


@pytest.mark.parametrize(
    "quote",
    [
        '<div class="gmail_quote">On Tue wrote:<blockquote>OLD</blockquote></div>',
        '<blockquote type="cite">OLD</blockquote>',
        '<div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> x</div><div>OLD</div>',
        '<div class="yahoo_quoted">OLD</div>',
        '<div class="moz-cite-prefix">On 1/9 Clinic wrote:</div><blockquote type="cite" cite="mid:x">OLD</blockquote>',
    ],
)
def test_quotations_in_html_are_folded_and_kept(quote: str) -> None:
    mail = read("Content-Type: text/html; charset=utf-8\n", f"<p>Yes please</p>{quote}")
    assert mail.own_text.reveal() == "Yes please"
    assert "OLD" in mail.text.reveal()


def test_a_plain_part_that_says_nothing_gives_way_to_the_html() -> None:
    body = (
        "--b\nContent-Type: text/plain\n\nYour client does not show HTML.\n--b\nContent-Type: text/html\n\n"
        "<p>How much is it, and when can I come in?</p>\n--b--\n"
    )
    mail = read(ALTERNATIVE, body)
    assert mail.text.reveal() == "How much is it, and when can I come in?"
    assert "plain_part_says_nothing" in mail.notes


def test_a_short_plain_part_that_says_the_same_stays() -> None:
    mail = read(
        ALTERNATIVE, "--b\nContent-Type: text/plain\n\nYes *please*\n--b\nContent-Type: text/html\n\n<p>Yes <b>please</b></p>\n--b--\n"
    )
    assert mail.text.reveal() == "Yes *please*"
    assert mail.html is not None


def test_flowed_text_is_unwrapped() -> None:
    mail = read("Content-Type: text/plain; format=flowed\n", "one \ntwo\n> quoted \n> line\n-- \nsig\n")
    assert mail.text.reveal().startswith("one two\n> quoted")
    assert mail.own_text.reveal() == "one two"


def test_a_multipart_without_boundary_shows_its_raw_text() -> None:
    for kind in ("Content-Type: multipart/mixed\n", "Content-Type: multipart/mixed; boundary=nowhere\n"):
        mail = read(kind, "hello from nowhere\n")
        assert "hello from nowhere" in mail.text.reveal()
        assert "multipart_without_parts" in mail.notes


def test_files_are_listed_sniffed_and_hashed() -> None:
    png = base64.b64encode(b"\x89PNG\r\n\x1a\nrest").decode()
    body = (
        "--b\nContent-Type: text/plain\n\nsee files\n"
        f'--b\nContent-Type: image/jpeg; name="../../face.jpg"\nContent-Transfer-Encoding: base64\n'
        f"Content-Disposition: attachment\n\n{png}\n"
        f"--b\nContent-Type: image/png\nContent-ID: <logo@x>\nContent-Transfer-Encoding: base64\n\n{png}\n"
        "--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename*0*=utf-8''r%C3%A9; filename*1=sum.pdf\n\n%PDF-1.4\n"
        "--b\nContent-Type: text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\nEND:VCALENDAR\n--b--\n"
    )
    mail = read(MIXED, body)
    found = [(a.name.reveal(), a.declared_type, a.sniffed_type, a.inline) for a in mail.attachments]
    assert found == [
        ("face.jpg", "image/jpeg", "image/png", False),
        ("file", "image/png", "image/png", True),
        ("résum.pdf", "application/pdf", "application/pdf", False),
        ("file", "text/calendar", "text/calendar", False),
    ]
    assert mail.attachments[1].content_id == "logo@x"
    assert mail.attachments[0].size == len(mail.attachments[0].content.reveal()) == 12
    assert mail.text.reveal() == "see files"


@pytest.mark.parametrize(
    ("head", "body", "why"),
    [
        ('Content-Type: application/ms-tnef; name="winmail.dat"\n', b"\x78\x9f\x3e\x22rest", "tnef"),
        ('Content-Type: application/octet-stream; name="winmail.dat"\n', b"\x78\x9f\x3e\x22rest", "tnef"),
        ("Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\n", b"\x30\x80", "smime"),
    ],
)
def test_what_staff_cannot_open_is_flagged(head: str, body: bytes, why: str) -> None:
    assert [a.unreadable for a in read(head, body).attachments] == [why]


def test_encrypted_mail_is_flagged() -> None:
    body = (
        "--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b\nContent-Type: application/octet-stream\n"
        "\n-----BEGIN PGP MESSAGE-----\n--b--\n"
    )
    mail = read('Content-Type: multipart/encrypted; boundary="b"\n', body)
    assert {a.unreadable for a in mail.attachments} == {"pgp"}
    assert "pgp_inline" in read("", "-----BEGIN PGP MESSAGE-----\nabc\n").notes


def test_a_nested_mail_is_a_file_and_its_headers_are_not_ours() -> None:
    body = "--b\n\nsee below\n--b\nContent-Type: message/rfc822\n\nFrom: MAILER-DAEMON@x.example\nSubject: failure notice\n\nold\n--b--\n"
    mail = read(MIXED, body)
    assert [a.name.reveal() for a in mail.attachments] == ["message.eml"]
    assert mail.kind == "message"


def test_uuencoded_text_is_read() -> None:
    line = binascii.b2a_uu(b"hello").decode()
    assert read("Content-Transfer-Encoding: x-uuencode\n", f"begin 644 a.txt\n{line}`\nend\n").text.reveal() == "hello"


def test_text_outside_the_parts_is_kept() -> None:
    mail = read(MIXED, "before\n--b\n\ninside\n--b--\nafter the end\n")
    kept = mail.text.reveal() + "".join(a.content.reveal().decode() for a in mail.attachments)
    assert all(word in kept for word in ("before", "inside", "after the end"))


def test_the_same_mail_by_two_ways_has_one_key_and_a_repeated_id_another() -> None:
    one = read("Received: from a\n", "hello\n")
    other_way = read("Received: from b\nReceived: from c\nContent-Transfer-Encoding: base64\n", base64.b64encode(b"hello\n"))
    assert one.dedupe_key == other_way.dedupe_key
    assert read("", "something else\n").dedupe_key != one.dedupe_key


def test_odd_frames_around_a_mail_are_skipped() -> None:
    for lead in (b"\r\n\r\n", b"From amy@example.org Tue Sep  1 10:00:00 2026\r\n", b"\xef\xbb\xbf"):
        assert read_mail(lead + raw(HEAD, "hi\n")).subject.reveal() == "A question"
    assert read_mail(raw(HEAD, "hi\n").replace(b"\r\n", b"\r")).text.reveal().strip() == "hi"
    assert read_mail(b"").text.reveal() == ""


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60)


@settings(max_examples=60, deadline=None)
@given(subject=texts, body=texts, name=texts)
def test_what_the_standard_library_writes_is_read_back(subject: str, body: str, name: str) -> None:
    message = EmailMessage(policy=SMTP)
    message["From"] = "amy@example.org"
    message["Subject"] = subject
    message.set_content(body)
    message.add_attachment(b"data", maintype="application", subtype="pdf", filename=name)
    mail = read_mail(message.as_bytes())
    assert "".join(mail.subject.reveal().split()) == "".join(subject.split())
    assert "".join(mail.text.reveal().split()) == "".join(body.split())
    assert mail.attachments[0].content.reveal() == b"data"
