"""One WhatsApp message as an event: text, files, places, cards, answers to buttons, reactions, edits (channels.md §6.1). Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from channels.meta import whatsapp_people as people
from channels.meta.reading import Malformed, Node, coordinates
from channels.meta.source import MAX_NAME, Source
from channels.texts import storable
from hub.model.address import Address
from hub.model.message import (
    ChannelEvent,
    ContentKind,
    IdentityChange,
    InboundMessage,
    MediaRef,
    ReactionRemoved,
    Referral,
    Retraction,
)
from hub.model.sealed import Sealed

FILES: Final = frozenset({"image", "document", "audio", "video", "sticker"})
MAX_PAYLOAD: Final = 500
MAX_FORM_LINES: Final = 50


@dataclass(frozen=True, slots=True)
class Content:
    """What a message is made of."""

    kind: ContentKind
    text: str
    media: tuple[MediaRef, ...] = ()
    location: tuple[float, float] | None = None
    payload: str | None = None


def read_message(source: Source, contacts: people.Contacts, message: Node) -> list[ChannelEvent]:
    """The event of one element of `messages`. Raises Malformed."""
    kind = message.need("type")
    user_id, wa_id = message.text("from_user_id"), message.text("from")
    contact = contacts.find(user_id, wa_id)
    senders = people.addresses(
        source.account.id, user_id or (contact.text("user_id") if contact else ""), wa_id or (contact.text("wa_id") if contact else "")
    )
    if kind == "system":
        return [_system(source, message)]
    if not senders:
        return [source.unknown(message, "no_sender")]
    if kind == "revoke":
        return [_retraction(source, message, senders[0])]
    if kind == "reaction" and not message.at("reaction").text("emoji"):
        return [_unreacted(source, message, senders[0])]
    return [_message(source, message, kind, senders, contact)]


def _message(source: Source, message: Node, kind: str, senders: tuple[Address, ...], contact: Node | None) -> InboundMessage:
    edited = message.at("edit") if kind == "edit" else None
    content = _edited(edited) if edited else _content(message, kind)
    context = message.maybe("context")
    profile = contact.maybe("profile") if contact else None
    name = (profile.text("name").strip() or profile.text("username").strip())[:MAX_NAME] if profile else ""
    reply_to = message.at("reaction").need("message_id") if kind == "reaction" else context.text("id") if context else ""
    return InboundMessage(
        account_id=source.account.id,
        channel=source.account.channel,
        provider_event_id=source.event_id(message.need("id")),
        senders=senders,
        sent_at=message.moment("timestamp", latest=source.received_at),
        text=Sealed(content.text),
        kind=content.kind,
        display_name=Sealed(name) if name else None,
        media=content.media,
        location=content.location,
        button_payload=content.payload,
        reply_to_provider_id=reply_to or None,
        edit_of_provider_id=edited.need("original_message_id") if edited else None,
        referral=_referral(message),
        forwarded=context is not None and (context.flag("forwarded") or context.flag("frequently_forwarded")),
    )


def _edited(edit: Node) -> Content:
    inner = edit.at("message")
    return _content(inner, inner.need("type"))


def _content(message: Node, kind: str) -> Content:
    read = READERS.get(kind)
    if read is not None:
        return read(message)
    if kind in FILES:
        return _file(message.at(kind))
    return Content(ContentKind.UNSUPPORTED, body_text(message, kind))


def body_text(message: Node, kind: str) -> str:
    """The words of a message of any kind, as far as it has some: a body, a caption, or a text of its own."""
    inner = message.maybe(kind)
    if inner is None:
        return ""
    return inner.text("body") or inner.text("caption") or inner.text("text")


def _text(message: Node) -> Content:
    body = message.at("text").need("body")
    return Content(ContentKind.TEXT, body)


def _file(file: Node) -> Content:
    media_id, name = file.text("id"), file.text("filename")[:MAX_NAME]
    mime = file.text("mime_type").partition(";")[0].strip().lower()[:100] or "application/octet-stream"
    found = MediaRef(provider_media_id=media_id, mime_type=mime, file_name=Sealed(name) if name else None)
    return Content(ContentKind.MEDIA, file.text("caption"), media=(found,) if _fetchable(media_id) else ())


def _fetchable(media_id: str) -> bool:
    return 0 < len(media_id) <= 200 and media_id.isascii() and media_id.isalnum()


def _location(message: Node) -> Content:
    place = message.at("location")
    words = ", ".join(word for word in (place.text("name"), place.text("address")) if word)
    found = coordinates(place.number("latitude"), place.number("longitude"))
    return Content(ContentKind.LOCATION if found else ContentKind.UNSUPPORTED, words, location=found)


def _contacts(message: Node) -> Content:
    """Cards as lines: the name, then every number and address on it."""
    lines: list[str] = []
    for card in message.objects("contacts"):
        name = card.maybe("name")
        known = [name.text("formatted_name") or name.text("first_name")] if name else []
        known += [phone.text("phone") for phone in card.objects("phones")]
        known += [email.text("email") for email in card.objects("emails")]
        lines.append(", ".join(part for part in known if part))
    return Content(ContentKind.CONTACTS, "\n".join(line for line in lines if line))


def _reaction(message: Node) -> Content:
    return Content(ContentKind.REACTION, message.at("reaction").need("emoji"))


def _button(message: Node) -> Content:
    button = message.at("button")
    return Content(ContentKind.BUTTON, button.text("text"), payload=button.text("payload")[:MAX_PAYLOAD] or None)


def _interactive(message: Node) -> Content:
    answer = message.at("interactive")
    kind = answer.need("type")
    inner = answer.maybe(kind)
    if inner is None:
        return Content(ContentKind.UNSUPPORTED, "")
    if kind == "nfm_reply":
        return Content(ContentKind.BUTTON, _form(inner), payload=inner.text("name")[:MAX_PAYLOAD] or None)
    words = "\n".join(word for word in (inner.text("title"), inner.text("description")) if word)
    return Content(ContentKind.BUTTON if words else ContentKind.UNSUPPORTED, words, payload=inner.text("id")[:MAX_PAYLOAD] or None)


def _form(reply: Node) -> str:
    """A filled-in form (a "flow") as lines: what it says itself, then each answer. The flow's own token is no answer."""
    raw = reply.text("response_json")
    try:
        answers = json.loads(raw) if raw else {}
    except (ValueError, RecursionError):
        answers = None
    if not isinstance(answers, dict):
        return "\n".join(part for part in (reply.text("body"), raw) if part)
    pairs = [(name, value) for name, value in answers.items() if name != "flow_token"][:MAX_FORM_LINES]
    lines = [f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}" for name, value in pairs]
    return storable("\n".join(part for part in (reply.text("body"), *lines) if part))


def _order(message: Node) -> Content:
    return Content(ContentKind.UNSUPPORTED, message.at("order").text("text"))


READERS: Final[dict[str, Callable[[Node], Content]]] = {
    "text": _text,
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "button": _button,
    "interactive": _interactive,
    "order": _order,
}


def _referral(message: Node) -> Referral | None:
    found = message.maybe("referral")
    if found is None:
        return None
    return Referral(
        source=found.text("source_type")[:40] or "unknown",
        ad_id=found.word("source_id")[:64] or None,
        title=found.text("headline")[:MAX_NAME] or None,
    )


def _retraction(source: Source, message: Node, sender: Address) -> Retraction:
    return Retraction(
        account_id=source.account.id,
        provider_event_id=source.event_id(message.need("id"), "revoke"),
        kind="revoke",
        sender=sender,
        target_provider_id=message.at("revoke").need("original_message_id"),
        occurred_at=message.moment("timestamp", latest=source.received_at),
    )


def _unreacted(source: Source, message: Node, sender: Address) -> ReactionRemoved:
    return ReactionRemoved(
        account_id=source.account.id,
        provider_event_id=source.event_id(message.need("id"), "unreact"),
        kind="reaction_removed",
        sender=sender,
        target_provider_id=message.at("reaction").need("message_id"),
        occurred_at=message.moment("timestamp", latest=source.received_at),
    )


def _system(source: Source, message: Node) -> ChannelEvent:
    """A number or user id that became another one, or an identity key that changed: for staff to judge, never to merge."""
    system = message.at("system")
    kind = f"system:{system.need('type')}"[:100]
    account_id = source.account.id
    before = people.addresses(account_id, system.text("previous_user_id") or message.text("from_user_id"), message.text("from"))
    after = people.addresses(account_id, system.text("user_id"), system.text("wa_id") or system.text("new_wa_id"))
    if not before and not after:
        return source.unknown(message, kind)
    try:
        at = message.moment("timestamp", latest=source.received_at)
    except Malformed:
        at = source.received_at
    named = message.text("id")
    return IdentityChange(
        account_id=account_id,
        provider_event_id=source.event_id(named, "system") if named else source.unknown(message, kind).provider_event_id,
        kind=kind,
        before=before,
        after=after,
        occurred_at=at,
    )
