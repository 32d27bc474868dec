"""What WhatsApp, Messenger and Instagram are asked to send, and what is refused before asking (channels.md §6.2, §7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from channels.errors import CannotExpress
from channels.meta.messaging_outbound import HUMAN_AGENT
from channels.registry import ADAPTERS
from hub.model.address import Address, AddressClass
from hub.model.ids import MessageId
from hub.model.message import OutboundMessage
from hub.model.sealed import Sealed
from tests.contract.samples import SAMPLES

ID = MessageId(UUID("0198c2f0-5d3a-7c41-9b1e-2f4d6a8c0e12"))
PHONE = Address(kind=AddressClass.PHONE, value=Sealed("+447700900123"))
USER = Address(kind=AddressClass.WHATSAPP_USER, value=Sealed("whatsapp-meta:GB.1349"))
PAGE_USER = Address(kind=AddressClass.MESSENGER, value=Sealed("messenger-meta:PSID1"))
INSTAGRAM_USER = Address(kind=AddressClass.INSTAGRAM, value=Sealed("instagram-meta:IGSID1"))


def rendered(kind: str, to: Address, text: str = "Hello", **more: Any) -> Mapping[str, Any]:
    message = OutboundMessage(id=ID, to=to, text=Sealed(text), **more)
    return ADAPTERS[kind].render(message, SAMPLES[kind].account).fields.reveal()


def refusal(kind: str, to: Address, text: str = "Hello", **more: Any) -> str:
    with pytest.raises(CannotExpress) as told:
        rendered(kind, to, text, **more)
    return told.value.constant


def test_a_text_carries_our_id_as_opaque_data() -> None:
    assert rendered("whatsapp_meta", PHONE) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "447700900123",
        "type": "text",
        "text": {"body": "Hello", "preview_url": False},
        "biz_opaque_callback_data": str(ID),
    }


def test_a_user_id_goes_as_recipient_and_never_as_to() -> None:
    fields = rendered("whatsapp_meta", USER)
    assert fields["recipient"] == "GB.1349"
    assert "to" not in fields


def test_an_answer_names_the_message_it_answers() -> None:
    assert rendered("whatsapp_meta", PHONE, reply_to_provider_id="wamid.A1")["context"] == {"message_id": "wamid.A1"}


def template(template_id: str, *variables: tuple[str, str]) -> Any:
    pairs = tuple((name, Sealed(value)) for name, value in variables)
    return rendered("whatsapp_meta", PHONE, "", template_id=template_id, template_variables=pairs)["template"]


def test_a_template_names_its_language_or_takes_the_accounts() -> None:
    assert template("appt_reminder") == {"name": "appt_reminder", "language": {"code": "en_GB"}}
    assert template("appt_reminder:zh_CN")["language"] == {"code": "zh_CN"}
    account = replace(SAMPLES["whatsapp_meta"].account, options={"template_language": "de"})
    message = OutboundMessage(id=ID, to=PHONE, text=Sealed(""), template_id="appt_reminder")
    fields = ADAPTERS["whatsapp_meta"].render(message, account).fields.reveal()
    assert fields["template"] == {"name": "appt_reminder", "language": {"code": "de"}}


def test_parameters_by_place_go_in_order_without_names() -> None:
    assert template("t", ("2", "Tuesday"), ("1", "Amy"))["components"] == [
        {"type": "body", "parameters": [{"type": "text", "text": "Amy"}, {"type": "text", "text": "Tuesday"}]}
    ]


def test_named_parameters_buttons_and_a_header_file_go_where_they_belong() -> None:
    said = template(
        "t",
        ("button.0.payload", "confirm_812"),
        ("first_name", "Amy"),
        ("header.image", "https://x.example/a.jpg"),
        ("button.1.url", "812"),
    )
    assert said["components"] == [
        {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://x.example/a.jpg"}}]},
        {"type": "body", "parameters": [{"type": "text", "parameter_name": "first_name", "text": "Amy"}]},
        {"type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [{"type": "payload", "payload": "confirm_812"}]},
        {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "812"}]},
    ]


@pytest.mark.parametrize("variables", [(("1", "a"), ("3", "b")), (("1", "a"), ("first_name", "b")), (("First Name", "a"),), (("0", "a"),)])
def test_parameters_that_fit_nowhere_are_refused(variables: tuple[tuple[str, str], ...]) -> None:
    pairs = tuple((name, Sealed(value)) for name, value in variables)
    assert refusal("whatsapp_meta", PHONE, "", template_id="t", template_variables=pairs) == "parameter"


@pytest.mark.parametrize("template_id", ["Bad Name", "t:", "t:english language", "t:en_GB:x", "a" * 513])
def test_what_is_no_template_name_is_refused(template_id: str) -> None:
    assert refusal("whatsapp_meta", PHONE, template_id=template_id) == "template_name"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x.example/a.jpg", {"type": "image", "image": {"link": "https://x.example/a.jpg", "caption": "See"}}),
        ("https://x.example/a.mp4", {"type": "video", "video": {"link": "https://x.example/a.mp4", "caption": "See"}}),
        (
            "https://x.example/plan.pdf?s=1",
            {"type": "document", "document": {"link": "https://x.example/plan.pdf?s=1", "caption": "See", "filename": "plan.pdf"}},
        ),
    ],
)
def test_a_file_goes_as_what_it_is(url: str, expected: dict[str, Any]) -> None:
    assert expected.items() <= rendered("whatsapp_meta", PHONE, "See", media_urls=(Sealed(url),)).items()


@pytest.mark.parametrize(
    ("to", "text", "more", "constant"),
    [
        (PAGE_USER, "x", {}, "not_a_phone"),
        (Address(kind=AddressClass.PHONE, value=Sealed("GB.1")), "x", {}, "not_a_phone"),
        (Address(kind=AddressClass.WHATSAPP_USER, value=Sealed("other:GB.1")), "x", {}, "foreign_user"),
        (PHONE, " ", {}, "empty"),
        (PHONE, "x" * 4097, {}, "too_long"),
        (PHONE, "x" * 1025, {"media_urls": (Sealed("https://x.example/a.jpg"),)}, "too_long"),
        (PHONE, "x", {"media_urls": (Sealed("https://x.example/a.mp3"),)}, "no_caption"),
        (PHONE, "x", {"media_urls": (Sealed("a"), Sealed("b"))}, "too_many_files"),
    ],
)
def test_whatsapp_refuses_what_it_cannot_carry(to: Address, text: str, more: dict[str, Any], constant: str) -> None:
    assert refusal("whatsapp_meta", to, text, **more) == constant


def test_a_messenger_text_is_a_response_with_our_id_as_metadata() -> None:
    assert rendered("messenger_meta", PAGE_USER) == {
        "recipient": {"id": "PSID1"},
        "messaging_type": "RESPONSE",
        "message": {"text": "Hello", "metadata": str(ID)},
    }


@pytest.mark.parametrize(("kind", "to"), [("messenger_meta", PAGE_USER), ("instagram_meta", INSTAGRAM_USER)])
def test_the_human_agent_tag_goes_only_where_it_is_asked_for(kind: str, to: Address) -> None:
    assert "tag" not in rendered(kind, to)
    tagged = rendered(kind, to, template_id=HUMAN_AGENT)
    assert (tagged["messaging_type"], tagged["tag"]) == ("MESSAGE_TAG", "HUMAN_AGENT")
    assert refusal(kind, to, template_id="appt_reminder") == "no_templates"


@pytest.mark.parametrize(
    ("text", "fits"), [("a" * 1000, True), ("a" * 1001, False), ("陈" * 333, True), ("陈" * 334, False), ("👍" * 251, False)]
)
def test_instagram_counts_bytes(text: str, fits: bool) -> None:
    if fits:
        assert rendered("instagram_meta", INSTAGRAM_USER, text)["message"]["text"] == text
    else:
        assert refusal("instagram_meta", INSTAGRAM_USER, text) == "too_long"


def test_messenger_counts_characters() -> None:
    assert rendered("messenger_meta", PAGE_USER, "陈" * 2000)
    assert refusal("messenger_meta", PAGE_USER, "a" * 2001) == "too_long"


@pytest.mark.parametrize(("kind", "to"), [("messenger_meta", PAGE_USER), ("instagram_meta", INSTAGRAM_USER)])
def test_text_and_file_are_separate_sends(kind: str, to: Address) -> None:
    image = (Sealed("https://x.example/a.jpg"),)
    sent = rendered(kind, to, "", media_urls=image)["message"]
    assert sent["attachment"] == {"type": "image", "payload": {"url": "https://x.example/a.jpg", "is_reusable": False}}
    assert refusal(kind, to, "words", media_urls=image) == "text_and_file"
    assert refusal(kind, to, "", media_urls=image * 2) == "too_many_files"
    assert refusal(kind, to, " ") == "empty"


@pytest.mark.parametrize("kind", ["messenger_meta", "instagram_meta"])
@pytest.mark.parametrize("to", [PHONE, USER, Address(kind=AddressClass.MESSENGER, value=Sealed("other:PSID1"))])
def test_an_address_of_another_account_or_channel_is_refused(kind: str, to: Address) -> None:
    assert refusal(kind, to) == "foreign_user"
