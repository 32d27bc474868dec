"""What the judge is asked and what it answers: facts in, decision out (policy §2).

Every fact has an unknown value, and unknown is the refusing value. `None` means unknown throughout, unless the
field's note says otherwise; an empty tuple means "looked, and there is none".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import msgspec

from hub.model.address import Channel
from hub.model.sealed import Sealed


class Kind(StrEnum):
    """Why a message is sent (policy §2.1)."""

    RPL = "RPL"  # human reply
    ACK = "ACK"  # automatic acknowledgement
    BOT = "BOT"  # automatic answer
    SVC = "SVC"  # service: appointment, aftercare, payment
    SAF = "SAF"  # urgent clinical safety, staff clinician only
    OOC = "OOC"  # opt-out confirmation
    DOI = "DOI"  # confirm-your-opt-in
    MKT = "MKT"  # marketing
    ADS = "ADS"  # ad-audience export
    RTS = "RTS"  # rights and complaint correspondence
    BRN = "BRN"  # breach notice
    NTC = "NTC"  # notice change


def kind_of(text: str | None) -> Kind | None:
    """The kind a row names; None for one nobody knows, which the judge refuses."""
    try:
        return Kind(text) if text else None
    except ValueError:
        return None


class Scope(StrEnum):
    """How far a suppression reaches, widest first."""

    ALL_CONTACT = "ALL_CONTACT"
    CHANNEL = "CHANNEL"
    ALL_MARKETING = "ALL_MARKETING"
    CHANNEL_MARKETING = "CHANNEL_MARKETING"
    INTEREST = "INTEREST"
    PURPOSE = "PURPOSE"


class InvitationState(StrEnum):
    """Whether the person asked us to speak, per person, channel and thread (policy R7-R9)."""

    NONE = "NONE"
    OPEN = "OPEN"
    DIALOGUE = "DIALOGUE"
    NO_ANSWER = "NO_ANSWER"
    DORMANT = "DORMANT"
    WITHDRAWN = "WITHDRAWN"
    CLOSED = "CLOSED"


class AddressState(StrEnum):
    VERIFIED = "verified"
    TYPED_UNVERIFIED = "typed_unverified"
    INVALID = "invalid"
    REASSIGNED = "reassigned"
    WRONG_PERSON = "wrong_person"


class ErasureState(StrEnum):
    NONE = "none"
    PENDING = "pending"
    DONE = "done"


class Selection(StrEnum):
    """How the audience was chosen (policy R14, D4)."""

    NONE = "none"
    DECLARED_INTEREST = "declared_interest"
    HEALTH_HISTORY = "health_history"
    RETAIL_SALE = "retail_sale"


class TemplateStatus(StrEnum):
    NONE = "none"
    APPROVED_UTILITY = "approved_utility"
    APPROVED_MARKETING = "approved_marketing"
    HUMAN_AGENT_TAG = "human_agent_tag"
    NOT_APPROVED = "not_approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """A standing "never". channel, interest and purpose are set exactly where the scope needs them.

    at: when the person said so (provider time), the moment a reopened thread is compared with.
    """

    scope: Scope
    at: datetime
    channel: Channel | None = None
    interest: str | None = None
    purpose: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationFacts:
    """The invitation on this person, channel and thread, as stored; `NO_ANSWER` and `DORMANT` follow from it.

    state: None when not known. last_inbound_at: None when the person never wrote on this channel.
    named_by_person: the person named this channel for the answer (the form's "Where may we answer?").
    """

    state: InvitationState | None
    opened_at: datetime | None = None
    last_inbound_at: datetime | None = None
    reopened_at: datetime | None = None  # the person wrote again after withdrawing
    consecutive_outbound: int | None = None
    last_outbound_at: datetime | None = None
    turn_started_at: datetime | None = None  # parts within 10 minutes of it count as one turn
    last_ack_at: datetime | None = None  # None: never
    named_by_person: bool = False
    inbound_automatic: bool | None = None
    bot_barred: bool | None = None
    other_channel_open: bool = False  # an invitation stands on another channel of this thread: CROSS_CHANNEL


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentFacts:
    """One consent as derived from its events (policy §5): the latest word on purpose and channel.

    given_at: the last affirmative act. confirmed: true for channel-native consent, which needs no confirmation.
    proven: wording known, box unticked when shown, unbundled. ended: withdrawn, expired or invalidated.
    """

    id: str
    purpose: str
    channel: Channel
    interests: tuple[str, ...]
    given_at: datetime
    confirmed: bool | None
    proven: bool | None
    ended: bool | None
    wording: str | None = None  # "id@version/locale"
    health_relevance: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftOptInFacts:
    """The legs of the soft opt-in (policy R19); all must be true, and the feature is off by default."""

    enabled: bool = False
    sale_id: str | None = None
    same_entity: bool | None = None
    completed_sale: bool | None = None
    offered_at_collection: bool | None = None
    offered_every_message: bool | None = None
    similar_category: bool | None = None
    not_refused: bool | None = None
    non_health_audience: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentFacts:
    """What the content check found in the text (policy §8). None: not checked, which refuses where it matters."""

    promo: bool | None = None
    pom: bool | None = None
    pom_answers_own_question: bool = False  # R/reg 7(3)(c): the person named the medicine first, in this thread
    pressure: bool | None = None
    health_terms: bool | None = None
    books_u18_procedure: bool | None = None
    clinician_direction: bool = False
    identity_ok: bool | None = None
    optout_ok: bool | None = None
    interests: tuple[str, ...] = ()
    images_ok: bool | None = None
    template: TemplateStatus = TemplateStatus.NONE
    scheduled_reminder: bool | None = None  # SVC: quiet hours bind reminders, not answers


@dataclass(frozen=True, slots=True, kw_only=True)
class BasisFacts:
    """What the other kinds stand on (policy §2.3). Only the fields of the asked kind are read."""

    # SVC
    live_relation: bool | None = None
    channel_given_for_it: bool | None = None
    appointment_booked: bool = False
    # SAF
    named_clinician: bool | None = None
    reason_recorded: bool | None = None
    # OOC
    revoked_at: datetime | None = None
    confirmations_sent: int | None = None  # ours or the gateway's, for this revocation
    # DOI
    form_ticked_at: datetime | None = None
    doi_last_sent_at: datetime | None = None  # None: never
    # RTS, BRN, NTC
    case_open: bool | None = None
    representative_verified: bool = False
    in_breach_register: bool | None = None
    notice_material: bool | None = None
    notice_already_sent: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Env:
    """The world at the moment of asking. store_healthy: None means it could not be found out."""

    now: datetime
    store_healthy: bool | None
    local_zone: str | None = None  # IANA name of the address's zone; None: Europe/London, two hours narrower
    paused: bool | None = None  # a kill switch covers this kind, channel, account or campaign
    route_ok: bool | None = None  # the channel carries outbound and its processor is registered
    marketing_sent_7d: int | None = None
    marketing_sent_30d: int | None = None
    campaign_already_sent: bool | None = None
    cap_frees_at: datetime | None = None
    reply_window_h: int | None = 0  # None: the channel has no window; hours otherwise
    window_messages: int | None = None  # free messages the channel allows within its window; None: it counts none
    window_sent: int | None = None  # how many of them were sent since the person last wrote


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the judge may look at for one message to one person on one channel."""

    kind: Kind | None
    channel: Channel | None
    env: Env
    country: str | None = None  # ISO 3166 alpha-2 of the address
    address: AddressState | None = None
    invitation: InvitationFacts | None = None
    consents: tuple[ConsentFacts, ...] | None = None
    suppressions: tuple[Suppression, ...] | None = None
    soft_optin: SoftOptInFacts = field(default_factory=SoftOptInFacts)
    basis: BasisFacts = field(default_factory=BasisFacts)
    content: ContentFacts = field(default_factory=ContentFacts)
    selection: Selection | None = None
    purpose: str | None = None  # MKT, ADS: promotion, newsletter, event, ads_match; RPL, SVC: objections only
    restricted: bool | None = None
    objections: tuple[str, ...] | None = None
    erasure: ErasureState | None = None
    deceased: bool | None = None
    age: int | None = None
    age_confirmed: bool | None = None


class Outcome(StrEnum):
    ALLOW = "ALLOW"
    REFUSE = "REFUSE"


class Reason(StrEnum):
    """Why. `ALLOW` carries its ground; every other member is a refusal, in the order of the gates (policy §2.2)."""

    ALLOW = "ALLOW"
    BAD_INPUT = "BAD_INPUT"
    STORE_DOWN = "STORE_DOWN"
    PAUSED = "PAUSED"
    NO_ROUTE = "NO_ROUTE"
    DECEASED = "DECEASED"
    BAD_ADDRESS = "BAD_ADDRESS"
    ERASED = "ERASED"
    ERASURE_PENDING = "ERASURE_PENDING"
    MISLABELLED = "MISLABELLED"
    STOP_ALL = "STOP_ALL"
    STOP_CHANNEL = "STOP_CHANNEL"
    RESTRICTED = "RESTRICTED"
    UNDER_18 = "UNDER_18"
    AGE_UNKNOWN = "AGE_UNKNOWN"
    UNDER18_PROCEDURE = "UNDER18_PROCEDURE"
    SUPPRESSED = "SUPPRESSED"
    OBJECTED = "OBJECTED"
    COUNTRY = "COUNTRY"
    NO_INVITATION = "NO_INVITATION"
    CROSS_CHANNEL = "CROSS_CHANNEL"
    NO_ANSWER = "NO_ANSWER"
    AUTO_INBOUND = "AUTO_INBOUND"
    ACK_USED = "ACK_USED"
    BOT_BARRED = "BOT_BARRED"
    NO_RELATION = "NO_RELATION"
    OOC_USED = "OOC_USED"
    OOC_LATE = "OOC_LATE"
    NO_FRESH_FORM = "NO_FRESH_FORM"
    NO_CONSENT = "NO_CONSENT"
    CONSENT_UNPROVEN = "CONSENT_UNPROVEN"
    CONSENT_EXPIRED = "CONSENT_EXPIRED"
    CONSENT_UNCONFIRMED = "CONSENT_UNCONFIRMED"
    NO_SOFT_OPTIN = "NO_SOFT_OPTIN"
    HEALTH_SELECTION = "HEALTH_SELECTION"
    NO_CASE = "NO_CASE"
    NO_NOTICE = "NO_NOTICE"
    NOT_CLINICIAN = "NOT_CLINICIAN"
    NOT_RELEVANT = "NOT_RELEVANT"
    POM = "POM"
    CONTENT = "CONTENT"
    FOOTER = "FOOTER"
    HEALTH_LEAK = "HEALTH_LEAK"
    WINDOW = "WINDOW"
    WINDOW_USED = "WINDOW_USED"
    CAP = "CAP"
    QUIET = "QUIET"
    NO_RULE = "NO_RULE"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The judge's answer. gate: 1-26, the row of policy §2.2 that spoke (26 for ALLOW).

    proofs: what an ALLOW stands on, as "name=value" pairs of ids and times, never text:
    ("ground=consent", "consent=…", "wording=…"). facts: what it was decided on; kept for the digest alone.
    One is made for every person of every campaign, and a struct is made in a tenth of a dataclass's time.
    """

    outcome: Outcome
    reason: Reason
    gate: int
    policy_version: str
    facts: Facts | None
    retry_at: datetime | None = None
    proofs: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Decision({self.outcome}, {self.reason}, gate={self.gate}, retry_at={self.retry_at}, proofs={self.proofs})"

    @property
    def facts_digest(self) -> str:
        """32 hex digits over all the facts: two decisions on the same facts share it."""
        try:
            whole = msgspec.msgpack.encode(self.facts)
        except (TypeError, ValueError, OverflowError, RecursionError):  # facts of no known shape, on which nothing was allowed
            whole = repr(self.facts).encode("utf-8", "backslashreplace")
        return hashlib.blake2b(whole, digest_size=16).hexdigest()

    @property
    def allowed(self) -> bool:
        return self.outcome is Outcome.ALLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """The numbers marked [C] in policy.md, from config/policy.toml; defaults are the policy's."""

    unanswered_turns: int = 2
    turn_parts_min: int = 10
    dormant_days: int = 30
    ack_every_h: int = 24
    bot_fresh_min: int = 15
    ooc_within_min: int = 5
    doi_within_min: int = 15
    doi_every_days: int = 90
    consent_months: int = 24
    cap_7d: int = 2
    cap_30d: int = 6
    quiet_weekday: tuple[int, int] = (9, 20)
    quiet_sunday: tuple[int, int] = (10, 18)
    quiet_unknown_narrower_h: int = 2
    window_margin_min: int = 5  # our safety margin on provider windows (channels.md §0)
    marketing_countries: frozenset[str] = frozenset({"GB"})
    soft_optin: bool = False
    # A campaign pauses itself when more than so many in a thousand of those let go failed, complained or wrote stop.
    campaign_failed_permille: int = 30
    campaign_complained_permille: int = 1
    campaign_stopped_permille: int = 20


class OptOutLabel(StrEnum):
    """What the recogniser made of a text (policy §3)."""

    OPT_OUT = "OPT_OUT"
    AMBIGUOUS = "AMBIGUOUS"
    RIGHTS = "RIGHTS"
    WRONG_PERSON = "WRONG_PERSON"
    OPT_IN = "OPT_IN"
    HELP = "HELP"
    NONE = "NONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """The recogniser's answer for one inbound text.

    suppress: what to write, widest first; empty unless label is OPT_OUT, AMBIGUOUS, WRONG_PERSON or an
    erasure/objection request. matched_span: start and end in the text as received, (0, 0) when nothing matched.
    flags: "appointment?" (a cancel word that may mean the appointment), "urgent", "under_18", "help".
    rights: the kind of request where label is RIGHTS.
    """

    label: OptOutLabel
    suppress: tuple[tuple[Scope, Channel | None], ...] = ()
    rule_id: str = ""
    language: str = ""
    matched_span: tuple[int, int] = (0, 0)
    rights: str | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TextContext:
    """What the recogniser may know besides the text."""

    channel: Channel
    last_outbound_kind: Kind | None = None
    last_outbound_at: datetime | None = None
    last_outbound_text: Sealed[str] | None = None  # what it said, where that was a text message: it may offer letters to stop with
    last_outbound_offered: tuple[str, ...] = ()  # the same where the text is not at hand: single-letter stop words ("T", "R", "11")
    sender_prefix: str | None = None  # E.164 country prefix where known, e.g. "+86"
    appointment_pending: bool = False
    now: datetime | None = None
