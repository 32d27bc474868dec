"""Every recorded delivery, spoilt at every place: nothing but BadPayload is raised, and no neighbour is lost (channels.md §0)."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.errors import BadPayload
from hub.model.message import Account, ChannelEvent, InboundMessage, StatusUpdate, Unknown
from tests.contract.plain import plain
from tests.contract.samples import CLOUD_VALUE, NOW, SAMPLES, Sample, sign_meta
from tests.contract.test_adapters import assert_storable

FIXTURES = Path(__file__).parents[2] / "fixtures"
META = ("whatsapp_meta", "messenger_meta", "instagram_meta")
every_meta = pytest.mark.parametrize("kind", META)
ODD: tuple[Any, ...] = (None, True, -1, 1.5, 10**30, "", "\0", "\ud800", "x" * 5000, [], {}, [[]], {"id": {}})


def recorded(kind: str) -> Iterator[dict[str, Any]]:
    for path in sorted((FIXTURES / kind).glob("*.json")):
        yield json.loads(json.loads(path.read_text())["body"])


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a value, itself included."""
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from places(member, (*path, key))


def spoilt(payload: dict[str, Any], path: tuple[Any, ...], odd: Any) -> dict[str, Any]:
    changed = copy.deepcopy(payload)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = odd
    return changed


def parse(sample: Sample, payload: Any, account: Account | None = None) -> list[ChannelEvent]:
    request = sign_meta(json.dumps(payload).encode(), sample.path)
    return sample.adapter.parse(request, account or sample.account)


def check(events: list[ChannelEvent]) -> None:
    assert events
    for event in events:
        assert 0 < len(event.provider_event_id) <= 200
        assert_storable(plain(event))


@every_meta
def test_what_is_spoilt_anywhere_leaves_its_neighbours_whole(kind: str) -> None:
    sample = SAMPLES[kind]
    healthy = json.loads(sample.body)["entry"][0]
    [expected] = parse(sample, json.loads(sample.body))
    spoils = 0
    for position, payload in enumerate(recorded(kind)):
        if payload["object"] != json.loads(sample.body)["object"]:
            continue
        together = {**payload, "entry": [*payload["entry"], healthy]}
        inside = [path for path in places(together) if len(path) > 1 and path[0] == "entry" and path[1] < len(payload["entry"])]
        for number, path in enumerate(inside):
            for odd in (ODD * 2)[(position + number) % len(ODD) :][:4]:  # every one of them comes by at every kind of place
                events = parse(sample, spoilt(together, path, odd))
                check(events)
                assert expected in events
                spoils += 1
    assert spoils > 1000


@every_meta
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_signed_json_raises_only_bad_payload(kind: str, data: st.DataObject) -> None:
    sample = SAMPLES[kind]
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8)
    names = st.sampled_from(
        ["object", "entry", "changes", "value", "messaging", "message", "messages", "statuses", "id", "mid", "type", "text"]
    )
    anything = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=12)
    payload = {"object": json.loads(sample.body)["object"], "entry": data.draw(st.lists(anything, max_size=3))}
    check(parse(sample, payload))


@every_meta
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"[" * 100_000, b'{"entry":' + b"9" * 5000 + b"}", b"\xff", b"{}\0"])
def test_what_is_no_object_is_malformed(kind: str, body: bytes) -> None:
    sample = SAMPLES[kind]
    with pytest.raises(BadPayload, match="json"):
        sample.adapter.parse(sign_meta(body, sample.path), sample.account)


@every_meta
@pytest.mark.parametrize("entry", [None, 7, {}, "x"])
def test_an_envelope_without_a_list_of_entries_is_malformed(kind: str, entry: object) -> None:
    sample = SAMPLES[kind]
    with pytest.raises(BadPayload, match="entry"):
        parse(sample, json.loads(sample.body) | {"entry": entry})


@every_meta
def test_a_batch_means_what_its_parts_mean(kind: str) -> None:
    sample = SAMPLES[kind]
    kind_of_object = json.loads(sample.body)["object"]
    payloads = [p for p in recorded(kind) if p["object"] == kind_of_object and p["entry"] and "malformed" not in str(parse(sample, p))]
    alone = [event for payload in payloads for event in parse(sample, payload)]
    together = parse(sample, {"object": kind_of_object, "entry": [entry for payload in payloads for entry in payload["entry"]]})
    assert together == alone


@every_meta
def test_what_is_not_understood_is_the_same_event_in_any_batch(kind: str) -> None:
    sample = SAMPLES[kind]
    payload = json.loads(sample.body)
    poison = {
        "changes": [{"field": "messages", "value": {"messages": [{"id": 7}]}}],
        "messaging": [{"sender": 7}],
        "id": payload["entry"][0]["id"],
    }
    [first, *_] = parse(sample, {**payload, "entry": [poison]})
    [*_, again] = parse(sample, {**payload, "entry": [*payload["entry"], {**poison}]})
    ids = {e.provider_event_id for e in parse(sample, {**payload, "entry": [poison]})}
    assert isinstance(first, Unknown)
    assert again.provider_event_id in ids


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("1760000000", datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)),
        (1760000000, datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)),
        (1760000000123, datetime(2025, 10, 9, 8, 53, 20, 123000, tzinfo=UTC)),
        ("1760000000123", datetime(2025, 10, 9, 8, 53, 20, 123000, tzinfo=UTC)),
        ("9999999999", NOW),  # a clock ahead of ours must not stretch a window
    ],
)
def test_times_come_in_seconds_or_milliseconds_as_text_or_number(stamp: Any, expected: datetime) -> None:
    sample = SAMPLES["whatsapp_meta"]
    payload = json.loads(sample.body)
    payload["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"] = stamp
    [event] = parse(sample, payload)
    assert isinstance(event, InboundMessage)
    assert abs(event.sent_at - expected) < timedelta(milliseconds=1)


def test_a_status_tells_two_members_of_a_group_apart_and_repeats_as_one() -> None:
    sample = SAMPLES["whatsapp_meta"]
    status = {"id": "wamid.G", "status": "read", "timestamp": "1760000000"}
    members = [{**status, "recipient_participant_id": number} for number in ("447700900123", "447700900124", "447700900123")]
    value = {"metadata": CLOUD_VALUE["metadata"], "statuses": members}
    events = parse(sample, {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages", "value": value}]}]})
    assert all(isinstance(event, StatusUpdate) for event in events)
    first, second, third = (event.provider_event_id for event in events)
    assert first == third != second


def test_an_endless_id_still_makes_a_key_of_bounded_length() -> None:
    sample = SAMPLES["messenger_meta"]
    payload = json.loads(sample.body)
    payload["entry"][0]["messaging"][0]["message"]["mid"] = "m_" + "x" * 5000
    [event] = parse(sample, payload)
    assert len(event.provider_event_id) <= 200
    other = replace(sample.account, secrets={**sample.account.secrets})
    assert parse(sample, payload, other)[0].provider_event_id == event.provider_event_id
