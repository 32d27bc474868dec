"""The gates of policy §2.2, in order. Each looks at one thing and says why not, or nothing.

The table GATES is the policy's own: one row a gate, and the kinds it applies to. The first refusal wins. A fact that is
not known is taken as the one that refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from hub.model.address import Channel
from hub.model.permission import (
    AddressState,
    ErasureState,
    Facts,
    InvitationState,
    Kind,
    PolicySettings,
    Reason,
    Scope,
    Suppression,
    TemplateStatus,
)
from hub.policy.basis import ADS_PURPOSE, BASES, PURPOSES, fresh_form, soft_optin, standing_consent
from hub.policy.quiet import quiet_until
from hub.policy.span import days, minutes

Refusal = Reason | tuple[Reason, datetime | None] | None
Gate = Callable[[Facts, PolicySettings], Refusal]

STORE_RETRY = timedelta(seconds=20)
ADULT = 18
_REACHABLE = (AddressState.VERIFIED, AddressState.TYPED_UNVERIFIED)
_INVITED = (InvitationState.OPEN, InvitationState.DIALOGUE)
_MARKETING_SCOPES = {Scope.ALL_MARKETING, Scope.CHANNEL_MARKETING, Scope.INTEREST, Scope.PURPOSE}
# What an objection may be about, besides the purpose a message names (policy R21, R22).
_OBJECTABLE: dict[Kind, frozenset[str]] = {
    Kind.RPL: frozenset({"enquiry", "all"}),
    Kind.ACK: frozenset({"enquiry", "automation", "all"}),
    Kind.BOT: frozenset({"enquiry", "automation", "all"}),
    Kind.SVC: frozenset({"service", "care", "all"}),
    Kind.DOI: frozenset({"marketing", "all"}),
    Kind.MKT: frozenset({"marketing", "profiling", "all"}),
    Kind.ADS: frozenset({"marketing", "profiling", "ads_match", "all"}),
}
_OBJECTIONS = PURPOSES.union(*_OBJECTABLE.values())
HUMAN_AGENT_DAYS = 7  # Meta's human-agent tag (policy §2.5)
_TAGGED = (Channel.MESSENGER, Channel.INSTAGRAM)
# Looking a member up on its class costs more than most gates, so these are looked up once.
_MKT, _EXPORT, _ADS, _WEB_FORM, _NAME_ONLY = Kind.MKT, Kind.ADS, Channel.ADS, Channel.WEB_FORM, (Kind.OOC, Kind.NTC)


def _bad_input(facts: Facts, _s: PolicySettings) -> Refusal:
    known = type(facts.kind) is Kind and type(facts.channel) is Channel and facts.env.now.tzinfo is not None
    return None if known else Reason.BAD_INPUT


def _store_down(facts: Facts, _s: PolicySettings) -> Refusal:
    return None if facts.env.store_healthy is True else (Reason.STORE_DOWN, facts.env.now + STORE_RETRY)


def _paused(facts: Facts, _s: PolicySettings) -> Refusal:
    return None if facts.env.paused is False else Reason.PAUSED


def _no_route(facts: Facts, _s: PolicySettings) -> Refusal:
    fits = (facts.channel is _ADS) == (facts.kind is _EXPORT) and facts.channel is not _WEB_FORM
    return None if fits and facts.env.route_ok is True else Reason.NO_ROUTE


def _deceased(facts: Facts, _s: PolicySettings) -> Refusal:
    if facts.deceased is False or (facts.kind is Kind.RTS and facts.basis.representative_verified is True):
        return None
    return Reason.DECEASED


def _bad_address(facts: Facts, _s: PolicySettings) -> Refusal:
    return None if facts.address in _REACHABLE else Reason.BAD_ADDRESS


def _erased(facts: Facts, _s: PolicySettings) -> Refusal:
    if facts.erasure is ErasureState.NONE:
        return None
    if facts.erasure is ErasureState.DONE:
        return Reason.ERASED
    booked = facts.kind is Kind.SVC and facts.erasure is ErasureState.PENDING and facts.basis.appointment_booked is True
    return None if booked else Reason.ERASURE_PENDING


def _mislabelled(facts: Facts, _s: PolicySettings) -> Refusal:
    return None if facts.content.promo is False else Reason.MISLABELLED


def _stopped(facts: Facts, standing: Iterable[Suppression]) -> bool:
    """Whether a stop binds; a reply is exempt in a thread the person reopened after all of them."""
    stops = list(standing)
    if not stops:
        return False
    held = facts.invitation
    if facts.kind is not Kind.RPL or held is None or held.state not in _INVITED or held.last_inbound_at is None:
        return True
    return any(held.last_inbound_at <= stop.at for stop in stops)


def _stop_all(facts: Facts, _s: PolicySettings) -> Refusal:
    standing = facts.suppressions
    if type(standing) is not tuple:
        return Reason.STOP_ALL
    # A scope nobody knows is taken as the widest.
    if standing and _stopped(facts, (s for s in standing if s.scope is Scope.ALL_CONTACT or type(s.scope) is not Scope)):
        return Reason.STOP_ALL
    return None


def _stop_channel(facts: Facts, _s: PolicySettings) -> Refusal:
    standing = facts.suppressions
    if type(standing) is not tuple:
        return Reason.STOP_CHANNEL
    if standing and _stopped(facts, (s for s in standing if s.scope is Scope.CHANNEL and _here(s, facts))):
        return Reason.STOP_CHANNEL
    return None


def _here(stop: Suppression, facts: Facts) -> bool:
    """Whether a stop that names a channel names this one; one that names none we know is about every channel."""
    return stop.channel is facts.channel or type(stop.channel) is not Channel


def _restricted(facts: Facts, _s: PolicySettings) -> Refusal:
    return None if facts.restricted is False else Reason.RESTRICTED


def _under_18(facts: Facts, _s: PolicySettings) -> Refusal:
    if type(facts.age) is not int:
        return Reason.AGE_UNKNOWN
    if facts.age < ADULT:
        return Reason.UNDER_18
    return None if facts.age_confirmed is True else Reason.AGE_UNKNOWN


def _under_18_procedure(facts: Facts, _s: PolicySettings) -> Refusal:
    if facts.content.books_u18_procedure is False or facts.content.clinician_direction is True:
        return None
    adult = type(facts.age) is int and facts.age >= ADULT and facts.age_confirmed is True
    return None if adult else Reason.UNDER18_PROCEDURE


def _covers(stop: Suppression, facts: Facts) -> bool:
    if stop.scope is Scope.ALL_MARKETING:
        return True
    if stop.scope is Scope.CHANNEL_MARKETING:
        return _here(stop, facts)
    if stop.scope is Scope.INTEREST:
        return stop.interest is None or not facts.content.interests or stop.interest in facts.content.interests
    purpose = ADS_PURPOSE if facts.kind is Kind.ADS else facts.purpose
    return stop.scope is Scope.PURPOSE and (stop.purpose is None or purpose is None or stop.purpose == purpose)


def _suppressed(facts: Facts, s: PolicySettings) -> Refusal:
    standing = facts.suppressions
    if type(standing) is not tuple:
        return Reason.SUPPRESSED
    if not standing or not any(_covers(stop, facts) for stop in standing if stop.scope in _MARKETING_SCOPES):
        return None
    # Somebody else may have typed the address: the one question after a fresh tick may still be asked (footnote 3).
    return None if facts.kind is Kind.DOI and fresh_form(facts, s) else Reason.SUPPRESSED


def _objected(facts: Facts, _s: PolicySettings) -> Refusal:
    if type(facts.objections) is not tuple or facts.kind is None:
        return Reason.OBJECTED
    if not facts.objections:
        return None
    about = _OBJECTABLE[facts.kind]
    # An objection in words nobody knows is taken to be about this too.
    met = any(o in about or o == facts.purpose or o not in _OBJECTIONS for o in facts.objections)
    return Reason.OBJECTED if met else None


def _country(facts: Facts, s: PolicySettings) -> Refusal:
    return None if facts.country in s.marketing_countries else Reason.COUNTRY


def _basis(facts: Facts, s: PolicySettings) -> Refusal:
    basis = BASES.get(facts.kind) if facts.kind else None
    return basis(facts, s) if basis else Reason.NO_RULE


def _not_relevant(facts: Facts, s: PolicySettings) -> Refusal:
    return None if standing_consent(facts, s) is not None or soft_optin(facts, s) else Reason.NOT_RELEVANT


def _pom(facts: Facts, _s: PolicySettings) -> Refusal:
    if facts.content.pom is False or (facts.kind is Kind.RPL and facts.content.pom_answers_own_question is True):
        return None
    return Reason.POM


def _content(facts: Facts, _s: PolicySettings) -> Refusal:
    return None if facts.content.pressure is False and facts.content.images_ok is True else Reason.CONTENT


def _footer(facts: Facts, _s: PolicySettings) -> Refusal:
    content = facts.content
    whole = content.identity_ok is True and (facts.kind in _NAME_ONLY or content.optout_ok is True)
    return None if whole else Reason.FOOTER


def _health_leak(facts: Facts, _s: PolicySettings) -> Refusal:
    return None if facts.content.health_terms is False else Reason.HEALTH_LEAK


def _window(facts: Facts, s: PolicySettings) -> Refusal:
    hours, template = facts.env.reply_window_h, facts.content.template
    if hours is None:
        return None
    if facts.kind is _MKT:  # a chat window's permission does not suffice for marketing (policy O10, §8.1)
        return None if template is TemplateStatus.APPROVED_MARKETING else Reason.WINDOW
    heard = facts.invitation.last_inbound_at if facts.invitation else None
    stands = heard is not None and facts.env.now - heard < minutes(60 * hours - s.window_margin_min)
    if stands and _messages_left(facts):
        return None
    if template is TemplateStatus.APPROVED_UTILITY:
        return None
    if template is TemplateStatus.HUMAN_AGENT_TAG and facts.kind is Kind.RPL and facts.channel in _TAGGED and heard is not None:
        return None if facts.env.now - heard < days(HUMAN_AGENT_DAYS) else Reason.WINDOW
    return Reason.WINDOW_USED if stands else Reason.WINDOW


def _messages_left(facts: Facts) -> bool:
    """Whether the channel lets one more free message go since the person last wrote (policy §2.5, WeChat)."""
    allowed, sent = facts.env.window_messages, facts.env.window_sent
    return allowed is None or (type(allowed) is int and type(sent) is int and sent < allowed)


def _cap(facts: Facts, s: PolicySettings) -> Refusal:
    env = facts.env
    if env.campaign_already_sent is not False and facts.kind is _MKT:
        return Reason.CAP
    week, month, frees_at = env.marketing_sent_7d, env.marketing_sent_30d, env.cap_frees_at
    if type(week) is not int or type(month) is not int:
        return Reason.CAP
    if week >= s.cap_7d or month >= s.cap_30d:
        return Reason.CAP, frees_at if frees_at is not None and frees_at > env.now else None
    return None


def _quiet(facts: Facts, s: PolicySettings) -> Refusal:
    if facts.kind is Kind.SVC and facts.content.scheduled_reminder is False:
        return None  # an answer to what was just asked is not a reminder (footnote 4)
    until = quiet_until(facts.env.now, facts.env.local_zone, s)
    return None if until is None else (Reason.QUIET, until)


_ALL = frozenset(Kind)
_MKT_LIKE = frozenset({Kind.DOI, Kind.MKT, Kind.ADS})
_ORDINARY = frozenset({Kind.RPL, Kind.ACK, Kind.BOT, Kind.SVC, Kind.DOI, Kind.MKT, Kind.ADS, Kind.NTC})

# Row number, gate, kinds it applies to. Footnotes 1, 3, 4 and 5 are inside the gates; 2 is the sender's to act on.
GATES: tuple[tuple[int, Gate, frozenset[Kind]], ...] = (
    (1, _bad_input, _ALL),
    (2, _store_down, _ALL),
    (3, _paused, frozenset({Kind.ACK, Kind.BOT, Kind.DOI, Kind.MKT, Kind.ADS, Kind.NTC})),
    (4, _no_route, _ALL),
    (5, _deceased, _ALL - {Kind.BRN}),
    (6, _bad_address, _ALL - {Kind.OOC}),
    (7, _erased, _ORDINARY),
    (8, _mislabelled, _ALL - {Kind.MKT, Kind.ADS}),
    (9, _stop_all, _ORDINARY),
    (10, _stop_channel, (_ORDINARY - {Kind.ADS}) | {Kind.RTS, Kind.BRN}),
    (11, _restricted, _ORDINARY),
    (12, _under_18, _MKT_LIKE),
    (13, _under_18_procedure, frozenset({Kind.RPL, Kind.BOT, Kind.SVC})),
    (14, _suppressed, _MKT_LIKE),
    (15, _objected, _ORDINARY - {Kind.NTC}),
    (16, _country, _MKT_LIKE),
    (17, _basis, _ALL),
    (18, _not_relevant, frozenset({Kind.MKT, Kind.ADS})),
    (19, _pom, _ALL - {Kind.SVC, Kind.SAF, Kind.RTS, Kind.BRN}),
    (20, _content, frozenset({Kind.MKT, Kind.ADS})),
    (21, _footer, frozenset({Kind.OOC, Kind.DOI, Kind.MKT, Kind.NTC})),
    (22, _health_leak, _ALL - {Kind.RPL, Kind.SAF}),
    (23, _window, _ALL - {Kind.ADS}),
    (24, _cap, frozenset({Kind.DOI, Kind.MKT, Kind.NTC})),
    (25, _quiet, frozenset({Kind.SVC, Kind.MKT, Kind.NTC})),
)

BY_KIND: dict[Kind, tuple[tuple[int, Gate], ...]] = {
    kind: tuple((number, gate) for number, gate, kinds in GATES if kind in kinds) for kind in Kind
}
