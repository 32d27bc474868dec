"""One row of the list, from what the store knows and how we stand. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from hub.desks.inbox.names import display_name, initials, language
from hub.desks.inbox.views import GLYPHS, NAMES, Rim, RimState, Standing, primary, rim
from hub.model.address import Channel
from hub.model.ids import ConversationId
from hub.model.message import ContentKind
from hub.model.sealed import Sealed
from hub.store.inbox import ListRow
from hub.web import when

CHIPS_MOST = 2
WITHOUT_TEXT = {
    ContentKind.MEDIA: "Sent a file",
    ContentKind.LOCATION: "Sent a place",
    ContentKind.CONTACTS: "Sent a contact card",
    ContentKind.REACTION: "Reacted",
    ContentKind.UNSUPPORTED: "Sent a kind of message we cannot show yet",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A fact in one to three words. tone: "", "yes", "wait", "rest", "alarm" or "line"."""

    text: str
    tone: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A list row as it is drawn. group: the heading it stands under."""

    id: ConversationId
    name: Sealed[str]
    name_language: str | None
    words: Sealed[str]
    language: str | None
    rim: Rim
    new: bool
    age: str
    at: datetime
    at_full: str
    chips: tuple[Chip, ...]
    assignee: str | None
    face: str | None
    group: str


def item(row: ListRow, found: Sequence[Standing], *, now: datetime, zone: tzinfo) -> Item:
    """The drawn row. The mark is that of the channel they wrote on last; a form shows its own sheet."""
    name = display_name(row.name, row.address, row.channel)
    standing = primary(found)
    words = row.words.reveal() if row.words else ""
    return Item(
        id=row.id,
        name=name,
        name_language=language(name.reveal(), None),
        words=_words(row, words),
        language=language(words, row.locale) if words else None,
        rim=_rim(row, standing, now, zone),
        new=row.unread > 0,
        age=when.short(row.last_message_at, now, zone),
        at=row.last_message_at,
        at_full=when.full(row.last_message_at, zone),
        chips=_chips(row, found, standing, now, zone)[:CHIPS_MOST],
        assignee=row.assignee,
        face=initials(row.assignee) if row.assignee else None,
        group=group(row.last_message_at, now, zone),
    )


def _words(row: ListRow, words: str) -> Sealed[str]:
    """The line under the name. A mail begins with its subject; a reaction is said to be one."""
    subject = " ".join(row.subject.reveal().split()) if row.subject else ""
    if row.content_kind is ContentKind.REACTION and words:
        return Sealed(f"Reacted {words}")
    told = words or WITHOUT_TEXT.get(row.content_kind or ContentKind.TEXT, "We wrote first")
    return Sealed(f"{subject}: {told}" if subject else told)


def group(at: datetime, now: datetime, zone: tzinfo) -> str:
    """The heading: today, the last week, or before."""
    days = (now.astimezone(zone).date() - at.astimezone(zone).date()).days
    return "Today" if days <= 0 else "This week" if days < 7 else "Earlier"


def _rim(row: ListRow, standing: Standing | None, now: datetime, zone: tzinfo) -> Rim:
    if standing is None:
        return Rim(state=RimState.NONE, glyph=GLYPHS[row.channel], label=f"{NAMES[row.channel]}: no way to answer is known")
    drawn = rim(standing, now=now, zone=zone)
    wrote_there = standing.invitation is not None and standing.invitation.last_inbound_at is not None
    if row.channel is Channel.WEB_FORM and not wrote_there:
        return replace(drawn, glyph=GLYPHS[Channel.WEB_FORM], label=f"{NAMES[Channel.WEB_FORM]}; {drawn.label}")
    return drawn


def _chips(row: ListRow, found: Sequence[Standing], standing: Standing | None, now: datetime, zone: tzinfo) -> tuple[Chip, ...]:
    """By importance (looks §6): a wish, something broken, the clock, what they named."""
    drawn = rim(standing, now=now, zone=zone) if standing else None
    chips: list[Chip] = []
    if row.stop_unclear:
        chips.append(Chip(text="Unclear stop", tone="wait", icon="hand"))
    elif drawn and drawn.state is RimState.STOP:
        chips.append(Chip(text="Asked to stop" if standing and standing.stopped_at else "At rest", tone="rest", icon="hand"))
    if row.has_failed:
        chips.append(Chip(text="Not delivered", tone="alarm", icon="alert"))
    if row.has_unknown:
        chips.append(Chip(text="Outcome unknown", tone="wait", icon="info"))
    if drawn and drawn.state is RimState.SHUT:
        chips.append(Chip(text="Window shut", tone="wait", icon="clock"))
    elif standing and standing.open and standing.closes_at:
        closing = drawn is not None and drawn.state is RimState.SOON
        chips.append(Chip(text=when.left_short(standing.closes_at - now), tone="wait" if closing else "yes", icon="clock"))
    named = [NAMES[s.channel] for s in found if s.invitation and s.invitation.named_by_person]
    if named:
        chips.append(Chip(text=f"{', '.join(named)} named", tone="line"))
    if row.snoozed:
        until = f"Until {when.short(row.snoozed_until, now, zone)}" if row.snoozed_until else "Until they write"
        chips.append(Chip(text=until, icon="clock"))
    if row.status == "resolved":
        chips.append(Chip(text="Resolved", icon="check"))
    return tuple(chips)
