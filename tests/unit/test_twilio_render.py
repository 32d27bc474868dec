"""What is asked of Twilio, and what is refused before asking (channels.md §4, §5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID

import pytest

from channels import sms_twilio, whatsapp_twilio
from channels.errors import CannotExpress
from hub.model.address import Address, AddressClass, Channel
from hub.model.ids import AccountId, MessageId
from hub.model.message import Account, OutboundMessage
from hub.model.sealed import Sealed

CONTENT_SID = "HX" + "0a" * 16
MESSAGE_ID = MessageId(UUID("0198c2f0-5d3a-7c41-9b1e-2f4d6a8c0e12"))


def account(channel: Channel, sender: str, **options: str) -> Account:
    return Account(
        id=AccountId(channel.value),
        adapter=f"{channel}_twilio",
        channel=channel,
        sender=sender,
        public_url="https://hub.example.org",
        secrets={"auth_token": Sealed("t")},
        options=options,
        processor="twilio",
    )


SMS = account(Channel.SMS, "+447700900456")
WHATSAPP = account(Channel.WHATSAPP, "whatsapp:+447700900456")


def message(text: str = "Hello", to: str = "+447700900123", kind: AddressClass = AddressClass.PHONE) -> OutboundMessage:
    return OutboundMessage(id=MESSAGE_ID, to=Address(kind=kind, value=Sealed(to)), text=Sealed(text))


def sms(outbound: OutboundMessage, at: Account = SMS) -> Mapping[str, object]:
    return sms_twilio.render(outbound, at).fields.reveal()


def whatsapp(outbound: OutboundMessage, at: Account = WHATSAPP) -> Mapping[str, object]:
    return whatsapp_twilio.render(outbound, at).fields.reveal()


def test_an_sms_names_our_message_in_its_callback() -> None:
    assert sms(message()) == {
        "to": "+447700900123",
        "from_": "+447700900456",
        "body": "Hello",
        "status_callback": f"https://hub.example.org/webhooks/sms/status/{MESSAGE_ID}",
    }


def test_a_whatsapp_message_is_addressed_with_its_prefix_once() -> None:
    fields = whatsapp(message())
    assert (fields["to"], fields["from_"]) == ("whatsapp:+447700900123", "whatsapp:+447700900456")
    assert whatsapp(message(), account(Channel.WHATSAPP, "+447700900456"))["from_"] == "whatsapp:+447700900456"


def test_a_hidden_number_is_answered_by_its_user_id_on_its_own_account_only() -> None:
    assert whatsapp(message(to="whatsapp:GB.1349876501234", kind=AddressClass.WHATSAPP_USER))["to"] == "whatsapp:GB.1349876501234"
    with pytest.raises(CannotExpress, match="foreign_user"):
        whatsapp(message(to="another:GB.1349876501234", kind=AddressClass.WHATSAPP_USER))


def test_a_template_goes_by_its_sid_with_its_slots_as_json() -> None:
    fields = whatsapp(replace(message(""), template_id=CONTENT_SID, template_variables=(("1", Sealed("Amy")), ("2", Sealed("3 o’clock")))))
    assert fields["content_sid"] == CONTENT_SID
    assert json.loads(str(fields["content_variables"])) == {"1": "Amy", "2": "3 o’clock"}
    assert "body" not in fields


def test_a_messaging_service_is_named_beside_the_sender() -> None:
    fields = sms(message(), account(Channel.SMS, "+447700900456", messaging_service_sid="MG1"))
    assert (fields["messaging_service_sid"], fields["from_"]) == ("MG1", "+447700900456")


def test_an_sms_is_sent_in_plain_punctuation_so_the_preview_is_the_truth() -> None:
    assert sms(message("We’re open – until 6…"))["body"] == "We're open - until 6..."
    assert whatsapp(message("We’re open"))["body"] == "We’re open"


@pytest.mark.parametrize("number", ["+442071838750", "+441483000000", "+441612345678", "+443001234567", "+448001111111"])
def test_no_sms_goes_to_a_british_landline(number: str) -> None:
    with pytest.raises(CannotExpress, match="landline"):
        sms(message(to=number))


@pytest.mark.parametrize("number", ["+447700900123", "+447911123456", "+33612345678", "+12025550123"])
def test_mobiles_and_numbers_abroad_are_written_to(number: str) -> None:
    assert sms(message(to=number))["to"] == number


@pytest.mark.parametrize("to", ["DHL Express", "60777", "", "+44", "whatsapp:+447700900123", "+447700900123\n", "+٤٤٧٧٠٠٩٠٠١٢٣"])
def test_what_is_no_number_is_not_written_to(to: str) -> None:
    for render in (sms, whatsapp):
        with pytest.raises(CannotExpress, match="not_a_phone"):
            render(message(to=to))
    with pytest.raises(CannotExpress, match="not_a_phone"):
        sms(message(to="amy@example.org", kind=AddressClass.EMAIL))


def test_a_text_of_1600_characters_goes_and_one_more_does_not() -> None:
    for render in (sms, whatsapp):
        assert len(str(render(message("a" * 1600))["body"])) == 1600
        with pytest.raises(CannotExpress, match="too_long"):
            render(message("a" * 1601))
    with pytest.raises(CannotExpress, match="too_long"):
        sms(message("a" * 1599 + "…"))  # three characters once it is plain


@pytest.mark.parametrize("text", ["", "  \n"])
def test_nothing_is_not_sent(text: str) -> None:
    for render in (sms, whatsapp):
        with pytest.raises(CannotExpress, match="empty"):
            render(message(text))


def test_files_go_on_whatsapp_only_and_ten_at_most() -> None:
    files = tuple(Sealed(f"https://hub.example.org/f/{n}") for n in range(10))
    assert whatsapp(replace(message(""), media_urls=files))["media_url"] == [f.reveal() for f in files]
    with pytest.raises(CannotExpress, match="too_many_files"):
        whatsapp(replace(message(""), media_urls=(*files, files[0])))
    with pytest.raises(CannotExpress, match="no_files"):
        sms(replace(message(), media_urls=files[:1]))


def test_nul_and_lone_surrogates_do_not_leave_the_house() -> None:
    assert whatsapp(message("a\0b\ud800c"))["body"] == "a\ufffdb\ufffdc"
