"""What `hub campaign …` does: the same acts as the desk's, as the colleague named, with the rights of that colleague."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from hub.campaigns import acts
from hub.campaigns.content import examine
from hub.commands.common import Refusal, now, settings_now, with_running_servers
from hub.desks.campaigns.form import draft_from, empty, time_from
from hub.desks.campaigns.views import subjects
from hub.desks.campaigns.words import exclusion
from hub.model.campaign import Campaign, Draft
from hub.model.ids import CampaignId, StaffId
from hub.policy.lint import Severity
from hub.settings import Settings
from hub.store import audience, campaigns, recipients, staff
from hub.store.pool import Connection, connect
from hub.web.roles import Right, Role, rights_of

_Work = Callable[[Connection, Settings], Awaitable[list[str]]]


def _run(work: _Work) -> list[str]:
    """In one transaction; what cannot be done is a sentence. Raises Refusal."""
    settings = with_running_servers(settings_now())

    async def run() -> list[str]:
        conn = await connect(settings.database_url or "")
        try:
            async with conn.transaction():
                return await work(conn, settings)
        except acts.Refused as refused:
            raise Refusal(str(refused)) from refused
        finally:
            await conn.close()

    return asyncio.run(run())


async def _colleague(conn: Connection, email: str, right: Right) -> StaffId:
    member = await staff.by_email(conn, email)
    if member is None:
        raise Refusal("Nobody with that address works here: see hub staff add.")
    if right not in rights_of(Role(r) for r in member.roles):
        raise Refusal("That colleague's role may not do this.")
    return member.id


async def _found(conn: Connection, text: str) -> Campaign:
    try:
        found = await campaigns.one(conn, UUID(text))
    except ValueError:
        found = None
    if found is None:
        raise Refusal("There is no such campaign: see hub campaign status.")
    return found


def new(name: str, *, by: str, text: str, interests: Sequence[str], purpose: str, account: str) -> list[str]:
    """Write a draft."""

    async def work(conn: Connection, settings: Settings) -> list[str]:
        sent = {"name": name, "body": text, "purpose": purpose, "account": account or empty(settings).account_id}
        draft = draft_from(sent, interests, settings)
        writer = await _colleague(conn, by, Right.WRITE_CAMPAIGNS)
        campaign_id = await acts.create(conn, draft, by=writer, now=now(), settings=settings)
        return [str(campaign_id), *_findings(draft, settings)]

    return _run(work)


def _findings(draft: Draft, settings: Settings) -> Iterator[str]:
    checked = examine(draft, settings)
    yield from (f"Nobody can fill in {{{slot}}}." for slot in checked.wrong)
    for finding in checked.findings:
        weight = "stands against it" if finding.severity is Severity.REFUSE else "advice"
        yield f"{finding.sentence} ({finding.rule}, {weight})"


def preview(campaign: str) -> list[str]:
    """The sheet: as frozen, or as counted now."""

    async def work(conn: Connection, settings: Settings) -> list[str]:
        found = await _found(conn, campaign)
        counts = await campaigns.sheet(conn, found.id)
        if found.frozen_at is None:
            counts = await acts.preview(conn, found.draft, now=now(), settings=settings)
        return [*_sheet(counts, found.draft, settings), *_findings(found.draft, settings)]

    return _run(work)


def _sheet(counts: dict[str, int], draft: Draft, settings: Settings) -> Iterator[str]:
    subject = subjects(draft, settings)
    yield f"{sum(counts.values()):>9,}  agreed to some news"
    for code, people in sorted(counts.items(), key=lambda item: -item[1]):
        if code != "ALLOW":
            yield f"{-people:>9,}  {exclusion(code, channel=draft.channel, subject=subject)} ({code})"
    yield f"{counts.get('ALLOW', 0):>9,}  would get it"


def approve(campaign: str, *, by: str) -> list[str]:
    """A second person lets it go."""

    async def work(conn: Connection, settings: Settings) -> list[str]:
        found, approver = await _found(conn, campaign), await _colleague(conn, by, Right.APPROVE_CAMPAIGNS)
        seen = acts.approval_hash(found.draft)
        await acts.approve(conn, found.id, by=approver, seen=seen, now=now(), settings=settings)
        return ["Approved: its text and its audience stay as they are."]

    return _run(work)


def schedule(campaign: str, at: str, *, by: str) -> list[str]:
    """Begin at a later time of the clinic's clock."""

    async def work(conn: Connection, settings: Settings) -> list[str]:
        found, planner = await _found(conn, campaign), await _colleague(conn, by, Right.APPROVE_CAMPAIGNS)
        when = time_from(at, ZoneInfo(settings.clinic.time_zone))
        if when is None:
            raise Refusal("Give the time like 2026-11-26T10:30.")
        await acts.schedule(conn, found.id, at=when, by=planner, now=now())
        return [f"Planned for {when:%Y-%m-%d %H:%M} UTC."]

    return _run(work)


def act(name: str, campaign: str, *, by: str) -> list[str]:
    """start, pause, resume or cancel."""

    async def work(conn: Connection, _settings: Settings) -> list[str]:
        found, who = await _found(conn, campaign), await _colleague(conn, by, Right.APPROVE_CAMPAIGNS)
        await _ACTS[name](conn, found.id, who)
        return [_SAID[name]]

    return _run(work)


async def _start(conn: Connection, campaign_id: CampaignId, by: StaffId) -> None:
    await acts.start(conn, campaign_id, by=f"staff:{by}", now=now())


async def _pause(conn: Connection, campaign_id: CampaignId, by: StaffId) -> None:
    await acts.pause(conn, campaign_id, by=by, now=now())


async def _resume(conn: Connection, campaign_id: CampaignId, by: StaffId) -> None:
    await acts.resume(conn, campaign_id, by=by, now=now())


async def _cancel(conn: Connection, campaign_id: CampaignId, by: StaffId) -> None:
    await acts.cancel(conn, campaign_id, by=by, now=now())


_ACTS = {"start": _start, "pause": _pause, "resume": _resume, "cancel": _cancel}
_SAID = {"start": "It begins now.", "pause": "Paused.", "resume": "It goes on.", "cancel": "Stopped for good."}


def status(campaign: str | None) -> list[str]:
    """One campaign's numbers, or all campaigns."""

    async def work(conn: Connection, settings: Settings) -> list[str]:
        if campaign is None:
            return [f"{c.id}  {c.state:<9}  {c.draft.name}" for c in await campaigns.newest(conn, limit=100)] or ["No campaign yet."]
        found = await _found(conn, campaign)
        progress = await campaigns.progress(conn, found.id)
        lines = [f"{found.draft.name}: {found.state}", f"{progress.listed:>9,}  on the list"]
        lines += [f"{people:>9,}  {status}" for status, people in sorted(progress.statuses.items())]
        subject = subjects(found.draft, settings)
        lines += [
            f"{people:>9,}  refused: {exclusion(code, channel=found.draft.channel, subject=subject)} ({code})"
            for code, people in sorted(progress.refused.items())
        ]
        lines += [f"{progress.cancelled:>9,}  not sent, it was stopped"] if progress.cancelled else []
        lines += [f"{progress.pending:>9,}  still to be asked about"]
        return [*lines, "The numbers add up." if progress.adds_up else "The numbers do not add up."]

    return _run(work)


def list_recipients(campaign: str, *, reason: str | None, after: str | None, limit: int) -> list[str]:
    """Each person's outcome and decision, by id and without names."""

    async def work(conn: Connection, _settings: Settings) -> list[str]:
        found = await _found(conn, campaign)
        try:
            begin = UUID(after) if after else audience.FIRST
        except ValueError as error:
            raise Refusal("--after needs a contact's id, as the lines give it.") from error
        rows = await recipients.page(conn, found.id, reason=reason, after=begin, limit=limit)
        return [
            msgspec.json.encode(
                {
                    "contact": r.contact_id,
                    "state": r.status if r.state == "claimed" else r.state,
                    "reason": r.reason,
                    "decision": r.decision_id,
                    "message": r.message_id,
                    "proofs": r.proofs,
                    "at": r.at,
                }
            ).decode()
            for r in rows
        ]

    return _run(work)
