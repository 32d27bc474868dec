"""The panel about a person: how we may speak, the consent story with its evidence, known as. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from hub.desks.inbox.names import initials, language, shown_address
from hub.desks.inbox.talk import reach_words
from hub.desks.inbox.views import NAMES, Rim, Standing, rim, via
from hub.model.address import Channel
from hub.model.consent import ConsentAct, ConsentEvent
from hub.model.ids import ConversationId
from hub.model.permission import Reason
from hub.model.sealed import Sealed
from hub.policy.consent import age_on, months_after
from hub.store.address_changes import ChangeRow
from hub.store.rights import OpenCase
from hub.store.thread import PersonRow, StopRow
from hub.web import when

if TYPE_CHECKING:  # it draws on this page, not the other way round
    from hub.desks.inbox.wishes import Wishes

_ASKS = {
    "access": "Asks what we hold",
    "erasure": "Asks us to erase their data",
    "rectification": "Asks us to correct their data",
    "restriction": "Asks us to leave their data at rest",
    "objection": "Objects to a use of their data",
    "portability": "Asks for their data to take along",
    "complaint": "Complains about how their data is handled",
    "unclear": "Asks something about their data",
}
_SOURCES = {"form": "website form", "message": "by message", "staff": "recorded by a colleague", "import": "imported"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One line of "How we may speak". open: drawn bold, since it is what we may do."""

    rim: Rim
    title: str
    small: str
    until: str
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One thing in the consent story. mark: "" (invitation), "yes" (agreed) or "stop"; evidence: word for word."""

    mark: str
    fact: str
    at: datetime
    when: str
    evidence: Sealed[str] | None
    language: str | None
    consequence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAs:
    channel: str
    address: Sealed[str]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """An open case about their data. late: its day has passed."""

    title: str
    asks: str
    due: str
    late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An address that became another one, or (after: None) has a new phone behind it."""

    title: str
    before: Sealed[str] | None
    after: Sealed[str] | None
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    name: Sealed[str]
    name_language: str | None
    face: Sealed[str]
    about: str
    ways: tuple[Way, ...]
    story: tuple[Chapter, ...]
    known: tuple[KnownAs, ...]
    cases: tuple[Case, ...]
    moves: tuple[Move, ...]
    others: tuple[tuple[ConversationId, str], ...]
    wishes: Wishes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrote:
    """When the person wrote in this conversation, per channel: first and last."""

    channel: Channel
    first: datetime
    last: datetime


def panel(
    row: PersonRow,
    *,
    name: Sealed[str],
    found: Sequence[Standing],
    stops: Sequence[StopRow],
    consents: Sequence[ConsentEvent],
    wordings: Mapping[tuple[str, int, str], str],
    wrote: Sequence[Wrote],
    cases: Sequence[OpenCase] = (),
    moves: Sequence[ChangeRow] = (),
    consent_months: int,
    now: datetime,
    zone: tzinfo,
) -> Panel:
    """The whole panel. wordings: the sentences consents were given to, by id, version and locale."""
    story = [*_wrote(wrote, found, now, zone), *_stops(stops, now, zone), *_consents(consents, wordings, now, zone)]
    return Panel(
        name=name,
        name_language=language(name.reveal(), None),
        face=Sealed(initials(name.reveal())),
        about=_about(row, now.astimezone(zone).date()),
        ways=tuple(way for s in found for way in _ways(s, consents, consent_months, now, zone)),
        story=tuple(sorted(story, key=lambda c: c.at, reverse=True)),
        known=tuple(
            KnownAs(
                channel=NAMES[i.channel],
                address=Sealed(shown_address(i.address.reveal())) if i.address else Sealed("erased"),
                note="" if i.verified else "not verified",
            )
            for i in row.identities
        ),
        cases=tuple(_case(c, now.astimezone(zone).date(), zone) for c in cases),
        moves=tuple(_move(m, now, zone) for m in moves),
        others=tuple((i, f"{NAMES[channel]}, {when.said(at, now, zone)}") for i, channel, at in row.other_conversations),
    )


def _move(row: ChangeRow, now: datetime, zone: tzinfo) -> Move:
    told = f"Told {when.said(row.occurred_at, now, zone)}"
    before, after = (Sealed(shown_address(a.reveal())) if a else None for a in (row.before, row.after))
    if after is None or before is None:
        words = "The phone behind this address was set up anew. Make sure that you speak with the same person"
        return Move(title=f"New phone {via(row.channel)}", before=before or after, after=None, words=f"{told}. {words}")
    words = "Nothing goes to the old address any more. Whoever has the new one is not joined to this person by itself"
    return Move(title=f"Address changed {via(row.channel)}", before=before, after=after, words=f"{told}. {words}")


def _case(case: OpenCase, today: date, zone: tzinfo) -> Case:
    left = (case.due - today).days
    due = f"{case.due.day} {case.due:%B %Y}"
    late = left < 0
    days = f"{abs(left)} {'day' if abs(left) == 1 else 'days'}"
    return Case(
        title=f"Case {case.number}",
        asks=f"{_ASKS.get(case.kind, 'Asks about personal data')}, received {when.day(case.received_at, zone)}",
        due=f"Was due {due}, {days} late" if late else f"Answer by {due}" + (", today" if left == 0 else f", in {days}"),
        late=late,
    )


def _about(row: PersonRow, today: date) -> str:
    if row.erasure != "none":
        return "Erased" if row.erasure == "done" else "Asked us to erase everything"
    if row.birth_date is None:
        age = "Is 18 or over by what they told us" if row.age_confirmed else "Age not known"
    else:
        age = f"{age_on(today, row.birth_date)}, age {'confirmed' if row.age_confirmed else 'not confirmed'}"
    return f"{age}. At rest while a rights case is open" if row.restricted else age


def _ways(standing: Standing, consents: Sequence[ConsentEvent], months: int, now: datetime, zone: tzinfo) -> list[Way]:
    drawn, name = rim(standing, now=now, zone=zone), NAMES[standing.channel]
    heard = standing.invitation.last_inbound_at if standing.invitation else None
    ground = f"Invited: wrote {when.said(heard, now, zone)}" if heard else "Invited: named in the form"
    ways = []
    if standing.open:
        until = when.left_short(standing.closes_at - now) if standing.closes_at else "open"
        ways.append(Way(rim=drawn, title=f"Reply {via(standing.channel)}", small=ground, until=until, open=True))
    elif standing.decision.reason is Reason.WINDOW:
        ways.append(
            Way(
                rim=drawn,
                title=name,
                small=f"Invited, window shut {when.said(standing.closes_at, now, zone)}"
                if standing.closes_at
                else "Named in the form, but only a template may begin",
                until="",
                open=False,
            )
        )
    elif standing.stopped_at:
        ways.append(Way(rim=drawn, title=name, small=f"Asked to stop {when.said(standing.stopped_at, now, zone)}", until="", open=False))
    elif standing.decision.reason is Reason.NO_ANSWER:
        ways.append(Way(rim=drawn, title=name, small="Our answers wait for a reply", until="", open=False))
    if standing.news is not None:
        given = max((e.occurred_at for e in consents if e.channel is standing.channel and e.event is not ConsentAct.WITHDRAWN), default=now)
        subjects = ", ".join(i.replace("_", " ") for i in standing.news) or "no subject named"
        until = f"to {months_after(given, months):%b %Y}"
        ways.append(Way(rim=drawn, title=f"News {via(standing.channel)}", small=f"Agreed: {subjects}", until=until, open=True))
    if not ways:
        ways.append(Way(rim=drawn, title=name, small="Not invited, no consent", until="", open=False))
    return ways


def _wrote(wrote: Sequence[Wrote], found: Sequence[Standing], now: datetime, zone: tzinfo) -> list[Chapter]:
    windows = {s.channel: s.window for s in found}
    return [
        _wrote_on(w, windows.get(w.channel), [s for s in found if s.invitation and s.invitation.named_by_person], now, zone) for w in wrote
    ]


def _wrote_on(w: Wrote, window: timedelta | None, named: Sequence[Standing], now: datetime, zone: tzinfo) -> Chapter:
    times = when.said(w.first, now, zone)
    if w.last > w.first:
        times += f", last {when.said(w.last, now, zone)}"
    if w.channel is Channel.WEB_FORM:
        asked = " and ".join(NAMES[s.channel] for s in named)
        text = f"Named {asked} for our answer." if asked else "Asked for an answer."
        return Chapter(mark="", fact="Sent the website form", at=w.last, when=times, evidence=None, language=None, consequence=text)
    text = (
        f"Opens replies for {window.total_seconds() / 3600:.0f} hours after each message."
        if window
        else "Opens replies in this conversation."
    )
    return Chapter(mark="", fact=f"Wrote to us {via(w.channel)}", at=w.last, when=times, evidence=None, language=None, consequence=text)


def _stops(stops: Sequence[StopRow], now: datetime, zone: tzinfo) -> list[Chapter]:
    found = []
    for stop in stops:
        where = f" {via(stop.said_on)}" if stop.said_on else ""
        consequence = f"{reach_words(stop)} ended."
        if stop.lifted_at:
            who = "Lifted" if stop.provisional else "Lifted by the person"
            consequence += f" {who}, {when.said(stop.lifted_at, now, zone)}."
        found.append(
            Chapter(
                mark="stop",
                fact=f"{'May have asked' if stop.provisional else 'Asked'} to stop{where}",
                at=stop.occurred_at,
                when=when.said(stop.occurred_at, now, zone),
                evidence=stop.words,
                language=language(stop.words.reveal(), None) if stop.words else None,
                consequence=consequence,
            )
        )
    return found


def _consents(events: Sequence[ConsentEvent], wordings: Mapping[tuple[str, int, str], str], now: datetime, zone: tzinfo) -> list[Chapter]:
    return [_consent(e, wordings, now, zone) for e in events if e.event is not ConsentAct.CONFIRMED]


def _consent(e: ConsentEvent, wordings: Mapping[tuple[str, int, str], str], now: datetime, zone: tzinfo) -> Chapter:
    source = _SOURCES.get(e.source.partition(":")[0], e.source.partition(":")[0])
    at = f"{when.said(e.occurred_at, now, zone)}, {source}"
    subject = "matching with advertisers" if e.purpose == "ads_match" else f"news {via(e.channel)}"
    if e.event is not ConsentAct.GIVEN:
        verb = {ConsentAct.WITHDRAWN: "Ended", ConsentAct.EXPIRED: "Ran out:", ConsentAct.REFRESHED: "Renewed"}.get(e.event, "Not valid:")
        return Chapter(mark="stop", fact=f"{verb} {subject}", at=e.occurred_at, when=at, evidence=None, language=None, consequence="")
    shown = wordings.get((e.wording.id, e.wording.version, e.wording.locale)) if e.wording else None
    about = ", ".join(i.replace("_", " ") for i in e.interests)
    details = [about[0].upper() + about[1:] if about else "No subject ticked"]
    details.append(f"Wording {e.wording.version}, {e.wording.locale}" if e.wording else "The wording is not known")
    if e.needs_confirmation:
        details.append("The address was typed and is confirmed by a message or link from it")
    return Chapter(
        mark="yes",
        fact=f"Agreed to {subject}",
        at=e.occurred_at,
        when=at,
        evidence=Sealed(shown.partition("\n")[0]) if shown else None,
        language=e.wording.locale if e.wording else None,
        consequence=". ".join(details) + ".",
    )
