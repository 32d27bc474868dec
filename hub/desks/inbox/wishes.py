"""What staff see and may write down about a person's wishes: objections, age, stops to judge, who may be the same person.

Reads only; the acts are in `standing_acts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Final
from uuid import UUID

from hub.desks.inbox.names import display_name, language, shown_address
from hub.desks.inbox.person import Chapter, Panel
from hub.desks.inbox.talk import reach_words
from hub.desks.inbox.views import NAMES, via
from hub.model.address import Channel
from hub.model.ids import ContactId
from hub.model.sealed import Sealed
from hub.policy.consent import ADULT, age_on
from hub.store import thread, wishes
from hub.store.pool import Connection
from hub.store.thread import PersonRow, StopRow
from hub.store.wishes import Double, ObjectionRow, WaitingRow
from hub.web import when

# What staff may choose at once, and what stands behind "another purpose" (the judge's words; policy R21, R22).
OBJECTIONS: Final[Mapping[str, str]] = {
    "marketing": "all marketing",
    "profiling": "profiling",
    "ads_match": "use for advertising",
    "automation": "automated answers",
}
PURPOSES: Final[Mapping[str, str]] = {
    "promotion": "promotions",
    "newsletter": "the newsletter",
    "event": "invitations to events",
    "enquiry": "use for answering enquiries",
    "service": "messages about appointments",
    "care": "use for their care",
    "all": "every use",
}
TOLD_BY: Final[Mapping[str, str]] = {"telephone": "by telephone", "in_person": "in person", "letter": "by letter"}
AGE_KNOWN: Final[Mapping[str, str]] = {
    "telephone": "told us by telephone",
    "in_person": "told us in person",
    "message": "wrote it",
    "document": "shown on a document",
}
_PROVIDER: Final[Mapping[str, str]] = {
    "provider_keyword": "a stop word answered at the provider",
    "provider_error": "a send the provider refused",
    "provider_preference": "a choice made at the provider",
    "complaint": "a report of spam",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A stop that waits to be judged, as it is drawn. where: the channel's name in a choice of scope, "" when not known."""

    id: UUID
    key: str
    when: str
    until: str
    permanent: bool
    words: Sealed[str] | None
    language: str | None
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A stop the provider told us of. It is definite."""

    reach: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """Somebody who may be, or was found to be, the same person. effects: what joining them will do, a sentence each."""

    id: ContactId
    name: Sealed[str]
    address: Sealed[str] | None
    merged: bool
    effects: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """standing: objections in force, word to phrase. age: "ask" when nothing is known, "" when known, else why nobody may say so."""

    standing: tuple[tuple[str, str], ...]
    age: str
    judge: tuple[Judged, ...]
    told: tuple[Told, ...]
    twins: tuple[Twin, ...]
    channels: tuple[tuple[str, str], ...]


def phrase(about: str) -> str:
    """The judge's word for what is objected to, in words for staff."""
    return OBJECTIONS.get(about) or PURPOSES.get(about) or about.replace("_", " ")


async def with_wishes(conn: Connection, drawn: Panel, person: PersonRow, stops: Sequence[StopRow], *, now: datetime, zone: tzinfo) -> Panel:
    """The panel with objections in its story, and with what may be written down."""
    objected = await wishes.objections_of(conn, person.id)
    found = Wishes(
        standing=tuple((o.about, phrase(o.about)) for o in objected if o.withdrawn_at is None),
        age=_age(person, now, zone),
        judge=tuple(_judged(w, now, zone) for w in await wishes.waiting(conn, person.id)),
        told=tuple(_told(s, now, zone) for s in stops if s.source in _PROVIDER and s.lifted_at is None),
        twins=tuple([await _twin(conn, d, stops) for d in await wishes.doubles(conn, person.id)]),
        channels=tuple((c.value, NAMES[c]) for c in dict.fromkeys(i.channel for i in person.identities) if c is not Channel.WEB_FORM),
    )
    story = sorted([*drawn.story, *(_objected(o, now, zone) for o in objected)], key=lambda c: c.at, reverse=True)
    return replace(drawn, wishes=found, story=tuple(story))


def _age(person: PersonRow, now: datetime, zone: tzinfo) -> str:
    """A birth date outranks what anybody says (policy R44)."""
    if person.birth_date is not None and age_on(now.astimezone(zone).date(), person.birth_date) < ADULT:
        return "The birth date on file says under 18, and outranks what anybody says."
    return "" if person.age_confirmed or person.erasure == "done" else "ask"


def _judged(row: WaitingRow, now: datetime, zone: tzinfo) -> Judged:
    on = f" {via(row.said_on)}" if row.said_on else ""
    return Judged(
        id=row.id,
        key=f"judge-{row.id}",
        when=f"{when.said(row.occurred_at, now, zone)}{on}",
        until=when.day(row.permanent_at, zone),
        permanent=now >= row.permanent_at,
        words=row.words,
        language=language(row.words.reveal(), None) if row.words else None,
        where=NAMES[row.said_on] if row.said_on and row.said_on is not Channel.WEB_FORM else "",
    )


def _told(stop: StopRow, now: datetime, zone: tzinfo) -> Told:
    return Told(reach=f"{reach_words(stop)} ended", words=f"Told by the provider: {_PROVIDER[stop.source]}, "
                f"{when.said(stop.occurred_at, now, zone)}")  # fmt: skip


async def _twin(conn: Connection, double: Double, ours: Sequence[StopRow]) -> Twin:
    theirs = await thread.stops(conn, double.id)
    standing = dict.fromkeys(reach_words(s) for s in (*ours, *theirs) if s.lifted_at is None)
    stops = f"Stops of either hold for both: {'; '.join(standing)}." if standing else "Neither has asked to stop anything."
    effects = (
        "Their conversations and addresses come together here.",
        stops,
        "Objections, rest and a wish to be erased of either hold for both.",
        "It can be undone; the stops stay with both even then.",
    )
    return Twin(
        id=double.id,
        name=display_name(double.name, double.address, Channel.WEB_FORM),
        address=Sealed(shown_address(double.address.reveal())) if double.address else None,
        merged=double.merged,
        effects=effects,
    )


def _objected(row: ObjectionRow, now: datetime, zone: tzinfo) -> Chapter:
    by = f", recorded by {row.recorder}" if row.recorder else ""
    back = f" Taken back by the person, noted {when.said(row.withdrawn_at, now, zone)}." if row.withdrawn_at else ""
    return Chapter(
        mark="stop",
        fact=f"{'Objected' if row.withdrawn_at else 'Objects'} to {phrase(row.about)}",
        at=row.occurred_at,
        when=when.said(row.occurred_at, now, zone) + by,
        evidence=None,
        language=None,
        consequence=f"Data is not used for this.{back}" if not row.withdrawn_at else back.strip(),
    )
