"""Gathers what an inbox page shows: a bounded number of statements, then pure view models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

from hub.desks.inbox.aside import CHOICES
from hub.desks.inbox.names import display_name, first_name, initials, language
from hub.desks.inbox.notes import Note, drawn
from hub.desks.inbox.offers import offers as drawn_offers
from hub.desks.inbox.person import Panel, Wrote, panel
from hub.desks.inbox.rows import Item, item
from hub.desks.inbox.seat import Seat, seat
from hub.desks.inbox.standings import standings
from hub.desks.inbox.talk import Entry, Frame, entries
from hub.desks.inbox.views import Quota, Rim, RimState, Standing, Words, pieces, primary, rim, strip_words
from hub.desks.inbox.wishes import AGE_KNOWN, OBJECTIONS, PURPOSES, TOLD_BY, with_wishes
from hub.gate.compose import mail_of
from hub.gate.routes import account_for
from hub.model.address import Channel
from hub.model.ids import ConversationId, MessageId, StaffId
from hub.model.permission import Decision, Kind
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.store import address_changes, consents, inbox, mail_out, notes, rights, thread
from hub.store.inbox import COUNT_MOST, ListRow, View
from hub.store.pool import Connection
from hub.store.thread import MessageRow, StopRow
from hub.web import when

PAGE = 30
MESSAGES = 60
LIVE_MOST = 200  # messages an open page may have grown to before it starts afresh

TITLES = {
    View.OPEN: "Open",
    View.MINE: "Mine",
    View.UNASSIGNED: "Unassigned",
    View.UNANSWERED: "Unanswered",
    View.FAILED: "Failed sends",
    View.UNCLEAR: "Unclear stops",
    View.JUDGE: "To judge",
    View.SNOOZED: "Put aside",
    View.RESOLVED: "Resolved",
}
ICONS = {
    View.MINE: "me",
    View.UNASSIGNED: "nobody",
    View.OPEN: "inbox",
    View.UNANSWERED: "reply",
    View.FAILED: "alert",
    View.UNCLEAR: "hand",
    View.JUDGE: "people",
    View.SNOOZED: "clock",
    View.RESOLVED: "check",
}
EMPTIES = {
    View.OPEN: ("Nobody is waiting", "Every enquiry has its answer. New ones appear here by themselves."),
    View.MINE: ("Nothing is yours just now", "Take a conversation with “Assign to me” and it stands here."),
    View.UNASSIGNED: ("Everything has somebody", "New enquiries stand here until somebody takes them."),
    View.UNANSWERED: ("Nobody is waiting", "Every enquiry has its answer. New ones appear here by themselves."),
    View.FAILED: ("Every message arrived", "One that does not arrive, or may not have, stands here until it is settled."),
    View.UNCLEAR: ("No unclear stops", "Words that may be a stop stand here until somebody has read them. News has ended by then already."),
    View.JUDGE: ("Nothing waits to be judged", "Stops the hub was not sure of stand here until somebody says whether they were meant."),
    View.SNOOZED: ("Nothing is put aside", "Conversations put aside stand here until their time comes, or the person writes."),
    View.RESOLVED: ("Nothing is resolved yet", "Resolved conversations stand here. A new message opens them again."),
}
LESSONS: tuple[tuple[Rim, str, str], ...] = (
    (
        Rim(state=RimState.ARC, glyph="wa", label="WhatsApp: invited, window open", share=70),
        "A ring round a channel",
        "means the person invited us. It shrinks as the time runs out.",
    ),
    (
        Rim(state=RimState.ARC, glyph="wc", label="WeChat: invited, limited messages", pieces=pieces(Quota(left=3, of=5))),
        "A ring in pieces",
        "counts the messages we have left.",
    ),
    (
        Rim(state=RimState.AGREED, glyph="email", label="Email: news agreed", news=True),
        "A filled disc",
        "means they agreed to news, and you can see to what.",
    ),
    (
        Rim(state=RimState.STOP, glyph="sms", label="SMS: asked to stop"),
        "A line across",
        "means they asked us to stop. That stands until they change it.",
    ),
)


def number(count: int) -> str:
    """A bounded count: "14", "99+"."""
    return str(count) if count <= COUNT_MOST else f"{COUNT_MOST}+"


HELPERS: Mapping[str, object] = {
    "number": number,
    "initials": initials,
    "titles": {v.value: t for v, t in TITLES.items()},
    "view_icons": {v.value: i for v, i in ICONS.items()},
    "view_chips": [v.value for v in View],
    "empties": {v.value: t for v, t in EMPTIES.items()},
    "lessons": LESSONS,
    "asides": CHOICES,
    "objections": OBJECTIONS,
    "purposes": PURPOSES,
    "told_by": TOLD_BY,
    "age_known": AGE_KNOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Who looks, when, and in which zone times are told."""

    settings: Settings
    staff_id: StaffId
    may_answer: bool
    now: datetime

    @property
    def zone(self) -> tzinfo:
        return ZoneInfo(self.settings.clinic.time_zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """One open conversation as it is drawn. snoozed: until when it is put aside, in words; None when it is not.

    tried: a reply that was refused just now, and kept.
    """

    id: ConversationId
    name: Sealed[str]
    name_language: str | None
    first_name: str
    status: str
    assignee: str | None
    mine: bool
    unclear: bool
    snoozed: str | None
    rim: Rim | None
    strip: Words | None
    elsewhere: tuple[Rim, ...]
    entries: tuple[Entry, ...]
    first_id: MessageId | None
    earlier: MessageId | None
    later: bool
    seat: Seat | None
    panel: Panel
    tried: Sealed[str] | None
    decision_ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A reply that did not go: what was typed, the judge's answer, and the message it was stored as.

    faults: where the text itself is refused, a sentence for each place in it, quoting the words. One that does not fit into a
    message is put to no judge and not stored: only its fault is told.
    """

    text: Sealed[str]
    decision: Decision | None = None
    message_id: MessageId | None = None
    faults: tuple[Sealed[str], ...] = ()


async def items(conn: Connection, look: Look, view: View, before: tuple[datetime, ConversationId] | None) -> tuple[list[Item], str | None]:
    """One page of the list, and where the next page begins (None: there is none)."""
    rows = await inbox.page(conn, view, look.staff_id, before=before, limit=PAGE + 1)
    shown = rows[:PAGE]
    found = await standings(conn, [r.id for r in shown], now=look.now, settings=look.settings)
    drawn = [item(r, found[r.id], now=look.now, zone=look.zone) for r in shown]
    return drawn, cursor_of(shown[-1]) if len(rows) > PAGE else None


async def one_item(conn: Connection, look: Look, conversation_id: ConversationId, view: View) -> Item | None:
    """One row, if the conversation is in the view."""
    row = await inbox.one(conn, conversation_id)
    if row is None or not await inbox.belongs(conn, conversation_id, view, look.staff_id):
        return None
    found = await standings(conn, [row.id], now=look.now, settings=look.settings)
    return item(row, found[row.id], now=look.now, zone=look.zone)


def cursor_of(row: ListRow) -> str:
    return f"{row.last_message_at.timestamp():.6f}_{row.id}"


async def talk(
    conn: Connection,
    look: Look,
    conversation_id: ConversationId,
    *,
    via: str | None = None,
    before: MessageId | None = None,
    since: MessageId | None = None,
    tried: Tried | None = None,
) -> Talk | None:
    """One conversation; None when there is no such one. before: an older page; since: what an open page shows, and newer."""
    row = await inbox.one(conn, conversation_id)
    if row is None:
        return None
    if since is not None:
        messages = await thread.messages_from(conn, conversation_id, since, limit=LIVE_MOST)
        more = messages[0].id if messages and await _older(conn, conversation_id, messages[0].id) else None
    else:
        messages = await thread.messages(conn, conversation_id, before=before, limit=MESSAGES + 1)
        more = messages[1].id if len(messages) > MESSAGES else None
        messages = messages[-MESSAGES:]
    found = (await standings(conn, [conversation_id], now=look.now, settings=look.settings))[conversation_id]
    stops = await thread.stops(conn, row.contact_id)
    drawn_panel = await _panel(conn, look, row, found, stops)
    return await _talk(conn, look, row, messages, found, stops, drawn_panel, via=via, earlier=more, later=before is not None, tried=tried)


async def _older(conn: Connection, conversation_id: ConversationId, first: MessageId) -> bool:
    return bool(await thread.messages(conn, conversation_id, before=first, limit=1))


async def _talk(
    conn: Connection,
    look: Look,
    row: ListRow,
    messages: Sequence[MessageRow],
    found: Sequence[Standing],
    stops: Sequence[StopRow],
    drawn_panel: Panel,
    *,
    via: str | None,
    earlier: MessageId | None,
    later: bool,
    tried: Tried | None,
) -> Talk:
    name = display_name(row.name, row.address, row.channel)
    here = primary(found, via)
    frame = Frame(
        conversation_id=row.id,
        notes=await _notes(conn, look, row.id, messages, whole=earlier is None, later=later),
        first_name=first_name(name.reveal()),
        locale=row.locale,
        opened=await thread.first_of(conn, row.id),
        named=[s.channel for s in found if s.invitation and s.invitation.named_by_person],
        stops=stops,
        may_act=look.may_answer,
        now=look.now,
        zone=look.zone,
    )
    return Talk(
        id=row.id,
        name=name,
        name_language=language(name.reveal(), None),
        first_name=frame.first_name,
        status=row.status,
        assignee=row.assignee,
        mine=row.assigned_to == look.staff_id,
        unclear=row.stop_unclear,
        snoozed=_aside(row, look) if row.snoozed else None,
        rim=rim(here, now=look.now, zone=look.zone) if here else None,
        strip=strip_words(here, now=look.now, zone=look.zone) if here else None,
        elsewhere=tuple(rim(s, now=look.now, zone=look.zone) for s in found if s is not here),
        entries=tuple(entries(messages, frame)),
        first_id=messages[0].id if messages else None,
        earlier=earlier,
        later=later,
        seat=_seat(look, row, found, stops, here, frame.first_name, tried, await _subject(conn, look, row, here)) if here else None,
        panel=drawn_panel,
        tried=tried.text if tried else None,
        decision_ref=f"message {str(tried.message_id)[:13]}" if tried and tried.message_id else "",
    )


async def _notes(
    conn: Connection, look: Look, conversation_id: ConversationId, messages: Sequence[MessageRow], *, whole: bool, later: bool
) -> list[Note]:
    """The notes that belong between these messages; before the first where the thread begins, after the last where it ends."""
    since = None if whole or not messages else messages[0].created_at
    until = messages[-1].created_at if later and messages else None
    rows = await notes.of_conversation(conn, conversation_id, since=since, until=until)
    sent = await thread.statuses(conn, [r.sent_message_id for r in rows if r.sent_message_id is not None])
    reader = look.staff_id if look.may_answer else None
    return [drawn(r, sent, look.zone, reader=reader) for r in rows]


def _aside(row: ListRow, look: Look) -> str:
    return when.said(row.snoozed_until, look.now, look.zone) if row.snoozed_until else "they write"


def _seat(
    look: Look,
    row: ListRow,
    found: Sequence[Standing],
    stops: Sequence[StopRow],
    here: Standing,
    name: str,
    tried: Tried | None,
    subject: Sealed[str] | None,
) -> Seat:
    return seat(
        here,
        found,
        stops,
        conversation_id=row.id,
        first_name=name,
        text=tried.text if tried else Sealed(""),
        refused=tried.decision if tried else None,
        faults=tried.faults if tried else (),
        subject=subject,
        offered=drawn_offers(here.offers, look.settings.clinic),
        now=look.now,
        zone=look.zone,
    )


async def _subject(conn: Connection, look: Look, row: ListRow, here: Standing) -> Sealed[str] | None:
    """What a mail answering here will say in its subject; None on every other channel."""
    account = account_for(look.settings.accounts, here.channel, prefer=row.account_id)
    if here.channel is not Channel.EMAIL or not here.open or account is None:
        return None
    found = (await mail_out.threads_of(conn, [row.id])).get(row.id)
    return mail_of(Kind.RPL, row.id, found, account, now=look.now).subject


async def _panel(conn: Connection, look: Look, row: ListRow, found: Sequence[Standing], stops: Sequence[StopRow]) -> Panel:
    events = (await consents.of_contacts(conn, [row.contact_id]))[row.contact_id]
    refs = [(e.wording.id, e.wording.version, e.wording.locale) for e in events if e.wording]
    known = await thread.person(conn, row.contact_id, besides=row.id)
    drawn_panel = panel(
        known,
        name=display_name(row.name, row.address, row.channel),
        found=found,
        stops=stops,
        consents=events,
        cases=await rights.open_of(conn, row.contact_id),
        moves=await address_changes.of_person(conn, row.contact_id),
        wordings=await thread.wordings_shown(conn, refs) if refs else {},
        wrote=[Wrote(channel=Channel(c), first=first, last=last) for c, first, last in await thread.wrote(conn, row.id)],
        consent_months=look.settings.policy.consent_months,
        now=look.now,
        zone=look.zone,
    )
    return await with_wishes(conn, drawn_panel, known, stops, now=look.now, zone=look.zone)
