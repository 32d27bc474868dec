"""A British landline takes no text message: one might be read out by a robot to whoever lifts the receiver (channels.md §4)."""

from __future__ import annotations

from typing import Any

import pytest

from channels.form_check import SENTENCES
from channels.web_form import FormFaults, parse
from hub.model.address import Channel
from hub.model.message import InboundMessage
from tests.unit.web_form.sample import ACCOUNT, posted

LANDLINE, MOBILE, PARIS = "020 7183 8750", "07700 900123", "+33 1 42 68 53 00"


def channels(**typed: Any) -> tuple[Channel, ...]:
    (event,) = parse(posted(**typed), ACCOUNT)
    assert isinstance(event, InboundMessage)
    assert event.form is not None
    return event.form.reply_channels


@pytest.mark.parametrize("typed", [{"reply": ["sms"]}, {"reply": ["email", "sms"]}, {"news": ["sms"], "interest": ["skincare"]}])
def test_a_text_message_to_a_landline_is_refused_at_the_number(typed: dict[str, Any]) -> None:
    with pytest.raises(FormFaults) as caught:
        parse(posted(phone=LANDLINE, **typed), ACCOUNT)
    assert ("phone", SENTENCES["en"]["phone_landline"]) in {(p.field, p.sentence) for p in caught.value.problems}


def test_a_landline_with_another_way_to_answer_is_welcome() -> None:
    assert channels(phone=LANDLINE, reply=["email"]) == (Channel.EMAIL,)
    assert channels(phone=LANDLINE, reply=["telephone"]) == ()
    assert channels(phone=LANDLINE, reply=["whatsapp"]) == (Channel.WHATSAPP,)


def test_an_enquiry_with_a_landline_and_nothing_else_is_kept_and_no_text_is_promised() -> None:
    assert channels(phone=LANDLINE, email="") == ()


@pytest.mark.parametrize("number", [MOBILE, PARIS])
def test_mobiles_and_numbers_abroad_may_be_texted(number: str) -> None:
    assert channels(phone=number, reply=["sms"]) == (Channel.SMS,)
