"""One WeChat message as an event: text, picture, voice, film, place, link (channels.md §8). Pure.

Files are told by their media id, never by the picture's address, which may be plain http on somebody's host.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from channels.wechat.document import Element, Malformed
from channels.wechat.source import Source
from hub.model.message import ContentKind, InboundMessage, MediaRef
from hub.model.sealed import Sealed

MAX_PAYLOAD: Final = 500
LOCALE: Final = "zh-Hans"
SOUNDS: Final = {"amr": "audio/amr", "speex": "audio/x-speex", "mp3": "audio/mpeg"}
# What WeChat writes in place of what it will not pass on, a sticker for example.
PLACEHOLDERS: Final = ("[unsupported message]", "【收到不支持的消息类型，暂无法显示】")
_MEDIA_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")


@dataclass(frozen=True, slots=True)
class Content:
    """What a message is made of."""

    kind: ContentKind
    text: str = ""
    media: tuple[MediaRef, ...] = ()
    location: tuple[float, float] | None = None
    payload: str | None = None


def read_message(source: Source, kind: str) -> InboundMessage:
    """The event of one message; a kind nobody knows is shown as unsupported. Raises Malformed."""
    person, read = source.person(), READERS.get(kind)
    content = read(source.xml) if read else Content(ContentKind.UNSUPPORTED, _words(source.xml))
    return InboundMessage(
        account_id=source.account.id,
        channel=source.account.channel,
        provider_event_id=source.message_id(),
        senders=(person,) if person else (),
        sent_at=_sent_at(source),
        text=Sealed(content.text),
        kind=content.kind,
        media=content.media,
        location=content.location,
        button_payload=content.payload,
        locale_hint=str(source.account.options.get("locale", LOCALE)),
    )


def _sent_at(source: Source) -> datetime:
    """WeChat's time; ours where it gives none that can be read, since the words matter more."""
    try:
        return source.xml.moment("CreateTime", latest=source.received_at)
    except Malformed:
        return source.received_at


def _text(xml: Element) -> Content:
    words, chosen = xml.text("Content"), xml.text("bizmsgmenuid")[:MAX_PAYLOAD]
    if words.strip().lower() in PLACEHOLDERS:
        return Content(ContentKind.UNSUPPORTED)
    return Content(ContentKind.BUTTON, words, payload=chosen) if chosen else Content(ContentKind.TEXT, words)


def _image(xml: Element) -> Content:
    return _file(xml, "image/jpeg")


def _voice(xml: Element) -> Content:
    return _file(xml, SOUNDS.get(xml.text("Format").strip().lower(), "audio/amr"), xml.text("Recognition"))


def _film(xml: Element) -> Content:
    return _file(xml, "video/mp4")


def _file(xml: Element, mime: str, text: str = "") -> Content:
    media_id = xml.text("MediaId").strip()
    found = (MediaRef(provider_media_id=media_id, mime_type=mime),) if _MEDIA_ID.fullmatch(media_id) else ()
    return Content(ContentKind.MEDIA, text, media=found)


def _location(xml: Element) -> Content:
    latitude, longitude = xml.number("Location_X"), xml.number("Location_Y")
    words = xml.text("Label").strip()
    if latitude is None or longitude is None or not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return Content(ContentKind.UNSUPPORTED, words)
    return Content(ContentKind.LOCATION, words, location=(latitude, longitude))


def _link(xml: Element) -> Content:
    return Content(ContentKind.TEXT, _words(xml))


def _words(xml: Element) -> str:
    """Title, description and address of what was passed on, as lines; nothing is fetched."""
    return "\n".join(found for name in ("Content", "Title", "Description", "Url") if (found := xml.text(name).strip()))


READERS: Final[dict[str, Callable[[Element], Content]]] = {
    "text": _text,
    "image": _image,
    "voice": _voice,
    "video": _film,
    "shortvideo": _film,
    "location": _location,
    "link": _link,
}
