"""The rim and the words beside it: may we speak here, on what ground, for how long (looks §1, §5). Pure.

What is shown is the judge's own answer to the question "may a plain reply go now?", so screen and gate cannot disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from hub.model.address import Channel
from hub.model.ids import IdentityId
from hub.model.permission import ConsentFacts, Decision, Facts, InvitationFacts, Reason, Scope, Suppression, TemplateStatus
from hub.model.template import Template
from hub.policy.gates import HUMAN_AGENT_DAYS
from hub.web import when

SOON = timedelta(hours=4)
GAP = 7.0  # of 100, between the pieces of a counted ring

NAMES = {
    Channel.WEB_FORM: "Website form",
    Channel.EMAIL: "Email",
    Channel.SMS: "SMS",
    Channel.WHATSAPP: "WhatsApp",
    Channel.WECHAT: "WeChat",
    Channel.MESSENGER: "Messenger",
    Channel.INSTAGRAM: "Instagram",
    Channel.ADS: "Advertising",
}
GLYPHS = {
    Channel.WEB_FORM: "form",
    Channel.EMAIL: "email",
    Channel.SMS: "sms",
    Channel.WHATSAPP: "wa",
    Channel.WECHAT: "wc",
    Channel.MESSENGER: "ms",
    Channel.INSTAGRAM: "ig",
    Channel.ADS: "form",
}
_BY = frozenset({Channel.EMAIL, Channel.SMS})
# A person decided (looks §6, "their wish"). Everything else that refuses is drawn as not invited, or as a shut window.
WISHES = frozenset({
    Reason.STOP_ALL, Reason.STOP_CHANNEL, Reason.SUPPRESSED, Reason.OBJECTED, Reason.RESTRICTED, Reason.ERASURE_PENDING, Reason.ERASED,
    Reason.DECEASED,
})  # fmt: skip
_MARKETING = frozenset({Scope.ALL_CONTACT, Scope.ALL_MARKETING, Scope.CHANNEL, Scope.CHANNEL_MARKETING})


def via(channel: Channel) -> str:
    """ "by SMS", "on WhatsApp"."""
    if channel is Channel.WEB_FORM:
        return "through the website form"
    name = NAMES[channel] if channel is not Channel.EMAIL else "email"
    return f"{'by' if channel in _BY else 'on'} {name}"


class RimState(StrEnum):
    FULL = "full"
    ARC = "arc"
    SOON = "soon"
    SHUT = "shut"
    NONE = "none"
    AGREED = "agreed"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One message of a quota. turn: degrees clockwise from three o'clock; length: of a ring of 100."""

    turn: float
    length: float
    left: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rim:
    """A channel mark as it is drawn. share: of the window left, 0 to 100. label: the same in words."""

    state: RimState
    glyph: str
    label: str
    share: int = 0
    pieces: tuple[Piece, ...] = ()
    news: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Messages a provider lets us send before the person writes again."""

    left: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How we stand with one person on one channel. decision: the judge's, for a plain reply sent now.

    news: what they agreed to be told about here; None when they did not. closes_at: when free replies end; None where
    the channel has no window or they never wrote. stopped_at: when they asked us to stop.
    """

    channel: Channel
    identity_id: IdentityId | None
    decision: Decision
    invitation: InvitationFacts | None
    window: timedelta | None
    closes_at: datetime | None
    max_text: int
    templates: bool
    news: tuple[str, ...] | None = None
    stopped_at: datetime | None = None
    stopped_all: bool = False
    quota: Quota | None = None
    max_text_bytes: int | None = None
    offers: tuple[Template, ...] = ()  # approved texts that may go though the window is shut
    personal: bool = False  # the window is shut, and a person's own words may go all the same until `closes_at`

    @property
    def open(self) -> bool:
        return self.decision.allowed


def standing_of(
    facts: Facts,
    decision: Decision,
    consents: tuple[ConsentFacts, ...],
    *,
    channel: Channel,
    identity_id: IdentityId | None,
    margin: timedelta,
    max_text: int,
    max_text_bytes: int | None = None,
    templates: bool,
    offers: tuple[Template, ...] = (),
) -> Standing:
    """Fold facts and answer into what the screen needs. margin: how much earlier than the provider we stop."""
    hours = facts.env.reply_window_h
    window = timedelta(hours=hours) if hours else None
    heard = facts.invitation.last_inbound_at if facts.invitation else None
    tagged = facts.content.template is TemplateStatus.HUMAN_AGENT_TAG
    personal = bool(tagged and heard and window and facts.env.now - heard >= window - margin)
    if personal:
        window, margin = timedelta(days=HUMAN_AGENT_DAYS), timedelta()
    stops = [s for s in facts.suppressions or () if _covers_replies(s, channel)]
    return Standing(
        channel=channel,
        identity_id=identity_id,
        decision=decision,
        invitation=facts.invitation,
        window=window,
        closes_at=heard + window - margin if heard and window else None,
        max_text=max_text,
        max_text_bytes=max_text_bytes,
        templates=templates,
        news=news_agreed(consents, facts.suppressions, channel),
        stopped_at=max((s.at for s in stops), default=None),
        stopped_all=any(s.scope is Scope.ALL_CONTACT for s in stops),
        personal=personal,
        offers=offers,
    )


def primary(found: Sequence[Standing], wanted: str | None = None) -> Standing | None:
    """The channel an answer goes out on unless somebody chooses another: the asked-for one, else where they wrote last
    or what they named, if it is open; else any that is open; else the first, which says why not."""
    return next(
        (s for s in found if s.channel == wanted),
        next((s for s in found if s.open), found[0] if found else None),
    )


def _covers_replies(stop: Suppression, channel: Channel) -> bool:
    return stop.scope is Scope.ALL_CONTACT or (stop.scope is Scope.CHANNEL and stop.channel is channel)


def news_agreed(
    consents: tuple[ConsentFacts, ...], suppressions: tuple[Suppression, ...] | None, channel: Channel
) -> tuple[str, ...] | None:
    """The subjects of a consent that is proven, confirmed, alive and not stopped; None without one, or when it is not known."""
    if suppressions is None or any(s.scope in _MARKETING and s.channel in (None, channel) for s in suppressions):
        return None
    alive = [c for c in consents if c.channel is channel and c.proven and c.confirmed and c.ended is False]
    return tuple(dict.fromkeys(i for c in alive for i in c.interests)) if alive else None


def rim(standing: Standing, *, now: datetime, zone: tzinfo) -> Rim:
    """The one place that decides how a channel mark looks."""
    name, reason = NAMES[standing.channel], standing.decision.reason
    glyph, news = GLYPHS[standing.channel], standing.news is not None
    if reason in WISHES:
        since = f" on {when.day(standing.stopped_at, zone)}" if standing.stopped_at else ""
        words = f"asked to stop{since}" if reason in (Reason.STOP_ALL, Reason.STOP_CHANNEL) else "at rest"
        return Rim(state=RimState.STOP, glyph=glyph, label=f"{name}: {words}")
    if reason is Reason.WINDOW and standing.templates:
        return Rim(state=RimState.SHUT, glyph=glyph, label=f"{name}: window shut, templates only", news=news)
    if not standing.open:
        if news:
            return Rim(state=RimState.AGREED, glyph=glyph, label=f"{name}: news agreed{_about(standing.news)}", news=True)
        return Rim(state=RimState.NONE, glyph=glyph, label=f"{name}: not invited")
    return _open_rim(standing, name, glyph, news=news, now=now)


def _open_rim(standing: Standing, name: str, glyph: str, *, news: bool, now: datetime) -> Rim:
    and_news = f"; news agreed{_about(standing.news)}" if news else ""
    if standing.quota is not None:
        label = f"{name}: invited, {standing.quota.left} of {standing.quota.of} messages left{and_news}"
        return Rim(state=RimState.ARC, glyph=glyph, label=label, pieces=pieces(standing.quota), news=news)
    if standing.closes_at is None or standing.window is None:
        return Rim(state=RimState.FULL, glyph=glyph, label=f"{name}: invited{and_news}", news=news)
    remaining = standing.closes_at - now
    state = RimState.SOON if closing(remaining, standing.window) else RimState.ARC
    label = f"{name}: invited, {when.left_spoken(remaining)}{and_news}"
    return Rim(state=state, glyph=glyph, label=label, share=share(remaining, standing.window), news=news)


def closing(remaining: timedelta, window: timedelta) -> bool:
    """Under four hours, or the last tenth, whichever comes first (looks §5)."""
    return remaining < max(SOON, window / 10)


def share(remaining: timedelta, window: timedelta) -> int:
    """Of the window left, in hundredths; at least 1 while anything is left, so that the ring never vanishes early."""
    return min(100, max(1, round(100 * (remaining / window))))


def pieces(quota: Quota) -> tuple[Piece, ...]:
    """The ring cut into one piece per message, the used ones first, clockwise from the top."""
    step = 100 / quota.of
    length = round(max(1.0, step - GAP), 1)
    return tuple(
        Piece(turn=round(-90 + (n * step + GAP / 2) * 3.6, 1), length=length, left=n >= quota.of - quota.left) for n in range(quota.of)
    )


def _about(interests: tuple[str, ...] | None) -> str:
    words = [i.replace("_", " ") for i in interests or ()]
    if not words:
        return ""
    return f", {words[0]}" if len(words) == 1 else f", {', '.join(words[:-1])} and {words[-1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Two lines: may we, and until when or why not."""

    bold: str
    small: str


def strip_words(standing: Standing, *, now: datetime, zone: tzinfo) -> Words:
    """The permission strip. The most important words come first, since phones cut the tail (looks §6)."""
    if not standing.open:
        return _closed_words(standing, now, zone)
    heard = standing.invitation.last_inbound_at if standing.invitation else None
    wrote = f"Wrote {when.said(heard, now, zone)}" if heard else "Named in the form for our answer"
    if standing.closes_at is None or standing.window is None:
        return Words(bold=f"Invited {via(standing.channel)}", small=wrote)
    remaining = standing.closes_at - now
    if closing(remaining, standing.window):
        return Words(bold=f"Invited {via(standing.channel)}, closing", small=f"{when.left(remaining)} left. {wrote}")
    until = "Only what you write yourself, until" if standing.personal else "Free reply until"
    return Words(bold=f"Invited {via(standing.channel)}", small=f"{until} {when.said(standing.closes_at, now, zone)}. {wrote}")


def _closed_words(standing: Standing, now: datetime, zone: tzinfo) -> Words:
    on, name = via(standing.channel), NAMES[standing.channel]
    stopped = f" {when.said(standing.stopped_at, now, zone).capitalize()}" if standing.stopped_at else ""
    heard = standing.invitation.last_inbound_at if standing.invitation else None
    last = f" Last heard from {when.said(heard, now, zone)}" if heard else ""
    words = {
        Reason.STOP_CHANNEL: (f"Asked to stop {on}", f"Covers {name} and all marketing.{stopped}"),
        Reason.STOP_ALL: ("Asked for no contact at all", f"Covers every channel.{stopped}"),
        Reason.WINDOW_USED: (f"Free replies on {name} are used up", f"More may go when they write again.{last}"),
        Reason.WINDOW: (f"{name} window is shut", f"Approved templates only.{last}"),
        Reason.NO_ANSWER: ("Our answers are waiting", "None has had a reply. One more would press"),
        Reason.NO_INVITATION: (f"Not invited {on}", f"Nobody asked us to write here now.{last}"),
        Reason.CROSS_CHANNEL: (f"Not invited {on}", "The invitation is on another channel"),
        Reason.RESTRICTED: ("At rest", "Write about the rights case only"),
        Reason.ERASURE_PENDING: ("Asked us to erase everything", "The rights desk answers"),
        Reason.ERASED: ("Erased", "Nothing is held to write to"),
        Reason.BAD_ADDRESS: (f"No working address {on}", "Ask for another"),
        Reason.NO_ROUTE: (f"Nothing can leave {on}", "The channel is not connected"),
        Reason.PAUSED: (f"Sending {on} is paused", "Somebody switched it off for now"),
        Reason.STORE_DOWN: ("We cannot tell just now", "Permission records do not answer. Nothing is sent meanwhile"),
    }
    bold, small = words.get(standing.decision.reason, (f"Not open {on}", "See below why"))
    return Words(bold=bold, small=small)
