"""Every cell of the table in policy §2.2, against a second transcription of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hub.model.address import Channel
from hub.model.permission import AddressState, BasisFacts, ErasureState, Facts, InvitationState, Kind, Reason, Scope, Selection
from hub.policy.permission import LAST_GATE, decide
from tests.unit.policy.facts import NOW, SETTINGS, ago, allowed, changed, invited, stop

# The cells as they stand in the document: ● applies, a blank does not. Footnote marks are kept.
TABLE = """
| #  | RPL | ACK | BOT | SVC | SAF | OOC | DOI | MKT | ADS | RTS | BRN | NTC |
| 1  | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   |
| 2  | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   |
| 3  |     | ●   | ●   |     |     |     | ●   | ●   | ●   |     |     | ●   |
| 4  | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   |
| 5  | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   |     | ●   |
| 6  | ●   | ●   | ●   | ●   | ●   |     | ●   | ●   | ●   | ●   | ●   | ●   |
| 7  | ●   | ●   | ●   | ●¹  |     |     | ●   | ●   | ●   |     |     | ●   |
| 8  | ●   | ●   | ●   | ●   | ●   | ●   | ●   |     |     | ●   | ●   | ●   |
| 9  | ●   | ●   | ●   | ●   |     |     | ●   | ●   | ●   |     |     | ●   |
| 10 | ●   | ●   | ●   | ●   |     |     | ●   | ●   |     | ●²  | ●²  | ●   |
| 11 | ●   | ●   | ●   | ●   |     |     | ●   | ●   | ●   |     |     | ●   |
| 12 |     |     |     |     |     |     | ●   | ●   | ●   |     |     |     |
| 13 | ●   |     | ●   | ●   |     |     |     |     |     |     |     |     |
| 14 |     |     |     |     |     |     | ●³  | ●   | ●   |     |     |     |
| 15 | ●   | ●   | ●   | ●   |     |     | ●   | ●   | ●   |     |     |     |
| 16 |     |     |     |     |     |     | ●   | ●   | ●   |     |     |     |
| 17 | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   |
| 18 |     |     |     |     |     |     |     | ●   | ●   |     |     |     |
| 19 | ●⁵  | ●   | ●   |     |     | ●   | ●   | ●   | ●   |     |     | ●   |
| 20 |     |     |     |     |     |     |     | ●   | ●   |     |     |     |
| 21 |     |     |     |     |     | ●   | ●   | ●   |     |     |     | ●   |
| 22 |     | ●   | ●   | ●   |     | ●   | ●   | ●   | ●   | ●   | ●   | ●   |
| 23 | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   |     | ●   | ●   | ●   |
| 24 |     |     |     |     |     |     | ●   | ●   |     |     |     | ●   |
| 25 |     |     |     | ●⁴  |     |     |     | ●   |     |     |     | ●   |
| 26 | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   | ●   |
"""
NIGHT = NOW.replace(hour=3)
Trip = Callable[[Facts], Facts]


def _set(**changes: object) -> Trip:
    return lambda facts: changed(facts, **changes)


def _stopped(scope: Scope, **more: object) -> Trip:
    # Said just now, so no reply counts as one to a reopened thread.
    return lambda facts: replace(facts, suppressions=(stop(scope, at=NOW, **{"channel": facts.channel, **more}),))


def _unsuppressable(facts: Facts) -> Facts:
    """A marketing stop, and for a DOI no fresh tick that would pass it (footnote 3)."""
    facts = replace(facts, suppressions=(stop(Scope.ALL_MARKETING),))
    return changed(facts, basis__form_ticked_at=ago(days=1)) if facts.kind is Kind.DOI else facts


def _moved_to(hour_facts: Facts) -> Facts:
    """The same case at three at night, everything that happened moved along."""
    shift = NIGHT - hour_facts.env.now
    held, ground = hour_facts.invitation, hour_facts.basis
    assert held is not None
    return changed(
        hour_facts,
        env__now=NIGHT,
        invitation__last_inbound_at=held.last_inbound_at and held.last_inbound_at + shift,
        invitation__opened_at=held.opened_at and held.opened_at + shift,
        basis__revoked_at=ground.revoked_at and ground.revoked_at + shift,
        basis__form_ticked_at=ground.form_ticked_at and ground.form_ticked_at + shift,
    )


# Gate -> ways to trip it, the last ones with the fact unknown; and the reasons it may give.
TRIPS: dict[int, tuple[list[Trip], set[Reason]]] = {
    1: ([_set(channel=None), _set(channel="pigeon"), _set(env__now=NOW.replace(tzinfo=None))], {Reason.BAD_INPUT}),
    2: ([_set(env__store_healthy=False), _set(env__store_healthy=None)], {Reason.STORE_DOWN}),
    3: ([_set(env__paused=True), _set(env__paused=None)], {Reason.PAUSED}),
    4: ([_set(env__route_ok=False), _set(env__route_ok=None), _set(channel=Channel.WEB_FORM)], {Reason.NO_ROUTE}),
    5: ([_set(deceased=True), _set(deceased=None)], {Reason.DECEASED}),
    6: (
        [_set(address=a) for a in (AddressState.INVALID, AddressState.REASSIGNED, AddressState.WRONG_PERSON, None)],
        {Reason.BAD_ADDRESS},
    ),
    7: ([_set(erasure=e) for e in (ErasureState.DONE, ErasureState.PENDING, None)], {Reason.ERASED, Reason.ERASURE_PENDING}),
    8: ([_set(content__promo=True), _set(content__promo=None)], {Reason.MISLABELLED}),
    9: ([_stopped(Scope.ALL_CONTACT)], {Reason.STOP_ALL}),
    10: ([_stopped(Scope.CHANNEL), _stopped(Scope.CHANNEL, channel=None)], {Reason.STOP_CHANNEL}),
    11: ([_set(restricted=True), _set(restricted=None)], {Reason.RESTRICTED}),
    12: ([_set(age=17), _set(age=None), _set(age_confirmed=None)], {Reason.UNDER_18, Reason.AGE_UNKNOWN}),
    13: (
        [_set(content__books_u18_procedure=True, age=16), _set(content__books_u18_procedure=None, age=None)],
        {Reason.UNDER18_PROCEDURE},
    ),
    14: ([_unsuppressable], {Reason.SUPPRESSED}),
    15: ([_set(objections=("all",)), _set(objections=None)], {Reason.OBJECTED}),
    16: ([_set(country="CN"), _set(country=None)], {Reason.COUNTRY}),
    17: (
        [
            _set(basis=BasisFacts(), invitation=None, consents=None),
            _set(basis=BasisFacts(), invitation=invited(InvitationState.CLOSED), consents=()),
        ],
        set(Reason) - {Reason.ALLOW},
    ),
    18: ([_set(content__interests=("hair",)), _set(content__interests=())], {Reason.NOT_RELEVANT}),
    19: ([_set(content__pom=True), _set(content__pom=None)], {Reason.POM}),
    20: ([_set(content__pressure=True), _set(content__pressure=None), _set(content__images_ok=None)], {Reason.CONTENT}),
    21: ([_set(content__identity_ok=False), _set(content__identity_ok=None)], {Reason.FOOTER}),
    22: ([_set(content__health_terms=True), _set(content__health_terms=None)], {Reason.HEALTH_LEAK}),
    23: ([_set(env__reply_window_h=0)], {Reason.WINDOW}),
    24: (
        [_set(**{f"env__marketing_sent_{span}": count}) for span, count in (("7d", 2), ("30d", 6), ("7d", None), ("30d", None))],
        {Reason.CAP},
    ),
    25: ([_moved_to], {Reason.QUIET}),
}


def _cells() -> list[tuple[int, Kind, bool]]:
    lines = [[cell.strip() for cell in line.strip("| ").split("|")] for line in TABLE.strip().replace("|     ", "|  _  ").splitlines()]
    kinds = [Kind(name) for name in lines[0][1:]]
    return [(int(row[0]), kind, cell.startswith("●")) for row in lines[1:] for kind, cell in zip(kinds, row[1:], strict=True)]


CELLS = _cells()


def test_the_transcription_is_whole() -> None:
    assert len(CELLS) == 26 * len(Kind)
    assert sum(applies for *_, applies in CELLS) == 193


@pytest.mark.parametrize(("gate", "kind", "applies"), CELLS, ids=lambda v: str(v))
def test_a_cell_of_the_gate_table(gate: int, kind: Kind, applies: bool) -> None:
    if gate == LAST_GATE:
        assert decide(allowed(kind), SETTINGS).gate == LAST_GATE
        return
    trips, reasons = TRIPS[gate]
    for trip in trips:
        decision = decide(trip(allowed(kind)), SETTINGS)
        if applies:
            assert decision.gate == gate
            assert decision.reason in reasons
        else:
            assert decision.gate != gate


@pytest.mark.parametrize("kind", Kind)
def test_unknown_suppressions_are_a_stop(kind: Kind) -> None:
    decision = decide(replace(allowed(kind), suppressions=None), SETTINGS)
    applies = {(gate, k) for gate, k, yes in CELLS if yes}
    assert decision.allowed is not bool({(9, kind), (10, kind), (14, kind)} & applies)


def test_a_kind_nobody_knows_is_refused_at_the_first_gate() -> None:
    for kind in ("promo", "MKT", None, 7, ["RPL"]):
        decision = decide(changed(allowed(Kind.RPL), kind=kind), SETTINGS)
        assert (decision.gate, decision.reason) == (1, Reason.BAD_INPUT)


@pytest.mark.parametrize(("booked", "reason"), [(True, Reason.ALLOW), (False, Reason.ERASURE_PENDING)])
def test_a_booked_appointment_outlives_a_pending_erasure(booked: bool, reason: Reason) -> None:
    facts = changed(allowed(Kind.SVC), erasure=ErasureState.PENDING, basis__appointment_booked=booked)
    assert decide(facts, SETTINGS).reason is reason


def test_a_rights_letter_may_go_to_a_verified_representative_of_the_dead() -> None:
    facts = changed(allowed(Kind.RTS), deceased=True, basis__representative_verified=True)
    assert decide(facts, SETTINGS).allowed


@pytest.mark.parametrize("scope", [Scope.ALL_MARKETING, Scope.CHANNEL_MARKETING, Scope.INTEREST, Scope.PURPOSE])
def test_a_fresh_tick_passes_a_marketing_stop_once_in_ninety_days(scope: Scope) -> None:
    facts = replace(allowed(Kind.DOI), suppressions=(stop(scope),))
    assert decide(facts, SETTINGS).allowed
    assert decide(changed(facts, basis__doi_last_sent_at=ago(days=89)), SETTINGS).reason is Reason.SUPPRESSED
    assert decide(changed(facts, basis__doi_last_sent_at=ago(days=90)), SETTINGS).allowed


def test_a_fresh_tick_passes_no_stop_of_contact() -> None:
    for scope in (Scope.ALL_CONTACT, Scope.CHANNEL):
        assert not decide(replace(allowed(Kind.DOI), suppressions=(stop(scope, Channel.EMAIL),)), SETTINGS).allowed


def test_an_answer_about_an_appointment_may_arrive_at_night() -> None:
    assert decide(changed(_moved_to(allowed(Kind.SVC)), content__scheduled_reminder=False), SETTINGS).allowed


@pytest.mark.parametrize("kind", [Kind.OOC, Kind.NTC])
def test_confirmations_and_notices_need_our_name_only(kind: Kind) -> None:
    assert decide(changed(allowed(kind), content__optout_ok=None), SETTINGS).allowed


def test_a_robot_never_speaks_of_medicines_even_when_asked() -> None:
    assert decide(changed(allowed(Kind.BOT), content__pom=True, content__pom_answers_own_question=True), SETTINGS).reason is Reason.POM


def test_an_objection_in_words_nobody_knows_is_about_every_kind_it_could_be() -> None:
    bound = {kind for kind in Kind if not decide(replace(allowed(kind), objections=("no tickling",)), SETTINGS).allowed}
    assert bound == {kind for gate, kind, applies in CELLS if gate == 15 and applies}
    assert decide(replace(allowed(Kind.MKT), objections=("newsletter", "service")), SETTINGS).allowed


def test_health_selection_needs_its_own_consent() -> None:
    facts = changed(allowed(Kind.MKT), selection=Selection.HEALTH_HISTORY)
    assert decide(facts, SETTINGS).reason is Reason.HEALTH_SELECTION
    agreed = replace(facts, consents=tuple(replace(c, health_relevance=True) for c in facts.consents or ()))
    assert decide(agreed, SETTINGS).allowed
