"""Fetching files patients sent: by the channel's own rules, onto our disk under the hash of their content."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import structlog

from channels.errors import MediaRefused
from hub.files import FileStore, sniff
from hub.model.message import ForgetsMedia
from hub.store import attachments, live, outbox, released
from hub.store.pool import Connection
from workers.runtime import Runtime

log = structlog.get_logger("media")

MAX_BYTES = 25 * 1024 * 1024
# Troubles of the moment, and for how long a file is asked for again: longer than any of them, shorter than files are kept.
PASSING = frozenset({"timeout", "unreachable", "http_429", "http_500", "http_502", "http_503", "http_504"})
PATIENCE = timedelta(hours=2)


class NotYet(Exception):
    """The file could not be had just now."""


async def fetch(conn: Connection, attachment_id: UUID, runtime: Runtime) -> None:
    """Fetch one file; refusals are final and shown to staff, other faults raise and are tried again.

    Raises NotYet for a passing trouble, for two hours from when the file was sent.
    """
    wanted = await attachments.pending(conn, attachment_id)
    if wanted is None:
        return
    transport = await runtime.transport(wanted.account_id)
    try:
        if transport is None:
            raise MediaRefused(wanted.account_id, "no_transport")
        data = await transport.fetch_media(wanted.media, MAX_BYTES)
        mime_type = sniff(data, wanted.media.mime_type)
    except MediaRefused as refusal:
        if refusal.constant in PASSING and runtime.clock() - wanted.created_at < PATIENCE:
            raise NotYet(refusal.constant) from None
        await attachments.refused(conn, attachment_id, refusal.constant)
        log.warning("media.refused", attachment=str(attachment_id))
    else:
        digest = await asyncio.to_thread(FileStore(runtime.settings.data_dir / "files", runtime.settings.secret_key).put, data)
        forgets = isinstance(transport, ForgetsMedia)
        if not await attachments.stored(conn, attachment_id, mime_type=mime_type, size=len(data), sha256=digest, keep_source=forgets):
            await released.release(conn, [digest])
        elif forgets:
            now = runtime.clock()
            await outbox.add(conn, [outbox.FollowUp(topic="forget_media", ref=attachment_id, run_after=now)], now=now)
    conversation_id = await attachments.conversation_of(conn, attachment_id)
    if conversation_id is not None:
        await live.notify(conn, [conversation_id])


async def forget(conn: Connection, attachment_id: UUID, runtime: Runtime) -> None:
    """Have the provider delete a file that lies with us for good: it would keep it until it is told (channels.md §4)."""
    wanted = await attachments.left_behind(conn, attachment_id)
    if wanted is None:
        return
    transport = await runtime.transport(wanted.account_id)
    if isinstance(transport, ForgetsMedia):
        await transport.delete_media(wanted.media)
    await attachments.forget_source(conn, attachment_id)
