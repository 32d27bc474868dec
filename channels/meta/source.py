"""Whose delivery is being read, and how its events are named. Pure."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from channels.meta.reading import Malformed, Node
from hub.model.ids import MessageId
from hub.model.message import Account, ChannelEvent, RawRequest, Unknown

MAX_EVENT_ID: Final = 200
MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Source:
    """One request of one account."""

    request: RawRequest
    account: Account

    @property
    def received_at(self) -> datetime:
        return self.request.received_at

    def event_id(self, *parts: str) -> str:
        """The dedupe key: the parts themselves where they are ids of the provider's, a digest where they grow too long."""
        plain = ":".join(parts)
        return plain if len(plain) <= MAX_EVENT_ID else self.digest(*parts)

    def digest(self, *parts: str) -> str:
        """A key for what has no id of its own. Keyed, since a plain hash of a number could be tried out (policy §6)."""
        secret = self.account.secrets.get("app_secret")
        key = secret.reveal().encode() if secret else b""
        return "h:" + hmac.digest(key, "\0".join(parts).encode("utf-8", "replace"), "sha256").hex()

    def unknown(self, node: Node, kind: str) -> Unknown:
        """An event nobody here knows, named by its content, so that the same one twice is one event."""
        content = json.dumps(node.value, sort_keys=True, default=str)
        # Without the place of what is malformed: in another batch the same item stands elsewhere.
        event_id = self.digest(kind.partition(":")[0] if kind.startswith("malformed:") else kind, content)
        return Unknown(account_id=self.account.id, provider_event_id=event_id, kind=kind[:100])

    def each(self, place: Node, key: str, read: Callable[[Node], Iterable[ChannelEvent]]) -> list[ChannelEvent]:
        """The events of every element of a list. What is malformed becomes Unknown and leaves its neighbours alone."""
        events: list[ChannelEvent] = []
        try:
            for node in place.items(key):
                try:
                    events += read(node)
                except Malformed as fault:
                    events.append(self.unknown(node, f"malformed:{fault.path}"))
        except Malformed as fault:
            events.append(self.unknown(place, f"malformed:{fault.path}"))
        return events


def our_message_id(text: str) -> MessageId | None:
    """Our own id, as it comes back in opaque data; None where somebody else put something there."""
    if len(text) != 36:
        return None
    try:
        return MessageId(UUID(text))
    except ValueError:
        return None
