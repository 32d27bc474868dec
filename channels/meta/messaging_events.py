"""Messenger's and Instagram's envelope as events, each item by itself (channels.md §7). Pure; runs after `verify`.

https://developers.facebook.com/docs/messenger-platform/reference/webhook-events. Another application may hold a thread
(`standby`): what people say there is shown, and not answered from here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from channels.errors import BadPayload
from channels.meta.messaging_message import edit, message, postback, reaction
from channels.meta.messaging_reports import delivery, echo, optin, read
from channels.meta.reading import Node, decode
from channels.meta.source import Source
from hub.model.address import Address, AddressClass, Channel
from hub.model.message import Account, ChannelEvent, RawRequest
from hub.model.sealed import Sealed

OBJECTS: Final = {Channel.MESSENGER: "page", Channel.INSTAGRAM: "instagram"}
CLASSES: Final = {Channel.MESSENGER: AddressClass.MESSENGER, Channel.INSTAGRAM: AddressClass.INSTAGRAM}
ADDRESSING: Final = frozenset({"sender", "recipient", "timestamp"})
_PERSON: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


Reader = Callable[[Source, Node, Address, bool], list[ChannelEvent]]


def parse(request: RawRequest, account: Account) -> list[ChannelEvent]:
    """The events of a request; none for the set-up handshake. Raises BadPayload for what is no envelope at all."""
    if request.method == "GET":
        return []
    top, source = decode(request.body, account.id), Source(request, account)
    if top.text("object") != OBJECTS.get(account.channel):
        return [source.unknown(top, f"object:{top.text('object')}")]
    if not top.is_list("entry"):
        raise BadPayload(account.id, "entry")
    return source.each(top, "entry", lambda entry: _entry(source, entry)) or [source.unknown(top, "empty")]


def _entry(source: Source, entry: Node) -> list[ChannelEvent]:
    ours = own_ids(source.account)
    named = entry.word("id") in ours
    events = source.each(entry, "messaging", lambda item: _event(source, item, ours, named=named, standby=False))
    events += source.each(entry, "standby", lambda item: _event(source, item, ours, named=named, standby=True))
    events += source.each(entry, "changes", lambda change: [source.unknown(change, f"field:{change.text('field')}")])
    return events or [source.unknown(entry, "empty_entry")]


def own_ids(account: Account) -> frozenset[str]:
    """The ids this account is known by: the page or Instagram account, and the page behind it."""
    known = (account.sender, account.options.get("page_id"), account.options.get("instagram_id"))
    return frozenset(str(name) for name in known if name)


def _event(source: Source, item: Node, ours: frozenset[str], *, named: bool, standby: bool) -> list[ChannelEvent]:
    sender, recipient = _id(item, "sender"), _id(item, "recipient")
    if not named and sender not in ours and recipient not in ours:
        return [source.unknown(item, "foreign_page")]
    said = item.maybe("message")
    from_us = sender in ours or (said is not None and said.flag("is_echo"))
    person_id = recipient if from_us else sender
    if not _PERSON.fullmatch(person_id) or person_id in ours:
        return [source.unknown(item, "no_sender")]
    # Such an id means nothing outside its account, so the account is part of the key.
    person = Address(kind=CLASSES[source.account.channel], value=Sealed(f"{source.account.id}:{person_id}"))
    if from_us:
        return echo(source, item, person)
    for name, reader in READERS.items():
        if item.has(name):
            return reader(source, item, person, standby)
    return [source.unknown(item, next((name for name in item.names() if name not in ADDRESSING), "nothing"))]


def _id(item: Node, key: str) -> str:
    party = item.maybe(key)
    return party.word("id") if party else ""


READERS: Final[dict[str, Reader]] = {
    "message": message,
    "postback": postback,
    "reaction": reaction,
    "message_edit": edit,
    "delivery": delivery,
    "read": read,
    "optin": optin,
}
