"""Fetching files patients sent: by the channel's own rules, onto our disk under the hash of their content."""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog

from channels.errors import MediaRefused
from hub.files import FileStore, sniff
from hub.store import attachments, live, released
from hub.store.pool import Connection
from workers.runtime import Runtime

log = structlog.get_logger("media")

MAX_BYTES = 25 * 1024 * 1024


async def fetch(conn: Connection, attachment_id: UUID, runtime: Runtime) -> None:
    """Fetch one file; refusals are final and shown to staff, other faults raise and are tried again."""
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
        await attachments.refused(conn, attachment_id, refusal.constant)
        log.warning("media.refused", attachment=str(attachment_id))
    else:
        digest = await asyncio.to_thread(FileStore(runtime.settings.data_dir / "files", runtime.settings.secret_key).put, data)
        if not await attachments.stored(conn, attachment_id, mime_type=mime_type, size=len(data), sha256=digest):
            await released.release(conn, [digest])
    conversation_id = await attachments.conversation_of(conn, attachment_id)
    if conversation_id is not None:
        await live.notify(conn, [conversation_id])
