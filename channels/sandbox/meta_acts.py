"""What a person can do on WhatsApp, Messenger and Instagram, as Meta tells the hub of it (channels.md §6.1, §7)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from channels.sandbox import meta_payloads as payloads
from channels.sandbox.doubles import Act, Button, CannotDo, Do, Item, Person, Standing
from hub.model.address import Channel
from hub.model.message import Account

if TYPE_CHECKING:
    from channels.sandbox.meta import MetaDouble

COMMON: Final = frozenset({Do.WRITE, Do.FILE, Do.REACT, Do.REPLY, Do.EDIT, Do.TAKE_BACK, Do.PRESS, Do.MENU})
ABILITIES: Final = {
    Channel.WHATSAPP: COMMON | {Do.LOCATION, Do.STOP_NEWS, Do.RESUME_NEWS},
    Channel.MESSENGER: COMMON | {Do.READ},
    Channel.INSTAGRAM: COMMON | {Do.READ, Do.STORY},
}
MENUS: Final = {
    Channel.WHATSAPP: (Button(text="Yes, please", payload="yes"), Button(text="Stop", payload="STOP")),
    Channel.MESSENGER: (Button(text="Get started", payload="GET_STARTED"), Button(text="Stop messages", payload="STOP")),
    Channel.INSTAGRAM: (Button(text="Ask about prices", payload="PRICES"), Button(text="Stop messages", payload="STOP")),
}
LOOKS: Final = {"👍": "like", "❤️": "love", "😆": "haha", "😮": "wow", "😢": "sad", "😠": "angry"}
SAID: Final = {Do.STOP_NEWS: "stop", Do.RESUME_NEWS: "resume"}

Content = Mapping[str, Any]


async def carry_out(double: MetaDouble, account: Account, person: Person, act: Act) -> list[int]:
    """Do it, show it in the thread, and let the hub hear of it. Raises CannotDo."""
    if act.do not in ABILITIES[account.channel]:
        raise CannotDo("This channel has no such thing.")
    handle = person.handle(account.channel)
    pair = double.pair_of(account, handle)
    about = double.diary.find(pair, act.target) if act.target else None
    if act.do in (Do.EDIT, Do.TAKE_BACK) and (about is None or not about.mine or about.taken_back):
        raise CannotDo("Only your own message can be changed.")
    if act.do is Do.REACT and about is None:
        raise CannotDo("That message is no longer here.")
    if act.do is Do.READ:
        return await _reads(double, account, handle)
    shown = _shown(double, act)
    item = (
        _whatsapp(double, account, person, act, shown)
        if account.channel is Channel.WHATSAPP
        else _direct(double, account, handle, act, shown)
    )
    _mark(about, act)
    if act.do in SAID:
        double.note(
            "The switch for promotions was turned " + ("off" if act.do is Do.STOP_NEWS else "on"), "In WhatsApp's own settings", pair
        )
    visible = shown if act.do in (Do.WRITE, Do.FILE, Do.LOCATION, Do.PRESS, Do.REPLY, Do.STORY) else None
    return await double.happens(account, handle, [item], shown=visible)


def _shown(double: MetaDouble, act: Act) -> Item:
    return Item(
        id=secrets.token_hex(20),
        at=double.clock(),
        mine=True,
        text=act.text,
        standing=Standing.SENDING,
        files=tuple(file.mime for file in act.files[:1]),
        place=act.place if act.do is Do.LOCATION else None,
        target=act.target if act.do is Do.REPLY else "",
        story=act.do is Do.STORY,
    )


def _mark(about: Item | None, act: Act) -> None:
    """What the person's own screen shows at once."""
    if about is None:
        return
    if act.do is Do.EDIT:
        about.text, about.edited = act.text, True
    elif act.do is Do.TAKE_BACK:
        about.taken_back = True
    elif act.do is Do.REACT:
        about.reactions = (act.text,) if act.text else ()


async def _reads(double: MetaDouble, account: Account, handle: str) -> list[int]:
    """What came is read: Messenger tells up to when, Instagram tells of the last one."""
    pair = double.pair_of(account, handle)
    unread = [item for item in double.diary.between(pair) if not item.mine and item.standing is Standing.DELIVERED]
    if not unread:
        raise CannotDo("There is nothing new to read.")
    for item in unread:
        item.standing = Standing.READ
    message = double.messages.get(unread[-1].id)
    if message is None:
        raise CannotDo("That message is no longer here.")
    message.status = "read"
    return await double.happens(account, handle, [payloads.report(account, message, "read", at=double.clock())])


# -- WhatsApp


def _whatsapp(double: MetaDouble, account: Account, person: Person, act: Act, shown: Item) -> payloads.Item:
    if act.do in SAID:
        told = {"wa_id": person.number.removeprefix("+"), "detail": "Practice", "category": "marketing_messages", "value": SAID[act.do]}
        return payloads.whatsapp(account, user_preferences=[told | {"timestamp": str(int(double.clock().timestamp()))}])
    message = payloads.whatsapp_message(person.number, double.clock(), **_content(double, act))
    if act.do is Do.REPLY:
        message["context"] = {"from": account.sender.removeprefix("+"), "id": act.target}
    shown.id = message["id"]
    return payloads.whatsapp(account, messages=[message], contacts=[payloads.contact(person.number, person.name)])


def _content(double: MetaDouble, act: Act) -> Content:
    """The type's object, named by the type."""
    if act.do is Do.PRESS:
        return {"interactive": {"type": "button_reply", "button_reply": {"id": act.payload, "title": act.text}}}
    if act.do is Do.LOCATION and act.place:
        return {"location": {"latitude": act.place[0], "longitude": act.place[1]}}
    if act.do is Do.REACT:
        return {"reaction": {"message_id": act.target, "emoji": act.text}}
    if act.do is Do.EDIT:
        return {"edit": {"original_message_id": act.target, "message": {"type": "text", "text": {"body": act.text}}}}
    if act.do is Do.TAKE_BACK:
        return {"revoke": {"original_message_id": act.target}}
    if act.files:
        file = act.files[0]
        kind = payloads.file_kind(file.mime, "document")
        named = {"filename": file.name} if kind == "document" else {}
        kept = double.keep_media(file.content, file.mime)
        return {kind: {"id": kept, "mime_type": file.mime} | named | ({"caption": act.text} if act.text else {})}
    return {"text": {"body": act.text}}


# -- Messenger and Instagram


def _direct(double: MetaDouble, account: Account, handle: str, act: Act, shown: Item) -> payloads.Item:
    now, mid = double.clock(), "m_" + secrets.token_hex(24)
    if act.do is Do.REACT:
        sign: Content = (
            {"action": "react", "reaction": LOOKS.get(act.text, "other"), "emoji": act.text} if act.text else {"action": "unreact"}
        )
        return payloads.direct(account, handle, now, reaction={"mid": act.target, **sign})
    if act.do is Do.EDIT:
        return payloads.direct(account, handle, now, message_edit={"mid": act.target, "text": act.text, "num_edit": int(now.timestamp())})
    if act.do is Do.TAKE_BACK:
        return payloads.direct(account, handle, now, message={"mid": act.target, "is_deleted": True})
    shown.id = mid
    if act.do is Do.PRESS:
        return payloads.direct(account, handle, now, postback={"mid": mid, "title": act.text, "payload": act.payload})
    message: dict[str, Any] = {"mid": mid} | ({"text": act.text} if act.text else {})
    if act.do is Do.REPLY:
        message["reply_to"] = {"mid": act.target}
    if act.do is Do.STORY:
        message["reply_to"] = {"story": {"id": "17900000000000001", "url": f"{double.base_url}/story"}}
    if act.files:
        file = act.files[0]
        url = double.media_url(double.keep_media(file.content, file.mime))
        message["attachments"] = [{"type": payloads.file_kind(file.mime, "file"), "payload": {"url": url}}]
    return payloads.direct(account, handle, now, message=message)
