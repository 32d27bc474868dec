"""Signed addresses and unsubscribe tokens: the published vectors, rotation, and refusal of everything else."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.mail import tokens
from channels.mail.tokens import Purpose, TokenKeys
from hub.model.sealed import Sealed

KEYS = TokenKeys(secrets=(Sealed(b"mail-token-key-01"),))
UNSUBSCRIBE_KEYS = TokenKeys(secrets=(Sealed(b"unsub-key-01"),))
DOMAINS = ("in.clinic.example",)
VECTOR = "reply+8f3c.zbtcznukod4wvnsm@in.clinic.example"  # channels.md §12


def test_the_published_reply_address_is_made_and_opened() -> None:
    assert tokens.sign_address(Purpose.REPLY, "8f3c", "in.clinic.example", KEYS) == VECTOR
    assert tokens.open_address(VECTOR, DOMAINS, KEYS) == (Purpose.REPLY, "8f3c")


def test_the_published_unsubscribe_mac_is_made() -> None:
    assert tokens.unsubscribe_mac("42", "offers", Sealed(b"unsub-key-01")) == "p2DBzZzJl_yJUovEk4M6DO72"


def test_an_address_survives_case_folding() -> None:
    assert tokens.open_address(VECTOR.upper(), DOMAINS, KEYS) == (Purpose.REPLY, "8f3c")


def test_an_older_key_still_opens_and_the_newest_signs() -> None:
    rotated = TokenKeys(secrets=(Sealed(b"newer"), Sealed(b"mail-token-key-01")))
    assert tokens.open_address(VECTOR, DOMAINS, rotated) == (Purpose.REPLY, "8f3c")
    fresh = tokens.sign_address(Purpose.REPLY, "8f3c", DOMAINS[0], rotated)
    assert fresh != VECTOR
    assert tokens.open_address(fresh, DOMAINS, KEYS) is None


def test_a_reply_mac_does_not_open_a_bounce_address() -> None:
    assert tokens.open_address(VECTOR.replace("reply+", "bounce+"), DOMAINS, KEYS) is None


@pytest.mark.parametrize(
    "address",
    [
        "reply+8f3c.zbtcznukod4wvnsn@in.clinic.example",
        "reply+8f3d.zbtcznukod4wvnsm@in.clinic.example",
        "reply+8f3c.zbtcznukod4wvnsm@evil.example",
        "reply+8f3c@in.clinic.example",
        "reply+.zbtcznukod4wvnsm@in.clinic.example",
        "hello@in.clinic.example",
        "",
        "@",
        "réply+8f3c.zbtcznukod4wvnsm@in.clinic.example",
    ],
)
def test_a_changed_or_foreign_address_opens_nothing(address: str) -> None:
    assert tokens.open_address(address, DOMAINS, KEYS) is None


@given(st.uuids())
def test_uuid_tokens_fit_a_local_part_and_come_back(value: UUID) -> None:
    short = tokens.short_id(value)
    for purpose in Purpose:
        address = tokens.sign_address(purpose, short, DOMAINS[0], KEYS)
        assert len(address.partition("@")[0]) <= 64
        assert address == address.lower()
        assert tokens.open_address(address, DOMAINS, KEYS) == (purpose, short)
    assert tokens.from_short_id(short) == value


def test_text_in_place_of_an_id_is_refused() -> None:
    for bad in ("", "a b", "x@y", "a.b", "A", "x" * 41):
        with pytest.raises(ValueError, match="token ids"):
            tokens.sign_address(Purpose.REPLY, bad, DOMAINS[0], KEYS)
    with pytest.raises(ValueError, match="ids, not text"):
        tokens.sign_unsubscribe("42|list:all", "offers", UNSUBSCRIBE_KEYS)


def test_an_unsubscribe_token_carries_person_and_list() -> None:
    token = tokens.sign_unsubscribe("42", "offers", UNSUBSCRIBE_KEYS)
    assert token.endswith(".p2DBzZzJl_yJUovEk4M6DO72")
    assert tokens.open_unsubscribe(token, UNSUBSCRIBE_KEYS) == ("42", "offers")
    other = tokens.sign_unsubscribe("43", "offers", UNSUBSCRIBE_KEYS)
    assert tokens.open_unsubscribe(other.partition(".")[0] + "." + token.partition(".")[2], UNSUBSCRIBE_KEYS) is None


@given(st.text(max_size=120))
def test_no_text_opens_a_token_or_raises(text: str) -> None:
    assert tokens.open_unsubscribe(text, UNSUBSCRIBE_KEYS) is None
    assert tokens.open_address(text, DOMAINS, KEYS) is None
    tokens.from_short_id(text)


def test_an_empty_key_refuses_to_exist() -> None:
    for secrets in ((), (Sealed(b""),)):
        with pytest.raises(ValueError, match="key"):
            TokenKeys(secrets=secrets)
