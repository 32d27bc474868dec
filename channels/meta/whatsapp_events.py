"""WhatsApp's envelope as events: every array of every change, each item by itself (channels.md §6.1). Pure; after `verify`.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/components. Fields and kinds nobody knows become events of
their own, never a crash and never silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from channels.errors import BadPayload
from channels.meta import whatsapp_people as people
from channels.meta.reading import Malformed, Node, decode
from channels.meta.source import Source, our_message_id
from channels.meta.tables import MARKETING_STOPPED, STATUS
from channels.meta.whatsapp_message import body_text, read_message
from hub.model.message import (
    Account,
    ChannelEvent,
    DeliveryStatus,
    Echo,
    IdentityChange,
    PreferenceChange,
    RawRequest,
    StatusUpdate,
)
from hub.model.sealed import Sealed

OBJECT: Final = "whatsapp_business_account"
Read = Callable[[Source, people.Contacts, Node], Iterable[ChannelEvent]]


def parse(request: RawRequest, account: Account) -> list[ChannelEvent]:
    """The events of a request; none for the set-up handshake. Raises BadPayload for what is no envelope at all."""
    if request.method == "GET":
        return []
    top, source = decode(request.body, account.id), Source(request, account)
    if top.text("object") != OBJECT:
        return [source.unknown(top, f"object:{top.text('object')}")]
    if not top.is_list("entry"):
        raise BadPayload(account.id, "entry")
    events = source.each(top, "entry", lambda entry: source.each(entry, "changes", lambda change: _change(source, change)))
    return events or [source.unknown(top, "empty")]


def _change(source: Source, change: Node) -> list[ChannelEvent]:
    field, value = change.text("field"), change.at("value")
    if not _is_ours(source, value):
        return [source.unknown(change, "foreign_number")]
    events: list[ChannelEvent] = []
    contacts = people.Contacts(value)
    for name, read in READERS.items():
        if value.has(name):
            events += source.each(value, name, _bound(read, source, contacts))
    return events or [source.unknown(change, f"field:{field}")]


def _bound(read: Read, source: Source, contacts: people.Contacts) -> Callable[[Node], Iterable[ChannelEvent]]:
    return lambda node: read(source, contacts, node)


def _is_ours(source: Source, value: Node) -> bool:
    """Whether a change is about this account's number. One endpoint may hear of every number of an app."""
    metadata = value.maybe("metadata")
    number_id = metadata.word("phone_number_id") if metadata else ""
    return not number_id or number_id == phone_number_id(source.account)


def phone_number_id(account: Account) -> str:
    """Meta's id of the sending number: the option of that name, else the account's sender."""
    return str(account.options.get("phone_number_id") or account.sender)


def _status(source: Source, contacts: people.Contacts, status: Node) -> list[ChannelEvent]:
    """A report about one of our messages; unknown ids are parked by the store, as another app's may be among them."""
    provider_id, word = status.need("id"), status.text("status")[:40]
    code = _error_code(status)
    at = status.moment("timestamp", latest=source.received_at)
    stopped = code == MARKETING_STOPPED
    persons = people.addresses(source.account.id, status.text("recipient_user_id"), status.text("recipient_id"))
    events: list[ChannelEvent] = [
        StatusUpdate(
            account_id=source.account.id,
            provider_event_id=source.event_id(provider_id, word, *_group(status)),
            provider_message_id=provider_id,
            message_id=our_message_id(status.text("biz_opaque_callback_data")),
            status=STATUS.get(word, DeliveryStatus.UNKNOWN),
            occurred_at=at,
            error_code=code or None,
            recipient_stopped=stopped and not persons,  # nobody named: the message itself says who
        )
    ]
    if stopped and persons:
        events.append(
            PreferenceChange(
                account_id=source.account.id,
                channel=source.account.channel,
                provider_event_id=source.event_id(provider_id, word, MARKETING_STOPPED),
                senders=persons,
                occurred_at=at,
                stop=True,
                whole_channel=False,
                source=f"error_{MARKETING_STOPPED}",
            )
        )
    return events


def _group(status: Node) -> tuple[str, ...]:
    """What tells the reports of a group's members apart; nothing in a talk between two."""
    recipient = status.text("recipient_participant_user_id") or status.text("recipient_participant_id")
    return (recipient,) if recipient else ()


def _error_code(node: Node) -> str:
    for error in node.objects("errors"):
        if code := error.word("code")[:20]:
            return code
    return ""


def _error(source: Source, contacts: people.Contacts, error: Node) -> list[ChannelEvent]:
    return [source.unknown(error, f"error:{error.word('code')}")]


def _preference(source: Source, contacts: people.Contacts, preference: Node) -> list[ChannelEvent]:
    """A person's stop or resume of marketing, told by WhatsApp itself. Any other word is left for people to read.

    A stop of a category nobody knows counts as one; a resume must be about marketing.
    """
    word, category = preference.text("value"), preference.text("category")
    persons = people.addresses(source.account.id, preference.text("user_id"), preference.text("wa_id"))
    known = word == "stop" or (word == "resume" and category == "marketing_messages")
    if not known or not persons:
        return [source.unknown(preference, f"user_preferences:{word}")]
    at = preference.moment("timestamp", latest=source.received_at)
    who = preference.text("user_id") or preference.text("wa_id")
    return [
        PreferenceChange(
            account_id=source.account.id,
            channel=source.account.channel,
            provider_event_id=source.digest("user_preferences", who, category, word, preference.word("timestamp")),
            senders=persons,
            occurred_at=at,
            stop=word == "stop",
            whole_channel=False,
            source="user_preferences",
        )
    ]


def _echo(source: Source, contacts: people.Contacts, echo: Node) -> list[ChannelEvent]:
    """What staff typed in the phone's own app (`smb_message_echoes`)."""
    provider_id, kind = echo.need("id"), echo.need("type")
    persons = people.addresses(source.account.id, echo.text("to_user_id"), echo.text("to"))
    if not persons:
        return [source.unknown(echo, "echo:no_recipient")]
    return [
        Echo(
            account_id=source.account.id,
            provider_event_id=source.event_id(provider_id, "echo"),
            kind=f"echo:{kind}"[:100],
            recipient=persons[0],
            provider_message_id=provider_id,
            text=Sealed(body_text(echo, kind)),
            occurred_at=echo.moment("timestamp", latest=source.received_at),
        )
    ]


def _user_id(source: Source, contacts: people.Contacts, change: Node) -> list[ChannelEvent]:
    """A user id that became another one, since the person changed their number (field `user_id_update`)."""
    ids = change.maybe("user_id")
    before = ids.text("previous") if ids else change.text("previous_user_id")
    after = ids.text("current") if ids else change.text("user_id")
    was, became = people.addresses(source.account.id, before, ""), people.addresses(source.account.id, after, "")
    if not was or not became:
        raise Malformed(change.path)
    return [
        IdentityChange(
            account_id=source.account.id,
            provider_event_id=source.digest("user_id_update", before, after),
            kind="user_id_update",
            before=was,
            after=became,
            occurred_at=change.moment("timestamp", latest=source.received_at) if change.has("timestamp") else source.received_at,
        )
    ]


READERS: Final[dict[str, Read]] = {
    "messages": read_message,
    "statuses": _status,
    "user_preferences": _preference,
    "message_echoes": _echo,
    "user_id_update": _user_id,
    "errors": _error,
}
