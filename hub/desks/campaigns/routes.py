"""The campaign pages: the list, the form, the sheet, the people behind a number, and the acts, each a plain form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.campaigns import acts
from hub.campaigns.content import examine
from hub.campaigns.limits import limits
from hub.desks.campaigns import form, table, views, words
from hub.model.audit import AuditEvent
from hub.model.campaign import Campaign, CampaignState, Draft
from hub.model.ids import CampaignId
from hub.store import audience, audit, campaigns, recipients
from hub.store.pool import Connection
from hub.web import when
from hub.web.forms import fields
from hub.web.keys import CLOCK, POOL, SETTINGS
from hub.web.render import page
from hub.web.roles import Right
from hub.web.sessions import acts as does
from hub.web.sessions import me, reads

_ID = "{id:[0-9a-f-]{36}}"
PAGE = 50
ROWS_AT_ONCE = 2000


def routes() -> list[web.RouteDef]:
    return [
        web.get("/campaigns", show_list),
        web.get("/campaigns/new", show_new),
        web.post("/campaigns/new", create),
        web.get(f"/campaigns/{_ID}", show_one),
        web.get(f"/campaigns/{_ID}/edit", show_edit),
        web.post(f"/campaigns/{_ID}/edit", change),
        web.get(f"/campaigns/{_ID}/audience", show_audience),
        web.get(f"/campaigns/{_ID}/people", show_people),
        web.post(f"/campaigns/{_ID}/approve", approve),
        web.post(f"/campaigns/{_ID}/schedule", schedule),
        web.post(f"/campaigns/{_ID}/unschedule", unschedule),
        web.post(f"/campaigns/{_ID}/send-back", send_back),
        web.get(f"/campaigns/{_ID}/people.csv", download_people),
        web.post(f"/campaigns/{_ID}/start", start),
        web.post(f"/campaigns/{_ID}/pause", pause),
        web.post(f"/campaigns/{_ID}/resume", resume),
        web.post(f"/campaigns/{_ID}/cancel", cancel),
    ]


def _page(request: web.Request, template: str, *, status: int = 200, **context: object) -> web.Response:
    settings = request.app[SETTINGS]
    clock = {"when": when, "zone": ZoneInfo(settings.clinic.time_zone), "now": request.app[CLOCK]()}
    done = words.DONE.get(request.query.get("did", ""), "")
    return page(
        request, f"campaigns/{template}", status=status, states=words.STATES, purposes=words.PURPOSES, done=done, **clock, **context
    )


def _id(request: web.Request) -> CampaignId:
    try:
        return CampaignId(UUID(request.match_info["id"]))
    except ValueError as error:
        raise web.HTTPNotFound from error


def _after(request: web.Request) -> UUID:
    """Where the page begins. What cannot be read begins at the top."""
    try:
        return UUID(request.query.get("after", ""))
    except ValueError:
        return audience.FIRST


async def _one(conn: Connection, request: web.Request) -> Campaign:
    found = await campaigns.one(conn, _id(request))
    if found is None:
        raise web.HTTPNotFound
    return found


@reads(Right.READ_CAMPAIGNS)
async def show_list(request: web.Request) -> web.StreamResponse:
    """All campaigns, newest first."""
    before = None
    async with request.app[POOL].acquire() as conn:
        if (last := request.query.get("before")) is not None:
            try:
                found = await campaigns.one(conn, UUID(last))
            except ValueError:
                found = None
            before = (found.created_at, found.id) if found else None
        shown = await campaigns.newest(conn, before=before, limit=PAGE + 1)
        sheets = {c.id: (await campaigns.sheet(conn, c.id)).get("ALLOW") for c in shown[:PAGE]}
    settings = request.app[SETTINGS]
    about = {c.id: views.subjects(c.draft, settings) for c in shown}
    return _page(
        request, "list.html", campaigns=shown[:PAGE], more=shown[PAGE - 1].id if len(shown) > PAGE else None, sheets=sheets, about=about
    )


@reads(Right.WRITE_CAMPAIGNS)
async def show_new(request: web.Request) -> web.StreamResponse:
    """An empty form."""
    return _form(request, form.empty(request.app[SETTINGS]), {}, None)


@reads(Right.WRITE_CAMPAIGNS)
async def show_edit(request: web.Request) -> web.StreamResponse:
    """The form of a draft."""
    async with request.app[POOL].acquire() as conn:
        campaign = await _one(conn, request)
    if campaign.state is not CampaignState.DRAFT:
        raise web.HTTPSeeOther(f"/campaigns/{campaign.id}")
    return _form(request, campaign.draft, {}, campaign.id, check=True)


def _form(
    request: web.Request, draft: Draft, faults: Mapping[str, str], campaign_id: CampaignId | None, *, check: bool = False
) -> web.Response:
    settings = request.app[SETTINGS]
    checked = examine(draft, settings) if check and draft.body else None
    accounts = [a for a in settings.accounts.values() if a.channel in acts.CHANNELS and a.outbound]
    return _page(
        request, "edit.html", status=422 if faults else 200, draft=draft, faults=faults, checked=checked, campaign_id=campaign_id,
        accounts=accounts, interests=[(i.id, i.label("en")) for i in settings.interests],
    )  # fmt: skip


async def _sent(request: web.Request) -> tuple[Draft, bool]:
    """The draft in the form, and whether only its text is to be checked."""
    sent = await fields(request)
    chosen = [str(v) for v in (await request.post()).getall("interest", [])]
    return form.draft_from(sent, chosen, request.app[SETTINGS]), "check" in sent


@does(Right.WRITE_CAMPAIGNS)
async def create(request: web.Request) -> web.StreamResponse:
    """Store a new draft, or only look over its text."""
    draft, only_check = await _sent(request)
    settings, now = request.app[SETTINGS], request.app[CLOCK]()
    faults = acts.faults(draft, settings)
    if only_check or faults:
        return _form(request, draft, {} if only_check else faults, None, check=True)
    async with request.app[POOL].acquire() as conn, conn.transaction():
        campaign_id = await acts.create(conn, draft, by=me(request).id, now=now, settings=settings)
    raise web.HTTPSeeOther(f"/campaigns/{campaign_id}?did=created")


@does(Right.WRITE_CAMPAIGNS)
async def change(request: web.Request) -> web.StreamResponse:
    """Change a draft, or only look over its text."""
    draft, only_check = await _sent(request)
    settings, now = request.app[SETTINGS], request.app[CLOCK]()
    faults = acts.faults(draft, settings)
    if only_check or faults:
        return _form(request, draft, {} if only_check else faults, _id(request), check=True)

    async def act(conn: Connection, request: web.Request) -> None:
        await acts.edit(conn, _id(request), draft, by=me(request).id, now=now, settings=settings)

    return await _do(request, "changed", act)


@reads(Right.READ_CAMPAIGNS)
async def show_one(request: web.Request) -> web.StreamResponse:
    """The sheet of a draft or approved campaign; the running page once it began."""
    async with request.app[POOL].acquire() as conn:
        return await _show(request, conn)


async def _show(request: web.Request, conn: Connection, *, refused: str = "") -> web.Response:
    campaign, settings, person = await _one(conn, request), request.app[SETTINGS], me(request)
    frozen = campaign.frozen_at is not None
    counts = await campaigns.sheet(conn, campaign.id)
    if not frozen and not campaign.ended_at:
        counts = await acts.preview(conn, campaign.draft, now=request.app[CLOCK](), settings=settings, pool=request.app[POOL])
    progress = await campaigns.progress(conn, campaign.id)
    limited = limits(await campaigns.reactions(conn, campaign.id), settings.policy) if campaign.started_at else ()
    mine = person.id in (campaign.created_by, campaign.edited_by)
    return _page(
        request, "sheet.html" if campaign.started_at is None else "running.html", status=422 if refused else 200, campaign=campaign,
        names=await campaigns.staff_names(conn, campaign), about=views.subjects(campaign.draft, settings), frozen=frozen,
        sheet=views.sheet(counts, campaign.draft, settings), run=views.running(progress, campaign.draft, settings), mine=mine,
        checked=examine(campaign.draft, settings), seen=acts.approval_hash(campaign.draft).hex(), refused=refused, limits=limited,
    )  # fmt: skip


@reads(Right.READ_CAMPAIGNS)
async def show_audience(request: web.Request) -> web.StreamResponse:
    """The people behind one number of the sheet, as they stand now."""
    reason, settings, now = request.query.get("reason"), request.app[SETTINGS], request.app[CLOCK]()
    named = Right.NAME_RECIPIENTS in me(request).rights
    async with request.app[POOL].acquire() as conn:
        campaign = await _one(conn, request)
        question = acts.asker_of(campaign.draft, examine(campaign.draft, settings), settings).question(now)
        found = await audience.people(conn, question, settings.policy, now=now, reason=reason, after=_after(request), limit=PAGE + 1)
    subject = views.subjects(campaign.draft, settings)
    lines = [
        (
            views.name_of(p.name.reveal() if p.name else None, str(p.contact_id), named=named),
            "Would get it" if p.reason == "ALLOW" else words.exclusion(p.reason, channel=campaign.draft.channel, subject=subject),
            p.reason,
        )
        for p in found[:PAGE]
    ]
    more = found[PAGE - 1].contact_id if len(found) > PAGE else None
    return _page(request, "audience.html", campaign=campaign, lines=lines, more=more, reason=reason)


@reads(Right.READ_CAMPAIGNS)
async def show_people(request: web.Request) -> web.StreamResponse:
    """Everybody on the list, with each one's outcome, ground or reason."""
    settings, now, zone = request.app[SETTINGS], request.app[CLOCK](), ZoneInfo(request.app[SETTINGS].clinic.time_zone)
    named, reason, status = Right.NAME_RECIPIENTS in me(request).rights, request.query.get("reason"), request.query.get("status")
    async with request.app[POOL].acquire() as conn:
        campaign = await _one(conn, request)
        found = await recipients.page(conn, campaign.id, reason=reason, status=status, after=_after(request), limit=PAGE + 1)
    lines = [views.line(r, campaign.draft, settings, named=named, now=now, zone=zone) for r in found[:PAGE]]
    more = found[PAGE - 1].contact_id if len(found) > PAGE else None
    return _page(request, "people.html", campaign=campaign, lines=lines, more=more, reason=reason, at=status)


@reads(Right.READ_CAMPAIGNS)
async def download_people(request: web.Request) -> web.StreamResponse:
    """Everybody on the list with each one's decision, as a file; written page by page, whatever its length."""
    settings, named = request.app[SETTINGS], Right.NAME_RECIPIENTS in me(request).rights
    async with request.app[POOL].acquire() as conn, conn.transaction():
        campaign = await _one(conn, request)
        event = AuditEvent(
            at=request.app[CLOCK](), actor=me(request).actor, action="export.downloaded", object=f"campaign:{campaign.id}",
            detail={"names": named},
        )  # fmt: skip
        await audit.append(conn, [event])
    answer = web.StreamResponse(headers={"Content-Disposition": f'attachment; filename="campaign-{campaign.id}.csv"'})
    answer.content_type, answer.charset = "text/csv", "utf-8"
    await answer.prepare(request)
    await answer.write(table.HEAD.encode())
    after = audience.FIRST
    while True:
        async with request.app[POOL].acquire() as conn:
            found = await recipients.page(conn, campaign.id, after=after, limit=ROWS_AT_ONCE)
        if not found:
            break
        await answer.write(table.lines(found, campaign.draft, settings, named=named).encode())
        after = found[-1].contact_id
    await answer.write_eof()
    return answer


_Act = Callable[[Connection, web.Request], Awaitable[None]]


async def _do(request: web.Request, did: str, act: _Act) -> web.StreamResponse:
    """Do it in one transaction; a refusal is shown on the page it was asked from."""
    async with request.app[POOL].acquire() as conn:
        try:
            async with conn.transaction():
                await act(conn, request)
        except acts.Refused as refused:
            if refused.code == "unknown":
                raise web.HTTPNotFound from refused
            return await _show(request, conn, refused=str(refused))
    raise web.HTTPSeeOther(f"/campaigns/{_id(request)}?did={did}")


@does(Right.APPROVE_CAMPAIGNS)
async def approve(request: web.Request) -> web.StreamResponse:
    """A second person lets it go."""

    async def act(conn: Connection, request: web.Request) -> None:
        seen = (await fields(request)).get("seen", "")
        try:
            shown = bytes.fromhex(seen)
        except ValueError as error:
            raise web.HTTPBadRequest from error
        now, settings = request.app[CLOCK](), request.app[SETTINGS]
        await acts.approve(conn, _id(request), by=me(request).id, seen=shown, now=now, settings=settings)

    return await _do(request, "approved", act)


@does(Right.APPROVE_CAMPAIGNS)
async def schedule(request: web.Request) -> web.StreamResponse:
    """Plan it for a time of the clinic's clock."""

    async def act(conn: Connection, request: web.Request) -> None:
        zone = ZoneInfo(request.app[SETTINGS].clinic.time_zone)
        at = form.time_from((await fields(request)).get("at", ""), zone)
        if at is None:
            raise acts.Refused("no_time", "Choose a day and a time.")
        await acts.schedule(conn, _id(request), at=at, by=me(request).id, now=request.app[CLOCK]())

    return await _do(request, "scheduled", act)


@does(Right.APPROVE_CAMPAIGNS)
async def unschedule(request: web.Request) -> web.StreamResponse:
    """Take the planned time back."""

    async def act(conn: Connection, request: web.Request) -> None:
        await acts.unschedule(conn, _id(request), by=me(request).id, now=request.app[CLOCK]())

    return await _do(request, "unscheduled", act)


@does(Right.APPROVE_CAMPAIGNS)
async def send_back(request: web.Request) -> web.StreamResponse:
    """Ask the writer for changes instead of approving."""

    async def act(conn: Connection, request: web.Request) -> None:
        reason = (await fields(request)).get("reason", "")
        await acts.send_back(conn, _id(request), reason=reason, by=me(request).id, now=request.app[CLOCK]())

    return await _do(request, "sent_back", act)


@does(Right.APPROVE_CAMPAIGNS)
async def start(request: web.Request) -> web.StreamResponse:
    """Begin now."""

    async def act(conn: Connection, request: web.Request) -> None:
        await acts.start(conn, _id(request), by=me(request).actor, now=request.app[CLOCK]())

    return await _do(request, "started", act)


@does(Right.APPROVE_CAMPAIGNS)
async def pause(request: web.Request) -> web.StreamResponse:
    """Let nobody go until it is resumed."""

    async def act(conn: Connection, request: web.Request) -> None:
        await acts.pause(conn, _id(request), by=me(request).id, now=request.app[CLOCK]())

    return await _do(request, "paused", act)


@does(Right.APPROVE_CAMPAIGNS)
async def resume(request: web.Request) -> web.StreamResponse:
    """Go on."""

    async def act(conn: Connection, request: web.Request) -> None:
        await acts.resume(conn, _id(request), by=me(request).id, now=request.app[CLOCK]())

    return await _do(request, "resumed", act)


@does(Right.APPROVE_CAMPAIGNS)
async def cancel(request: web.Request) -> web.StreamResponse:
    """Let nobody go any more, for good."""

    async def act(conn: Connection, request: web.Request) -> None:
        await acts.cancel(conn, _id(request), by=me(request).id, now=request.app[CLOCK]())

    return await _do(request, "cancelled", act)
