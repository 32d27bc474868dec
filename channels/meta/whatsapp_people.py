"""Who wrote on WhatsApp: a phone number, a business-scoped user id, or both (channels.md §6.1, "Identity"). Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from channels.meta.reading import Node
from channels.phones import e164
from hub.model.address import Address, AddressClass
from hub.model.ids import AccountId
from hub.model.sealed import Sealed

_USER_ID: Final = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,140}")  # "GB.…", or "GB.ENT.…" for linked portfolios
_DIGITS: Final = re.compile(r"[0-9]{5,20}")


@lru_cache(maxsize=4096)
def addresses(account_id: AccountId, user_id: str, wa_id: str) -> tuple[Address, ...]:
    """The addresses of a person, the best key first; none where neither id is one. Numbers come without a plus."""
    found: list[Address] = []
    if _USER_ID.fullmatch(user_id):
        # Such an id means nothing outside its account, so the account is part of the key.
        found.append(Address(kind=AddressClass.WHATSAPP_USER, value=Sealed(f"{account_id}:{user_id}")))
    if _DIGITS.fullmatch(wa_id.removeprefix("+")):
        plain = "+" + wa_id.removeprefix("+")
        # A number no plan knows is kept as it is written, so that its messages at least lie together.
        found.append(Address(kind=AddressClass.PHONE, value=Sealed(e164(plain) or plain)))
    return tuple(found)


class Contacts:
    """The entries of a value's `contacts`, found by user id or else by number, never by their place in the list."""

    __slots__ = ("_by_number", "_by_user")

    def __init__(self, value: Node) -> None:
        self._by_user: dict[str, Node] = {}
        self._by_number: dict[str, Node] = {}
        for entry in value.objects("contacts"):
            if user_id := entry.text("user_id"):
                self._by_user.setdefault(user_id, entry)
            if number := entry.text("wa_id"):
                self._by_number.setdefault(number, entry)

    def find(self, user_id: str, wa_id: str) -> Node | None:
        """The entry about a person; ids may be empty."""
        return self._by_user.get(user_id) or self._by_number.get(wa_id)
