"""What Slack delivers, as values: events and presses of buttons. Typed readers; an unknown kind is a value too, never a crash.

Sources: https://docs.slack.dev/reference/events/message, https://docs.slack.dev/reference/interaction-payloads. Nothing here
knows a person of ours or decides what follows.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from urllib.parse import parse_qs

from channels.errors import BadPayload
from hub.model.sealed import Sealed

ID: Final = re.compile(r"[A-Z0-9]{2,32}")
TS: Final = re.compile(r"\d{1,16}\.\d{1,9}")
FILES_MOST: Final = 20


class Change(StrEnum):
    WRITTEN = "written"
    EDITED = "edited"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackFile:
    id: str
    name: Sealed[str]
    mime_type: str
    size: int
    url: Sealed[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    challenge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message a person wrote, changed or took away in a channel we are in.

    ts: of the message itself. thread_ts: "" outside a thread. user: "" only for a deletion Slack names nobody for. user_team:
    the workspace the person belongs to; "" when Slack does not say. text: in Slack's mark-up; empty for a deletion.
    unchanged: an "edit" that only unfolded a link.
    """

    event_id: str
    team: str
    channel: str
    user: str
    user_team: str
    ts: str
    thread_ts: str
    change: Change
    text: Sealed[str]
    files: tuple[SlackFile, ...]
    unchanged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """An event nothing follows from: our own posts, other bots, joins, kinds we did not ask for. kind: Slack's word, cut."""

    event_id: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """A button. value: what we put into it. key: names this press, since Slack gives it no event id."""

    key: str
    team: str
    user: str
    user_team: str
    channel: str
    message_ts: str
    action: str
    value: str
    trigger_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A modal sent off. private: what we put into it when it was opened. fields: by block id."""

    key: str
    team: str
    user: str
    user_team: str
    callback: str
    private: str
    fields: Mapping[str, Sealed[str]]


Event = Handshake | Said | Other
Interaction = Pressed | Submitted | Other


def parse_event(body: bytes) -> Event:
    """One request of the Events API. Raises BadPayload."""
    return event_of(_object(_json(body), "body"))


def event_of(top: Mapping[str, Any]) -> Event:
    """As `parse_event`, from the decoded envelope: Socket Mode delivers it that way. Raises BadPayload."""
    kind = _text(top, "type")
    if kind == "url_verification":
        return Handshake(challenge=_text(top, "challenge")[:500])
    if kind != "event_callback":
        return Other(event_id=f"{kind[:40]}:{_text(top, 'minute_rate_limited')[:20]}", kind=kind[:100])
    event_id = _text(top, "event_id")
    if not event_id or len(event_id) > 100:
        raise BadPayload("slack", "event_id")
    return _event(event_id, _text(top, "team_id"), _object(top.get("event"), "event"))


def _event(event_id: str, team: str, event: Mapping[str, Any]) -> Event:
    kind, subtype = _text(event, "type"), _text(event, "subtype")
    if kind != "message":
        return Other(event_id=event_id, kind=kind[:100])
    if subtype == "message_changed":
        return _changed(event_id, team, event)
    if subtype == "message_deleted":
        before = _object(event.get("previous_message") or {}, "previous_message")
        return _said(event_id, team, event, {**before, "ts": _text(event, "deleted_ts"), "text": "", "files": []}, Change.DELETED)
    if subtype not in ("", "file_share", "thread_broadcast"):
        return Other(event_id=event_id, kind=f"message.{subtype}"[:100])
    return _said(event_id, team, event, event, Change.WRITTEN)


def _changed(event_id: str, team: str, event: Mapping[str, Any]) -> Event:
    after = _object(event.get("message"), "message")
    before = _object(event.get("previous_message") or {}, "previous_message")
    if _text(after, "subtype") == "tombstone":  # a first post taken away while answers hang on it
        return _said(event_id, team, event, {**before, "ts": _text(after, "ts"), "text": "", "files": []}, Change.DELETED)
    unchanged = _text(after, "text") == _text(before, "text") and bool(before)
    return _said(event_id, team, event, after, Change.EDITED, unchanged=unchanged)


def _said(
    event_id: str, team: str, event: Mapping[str, Any], message: Mapping[str, Any], change: Change, *, unchanged: bool = False
) -> Event:
    user, ts = _text(message, "user"), _text(message, "ts")
    nameless = change is Change.DELETED and not user and not message.get("bot_id")  # Slack does not always say who
    if (not user and not nameless) or message.get("bot_id") or message.get("app_id") or event.get("bot_id"):
        return Other(event_id=event_id, kind="message.bot")
    channel, thread_ts = _text(event, "channel"), _text(message, "thread_ts")
    if not ((nameless or ID.fullmatch(user)) and ID.fullmatch(channel) and TS.fullmatch(ts) and (not thread_ts or TS.fullmatch(thread_ts))):
        raise BadPayload("slack", "event")
    files = message.get("files")
    return Said(
        event_id=event_id,
        team=team[:40],
        channel=channel,
        user=user,
        user_team=(_text(message, "user_team") or _text(message, "team") or _text(event, "user_team") or _text(event, "team"))[:40],
        ts=ts,
        thread_ts=thread_ts,
        change=change,
        text=Sealed(_text(message, "text")),
        files=tuple(_file(f) for f in files[:FILES_MOST] if isinstance(f, Mapping)) if isinstance(files, list) else (),
        unchanged=unchanged,
    )


def _file(file: Mapping[str, Any]) -> SlackFile:
    size, url = file.get("size"), _text(file, "url_private_download") or _text(file, "url_private")
    external = bool(file.get("is_external")) or _text(file, "mode") in ("external", "tombstone", "hidden_by_limit")
    return SlackFile(
        id=_text(file, "id")[:40],
        name=Sealed(_text(file, "name")[:200]),
        mime_type=_text(file, "mimetype")[:100] or "application/octet-stream",
        size=size if type(size) is int and size >= 0 else 0,
        url=Sealed(url) if url and not external else None,
    )


def parse_interaction(body: bytes) -> Interaction:
    """One form post of the interactivity address, with its field `payload`. Raises BadPayload."""
    try:
        fields = parse_qs(body.decode("utf-8"), strict_parsing=True, max_num_fields=5)
    except ValueError:
        raise BadPayload("slack", "form") from None
    if len(fields.get("payload", ())) != 1:
        raise BadPayload("slack", "payload")
    return interaction_of(_object(_json(fields["payload"][0].encode("utf-8", "replace")), "payload"))


def interaction_of(top: Mapping[str, Any]) -> Interaction:
    """As `parse_interaction`, from the decoded payload. Raises BadPayload."""
    kind = _text(top, "type")
    if kind == "block_actions":
        return _pressed(top)
    if kind == "view_submission":
        return _submitted(top)
    return Other(event_id="", kind=kind[:100])


def _who(top: Mapping[str, Any]) -> dict[str, str]:
    user = _object(top.get("user"), "user")
    if not ID.fullmatch(_text(user, "id")):
        raise BadPayload("slack", "user.id")
    team = _text(_object(top.get("team") or {}, "team"), "id")[:40]
    return {"user": _text(user, "id"), "user_team": _text(user, "team_id")[:40] or team, "team": team}


def _pressed(top: Mapping[str, Any]) -> Interaction:
    actions = top.get("actions")
    if not isinstance(actions, list) or not actions:
        raise BadPayload("slack", "actions")
    action, where = _object(actions[0], "actions[0]"), _object(top.get("container") or {}, "container")
    chosen = _text(_object(action.get("selected_option") or {}, "selected_option"), "value")
    who, id, ts = _who(top), _text(action, "action_id")[:100], _text(where, "message_ts")[:40]
    return Pressed(
        **who,
        key=f"press:{who['user']}:{ts}:{id}:{_text(action, 'action_ts')[:40]}",
        channel=_text(where, "channel_id")[:40],
        message_ts=ts,
        action=id,
        value=(chosen or _text(action, "value"))[:200],
        trigger_id=_text(top, "trigger_id")[:200],
    )


def _submitted(top: Mapping[str, Any]) -> Submitted:
    view = _object(top.get("view"), "view")
    values = _object(_object(view.get("state") or {}, "state").get("values") or {}, "values")
    fields: dict[str, Sealed[str]] = {}
    for block, elements in values.items():
        for element in _object(elements, "values").values():
            inside = _object(element, "element")
            chosen = _text(_object(inside.get("selected_option") or {}, "selected_option"), "value")
            fields[str(block)[:100]] = Sealed(chosen or _text(inside, "value"))
    return Submitted(
        **_who(top),
        key=f"view:{_text(view, 'id')[:60]}:{_text(view, 'hash')[:60]}",
        callback=_text(view, "callback_id")[:100],
        private=_text(view, "private_metadata")[:3000],
        fields=fields,
    )


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BadPayload("slack", "json") from None


def _object(value: object, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadPayload("slack", path)
    return value


def _text(of: Mapping[str, Any], key: str) -> str:
    """The text under a key; "" where there is none. Lone surrogates and NUL cannot be kept and are replaced."""
    value = of.get(key)
    if not isinstance(value, str):
        return ""
    return value.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
