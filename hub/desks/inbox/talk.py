"""A thread as it is read: days, messages with their ground and ticks, and what the hub did in between. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from uuid import UUID

from hub.desks.inbox.details import Details, by_provider_id, details, folds, reactions
from hub.desks.inbox.names import language
from hub.desks.inbox.notes import Note
from hub.desks.inbox.views import NAMES, via
from hub.desks.inbox.words import delivery_words, file_words, refused_words
from hub.model.address import Channel
from hub.model.ids import ConversationId, MessageId
from hub.model.message import ContentKind, DeliveryStatus, Direction
from hub.model.permission import Kind, OptOutLabel, Scope
from hub.model.sealed import Sealed
from hub.store.thread import FileRow, MessageRow, StopRow
from hub.web import when

# Why a message of ours was allowed, in the words that stand under it.
GROUNDS = {
    Kind.RPL: "Invited reply",
    Kind.ACK: "Automatic",
    Kind.BOT: "Automatic",
    Kind.SVC: "About the appointment",
    Kind.SAF: "Clinical safety",
    Kind.OOC: "Confirmation of the stop",
    Kind.DOI: "Asks to confirm the agreement",
    Kind.MKT: "News, agreed",
    Kind.RTS: "About the rights case",
    Kind.BRN: "Notice of a breach",
    Kind.NTC: "Notice of a change",
}
_LEAVING = frozenset({DeliveryStatus.QUEUED, DeliveryStatus.SENDING})
_TICKS = {
    DeliveryStatus.QUEUED: ("clock", "Waiting to leave", ""),
    DeliveryStatus.SENDING: ("clock", "Leaving", ""),
    DeliveryStatus.ACCEPTED: ("tick1", "Sent", ""),
    DeliveryStatus.SENT: ("tick1", "Sent", ""),
    DeliveryStatus.DELIVERED: ("tick2", "Delivered", ""),
    DeliveryStatus.READ: ("tick2", "Read", "read"),
    DeliveryStatus.FAILED: ("alert", "Not delivered", "bad"),
    DeliveryStatus.UNKNOWN: ("info", "We do not know if it arrived", ""),
    DeliveryStatus.REFUSED: ("hand", "Not sent", ""),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    key: str
    label: str
    kind: str = "day"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A line about what the hub did. tone: "" or "rest" (a person decided)."""

    key: str
    icon: str
    text: str
    tone: str = ""
    kind: str = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file on a message. href: where it can be had; "" where it cannot."""

    name: Sealed[str]
    words: str
    broken: bool
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """One message. tick: icon, word, tone; problem: the reason in words. acts: what can be done about it just now.

    more: what came with it beside its words. gone: they took it back; words still here are drawn struck.
    """

    key: str
    id: MessageId
    ours: bool
    text: Sealed[str]
    language: str | None
    note: str
    files: tuple[File, ...]
    meta: str
    automatic: bool
    at: datetime
    at_full: str
    tick: tuple[str, str, str] | None
    problem: str
    acts: tuple[str, ...]
    more: Details
    gone: bool = False
    kind: str = "message"


Entry = Day | System | Bubble | Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a thread is read against. opened: the first message they wrote per channel. first_name: how lines call them."""

    conversation_id: ConversationId
    first_name: str
    locale: str | None
    opened: Mapping[Channel, MessageId]
    named: Sequence[Channel]
    stops: Sequence[StopRow]
    may_act: bool
    now: datetime
    zone: tzinfo
    notes: Sequence[Note] = ()
    known: Mapping[str, MessageRow] = field(default_factory=dict)
    signs: Mapping[str, Sealed[str]] = field(default_factory=dict)


def entries(rows: Sequence[MessageRow], frame: Frame) -> list[Entry]:
    """The thread, oldest first. A reaction is drawn on the message it is about, where that stands on the page."""
    known = by_provider_id(rows)
    frame = replace(frame, known=known, signs=reactions(rows))
    rows = [r for r in rows if not folds(r, known)]
    found: list[Entry] = []
    last_day: date | None = None
    several = len({r.channel for r in rows}) > 1
    stops = {s.evidence_id: s for s in frame.stops if s.evidence_id}
    for item in _in_order(rows, frame.notes):
        at = item.created_at if isinstance(item, MessageRow) else item.at
        today = at.astimezone(frame.zone).date()
        if today != last_day:
            found.append(Day(key=f"d-{today}", label=when.heading(at, frame.now, frame.zone)))
            last_day = today
        found.extend(_one(item, frame, stops, several=several) if isinstance(item, MessageRow) else [item])
    return found


def _in_order(rows: Sequence[MessageRow], notes: Sequence[Note]) -> list[MessageRow | Note]:
    """Messages in the order of their ids, as ever, and each note before the first message that is younger."""
    shown = [r for r, following in zip(rows, [*rows[1:], None], strict=True) if following is None or not _tried_again(r, following)]
    found: list[MessageRow | Note] = []
    waiting = list(notes)
    for row in shown:
        while waiting and waiting[0].at < row.created_at:
            found.append(waiting.pop(0))
        found.append(row)
    return [*found, *waiting]


def _tried_again(row: MessageRow, following: MessageRow) -> bool:
    """A refused reply that its writer mended or repeated at once: the last attempt stands for them all. Each is on record."""
    return row.status is DeliveryStatus.REFUSED and following.direction is Direction.OUTBOUND and following.author == row.author


def _one(row: MessageRow, frame: Frame, stops: Mapping[UUID, StopRow], *, several: bool) -> list[Entry]:
    if row.status is DeliveryStatus.CANCELLED:
        who = _first(row.author) if row.author else "The hub"
        return [System(key=f"m-{row.id}", icon="undo", text=f"{who} took a reply back, {when.clock(row.created_at, frame.zone)}")]
    lines: list[Entry] = []
    if frame.opened.get(row.channel) == row.id:
        lines.append(System(key=f"o-{row.id}", icon="door", text=_opening(row, frame)))
    lines.append(_bubble(row, frame, several=several))
    if row.id in stops:
        lines.append(System(key=f"s-{row.id}", icon="hand", text=stop_words(stops[row.id]), tone="rest"))
    elif row.signal == OptOutLabel.OPT_IN:
        lines.append(System(key=f"s-{row.id}", icon="door", text=f"{frame.first_name} asked us to answer here again"))
    if row.signal == OptOutLabel.RIGHTS or "case" in row.detail:
        lines.append(
            System(key=f"r-{row.id}", icon="hand", text="About personal data: a case is open and its month is running", tone="rest")
        )
    return lines


def _opening(row: MessageRow, frame: Frame) -> str:
    at = when.clock(row.created_at, frame.zone)
    if row.channel is Channel.WEB_FORM:
        named = " and ".join(via(c).partition(" ")[2] for c in frame.named)
        return f"{frame.first_name} sent the website form, {at}." + (f" Named {named} for our answer" if named else "")
    return f"{frame.first_name} wrote first. Invitation opened {via(row.channel)}, {at}"


def stop_words(stop: StopRow) -> str:
    """What the hub understood and did, as one line."""
    if stop.provisional:
        return "This may be a stop. All news has ended at once; answers wait for somebody to read it"
    return f"Understood as a stop. {reach_words(stop)} ended at once"


def reach_words(stop: StopRow) -> str:
    """How far a stop reaches: "WhatsApp and all marketing"."""
    if any(scope is Scope.ALL_CONTACT for scope, _ in stop.scopes):
        return "All contact"
    parts = [NAMES[channel] for scope, channel in stop.scopes if scope is Scope.CHANNEL and channel]
    if any(scope is Scope.ALL_MARKETING for scope, _ in stop.scopes):
        parts.append("all marketing")
    parts += [f"news {via(channel)}" for scope, channel in stop.scopes if scope is Scope.CHANNEL_MARKETING and channel]
    text = " and ".join(parts) if parts else "that subject"
    return text[0].upper() + text[1:]


def _bubble(row: MessageRow, frame: Frame, *, several: bool) -> Bubble:
    ours, body = row.direction is Direction.OUTBOUND, row.body.reveal()
    tick = _TICKS.get(row.status) if row.status else None
    return Bubble(
        key=f"m-{row.id}",
        id=row.id,
        ours=ours,
        text=row.body,
        language=language(body, frame.locale),
        note=_note(row, frame),
        files=tuple(_file(f, frame) for f in row.files),
        meta=_meta(row, frame, several=several),
        automatic=ours and row.author is None and row.kind is not None,
        at=row.created_at,
        at_full=when.full(row.occurred_at, frame.zone),
        tick=tick,
        problem=_problem(row, frame),
        acts=_acts(row) if frame.may_act else (),
        more=details(row, frame.known, frame.signs, frame.zone),
        gone=row.taken_back,
    )


def _note(row: MessageRow, frame: Frame) -> str:
    """What stands in for a kind of message that has no text, and over one that was taken back."""
    if row.taken_back:
        what = "a reaction" if row.content_kind is ContentKind.REACTION else "this message"
        return f"{frame.first_name} took {what} back"
    if row.content_kind is ContentKind.UNSUPPORTED:
        return f"{frame.first_name} sent a kind of message we cannot show yet"
    if row.content_kind is ContentKind.LOCATION:
        return f"{frame.first_name} sent a place"
    if row.content_kind is ContentKind.CONTACTS:
        return f"{frame.first_name} sent a contact card"
    if row.content_kind is ContentKind.REACTION:
        return f"{frame.first_name} reacted to an earlier message"
    return ""


def _file(row: FileRow, frame: Frame) -> File:
    name = row.name or Sealed(f"{'Photo' if row.mime_type.startswith('image/') else 'File'} from {frame.first_name}")
    href = f"/inbox/{frame.conversation_id}/files/{row.id}" if row.state == "stored" else ""
    return File(name=name, words=file_words(row), broken=row.state == "refused", href=href)


def _meta(row: MessageRow, frame: Frame, *, several: bool) -> str:
    at = when.clock(row.created_at, frame.zone)
    where = f" {via(row.channel)}" if several else ""
    if row.direction is Direction.INBOUND:
        return f"{at}{where}"
    if row.kind is None:
        return f"Written in the provider’s own app, {at}{where}"
    ground = GROUNDS[row.kind]
    if row.author is None:
        return f"{ground}, {at}{where}"
    return f"{_first(row.author)}, {at}{where}. {ground}"


def _problem(row: MessageRow, frame: Frame) -> str:
    if row.status is DeliveryStatus.FAILED:
        return delivery_words(row.error_code)
    if row.status is DeliveryStatus.REFUSED:
        return refused_words(row.reason, name=frame.first_name, channel=row.channel)
    return ""


def _acts(row: MessageRow) -> tuple[str, ...]:
    if row.status is DeliveryStatus.QUEUED and row.kind is Kind.RPL:
        return ("undo",)
    if row.status is DeliveryStatus.UNKNOWN:
        return ("settle",)
    if row.status is DeliveryStatus.FAILED and row.kind is Kind.RPL:
        return ("again",)
    return ()


def _first(name: str) -> str:
    return name.split()[0] if name.split() else name
