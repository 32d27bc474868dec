"""What the campaign pages draw: the sheet as a waterfall, the running bar, sheet and reality. Pure; sums come from the rows shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from hub.desks.campaigns.words import EXCLUSIONS, OUTCOMES, exclusion
from hub.model.campaign import Draft, Progress, Recipient
from hub.settings import Settings
from hub.web import when

WIDTH, BAR = 400.0, 1000.0
DELIVERED, SENT, OPEN = ("delivered", "read"), ("accepted", "sent"), ("sending", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the waterfall: a piece of the bar from x on."""

    code: str
    label: str
    people: int
    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """matched: everybody counted; steps: who drops out, in the judge's order; left: who would get it."""

    matched: int
    steps: tuple[Step, ...]
    left: int
    share: float


def subjects(draft: Draft, settings: Settings) -> str:
    """ "skincare and laser"."""
    labels = {i.id: i.label("en") for i in settings.interests}
    return " and ".join(labels.get(i, i).lower() for i in draft.interests)


def sheet(counts: Mapping[str, int], draft: Draft, settings: Settings) -> Sheet:
    """The waterfall over these counts; ALLOW is what is left."""
    excluded = {code: people for code, people in counts.items() if code != "ALLOW" and people}
    order = [*(c for c in EXCLUSIONS if c in excluded), *sorted(c for c in excluded if c not in EXCLUSIONS)]
    matched = sum(counts.values())
    scale, standing, steps = WIDTH / matched if matched else 0.0, matched, []
    for code in order:
        standing -= excluded[code]
        label = exclusion(code, channel=draft.channel, subject=subjects(draft, settings))
        steps.append(
            Step(
                code=code,
                label=label,
                people=excluded[code],
                x=round(standing * scale, 1),
                width=max(0.8, round(excluded[code] * scale, 1)),
            )
        )
    return Sheet(matched=matched, steps=tuple(steps), left=standing, share=round(standing * scale, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One part of the running bar, with its place in the key."""

    label: str
    people: int
    tone: str
    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Where everybody is. settled: whose outcome will change no more by us."""

    pieces: tuple[Piece, ...]
    listed: int
    settled: int
    left_building: int
    to_go: int
    cancelled: int
    unknown: int
    failed: int
    delivered: int
    refusals: tuple[tuple[str, str, int], ...]
    adds_up: bool


def running(progress: Progress, draft: Draft, settings: Settings) -> Running:
    """The running page's figures."""
    count = progress.statuses.get
    delivered, sent = sum(count(s, 0) for s in DELIVERED), sum(count(s, 0) for s in SENT)
    waiting, failed = sum(count(s, 0) for s in OPEN), count("failed", 0)
    parts = (
        ("Delivered", delivered, "f-accent"),
        ("Sent, no word yet", sent + count("sending", 0), "f-mid"),
        ("Not known", count("unknown", 0), "f-wait"),
        ("Refused at the last look", progress.refusals, "f-rest"),
        ("Failed", failed, "f-alarm"),
        ("Not sent", progress.cancelled, "f-soft"),
        ("Still to go", progress.pending, "f-line"),
    )
    subject = subjects(draft, settings)
    refusals = sorted(progress.refused.items(), key=lambda item: -item[1])
    return Running(
        pieces=tuple(_pieces(parts, progress.listed)),
        listed=progress.listed,
        settled=progress.listed - progress.pending - count("sending", 0),
        left_building=delivered + sent + waiting + failed,
        to_go=progress.pending,
        cancelled=progress.cancelled,
        unknown=count("unknown", 0),
        failed=failed,
        delivered=delivered,
        refusals=tuple((code, exclusion(code, channel=draft.channel, subject=subject), people) for code, people in refusals),
        adds_up=progress.adds_up,
    )


def _pieces(parts: Iterable[tuple[str, int, str]], listed: int) -> Iterable[Piece]:
    x = 0.0
    for label, people, tone in parts:
        width = people / listed * BAR if listed else 0.0
        if people or tone in ("f-accent", "f-line"):
            yield Piece(label=label, people=people, tone=tone, x=round(x, 1), width=round(width, 1))
        x += width


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One person in a list. name: who, or a short code where names are not for the reader."""

    name: str
    words: str
    icon: str
    tone: str
    ground: str
    code: str
    at: str
    full: str


def line(r: Recipient, draft: Draft, settings: Settings, *, named: bool, now: datetime, zone: tzinfo) -> Line:
    """One recipient: what became of the person, and on which ground or for which reason."""
    outcome = outcome_of(r)
    words, icon, tone = OUTCOMES.get(outcome, (outcome, "info", "line"))
    return Line(
        name=name_of(r.name.reveal() if r.name else None, str(r.contact_id), named=named),
        words=words,
        icon=icon,
        tone=tone,
        ground=ground_of(r, draft, settings),
        code=r.reason or "",
        at=when.short(r.at, now, zone) if r.at else "",
        full=when.full(r.at, zone) if r.at else "",
    )


def outcome_of(r: Recipient) -> str:
    """Where the person is: the message's status once let go, else the place on the list."""
    return r.status if r.state == "claimed" and r.status else str(r.state)


def ground_of(r: Recipient, draft: Draft, settings: Settings) -> str:
    """The reason of a refusal, the provider's word on a failure, or the consent it left on."""
    if r.reason:
        return exclusion(r.reason, channel=draft.channel, subject=subjects(draft, settings))
    return f"The provider said {r.error_code}" if r.error_code else _ground(r.proofs)


def name_of(name: str | None, contact_id: str, *, named: bool) -> str:
    """Whom to call the person: by name where the reader may know it, else by the last of the id."""
    return (name or "No name given") if named else f"Person {contact_id[-6:]}"


def _ground(proofs: tuple[str, ...]) -> str:
    """ "Agreed 2 September 2026, wording sms-news@1/en", from what the decision kept."""
    found = dict(p.partition("=")[::2] for p in proofs)
    if found.get("ground") != "consent":
        return ""
    at = datetime.fromisoformat(found["given_at"])
    return f"Agreed {at.day} {at:%B %Y}, wording {found.get('wording', 'unknown')}"
