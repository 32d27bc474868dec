"""Mail that leaves: read back by the standard library, no header can be smuggled in, signatures hold."""

from __future__ import annotations

import email
import hashlib
import re
from base64 import b64decode
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from functools import cache
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mail import build as out
from channels.mail.build import CompiledMail, Delivery, Layout, OutboundFile, Unsubscribe
from channels.mail.dkim import DkimSigner, relaxed_body
from channels.mail.reader import read_mail
from hub.model.sealed import Sealed

NOW = datetime(2026, 9, 1, 10, 0, tzinfo=UTC)
UNSUBSCRIBE = Unsubscribe(url="https://hub.example.org/u/" + "t" * 60, mailto="stop@in.clinic.example", token="abc.def-_")


def layout(text: str = "Hello", **fields: object) -> Layout:
    return Layout(
        **{"sender_name": "The Clinic", "sender": "hello@clinic.example", "subject": Sealed("Your enquiry"), "text": Sealed(text)} | fields
    )  # type: ignore[arg-type]


def delivery(**fields: object) -> Delivery:
    return Delivery(**{"to": Sealed("amy@example.org"), "message_id": "ob-1@clinic.example", "date": NOW} | fields)  # type: ignore[arg-type]


def parsed(raw: bytes) -> EmailMessage:
    """As the standard library reads it, with the promises every mail of ours keeps."""
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    message = email.message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    assert not [part.defects for part in message.walk() if part.defects]
    return message


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_a_reply_has_its_headers_and_both_texts() -> None:
    answer = delivery(
        to_name=Sealed("Amy O'Neil"),
        reply_to="reply+8f3c.zbtcznukod4wvnsm@in.clinic.example",
        in_reply_to="one@example.org",
        references=out.thread(["zero@example.org"], "one@example.org"),
        unsubscribe=UNSUBSCRIBE,
    )
    message = parsed(out.build(layout("Dear Amy\n\n你好 £300", html=Sealed("<p>Dear Amy, £300</p>"), instance="clinic-1"), answer))
    assert message["From"] == "The Clinic <hello@clinic.example>"
    assert message["To"].addresses[0].addr_spec == "amy@example.org"
    assert message["To"].addresses[0].display_name == "Amy O'Neil"
    assert (message["Message-ID"], message["In-Reply-To"]) == ("<ob-1@clinic.example>", "<one@example.org>")
    assert message["References"] == "<zero@example.org> <one@example.org>"
    assert message["Date"].datetime == NOW
    assert message["X-Hub-Instance"] == "clinic-1"
    assert message["List-Unsubscribe"] == f"<{UNSUBSCRIBE.url}>, <mailto:stop@in.clinic.example?subject=abc.def-_>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message.get_content_type() == "multipart/alternative"
    assert body(message, "plain").rstrip("\n") == "Dear Amy\n\n你好 £300"
    assert "£300" in body(message, "html")


def test_an_automatic_answer_says_so() -> None:
    message = parsed(out.build(layout(), delivery(automatic=True)))
    assert (message["Auto-Submitted"], message["X-Auto-Response-Suppress"]) == ("auto-replied", "All")
    assert parsed(out.build(layout(), delivery()))["Auto-Submitted"] is None


def test_files_travel_with_their_names() -> None:
    file = OutboundFile(name=Sealed("après\r\nX: y.pdf"), mime_type="application/pdf", content=Sealed(bytes(range(256)) * 9))
    message = parsed(out.build(layout(html=Sealed("<p>x</p>")), delivery(files=(file,))))
    attachment = next(iter(message.iter_attachments()))
    assert attachment.get_filename() == "après X: y.pdf"
    assert attachment.get_content() == bytes(range(256)) * 9


def test_a_long_file_name_keeps_its_line_short() -> None:
    file = OutboundFile(name=Sealed("😀" * 300 + ".pdf"), mime_type="nonsense", content=Sealed(b"x"))
    message = parsed(out.build(layout("From now on\nFrom here"), delivery(files=(file,))))
    assert next(iter(message.iter_attachments())).get_content_type() == "application/octet-stream"
    assert body(message, "plain").rstrip("\n") == "From now on\nFrom here"


def test_a_campaign_mail_is_filled_per_person() -> None:
    text = "Dear {{ name }},\n\n" + "long words here " * 12 + "{{name}} {{other}} end \n.\nFrom me "
    compiled = CompiledMail(layout(text, subject=Sealed("For {{name}}"), html=Sealed("<p>Dear {{name}}</p>"), slots=frozenset({"name"})))
    for name in ("Amy", "Zoë <b>&", "王小明" * 30, "a=b = ", ""):
        message = parsed(compiled.fill(delivery(values={"name": Sealed(name)})))
        expected = text.replace("{{ name }}", name).replace("{{name}}", name)
        assert body(message, "plain").rstrip("\n") == expected
        assert message["Subject"].split() == ["For", *name.split()]
        assert "<b>" not in body(message, "html")


def test_a_slot_without_a_value_never_leaves() -> None:
    with pytest.raises(KeyError):
        CompiledMail(layout("Dear {{name}}", slots=frozenset({"name"}))).fill(delivery())


def test_braces_in_a_persons_words_stay_braces() -> None:
    compiled = CompiledMail(layout("{{name}}", slots=frozenset({"name"})))
    assert body(parsed(compiled.fill(delivery(values={"name": Sealed("{{name}}")}))), "plain").strip() == "{{name}}"


@pytest.mark.parametrize(
    "address",
    ["amy", "a b@c.example", "amy@example.org\r\nBcc: x@y.example", "<amy@example.org>", "a,b@c.example", "amÿ@c.example", "@", ""],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"address"):
        out.build(layout(), delivery(to=Sealed(address)))


@pytest.mark.parametrize(
    "bad", ["http://x.example/u", "https://x.example/a b", "https://x.example/<>", "https://x.example/\r\nX: y", "javascript:1"]
)
def test_an_unsubscribe_link_is_https_and_clean(bad: str) -> None:
    with pytest.raises(ValueError, match="unsubscribe"):
        out.build(layout(), delivery(unsubscribe=Unsubscribe(url=bad, mailto="stop@x.example", token="t")))


@pytest.mark.parametrize("bad", ["a b", "a>\r\nX: y", "", "<a@b>", "é@b"])
def test_a_message_id_is_clean(bad: str) -> None:
    for field in ("message_id", "in_reply_to"):
        with pytest.raises(ValueError, match="message id"):
            out.build(layout(), delivery(**{field: bad}))


def test_the_message_id_of_a_row_never_changes() -> None:
    row = UUID(int=5)
    assert out.outbound_message_id(row, "c.example") == out.outbound_message_id(row, "c.example") == f"ob-{row.hex}@c.example"


def test_long_threads_keep_the_first_and_the_latest() -> None:
    ids = [f"m{i}@x" for i in range(50)]
    kept = out.thread(ids, "m49@x")
    assert (len(kept), kept[0], kept[-1], kept[1]) == (20, "m0@x", "m49@x", "m31@x")


anything = st.text(st.characters(exclude_categories=("Cs",)), max_size=120)
NAMES = {"from", "to", "subject", "date", "message-id", "mime-version", "content-type", "content-transfer-encoding", "x-hub-instance"}


@settings(max_examples=80, deadline=None)
@given(name=anything, subject=anything, text=anything, value=anything)
def test_no_text_adds_a_header_or_is_lost(name: str, subject: str, text: str, value: str) -> None:
    compiled = CompiledMail(
        layout(text + "{{v}}", sender_name=name, subject=Sealed(subject + "{{v}}"), slots=frozenset({"v"}), instance=subject or "x")
    )
    raw = compiled.fill(delivery(to_name=Sealed(name), values={"v": Sealed(value)}))
    message = parsed(raw)
    assert {key.lower() for key in message} == NAMES
    wanted = "".join((text.replace("{{v}}", value) + value).replace("\0", "").split())
    assert "".join(body(message, "plain").split()) == wanted or "\x1c" <= min(wanted, default="~") <= "\x1f"
    read = read_mail(raw)
    assert "".join(read.subject.reveal().split()) == "".join(out.one_line(subject.replace("{{v}}", value) + value).split())


@cache
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def signer() -> DkimSigner:
    pem = signing_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return DkimSigner.load(domain="clinic.example", selector="s1", pem=Sealed(pem))


def verified(raw: bytes) -> bool:
    """An independent reading of RFC 6376: line by line, tags from the header, no code shared with the signer."""
    lines = raw.split(b"\r\n")
    end = lines.index(b"")
    fields: list[bytes] = []
    for line in lines[:end]:
        if line[:1] in (b" ", b"\t"):
            fields[-1] += b" " + line
        else:
            fields.append(line)
    relaxed = [(f.split(b":", 1)[0].strip().lower(), b" ".join(f.split(b":", 1)[1].split())) for f in fields]
    signature = relaxed[0][1].decode()
    tags = {k.strip(): "".join(v.split()) for k, v in (tag.split("=", 1) for tag in signature.split(";"))}
    body_lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in lines[end + 1 :]]
    while body_lines and not body_lines[-1]:
        body_lines.pop()
    canonical = b"".join(line + b"\r\n" for line in body_lines)
    if hashlib.sha256(canonical).digest() != b64decode(tags["bh"]):
        return False
    rest, data = relaxed[1:], b""
    for wanted in tags["h"].split(":"):
        at = next((i for i in range(len(rest) - 1, -1, -1) if rest[i][0].decode() == wanted), None)
        if at is not None:
            name, value = rest.pop(at)
            data += name + b":" + value + b"\r\n"
    data += b"dkim-signature:" + re.sub(r"\bb=[^;]*$", "b=", signature).strip().encode()
    try:
        signing_key().public_key().verify(b64decode(tags["b"]), data, padding.PKCS1v15(), SHA256())
    except Exception:
        return False
    return True


def test_a_signature_holds_and_covers_both_list_headers() -> None:
    plain = out.build(layout("Dear  Amy \n\nx\n\n\n", html=Sealed("<p>x</p>")), delivery(unsubscribe=UNSUBSCRIBE, to_name=Sealed("王")))
    raw = signer().sign(plain, NOW)
    assert raw.endswith(plain)
    assert verified(raw)
    message = parsed(raw)
    covered = "".join(str(message["DKIM-Signature"]).split()).partition("h=")[2].partition(";")[0].split(":")
    assert {"from", "list-unsubscribe", "list-unsubscribe-post", "subject", "date", "message-id"} <= set(covered)
    assert covered.count("from") == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Hello", b"Hallo"),
        (b"Your enquiry", b"My enquiry"),
        (b"One-Click", b"Two-Click"),
        (b"Subject:", b"From: evil@x.example\r\nSubject:"),
    ],
)
def test_a_changed_mail_breaks_its_signature(old: bytes, new: bytes) -> None:
    raw = signer().sign(out.build(layout(), delivery(unsubscribe=UNSUBSCRIBE)), NOW)
    assert verified(raw)
    head, body_part = raw.split(b"\r\nFrom:", 1)
    changed = head + b"\r\nFrom:" + body_part.replace(old, new, 1)
    assert changed != raw
    assert not verified(changed)


def test_the_body_hash_of_the_standards_example() -> None:
    """RFC 8463 appendix A gives bh= for this body under relaxed canonicalisation."""
    text = b"Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n"
    assert hashlib.sha256(relaxed_body(text)).digest() == b64decode("2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=")


def test_a_weak_key_is_refused() -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - refused below
    with pytest.raises(ValueError, match="2048"):
        DkimSigner.load(
            domain="clinic.example", selector="s1", pem=Sealed(weak.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        )
