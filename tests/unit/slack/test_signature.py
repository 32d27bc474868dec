"""Slack's signature: the sheet's vector (channels.md §12), its window, and everything that must be refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import BadSignature
from channels.slack.signature import signature, verify
from hub.model.sealed import Sealed

SECRET = Sealed("8f742231b10e8888abcd99yyyzzz85a5")
AT = datetime.fromtimestamp(1760000000, UTC)
BODY = b'{"type":"event_callback","event_id":"Ev001"}'
VECTOR = "v0=6a8c097f8f54ef5a04473bc88b1be0a7993622ba1786fed434cdfda0ea4b2d5e"
HEADERS = {"x-slack-request-timestamp": "1760000000", "x-slack-signature": VECTOR}


def test_the_vector_of_the_sheet_is_accepted() -> None:
    assert signature("1760000000", BODY, SECRET.reveal()).decode() == VECTOR
    verify(HEADERS, BODY, [SECRET], AT)


@pytest.mark.parametrize(("seconds", "good"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_the_window_is_five_minutes_both_ways(seconds: int, good: bool) -> None:
    if good:
        verify(HEADERS, BODY, [SECRET], AT + timedelta(seconds=seconds))
        return
    with pytest.raises(BadSignature):
        verify(HEADERS, BODY, [SECRET], AT + timedelta(seconds=seconds))


def test_either_secret_is_good_while_one_replaces_the_other() -> None:
    verify(HEADERS, BODY, [Sealed("new-secret"), SECRET], AT)
    with pytest.raises(BadSignature):
        verify(HEADERS, BODY, [Sealed("new-secret")], AT)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-slack-signature": VECTOR},
        {**HEADERS, "x-slack-request-timestamp": "soon"},
        {**HEADERS, "x-slack-request-timestamp": "１７６０００００００"},
        {**HEADERS, "x-slack-request-timestamp": "9" * 400},
        {**HEADERS, "x-slack-signature": "v0=\udcff"},
        {**HEADERS, "x-slack-signature": ""},
        {**HEADERS, "x-slack-signature": VECTOR.replace("v0=", "v1=")},
    ],
)
def test_odd_headers_are_refused_and_never_a_fault(headers: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        verify(headers, BODY, [SECRET], AT)


@pytest.mark.parametrize("secrets", [[], [Sealed("")]])
def test_without_a_secret_nothing_is_genuine(secrets: list[Sealed[str]]) -> None:
    signed = signature("1760000000", BODY, "").decode()
    with pytest.raises(BadSignature):
        verify({**HEADERS, "x-slack-signature": signed}, BODY, secrets, AT)


@given(body=st.binary(max_size=200), at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_changed_body_is_refused(body: bytes, at: int, bit: int) -> None:
    body += b"\0"
    signed = signature("1760000000", body, SECRET.reveal()).decode()
    changed = bytearray(body)
    changed[at % len(changed)] ^= 1 << bit
    with pytest.raises(BadSignature):
        verify({**HEADERS, "x-slack-signature": signed}, bytes(changed), [SECRET], AT)
