"""What Messenger and Instagram tell about our own messages, and about being told to stop (channels.md §7). Pure.

There is no "failed" here: a refusal comes in the answer to the send, or not at all.
"""

from __future__ import annotations

from datetime import datetime

from channels.meta.messaging_message import FILES
from channels.meta.reading import Node
from channels.meta.source import Source, our_message_id
from hub.model.address import Address
from hub.model.message import ChannelEvent, DeliveryStatus, Echo, MediaRef, PreferenceChange, StatusUpdate, Watermark
from hub.model.sealed import Sealed

STOP, RESUME = "STOP NOTIFICATIONS", "RESUME NOTIFICATIONS"


def echo(source: Source, item: Node, person: Address) -> list[ChannelEvent]:
    """A message of our side. With our own id it settles a send whose outcome was unknown; else staff wrote it elsewhere.

    Where neither our id nor an application is named (Instagram), it may be either: both are told, and the provider's id
    decides which of them finds its message. Raises Malformed.
    """
    said = item.maybe("message")
    if said is None or not said.has("mid"):
        return [source.unknown(item, "own_event")]
    mid, at = said.need("mid"), item.moment("timestamp", latest=source.received_at)
    ours, app = our_message_id(said.text("metadata")), said.word("app_id")
    sent = StatusUpdate(
        account_id=source.account.id,
        provider_event_id=source.event_id(mid, "sent"),
        provider_message_id=mid,
        message_id=ours,
        status=DeliveryStatus.SENT,
        occurred_at=at,
    )
    if said.flag("is_deleted"):
        return [source.unknown(item, "own_event:deleted")]
    if ours is not None or (app and app == str(source.account.options.get("app_id", ""))):
        return [sent]
    typed = Echo(
        account_id=source.account.id,
        provider_event_id=source.event_id(mid, "echo"),
        kind="echo",
        recipient=person,
        provider_message_id=mid,
        text=Sealed(said.text("text")),
        media=_files(said),
        occurred_at=at,
    )
    return [typed] if app else [sent, typed]


def _files(said: Node) -> tuple[MediaRef, ...]:
    found = [(a.text("type"), a.maybe("payload")) for a in said.objects("attachments")]
    return tuple(
        MediaRef(url=Sealed(payload.text("url")), mime_type=FILES[kind])
        for kind, payload in found
        if kind in FILES and payload and payload.text("url")
    )


def delivery(source: Source, item: Node, person: Address, standby: bool) -> list[ChannelEvent]:
    """Messages that arrived, by their ids; or, where none are named, all up to a moment. Raises Malformed."""
    arrived = item.at("delivery")
    mids = arrived.words("mids")
    if not mids:
        return [_watermark(source, arrived, person, DeliveryStatus.DELIVERED)]
    at = item.moment("timestamp", latest=source.received_at) if item.has("timestamp") else source.received_at
    return [_status(source, mid, DeliveryStatus.DELIVERED, at=at) for mid in mids]


def read(source: Source, item: Node, person: Address, standby: bool) -> list[ChannelEvent]:
    """One message that was read (Instagram), or all up to a moment (Messenger). Raises Malformed."""
    seen = item.at("read")
    if mid := seen.text("mid"):
        at = item.moment("timestamp", latest=source.received_at) if item.has("timestamp") else source.received_at
        return [_status(source, mid, DeliveryStatus.READ, at=at)]
    return [_watermark(source, seen, person, DeliveryStatus.READ)]


def optin(source: Source, item: Node, person: Address, standby: bool) -> list[ChannelEvent]:
    """A stop or resume of the notifications a person had asked for. It blocks sends by token alone, so it stops marketing.

    Any other opting-in is left for people to read: a tick there is no consent of ours. Raises Malformed.
    """
    asked = item.at("optin")
    word = asked.text("notification_messages_status").strip().upper().replace("_", " ")
    if word not in (STOP, RESUME):
        return [source.unknown(item, f"optin:{asked.text('type')}")]
    return [
        PreferenceChange(
            account_id=source.account.id,
            channel=source.account.channel,
            provider_event_id=source.digest("optin", person.value.reveal(), item.word("timestamp"), word),
            senders=(person,),
            occurred_at=item.moment("timestamp", latest=source.received_at),
            stop=word == STOP,
            whole_channel=False,
            source="notification_messages",
        )
    ]


def _status(source: Source, mid: str, status: DeliveryStatus, *, at: datetime) -> StatusUpdate:
    return StatusUpdate(
        account_id=source.account.id,
        provider_event_id=source.event_id(mid, status),
        provider_message_id=mid,
        message_id=None,
        status=status,
        occurred_at=at,
    )


def _watermark(source: Source, told: Node, person: Address, status: DeliveryStatus) -> Watermark:
    return Watermark(
        account_id=source.account.id,
        provider_event_id=source.digest("watermark", status, person.value.reveal(), told.word("watermark")),
        kind=f"watermark:{status}",
        person=person,
        status=status,
        up_to=told.moment("watermark", latest=source.received_at),
    )
