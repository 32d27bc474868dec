"""The judge is total, repeatable and monotone (policy §2.2): whatever is asked, and however little is known."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from random import Random
from typing import Any

import pytest

from hub.model.permission import Decision, Facts, Kind, Outcome, PolicySettings, Reason, Selection
from hub.policy.permission import LAST_GATE, decide
from tests.unit.policy.chance import CONSENTS, KINDS, PATHS, UNKNOWN, VALUES, misshapen, put, some_facts, worse
from tests.unit.policy.facts import NOW, SALE, SETTINGS, allowed, changed, stop

SOFT = replace(SETTINGS, soft_optin=True)
SEED = 20261124
# Never the first to refuse: NO_RULE stands behind gates that answer for every kind.
UNREACHED = {Reason.NO_RULE}


def _whole(decision: Decision) -> bool:
    """Whether an answer is one at all: a known reason, a gate, and proofs or a time only where they belong."""
    yes = decision.outcome is Outcome.ALLOW
    return (
        type(decision.reason) is Reason
        and 1 <= decision.gate <= LAST_GATE
        and yes == (decision.reason is Reason.ALLOW) == (decision.gate == LAST_GATE)
        and bool(decision.proofs) == yes
        and (decision.retry_at is None or (not yes and decision.facts is not None and decision.retry_at > decision.facts.env.now))
    )


def _told(decision: Decision) -> tuple[Any, ...]:
    return decision.outcome, decision.reason, decision.gate, decision.retry_at, decision.proofs, decision.policy_version


def test_a_hundred_thousand_questions_get_an_answer() -> None:
    chance, seen = Random(SEED), set()
    for _ in range(100_000):
        facts = some_facts(chance)
        if chance.random() < 0.2:
            facts = misshapen(facts, chance)
        decision = decide(facts, chance.choice((SETTINGS, SOFT)))
        assert _whole(decision), facts
        seen.add(decision.reason)
    assert set(Reason) - seen <= UNREACHED


def test_the_same_facts_get_the_same_answer() -> None:
    one, other = Random(SEED), Random(SEED)
    for _ in range(5_000):
        first, second = some_facts(one), some_facts(other)
        assert first == second
        assert _told(decide(first, SETTINGS)) == _told(decide(second, SETTINGS))


def test_nothing_that_makes_it_worse_turns_a_no_into_a_yes() -> None:
    chance, tried = Random(SEED), 0
    while tried < 60_000:
        facts, settings = some_facts(chance), chance.choice((SETTINGS, SOFT))
        if not decide(facts, settings).allowed:
            for harder in chance.sample(ways := worse(facts), min(25, len(ways))):
                tried += 1
                assert not decide(harder, settings).allowed, (facts, harder)


@pytest.mark.parametrize("kind", Kind)
def test_one_refusing_fact_is_never_mended_by_another_getting_worse(kind: Kind) -> None:
    for path in PATHS:
        for value in VALUES[path]:
            facts = put(allowed(kind), path, value)
            if not decide(facts, SETTINGS).allowed:
                for unknown, nothing in UNKNOWN.items():
                    assert not decide(put(facts, unknown, nothing), SETTINGS).allowed, (path, value, unknown)


@pytest.mark.parametrize("agreed", CONSENTS, ids=lambda _: "")
def test_a_consent_that_gets_worse_gives_no_way_to_the_soft_opt_in(agreed: Any) -> None:
    sold = changed(allowed(Kind.MKT), consents=agreed, soft_optin=SALE, selection=Selection.RETAIL_SALE)
    if not decide(sold, SOFT).allowed:
        for harder in worse(sold):
            assert not decide(harder, SOFT).allowed, harder


def test_facts_of_no_shape_are_refused() -> None:
    for nonsense in (None, "facts", 7, {"kind": "RPL"}, replace(allowed(Kind.RPL), env=None)):
        try:
            decision = decide(nonsense, SETTINGS)  # type: ignore[arg-type]
        except Exception as error:
            pytest.fail(f"raised {error!r}")
        assert (decision.outcome, decision.reason, decision.gate) == (Outcome.REFUSE, Reason.BAD_INPUT, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stop_of_no_known_scope_is_a_stop(kind: Kind) -> None:
    nearly = replace(stop(scope="ALL_CONTACT"), at=NOW)  # type: ignore[arg-type]
    exempt = {Kind.SAF, Kind.OOC, Kind.RTS, Kind.BRN}  # as from any stop of contact
    assert decide(replace(allowed(kind), suppressions=(nearly,)), SETTINGS).allowed is (kind in exempt)


def test_the_digest_is_the_same_for_equal_facts() -> None:
    one, other = Random(SEED), Random(SEED)
    for _ in range(500):
        assert decide(some_facts(one), SETTINGS).facts_digest == decide(some_facts(other), SETTINGS).facts_digest


def test_the_digest_differs_when_any_fact_differs() -> None:
    facts = allowed(Kind.MKT)
    digests = {decide(facts, SETTINGS).facts_digest}
    others = list(_each_changed(facts))
    digests |= {decide(other, SETTINGS).facts_digest for other in others}
    assert len(digests) == len(others) + 1
    assert all(len(digest) == 32 for digest in digests)


def _each_changed(value: Any) -> Any:
    """The value with one field changed, for every field, also of the values inside."""
    for field in fields(value):
        held = getattr(value, field.name)
        yield replace(value, **{field.name: "something else"})
        if is_dataclass(held):
            for other in _each_changed(held):
                yield replace(value, **{field.name: other})


def test_settings_made_stricter_never_allow_more() -> None:
    chance = Random(SEED)
    stricter = PolicySettings(unanswered_turns=1, dormant_days=7, consent_months=6, cap_7d=1, cap_30d=3, quiet_weekday=(10, 18))
    for _ in range(10_000):
        facts: Facts = some_facts(chance)
        assert decide(facts, SETTINGS).allowed or not decide(facts, stricter).allowed
