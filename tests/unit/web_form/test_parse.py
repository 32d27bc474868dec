"""What a submission becomes, and the sentences for what a person can mend."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import BadPayload
from channels.form_check import SENTENCES
from channels.form_token import issue
from channels.web_form import ADAPTER, FormFaults, browser_family, parse, truncated_ip
from hub.model.address import AddressClass, Channel
from hub.model.message import FormEnquiry, InboundMessage, Outcome
from hub.model.sealed import Sealed
from tests.unit.web_form.sample import ACCOUNT, NOW, as_json, as_multipart, fields, posted, request, shown, token


def one(raw: Any) -> tuple[InboundMessage, FormEnquiry]:
    (event,) = parse(raw, ACCOUNT)
    assert isinstance(event, InboundMessage)
    assert event.form is not None
    return event, event.form


def problems(raw: Any) -> dict[str, str]:
    with pytest.raises(FormFaults) as caught:
        parse(raw, ACCOUNT)
    return {p.field: p.sentence for p in caught.value.problems}


@pytest.mark.parametrize("raw", [posted(), as_json(), as_multipart()], ids=["urlencoded", "json", "multipart"])
def test_the_three_encodings_say_the_same(raw: Any) -> None:
    event, form = one(raw)
    assert event.text.reveal() == "How much is a consultation?"
    assert event.senders == (), "typed addresses prove nothing"
    assert form.email is not None
    assert form.phone is not None
    assert (form.email.kind, form.email.value.reveal()) == (AddressClass.EMAIL, "amy@example.org")
    assert form.phone.value.reveal() == "+447700900123"
    assert form.name is not None
    assert form.name.reveal() == "Amy O'Neil"
    assert form.notice_version == "privacy_notice@1"
    assert form.ip_truncated == "203.0.113.0/24"
    assert event.provider_event_id == one(posted())[0].provider_event_id


def test_an_enquiry_with_every_box_empty_is_taken_and_agrees_to_nothing() -> None:
    _, form = one(posted())
    assert form.consents == ()
    assert form.reply_channels == (Channel.EMAIL,)


def test_with_only_a_number_the_answer_goes_by_text() -> None:
    assert one(posted(email=""))[1].reply_channels == (Channel.SMS,)


def test_the_boxes_for_answers_are_not_the_boxes_for_news() -> None:
    _, form = one(posted(reply=["whatsapp", "telephone"]))
    assert (form.reply_channels, form.call_welcome, form.consents) == ((Channel.WHATSAPP,), True, ())


def test_a_ticked_box_is_stored_as_the_sentence_that_was_shown() -> None:
    _, form = one(posted(news=["sms", "email"], interest=["laser"]))
    assert [(c.channel, c.wording_id, c.wording_version, c.locale, c.interests) for c in form.consents] == [
        (Channel.EMAIL, "consent_email", 1, "en", ("laser",)),
        (Channel.SMS, "consent_sms", 1, "en", ("laser",)),
    ]


def test_the_script_form_ticks_boxes_by_true_only() -> None:
    raw = as_json(
        consent={"contact": True, "marketing_email": False, "marketing_sms": True, "marketing_whatsapp": "yes"}, interests=["body"]
    )
    assert [c.channel for c in one(raw)[1].consents] == [Channel.SMS]


def test_words_about_a_subject_add_no_interest() -> None:
    assert one(posted(message="I want laser, email me news"))[1].consents == ()


@pytest.mark.parametrize("forged", [{"news": "ads"}, {"news": "everything"}, {"news": "email", "interest": ["laser", "botox"]}])
def test_what_was_not_shown_cannot_be_agreed_to(forged: dict[str, Any]) -> None:
    assert set(problems(posted(**forged))) & {"news", "interest"}


@pytest.mark.parametrize(
    ("changes", "field", "sentence"),
    [
        ({"message": " \n "}, "message", "message_missing"),
        ({"name": "x" * 201}, "name", "name_long"),
        ({"email": "", "phone": ""}, "email", "address_missing"),
        ({"email": "amy@example"}, "email", "email_wrong"),
        ({"email": "amy at example.org"}, "email", "email_wrong"),
        ({"email": "a@b.example, c@d.example"}, "email", "email_wrong"),
        ({"email": '"a b"@example.org'}, "email", "email_wrong"),
        ({"phone": "hello"}, "phone", "phone_wrong"),
        ({"phone": "+999 123"}, "phone", "phone_wrong"),
        ({"phone": "07700 9001234567"}, "phone", "phone_long"),
        ({"phone": "07700 90012"}, "phone", "phone_one_short"),
        ({"phone": "", "reply": "sms"}, "phone", "phone_for_reply"),
        ({"phone": "", "reply": "telephone"}, "phone", "phone_for_reply"),
        ({"phone": "", "news": "whatsapp", "interest": "body"}, "phone", "phone_for_news"),
        ({"email": "", "reply": "email"}, "email", "email_for_reply"),
        ({"email": "", "news": "email", "interest": "body"}, "email", "email_for_news"),
        ({"news": "email"}, "interest", "interest_missing"),
        ({"reply": "pigeon"}, "reply", "reply_unknown"),
        ({"birth_date": "31/2/1990"}, "birth_date", "birth_wrong"),
        ({"birth_date": "25/11/2026"}, "birth_date", "birth_wrong"),
        ({"birth_date": "1/1/1899"}, "birth_date", "birth_wrong"),
        ({"birth_date": "99999999999999/1/1"}, "birth_date", "birth_wrong"),
    ],
)
@pytest.mark.parametrize("locale", ["en", "zh-Hans"])
def test_each_fault_is_told_at_its_field_in_the_persons_language(changes: dict[str, Any], field: str, sentence: str, locale: str) -> None:
    found = problems(posted(**{"form_token": token(locale=locale)} | changes))
    assert found == {field: SENTENCES[locale][sentence]}


def test_missing_digits_and_characters_too_many_are_counted() -> None:
    found = problems(posted(phone="07700 9003", message="x" * 10_005))
    assert found["phone"] == "2 digits seem to be missing."
    assert "5 are too many" in found["message"]


def test_every_language_has_every_sentence() -> None:
    assert SENTENCES["en"].keys() == SENTENCES["zh-Hans"].keys()


@pytest.mark.parametrize("text", ["7/3/1990", "07 / 03 / 1990", "1990-03-07", "1990 年 3 月 7 日", "7.3.1990"])
def test_a_birth_date_is_read_as_people_write_it(text: str) -> None:
    born = one(posted(birth_date=text))[1].birth_date
    assert born is not None
    assert born.reveal() == "1990-03-07"


@pytest.mark.parametrize(
    ("typed", "e164"), [("+86 138 0013 8000", "+8613800138000"), ("0044 7700 900123", "+447700900123"), ("٠٧٧٠٠٩٠٠١٢٣", "+447700900123")]
)
def test_numbers_become_e164_british_unless_they_say_otherwise(typed: str, e164: str) -> None:
    phone = one(posted(phone=typed))[1].phone
    assert phone is not None
    assert phone.value.reveal() == e164


def test_line_feeds_in_a_name_and_controls_in_a_text_cannot_travel_on() -> None:
    event, form = one(posted(name="Amy\r\nBcc: x@example.org", message="a\0b\x1bc\r\nd\te"))
    assert form.name is not None
    assert form.name.reveal() == "Amy Bcc: x@example.org"
    assert event.text.reveal() == "abc\nd\te"


def test_a_filled_honeypot_is_answered_as_success_and_leaves_nothing() -> None:
    raw = posted(website="https://spam.example", message="")
    assert parse(raw, ACCOUNT) == []
    assert ADAPTER.reply(raw, Outcome.HANDSHAKE) == ADAPTER.reply(posted(), Outcome.STORED)


def test_files_are_left_behind_and_counted() -> None:
    file = 'Content-Disposition: form-data; name="photo"; filename="me.jpg"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8'
    assert one(as_multipart(file, file))[1].files_ignored == 2


def event_id(**changes: Any) -> str:
    return one(posted(**changes))[0].provider_event_id


def test_a_double_click_is_one_enquiry_and_a_changed_text_another() -> None:
    assert event_id() == event_id()
    assert event_id() != event_id(message="And another thing")
    assert event_id() != event_id(submission_id="another")


def test_without_a_submission_id_the_same_words_count_once_in_ten_minutes() -> None:
    raw = posted(submission_id=None)
    soon, later = replace(raw, received_at=NOW + timedelta(minutes=9)), replace(raw, received_at=NOW + timedelta(minutes=10))
    assert one(raw)[0].provider_event_id == one(soon)[0].provider_event_id
    assert one(raw)[0].provider_event_id != one(later)[0].provider_event_id


def test_an_event_id_is_keyed_so_that_it_cannot_be_guessed_back() -> None:
    key = Sealed("other")
    (event,) = parse(posted(form_token=issue(shown(), key)), replace(ACCOUNT, secrets={"form_token_key": key}))
    assert isinstance(event, InboundMessage)
    assert event.provider_event_id != event_id()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"[]", "application/json"),
        (b"{", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b'{"form_token": 7}', "application/json"),
        (b'{"consent": [1]}', "application/json"),
        (b"a=1&" * 300, "application/x-www-form-urlencoded"),
        (b"form_token=x", "application/x-www-form-urlencoded"),
        (b"no parts", "multipart/form-data; boundary=x"),
        (b"--x\r\n\r\n\r\n--x--", "multipart/form-data"),
        (b"", "multipart/form-data; boundary=x"),
        (b"\xff\xfe", "application/json"),
    ],
)
def test_what_is_no_form_raises_bad_payload(body: bytes, kind: str) -> None:
    with pytest.raises(BadPayload):
        parse(request(body, kind), ACCOUNT)


json_values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda c: st.lists(c, max_size=3), max_leaves=4)


@given(field=st.sampled_from([*fields(), "reply", "interests", "consent", "birth_date", "page_url"]), value=json_values)
def test_retyped_fields_raise_bad_payload_or_are_taken(field: str, value: object) -> None:
    try:
        events = parse(as_json(**{field: value}), ACCOUNT)
    except BadPayload:
        return
    assert len(events) <= 1


@given(cut=st.integers(0, 600))
def test_truncated_bodies_raise_only_bad_payload(cut: int) -> None:
    for raw in (posted(), as_json(), as_multipart()):
        short = replace(raw, body=raw.body[: min(cut, len(raw.body) - 1)])
        try:
            parse(short, ACCOUNT)
        except BadPayload:
            continue


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("nonsense", None),
        (None, None),
    ],
)
def test_only_the_network_of_an_address_is_kept(ip: str | None, network: str | None) -> None:
    assert truncated_ip(ip) == network


def test_only_the_family_of_a_browser_is_kept() -> None:
    assert browser_family("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0 Safari/537.36 Edg/141.0") == "Edge"
    assert browser_family("Mozilla/5.0 (iPhone) AppleWebKit/605 Version/18.0 Safari/604.1") == "Safari"
    assert browser_family("curl/8") == "other"
    assert browser_family("") is None


def test_no_fault_quotes_what_was_typed() -> None:
    with pytest.raises(FormFaults) as caught:
        parse(posted(phone="sentinel-5551", email="sentinel-mail", name="sentinel" * 40), ACCOUNT)
    assert "sentinel" not in repr(caught.value) + str(caught.value.problems)
