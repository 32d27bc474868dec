"""What staff write down for a person: an objection, its taking back, age, a stop, what doubtful words meant, that two are one.

Every act is one form, takes effect in its own transaction, and tells the open pages of all the person's conversations.
Lifts nothing but a provisional stop, and that only with a reason and the name of who judged (policy §3.6, §3.7).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.desks.inbox.acts import back, conversation_of
from hub.desks.inbox.views import NAMES
from hub.desks.inbox.wishes import AGE_KNOWN, OBJECTIONS, PURPOSES, TOLD_BY, phrase
from hub.intake.stops import apply_stops, keyword_effects, withdraw_invitations
from hub.intake.writes import Stop, Writes
from hub.model.address import Channel
from hub.model.audit import AuditEvent
from hub.model.ids import ContactId
from hub.model.permission import Scope
from hub.model.sealed import Sealed
from hub.people.merge import CannotMerge, merge, unmerge
from hub.people.objecting import CannotRecord, confirm_age, object_for, take_back
from hub.store import audit, inbox, live, notes, people, wishes
from hub.store.pool import Connection
from hub.web.forms import fields
from hub.web.keys import CLOCK, POOL, SETTINGS
from hub.web.roles import Right
from hub.web.sessions import SignedIn, acts, me

_ID = "{id:[0-9a-f-]{36}}"
_STOPPABLE: Final = frozenset(Channel) - {Channel.WEB_FORM, Channel.ADS}
LONGEST_WORDS: Final = 2_000  # characters of what the person said, or of why


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One form, read: by whom, about whom, in which open transaction."""

    conn: Connection
    person: SignedIn
    contact_id: ContactId
    form: Mapping[str, str]
    now: datetime
    request: web.Request

    def text(self, name: str) -> str:
        """A field without its margins. Raises 400 beyond the longest."""
        found = self.form.get(name, "").replace("\r\n", "\n").strip()
        if len(found) > LONGEST_WORDS:
            raise web.HTTPBadRequest
        return found

    def chosen(self, name: str, of: Mapping[str, str]) -> str:
        """One of the choices. Raises 400 for anything else."""
        found = self.form.get(name, "")
        if found not in of:
            raise web.HTTPBadRequest
        return found

    def id(self, name: str) -> UUID:
        """Raises 404 for what is no id."""
        try:
            return UUID(self.form.get(name, ""))
        except ValueError as error:
            raise web.HTTPNotFound from error

    def said_at(self) -> datetime:
        """When the person said it, by the clinic's clock; now where nothing was filled in. Raises 400."""
        typed = self.form.get("said_at", "").strip()
        if not typed:
            return self.now
        try:
            return datetime.fromisoformat(typed).replace(tzinfo=ZoneInfo(self.request.app[SETTINGS].clinic.time_zone)).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise web.HTTPBadRequest from error


Said = Mapping[str, str]  # what the address of the next page carries: "did" and, for an undo, its id
Doing = Callable[[Act], Awaitable[Said]]


def routes() -> list[web.RouteDef]:
    doings: Mapping[str, Doing] = {
        "object": _object,
        "object/back": _take_back,
        "age": _age,
        "stop": _stop,
        "judge": _judge,
        "judge/undo": _undo,
        "same": _same,
        "two": _two,
    }
    return [web.post(f"/inbox/{_ID}/person/{name}", _handler(doing)) for name, doing in doings.items()]


def _handler(doing: Doing) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    @acts(Right.ANSWER)
    async def handle(request: web.Request) -> web.StreamResponse:
        form = await fields(request)
        async with request.app[POOL].acquire() as conn, conn.transaction():
            row = await inbox.one(conn, conversation_of(request))
            if row is None:
                raise web.HTTPNotFound
            act = Act(conn=conn, person=me(request), contact_id=row.contact_id, form=form, now=request.app[CLOCK](), request=request)
            said = await doing(act)
            await live.notify(conn, {row.id, *await wishes.conversations_of(conn, row.contact_id)})
        raise back(request, **said)

    return handle


async def _note(act: Act, fact: str) -> None:
    """Keep how it was said, and the words, where an access request finds them (policy R53)."""
    how, words, at = act.form.get("how", ""), act.text("words"), act.said_at()
    told = f" Said {TOLD_BY[how]}" if how in TOLD_BY else " Said"
    day = at.astimezone(ZoneInfo(act.request.app[SETTINGS].clinic.time_zone))
    text = f"{fact}.{told} on {day.day} {day:%B %Y}." + (f" In their words: “{words}”" if words else "")
    await _keep(act, text)


async def _keep(act: Act, text: str) -> None:
    note_id = await notes.add(act.conn, conversation_of(act.request), Sealed(text), by=act.person.id, source="web", now=act.now)
    await _told(act, "note.added", f"note:{note_id}")


async def _told(act: Act, action: str, about: str, *, reason: str | None = None) -> None:
    event = AuditEvent(at=act.now, actor=act.person.actor, role=act.person.role, action=action, object=about, reason=reason)
    await audit.append(act.conn, [event])


async def _object(act: Act) -> Said:
    about = act.form.get("about", "")
    if about == "purpose":
        about = act.chosen("purpose", PURPOSES)
    elif about not in OBJECTIONS:
        raise web.HTTPBadRequest
    try:
        new = await object_for(act.conn, act.contact_id, about, said_at=act.said_at(), staff_id=act.person.id, now=act.now)
    except CannotRecord:
        return {"did": "not_yet_said"}
    if not new:
        return {"did": "objects_already"}
    await _note(act, f"Objects to {phrase(about)}")
    return {"did": "objected"}


async def _take_back(act: Act) -> Said:
    about = act.chosen("about", {**OBJECTIONS, **PURPOSES})
    how, words = act.form.get("how", ""), act.text("words")
    if how not in TOLD_BY or not words:
        return {"did": "say_how"}
    said_at = act.said_at()
    if said_at > act.now:
        return {"did": "not_yet_said"}
    gone = await take_back(
        act.conn,
        act.contact_id,
        about,
        said_at=said_at,
        evidence=f"a note of what was said {TOLD_BY[how]}",
        staff_id=act.person.id,
        now=act.now,
    )
    if not gone:
        return {"did": "nothing_to_take_back"}
    await _note(act, f"No longer objects to {phrase(about)}")
    return {"did": "objection_back"}


async def _age(act: Act) -> Said:
    how = act.chosen("how", AGE_KNOWN)
    if not await confirm_age(act.conn, act.contact_id, staff_id=act.person.id, now=act.now):
        return {"did": "age_stands"}
    await _keep(act, f"Is 18 or over: {AGE_KNOWN[how]}.")
    return {"did": "of_age"}


def _effects(scope: str, channel: Channel | None) -> tuple[tuple[Scope, Channel | None], ...]:
    """What a chosen scope writes (policy §3.6). Raises 400 for one that is not offered."""
    if scope == "everything":
        return ((Scope.ALL_CONTACT, None),)
    if scope == "marketing":
        return ((Scope.ALL_MARKETING, None),)
    if scope == "channel" and channel in _STOPPABLE:
        return keyword_effects(channel)
    raise web.HTTPBadRequest


async def _write_stop(act: Act, effects: tuple[tuple[Scope, Channel | None], ...], *, at: datetime, evidence_id: UUID | None) -> None:
    """By the same hand that writes every stop, and with what it does to invitations."""
    writes = Writes(now=act.now)
    writes.stops.append(
        Stop(
            contact_id=act.contact_id,
            hashes=(),
            effects=effects,
            occurred_at=at,
            source="staff",
            rule_id=None,
            evidence_id=evidence_id,
            provisional=False,
        )
    )
    await apply_stops(act.conn, writes)
    await withdraw_invitations(act.conn, writes)
    await audit.append(act.conn, writes.audit)


async def _stop(act: Act) -> Said:
    """Said to staff: "write no more"."""
    scope, _, name = act.form.get("scope", "").partition(":")
    channel = Channel(name) if name in _STOPPABLE else None
    effects, at = _effects(scope, channel), act.said_at()
    if at > act.now:
        return {"did": "not_yet_said"}
    await _write_stop(act, effects, at=at, evidence_id=None)
    await _told(act, "classify.result", f"contact:{act.contact_id}", reason=f"stop said to staff: {scope}")
    await _note(
        act,
        "Asked us to stop "
        + {"everything": "all contact", "marketing": "all marketing"}.get(scope, f"{NAMES[channel]} and all marketing" if channel else ""),
    )
    return {"did": "stopped_for"}


async def _judge(act: Act) -> Said:
    """Words that may be a stop were read by a person. Nobody's judgement lifts a stop that is definite, or has become so."""
    meant, reason = act.chosen("meant", {"stop": "", "none": ""}), act.text("reason")
    if meant == "none" and not reason:
        return {"did": "say_why"}
    await people.lock_reach(act.conn, [act.contact_id], [])
    ids = await wishes.same_words(act.conn, act.contact_id, act.id("stop"))
    row = next((w for w in await wishes.waiting(act.conn, act.contact_id) if w.id in ids), None)
    if row is None:
        return {"did": "judged_already"}
    if meant == "none" and act.now >= row.permanent_at:
        return {"did": "stands_for_good"}
    if meant == "stop":
        await _write_stop(act, _effects(act.form.get("scope", ""), row.said_on), at=row.occurred_at, evidence_id=row.evidence_id)
        await wishes.make_final(act.conn, ids)
    else:
        for lifted in await wishes.lift_provisional(act.conn, ids, by=act.person.actor, now=act.now):
            await _told(act, "suppression.lifted", f"suppression:{lifted}", reason="judged no stop")
        await _keep(act, f"Judged to be no stop: {reason}")
    await wishes.no_longer_unclear(act.conn, row.evidence_id)
    await _told(act, "classify.result", f"suppression:{row.id}", reason="stop" if meant == "stop" else "no stop")
    return {"did": "judged_stop"} if meant == "stop" else {"did": "judged_none", "stop": str(row.id)}


async def _undo(act: Act) -> Said:
    """What was lifted stands again and waits. It only ever adds a stop, so it needs no reason."""
    await people.lock_reach(act.conn, [act.contact_id], [])
    again = await wishes.stand_again(act.conn, act.contact_id, act.id("stop"))
    for id in again:
        await _told(act, "suppression.added", f"suppression:{id}", reason="judgement taken back")
    return {"did": "judge_again" if again else "judged_already"}


async def _same(act: Act) -> Said:
    other = ContactId(act.id("other"))
    if other not in {d.id for d in await wishes.doubles(act.conn, act.contact_id) if not d.merged}:
        return {"did": "not_the_same"}
    try:
        async with act.conn.transaction():
            await merge(act.conn, kept=act.contact_id, merged=other, now=act.now, actor=act.person.actor, reason="judged in the inbox")
    except CannotMerge:
        return {"did": "not_the_same"}
    return {"did": "joined"}


async def _two(act: Act) -> Said:
    other = ContactId(act.id("other"))
    if other not in {d.id for d in await wishes.doubles(act.conn, act.contact_id) if d.merged}:
        return {"did": "not_parted"}
    try:
        async with act.conn.transaction():
            await unmerge(act.conn, other, now=act.now, actor=act.person.actor, reason="judged in the inbox")
    except CannotMerge:
        return {"did": "not_parted"}
    await live.notify(act.conn, await wishes.conversations_of(act.conn, other))
    return {"did": "parted"}
