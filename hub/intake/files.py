"""Files that came along with a message are on our disk before the message is stored, so what is acknowledged is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from hub.files import sniff
from hub.model.message import ChannelEvent, InboundMessage, KeptFile, MediaRef


async def keep_files(events: Sequence[ChannelEvent], keep: Callable[[bytes], bytes] | None) -> Sequence[ChannelEvent]:
    """The events with every file that came along put away, in a thread. Doing it twice changes nothing. Raises OSError."""
    if keep is None or not any(isinstance(e, InboundMessage) and any(m.content for m in e.media) for e in events):
        return events
    return await asyncio.to_thread(_kept_events, events, keep)


def _kept_events(events: Sequence[ChannelEvent], keep: Callable[[bytes], bytes]) -> list[ChannelEvent]:
    return [replace(e, media=tuple(_kept(m, keep) for m in e.media)) if isinstance(e, InboundMessage) else e for e in events]


def _kept(media: MediaRef, keep: Callable[[bytes], bytes]) -> MediaRef:
    if media.content is None:
        return media
    data = media.content.reveal()
    kept = KeptFile(sha256=keep(data), size=len(data))
    return replace(media, content=None, kept=kept, mime_type=sniff(data, media.mime_type))
