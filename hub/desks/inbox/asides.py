"""What can be done beside answering: a note, putting a conversation aside, fetching a file. Nothing here is sent to anybody."""

from __future__ import annotations

import asyncio
from typing import Final
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

from aiohttp import web
from cryptography.exceptions import InvalidTag

from hub.desks.inbox.acts import LONGEST_TEXT, back, conversation_of, note_audit
from hub.desks.inbox.aside import NotThen, back_at
from hub.desks.inbox.notes import may_change
from hub.files import FileStore
from hub.model.audit import AuditEvent
from hub.model.sealed import Sealed
from hub.store import audit, downloads, inbox, live, notes, snooze
from hub.store.pool import Connection
from hub.web.forms import fields
from hub.web.keys import CLOCK, POOL, SETTINGS
from hub.web.roles import Right
from hub.web.sessions import acts, me, reads

_ID = "{id:[0-9a-f-]{36}}"
# A file somebody sent is opened nowhere in our pages: nothing in it may run, load or be framed.
FILE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


def routes() -> list[web.RouteDef]:
    return [
        web.post(f"/inbox/{_ID}/note", write_note),
        web.post(f"/inbox/{_ID}/note/change", change_note),
        web.post(f"/inbox/{_ID}/note/remove", remove_note),
        web.post(f"/inbox/{_ID}/note/undo", undo_note),
        web.post(f"/inbox/{_ID}/snooze", put_aside),
        web.post(f"/inbox/{_ID}/wake", bring_back),
        web.get(f"/inbox/{_ID}/files/{{file:[0-9a-f-]{{36}}}}", fetch_file),
    ]


@acts(Right.ANSWER)
async def write_note(request: web.Request) -> web.StreamResponse:
    """Keep a note; nobody outside sees it. "administrative": its writer says that it holds no health words (policy R23)."""
    person, now, form = me(request), request.app[CLOCK](), await fields(request)
    text = form.get("text", "").replace("\r\n", "\n").strip()
    if not text or len(text) > LONGEST_TEXT:
        raise web.HTTPBadRequest
    note_class = "administrative" if form.get("class") == "administrative" else "health"
    async with request.app[POOL].acquire() as conn, conn.transaction():
        if await inbox.one(conn, conversation_of(request)) is None:
            raise web.HTTPNotFound
        note_id = await notes.add(conn, conversation_of(request), Sealed(text), by=person.id, source="web", now=now, note_class=note_class)
        await audit.append(conn, [AuditEvent(at=now, actor=person.actor, role=person.role, action="note.added", object=f"note:{note_id}")])
        await live.notify(conn, [conversation_of(request)])
    raise back(request, did="noted")


@acts(Right.ANSWER)
async def change_note(request: web.Request) -> web.StreamResponse:
    """Other words for one's own note; the earlier ones are kept."""
    text = (await fields(request)).get("text", "").replace("\r\n", "\n").strip()
    if not text or len(text) > LONGEST_TEXT:
        raise web.HTTPBadRequest
    async with request.app[POOL].acquire() as conn, conn.transaction():
        note = await _own_note(request, conn)
        done = await notes.change(conn, note.id, Sealed(text), now=request.app[CLOCK]())
        if done:
            await _told(request, conn, note, "note.changed")
    raise back(request, did="note_changed", note=str(note.id)) if done else back(request)


@acts(Right.ANSWER)
async def remove_note(request: web.Request) -> web.StreamResponse:
    """Take one's own note out of sight. The record keeps it (policy R53)."""
    async with request.app[POOL].acquire() as conn, conn.transaction():
        note = await _own_note(request, conn)
        done = await notes.delete(conn, note.id, now=request.app[CLOCK]())
        if done:
            await _told(request, conn, note, "note.deleted")
    raise back(request, did="note_removed", note=str(note.id)) if done else back(request)


@acts(Right.ANSWER)
async def undo_note(request: web.Request) -> web.StreamResponse:
    """The way back from the last change or removal of one's own note."""
    async with request.app[POOL].acquire() as conn, conn.transaction():
        note = await _own_note(request, conn)
        if note.deleted_at is not None:
            done, action = await notes.restore(conn, note.id), "note.restored"
        else:
            before = await notes.words_before(conn, note.id)
            done = before is not None and await notes.change(conn, note.id, before, now=request.app[CLOCK]())
            action = "note.changed"
        if done:
            await _told(request, conn, note, action)
    raise back(request, did="note_back") if done else back(request)


async def _own_note(request: web.Request, conn: Connection) -> notes.NoteRow:
    """The note the form names, locked. Raises 404 where it is not in this conversation, 403 where it is not theirs to change."""
    try:
        note_id = UUID((await fields(request)).get("note", ""))
    except ValueError as error:
        raise web.HTTPNotFound from error
    note = await notes.one(conn, note_id, lock=True)
    if note is None or note.conversation_id != conversation_of(request):
        raise web.HTTPNotFound
    if not may_change(note, me(request).id):
        raise web.HTTPForbidden
    return note


async def _told(request: web.Request, conn: Connection, note: notes.NoteRow, action: str) -> None:
    person, now = me(request), request.app[CLOCK]()
    await audit.append(conn, [AuditEvent(at=now, actor=person.actor, role=person.role, action=action, object=f"note:{note.id}")])
    await live.notify(conn, [note.conversation_id])


@acts(Right.ANSWER)
async def put_aside(request: web.Request) -> web.StreamResponse:
    now, settings = request.app[CLOCK](), request.app[SETTINGS]
    form = await fields(request)
    choice = form.get("until", "")
    try:
        until = back_at(choice, now, ZoneInfo(settings.clinic.time_zone), form.get("at", ""))
    except NotThen:
        raise back(request, did="not_then") from None
    except ValueError as error:
        raise web.HTTPBadRequest from error
    async with request.app[POOL].acquire() as conn, conn.transaction():
        done = await snooze.snooze(conn, conversation_of(request), now=now, until=until)
        if done:
            await note_audit(conn, me(request), request, "conversation.snoozed", result=choice)
            await live.notify(conn, [conversation_of(request)])
    raise back(request, did="snoozed" if done else "not_open")


@acts(Right.ANSWER)
async def bring_back(request: web.Request) -> web.StreamResponse:
    async with request.app[POOL].acquire() as conn, conn.transaction():
        if await snooze.wake(conn, conversation_of(request)):
            await note_audit(conn, me(request), request, "conversation.woken")
            await live.notify(conn, [conversation_of(request)])
    raise back(request, did="woken")


@reads(Right.READ_MESSAGES)
async def fetch_file(request: web.Request) -> web.StreamResponse:
    """A file for somebody who may read the conversation. Who fetched it is written down before a byte leaves."""
    person, now, settings = me(request), request.app[CLOCK](), request.app[SETTINGS]
    try:
        file_id = UUID(request.match_info["file"])
    except ValueError as error:
        raise web.HTTPNotFound from error
    async with request.app[POOL].acquire() as conn, conn.transaction():
        found = await downloads.find(conn, conversation_of(request), file_id)
        if found is None:
            raise web.HTTPNotFound
        seen = AuditEvent(at=now, actor=person.actor, role=person.role, action="attachment.viewed", object=f"attachment:{file_id}")
        await audit.append(conn, [seen])
    try:
        data = await asyncio.to_thread(FileStore(settings.data_dir / "files", settings.secret_key).get, found.sha256)
    except (FileNotFoundError, InvalidTag) as error:
        raise web.HTTPNotFound from error
    headers = {**FILE_HEADERS, "Content-Disposition": disposition(found.name.reveal() if found.name else "", found.mime_type)}
    return web.Response(body=data, content_type=found.mime_type, headers=headers)


def disposition(name: str, mime_type: str) -> str:
    """Always an attachment. The sender's file name, cleaned of what could mislead, as RFC 6266 and RFC 8187 write it."""
    clean = "".join(c for c in name if c.isprintable() and c not in '/\\:*?"<>|;%').strip(" .")[:120]
    ending = {"image/jpeg": ".jpg", "image/png": ".png", "application/pdf": ".pdf"}.get(mime_type, "")
    clean = clean or f"file{ending}"
    plain = "".join(c if c.isascii() else "_" for c in clean)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(clean.encode('utf-8', 'replace'), safe='')}"
