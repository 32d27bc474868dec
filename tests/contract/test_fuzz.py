"""Bodies nobody would send, rightly signed: every adapter reads them, or says that it cannot in its own word."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.errors import BadPayload, BadSignature
from tests.contract.samples import NOW, SAMPLES, Sample

_TOKENS = [
    b"",
    b"\0",
    b"\xff\xfe",
    b'"',
    b"{",
    b"[" * 40,
    b"]]>",
    b"<!DOCTYPE x>",
    b"&",
    b"%00",
    b"null",
    b"-1e999",
    b"\r\n",
    "\u202e\U0001f600".encode(),
]


@st.composite
def spoilt(draw: st.DrawFn, body: bytes) -> bytes:
    """The body with a few pieces cut out, doubled, turned round or replaced."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        end = min(len(body), at + draw(st.integers(0, 24)))
        kind = draw(st.sampled_from(("cut", "double", "replace", "bytes", "flip")))
        piece = {
            "cut": b"",
            "double": body[at:end] * 3,
            "replace": draw(st.sampled_from(_TOKENS)),
            "bytes": draw(st.binary(max_size=8)),
            "flip": bytes(byte ^ 0x20 for byte in body[at:end]),
        }[kind]
        body = body[:at] + piece + body[end:]
    return body


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_a_spoilt_body_is_read_or_refused_and_never_a_crash(kind: str) -> None:
    sample: Sample = SAMPLES[kind]

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(spoilt(sample.body))
    def reads(body: bytes) -> None:
        request = sample.request(body)
        try:
            sample.adapter.verify(request, sample.account, NOW)
            events = sample.adapter.parse(request, sample.account)
        except (BadPayload, BadSignature):
            return
        assert all(event.account_id == sample.account.id for event in events)

    reads()
