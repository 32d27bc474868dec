"""WeChat's pushes as events: what happened in the chat besides messages, and the way to the messages (channels.md §8). Pure.

https://developers.weixin.qq.com/doc/offiaccount/Message_Management/Receiving_event_pushes.html. Runs after `verify`; the sender
is taken from inside the envelope, never from the address. Kinds nobody knows become events of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from channels.errors import BadPayload
from channels.wechat.content import LOCALE, MAX_PAYLOAD, read_message
from channels.wechat.crypto import opened
from channels.wechat.document import Element, Malformed, read
from channels.wechat.signature import echo_of, sealed_part
from channels.wechat.source import Source
from channels.wechat.tables import TEMPLATE_STATUS, USER_BLOCK
from hub.model.message import (
    Account,
    ChannelEvent,
    ContentKind,
    DeliveryStatus,
    InboundMessage,
    PreferenceChange,
    RawRequest,
    StatusUpdate,
)
from hub.model.sealed import Sealed

MAX_NOTICES: Final = 50


def parse(request: RawRequest, account: Account) -> list[ChannelEvent]:
    """The events of a push; none for the set-up handshake.

    Raises BadPayload: "sealed" for an envelope neither key of the account opens, else where the XML is none.
    """
    if request.method == "GET":
        if echo_of(request, account) is None:
            raise BadPayload(account.id, "sealed")
        return []
    content = _content(request, account)
    try:
        source = Source(request, account, read(content))
    except Malformed as fault:
        raise BadPayload(account.id, fault.path) from None
    try:
        return _events(source)
    except Malformed as fault:
        return [source.unknown(f"malformed:{fault.path}")]


def _content(request: RawRequest, account: Account) -> bytes:
    sealed = sealed_part(request.body)
    if sealed is None:
        if account.options.get("plain_mode") is not True:
            raise BadPayload(account.id, "plain")
        return request.body
    content = opened(sealed, account)
    if content is None:
        raise BadPayload(account.id, "sealed")
    return content


def _events(source: Source) -> list[ChannelEvent]:
    xml, ours = source.xml, source.account.sender
    if ours and xml.text("ToUserName").strip() != ours:
        return [source.unknown("foreign_account")]
    if source.person() is None:
        return [source.unknown("no_sender")]
    kind = xml.need("MsgType").lower()
    if kind != "event":
        return [read_message(source, kind)]
    name = xml.need("Event")
    reader = READERS.get(name.lower())
    return reader(source) if reader else [source.unknown(f"event:{name}")]


def _subscribe(source: Source) -> list[ChannelEvent]:
    """Following is no consent and lifts no stop: it is told and kept, nothing else (policy §3.7)."""
    return [_follows(source, stop=False, word="follow")]


def _unsubscribe(source: Source) -> list[ChannelEvent]:
    return [_follows(source, stop=True, word="unfollow")]


def _follows(source: Source, *, stop: bool, word: str) -> PreferenceChange:
    person = source.person()
    return PreferenceChange(
        account_id=source.account.id,
        channel=source.account.channel,
        provider_event_id=source.event_id(),
        senders=(person,) if person else (),
        occurred_at=source.xml.moment("CreateTime", latest=source.received_at),
        stop=stop,
        whole_channel=True,
        source=word,
    )


def _click(source: Source) -> list[ChannelEvent]:
    """A press on a menu item. It opens a minute for three messages and not the 48 hours, so it counts as no invitation:
    shown to staff, and marked automatic, as what a person did not write. A word of stop in it binds all the same."""
    person, key = source.person(), source.xml.need("EventKey")[:MAX_PAYLOAD]
    return [
        InboundMessage(
            account_id=source.account.id,
            channel=source.account.channel,
            provider_event_id=source.event_id(),
            senders=(person,) if person else (),
            sent_at=source.xml.moment("CreateTime", latest=source.received_at),
            text=Sealed(key),
            kind=ContentKind.BUTTON,
            button_payload=key,
            automatic=True,
            locale_hint=str(source.account.options.get("locale", LOCALE)),
        )
    ]


def _template_sent(source: Source) -> list[ChannelEvent]:
    """What became of a template message; a person who blocked them has stopped us."""
    word = source.xml.text("Status").strip().lower()
    status = TEMPLATE_STATUS.get(word, DeliveryStatus.UNKNOWN)
    code = {DeliveryStatus.FAILED: word.replace(" ", "_")[:40], DeliveryStatus.UNKNOWN: "unknown_word"}.get(status)
    return [_status(source, source.xml.need("MsgID"), status, code, stopped=word == USER_BLOCK)]


def _notices_sent(source: Source) -> list[ChannelEvent]:
    """What became of subscribed notices: several in one push, each an event of its own."""
    inner = source.xml.find("SubscribeMsgSentEvent")
    items = inner.all("List")[:MAX_NOTICES] if inner is not None else []
    return [_notice(source, item) for item in items] or [source.unknown("event:subscribe_msg_sent_event")]


def _notice(source: Source, item: Element) -> ChannelEvent:
    code = item.text("ErrorCode").strip()[:20]
    status = DeliveryStatus.DELIVERED if code == "0" else DeliveryStatus.FAILED
    return _status(source, item.need("MsgID"), status, None if code == "0" else code or "unknown", stopped=False)


def _status(source: Source, named: str, status: DeliveryStatus, code: str | None, *, stopped: bool) -> StatusUpdate:
    if len(named) > 64:
        raise Malformed("MsgID")
    return StatusUpdate(
        account_id=source.account.id,
        provider_event_id=source.event_id(named, status),
        provider_message_id=named,
        message_id=None,
        status=status,
        occurred_at=source.xml.moment("CreateTime", latest=source.received_at),
        error_code=code,
        recipient_stopped=stopped,
    )


READERS: Final[dict[str, Callable[[Source], list[ChannelEvent]]]] = {
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
    "click": _click,
    "templatesendjobfinish": _template_sent,
    "subscribe_msg_sent_event": _notices_sent,
}
