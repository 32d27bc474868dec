"""What Meta's webhooks say, built as Meta builds it: one item of an envelope per thing that happened. No I/O."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from channels.sandbox.doubles import Button
from hub.model.address import Channel
from hub.model.message import Account

OBJECTS: Final = {Channel.WHATSAPP: "whatsapp_business_account", Channel.MESSENGER: "page", Channel.INSTAGRAM: "instagram"}
FILE_KINDS: Final = frozenset({"image", "audio", "video"})

Item = Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class SentByMeta:
    """One message the double accepted. message_id: the hub's own, from the opaque data. fields: the whole request."""

    sid: str
    node: str
    to: str
    body: str
    message_id: str
    fields: dict[str, Any] = field(repr=False)
    status: str = "accepted"

    @property
    def pair(self) -> tuple[str, str]:
        return self.node, self.to

    @property
    def answers(self) -> str:
        """The id of the message this one answers, or ""."""
        for name, key in (("context", "message_id"), ("reply_to", "mid")):
            if isinstance(found := self.fields.get(name), dict):
                return str(found.get(key, ""))
        return ""

    @property
    def files(self) -> tuple[str, ...]:
        """The kinds of the files in it."""
        kind = str(self.fields.get("type", ""))
        if kind in FILE_KINDS | {"document", "sticker"}:
            return (kind,)
        inner = self.fields.get("message")
        attached = inner.get("attachment") if isinstance(inner, dict) else None
        return (str(attached.get("type", "file")),) if isinstance(attached, dict) else ()

    @property
    def free(self) -> bool:
        """Whether this is no template and bears no tag: it needs the window."""
        return self.fields.get("type") != "template" and "tag" not in self.fields


def node_of(account: Account) -> str:
    """What the account sends as: its number's id, its page, or "me"."""
    if account.options.get("instagram_login") is True:
        return "me"
    return str(account.options.get("phone_number_id") or account.options.get("page_id") or account.sender)


def envelope(account: Account, items: Sequence[Item]) -> dict[str, Any]:
    """One delivery with these items, each an entry of its own."""
    return {"object": OBJECTS[account.channel], "entry": [dict(item) for item in items]}


def written(
    account: Account, from_: str, text: str, media: Sequence[tuple[str, str]], *, at: datetime, media_url: Callable[[str], str]
) -> list[Item]:
    """What a person wrote: for WhatsApp one message per file, the text with the first; elsewhere one message."""
    if account.channel is not Channel.WHATSAPP:
        return [_direct(account, from_, text, media, at=at, media_url=media_url)]
    if not media:
        return [whatsapp(account, messages=[whatsapp_message(from_, at, text={"body": text})], contacts=[contact(from_)])]
    made = []
    for position, (mime, media_id) in enumerate(media):
        kind = file_kind(mime, "document")
        file = {"id": media_id, "mime_type": mime} | ({"caption": text} if text and not position else {})
        made.append(whatsapp(account, messages=[whatsapp_message(from_, at, **{kind: file})], contacts=[contact(from_)]))
    return made


def whatsapp(account: Account, **members: Any) -> Item:
    """One entry of a WhatsApp envelope with one change; members: messages, statuses, contacts, errors …"""
    number = {"display_phone_number": account.sender.removeprefix("+"), "phone_number_id": node_of(account)}
    value = {"messaging_product": "whatsapp", "metadata": number, **members}
    field_name = "user_preferences" if "user_preferences" in members else "messages"
    return {"id": "102290129340398", "changes": [{"value": value, "field": field_name}]}


def whatsapp_message(from_: str, at: datetime, **content: Any) -> dict[str, Any]:
    """One message; content: its type's object (text={"body": …}), named by the type."""
    return {
        "from": from_.removeprefix("+"),
        "id": "wamid.HBg" + secrets.token_hex(20),
        "timestamp": str(int(at.timestamp())),
        "type": next(iter(content)),
        **content,
    }


def contact(from_: str, name: str = "Practice") -> dict[str, Any]:
    """A person as WhatsApp names them beside a message."""
    return {"profile": {"name": name}, "wa_id": from_.removeprefix("+")}


def file_kind(mime: str, otherwise: str) -> str:
    """Meta's word for a file of this type."""
    family = mime.partition("/")[0]
    return family if family in FILE_KINDS else otherwise


def buttons_of(message: SentByMeta) -> tuple[Button, ...]:
    """The quick replies of a template; what stands on them is kept at Meta, so the payload is shown."""
    template = message.fields.get("template")
    parts = template.get("components", ()) if isinstance(template, dict) else ()
    quick = [part for part in parts if part.get("sub_type") == "quick_reply"]
    return tuple(Button(text=str(p["payload"]), payload=str(p["payload"])) for part in quick for p in part["parameters"])


def direct(account: Account, person: str, at: datetime, *, ours: bool = False, **event: Any) -> Item:
    """One entry of a Messenger or Instagram envelope with one event; ours: whether the page itself is the sender."""
    page, stamp = {"id": account.sender}, int(at.timestamp() * 1000)
    sender, recipient = (page, {"id": person}) if ours else ({"id": person}, page)
    return {"id": account.sender, "time": stamp, "messaging": [{"sender": sender, "recipient": recipient, "timestamp": stamp, **event}]}


def _direct(
    account: Account, from_: str, text: str, media: Sequence[tuple[str, str]], *, at: datetime, media_url: Callable[[str], str]
) -> Item:
    message: dict[str, Any] = {"mid": "m_" + secrets.token_hex(24)}
    if text:
        message["text"] = text
    if media:
        message["attachments"] = [{"type": file_kind(mime, "file"), "payload": {"url": media_url(media_id)}} for mime, media_id in media]
    return direct(account, from_, at, message=message)


def report(account: Account, message: SentByMeta, word: str, *, at: datetime, code: int | None = None) -> Item:
    """What became of one of the hub's messages: a status, or on the others an echo, a delivery or a read."""
    if account.channel is Channel.WHATSAPP:
        status: dict[str, Any] = {"id": message.sid, "status": word, "timestamp": str(int(at.timestamp())), "recipient_id": message.to}
        if message.message_id:
            status["biz_opaque_callback_data"] = message.message_id
        if code is not None:
            status["errors"] = [{"code": code, "title": "Message undeliverable", "message": "Message undeliverable"}]
        return whatsapp(account, statuses=[status])
    stamp = int(at.timestamp() * 1000)
    if word == "sent":
        echo = {"mid": message.sid, "text": message.body, "is_echo": True, "app_id": 1517776481860111, "metadata": message.message_id}
        return direct(account, message.to, at, ours=True, message=echo)
    if word == "delivered":
        return direct(account, message.to, at, delivery={"mids": [message.sid], "watermark": stamp})
    return direct(account, message.to, at, read={"mid": message.sid} if account.channel is Channel.INSTAGRAM else {"watermark": stamp})


def last_id(items: Sequence[Item]) -> str:
    """The provider's id of the last message among items."""
    entry = items[-1]
    if "changes" in entry:
        return str(entry["changes"][0]["value"]["messages"][-1]["id"])
    return str(entry["messaging"][-1]["message"]["mid"])
