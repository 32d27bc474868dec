"""What can be done in the inbox. Every act is a form that works without a script, and says afterwards what happened.

Sending, taking back, settling and sending again go through the gate and nowhere else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from aiohttp import web

from hub import gate
from hub.desks.inbox.desk import Tried
from hub.gate.length import too_long
from hub.gate.routes import account_for
from hub.intake.stops import apply_stops, keyword_effects, withdraw_invitations
from hub.intake.writes import Stop, Writes
from hub.model.address import Channel
from hub.model.audit import AuditEvent
from hub.model.ids import ConversationId, MessageId
from hub.model.permission import Kind
from hub.model.sealed import Sealed
from hub.store import audit, inbox, live, thread, wishes
from hub.store.pool import Connection
from hub.web.forms import fields
from hub.web.keys import CLOCK, POOL, SETTINGS
from hub.web.roles import Right
from hub.web.sessions import SignedIn, acts, me

ShowRefused = Callable[[web.Request, Tried, str], Awaitable[web.Response]]
LONGEST_TEXT = 100_000  # characters; the channel's own limit is the judge's and the adapter's business
_ID = "{id:[0-9a-f-]{36}}"


def routes(show_refused: ShowRefused) -> list[web.RouteDef]:
    """show_refused: draws the thread with a refused reply in it."""

    @acts(Right.ANSWER)
    async def reply(request: web.Request) -> web.StreamResponse:
        return await _reply(request, show_refused)

    return [
        web.post(f"/inbox/{_ID}/reply", reply),
        web.post(f"/inbox/{_ID}/undo", undo),
        web.post(f"/inbox/{_ID}/settle", settle),
        web.post(f"/inbox/{_ID}/again", again),
        web.post(f"/inbox/{_ID}/status", set_status),
        web.post(f"/inbox/{_ID}/assign", assign),
        web.post(f"/inbox/{_ID}/unread", mark_unread),
        web.post(f"/inbox/{_ID}/read", mark_read),
        web.post(f"/inbox/{_ID}/meant", say_what_was_meant),
    ]


def conversation_of(request: web.Request) -> ConversationId:
    """The conversation the address names. Raises 404 for what is no id."""
    try:
        return ConversationId(UUID(request.match_info["id"]))
    except ValueError as error:
        raise web.HTTPNotFound from error


def back(request: web.Request, **query: str) -> web.HTTPSeeOther:
    """To the conversation, with the view it was opened from and what to say."""
    given = {"view": request.query.get("view", ""), **query}
    tail = "&".join(f"{name}={value}" for name, value in given.items() if value.replace("-", "").replace("_", "").isalnum())
    return web.HTTPSeeOther(f"/inbox/{conversation_of(request)}" + (f"?{tail}" if tail else ""))


async def _text(request: web.Request, name: str) -> str:
    return (await fields(request)).get(name, "")


async def _message(request: web.Request, conn: Connection) -> MessageId:
    """The message the form names, if it belongs to this conversation. Raises 404."""
    try:
        message_id = MessageId(UUID(await _text(request, "message")))
    except ValueError as error:
        raise web.HTTPNotFound from error
    row = await thread.sending(conn, message_id)
    if row is None or row.conversation_id != conversation_of(request):
        raise web.HTTPNotFound
    return message_id


async def note_audit(conn: Connection, person: SignedIn, request: web.Request, action: str, **more: str) -> None:
    """Write down what somebody did to the conversation; `result`, if given, what came of it."""
    event = AuditEvent(
        at=request.app[CLOCK](),
        actor=person.actor,
        role=person.role,
        action=action,
        object=f"conversation:{conversation_of(request)}",
        result=more.get("result"),
    )
    await audit.append(conn, [event])


async def _reply(request: web.Request, show_refused: ShowRefused) -> web.StreamResponse:
    """Ask the judge; a yes is queued with its undo time, a no is shown where the text was typed."""
    person, settings, now = me(request), request.app[SETTINGS], request.app[CLOCK]()
    text, wanted = (await _text(request, "text")).replace("\r\n", "\n").strip(), await _text(request, "channel")
    if not text or len(text) > LONGEST_TEXT or wanted not in set(Channel):
        raise web.HTTPBadRequest
    draft = gate.Draft(
        conversation_id=conversation_of(request), kind=Kind.RPL, channel=Channel(wanted), text=Sealed(text), written_by=person.id
    )
    async with request.app[POOL].acquire() as conn, conn.transaction():
        row = await inbox.one(conn, draft.conversation_id)
        if row is None:
            raise web.HTTPNotFound
        fault = too_long(account_for(settings.accounts, draft.channel, prefer=row.account_id), text)
        if fault:
            return await show_refused(request, Tried(text=draft.text, faults=(Sealed(fault),)), wanted)
        queued = await gate.queue(conn, draft, now=now, settings=settings)
        if queued.decision.allowed:
            await inbox.mark_read(conn, draft.conversation_id)
    if queued.decision.allowed:
        raise back(request, sent=str(queued.message_id), via=wanted)
    if queued.decision.retry_at is not None:
        raise back(request, did="later", via=wanted)  # stored: it leaves by itself when it may
    faults = tuple(Sealed(f.sentence) for f in queued.examined.findings if f.reason is queued.decision.reason)
    tried = Tried(text=draft.text, decision=queued.decision, message_id=queued.message_id, faults=faults)
    return await show_refused(request, tried, wanted)


@acts(Right.ANSWER)
async def undo(request: web.Request) -> web.StreamResponse:
    async with request.app[POOL].acquire() as conn, conn.transaction():
        taken_back = await gate.cancel(conn, await _message(request, conn), now=request.app[CLOCK]())
    raise back(request, did="undone" if taken_back else "too_late")


@acts(Right.ANSWER)
async def settle(request: web.Request) -> web.StreamResponse:
    arrived = await _text(request, "arrived")
    if arrived not in ("yes", "no"):
        raise web.HTTPBadRequest
    async with request.app[POOL].acquire() as conn, conn.transaction():
        message_id = await _message(request, conn)
        done = await gate.settle(conn, message_id, arrived=arrived == "yes", staff_id=me(request).id, now=request.app[CLOCK]())
    raise back(request, did="settled" if done else "settled_already")


@acts(Right.ANSWER)
async def again(request: web.Request) -> web.StreamResponse:
    settings, now = request.app[SETTINGS], request.app[CLOCK]()
    async with request.app[POOL].acquire() as conn, conn.transaction():
        queued = await gate.send_again(conn, await _message(request, conn), staff_id=me(request).id, now=now, settings=settings)
    if queued is None:
        raise back(request, did="not_again")
    if queued.decision.allowed:
        raise back(request, sent=str(queued.message_id))
    raise back(request)  # the thread shows the refused message with its reason


@acts(Right.ANSWER)
async def set_status(request: web.Request) -> web.StreamResponse:
    wanted = await _text(request, "status")
    if wanted not in ("open", "resolved"):
        raise web.HTTPBadRequest
    async with request.app[POOL].acquire() as conn, conn.transaction():
        if await inbox.set_status(conn, conversation_of(request), wanted):
            await note_audit(conn, me(request), request, "conversation.resolved" if wanted == "resolved" else "conversation.reopened")
            await live.notify(conn, [conversation_of(request)])
    raise back(request, did="resolved" if wanted == "resolved" else "reopened")


@acts(Right.ANSWER)
async def assign(request: web.Request) -> web.StreamResponse:
    person, mine = me(request), await _text(request, "to") == "me"
    async with request.app[POOL].acquire() as conn, conn.transaction():
        if await inbox.assign(conn, conversation_of(request), person.id if mine else None):
            await note_audit(conn, person, request, "conversation.assigned", result=person.actor if mine else "nobody")
            await live.notify(conn, [conversation_of(request)])
    raise back(request, did="assigned" if mine else "handed_back")


@acts(Right.ANSWER)
async def mark_unread(request: web.Request) -> web.StreamResponse:
    """Back to the list: staying would mark it read again."""
    async with request.app[POOL].acquire() as conn, conn.transaction():
        if await inbox.mark_unread(conn, conversation_of(request)):
            await live.notify(conn, [conversation_of(request)])
    view = request.query.get("view", "")
    raise web.HTTPSeeOther(f"/inbox?did=unread{f'&view={view}' if view.isalnum() else ''}")


@acts(Right.ANSWER)
async def mark_read(request: web.Request) -> web.StreamResponse:
    """Asked for by a page that shows the conversation while something new arrives."""
    async with request.app[POOL].acquire() as conn, conn.transaction():
        if await inbox.mark_read(conn, conversation_of(request)):
            await live.notify(conn, [conversation_of(request)])
    return web.Response(status=204)


@acts(Right.ANSWER)
async def say_what_was_meant(request: web.Request) -> web.StreamResponse:
    """Somebody has read the words that may be a stop. "stop": written by the same hand that writes every stop."""
    stop = await _text(request, "meant") == "stop"
    person = me(request)
    async with request.app[POOL].acquire() as conn, conn.transaction():
        row = await inbox.one(conn, conversation_of(request))
        if row is None:
            raise web.HTTPNotFound
        if row.stop_unclear:
            if stop:  # before the conversation is touched: addresses and people are locked first, everywhere
                await _stop(conn, row, request)
            await inbox.clear_unclear_stop(conn, row.id)
            await note_audit(conn, person, request, "classify.result", result="stop" if stop else "no stop")
            await live.notify(conn, [row.id])
    raise back(request, did="stopped" if stop else "answers")


async def _stop(conn: Connection, row: inbox.ListRow, request: web.Request) -> None:
    """The channel they wrote on, and all marketing: the effect of a bare stop word (policy §3.6)."""
    words = await thread.last_words(conn, row.id)
    channel = words.channel if words else row.channel
    writes = Writes(now=request.app[CLOCK]())
    writes.stops.append(
        Stop(
            contact_id=row.contact_id,
            hashes=(),
            effects=keyword_effects(channel),
            occurred_at=words.occurred_at if words else writes.now,
            source="staff",
            rule_id=None,
            evidence_id=words.id if words else None,
            provisional=False,
        )
    )
    await apply_stops(conn, writes)
    for doubt in await wishes.waiting(conn, row.contact_id):  # settled: what stands now is at least as wide
        await wishes.make_final(conn, await wishes.same_words(conn, row.contact_id, doubt.id))
    await withdraw_invitations(conn, writes)
    await audit.append(conn, writes.audit)
