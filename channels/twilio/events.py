"""Twilio's webhooks as events: inbound messages and status callbacks (channels.md §3-§5). Pure; runs after `verify`.

New fields appear any day and are ignored; an unknown kind of message or request becomes an event of its own, never a
crash and never silence.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from channels.errors import BadPayload
from channels.phones import e164
from channels.texts import storable
from channels.twilio.form import FORM, content_type, fields
from channels.twilio.tables import KEYWORDS, STATUS, nobody_there, stops
from hub.model.address import Address, AddressClass, Channel
from hub.model.ids import AccountId, MessageId
from hub.model.message import (
    Account,
    ChannelEvent,
    ContentKind,
    DeliveryStatus,
    InboundMessage,
    MediaRef,
    RawRequest,
    StatusUpdate,
    Unknown,
)
from hub.model.sealed import Sealed

MAX_MEDIA: Final = 20
MAX_NAME: Final = 200
_SID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CODE = re.compile(r"[0-9]{1,8}")
_STATUS_PATH = re.compile(r"/webhooks/[^/?]+/status/([^/?]+)(?:\?.*)?")
_USER_ID = re.compile(r"[A-Z]{2}\.[A-Za-z0-9.]{1,128}")  # Meta's business-scoped user id

Form = Mapping[str, str]

# channels.md §5; a word that is not here and comes with no text and no file is "unsupported".
KINDS: Final = {
    "text": ContentKind.TEXT,
    "button": ContentKind.BUTTON,
    "interactive": ContentKind.BUTTON,
    "location": ContentKind.LOCATION,
    "contacts": ContentKind.CONTACTS,
    "reaction": ContentKind.REACTION,
}


def parse(request: RawRequest, account: Account) -> list[ChannelEvent]:
    """The one event of a request. Raises BadPayload when there is no field at all, or an id that cannot be one."""
    if content_type(request) != FORM:
        return [_unknown(request, account, "not_a_form")]
    form = _form(request, account)
    sid = form.get("MessageSid") or form.get("SmsMessageSid") or form.get("SmsSid") or ""
    if not sid:
        return [_unknown(request, account, form.get("EventType") or "no_message_sid")]
    if not _SID.fullmatch(sid):
        raise BadPayload(account.id, "MessageSid")
    path = _STATUS_PATH.fullmatch(request.path_and_query)
    if path or form.get("MessageStatus", "received") != "received":
        return [_status(request, account, form, sid, path.group(1) if path else "")]
    if not form.get("From"):
        return [_unknown(request, account, "no_sender")]
    return [_message(request, account, form, sid)]


def _form(request: RawRequest, account: Account) -> Form:
    try:
        pairs = fields(request.body)
    except ValueError:
        raise BadPayload(account.id, "form") from None
    if not pairs:
        raise BadPayload(account.id, "empty")
    form: dict[str, str] = {}
    for name, value in pairs:
        form.setdefault(name, storable(value))
    return form


def _unknown(request: RawRequest, account: Account, kind: str) -> Unknown:
    # Named by its content, so that the same request twice is one event.
    digest = hashlib.sha256(request.path_and_query.encode("utf-8", "replace") + b"\0" + request.body).hexdigest()
    return Unknown(account_id=account.id, provider_event_id=f"sha256:{digest}", kind=storable(kind)[:100])


def _status(request: RawRequest, account: Account, form: Form, sid: str, ours: str) -> StatusUpdate:
    word = (form.get("MessageStatus") or form.get("SmsStatus") or "")[:40]
    code = form.get("ErrorCode", "")
    error_code = code if _CODE.fullmatch(code) and code.strip("0") else None
    return StatusUpdate(
        account_id=account.id,
        provider_event_id=f"{sid}:{word}",
        provider_message_id=sid,
        message_id=_message_id(ours),
        status=STATUS.get(word, DeliveryStatus.UNKNOWN),
        occurred_at=request.received_at,
        error_code=error_code,
        recipient_stopped=stops(error_code),
        address_invalid=nobody_there(error_code),
    )


def _message_id(text: str) -> MessageId | None:
    try:
        return MessageId(UUID(text))
    except ValueError:
        return None


def _message(request: RawRequest, account: Account, form: Form, sid: str) -> InboundMessage:
    media = _media(form)
    location = _location(form)
    kind = _kind(form, media, location, account.channel)
    senders, automatic = _senders(form, account)
    name = form.get("ProfileName", "").strip()[:MAX_NAME]
    return InboundMessage(
        account_id=account.id,
        channel=account.channel,
        provider_event_id=sid,
        senders=senders,
        sent_at=request.received_at,  # Twilio tells no time of its own
        text=Sealed(_text(form, kind)),
        kind=kind,
        display_name=Sealed(name) if name else None,
        media=media,
        location=location,
        button_payload=(form.get("ButtonPayload") or form.get("ListId") or None) if kind is ContentKind.BUTTON else None,
        reply_to_provider_id=form.get("OriginalRepliedMessageSid", "")[:64] or None,
        keyword=KEYWORDS.get(form.get("OptOutType", "").strip().upper()),
        automatic=automatic,
    )


def _kind(form: Form, media: tuple[MediaRef, ...], location: tuple[float, float] | None, channel: Channel) -> ContentKind:
    word = form.get("MessageType", "")
    if form.get("ButtonPayload") or form.get("ListId"):
        return ContentKind.BUTTON
    if location is not None:
        return ContentKind.LOCATION
    if media:
        return ContentKind.CONTACTS if word == "contacts" else ContentKind.MEDIA
    known = KINDS.get(word)
    if known in (ContentKind.BUTTON, ContentKind.REACTION):
        return known
    if form.get("Body") or known is ContentKind.TEXT or (not word and channel is Channel.SMS):
        return ContentKind.TEXT
    return ContentKind.UNSUPPORTED


def _text(form: Form, kind: ContentKind) -> str:
    body = form.get("Body", "")
    if kind is ContentKind.BUTTON:
        return body or form.get("ButtonText") or form.get("ListTitle") or ""
    if kind is ContentKind.LOCATION and not body:
        return ", ".join(part for part in (form.get("Label", ""), form.get("Address", "")) if part)
    return body


def _media(form: Form) -> tuple[MediaRef, ...]:
    """The files, counted by their addresses: a wrong NumMedia loses nothing."""
    found: list[MediaRef] = []
    for index in range(MAX_MEDIA):
        url = form.get(f"MediaUrl{index}", "")
        if not url:
            break
        mime = form.get(f"MediaContentType{index}", "").strip().lower()[:100] or "application/octet-stream"
        found.append(MediaRef(url=Sealed(url), mime_type=mime))
    return tuple(found)


def _location(form: Form) -> tuple[float, float] | None:
    try:
        latitude, longitude = float(form["Latitude"]), float(form["Longitude"])
    except (KeyError, ValueError):
        return None
    if not (math.isfinite(latitude) and math.isfinite(longitude) and abs(latitude) <= 90 and abs(longitude) <= 180):
        return None
    return latitude, longitude


def _senders(form: Form, account: Account) -> tuple[tuple[Address, ...], bool]:
    """Who wrote, the best key first, and whether it is a robot (an alphanumeric or short-code sender)."""
    stated = [_bare(form.get(name, "")) for name in ("ExternalUserId", "From")]
    user_ids = dict.fromkeys(text for text in stated if _USER_ID.fullmatch(text))
    senders = [_user(account.id, text) for text in user_ids]
    number = e164(stated[1]) or (e164(f"+{form['WaId']}") if form.get("WaId") else None)
    if number is not None:
        senders.append(Address(kind=AddressClass.PHONE, value=Sealed(number)))
    if senders:
        return tuple(senders), False
    # A name or a short code: kept as the provider writes it, so that its messages at least lie together.
    return (Address(kind=AddressClass.PHONE, value=Sealed(stated[1][:64])),), True


def _bare(address: str) -> str:
    return address.removeprefix("whatsapp:").strip()


def _user(account_id: AccountId, user_id: str) -> Address:
    # Such an id means nothing outside its account, so the account is part of the key.
    return Address(kind=AddressClass.WHATSAPP_USER, value=Sealed(f"{account_id}:{user_id}"))
