"""Who may hand in a form: a listed site or its back end, with the token of a form that was shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import BadSignature
from channels.form_token import issue, read
from channels.web_form import StaleForm, allowed_origins, verify
from hub.model.sealed import Sealed
from tests.unit.web_form.sample import ACCOUNT, KEY, NOW, ORIGIN, as_json, as_multipart, posted, request, shown, signed, token


@pytest.mark.parametrize("raw", [posted(), as_json(), as_multipart()], ids=["urlencoded", "json", "multipart"])
def test_our_own_page_is_let_in(raw: Any) -> None:
    verify(raw, ACCOUNT, NOW)


@pytest.mark.parametrize("origin", ["https://clinic.example", "https://www.clinic.example:8443", ORIGIN])
def test_a_listed_site_is_let_in(origin: str) -> None:
    verify(posted({"origin": origin}), ACCOUNT, NOW)


@pytest.mark.parametrize(
    "origin",
    [
        "http://clinic.example",
        "https://clinic.example.evil.example",
        "https://www.clinic.example",
        "https://evil.example",
        "https://clinic.example@evil.example",
        "клиника",
        "https://[::1",
    ],
)
def test_any_other_site_is_refused(origin: str) -> None:
    with pytest.raises(BadSignature):
        verify(posted({"origin": origin}), ACCOUNT, NOW)


@pytest.mark.parametrize("origin", [None, "null", ""])
def test_without_an_origin_the_referer_decides(origin: str | None) -> None:
    verify(posted({"origin": origin, "referer": f"{ORIGIN}/enquire?lang=zh"}), ACCOUNT, NOW)
    for referer in (None, "https://evil.example/https://clinic.example", "about:blank"):
        with pytest.raises(BadSignature):
            verify(posted({"origin": origin, "referer": referer}), ACCOUNT, NOW)


def test_a_wrong_origin_is_not_saved_by_a_right_referer() -> None:
    with pytest.raises(BadSignature):
        verify(posted({"origin": "https://evil.example", "referer": ORIGIN}), ACCOUNT, NOW)


@pytest.mark.parametrize(
    "bad", ["", "x", ".", "a.b", token()[:-1], token() + "A", issue(shown(), Sealed("another key")), "ünïcode.ünïcode", "\ud800."]
)
def test_a_token_we_did_not_sign_is_refused(bad: str) -> None:
    body = as_json(form_token=bad) if "\ud800" not in bad else request(b'{"form_token":"\\ud800."}', "application/json")
    with pytest.raises(BadSignature) as caught:
        verify(body, ACCOUNT, NOW)
    assert not isinstance(caught.value, StaleForm)


@pytest.mark.parametrize(
    ("age", "stale"),
    [
        (timedelta(seconds=1), True),
        (timedelta(seconds=2), False),
        (timedelta(hours=24), False),
        (timedelta(hours=24, seconds=1), True),
        (timedelta(seconds=-30), True),
    ],
)
def test_a_form_filled_too_fast_or_too_late_is_stale(age: timedelta, stale: bool) -> None:
    raw = posted(form_token=token(age=age))
    if not stale:
        verify(raw, ACCOUNT, NOW)
        return
    with pytest.raises(StaleForm):
        verify(raw, ACCOUNT, NOW)


def test_the_sites_back_end_is_let_in_by_its_signature_and_may_keep_the_form_longer() -> None:
    raw = as_json(form_token=token(age=timedelta(days=20)))
    verify(as_json(signed(raw), form_token=token(age=timedelta(days=20))), ACCOUNT, NOW)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_back_ends_signature_ends_after_five_minutes(seconds: int) -> None:
    raw = as_json()
    with pytest.raises(BadSignature):
        verify(as_json(signed(raw, at=NOW + timedelta(seconds=seconds))), ACCOUNT, NOW)


@pytest.mark.parametrize("header", ["", "t=1", "v1=aa", "t=١,v1=aa", "t=99999999999999999999,v1=a", "t=1,v1=ü", ",,=,=="])
def test_an_odd_signature_header_is_refused_even_from_a_listed_site(header: str) -> None:
    with pytest.raises(BadSignature):
        verify(as_json({"x_form_signature": header}), ACCOUNT, NOW)


def test_a_back_end_key_that_is_not_set_refuses() -> None:
    raw = as_json()
    for secrets in ({"form_token_key": KEY}, {"form_token_key": KEY, "backend_key": Sealed("")}):
        with pytest.raises(BadSignature):
            verify(as_json(signed(raw, key="")), replace(ACCOUNT, secrets=secrets), NOW)


def test_a_token_key_that_is_not_set_refuses() -> None:
    with pytest.raises(BadSignature):
        verify(posted(), replace(ACCOUNT, secrets={}), NOW)


@given(at=st.integers(0), bit=st.integers(0, 7))
def test_a_changed_back_end_body_is_refused(at: int, bit: int) -> None:
    raw = as_json()
    changed = bytearray(raw.body)
    changed[at % len(changed)] ^= 1 << bit
    with pytest.raises(BadSignature):
        verify(request(bytes(changed), "application/json", **signed(raw)), ACCOUNT, NOW)


@given(at=st.integers(0), bit=st.integers(0, 6))
def test_a_changed_token_is_never_read(at: int, bit: int) -> None:
    changed = bytearray(token().encode())
    changed[at % len(changed)] ^= 1 << bit
    with pytest.raises(ValueError, match=r"^form token$"):
        read(changed.decode(), KEY)


def test_a_token_says_again_what_was_shown() -> None:
    assert read(token(), KEY) == shown()


def test_our_own_address_is_always_listed() -> None:
    assert ORIGIN in allowed_origins(replace(ACCOUNT, options={}))
    assert "" not in allowed_origins(replace(ACCOUNT, options={"allowed_origins": " ,ftp://x.example,nonsense"}))


@pytest.mark.parametrize("kind", ["text/plain", "", "application/xml", "text/html; boundary=x"])
def test_other_content_types_are_refused(kind: str) -> None:
    with pytest.raises(BadSignature):
        verify(request(posted().body, kind), ACCOUNT, NOW)
