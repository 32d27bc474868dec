"""What is sent to WeChat and what its answers mean; hostile XML on the way in."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import pytest

from channels.errors import BadPayload, CannotExpress
from channels.sandbox import wechat_payloads
from channels.wechat.document import Malformed, read
from channels.wechat.outbound import encode
from channels.wechat.tables import ERRORS
from channels.wechat_official import ADAPTER
from hub.model.address import AddressClass
from hub.model.message import OutboundMessage, ProviderResponse, SendCode
from hub.model.sealed import Sealed
from tests.contract.samples import SAMPLES, WECHAT_ACCOUNT, outbound

SAMPLE = SAMPLES["wechat_official"]
TO = "wechat:oU1"


def message(text: str = "你好", **changes: object) -> OutboundMessage:
    return replace(outbound(AddressClass.WECHAT, TO, text), **changes)  # type: ignore[arg-type]


def test_a_text_is_sent_as_it_is_in_real_utf8() -> None:
    fields = ADAPTER.render(message("你好 😀"), WECHAT_ACCOUNT).fields.reveal()
    assert fields == {"touser": "oU1", "msgtype": "text", "text": {"content": "你好 😀"}}
    assert "你好 😀".encode() in encode(fields)
    assert b"\\u" not in encode(fields)


def test_length_counts_in_bytes() -> None:
    assert ADAPTER.render(message("好" * 682), WECHAT_ACCOUNT)
    assert ADAPTER.render(message("a" * 2048), WECHAT_ACCOUNT)
    for text in ("好" * 683, "a" * 2049):
        with pytest.raises(CannotExpress, match="too_long"):
            ADAPTER.render(message(text), WECHAT_ACCOUNT)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"text": " "}, "empty"),
        ({"media_urls": (Sealed("https://a/1.png"), Sealed("https://a/2.png"))}, "too_many_files"),
        ({"media_urls": (Sealed("https://a/1.png"),)}, "no_caption"),
        ({"template_id": "a b"}, "template_name"),
        ({"template_id": "T", "template_variables": (("thing1", Sealed("x" * 21)),)}, "parameter"),
        ({"template_id": "T", "template_variables": (("no name", Sealed("x")),)}, "parameter"),
        ({"template_id": "T", "template_variables": (("url", Sealed("http://a")),)}, "parameter"),
    ],
)
def test_what_cannot_be_said_is_refused_and_nothing_is_cut(changes: dict[str, object], why: str) -> None:
    with pytest.raises(CannotExpress, match=why):
        ADAPTER.render(message(**changes), WECHAT_ACCOUNT)


def test_another_accounts_person_is_not_written_to() -> None:
    with pytest.raises(CannotExpress, match="foreign_user"):
        ADAPTER.render(outbound(AddressClass.WECHAT, "other:oU1"), WECHAT_ACCOUNT)
    with pytest.raises(CannotExpress, match="not_wechat"):
        ADAPTER.render(outbound(AddressClass.PHONE, "+447700900123"), WECHAT_ACCOUNT)


def test_a_template_carries_our_own_id() -> None:
    request = ADAPTER.render(message(template_id="T1", template_variables=(("thing1", Sealed("x")),)), WECHAT_ACCOUNT)
    assert request.operation == "message/template/send"
    assert request.fields.reveal()["client_msg_id"]


@pytest.mark.parametrize(("code", "meaning"), ERRORS.items())
def test_every_listed_code_means_what_the_table_says(code: int, meaning: SendCode) -> None:
    result = ADAPTER.interpret(ProviderResponse(status=200, body=Sealed({"errcode": code, "errmsg": "words"})))
    assert (result.code, result.error_code) == (meaning, str(code))


def test_an_unlisted_code_is_a_refusal_with_its_number_and_no_code_is_unknown() -> None:
    refused = ADAPTER.interpret(ProviderResponse(status=200, body=Sealed({"errcode": 99999})))
    assert (refused.code, refused.error_code) == (SendCode.REJECTED, "99999")
    for body in ({}, {"errcode": "0"}, {"errcode": True}, {"errcode": None}):
        assert ADAPTER.interpret(ProviderResponse(status=200, body=Sealed(body))).code is SendCode.OUTCOME_UNKNOWN
    assert ADAPTER.interpret(ProviderResponse(status=502, body=Sealed({"errcode": 0}))).code is SendCode.OUTCOME_UNKNOWN


def test_words_in_an_answer_do_not_break_out_of_it() -> None:
    assert ADAPTER.answer
    text = "a]]></Content><MsgType>image</MsgType>]]>\x08"
    reply = ADAPTER.answer(message(text), SAMPLE.request(), WECHAT_ACCOUNT)
    found = wechat_payloads.opened(WECHAT_ACCOUNT, reply.body)
    assert found
    assert found["Content"] == text.replace("\x08", "\ufffd")
    assert (found["MsgType"], found["ToUserName"], found["FromUserName"]) == ("text", "oU1", "gh_clinic")
    assert reply.content_type == "text/xml"
    assert text.encode() not in reply.body  # sealed, as the push was


LAUGHS = "<!DOCTYPE x [" + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)) + "]><xml>&l9;</xml>"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"<xml>",
        b"<other/>",
        LAUGHS.encode(),
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml/>',
        b"<xml>&undeclared;</xml>",
        b"<xml>" * 5000,
        b"<xml>" + b"<a>" * 9 + b"</a>" * 9 + b"</xml>",
        b"<xml>" + b"<a/>" * 700 + b"</xml>",
    ],
)
def test_hostile_xml_ends_at_a_bound(content: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(Malformed):
        read(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000  # nothing was expanded


def test_a_document_type_in_a_push_is_malformed_and_half_a_character_is_not() -> None:
    with pytest.raises(BadPayload, match="doctype"):
        ADAPTER.parse(SAMPLE.request(LAUGHS.encode()), WECHAT_ACCOUNT)
    assert read("<xml><Content>你好".encode()[:-1] + b"</Content></xml>").text("Content").startswith("你")
