"""What leaves by mail, parsed back by the standard library; nothing anybody types becomes a header."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace
from email import message_from_bytes, policy
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import CannotExpress
from channels.mail import letter, outgoing
from channels.mail.account import token_keys
from channels.mail.tokens import open_unsubscribe
from hub.model.message import OutboundMail
from hub.model.sealed import Sealed
from tests.integration.mail_out.letters import account, message

OWN = account(25)


def raw(**given: object) -> bytes:
    found = outgoing.render(message(**given), OWN).fields.reveal()["mail"]  # type: ignore[arg-type]
    assert isinstance(found, bytes)
    return found


@given(text=st.text(max_size=400), subject=st.text(max_size=300))
def test_no_text_and_no_subject_makes_a_header_or_a_long_line(text: str, subject: str) -> None:
    made = raw(text=f"x{text}", subject=subject, news=True)
    assert max(map(len, made.split(b"\r\n"))) <= 998
    assert made.isascii()
    assert b"\n" not in made.replace(b"\r\n", b"")
    read = message_from_bytes(made, policy=policy.default)
    plain = message_from_bytes(raw(text="x", subject="y", news=True), policy=policy.default)
    assert sorted(k.lower() for k in read.keys()) == sorted(k.lower() for k in plain.keys())  # noqa: SIM118  every occurrence counts


def test_news_carry_one_click_and_the_link_in_both_looks() -> None:
    one = message(text="Hello", news=True)
    made = outgoing.render(one, OWN).fields.reveal()["mail"]
    assert isinstance(made, bytes)
    read = message_from_bytes(made, policy=policy.default)
    links = re.findall(r"<(https://[^>]+)>", read["List-Unsubscribe"])
    assert len(links) == 1
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert isinstance(one.mail, OutboundMail)
    assert open_unsubscribe(links[0].rpartition("/")[2], token_keys(OWN)) == (str(one.mail.leaves_list), "news")
    for look in ("plain", "html"):
        body = read.get_body(preferencelist=(look,))
        assert body is not None
        assert links[0] in body.get_content()


def test_what_looks_like_mark_up_is_shown_as_it_was_written() -> None:
    shown = letter.letter("<script>x</script> see https://clinic.example/a?b=1&c=2.", "foot").html
    assert "<script>" not in shown
    assert 'href="https://clinic.example/a?b=1&amp;c=2"' in shown


def test_a_robots_mail_has_the_null_sender_and_its_mark() -> None:
    one = message()
    assert one.mail is not None
    fields = outgoing.render(replace(one, mail=replace(one.mail, automatic=True)), OWN).fields.reveal()
    assert fields["sender"] == ""
    assert b"Auto-Submitted: auto-replied" in fields["mail"]  # type: ignore[operator]


@pytest.mark.parametrize(("subject", "answer"), [("Re: RE: Aw: x", "Re: x"), ("回复：x", "Re: x"), ("Re:", ""), ("Return", "Re: Return")])
def test_an_answer_begins_with_re_once(subject: str, answer: str) -> None:
    assert letter.answer_subject(subject) == answer


def test_what_mail_cannot_carry_is_refused() -> None:
    for wrong, why in (
        (replace(message(), mail=None), "no_mail"),
        (replace(message(), text=Sealed(" ")), "empty"),
        (message(to="ä@x.example"), "address"),
    ):
        with pytest.raises(CannotExpress) as refusal:
            outgoing.render(wrong, OWN)
        assert refusal.value.constant == why


def test_the_signature_holds_by_an_independent_computation() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    own = account(25, secrets={"dkim_key": pem})
    made = outgoing.render(message(text="Hello  there \n\n", news=True), own).fields.reveal()["mail"]
    assert isinstance(made, bytes)
    head, _, body = made.partition(b"\r\n\r\n")
    fields = [f.partition(b":") for f in re.split(rb"\r\n(?![ \t])", head)]
    signature = re.sub(rb"\s+", b"", next(v for n, _, v in fields if n == b"DKIM-Signature"))
    tags = dict(part.split(b"=", 1) for part in signature.split(b";") if part)
    canonical = b"".join(re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") + b"\r\n" for line in body.rstrip(b"\r\n").split(b"\r\n"))
    assert b64decode(tags[b"bh"]) == sha256(canonical).digest()
    by_name = {n.lower(): v for n, _, v in fields}
    wanted = list(dict.fromkeys(tags[b"h"].split(b":")))
    assert {b"list-unsubscribe", b"list-unsubscribe-post", b"from"} <= set(wanted)

    def relaxed(name: bytes, value: bytes) -> bytes:
        return name + b":" + re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip()

    bare = re.sub(rb"b=[^;]*\Z", b"b=", by_name[b"dkim-signature"])
    signed = b"".join(relaxed(n, by_name[n]) + b"\r\n" for n in wanted) + relaxed(b"dkim-signature", bare)
    key.public_key().verify(b64decode(tags[b"b"]), signed, padding.PKCS1v15(), SHA256())
