"""Who one is in Slack: offered where Slack vouches for the same address, true only once its owner has said so here."""

from __future__ import annotations

from aiohttp import web

from hub.model.audit import AuditEvent
from hub.store import audit, slack_inbound
from hub.store.slack_inbound import SlackUser
from hub.web.forms import fields
from hub.web.keys import CLOCK, POOL, SETTINGS
from hub.web.roles import Right
from hub.web.sessions import acts, me


def routes() -> list[web.RouteDef]:
    return [web.post("/account/slack", join), web.post("/account/slack/leave", leave)]


async def standing(request: web.Request) -> tuple[SlackUser | None, list[SlackUser]] | None:
    """(the link, what is offered) for the page; None where Slack is not used."""
    if request.app[SETTINGS].slack is None:
        return None
    async with request.app[POOL].acquire() as conn:
        linked = await slack_inbound.linked(conn, me(request).id)
        return linked, [] if linked else await slack_inbound.offers(conn, me(request).id)


@acts(Right.SIGNED_IN)
async def join(request: web.Request) -> web.StreamResponse:
    """Confirm an offer. Only one that is still offered to this very account can be confirmed."""
    person, now, user_id = me(request), request.app[CLOCK](), (await fields(request)).get("user", "")
    async with request.app[POOL].acquire() as conn, conn.transaction():
        offered = user_id in {o.user_id for o in await slack_inbound.offers(conn, person.id)}
        if offered and await slack_inbound.link(conn, user_id, person.id, now=now):
            await audit.append(conn, [_event(request, "staff.linked")])
    raise web.HTTPSeeOther("/account")


@acts(Right.SIGNED_IN)
async def leave(request: web.Request) -> web.StreamResponse:
    """From now on nobody acts from Slack in one's name."""
    async with request.app[POOL].acquire() as conn, conn.transaction():
        if await slack_inbound.unlink(conn, me(request).id):
            await audit.append(conn, [_event(request, "staff.unlinked")])
    raise web.HTTPSeeOther("/account")


def _event(request: web.Request, action: str) -> AuditEvent:
    person = me(request)
    return AuditEvent(at=request.app[CLOCK](), actor=person.actor, role=person.role, action=action, object=person.actor, reason="slack")
