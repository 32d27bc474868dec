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


def contact_of(value: Node, user_id: str, wa_id: str) -> Node | None:
    """The entry of `contacts` about this person: by user id, else by number, never by its place in the list."""
    contacts = value.value.get("contacts") if isinstance(value.value, dict) else None
    if not isinstance(contacts, list):
        return None
    by_number: Node | None = None
    for entry in contacts:
        if not isinstance(entry, dict):
            continue
        if user_id and entry.get("user_id") == user_id:
            return Node(entry)
        if wa_id and entry.get("wa_id") == wa_id and by_number is None:
            by_number = Node(entry)
    return by_number
