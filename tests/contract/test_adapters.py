"""What every adapter promises (style.md "Tests", channels.md §0 and §11)."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.errors import BadPayload, BadSignature
from channels.registry import ADAPTERS
from hub.model.address import Channel
from hub.model.message import InboundMessage, Outcome, ProviderResponse, RawRequest, SendCode, StatusUpdate, Unknown
from hub.model.sealed import Sealed
from tests.contract.plain import plain
from tests.contract.samples import NOW, SAMPLES, Sample

every_adapter = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES.keys())
every_sender = pytest.mark.parametrize("sample", [s for s in SAMPLES.values() if s.double], ids=[k for k, s in SAMPLES.items() if s.double])
SENTINEL = "Sentinel-Zq9-secret-words"


def refused(sample: Sample, request: RawRequest) -> bool:
    """Whether verify refuses; any exception but BadSignature fails the test."""
    try:
        sample.adapter.verify(request, sample.account, NOW)
    except BadSignature as refusal:
        if refusal.account_id != sample.account.id:
            raise
        return True
    return False


def test_every_adapter_of_the_registry_is_in_the_suite() -> None:
    assert set(ADAPTERS) == set(SAMPLES)


@every_adapter
def test_an_adapter_is_registered_under_its_own_name_with_the_secrets_it_needs(sample: Sample) -> None:
    assert ADAPTERS[sample.adapter.kind] is sample.adapter
    assert sample.adapter.required_secrets
    assert set(sample.adapter.required_secrets) <= set(sample.account.secrets)
    # The largest of any provider's (channels.md §6.1); a mail brings its files along.
    largest = 42 * 1024 * 1024 if sample.adapter.channel is Channel.EMAIL else 3_145_728
    assert sample.adapter.capabilities.max_body_bytes <= largest
    assert sample.adapter.capabilities.outbound == (sample.adapter.open_transport is not None)


@every_adapter
def test_a_genuine_request_is_let_in_and_means_something(sample: Sample) -> None:
    request = sample.request()
    assert not refused(sample, request)
    [event] = sample.adapter.parse(request, sample.account)
    assert isinstance(event, InboundMessage)
    assert event.text.reveal()


@every_adapter
@settings(max_examples=150, deadline=None)
@given(at=st.integers(0), bit=st.integers(0, 7))
def test_a_flipped_bit_is_refused_unless_it_means_the_same(sample: Sample, at: int, bit: int) -> None:
    genuine = sample.request()
    changed = bytearray(genuine.body)
    changed[at % len(changed)] ^= 1 << bit
    request = replace(genuine, body=bytes(changed))
    assert refused(sample, request) != (sample.meaning(request.body) == sample.meaning(genuine.body))


@every_adapter
@settings(max_examples=60, deadline=None)
@given(at=st.integers(0), bit=st.integers(0, 6))
def test_a_flipped_bit_of_the_signature_is_refused(sample: Sample, at: int, bit: int) -> None:
    genuine = sample.request()
    claimed = bytearray(sample.signature_of(genuine).encode())
    claimed[at % len(claimed)] ^= 1 << bit
    assert refused(sample, sample.with_signature(genuine, claimed.decode("latin-1")))


@every_adapter
@pytest.mark.parametrize("claimed", ["", " ", "é" * 28, "\udcff" * 28, "\0", "=" * 5000, "陈", "null", "t=,v1="])
def test_an_odd_signature_is_refused(sample: Sample, claimed: str) -> None:
    assert refused(sample, sample.with_signature(sample.request(), claimed))


@every_adapter
def test_a_missing_signature_is_refused(sample: Sample) -> None:
    genuine = sample.request()
    assert refused(sample, sample.with_signature(genuine, None))
    assert refused(sample, replace(genuine, headers={}))


@every_adapter
def test_an_old_signature_is_refused_where_a_time_is_signed(sample: Sample) -> None:
    if sample.stale is not None:
        assert refused(sample, sample.stale)
        return
    # No time is signed: a replay is caught by the event's id instead, which must not depend on when it comes.
    late = replace(sample.request(), received_at=NOW + timedelta(days=3))
    first = sample.adapter.parse(sample.request(), sample.account)
    again = sample.adapter.parse(late, sample.account)
    assert [e.provider_event_id for e in first] == [e.provider_event_id for e in again]


@every_adapter
def test_a_delivery_repeated_is_the_same_event(sample: Sample) -> None:
    once, twice = (sample.adapter.parse(sample.request(), sample.account) for _ in range(2))
    assert [e.provider_event_id for e in once] == [e.provider_event_id for e in twice]


@every_adapter
@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/json", "multipart/form-data", "\udcff", "application/xml; charset=é"]
)
def test_a_body_of_another_type_is_refused_or_malformed(sample: Sample, content_type: str) -> None:
    genuine = sample.request()
    request = replace(genuine, headers={**genuine.headers, "content-type": content_type})
    assert refused(sample, request) != (content_type == genuine.headers["content-type"])


@every_adapter
def test_an_account_whose_secret_is_missing_refuses(sample: Sample) -> None:
    assert_refuses(replace_account(sample, {}), sample.request())
    assert_refuses(replace_account(sample, {name: Sealed("") for name in sample.account.secrets}), sample.request())


def mutations(body: bytes) -> Iterator[bytes]:
    """Truncated at every byte, and every value retyped."""
    yield from (body[:cut] for cut in range(0, len(body), 3))
    pairs = body.split(b"&")
    for index, pair in enumerate(pairs):
        name = pair.partition(b"=")[0]
        for odd in (b"", b"[]", b"-1", b"null", b"%00", b"%ED%A0%80", b"%FF%FE", b"9" * 400, b"%F0%9F%98%80" * 50, b"1e999", b"NaN"):
            yield b"&".join([*pairs[:index], name + b"=" + odd, *pairs[index + 1 :]])
        yield b"&".join([*pairs[:index], *pairs[index + 1 :]])
        yield b"&".join([*pairs, name + b"=again"])


@every_adapter
def test_truncated_and_retyped_payloads_raise_only_bad_payload(sample: Sample) -> None:
    for body in mutations(sample.body):
        assert_parses(sample, sample.request(body))


@every_adapter
@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=300))
def test_any_signed_bytes_raise_only_bad_payload(sample: Sample, body: bytes) -> None:
    assert_parses(sample, sample.request(body))


def assert_parses(sample: Sample, request: RawRequest) -> None:
    """Let in or refused, then parsed or malformed; what is parsed can be stored."""
    if refused(sample, request):
        return
    try:
        events = sample.adapter.parse(request, sample.account)
    except BadPayload:
        return
    for event in events:
        assert 0 < len(event.provider_event_id) <= 200
        assert isinstance(event, InboundMessage | StatusUpdate | Unknown)
        assert_storable(plain(event))


def assert_storable(value: object) -> None:
    if isinstance(value, str):
        assert "\0" not in value
        value.encode()
    elif isinstance(value, dict):
        for item in value.values():
            assert_storable(item)
    elif isinstance(value, list):
        for item in value:
            assert_storable(item)


@every_adapter
def test_no_exception_carries_a_secret_or_what_was_sent(sample: Sample) -> None:
    body = sample.body + b"&Body=" + SENTINEL.encode() + b"&name=" + SENTINEL.encode()
    genuine = sample.request(body)
    tampered = replace(genuine, body=genuine.body + b"&x=" + SENTINEL.encode())
    malformed = sample.request(b"MessageSid=" + SENTINEL.encode() + b"!&form_token=" + SENTINEL.encode())
    hidden = (SENTINEL, sample.signature_of(genuine), *sample.secrets)
    for request in (tampered, sample.with_signature(genuine, SENTINEL), malformed):
        for step in (lambda r: sample.adapter.verify(r, sample.account, NOW), lambda r: sample.adapter.parse(r, sample.account)):
            try:
                step(request)
            except (BadSignature, BadPayload) as fault:
                told = "".join(traceback.format_exception(fault)) + repr(fault) + str(fault) + repr(fault.args)
                assert not [word for word in hidden if word in told]


@every_adapter
def test_values_do_not_print_what_they_carry(sample: Sample) -> None:
    request = sample.request()
    events = sample.adapter.parse(request, sample.account)
    told = repr(request) + repr(events) + repr(sample.account)
    text = events[0].text.reveal()  # type: ignore[union-attr]
    assert text not in told
    assert "7700900123" not in told
    assert not [secret for secret in sample.secrets if secret in told]


@every_adapter
def test_the_answer_is_a_success_the_provider_understands(sample: Sample) -> None:
    answer = sample.adapter.reply(sample.request(), Outcome.STORED)
    assert 200 <= answer.status < 400
    assert answer.content_type != "text/plain" or not answer.body


@every_sender
async def test_what_is_rendered_is_accepted_by_the_provider(sample: Sample) -> None:
    assert sample.double
    assert sample.outbound
    assert sample.adapter.open_transport
    async with sample.double() as double, sample.adapter.open_transport(sample.at(double)) as transport:
        answer = await transport.send(sample.adapter.render(sample.outbound, sample.at(double)))
        result = sample.adapter.interpret(answer)
        assert result.code is SendCode.ACCEPTED
        assert result.provider_message_id == (double.sent[0].sid if sample.names_messages else None)
        assert [sent.body for sent in double.sent] == [sample.outbound.text.reveal()]
        assert double.sends_of(sample.outbound.id) == (1 if sample.names_messages else 0)


@every_adapter
@settings(max_examples=100, deadline=None)
@given(
    status=st.integers(0, 999),
    body=st.dictionaries(st.sampled_from(["sid", "code", "status", "error_code", "x"]), st.none() | st.integers() | st.text()),
)
def test_any_answer_is_interpreted(sample: Sample, status: int, body: dict[str, object]) -> None:
    result = sample.adapter.interpret(ProviderResponse(status=status, body=Sealed(body)))
    assert isinstance(result.code, SendCode)
    # In SMTP a 5xx is a refusal (RFC 5321 §4.2.1), over HTTP nobody knows.
    if status >= 500 and sample.adapter.capabilities.outbound and sample.adapter.channel is not Channel.EMAIL:
        assert result.code is SendCode.OUTCOME_UNKNOWN  # it may have been taken on: never sent again by itself
    if result.code is SendCode.ACCEPTED:
        assert result.provider_message_id or not sample.names_messages


def replace_account(sample: Sample, secrets: dict[str, Sealed[str]]) -> Sample:
    return replace(sample, account=replace(sample.account, secrets=secrets))


def assert_refuses(sample: Sample, request: RawRequest) -> None:
    assert refused(sample, request)
