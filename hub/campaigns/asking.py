"""The judge's questions about a campaign: for one person from a row of facts, and for everybody at once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from hub.gate.routes import capabilities, route_ok
from hub.model.address import Channel
from hub.model.campaign import Draft
from hub.model.ids import ContactId, IdentityId
from hub.model.message import Account
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
    Reason,
    Scope,
    Selection,
    SoftOptInFacts,
    Suppression,
)
from hub.policy.consent import years
from hub.policy.permission import decide
from hub.policy.quiet import quiet_until
from hub.store.audience import Question
from hub.store.turns import Turn

# A campaign's own account of who wrote it changes nothing: nobody invited it, and it needs no invitation.
_UNINVITED = InvitationFacts(state=InvitationState.NONE, consecutive_outbound=0, inbound_automatic=False)
_NOTHING_SOLD, _NO_OTHER_BASIS, _NOBODY = SoftOptInFacts(), BasisFacts(), UUID(int=0)
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

    def env(self, now: datetime, *, paused: bool) -> Env:
        """The world at this moment, as it is for everybody who was sent nothing lately. paused: a kill switch covers the campaign."""
        return Env(
            now=now,
            store_healthy=True,
            paused=paused,
            route_ok=route_ok(self.account),
            reply_window_h=capabilities(self.account).reply_window_h if self.account else 0,
            marketing_sent_7d=0,
            marketing_sent_30d=0,
            campaign_already_sent=False,
        )

    def facts(self, turn: Turn, rows: Sequence[Mapping[str, Any]], env: Env) -> Facts:
        """What may be looked at for one person (`hub.store.turns.facts_of`)."""
        person, row = turn.person, rows[0]
        sent, stops, objections = row["sent"], row["suppressions"], row["objections"]
        return Facts(
            kind=Kind.MKT,
            channel=self.draft.channel,
            env=self._with_sent(env, sent) if sent else env,
            country=row["country"],
            address=None if person["merged"] else _address(turn.address, row),
            invitation=_UNINVITED,
            consents=self._consents(rows),
            suppressions=_suppressions(stops) if stops else (),
            soft_optin=_NOTHING_SOLD,
            basis=_NO_OTHER_BASIS,
            content=self.content,
            selection=Selection.DECLARED_INTEREST,
            purpose=self.draft.purpose,
            restricted=person["restricted"],
            objections=tuple(sorted(set(objections))) if objections else (),
            erasure=_ERASURE.get(person["erasure"]),
            deceased=person["deceased"],
            age=years(person["birth_date"], person["age_confirmed"], env.now.date()),
            age_confirmed=person["age_confirmed"],
        )

    def _with_sent(self, env: Env, sent: Sequence[tuple[datetime, bool]]) -> Env:
        """The world for somebody who was. sent: when each left, and whether it was this campaign's."""
        lately = sorted((at for at, _ in sent if at > env.now - timedelta(days=30)), reverse=True)
        week = sum(1 for at in lately if at > env.now - timedelta(days=7))
        return replace(
            env,
            marketing_sent_7d=week,
            marketing_sent_30d=len(lately),
            campaign_already_sent=any(ours for _, ours in sent),
            cap_frees_at=self._frees_at(lately, week),
        )

    def _frees_at(self, sent: list[datetime], week: int) -> datetime | None:
        """When both caps let one more go. sent: newest first."""
        frees: list[datetime] = []
        if 0 < self.policy.cap_7d <= week:
            frees.append(sent[self.policy.cap_7d - 1] + timedelta(days=7))
        if 0 < self.policy.cap_30d <= len(sent):
            frees.append(sent[self.policy.cap_30d - 1] + timedelta(days=30))
        return max(frees, default=None)

    def _consents(self, rows: Sequence[Mapping[str, Any]]) -> tuple[ConsentFacts, ...]:
        channel, purpose = self.draft.channel, self.draft.purpose
        return tuple(
            [
                ConsentFacts(
                    id=str(row["consent_id"]),
                    purpose=purpose,
                    channel=channel,
                    interests=tuple(row["interests"]),
                    given_at=row["given_at"],
                    confirmed=row["confirmed"],
                    proven=row["proven"],
                    ended=row["ended"],
                    wording=row["wording"],
                    health_relevance=row["health_relevance"],
                )
                for row in rows
                if row["consent_id"] is not None
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
        person: Mapping[str, object] = {
            "merged": False, "restricted": False, "erasure": "none", "deceased": False,
            "birth_date": date(1980, 1, 1), "age_confirmed": True,
        }  # fmt: skip
        row: Mapping[str, object] = {
            "country": next(iter(sorted(self.policy.marketing_countries)), None), "address": "-", "verified": True, "consent_id": None,
            "suppressions": (), "objections": (), "sent": (),
        }  # fmt: skip
        spotless = Turn(ContactId(_NOBODY), IdentityId(_NOBODY), b"-", None, person, {"state": "ok"})
        return replace(self.facts(spotless, [row], self.env(now, paused=False)), consents=(consent,))

    def quiet_until(self, now: datetime) -> datetime | None:
        """When the judge's quiet hours end; None outside them."""
        return quiet_until(now, None, self.policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    reason: Reason
    gate: int


def _address(address: Mapping[str, Any] | None, row: Mapping[str, Any]) -> AddressState | None:
    if address is None or row["address"] is None:
        return None
    if address["state"] != "ok":
        return _ADDRESS.get(address["state"])
    return AddressState.VERIFIED if row["verified"] else AddressState.TYPED_UNVERIFIED


def _suppressions(rows: Iterable[tuple[str, str | None, str | None, str | None, datetime]]) -> tuple[Suppression, ...]:
    """Each once, though person and address both lead to it, and always in the same order."""
    found = {
        Suppression(
            scope=Scope(scope), at=at, channel=Channel(channel) if channel else None, interest=interest or None, purpose=purpose or None
        )
        for scope, channel, interest, purpose, at in rows
    }
    return tuple(sorted(found, key=repr))
