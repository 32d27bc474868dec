"""What a person said on Messenger or Instagram: texts, files, button presses, reactions, corrections, take-backs. Pure.

Field by field as channels.md §7. What comes in `standby` is marked automatic as well: another application holds that thread,
so it opens no invitation and no robot of ours answers; a stop in it counts all the same. Stories are ephemeral: that one
was answered or mentioned us is told, its picture is not taken over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from channels.meta.reading import Node, coordinates
from channels.meta.source import MAX_NAME, Source
from hub.model.address import Address
from hub.model.message import ChannelEvent, ContentKind, InboundMessage, MediaRef, ReactionRemoved, Referral, Retraction
from hub.model.sealed import Sealed

MAX_FILES: Final = 20
MAX_PAYLOAD: Final = 500
# Only the kind of a file is told; whoever stores it looks at its first bytes.
FILES: Final = {
    "image": "image/jpeg",
    "sticker": "image/png",
    "video": "video/mp4",
    "audio": "audio/mpeg",
    "file": "application/octet-stream",
}
# Shown as words and a link: a share points at somebody else's page, which is not fetched.
LINKS: Final = frozenset({"fallback", "share", "reel", "ig_reel", "post", "ig_post", "template", "appointment_booking"})


@dataclass(slots=True)
class Attached:
    """What the attachments of one message come to."""

    media: tuple[MediaRef, ...] = ()
    lines: tuple[str, ...] = ()
    location: tuple[float, float] | None = None
    mention: bool = False


def message(source: Source, item: Node, person: Address, standby: bool) -> list[ChannelEvent]:
    """A message, or that one was taken back. A ghost, without words or files, is an unknown event. Raises Malformed."""
    said = item.at("message")
    mid, at = said.need("mid"), item.moment("timestamp", latest=source.received_at)
    if said.flag("is_deleted"):
        taken_back = source.event_id(mid, "deleted")
        return [
            Retraction(
                account_id=source.account.id,
                provider_event_id=taken_back,
                kind="deleted",
                sender=person,
                target_provider_id=mid,
                occurred_at=at,
            )
        ]
    attached = _attached(said)
    reply_to, quick = said.maybe("reply_to"), said.maybe("quick_reply")
    story = "mention" if attached.mention else "reply" if reply_to and reply_to.has("story") else None
    text = _words(said.text("text"), attached.lines)
    unsupported = said.flag("is_unsupported") or bool(said.objects("attachments"))
    if not text and not attached.media and attached.location is None and story is None and not unsupported:
        return [source.unknown(item, "ghost")]
    return [
        InboundMessage(
            account_id=source.account.id,
            channel=source.account.channel,
            provider_event_id=source.event_id(mid),
            senders=(person,),
            sent_at=at,
            text=Sealed(text),
            kind=_kind(text, attached, pressed=quick is not None),
            media=attached.media,
            location=attached.location,
            button_payload=(quick.text("payload")[:MAX_PAYLOAD] or None) if quick else None,
            reply_to_provider_id=(reply_to.text("mid") or None) if reply_to else None,
            referral=_referral(said.maybe("referral")),
            story=story,
            standby=standby,
            automatic=standby,
        )
    ]


def _kind(text: str, attached: Attached, *, pressed: bool) -> ContentKind:
    if pressed:
        return ContentKind.BUTTON
    if attached.location is not None:
        return ContentKind.LOCATION
    if attached.media:
        return ContentKind.MEDIA
    return ContentKind.TEXT if text else ContentKind.UNSUPPORTED


def _words(text: str, lines: tuple[str, ...]) -> str:
    """The text, and below it what attachments say that the text does not say already."""
    return "\n".join(part for part in (text, *(line for line in lines if line not in text)) if part)


def _attached(said: Node) -> Attached:
    media: list[MediaRef] = []
    lines: list[str] = []
    found = Attached()
    for attachment in said.objects("attachments")[:MAX_FILES]:
        kind, payload = attachment.text("type"), attachment.maybe("payload")
        url = (payload.text("url") if payload else "") or attachment.text("url")
        if kind in FILES and url:
            media.append(MediaRef(url=Sealed(url), mime_type=FILES[kind]))
        elif kind == "story_mention":
            found.mention = True
        elif kind == "location" and payload and (place := payload.maybe("coordinates")):
            found.location = coordinates(place.number("lat"), place.number("long"))
        elif kind in LINKS:
            lines += [attachment.text("title") or (payload.text("title") if payload else ""), url]
    found.media, found.lines = tuple(media), tuple(line for line in lines if line)
    return found


def _referral(found: Node | None) -> Referral | None:
    if found is None:
        return None
    context = found.maybe("ads_context_data")
    return Referral(
        source=found.text("source")[:40] or "unknown",
        ref=found.text("ref")[:MAX_NAME] or None,
        ad_id=found.word("ad_id")[:64] or None,
        title=(context.text("ad_title")[:MAX_NAME] or None) if context else None,
    )


def postback(source: Source, item: Node, person: Address, standby: bool) -> list[ChannelEvent]:
    """A press on a button of ours. Older ones have no id of their own. Raises Malformed."""
    pressed, at = item.at("postback"), item.moment("timestamp", latest=source.received_at)
    mid, payload = pressed.text("mid"), pressed.text("payload")
    named = source.event_id(mid) if mid else source.digest("postback", person.value.reveal(), item.word("timestamp"), payload)
    return [
        InboundMessage(
            account_id=source.account.id,
            channel=source.account.channel,
            provider_event_id=named,
            senders=(person,),
            sent_at=at,
            text=Sealed(pressed.text("title")),
            kind=ContentKind.BUTTON,
            button_payload=payload[:MAX_PAYLOAD] or None,
            referral=_referral(pressed.maybe("referral")),
            standby=standby,
            automatic=standby,
        )
    ]


def reaction(source: Source, item: Node, person: Address, standby: bool) -> list[ChannelEvent]:
    """A reaction to a message, or that one was taken back. Raises Malformed."""
    reacted, at = item.at("reaction"), item.moment("timestamp", latest=source.received_at)
    target, action = reacted.need("mid"), reacted.text("action")
    named = source.digest("reaction", action, person.value.reveal(), item.word("timestamp"), target)
    sign = reacted.text("emoji") or reacted.text("reaction")
    if action != "react" or not sign:
        return [
            ReactionRemoved(
                account_id=source.account.id,
                provider_event_id=named,
                kind="reaction_removed",
                sender=person,
                target_provider_id=target,
                occurred_at=at,
            )
        ]
    return [
        InboundMessage(
            account_id=source.account.id,
            channel=source.account.channel,
            provider_event_id=named,
            senders=(person,),
            sent_at=at,
            text=Sealed(sign),
            kind=ContentKind.REACTION,
            reply_to_provider_id=target,
            standby=standby,
            automatic=standby,
        )
    ]


def edit(source: Source, item: Node, person: Address, standby: bool) -> list[ChannelEvent]:
    """A corrected text: a message of its own, pointing at the one that stays as it was. Raises Malformed."""
    edited = item.at("message_edit")
    mid, text = edited.need("mid"), edited.text("text")
    if not text:
        return [source.unknown(item, "message_edit")]
    return [
        InboundMessage(
            account_id=source.account.id,
            channel=source.account.channel,
            provider_event_id=source.event_id(mid, "edit", edited.word("num_edit")),
            senders=(person,),
            sent_at=item.moment("timestamp", latest=source.received_at),
            text=Sealed(text),
            edit_of_provider_id=mid,
            standby=standby,
            automatic=standby,
        )
    ]
