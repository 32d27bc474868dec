"""The fifty worked rows of policy §2.6, one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hub.model.address import Channel
from hub.model.permission import BasisFacts, ErasureState, Facts, Kind, PolicySettings, Reason, Scope, Selection
from hub.model.permission import InvitationState as S
from hub.policy.invitation import after_inbound, after_withdrawal
from hub.policy.permission import decide
from tests.unit.policy.facts import CLEAN, SALE, SETTINGS, ago, allowed, base, changed, consent, invited, stop

K, C, R = Kind, Channel, Reason
SOFT = replace(SETTINGS, soft_optin=True)
ALL_MARKETING = (stop(Scope.ALL_MARKETING),)
BARE_STOP = (stop(Scope.ALL_MARKETING), stop(Scope.CHANNEL, C.WECHAT))
WITHDRAWN = after_withdrawal(invited(opened_at=ago(days=3), last_inbound_at=ago(days=1)), at=ago(days=1))
REOPENED = after_inbound(WITHDRAWN, at=ago(minutes=5), automatic=False)
NAMED_IN_FORM = invited(named_by_person=True, last_inbound_at=None)
ELSEWHERE = invited(S.NONE, opened_at=None, last_inbound_at=None, other_channel_open=True)
RECENT = invited(last_inbound_at=ago(minutes=2))
RELATION = BasisFacts(live_relation=True, channel_given_for_it=True)
CLINICIAN = BasisFacts(live_relation=True, named_clinician=True, reason_recorded=True)
HAIR = replace(CLEAN, interests=("hair",))
NIGHT = datetime(2026, 11, 24, 22, 30, tzinfo=UTC)
MORNING = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)

ROWS: list[tuple[int, Facts, Reason]] = [
    (1, base(K.RPL, C.WHATSAPP, invitation=invited()), R.ALLOW),
    (2, base(K.RPL, C.WHATSAPP, invitation=invited(last_inbound_at=ago(hours=26))), R.WINDOW),
    (3, base(K.RPL, C.SMS, invitation=NAMED_IN_FORM), R.ALLOW),
    (4, base(K.RPL, C.SMS, invitation=ELSEWHERE), R.CROSS_CHANNEL),
    (5, base(K.RPL, C.EMAIL, invitation=invited(S.DIALOGUE), content__promo=True), R.MISLABELLED),
    (6, base(K.RPL, C.EMAIL, invitation=invited(S.DIALOGUE, consecutive_outbound=2, turn_started_at=ago(hours=1))), R.NO_ANSWER),
    (7, base(K.RPL, C.WECHAT, invitation=WITHDRAWN, suppressions=BARE_STOP), R.STOP_CHANNEL),
    (7, base(K.RPL, C.WECHAT, invitation=WITHDRAWN, suppressions=(stop(Scope.ALL_CONTACT),)), R.STOP_ALL),
    (8, base(K.RPL, C.WECHAT, invitation=REOPENED, suppressions=BARE_STOP), R.ALLOW),
    (8, base(K.MKT, C.WECHAT, invitation=REOPENED, suppressions=ALL_MARKETING, consents=(consent(C.WECHAT),)), R.SUPPRESSED),
    (9, base(K.RPL, C.EMAIL, invitation=invited(), content__pom=True, content__pom_answers_own_question=True), R.ALLOW),
    (10, base(K.ACK, C.EMAIL, invitation=invited(inbound_automatic=True)), R.AUTO_INBOUND),
    (11, base(K.ACK, C.EMAIL, invitation=invited(last_ack_at=ago(hours=3), last_inbound_at=ago(minutes=1))), R.ACK_USED),
    (12, changed(allowed(K.BOT), erasure=ErasureState.PENDING), R.ERASURE_PENDING),
    (13, base(K.BOT, C.MESSENGER, invitation=RECENT, content__pom=True), R.POM),
    (14, base(K.BOT, C.WHATSAPP, invitation=RECENT, age=16, age_confirmed=False, content__books_u18_procedure=True), R.UNDER18_PROCEDURE),
    (15, base(K.SVC, C.SMS, basis=RELATION, suppressions=ALL_MARKETING), R.ALLOW),
    (16, base(K.SVC, C.SMS, basis=RELATION, suppressions=(*ALL_MARKETING, stop(Scope.CHANNEL, C.SMS))), R.STOP_CHANNEL),
    (17, base(K.SVC, C.SMS, basis=RELATION, content__health_terms=True), R.HEALTH_LEAK),
    (18, base(K.SVC, C.EMAIL, basis=RELATION, content__promo=True), R.MISLABELLED),
    (19, base(K.SVC, C.EMAIL, basis=RELATION, restricted=True), R.RESTRICTED),
    (20, base(K.SVC, C.SMS, basis=RELATION, env__now=NIGHT), R.QUIET),
    (21, base(K.SAF, C.SMS, basis=CLINICIAN, suppressions=(stop(Scope.ALL_CONTACT),)), R.ALLOW),
    (22, base(K.SAF, C.SMS, basis=replace(CLINICIAN, named_clinician=False)), R.NOT_CLINICIAN),
    (23, base(K.OOC, C.SMS, basis=BasisFacts(revoked_at=ago(seconds=40), confirmations_sent=0)), R.ALLOW),
    (24, base(K.OOC, C.SMS, basis=BasisFacts(revoked_at=ago(minutes=12), confirmations_sent=0)), R.OOC_LATE),
    (25, base(K.OOC, C.SMS, basis=BasisFacts(revoked_at=ago(seconds=40), confirmations_sent=1)), R.OOC_USED),
    (26, allowed(K.DOI), R.ALLOW),
    (27, base(K.DOI, C.EMAIL), R.NO_FRESH_FORM),
    (28, base(K.MKT, C.EMAIL, consents=(consent(),)), R.ALLOW),
    (29, base(K.MKT, C.SMS, consents=(consent(),)), R.NO_CONSENT),
    (30, base(K.MKT, C.EMAIL, consents=(consent(confirmed=False),)), R.CONSENT_UNCONFIRMED),
    (31, base(K.MKT, C.EMAIL, consents=(consent(given_at=datetime(2024, 10, 24, 11, tzinfo=UTC)),)), R.CONSENT_EXPIRED),
    (32, base(K.MKT, C.EMAIL, consents=(consent(wording=None, proven=False, confirmed=None),)), R.CONSENT_UNPROVEN),
    (33, base(K.MKT, C.EMAIL, consents=(consent(),), suppressions=(*ALL_MARKETING, stop(Scope.CHANNEL, C.WHATSAPP))), R.SUPPRESSED),
    (34, base(K.MKT, C.EMAIL, consents=(consent(),), selection=Selection.HEALTH_HISTORY), R.HEALTH_SELECTION),
    (35, base(K.MKT, C.EMAIL, consents=(consent(),), age=None, age_confirmed=None), R.AGE_UNKNOWN),
    (36, base(K.MKT, C.EMAIL, consents=(consent(),), age=17), R.UNDER_18),
    (37, base(K.MKT, C.WHATSAPP, consents=(consent(C.WHATSAPP),), invitation=invited(), suppressions=ALL_MARKETING), R.SUPPRESSED),
    (38, base(K.MKT, C.SMS, consents=(consent(C.SMS),), country="CN"), R.COUNTRY),
    (39, base(K.MKT, C.EMAIL, consents=(consent(),), content=HAIR), R.NOT_RELEVANT),
    (40, base(K.MKT, C.SMS, consents=(consent(C.SMS),), content__optout_ok=False), R.FOOTER),
    (41, base(K.MKT, C.EMAIL, consents=(consent(),), content__pressure=True), R.CONTENT),
    (42, base(K.MKT, C.EMAIL, soft_optin=SALE), R.NO_CONSENT),
    (45, base(K.ADS, C.ADS, consents=(consent(),)), R.NO_CONSENT),
    (46, base(K.RTS, C.EMAIL, basis=BasisFacts(case_open=True), suppressions=(stop(Scope.ALL_CONTACT),)), R.ALLOW),
    (47, base(K.BRN, C.SMS, basis=BasisFacts(in_breach_register=True), suppressions=(stop(Scope.CHANNEL, C.SMS),)), R.STOP_CHANNEL),
    (48, base(K.NTC, C.EMAIL, basis=BasisFacts(notice_material=True, notice_already_sent=True)), R.NO_NOTICE),
    *[(49, changed(allowed(kind), env__store_healthy=None), R.STORE_DOWN) for kind in Kind],
    (50, changed(base(K.MKT, C.EMAIL), kind="promo"), R.BAD_INPUT),
]

SOFT_ROWS: list[tuple[int, Facts, Reason]] = [
    (43, base(K.MKT, C.EMAIL, soft_optin=SALE, selection=Selection.RETAIL_SALE), R.ALLOW),
    (44, base(K.MKT, C.EMAIL, soft_optin=replace(SALE, offered_at_collection=False), selection=Selection.RETAIL_SALE), R.NO_SOFT_OPTIN),
]
EVERY_ROW = [(number, facts, SETTINGS, reason) for number, facts, reason in ROWS] + [
    (number, facts, SOFT, reason) for number, facts, reason in SOFT_ROWS
]


@pytest.mark.parametrize(("number", "facts", "settings", "reason"), EVERY_ROW, ids=lambda v: str(v) if isinstance(v, int | str) else "")
def test_a_worked_row_of_the_policy_is_decided_as_it_says(number: int, facts: Facts, settings: PolicySettings, reason: Reason) -> None:
    decision = decide(facts, settings)
    assert decision.reason is reason
    assert decision.allowed is (reason is Reason.ALLOW)


def test_all_fifty_rows_are_here() -> None:
    assert {number for number, *_ in EVERY_ROW} == set(range(1, 51))


def test_the_reminder_at_half_past_ten_may_go_at_nine() -> None:
    night = next(facts for number, facts, _ in ROWS if number == 20)
    assert decide(night, SETTINGS).retry_at == MORNING


def test_the_proof_of_a_soft_opt_in_is_the_sale() -> None:
    assert "sale=sale-1" in decide(SOFT_ROWS[0][1], SOFT).proofs


def test_the_proof_of_marketing_names_consent_and_wording() -> None:
    assert set(decide(allowed(K.MKT), SETTINGS).proofs) >= {"consent=consent-1", "wording=news@1/en"}


def test_every_kind_can_be_allowed() -> None:
    assert [kind for kind in Kind if not decide(allowed(kind), SETTINGS).allowed] == []
