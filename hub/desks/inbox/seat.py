"""What sits at the foot of a thread: the composer, or the refusal in its place (looks §6). Pure.

A refusal names the person and the wish, says what would change it, quotes the words and shows the ways that are open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from urllib.parse import quote

from hub.desks.inbox.names import language
from hub.desks.inbox.offers import Offer
from hub.desks.inbox.refusals import TONES, Refused, about_text, refusal
from hub.desks.inbox.views import GLYPHS, NAMES, Rim, RimState, Standing, rim, via
from hub.model.address import Channel
from hub.model.ids import ConversationId
from hub.model.permission import Decision, Reason, Scope
from hub.model.sealed import Sealed
from hub.store.thread import StopRow
from hub.web import when


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOn:
    """Another way that is open, with its ground."""

    href: str
    glyph: str
    title: str
    ground: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """heading: who decided what. advice: what would change it. said: their words. record: code, gate and decision."""

    tone: str
    heading: str
    advice: str
    said: Sealed[str] | None
    said_language: str | None
    said_at: str
    ways: tuple[WayOn, ...]
    record: str
    offers: tuple[Offer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """share: of the window left, 0 to 100; None where there is no window. closes_at: for the clock in the page.

    problem: why the text just tried may not go. faults: the same, place by place, quoting it. subject: of the mail it makes.
    """

    left: str
    closing: bool
    share: int | None
    closes_at: datetime | None
    max_text: int
    max_text_bytes: int | None
    counts_segments: bool
    subject: Sealed[str] | None
    text: Sealed[str]
    problem: Refused | None
    problem_code: str
    faults: tuple[Sealed[str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """key changes when the page must put something else here; while it stays, what is being typed stays too."""

    key: str
    channel: Channel
    rim: Rim
    name: str
    composer: Composer | None
    refusal: Refusal | None
    others: tuple[tuple[str, str, bool], ...]


def seat(
    standing: Standing,
    found: Sequence[Standing],
    stops: Sequence[StopRow],
    *,
    conversation_id: ConversationId,
    first_name: str,
    text: Sealed[str],
    refused: Decision | None,
    faults: tuple[Sealed[str], ...] = (),
    subject: Sealed[str] | None = None,
    offered: tuple[Offer, ...] = (),
    now: datetime,
    zone: tzinfo,
) -> Seat:
    """The foot of the thread. refused: the answer to the reply just tried, when it was no; text: what was typed."""
    drawn = rim(standing, now=now, zone=zone)
    text_at_fault = refused is not None and about_text(refused.reason)
    decision = refused if refused is not None and not text_at_fault else standing.decision
    open_ = decision.allowed
    return Seat(
        key=f"{standing.channel}:{'open' if open_ else decision.reason}",
        channel=standing.channel,
        rim=drawn,
        name=first_name,
        composer=_composer(standing, drawn, text, refused if text_at_fault else None, faults, subject, first_name, now, zone)
        if open_
        else None,
        refusal=None if open_ else _refusal(standing, decision, found, stops, conversation_id, first_name, now, zone, offered),
        others=tuple((s.channel.value, NAMES[s.channel], s.channel is standing.channel) for s in found if s.open),
    )


def _composer(
    standing: Standing,
    drawn: Rim,
    text: Sealed[str],
    refused: Decision | None,
    faults: tuple[Sealed[str], ...],
    subject: Sealed[str] | None,
    name: str,
    now: datetime,
    zone: tzinfo,
) -> Composer:
    left, closing = "", drawn.state is RimState.SOON
    if standing.closes_at is not None:
        left = f"{when.left(standing.closes_at - now)} left"
    return Composer(
        left=left,
        closing=closing,
        share=drawn.share if standing.closes_at is not None else None,
        closes_at=standing.closes_at,
        max_text=standing.max_text,
        max_text_bytes=standing.max_text_bytes,
        counts_segments=standing.channel is Channel.SMS,
        subject=subject,
        text=text,
        problem=_why(refused, name, standing, now, zone) if refused else None,
        problem_code=refused.reason.value if refused else "",
        faults=faults,
    )


def _why(decision: Decision, name: str, standing: Standing, now: datetime, zone: tzinfo) -> Refused:
    at = standing.closes_at or decision.retry_at
    return refusal(decision.reason, name=name, channel=standing.channel, time=when.said(at, now, zone) if at else "")


def _refusal(
    standing: Standing,
    decision: Decision,
    found: Sequence[Standing],
    stops: Sequence[StopRow],
    conversation_id: ConversationId,
    name: str,
    now: datetime,
    zone: tzinfo,
    offered: tuple[Offer, ...],
) -> Refusal:
    why = _why(decision, name, standing, now, zone)
    stop = _stop_behind(decision, standing.channel, stops)
    said = stop.words if stop else None
    return Refusal(
        tone=TONES.get(why.family, "rest"),
        heading=why.heading,
        advice=why.advice,
        said=said,
        said_language=language(said.reveal(), None) if said else None,
        said_at=when.full(stop.occurred_at, zone).rpartition(" ")[0] if stop else "",
        ways=tuple(_way(s, conversation_id) for s in found if s.open and s.channel is not standing.channel)[:3],
        record=f"{decision.reason}, gate {decision.gate}, policy {decision.policy_version}",
        offers=offered if decision.reason is Reason.WINDOW else (),
    )


def _way(standing: Standing, conversation_id: ConversationId) -> WayOn:
    named = standing.invitation is not None and standing.invitation.named_by_person
    return WayOn(
        href=f"/inbox/{conversation_id}?via={quote(standing.channel)}",
        glyph=GLYPHS[standing.channel],
        title=f"Answer {via(standing.channel)}",
        ground="Named in the form for our answer" if named else "Still invited there. Keep to what was asked",
    )


def _stop_behind(decision: Decision, channel: Channel, stops: Sequence[StopRow]) -> StopRow | None:
    """The stop a refusal quotes: the newest that stands and covers this channel."""
    if decision.reason not in (Reason.STOP_ALL, Reason.STOP_CHANNEL):
        return None
    standing = [s for s in stops if s.lifted_at is None]
    return next((s for s in standing if any(_covers(scope, on, channel) for scope, on in s.scopes)), None)


def _covers(scope: Scope, on: Channel | None, channel: Channel) -> bool:
    return scope is Scope.ALL_CONTACT or (scope is Scope.CHANNEL and on is channel)
