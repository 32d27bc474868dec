"""One JSON line of facts, spelt as people spell them, as the judge's values. Liberal in spelling, never in meaning.

What is missing, null, "unknown" or unreadable becomes the unknown value of its fact, and that is the refusing one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from hub.explain.spelling import choice, country, flag, moment, number, plain, switches, text, times, words, yes
from hub.model.address import Channel
from hub.model.permission import (
    AddressState,
    BasisFacts,
    ConsentFacts,
    ContentFacts,
    Env,
    ErasureState,
    Facts,
    InvitationFacts,
    InvitationState,
    Kind,
    Scope,
    Selection,
    SoftOptInFacts,
    Suppression,
    TemplateStatus,
)

Reader = Callable[[object], Any]
Table = Mapping[str, tuple[Reader, *tuple[str, ...]]]
T = TypeVar("T")

# How long a person's message keeps a channel open to free replies, in hours (policy §2.5); None: it has no window.
WINDOW_H: Mapping[Channel | None, int | None] = {
    Channel.EMAIL: None,
    Channel.SMS: None,
    Channel.ADS: None,
    Channel.WHATSAPP: 24,
    Channel.MESSENGER: 24,
    Channel.INSTAGRAM: 24,
    Channel.WECHAT: 48,
}
_NEVER_KNOWN = datetime.max.replace(tzinfo=UTC)  # later than anything: a stop of unknown date binds, a consent proves nothing
_NO_CLOCK = datetime.min  # noqa: DTZ901 - naive on purpose: the judge calls such a question malformed

# Field -> reader and the other names it goes by.
_INVITATION: Table = {
    "state": (choice(InvitationState), "invitation_state"),
    "opened_at": (moment,),
    "last_inbound_at": (moment, "last_inbound"),
    "reopened_at": (moment,),
    "consecutive_outbound": (number, "outbound_turns"),
    "last_outbound_at": (moment,),
    "turn_started_at": (moment,),
    "last_ack_at": (times,),
    "named_by_person": (yes, "named"),
    "inbound_automatic": (flag, "automatic"),
    "bot_barred": (flag,),
    "other_channel_open": (yes,),
}
_LEGS = (
    "same_entity",
    "completed_sale",
    "offered_at_collection",
    "offered_every_message",
    "similar_category",
    "not_refused",
    "non_health_audience",
)
_SOFT_OPT_IN: Table = {
    "enabled": (yes, "on", "switched_on"),
    "sale_id": (text, "sale"),
    **dict.fromkeys(
        (
            "same_entity",
            "completed_sale",
            "offered_at_collection",
            "offered_every_message",
            "similar_category",
            "not_refused",
            "non_health_audience",
        ),
        (flag,),
    ),
}
_CONTENT: Table = {
    **dict.fromkeys(("promo", "pom", "pressure", "health_terms", "books_u18_procedure", "identity_ok", "optout_ok"), (flag,)),
    "pom_answers_own_question": (yes,),
    "clinician_direction": (yes,),
    "interests": (words, "tags"),
    "images_ok": (flag,),
    "template": (choice(TemplateStatus), "template_status"),
    "scheduled_reminder": (flag, "reminder"),
}
_BASIS: Table = {
    **dict.fromkeys(("live_relation", "channel_given_for_it", "named_clinician", "reason_recorded"), (flag,)),
    "appointment_booked": (yes,),
    "revoked_at": (moment,),
    "confirmations_sent": (number,),
    "form_ticked_at": (moment,),
    "doi_last_sent_at": (times,),
    "case_open": (flag, "open_case"),
    "representative_verified": (yes,),
    "in_breach_register": (flag,),
    "notice_material": (flag,),
    "notice_already_sent": (flag,),
}
_ENV: Table = {
    "store_healthy": (flag, "store_health", "stores_healthy", "stores_up"),
    "local_zone": (text, "zone", "time_zone", "timezone"),
    "paused": (switches, "kill_switch", "kill_switches"),
    "route_ok": (flag, "route"),
    "window_messages": (number,),
    "window_sent": (number,),
    "marketing_sent_7d": (number, "sent_7d"),
    "marketing_sent_30d": (number, "sent_30d"),
    "campaign_already_sent": (flag, "campaign_sent"),
    "cap_frees_at": (moment,),
}


def read_facts(line: str) -> Facts:
    """The facts of one JSON line, named as policy §2.1 names them.

    {"kind", "channel", "country", "address", "invitation": {…} or a bare state, "consents": […], "soft_optin": {…},
    "suppressions": ["ALL_MARKETING", "CHANNEL(sms)", {"scope", "channel", "at"}], "flags": {…}, "content": {…},
    "selection", "purpose", "basis": {…}, "env": {"now", …}}. The members of flags, basis, invitation and env may also
    stand at the top. Raises ValueError, with a sentence to show, for a line that is no JSON object.
    """
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError("This line is not JSON") from error
    if not isinstance(data, dict):
        raise ValueError("This line is JSON, but not an object of facts")
    return _facts(plain(data))


def _facts(data: Mapping[str, object]) -> Facts:
    flags = _within(data, "flags")
    channel = choice(Channel)(data.get("channel"))
    return Facts(
        kind=choice(Kind)(data.get("kind")),
        channel=channel,
        env=_env(data, channel),
        country=country(data.get("country")),
        address=choice(AddressState)(_state(data.get("address"))),
        invitation=_invitation(data),
        consents=_all(_consent, data.get("consents")),
        suppressions=_all(_suppression, data.get("suppressions")),
        soft_optin=SoftOptInFacts(**_read(_SOFT_OPT_IN, _object(data.get("soft_optin")))),
        basis=BasisFacts(**_read(_BASIS, {**data, **_object(data.get("case")), **_object(data.get("basis"))})),
        content=ContentFacts(**_content(_object(data.get("content")))),
        selection=choice(Selection)(data.get("selection")),
        purpose=text(data.get("purpose")),
        restricted=flag(flags.get("restricted")),
        objections=words(flags.get("objections")),
        erasure=choice(ErasureState)(flags.get("erasure")),
        deceased=flag(flags.get("deceased")),
        age=number(flags.get("age")),
        age_confirmed=flag(flags.get("age_confirmed")),
    )


def _env(data: Mapping[str, object], channel: Channel | None) -> Env:
    given = _within(data, "env")
    shut = next((flag(given[name]) is not True for name in ("window", "window_open", "provider_window") if name in given), False)
    hours = number(given["reply_window_h"]) or 0 if given.get("reply_window_h") is not None else WINDOW_H.get(channel, 0)
    now = moment(given.get("now")) or _NO_CLOCK
    return Env(now=now, reply_window_h=0 if shut else hours, **{"store_healthy": None, **_read(_ENV, given)})


def _invitation(data: Mapping[str, object]) -> InvitationFacts | None:
    given = data.get("invitation")
    if given is None:
        return None
    inside = given if isinstance(given, dict) else {"state": given}
    return InvitationFacts(**{"state": None, **_read(_INVITATION, {**data, **inside})})


def _content(given: Mapping[str, object]) -> dict[str, Any]:
    read = _read(_CONTENT, given)
    return read | {"interests": read.get("interests") or (), "template": read.get("template") or TemplateStatus.NONE}


def _consent(given: object) -> ConsentFacts | None:
    """One consent; None when it does not even say what it is for, which leaves all of them unknown."""
    if not isinstance(given, dict):
        return None
    purpose, channel = text(given.get("purpose")), choice(Channel)(given.get("channel"))
    if purpose is None or channel is None:
        return None
    status = text(given.get("status"))
    return ConsentFacts(
        id=text(given.get("id") or given.get("consent_id")) or "unnamed",
        purpose=purpose,
        channel=channel,
        interests=words(given.get("interests", given.get("tags"))) or (),
        given_at=moment(given.get("given_at", given.get("occurred_at"))) or _NEVER_KNOWN,
        confirmed=flag(given.get("confirmed")),
        proven=flag(given.get("proven")),
        ended=flag(given.get("ended")) if status is None else status.lower() != "active",
        wording=text(given.get("wording", given.get("wording_id"))),
        health_relevance=yes(given.get("health_relevance", given.get("includes_health_relevance"))),
    )


def _suppression(given: object) -> Suppression | None:
    """One suppression, "CHANNEL(sms)" or an object; None when it cannot be read, which leaves all of them unknown."""
    if isinstance(given, str):
        scope, bracket, about = given.strip().partition("(")
        return _stop(scope, about.rstrip(") ") if bracket else None, None)
    if not isinstance(given, dict):
        return None
    named = given.get("channel") or given.get("interest") or given.get("purpose")
    return _stop(given.get("scope"), named, given.get("at"))


def _stop(scope: object, about: object, at: object) -> Suppression | None:
    known = choice(Scope)(scope)
    on = choice(Channel)(about)
    per_channel = known in (Scope.CHANNEL, Scope.CHANNEL_MARKETING)
    if known is None or (per_channel and about is not None and on is None):
        return None
    return Suppression(
        scope=known,
        at=moment(at) or _NEVER_KNOWN,
        channel=on if per_channel else None,
        interest=text(about) if known is Scope.INTEREST else None,
        purpose=text(about) if known is Scope.PURPOSE else None,
    )


def _all(read: Callable[[object], T | None], given: object) -> tuple[T, ...] | None:
    """Every item, or None as soon as one of them cannot be read: what is not understood is not left out."""
    if not isinstance(given, list):
        return None
    items = [read(item) for item in given]
    found = tuple(item for item in items if item is not None)
    return found if len(found) == len(items) else None


def _read(table: Table, given: Mapping[str, object]) -> dict[str, Any]:
    """The fields of the table that the object has, under any of their names."""
    found: dict[str, Any] = {}
    for field, (read, *others) in table.items():
        for name in (field, *others):
            if name in given:
                found[field] = read(given[name])
                break
    return found


def _within(data: Mapping[str, object], name: str) -> Mapping[str, object]:
    """The members of an object inside the line, before those of the line itself."""
    return {**data, **_object(data.get(name))}


def _object(given: object) -> Mapping[str, object]:
    return given if isinstance(given, dict) else {}


def _state(given: object) -> object:
    return given.get("state") if isinstance(given, dict) else given
