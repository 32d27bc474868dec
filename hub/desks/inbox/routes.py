"""What the inbox shows: pages, and the fragments an open page asks for when it hears of a change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from aiohttp import web

from hub.desks.inbox import acts, asides, desk, offer_acts, standing_acts
from hub.desks.inbox.aside import suggested
from hub.desks.inbox.desk import Look, Tried
from hub.desks.inbox.toasts import toast_for
from hub.model.audit import AuditEvent
from hub.model.ids import ConversationId, MessageId
from hub.store import audit, inbox, live
from hub.store.inbox import View
from hub.store.pool import Connection
from hub.web.keys import CLOCK, POOL, SETTINGS
from hub.web.render import page
from hub.web.roles import Right
from hub.web.sessions import me, reads

ID = "{id:[0-9a-f-]{36}}"


def routes() -> list[web.RouteDef]:
    return [
        web.get("/inbox", show_list),
        web.get("/inbox/views", views_fragment),
        web.get(f"/inbox/rows/{ID}", row_fragment),
        web.get(f"/inbox/{ID}", show_thread),
        web.get(f"/inbox/{ID}/person", show_person),
        web.get(f"/inbox/{ID}/messages", talk_fragment),
        *acts.routes(show_refused),
        *asides.routes(),
        *offer_acts.routes(show_refused),
        *standing_acts.routes(),
    ]


def look_of(request: web.Request) -> Look:
    person = me(request)
    return Look(settings=request.app[SETTINGS], staff_id=person.id, may_answer=Right.ANSWER in person.rights, now=request.app[CLOCK]())


def view_of(request: web.Request) -> View:
    """The list named in the address; an unknown one is Open."""
    asked = request.query.get("view", "")
    return View(asked) if asked in set(View) else View.OPEN


def id_of(request: web.Request) -> ConversationId:
    """Raises 404 for what is no id."""
    return ConversationId(_uuid(request.match_info["id"]))


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise web.HTTPNotFound from error


def _message_id(text: str | None) -> MessageId | None:
    return MessageId(_uuid(text)) if text else None


def _cursor(text: str) -> tuple[datetime, ConversationId] | None:
    """The end of the page above. What cannot be read begins at the top."""
    at, _, last = text.partition("_")
    try:
        # whole microseconds: a float would round the cursor past its own row
        seconds, _, micros = at.partition(".")
        return datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(micros.ljust(6, "0"))), ConversationId(UUID(last))
    except (ValueError, OverflowError, OSError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What to draw beside the list."""

    screen: str
    via: str | None = None
    before: MessageId | None = None
    tried: Tried | None = None


@reads(Right.READ_MESSAGES)
async def show_list(request: web.Request) -> web.Response:
    look, view = look_of(request), view_of(request)
    async with request.app[POOL].acquire() as conn:
        context = await _around(request, conn, look, view, _cursor(request.query.get("before", "")))
        first_run = not context["items"] and not await inbox.anything(conn)
    return page(request, "inbox/page.html", screen="list", talk=None, first_run=first_run, **context)


@reads(Right.READ_MESSAGES)
async def show_thread(request: web.Request) -> web.Response:
    before = _message_id(request.query.get("before"))
    return await show(request, Opened(screen="thread", via=request.query.get("via"), before=before))


@reads(Right.READ_MESSAGES)
async def show_person(request: web.Request) -> web.Response:
    return await show(request, Opened(screen="person", via=request.query.get("via")))


async def show_refused(request: web.Request, tried: Tried, via: str) -> web.Response:
    """The thread after a reply was refused: the reason where the eye is, and the text kept."""
    return await show(request, Opened(screen="thread", via=via, tried=tried), status=422)


async def show(request: web.Request, opened: Opened, *, status: int = 200) -> web.Response:
    """Open a conversation: it is read from now on, and who looked is written down."""
    look, view, conversation_id = look_of(request), view_of(request), id_of(request)
    async with request.app[POOL].acquire() as conn:
        async with conn.transaction():
            if not await _opened(request, conn, conversation_id, opened.screen):
                raise web.HTTPNotFound
        found = await desk.talk(conn, look, conversation_id, via=opened.via, before=opened.before, tried=opened.tried)
        context = await _around(request, conn, look, view, None)
    return page(request, "inbox/page.html", status=status, screen=opened.screen, talk=found, first_run=False, **context)


async def _opened(request: web.Request, conn: Connection, conversation_id: ConversationId, screen: str) -> bool:
    """Write down who looked at whom; False when there is nothing to look at."""
    row = await inbox.one(conn, conversation_id)
    if row is None:
        return False
    person, now = me(request), request.app[CLOCK]()
    seen = f"contact:{row.contact_id}" if screen == "person" else f"conversation:{conversation_id}"
    await audit.append(conn, [AuditEvent(at=now, actor=person.actor, role=person.role, action="record.viewed", object=seen)])
    if row.unread and Right.ANSWER in person.rights and await inbox.mark_read(conn, conversation_id):
        await live.notify(conn, [conversation_id])
    return True


async def _around(
    request: web.Request, conn: Connection, look: Look, view: View, before: tuple[datetime, ConversationId] | None
) -> dict[str, Any]:
    """The list and everything else about a page that is not the conversation."""
    items, older = await desk.items(conn, look, view, before)
    settings = look.settings
    return {
        "view": view.value,
        "items": items,
        "older": older,
        "counts": {v.value: n for v, n in (await inbox.counts(conn, look.staff_id)).items()},
        "toast": await toast_for(conn, request.query, look, id_of(request) if "id" in request.match_info else None),
        "suggested": suggested(look.now, look.zone),
        "practice_phone": f"http://{settings.sandbox_host}:{settings.sandbox_port}/" if settings.sandbox else None,
    }


@reads(Right.READ_MESSAGES, by_itself=True)
async def row_fragment(request: web.Request) -> web.Response:
    """One row of the list; 204 when the conversation is not in the view any more."""
    look, view = look_of(request), view_of(request)
    async with request.app[POOL].acquire() as conn:
        found = await desk.one_item(conn, look, id_of(request), view)
    if found is None:
        return web.Response(status=204, headers={"Cache-Control": "no-store"})
    return page(request, "inbox/fragment_row.html", item=found, view=view.value, talk=None)


@reads(Right.READ_MESSAGES, by_itself=True)
async def views_fragment(request: web.Request) -> web.Response:
    """The counts beside the views."""
    look, view = look_of(request), view_of(request)
    async with request.app[POOL].acquire() as conn:
        counts = {v.value: n for v, n in (await inbox.counts(conn, look.staff_id)).items()}
    return page(request, "inbox/fragment_views.html", counts=counts, view=view.value)


@reads(Right.READ_MESSAGES, by_itself=True)
async def talk_fragment(request: web.Request) -> web.Response:
    """Strip, messages, foot and person of an open conversation. `after`: the first message the page shows."""
    look = look_of(request)
    async with request.app[POOL].acquire() as conn:
        since = _message_id(request.query.get("after"))
        found = await desk.talk(conn, look, id_of(request), via=request.query.get("via"), since=since)
    if found is None:
        raise web.HTTPNotFound
    return page(request, "inbox/fragment_talk.html", talk=found, view=view_of(request).value, screen="thread")
