"""The judge's questions about a campaign: for one person from a row of facts, and for everybody at once. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from hub.gate.routes import capabilities, route_ok
from hub.model.address import Channel
from hub.model.campaign import Draft
from hub.model.message import Account
from hub.model.permission import (
    AddressState,
    ConsentFacts,
    ContentFacts,
    Env,
    ErasureState,
    Facts,
    InvitationFacts,
    InvitationState,
    Kind,
    PolicySettings,
    Reason,
    Scope,
    Selection,
    Suppression,
)
from hub.policy.consent import years
from hub.policy.permission import decide
from hub.policy.quiet import quiet_until
from hub.store.audience import Question
from hub.store.pool import Row

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A campaign's own account of who wrote it changes nothing: nobody invited it, and it needs no invitation.
_UNINVITED = InvitationFacts(state=InvitationState.NONE, consecutive_outbound=0, inbound_automatic=False)
_ERASURE = {state.value: state for state in ErasureState}
_ADDRESS = {state.value: state for state in AddressState}
_FIRST_GATES = 4  # what they look at is the same for everybody


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Makes the facts of one campaign's people. content: as checked at approval."""

    draft: Draft
    content: ContentFacts
    account: Account | None
    policy: PolicySettings

    def facts(self, row: Row, now: datetime) -> Facts:
        """What may be looked at for one person (`hub.store.recipients.facts_of`)."""
        return Facts(
            kind=Kind.MKT,
            channel=self.draft.channel,
            env=self._env(row, now),
            country=row["country"],
            address=None if row["merged"] else _address(row),
            invitation=_UNINVITED,
            consents=self._consents(row["consents"]),
            suppressions=tuple([_suppression(values) for values in row["suppressions"]]) if row["suppressions"] else (),
            content=self.content,
            selection=Selection.DECLARED_INTEREST,
            purpose=self.draft.purpose,
            restricted=row["restricted"],
            objections=tuple(row["objections"] or ()),
            erasure=_ERASURE.get(row["erasure"]),
            deceased=row["deceased"],
            age=years(row["birth_date"], row["age_confirmed"], now.date()),
            age_confirmed=row["age_confirmed"],
        )

    def _env(self, row: Row, now: datetime) -> Env:
        sent = row["sent_at"] or ()
        week = sum(1 for at in sent if at > now - timedelta(days=7))
        return Env(
            now=now,
            store_healthy=True,
            paused=row["paused"],
            route_ok=route_ok(self.account),
            reply_window_h=capabilities(self.account).reply_window_h if self.account else 0,
            marketing_sent_7d=week,
            marketing_sent_30d=len(sent),
            campaign_already_sent=bool(row["already"]),
            cap_frees_at=self._frees_at(sent, week) if sent else None,
        )

    def _frees_at(self, sent: list[datetime], week: int) -> datetime | None:
        """When both caps let one more go. sent: newest first."""
        frees: list[datetime] = []
        if 0 < self.policy.cap_7d <= week:
            frees.append(sent[self.policy.cap_7d - 1] + timedelta(days=7))
        if 0 < self.policy.cap_30d <= len(sent):
            frees.append(sent[self.policy.cap_30d - 1] + timedelta(days=30))
        return max(frees, default=None)

    def _consents(self, rows: list[Row] | None) -> tuple[ConsentFacts, ...]:
        if not rows:
            return ()
        channel, purpose = self.draft.channel, self.draft.purpose
        return tuple(
            [
                ConsentFacts(
                    id=str(consent_id),
                    purpose=purpose,
                    channel=channel,
                    interests=tuple(interests),
                    given_at=given_at,
                    confirmed=confirmed,
                    proven=proven,
                    ended=ended,
                    wording=wording,
                    health_relevance=health,
                )
                for consent_id, interests, given_at, confirmed, proven, ended, wording, health in rows
            ]
        )

    def question(self, now: datetime) -> Question:
        """The audience: whom it means, and what the judge would say to everybody alike."""
        refusal = self._refusal_of_all(now)
        first = refusal.reason if refusal and refusal.gate <= _FIRST_GATES else None
        return Question(
            channel=self.draft.channel,
            purpose=self.draft.purpose,
            interests=self.content.interests,
            first=first,
            last=refusal.reason if refusal and first is None else None,
        )

    def _refusal_of_all(self, now: datetime) -> _Refusal | None:
        """What stands against even a person against whom nothing stands. The hour does not count: it passes."""
        decision = decide(self._spotless(now), self.policy)
        if decision.allowed or decision.reason in (Reason.QUIET, Reason.NOT_RELEVANT):
            return None
        return _Refusal(reason=decision.reason, gate=decision.gate)

    def _spotless(self, now: datetime) -> Facts:
        consent = ConsentFacts(
            id="-", purpose=self.draft.purpose, channel=self.draft.channel, interests=self.content.interests,
            given_at=now, confirmed=True, proven=True, ended=False, wording="-",
        )  # fmt: skip
        row: Mapping[str, object] = {
            "country": next(iter(sorted(self.policy.marketing_countries)), None), "merged": False, "address_hash": b"-", "address": "-",
            "address_state": "ok", "verified": True, "consents": None, "suppressions": None, "restricted": False, "erasure": "none",
            "deceased": False, "birth_date": date(1980, 1, 1), "age_confirmed": True, "sent_at": None, "already": False, "paused": False,
            "objections": None,
        }  # fmt: skip
        return _with_consent(self.facts(row, now), consent)

    def quiet_until(self, now: datetime) -> datetime | None:
        """When the judge's quiet hours end; None outside them."""
        return quiet_until(now, None, self.policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    reason: Reason
    gate: int


def _with_consent(facts: Facts, consent: ConsentFacts) -> Facts:
    return replace(facts, consents=(consent,))


def _address(row: Row) -> AddressState | None:
    if row["address_hash"] is None or row["address"] is None:
        return None
    if row["address_state"] != "ok":
        return _ADDRESS.get(row["address_state"])
    return AddressState.VERIFIED if row["verified"] else AddressState.TYPED_UNVERIFIED


def _suppression(values: list[object]) -> Suppression:
    scope, channel, interest, purpose, at = values
    return Suppression(
        scope=Scope(str(scope)),
        channel=Channel(str(channel)) if channel else None,
        interest=str(interest) if interest else None,
        purpose=str(purpose) if purpose else None,
        at=EPOCH + timedelta(microseconds=int(str(at))),
    )
