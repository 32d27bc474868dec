"""The invitation as a state machine, and what its three events leave behind (policy R7-R9, §2.3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.model.address import Channel
from hub.model.permission import InvitationFacts, Kind, Reason, Scope
from hub.model.permission import InvitationState as S
from hub.policy.invitation import Event, after_inbound, after_outbound, after_withdrawal, moved, state_at
from hub.policy.permission import decide
from tests.unit.policy.facts import NOW, SETTINGS, ago, allowed, base, changed, consent, invited, stop

# Every state by every event: what is stored afterwards. The two that are never stored stay as they are.
MOVES = """
            wrote    robot_wrote named     spoke     withdrew  closed
NONE        OPEN     NONE        OPEN      NONE      WITHDRAWN NONE
OPEN        OPEN     OPEN        OPEN      OPEN      WITHDRAWN CLOSED
DIALOGUE    DIALOGUE DIALOGUE    DIALOGUE  DIALOGUE  WITHDRAWN CLOSED
NO_ANSWER   NO_ANSWER NO_ANSWER  NO_ANSWER NO_ANSWER NO_ANSWER NO_ANSWER
DORMANT     DORMANT  DORMANT     DORMANT   DORMANT   DORMANT   DORMANT
WITHDRAWN   OPEN     WITHDRAWN   WITHDRAWN WITHDRAWN WITHDRAWN WITHDRAWN
CLOSED      OPEN     CLOSED      OPEN      CLOSED    WITHDRAWN CLOSED
"""
_HEAD, *_LINES = (line.split() for line in MOVES.strip().splitlines())
CELLS = [(S(row[0]), Event(event), S(cell)) for row in _LINES for event, cell in zip(_HEAD, row[1:], strict=True)]
STORED = [S.NONE, S.OPEN, S.DIALOGUE, S.WITHDRAWN, S.CLOSED]

moments = st.integers(0, 90 * 24 * 60).map(lambda minutes: ago(minutes=minutes))
held = st.builds(
    InvitationFacts,
    state=st.sampled_from([*STORED, None]),
    opened_at=st.none() | moments,
    last_inbound_at=st.none() | moments,
    consecutive_outbound=st.none() | st.integers(0, 4),
    last_outbound_at=st.none() | moments,
    turn_started_at=st.none() | moments,
    inbound_automatic=st.sampled_from([True, False, None]),
    bot_barred=st.sampled_from([True, False]),
)


def test_the_table_is_whole() -> None:
    assert {(state, event) for state, event, _ in CELLS} == {(state, event) for state in S for event in Event}


@pytest.mark.parametrize(("state", "event", "then"), CELLS, ids=str)
def test_a_move_of_the_state_machine(state: S, event: Event, then: S) -> None:
    assert moved(state, event, we_spoke=False) is then


def test_an_answer_to_a_turn_of_ours_makes_a_dialogue() -> None:
    assert moved(S.OPEN, Event.WROTE, we_spoke=True) is S.DIALOGUE
    assert moved(S.WITHDRAWN, Event.WROTE, we_spoke=True) is S.OPEN


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, S.OPEN),
        ({"last_inbound_at": ago(days=30), "opened_at": ago(days=30)}, S.OPEN),
        ({"last_inbound_at": ago(days=30, seconds=1), "opened_at": ago(days=40)}, S.DORMANT),
        ({"last_inbound_at": ago(days=40), "opened_at": ago(hours=1)}, S.OPEN),  # a form named the channel anew
        ({"last_inbound_at": None, "opened_at": None}, S.DORMANT),
        ({"consecutive_outbound": 1}, S.OPEN),
        ({"consecutive_outbound": 2}, S.NO_ANSWER),
        ({"consecutive_outbound": 2, "turn_started_at": ago(minutes=10)}, S.OPEN),
        ({"consecutive_outbound": 2, "turn_started_at": ago(minutes=10, seconds=1)}, S.NO_ANSWER),
        ({"consecutive_outbound": 3, "turn_started_at": ago(minutes=1)}, S.NO_ANSWER),
        ({"consecutive_outbound": None}, S.NO_ANSWER),
        ({"state": None}, S.NONE),
        ({"state": "OPEN"}, S.NONE),
        ({"state": S.WITHDRAWN}, S.WITHDRAWN),
    ],
)
def test_the_state_as_it_stands_now(changes: dict[str, object], state: S) -> None:
    assert state_at(replace(invited(), **changes), NOW, SETTINGS) is state


@given(held, moments)
def test_writing_opens_whatever_was_before_and_never_moves_the_window_back(before: InvitationFacts, at: object) -> None:
    after = after_inbound(before, at=at, automatic=False)  # type: ignore[arg-type]
    if before.state is S.WITHDRAWN and before.last_inbound_at is not None and at < before.last_inbound_at:  # type: ignore[operator]
        assert after == before  # written before the stop and delivered after it: nobody came back
        return
    assert after.state in (S.OPEN, S.DIALOGUE)
    assert after.last_inbound_at is not None
    assert before.last_inbound_at is None or after.last_inbound_at >= before.last_inbound_at
    assert after.last_inbound_at >= at  # type: ignore[operator]
    assert (after.consecutive_outbound, after.turn_started_at, after.inbound_automatic) == (0, None, False)
    assert (after.reopened_at == at) or before.state is not S.WITHDRAWN


@given(held)
def test_a_robot_opens_nothing_and_moves_no_window(before: InvitationFacts) -> None:
    assert after_inbound(before, at=NOW, automatic=True) == replace(before, inbound_automatic=True)


@given(held)
def test_a_withdrawal_leaves_nothing_open_until_the_person_writes(before: InvitationFacts) -> None:
    after = after_withdrawal(before, at=NOW)
    assert after.state is S.WITHDRAWN
    assert state_at(after, NOW, SETTINGS) is S.WITHDRAWN
    assert after_withdrawal(after, at=NOW) == after
    assert after_inbound(after, at=NOW + timedelta(minutes=1), automatic=True).state is S.WITHDRAWN
    assert after_inbound(after, at=NOW + timedelta(minutes=1), automatic=False).state is S.OPEN


@given(st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_parts_within_ten_minutes_of_the_first_are_one_turn(gaps: list[int]) -> None:
    facts, at, first, turns = invited(), NOW, None, 0
    for gap in gaps:
        at += timedelta(minutes=gap)
        if first is None or at - first > timedelta(minutes=10):
            first, turns = at, turns + 1
        facts = after_outbound(facts, at=at, settings=SETTINGS)
        assert (facts.consecutive_outbound, facts.turn_started_at, facts.last_outbound_at) == (turns, first, at)


def test_a_third_unanswered_turn_is_refused_and_an_answer_frees_it() -> None:
    facts = invited()
    for days in (1, 2):
        facts = after_outbound(facts, at=NOW + timedelta(hours=days), settings=SETTINGS)
    later = NOW + timedelta(hours=4)
    ask = base(Kind.RPL, Channel.EMAIL, invitation=facts, env__now=later)
    assert decide(ask, SETTINGS).reason is Reason.NO_ANSWER
    assert decide(replace(ask, invitation=after_inbound(facts, at=later, automatic=False)), SETTINGS).allowed


@pytest.mark.parametrize("scope", [Scope.ALL_CONTACT, Scope.CHANNEL])
@pytest.mark.parametrize("minutes", [-1, 0, 1])
def test_a_reply_passes_a_stop_only_in_a_thread_reopened_after_it(scope: Scope, minutes: int) -> None:
    heard = ago(hours=1)
    stopped = stop(scope, Channel.EMAIL, at=heard - timedelta(minutes=minutes))
    facts = base(Kind.RPL, Channel.EMAIL, invitation=invited(last_inbound_at=heard), suppressions=(stopped,))
    assert decide(facts, SETTINGS).allowed is (minutes > 0)


def test_one_older_stop_does_not_free_a_newer_one() -> None:
    stops = (stop(Scope.CHANNEL, Channel.EMAIL, at=ago(days=9)), stop(Scope.CHANNEL, Channel.EMAIL, at=ago(minutes=5)))
    assert decide(base(Kind.RPL, Channel.EMAIL, invitation=invited(), suppressions=stops), SETTINGS).reason is Reason.STOP_CHANNEL


@pytest.mark.parametrize("kind", [Kind.ACK, Kind.BOT, Kind.SVC, Kind.MKT, Kind.NTC])
def test_only_a_human_reply_is_exempt_from_a_stop(kind: Kind) -> None:
    facts = changed(allowed(kind), invitation=invited(last_inbound_at=ago(minutes=1)), suppressions=(stop(Scope.ALL_CONTACT),))
    assert decide(facts, SETTINGS).reason is Reason.STOP_ALL


@pytest.mark.parametrize(
    ("given_at", "now", "stands"),
    [
        ("2024-02-29T12:00:00+00:00", "2026-02-28T11:59:59+00:00", True),
        ("2024-02-29T12:00:00+00:00", "2026-02-28T12:00:00+00:00", False),
        ("2024-11-24T12:00:00+00:00", "2026-11-24T11:59:59+00:00", True),
        ("2024-11-24T12:00:00+00:00", "2026-11-24T12:00:00+00:00", False),
        ("2024-12-31T12:00:00+00:00", "2026-12-31T11:00:00+00:00", True),
    ],
)
def test_a_consent_lasts_twenty_four_calendar_months(given_at: str, now: str, stands: bool) -> None:
    agreed = consent(given_at=NOW.fromisoformat(given_at))
    facts = changed(allowed(Kind.MKT), consents=(agreed,), env__now=NOW.fromisoformat(now))
    assert (decide(facts, SETTINGS).reason is Reason.CONSENT_EXPIRED) is not stands
