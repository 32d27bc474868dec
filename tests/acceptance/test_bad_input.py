"""What the web process answers to what it cannot take: plainly, quickly, without a word about why (P3, P7)."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Iterator, Mapping
from urllib.parse import quote_from_bytes, urlencode

import aiohttp
import pytest

from tests.acceptance.clinic import Clinic
from tests.acceptance.day import Day, validator
from tests.world import WHATSAPP

HOOK = f"/webhooks/{WHATSAPP}"
TRACES = (b"Traceback", b'File "', b"asyncpg", b"Error:", b"Exception")


@pytest.fixture(autouse=True)
def no_fault_of_ours(clinic: Clinic) -> Iterator[None]:
    """Whatever is sent, the web process itself never stumbles."""
    before = len(clinic.processes["web"].said())
    yield
    said = clinic.processes["web"].said()[before:]
    assert "request.failed" not in said
    assert "event_failed" not in said


def plain(body: bytes) -> None:
    for trace in TRACES:
        assert trace not in body


async def signed(day: Day, body: bytes, fields: Mapping[str, str], path: str = HOOK) -> tuple[int, bytes]:
    """Post these bytes, signed for these fields."""
    token = day.account(WHATSAPP).secrets["auth_token"].reveal()
    signature = validator(token).compute_signature(day.clinic.url + path, dict(fields))
    return await day.post_raw(path, body, {"X-Twilio-Signature": signature})


@pytest.mark.parametrize("signature", [None, "", "AAAA", "\xff\xfe", "=" * 5000])
async def test_a_wrong_or_missing_signature_is_refused_with_an_empty_body(day: Day, signature: str | None) -> None:
    letter = day.letter(day.person(), "Hello")
    headers = {} if signature is None else {"X-Twilio-Signature": signature}
    assert await day.post_raw(HOOK, urlencode(letter.fields).encode(), headers) == (403, b"")
    assert await day.rows("SELECT 1 FROM inbound_event WHERE provider_event_id = $1", letter.sid) == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"MessageSid=" + b"&a=1" * 5000, "application/x-www-form-urlencoded"),  # more fields than a decoder takes
        (b"[" * 60_000, "application/json"),  # deeper than a decoder goes
        (b"\xff\xfe\x00%00%zz", "application/x-www-form-urlencoded"),
        (b"--x\r\nContent-Disposition: form-data\r\n" * 500, "multipart/form-data; boundary=x"),
    ],
)
async def test_nothing_unsigned_is_decoded(day: Day, body: bytes, content_type: str) -> None:
    for headers in ({}, {"X-Twilio-Signature": "AAAA"}):
        assert await day.post_raw(HOOK, body, headers | {"Content-Type": content_type}) == (403, b"")


async def test_an_oversized_body_is_refused_without_being_read(day: Day) -> None:
    status, body = await day.post_raw(HOOK, b"Body=" + b"x" * 5_000_000, {"X-Twilio-Signature": "AAAA"})
    assert (status, body) == (413, b"")


async def test_a_signed_form_that_is_none_is_answered_400(day: Day) -> None:
    for fields in ({}, {"MessageSid": "../../etc", "Body": "Hello"}):
        assert await signed(day, urlencode(fields).encode(), fields) == (400, b"")


async def test_an_unknown_account_looks_like_a_wrong_signature_and_takes_as_long(day: Day) -> None:
    body = urlencode(day.letter(day.person(), "Hello").fields).encode()
    spent: dict[str, list[float]] = {HOOK: [], "/webhooks/nobody": []}
    chance = random.Random(1)
    for path in chance.sample([HOOK, "/webhooks/nobody"] * 150, 300):
        begun = time.perf_counter()
        answer = await day.post_raw(path, body, {"X-Twilio-Signature": "b" * 28})
        spent[path].append(time.perf_counter() - begun)
        assert answer == (403 if path == HOOK else 404, b"")
    known, unknown = (statistics.median(times) for times in spent.values())
    assert 1 / 3 < known / unknown < 3, (known, unknown)


async def test_a_kind_nobody_knows_is_stored_as_unsupported(day: Day) -> None:
    phone = day.person()
    letter = await day.writes(phone, "", MessageType="hologram")
    kind = "SELECT content_kind FROM message WHERE provider_message_id = $1"
    assert await day.value(kind, letter.sid) == "unsupported"
    fields = {"EventType": "SOMETHING_NEW", "AccountSid": day.double.account_sid, "Nonce": letter.sid}
    assert (await signed(day, urlencode(fields).encode(), fields))[0] == 200
    events = "SELECT count(*) FROM inbound_event WHERE kind = 'unknown:SOMETHING_NEW' AND state = 'unknown'"
    assert await day.value(events) >= 1
    await day.quiet()


@pytest.mark.parametrize(
    "text",
    [b"a\0b", b"\xed\xa0\x80", b"\xff\xfe", "‮👩‍⚕️\U0010fffe".encode(), b"stop\0", b"x" * 900_000, b"%00%D8%00"],
    ids=["nul", "lone surrogate", "no utf-8", "odd characters", "stop with nul", "long", "percent"],
)
async def test_odd_text_is_stored_or_refused_and_never_breaks_anything(day: Day, text: bytes) -> None:
    phone = day.person()
    letter = day.letter(phone, "TEXT")
    body = urlencode(letter.fields).encode().replace(b"TEXT", quote_from_bytes(text).encode())
    decoded = text.decode("utf-8", "replace")
    status, answer = await signed(day, body, letter.fields | {"Body": decoded})
    assert status in (200, 400, 403, 413)
    plain(answer)
    stored = await day.rows("SELECT body FROM message WHERE provider_message_id = $1", letter.sid)
    assert len(stored) == (status == 200)
    assert await day.value("SELECT count(*) FROM inbound_event WHERE state = 'failed'") == 0
    await day.quiet()


async def test_a_megabyte_of_text_is_refused_as_too_much(day: Day) -> None:
    letter = day.letter(day.person(), "x" * 1_100_000)
    assert await day.post(letter) in (200, 413)


@pytest.mark.parametrize("path", [HOOK, "/webhooks/nobody", f"{HOOK}/status/x", "/webhooks/", "/webhooks/%00", "/webhooks/%ff%fe"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST"])
async def test_no_method_on_a_webhook_breaks_anything(day: Day, method: str, path: str) -> None:
    async with day.session.request(method, day.clinic.url + path, data=b"x=1") as answer:
        body = await answer.read()
    assert answer.status in (403, 404, 405)
    assert body == b""


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/nothing", "/inbox", "/inbox/x", "/enquire", "/privacy", "/%00", "/%ff", "/static/../x", "/live", "/healthz"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_no_page_shows_a_trace(day: Day, method: str, path: str) -> None:
    async with day.session.request(method, day.clinic.url + path, data=b"\xff\0=%zz", allow_redirects=False) as answer:
        body = await answer.read()
    assert answer.status < 500
    plain(body)


async def test_broken_http_is_refused_without_a_trace(day: Day) -> None:
    broken = [
        {"Content-Length": "5, 6"},
        {"Transfer-Encoding": "nonsense"},
        {"Cookie": "hub_session=\xff\xfe; theme=<x>"},
        {"Content-Encoding": "gzip"},
    ]
    for headers in broken:
        try:
            async with day.session.post(day.clinic.url + HOOK, data=b"x", headers=headers) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, ValueError):
            continue
        assert answer.status < 500
        plain(body)
