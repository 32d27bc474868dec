"""What Slack delivers: the shapes of channels.md §9, and that nothing but BadPayload comes out of odd ones."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.errors import BadPayload
from channels.slack.errors import Trouble, trouble_of
from channels.slack.payload import Change, Handshake, Other, Pressed, Said, Submitted, parse_event, parse_interaction

MESSAGE: dict[str, Any] = {
    "type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event_time": 1760000000,
    "event": {"type": "message", "channel": "C1A", "user": "U1A", "text": "Hello &amp; welcome", "ts": "1760000000.000200",
              "thread_ts": "1759999999.000100", "user_team": "T1"},
}  # fmt: skip
PRESS: dict[str, Any] = {
    "type": "block_actions", "user": {"id": "U1A", "team_id": "T1"}, "team": {"id": "T1"}, "trigger_id": "t",
    "actions": [{"action_id": "resolve", "value": "c", "action_ts": "1.1"}], "container": {"channel_id": "C1A", "message_ts": "1.2"},
}  # fmt: skip


def event(**changes: Any) -> Any:
    envelope = copy.deepcopy(MESSAGE)
    envelope["event"] |= changes
    return parse_event(json.dumps(envelope).encode())


def interaction(payload: Any) -> Any:
    return parse_interaction(urlencode({"payload": json.dumps(payload)}).encode())


def test_the_handshake_gives_its_challenge() -> None:
    assert parse_event(b'{"type":"url_verification","challenge":"c"}') == Handshake(challenge="c")


def test_a_reply_in_a_thread_is_read_whole() -> None:
    said = event()
    assert isinstance(said, Said)
    assert (said.event_id, said.channel, said.user, said.thread_ts, said.change) == (
        "Ev1",
        "C1A",
        "U1A",
        "1759999999.000100",
        Change.WRITTEN,
    )
    assert said.text.reveal() == "Hello &amp; welcome"
    assert "Hello" not in repr(said)


@pytest.mark.parametrize(
    "changes",
    [{"bot_id": "B1"}, {"subtype": "bot_message"}, {"subtype": "channel_join"}, {"type": "reaction_added"}, {"app_id": "A1"}, {"user": ""}],
)
def test_robots_joins_and_other_kinds_are_nothing_to_us(changes: dict[str, Any]) -> None:
    assert isinstance(event(**changes), Other)


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast"])
def test_files_and_broadcasts_are_words_too(subtype: str) -> None:
    assert isinstance(event(subtype=subtype), Said)


def test_files_are_listed_and_those_kept_elsewhere_have_no_address() -> None:
    said = event(files=[
        {"id": "F1", "name": "a.pdf", "mimetype": "application/pdf", "size": 9, "url_private_download": "https://files.slack.com/a"},
        {"id": "F2", "name": "b", "mimetype": "x", "size": -1, "url_private": "https://drive.example", "is_external": True},
        "odd",
    ])  # fmt: skip
    assert [(f.id, f.size, f.url is not None) for f in said.files] == [("F1", 9, True), ("F2", 0, False)]


def test_an_edit_a_mere_unfurl_and_a_deletion_are_told_apart() -> None:
    inside = MESSAGE["event"]
    edited = event(subtype="message_changed", message={**inside, "text": "new"}, previous_message=inside)
    unfurled = event(subtype="message_changed", message=inside, previous_message=inside)
    gone = event(subtype="message_deleted", deleted_ts=inside["ts"], previous_message=inside)
    nameless = event(subtype="message_deleted", deleted_ts=inside["ts"], user="")
    assert (edited.change, edited.unchanged, edited.text.reveal()) == (Change.EDITED, False, "new")
    assert unfurled.unchanged
    assert (gone.change, gone.ts, gone.text.reveal()) == (Change.DELETED, inside["ts"], "")
    assert nameless.change is Change.DELETED


def test_a_press_is_named_so_that_its_copies_are_one() -> None:
    one, two = interaction(PRESS), interaction(PRESS)
    assert isinstance(one, Pressed)
    assert one.key == two.key
    assert one.key != interaction({**PRESS, "actions": [{**PRESS["actions"][0], "action_ts": "9.9"}]}).key


def test_a_modal_gives_its_fields_sealed() -> None:
    sent = interaction({
        "type": "view_submission", "user": {"id": "U1A"}, "team": {"id": "T1"},
        "view": {"id": "V1", "hash": "h", "callback_id": "reply", "private_metadata": "c-1", "state": {"values": {
            "text": {"text": {"value": "hi"}}, "channel": {"channel": {"selected_option": {"value": "sms"}}}}}},
    })  # fmt: skip
    assert isinstance(sent, Submitted)
    assert {k: v.reveal() for k, v in sent.fields.items()} == {"text": "hi", "channel": "sms"}
    assert "hi'" not in repr(sent)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"type":"event_callback"}',
        b"[" * 100_000,
        b'{"type":"event_callback","event_id":"E","event":1}',
    ],
)
def test_what_cannot_be_read_is_bad_payload(body: bytes) -> None:
    with pytest.raises(BadPayload):
        parse_event(body)


@pytest.mark.parametrize("body", [b"", b"payload", b"payload=%7B", b"a=1", b"payload=%5B%5D", b"\xff=1", b"payload={}&payload={}"])
def test_a_form_that_cannot_be_read_is_bad_payload(body: bytes) -> None:
    with pytest.raises(BadPayload):
        parse_interaction(body)


leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
junk = st.recursive(leaves, lambda c: st.lists(c, max_size=3) | st.dictionaries(st.text(max_size=5), c, max_size=3), max_leaves=6)


@given(data=st.data())
@settings(max_examples=150)
def test_retyped_payloads_raise_nothing_else(data: st.DataObject) -> None:
    for whole, read in ((copy.deepcopy(MESSAGE), lambda p: parse_event(json.dumps(p).encode())), (copy.deepcopy(PRESS), interaction)):
        place = whole["event"] if "event" in whole and data.draw(st.booleans()) else whole
        place[data.draw(st.sampled_from(sorted(place)))] = data.draw(junk)
        with contextlib.suppress(BadPayload):
            read(whole)


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (Trouble.LIMITED, "ratelimited"),
        (Trouble.UNKNOWN, "internal_error fatal_error service_unavailable request_timeout"),
        (Trouble.THREAD, "thread_not_found"),
        (Trouble.CHANNEL, "channel_not_found is_archived not_in_channel restricted_action"),
        (Trouble.TOKEN, "invalid_auth token_revoked token_expired account_inactive missing_scope"),
        (Trouble.MESSAGE, "msg_too_long msg_blocks_too_long invalid_blocks no_text metadata_too_large"),
        (Trouble.OTHER, "a_word_of_tomorrow"),
    ],
)
def test_every_documented_error_has_its_class(trouble: Trouble, words: str) -> None:
    assert {trouble_of(word) for word in words.split()} == {trouble}
