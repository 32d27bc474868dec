"""What a person's consent events amount to (policy §5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.model.address import Address, AddressClass, Channel
from hub.model.consent import ConsentAct, ConsentEvent, Control, WordingRef
from hub.model.ids import ContactId, uuid7
from hub.model.message import ConsentGiven, FormEnquiry
from hub.model.permission import ConsentFacts
from hub.model.sealed import Sealed
from hub.policy.consent import derive, given_by_form, months_after

NOW = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ADDRESS = b"a" * 32
SHOWN = WordingRef(id="consent_email", version=1, locale="en", text_hash=b"h" * 32)


def event(act: ConsentAct = ConsentAct.GIVEN, *, consent: int = 1, days_ago: float = 10, **changes: Any) -> ConsentEvent:
    at = NOW - days_ago * DAY
    fields: dict[str, Any] = {
        "id": uuid7(),
        "consent_id": UUID(int=consent),
        "contact_id": ContactId(UUID(int=9)),
        "event": act,
        "purpose": "newsletter",
        "channel": Channel.EMAIL,
        "address_hash": ADDRESS,
        "interests": ("laser",),
        "occurred_at": at,
        "recorded_at": at,
        "source": "form:main",
        "control": Control.UNTICKED_BOX,
        "needs_confirmation": True,
        "wording": SHOWN,
        "actor": "person",
    }
    return ConsentEvent(**fields | changes)


def only(*events: ConsentEvent, **options: Any) -> ConsentFacts:
    (fact,) = derive(events, now=NOW, **options)
    return fact


def test_a_ticked_box_with_a_known_wording_is_proven_but_not_confirmed() -> None:
    fact = only(event())
    assert (fact.proven, fact.confirmed, fact.ended) == (True, False, False)
    assert fact.wording == "consent_email@1/en"


def test_a_confirmation_confirms() -> None:
    assert only(event(), event(ConsentAct.CONFIRMED, days_ago=9)).confirmed is True


def test_writing_from_the_address_later_confirms_and_earlier_does_not() -> None:
    assert only(event(), written_from={ADDRESS: NOW - 2 * DAY}).confirmed is True
    assert only(event(), written_from={ADDRESS: NOW - 10 * DAY}).confirmed is False
    assert only(event(), written_from={b"b" * 32: NOW}).confirmed is False


@pytest.mark.parametrize("control", [Control.PRETICKED_BOX, Control.BUNDLED_BOX])
def test_a_box_ticked_for_the_person_or_bundled_proves_nothing(control: Control) -> None:
    assert only(event(control=control)).proven is False


def test_an_unknown_wording_proves_nothing() -> None:
    assert only(event(wording=None)).proven is False


def test_a_withdrawal_ends_the_consent_and_its_twin_from_another_source() -> None:
    facts = derive([event(consent=1), event(consent=2, days_ago=8), event(ConsentAct.WITHDRAWN, consent=1, days_ago=7)], now=NOW)
    assert [f.ended for f in facts] == [True, True]


def test_a_withdrawal_says_nothing_about_another_channel() -> None:
    facts = derive([event(), event(consent=2, channel=Channel.SMS), event(ConsentAct.WITHDRAWN, days_ago=1)], now=NOW)
    assert {f.channel: f.ended for f in facts} == {Channel.EMAIL: True, Channel.SMS: False}


def test_at_the_same_moment_the_refusal_wins() -> None:
    assert only(event(), event(ConsentAct.WITHDRAWN)).ended is True


def test_only_a_new_yes_stands_again_after_a_withdrawal() -> None:
    life = [
        event(),
        event(ConsentAct.WITHDRAWN, days_ago=5),
        event(ConsentAct.CONFIRMED, days_ago=4),
        event(ConsentAct.REFRESHED, days_ago=3),
    ]
    assert only(*life).ended is True
    assert only(*life, event(days_ago=2)).ended is False


def test_a_new_yes_needs_its_own_confirmation() -> None:
    life = [event(), event(ConsentAct.CONFIRMED, days_ago=9), event(ConsentAct.WITHDRAWN, days_ago=5), event(days_ago=2)]
    assert only(*life).confirmed is False


def test_a_refresh_in_time_prolongs_and_one_too_late_does_not() -> None:
    assert only(event(days_ago=700), event(ConsentAct.REFRESHED, days_ago=100)).given_at == NOW - 100 * DAY
    assert only(event(days_ago=1000), event(ConsentAct.REFRESHED, days_ago=100)).given_at == NOW - 1000 * DAY


def test_a_yes_dated_in_the_future_counts_for_nothing() -> None:
    assert derive([event(days_ago=-1)], now=NOW) == ()


def test_a_refusal_dated_in_the_future_counts() -> None:
    assert only(event(), event(ConsentAct.WITHDRAWN, days_ago=-1)).ended is True


def test_an_invalid_consent_is_no_consent() -> None:
    assert derive([event(ConsentAct.INVALIDATED)], now=NOW) == ()


acts = st.builds(
    event,
    st.sampled_from(ConsentAct),
    consent=st.integers(1, 3),
    days_ago=st.integers(-5, 1200),
    channel=st.sampled_from([Channel.EMAIL, Channel.SMS]),
)


@given(st.lists(acts, max_size=12), acts)
def test_a_further_withdrawal_never_makes_a_consent_stand(events: list[ConsentEvent], more: ConsentEvent) -> None:
    withdrawal = event(ConsentAct.WITHDRAWN, consent=4, channel=more.channel, days_ago=0)
    standing = {f.id for f in derive(events, now=NOW) if not f.ended}
    after = {f.id for f in derive([*events, withdrawal], now=NOW) if not f.ended}
    assert after <= standing
    assert not any(f.channel is more.channel and not f.ended for f in derive([*events, withdrawal], now=NOW))


@given(st.lists(acts, max_size=12), st.randoms())
def test_the_order_events_are_read_in_does_not_matter(events: list[ConsentEvent], rng: Any) -> None:
    shuffled = list(events)
    rng.shuffle(shuffled)
    assert derive(shuffled, now=NOW) == derive(events, now=NOW)


def test_months_end_on_a_day_that_exists() -> None:
    assert months_after(datetime(2024, 2, 29, tzinfo=UTC), 24) == datetime(2026, 2, 28, tzinfo=UTC)
    assert months_after(datetime(2025, 12, 31, tzinfo=UTC), 12) == datetime(2026, 12, 31, tzinfo=UTC)
    assert months_after(datetime(2025, 10, 31, tzinfo=UTC), 1) == datetime(2025, 11, 30, tzinfo=UTC)


def form(**changes: Any) -> FormEnquiry:
    fields: dict[str, Any] = {
        "form_id": "main",
        "submission_id": "s-1",
        "name": None,
        "email": Address(kind=AddressClass.EMAIL, value=Sealed("amy@example.org")),
        "phone": Address(kind=AddressClass.PHONE, value=Sealed("+447700900123")),
        "reply_channels": (Channel.EMAIL,),
        "consents": (
            ConsentGiven(
                channel=Channel.SMS, purpose="newsletter", interests=("laser",), wording_id="consent_sms", wording_version=1, locale="en"
            ),
        ),
        "notice_version": "privacy_notice@1",
    }
    return FormEnquiry(**fields | changes)


def from_form(enquiry: FormEnquiry, text_hash: bytes | None = b"h" * 32) -> list[ConsentEvent]:
    return given_by_form(
        enquiry,
        contact_id=ContactId(UUID(int=9)),
        hash_address=lambda a: a.value.reveal().encode(),
        text_hash=lambda _: text_hash,
        new_id=uuid7,
        occurred_at=NOW,
        recorded_at=NOW,
    )


def test_a_forms_box_becomes_a_consent_that_waits_for_confirmation() -> None:
    (e,) = from_form(form())
    assert (e.event, e.needs_confirmation, e.address_hash, e.evidence_ref) == (ConsentAct.GIVEN, True, b"+447700900123", "s-1")
    assert str(e.wording) == "consent_sms@1/en"


def test_a_form_without_boxes_gives_no_consent() -> None:
    assert from_form(form(consents=())) == []


def test_a_box_ticked_by_somebody_under_18_is_kept_as_invalid() -> None:
    (e,) = from_form(form(birth_date=Sealed("2008-11-25")))
    assert e.event is ConsentAct.INVALIDATED
    (e,) = from_form(form(birth_date=Sealed("2008-11-24")))
    assert e.event is ConsentAct.GIVEN


def test_a_box_with_an_unregistered_wording_is_unproven() -> None:
    (e,) = from_form(form(), None)
    assert only(e).proven is False
