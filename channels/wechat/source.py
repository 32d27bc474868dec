"""Whose push is being read, who sent it, and how its events are named. Pure."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from channels.wechat.document import Element, Malformed
from hub.model.address import Address, AddressClass
from hub.model.message import Account, RawRequest, Unknown
from hub.model.sealed import Sealed

MAX_MESSAGE_ID: Final = 60
_OPENID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Source:
    """One opened push of one account. xml: its root element."""

    request: RawRequest
    account: Account
    xml: Element

    @property
    def received_at(self) -> datetime:
        return self.request.received_at

    def person(self) -> Address | None:
        """Who sent it; such an id means nothing outside its account, so the account is part of the key."""
        openid = self.xml.text("FromUserName").strip()
        if not _OPENID.fullmatch(openid):
            return None
        return Address(kind=AddressClass.WECHAT, value=Sealed(f"{self.account.id}:{openid}"))

    def message_id(self) -> str:
        """A message's own id. Raises Malformed."""
        found = self.xml.need("MsgId")
        if not found.isascii() or not found.isalnum() or len(found) > MAX_MESSAGE_ID:
            raise Malformed("MsgId")
        return found

    def event_id(self, *more: str) -> str:
        """The dedupe key of an event, which has no id: sender, time and what happened (channels.md §8).

        Keyed, since a plain hash of a person's id could be tried out (policy §6).
        """
        names = ("FromUserName", "CreateTime", "Event", "EventKey", "MsgID")
        return "e:" + self._digest(*(self.xml.text(name) for name in names), *more)

    def unknown(self, kind: str) -> Unknown:
        """An event nobody here acts on, named by its content, so that the same one thrice is one event."""
        event_id = "u:" + self._digest(kind, *_flat(self.xml))
        return Unknown(account_id=self.account.id, provider_event_id=event_id, kind=kind[:100])

    def _digest(self, *parts: str) -> str:
        key = self.account.secrets["token"].reveal().encode()
        return hmac.digest(key, "\0".join(parts).encode("utf-8", "replace"), "sha256").hex()


def _flat(element: Element) -> list[str]:
    found = [element.name, "".join(element.parts).strip()]
    for inner in element.inside:
        found += _flat(inner)
    return found
