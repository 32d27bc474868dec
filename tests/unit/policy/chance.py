"""Facts by chance, near the border between yes and no, and ways to make any of them worse. Builders only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from hub.model.address import Channel
from hub.model.permission import (
    AddressState,
    ErasureState,
    Facts,
    InvitationState,
    Kind,
    Scope,
    Selection,
    SoftOptInFacts,
    TemplateStatus,
)
from tests.unit.policy.facts import NOW, SALE, ago, allowed, changed, consent, invited, stop

FLAG = (True, False, None)
TIMES = (None, ago(seconds=30), ago(minutes=9), ago(minutes=20), ago(hours=23), ago(hours=30), ago(days=6), ago(days=40), ago(days=900))
CONSENTS = [
    (),
    None,
    (consent(),),
    (consent(interests=("hair",)),),
    (consent(confirmed=None), consent(Channel.SMS)),
    (consent(ended=True),),
    (consent(given_at=ago(days=800)),),
    (consent(purpose="ads_match", channel=Channel.ADS), consent(Channel.WHATSAPP)),
    (consent(health_relevance=True),),
    (consent(wording=None, proven=False),),
]
STOPS = [
    stop(scope, channel, at=at, interest=interest, purpose=purpose)
    for at in (ago(days=1), ago(minutes=1))
    for scope in Scope
    for channel in (None, Channel.EMAIL, Channel.SMS)
    for interest, purpose in ((None, None), ("skincare", "promotion"))
]
INVITATIONS = [None, *(invited(state, consecutive_outbound=turns) for state in InvitationState for turns in (0, 2))]

# Every path of the facts with the values it may have; unknown among them.
VALUES: dict[str, list[Any]] = {
    "channel": list(Channel),
    "country": ["GB", "CN", None],
    "address": [*AddressState, None],
    "invitation": INVITATIONS,
    "consents": CONSENTS,
    "suppressions": [(), None, *((s,) for s in STOPS)],
    "soft_optin": [SoftOptInFacts(), SALE, replace(SALE, not_refused=None)],
    "selection": [*Selection, None],
    "purpose": ["promotion", "newsletter", "ads_match", "other", None],
    "restricted": list(FLAG),
    "objections": [(), None, ("all",), ("marketing",), ("automation",), ("service",)],
    "erasure": [*ErasureState, None],
    "deceased": list(FLAG),
    "age": [None, 0, 17, 18, 34],
    "age_confirmed": list(FLAG),
    "env__now": [NOW, NOW.replace(hour=3), datetime(2026, 12, 25, 12, tzinfo=UTC), datetime(2026, 11, 29, 9, 30, tzinfo=UTC)],
    "env__store_healthy": list(FLAG),
    "env__local_zone": ["Europe/London", "Asia/Hong_Kong", "Nowhere/Town", None],
    "env__paused": list(FLAG),
    "env__route_ok": list(FLAG),
    "env__marketing_sent_7d": [0, 1, 2, None],
    "env__marketing_sent_30d": [0, 5, 6, None],
    "env__campaign_already_sent": list(FLAG),
    "env__cap_frees_at": [None, NOW + timedelta(days=2), ago(days=1)],
    "env__reply_window_h": [None, 0, 24, 48],
    "env__window_messages": [None, 5],
    "env__window_sent": [0, 4, 5, None],
    "invitation__opened_at": list(TIMES),
    "invitation__last_inbound_at": list(TIMES),
    "invitation__consecutive_outbound": [0, 1, 2, 3, None],
    "invitation__turn_started_at": list(TIMES),
    "invitation__last_ack_at": list(TIMES),
    "invitation__named_by_person": [True, False],
    "invitation__inbound_automatic": list(FLAG),
    "invitation__bot_barred": list(FLAG),
    "invitation__other_channel_open": [True, False],
    "content__interests": [(), ("skincare",), ("hair",), ("hair", "skincare")],
    "content__template": list(TemplateStatus),
    "basis__confirmations_sent": [0, 1, None],
    "basis__revoked_at": list(TIMES),
    "basis__form_ticked_at": list(TIMES),
    "basis__doi_last_sent_at": list(TIMES),
    "content__promo": list(FLAG),
    "content__pom": list(FLAG),
    "content__pom_answers_own_question": list(FLAG),
    "content__pressure": list(FLAG),
    "content__health_terms": list(FLAG),
    "content__books_u18_procedure": list(FLAG),
    "content__clinician_direction": list(FLAG),
    "content__identity_ok": list(FLAG),
    "content__optout_ok": list(FLAG),
    "content__images_ok": list(FLAG),
    "content__scheduled_reminder": list(FLAG),
    "basis__live_relation": list(FLAG),
    "basis__channel_given_for_it": list(FLAG),
    "basis__appointment_booked": list(FLAG),
    "basis__named_clinician": list(FLAG),
    "basis__reason_recorded": list(FLAG),
    "basis__case_open": list(FLAG),
    "basis__representative_verified": list(FLAG),
    "basis__in_breach_register": list(FLAG),
    "basis__notice_material": list(FLAG),
    "basis__notice_already_sent": list(FLAG),
}
GARBAGE: list[Any] = [
    "",
    "yes",
    0,
    1,
    -1,
    2.5,
    float("nan"),
    b"x",
    [],
    ["all"],
    {},
    {"a": 1},
    object,
    NOW.replace(tzinfo=None),
    ("x",),
    (None,),
]

# The unknown value of each fact. Not here: times whose None says "never", and the zone, whose unknown value has hours
# of its own (policy §2.5) that may lie inside those of a far zone.
_NONE_IS_NO_DOUBT = {
    "env__local_zone",
    "env__reply_window_h",
    "env__window_messages",
    "env__cap_frees_at",
    "invitation__last_ack_at",
    "basis__doi_last_sent_at",
}
UNKNOWN: dict[str, Any] = {path: None for path, values in VALUES.items() if None in values and path not in _NONE_IS_NO_DOUBT} | {
    "env__reply_window_h": 0,
    "env__window_messages": 0,
    "soft_optin": SoftOptInFacts(),
    "content__interests": (),
    "content__template": TemplateStatus.NONE,
    "channel": None,
    "kind": None,
    "invitation__state": None,
    "invitation__named_by_person": False,
}


def some_facts(chance: Random) -> Facts:
    """An allowed case with a few facts changed, or more of them."""
    facts = allowed(chance.choice(KINDS))
    for path in chance.sample(PATHS, chance.choice((0, 1, 1, 2, 2, 3, 5, 12))):
        facts = put(facts, path, chance.choice(VALUES[path]))
    return facts


def misshapen(facts: Facts, chance: Random) -> Facts:
    """The facts with one of them of no shape at all."""
    return put(facts, chance.choice((*PATHS, "env", "content", "basis", "kind")), chance.choice(GARBAGE))


def put(facts: Facts, path: str, value: Any) -> Facts:
    """The facts with one of them set; where there is no invitation nothing in it can be."""
    if path.startswith("invitation__") and facts.invitation is None:
        return facts
    return changed(facts, **{path: value})


def worse(facts: Facts) -> list[Facts]:
    """Every way to make the facts worse by one: a further stop, restriction or objection, or one fact no longer known."""
    held, objected = facts.suppressions, facts.objections
    found = [put(facts, path, value) for path, value in UNKNOWN.items()]
    found += [replace(facts, restricted=True)]
    if held is not None:
        found += [replace(facts, suppressions=(*held, s)) for s in STOPS]
    if objected is not None:
        found += [replace(facts, objections=(*objected, o)) for o in ("all", "marketing", "automation", "service", "promotion")]
    if facts.consents:
        for name in ("confirmed", "proven", "ended", "wording"):
            found.append(replace(facts, consents=tuple(replace(c, **{name: None}) for c in facts.consents)))
    return found


KINDS = list(Kind)
PATHS = list(VALUES)
