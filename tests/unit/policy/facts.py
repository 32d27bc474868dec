"""The base case of policy §2.6 and what differs from it, row by row. Builders only; no test lives here."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

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
    PolicySettings,
    Scope,
    Selection,
    SoftOptInFacts,
    Suppression,
)

NOW = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # a Tuesday, 11:00 in London
SETTINGS = PolicySettings()
WINDOWS = {Channel.WHATSAPP: 24, Channel.MESSENGER: 24, Channel.INSTAGRAM: 24, Channel.WECHAT: 48}  # policy §2.5

CLEAN = ContentFacts(
    promo=False,
    pom=False,
    pressure=False,
    health_terms=False,
    books_u18_procedure=False,
    identity_ok=True,
    optout_ok=True,
    interests=("skincare",),
    images_ok=True,
    scheduled_reminder=True,
)
SALE = SoftOptInFacts(
    enabled=True,
    sale_id="sale-1",
    same_entity=True,
    completed_sale=True,
    offered_at_collection=True,
    offered_every_message=True,
    similar_category=True,
    not_refused=True,
    non_health_audience=True,
)


def ago(**span: float) -> datetime:
    """A moment before NOW."""
    return NOW - timedelta(**span)


def base(kind: Kind, channel: Channel, **changes: Any) -> Facts:
    """Base case B: adult 34 confirmed, GB, verified, nothing suppressed, stores up, clean content, nobody invited.

    Keys of `changes` are fields of Facts, or "env__x", "content__x", "basis__x" for a field of those.
    """
    env = Env(
        now=NOW,
        store_healthy=True,
        local_zone="Europe/London",
        paused=False,
        route_ok=True,
        marketing_sent_7d=0,
        marketing_sent_30d=0,
        campaign_already_sent=False,
        reply_window_h=WINDOWS.get(channel),
    )
    facts = Facts(
        kind=kind,
        channel=channel,
        env=env,
        country="GB",
        address=AddressState.VERIFIED,
        invitation=InvitationFacts(state=InvitationState.NONE, consecutive_outbound=0, inbound_automatic=False, bot_barred=False),
        consents=(),
        suppressions=(),
        content=CLEAN,
        selection=Selection.DECLARED_INTEREST,
        purpose="ads_match" if kind is Kind.ADS else "promotion" if kind is Kind.MKT else None,
        restricted=False,
        objections=(),
        erasure=ErasureState.NONE,
        deceased=False,
        age=34,
        age_confirmed=True,
    )
    return changed(facts, **changes)


def changed(facts: Facts, **changes: Any) -> Facts:
    """The facts with some of them changed; "env__now" means the field `now` of `env`."""
    for path, value in changes.items():
        outer, _, inner = path.partition("__")
        facts = replace(facts, **{outer: replace(getattr(facts, outer), **{inner: value}) if inner else value})
    return facts


def invited(state: InvitationState = InvitationState.OPEN, **changes: Any) -> InvitationFacts:
    """An invitation that was taken up two hours ago and not answered yet."""
    facts: dict[str, Any] = {
        "state": state,
        "opened_at": ago(hours=2),
        "last_inbound_at": ago(hours=2),
        "consecutive_outbound": 0,
        "inbound_automatic": False,
        "bot_barred": False,
    }
    return InvitationFacts(**facts | changes)


def consent(channel: Channel = Channel.EMAIL, **changes: Any) -> ConsentFacts:
    """A consent to promotion about skincare, given in March, proven and confirmed."""
    facts: dict[str, Any] = {
        "id": "consent-1",
        "purpose": "promotion",
        "channel": channel,
        "interests": ("skincare",),
        "given_at": datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
        "confirmed": True,
        "proven": True,
        "ended": False,
        "wording": "news@1/en",
    }
    return ConsentFacts(**facts | changes)


def stop(scope: Scope, channel: Channel | None = None, **changes: Any) -> Suppression:
    """A suppression of yesterday."""
    facts: dict[str, Any] = {"scope": scope, "at": ago(days=1), "channel": channel}
    return Suppression(**facts | changes)


def allowed(kind: Kind) -> Facts:
    """The plainest case in which a message of this kind may go."""
    return _ALLOWED[kind]


_RECENT = invited(last_inbound_at=ago(minutes=2), opened_at=ago(minutes=2))
_ALLOWED = {
    Kind.RPL: base(Kind.RPL, Channel.WHATSAPP, invitation=invited()),
    Kind.ACK: base(Kind.ACK, Channel.EMAIL, invitation=_RECENT),
    Kind.BOT: base(Kind.BOT, Channel.WHATSAPP, invitation=_RECENT),
    Kind.SVC: base(Kind.SVC, Channel.SMS, basis=BasisFacts(live_relation=True, channel_given_for_it=True)),
    Kind.SAF: base(Kind.SAF, Channel.SMS, basis=BasisFacts(live_relation=True, named_clinician=True, reason_recorded=True)),
    Kind.OOC: base(Kind.OOC, Channel.SMS, basis=BasisFacts(revoked_at=ago(seconds=40), confirmations_sent=0)),
    Kind.DOI: base(Kind.DOI, Channel.EMAIL, basis=BasisFacts(form_ticked_at=ago(minutes=1)), address=AddressState.TYPED_UNVERIFIED),
    Kind.MKT: base(Kind.MKT, Channel.EMAIL, consents=(consent(),)),
    Kind.ADS: base(Kind.ADS, Channel.ADS, consents=(consent(Channel.ADS, purpose="ads_match"),)),
    Kind.RTS: base(Kind.RTS, Channel.EMAIL, basis=BasisFacts(case_open=True)),
    Kind.BRN: base(Kind.BRN, Channel.EMAIL, basis=BasisFacts(in_breach_register=True)),
    Kind.NTC: base(Kind.NTC, Channel.EMAIL, basis=BasisFacts(notice_material=True, notice_already_sent=False)),
}
