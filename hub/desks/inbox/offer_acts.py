"""Sending an approved template that was picked in the inbox, by a form that works without a script. What may go the gate says."""

from __future__ import annotations

from aiohttp import web

from hub import gate
from hub.desks.inbox.acts import ShowRefused, conversation_of
from hub.desks.inbox.desk import Tried
from hub.desks.inbox.offers import SLOT_PREFIX
from hub.model.address import Channel
from hub.model.permission import Kind
from hub.model.sealed import Sealed
from hub.store import inbox
from hub.web.forms import fields
from hub.web.keys import CLOCK, POOL, SETTINGS
from hub.web.roles import Right
from hub.web.sessions import acts, me


def routes(show_refused: ShowRefused) -> list[web.RouteDef]:
    """show_refused: draws the thread with the template that was refused."""

    @acts(Right.ANSWER)
    async def send(request: web.Request) -> web.StreamResponse:
        return await _send(request, show_refused)

    return [web.post("/inbox/{id:[0-9a-f-]{36}}/template", send)]


async def _send(request: web.Request, show_refused: ShowRefused) -> web.StreamResponse:
    """Ask the judge about the picked template; queued with its undo time like any reply."""
    form, settings = await fields(request), request.app[SETTINGS]
    wanted, conversation_id = form.get("channel", ""), conversation_of(request)
    if wanted not in set(Channel):
        raise web.HTTPBadRequest
    values = {name.removeprefix(SLOT_PREFIX): Sealed(value) for name, value in form.items() if name.startswith(SLOT_PREFIX)}
    draft = gate.Draft(
        conversation_id=conversation_id,
        kind=Kind.RPL,
        channel=Channel(wanted),
        text=Sealed(""),
        written_by=me(request).id,
        template=gate.Choice(id=form.get("template", ""), locale=form.get("locale", ""), values=values),
    )
    try:
        async with request.app[POOL].acquire() as conn, conn.transaction():
            if await inbox.one(conn, conversation_id) is None:
                raise web.HTTPNotFound
            queued = await gate.queue(conn, draft, now=request.app[CLOCK](), settings=settings)
            if queued.decision.allowed:
                await inbox.mark_read(conn, conversation_id)
    except gate.UnknownTemplate:
        raise web.HTTPSeeOther(f"/inbox/{conversation_id}?did=not_filled&via={wanted}") from None
    if queued.decision.allowed:
        raise web.HTTPSeeOther(f"/inbox/{conversation_id}?sent={queued.message_id}&via={wanted}")
    said = Sealed(" ".join(value.reveal() for value in values.values()))
    faults = tuple(Sealed(f.sentence) for f in queued.examined.findings if f.reason is queued.decision.reason)
    return await show_refused(request, Tried(text=said, decision=queued.decision, message_id=queued.message_id, faults=faults), wanted)
