"""`hub explain webhook`: what one request would mean to the hub: is it signed, what comes of it, what would be stored.

Reads the settings and the request it is given. Never opens the database or the network, never stores, never prints a secret.
Private text is shown: whoever runs this holds the request already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from channels.errors import BadPayload, BadSignature
from channels.registry import ADAPTERS
from hub.intake import mail_routing
from hub.intake.stops import keyword_effects
from hub.lexicon import DEFAULT_CONFIG, load_lexicon
from hub.model.message import (
    Account,
    ChannelEvent,
    InboundMessage,
    MediaRef,
    PreferenceChange,
    ProviderKeyword,
    RawRequest,
    StatusUpdate,
)
from hub.model.permission import Scope, Signal, TextContext
from hub.model.sealed import Sealed
from hub.policy.optout import recognise


def explain(request: RawRequest, account: Account, *, now: datetime, config_dir: Path = DEFAULT_CONFIG) -> list[dict[str, Any]]:
    """One JSON-ready object per event, or one {"refused": …}: "too_large", "bad_signature" or the constant of what cannot be read.

    now: what the age of the signature is measured against. The state of the house (repeats, replays, stops that stand) is not known here.
    """
    adapter = ADAPTERS[account.adapter]
    if len(request.body) > adapter.capabilities.max_body_bytes:
        return [{"refused": "too_large"}]
    try:
        adapter.verify(request, account, now)
    except BadSignature as refusal:
        return [{"refused": str(refusal)}]
    try:
        events = adapter.parse(request, account)
    except BadPayload as refusal:
        return [{"refused": str(refusal), "signature": "holds"}]
    return [_event(event, account, config_dir) for event in events]


def read_headers(lines: Iterable[str]) -> Mapping[str, str]:
    """Lines of `Name: value`, as tools print them; request lines and blanks are passed over. Names come back lower-cased."""
    pairs = (line.strip().partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, colon, value in pairs if colon and name and " " not in name.strip()}


def path_of(url: str) -> str:
    """Path and query as the provider spelled them: a signature may cover every character."""
    rest = url.partition("://")[2] if "://" in url else url
    path = rest[rest.find("/") :] if "/" in rest else "/"
    return path.partition("#")[0]


def human(result: Mapping[str, Any]) -> str:
    """One answer as a sentence."""
    if "refused" in result:
        begins = "The signature holds, but the body was refused" if "signature" in result else "Refused"
        return f"{begins}: {result['refused']}."
    said = f"The signature holds. {result['type']} {result['event'].get('provider_event_id', '')}".rstrip()
    heard = result["recognised"]
    if heard:
        stops = ", ".join(scope if channel is None else f"{scope}({channel})" for scope, channel in heard["suppress"])
        said += f"; read as {heard['label']}" + (f", which stops {stops}" if stops else "")
    return f"{said}; stored: {', '.join(result['stores'])}."


def _event(event: ChannelEvent, account: Account, config_dir: Path) -> dict[str, Any]:
    heard = _heard(event, config_dir) if isinstance(event, InboundMessage) else None
    return {
        "type": type(event).__name__,
        "signature": "holds",
        "event": _plain(event, {s.reveal() for s in account.secrets.values() if s.reveal()}),
        "recognised": heard,
        "stores": ["journal", *_stores(event, heard)],
    }


def _heard(event: InboundMessage, config_dir: Path) -> dict[str, Any]:
    """What the recogniser makes of the words, with what the provider's own keyword adds (policy §3.6)."""
    lexicon = load_lexicon(config_dir)

    def ask(text: str, context: TextContext) -> Signal:
        return recognise(text, context, lexicon)

    signal = mail_routing.hear(event, ask, TextContext(channel=event.channel))
    effects = signal.suppress
    if event.keyword is ProviderKeyword.STOP:
        effects = (*keyword_effects(event.channel), *(effect for effect in effects if effect[0] is Scope.ALL_CONTACT))
    return {
        "label": str(signal.label),
        "rule_id": signal.rule_id or None,
        "provider_keyword": event.keyword and str(event.keyword),
        "suppress": [[str(scope), channel and str(channel)] for scope, channel in effects],
    }


def _stores(event: ChannelEvent, heard: Mapping[str, Any] | None) -> list[str]:
    if isinstance(event, InboundMessage):
        parts = ["contact", "conversation", "message"]
        parts += ["attachments"] if event.media else []
        return parts + (["suppressions"] if heard and heard["suppress"] else [])
    if isinstance(event, StatusUpdate):
        return ["delivery status", *(["suppressions"] if event.recipient_stopped else [])]
    if isinstance(event, PreferenceChange):
        return ["suppressions"] if event.stop else ["preference"]
    return []


def _plain(value: Any, secrets: set[str]) -> Any:
    """An event as JSON values without what is empty; files by size and host alone, since their addresses may carry a token."""
    if isinstance(value, MediaRef):
        return _file(value)
    if isinstance(value, Sealed):
        return _plain(value.reveal(), secrets)
    if isinstance(value, Enum | UUID):
        return str(value)
    if isinstance(value, str):
        return "<secret>" if any(secret in value for secret in secrets) else value
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_plain(item, secrets) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        pairs = ((f.name, getattr(value, f.name)) for f in fields(value))
        return {name: _plain(item, secrets) for name, item in pairs if item not in (None, (), "", False)}
    return value


def _file(media: MediaRef) -> dict[str, Any]:
    return {
        "type": media.mime_type,
        "name": media.file_name.reveal() if media.file_name else None,
        "host": urlsplit(media.url.reveal()).hostname if media.url else None,
        "size": len(media.content.reveal()) if media.content else None,
    }
