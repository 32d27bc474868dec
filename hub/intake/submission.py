"""One verified request with its events, on its way into the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.model.ids import uuid7
from hub.model.message import Account, ChannelEvent, InboundMessage, PreferenceChange, RawRequest, StatusUpdate
from hub.store.journal import JournalEntry

# Headers a later parse needs; signatures and cookies are not kept.
KEPT_HEADERS = frozenset({"content-type", "accept-language"})


@dataclass(frozen=True, slots=True)
class Submission:
    """events: as the adapter parsed them, in the order of the request. name: of a request whose signature does not cover
    its body; "" for any other."""

    request: RawRequest
    account: Account
    events: tuple[ChannelEvent, ...]
    name: str = ""


def storable(text: str) -> str:
    """Text PostgreSQL can hold: NUL and lone surrogates become U+FFFD."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    return text


def kind_of(event: ChannelEvent) -> str:
    """The journal's word for an event."""
    if isinstance(event, InboundMessage):
        return "message"
    if isinstance(event, StatusUpdate):
        return "status"
    if isinstance(event, PreferenceChange):
        return "preference"
    return f"unknown:{storable(event.kind)[:100]}"


def journal_entries(submission: Submission, *, now: datetime, error: str | None = None) -> list[JournalEntry]:
    """One entry per event; the first carries the request itself, which is kept for replay."""
    entries: list[JournalEntry] = []
    for event in submission.events:
        kind = kind_of(event)
        state = "failed" if error else "unknown" if kind.startswith("unknown") else "processed"
        first = not entries
        entries.append(
            JournalEntry(
                id=uuid7(),
                account_id=submission.account.id,
                provider_event_id=storable(event.provider_event_id),
                kind=kind,
                state=state,
                received_at=now,
                request=_kept(submission.request) if first else None,
                body=submission.request.body if first else None,
                request_of=None if first else entries[0].id,
                error=error,
            )
        )
    return entries


def _kept(request: RawRequest) -> dict[str, Any]:
    headers = {name: storable(value) for name, value in request.headers.items() if name in KEPT_HEADERS}
    return {"method": request.method, "path": storable(request.path_and_query), "headers": headers}


def count_new(entries: Sequence[JournalEntry], new_ids: set[Any]) -> tuple[int, int]:
    """(new, repeated) among the entries of one request."""
    new = sum(e.id in new_ids for e in entries)
    return new, len(entries) - new
