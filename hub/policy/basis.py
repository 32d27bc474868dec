"""What each kind of message stands on (policy §2.3, gate 17): a reason to refuse, or None and the proofs it leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from hub.model.address import Channel
from hub.model.permission import ConsentFacts, Facts, InvitationState, Kind, PolicySettings, Reason, Selection
from hub.policy.consent import months_after
from hub.policy.invitation import state_at
from hub.policy.span import days, minutes

ADS_PURPOSE = "ads_match"
PURPOSES = frozenset({"promotion", "newsletter", "event"})  # the closed list of R17; ads_match has a kind of its own
SOFT_OPTIN_CHANNELS = frozenset({Channel.EMAIL, Channel.SMS})
_INVITED = (InvitationState.OPEN, InvitationState.DIALOGUE)
_NO_TIME = timedelta(0)
# Looked up once: members are slow to find on their class.
_MKT, _EXPORT, _ANSWERS = Kind.MKT, Kind.ADS, (Kind.RPL, Kind.ACK, Kind.BOT)
_HEALTH, _NO_ANSWER, _NONE = Selection.HEALTH_HISTORY, InvitationState.NO_ANSWER, InvitationState.NONE

Basis = Callable[[Facts, PolicySettings], Reason | None]


def _reply(facts: Facts, settings: PolicySettings) -> Reason | None:
    held = facts.invitation
    if held is None:
        return Reason.NO_INVITATION
    state = state_at(held, facts.env.now, settings)
    if state in _INVITED:
        return None
    if state is _NO_ANSWER:
        return Reason.NO_ANSWER
    if state is _NONE and held.other_channel_open:
        return Reason.CROSS_CHANNEL
    return Reason.NO_INVITATION


def _acknowledgement(facts: Facts, settings: PolicySettings) -> Reason | None:
    held = facts.invitation
    if held is None:
        return Reason.NO_INVITATION
    if held.inbound_automatic is not False:
        return Reason.AUTO_INBOUND
    if held.last_ack_at is not None and facts.env.now - held.last_ack_at < minutes(60 * settings.ack_every_h):
        return Reason.ACK_USED
    return None if state_at(held, facts.env.now, settings) in _INVITED else Reason.NO_INVITATION


def _robot(facts: Facts, settings: PolicySettings) -> Reason | None:
    held = facts.invitation
    if held is None:
        return Reason.NO_INVITATION
    if held.bot_barred is not False:
        return Reason.BOT_BARRED
    if held.inbound_automatic is not False:
        return Reason.AUTO_INBOUND
    if not _within(held.last_inbound_at, facts.env.now, minutes(settings.bot_fresh_min)):
        return Reason.NO_INVITATION
    return None if state_at(held, facts.env.now, settings) in _INVITED else Reason.NO_INVITATION


def _service(facts: Facts, _settings: PolicySettings) -> Reason | None:
    ground = facts.basis
    return None if ground.live_relation is True and ground.channel_given_for_it is True else Reason.NO_RELATION


def _safety(facts: Facts, _settings: PolicySettings) -> Reason | None:
    ground = facts.basis
    if ground.named_clinician is not True or ground.reason_recorded is not True:
        return Reason.NOT_CLINICIAN
    return None if ground.live_relation is True else Reason.NO_RELATION


def _confirmation(facts: Facts, settings: PolicySettings) -> Reason | None:
    ground = facts.basis
    if ground.confirmations_sent != 0:  # unknown counts as sent
        return Reason.OOC_USED
    fresh = _within(ground.revoked_at, facts.env.now, minutes(settings.ooc_within_min))
    return None if fresh else Reason.OOC_LATE


def fresh_form(facts: Facts, settings: PolicySettings) -> bool:
    """Whether the box was ticked on our form just now, and no such question was asked of the address lately."""
    ground, now = facts.basis, facts.env.now
    if not _within(ground.form_ticked_at, now, minutes(settings.doi_within_min)):
        return False
    return ground.doi_last_sent_at is None or now - ground.doi_last_sent_at >= days(settings.doi_every_days)


def _opt_in_question(facts: Facts, settings: PolicySettings) -> Reason | None:
    return None if fresh_form(facts, settings) else Reason.NO_FRESH_FORM


def _marketing(facts: Facts, settings: PolicySettings) -> Reason | None:
    if facts.kind is _MKT and facts.purpose not in PURPOSES:
        return Reason.NO_CONSENT
    if _first_valid(facts, settings) is None and not soft_optin(facts, settings):
        return _why_no_consent(facts, settings)
    if type(facts.selection) is not Selection or (facts.selection is _HEALTH and not _health_agreed(facts, settings)):
        return Reason.HEALTH_SELECTION
    return None


def _health_agreed(facts: Facts, settings: PolicySettings) -> bool:
    return any(c.health_relevance is True and _fault(c, facts, settings) is None for c in _matching(facts))


def _first_valid(facts: Facts, settings: PolicySettings) -> ConsentFacts | None:
    """The first consent this message may stand on: purpose and channel, proven, confirmed, unexpired, not ended.

    A plain loop here and in `standing_consent`: a list of the matching ones costs more than the rest of the judge's work on them.
    """
    channel, purpose = facts.channel, _purpose(facts)
    for consent in facts.consents or ():
        if consent.channel is channel and consent.purpose == purpose and _fault(consent, facts, settings) is None:
            return consent
    return None


def _matching(facts: Facts) -> list[ConsentFacts]:
    channel, purpose = facts.channel, _purpose(facts)
    return [c for c in facts.consents or () if c.channel is channel and c.purpose == purpose]


def _purpose(facts: Facts) -> str | None:
    return ADS_PURPOSE if facts.kind is _EXPORT else facts.purpose


# How far a consent got before it failed; the furthest is the reason worth telling.
_PROGRESS = (Reason.NO_CONSENT, Reason.CONSENT_UNPROVEN, Reason.CONSENT_EXPIRED, Reason.CONSENT_UNCONFIRMED)


def _fault(consent: ConsentFacts, facts: Facts, settings: PolicySettings) -> Reason | None:
    now = facts.env.now
    if consent.ended is not False:
        return Reason.NO_CONSENT
    if consent.proven is not True or consent.wording is None or consent.given_at > now:
        return Reason.CONSENT_UNPROVEN
    months = settings.consent_months
    # No month is shorter than 28 days, so the calendar is asked only where it can matter.
    if (now - consent.given_at).days >= 28 * months and now >= months_after(consent.given_at, months):
        return Reason.CONSENT_EXPIRED
    return None if consent.confirmed is True else Reason.CONSENT_UNCONFIRMED


def _why_no_consent(facts: Facts, settings: PolicySettings) -> Reason:
    faults = [f for c in _matching(facts) if (f := _fault(c, facts, settings))]
    if faults:
        return max(faults, key=_PROGRESS.index)
    offered = facts.kind is Kind.MKT and settings.soft_optin and facts.soft_optin.enabled
    return Reason.NO_SOFT_OPTIN if offered else Reason.NO_CONSENT


def soft_optin(facts: Facts, settings: PolicySettings) -> bool:
    """All legs of the soft opt-in stand (policy R19, D3, D4); off unless switched on here and there.

    It serves only where the person was never heard about this on this channel: whoever answered the question of
    consent, for some subjects or with a withdrawal, is taken at that word.
    """
    s = facts.soft_optin
    return (
        facts.kind is Kind.MKT
        and settings.soft_optin
        and s.enabled is True
        and facts.consents is not None
        and not _matching(facts)
        and facts.channel in SOFT_OPTIN_CHANNELS
        and facts.country == "GB"
        and facts.selection is not Selection.HEALTH_HISTORY
        and bool(s.sale_id)
        and (
            s.same_entity,
            s.completed_sale,
            s.offered_at_collection,
            s.offered_every_message,
            s.similar_category,
            s.not_refused,
            s.non_health_audience,
        )
        == (True, True, True, True, True, True, True)
    )


def _rights(facts: Facts, _settings: PolicySettings) -> Reason | None:
    return None if facts.basis.case_open is True else Reason.NO_CASE


def _breach(facts: Facts, _settings: PolicySettings) -> Reason | None:
    return None if facts.basis.in_breach_register is True else Reason.NO_CASE


def _notice(facts: Facts, _settings: PolicySettings) -> Reason | None:
    ground = facts.basis
    return None if ground.notice_material is True and ground.notice_already_sent is False else Reason.NO_NOTICE


BASES: dict[Kind, Basis] = {
    Kind.RPL: _reply,
    Kind.ACK: _acknowledgement,
    Kind.BOT: _robot,
    Kind.SVC: _service,
    Kind.SAF: _safety,
    Kind.OOC: _confirmation,
    Kind.DOI: _opt_in_question,
    Kind.MKT: _marketing,
    Kind.ADS: _marketing,
    Kind.RTS: _rights,
    Kind.BRN: _breach,
    Kind.NTC: _notice,
}


def proofs(facts: Facts, settings: PolicySettings) -> tuple[str, ...]:
    """What an allowance stands on, as "name=value" of ids and times, never text (policy §2.4)."""
    kind, ground = facts.kind, facts.basis
    if kind is _MKT or kind is _EXPORT:
        consent = standing_consent(facts, settings)
        if consent is None:
            return ("ground=soft_optin", f"sale={facts.soft_optin.sale_id}")
        return "ground=consent", f"consent={consent.id}", f"wording={consent.wording}", f"given_at={consent.given_at.isoformat()}"
    if kind in _ANSWERS and facts.invitation is not None:
        held = facts.invitation
        heard = held.last_inbound_at or held.opened_at
        named = ("named_by_person=yes",) if held.named_by_person else ()
        return ("ground=invitation", f"state={held.state}", "since=" + (heard.isoformat() if heard else "unknown"), *named)
    if kind is Kind.OOC and ground.revoked_at is not None:
        return "ground=revocation", f"revoked_at={ground.revoked_at.isoformat()}"
    if kind is Kind.DOI and ground.form_ticked_at is not None:
        return "ground=form", f"ticked_at={ground.form_ticked_at.isoformat()}"
    return (f"ground={_GROUNDS[kind]}",) if kind in _GROUNDS else ()


_GROUNDS: dict[Kind | None, str] = {
    Kind.SVC: "relation",
    Kind.SAF: "vital_interest",
    Kind.RTS: "case",
    Kind.BRN: "breach_register",
    Kind.NTC: "notice",
}


def standing_consent(facts: Facts, settings: PolicySettings) -> ConsentFacts | None:
    """The first valid consent that shares a declared subject with the message (policy R14)."""
    channel, purpose, tags = facts.channel, _purpose(facts), facts.content.interests
    for consent in facts.consents or ():
        if consent.channel is not channel or consent.purpose != purpose:
            continue
        for tag in tags:
            if tag in consent.interests and _fault(consent, facts, settings) is None:
                return consent
    return None


def _within(then: datetime | None, now: datetime, span: timedelta) -> bool:
    return then is not None and _NO_TIME <= now - then <= span
