"""The clocks of requests, complaints and breaches (policy §4.4, §7.2)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub.policy import clocks

EXAMPLES = [  # policy §4.4
    ("2027-01-31", "2027-02-28"),
    ("2027-02-10", "2027-03-10"),
    ("2027-03-10", "2027-04-09"),
    ("2026-12-01", "2026-12-31"),
    ("2028-01-30", "2028-02-29"),
]
EVERY_DAY = [date(2026, 1, 1) + timedelta(days=n) for n in range(3 * 365)]


@pytest.mark.parametrize(("received", "expected"), EXAMPLES)
def test_the_examples_of_the_policy(received: str, expected: str) -> None:
    assert clocks.due(date.fromisoformat(received)) == date.fromisoformat(expected)


def test_due_is_never_later_than_the_law_or_the_promise() -> None:
    for day in EVERY_DAY:
        assert clocks.due(day) == min(clocks.statutory_due(day), day + timedelta(days=30))
        assert 28 <= (clocks.due(day) - day).days <= 30


def test_waiting_for_identity_moves_the_law_and_not_the_promise() -> None:
    received, shown = date(2027, 3, 10), date(2027, 3, 25)
    assert clocks.statutory_due(shown) == date(2027, 4, 25)
    assert clocks.due(received, started=shown) == date(2027, 4, 9)


def test_a_clarification_moves_the_law_and_not_the_promise() -> None:
    assert clocks.statutory_due(date(2027, 2, 10), paused_days=5) == date(2027, 3, 15)
    assert clocks.due(date(2027, 2, 10), paused_days=5) == date(2027, 3, 12)


def test_an_extension_moves_the_law_and_not_the_promise() -> None:
    assert clocks.statutory_due(date(2026, 12, 31), extension_months=2) == date(2027, 3, 31)
    assert clocks.due(date(2026, 12, 31), extension_months=2) == date(2027, 1, 30)


@pytest.mark.parametrize("arguments", [{"extension_months": 3}, {"extension_months": -1}, {"paused_days": -1}])
def test_what_the_law_does_not_know_is_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="months"):
        clocks.statutory_due(date(2027, 1, 1), **arguments)


def test_the_target_is_28_days() -> None:
    assert clocks.target(date(2027, 3, 10)) == date(2027, 4, 7)


def test_alarms_stand_in_order_and_the_day_ends_at_midnight_in_london() -> None:
    received = datetime(2027, 3, 10, 9, 0, tzinfo=UTC)
    alarms = clocks.alarms(received, date(2027, 4, 9))
    assert alarms.overdue == datetime(2027, 4, 9, 23, 0, tzinfo=UTC)  # summer time by then
    assert alarms.day_before == datetime(2027, 4, 8, 23, 0, tzinfo=UTC)
    assert alarms.half - received == (alarms.overdue - received) / 2
    assert received < alarms.half < alarms.three_quarters < alarms.day_before < alarms.overdue


def test_alarms_follow_the_place() -> None:
    received = datetime(2027, 1, 10, 9, 0, tzinfo=UTC)
    alarms = clocks.alarms(received, date(2027, 2, 9), zone=ZoneInfo("Asia/Hong_Kong"))
    assert alarms.overdue == datetime(2027, 2, 9, 16, 0, tzinfo=UTC)


def test_a_complaint_is_acknowledged_within_thirty_days_from_the_day_after() -> None:
    assert clocks.complaint_ack_due(date(2026, 12, 1)) == date(2026, 12, 31)


def test_three_working_days_pass_over_weekends_and_bank_holidays() -> None:
    assert clocks.complaint_ack_target(date(2026, 12, 24)) == date(2026, 12, 31)  # Christmas, its substitute, a weekend
    assert clocks.complaint_ack_target(date(2026, 11, 24)) == date(2026, 11, 27)


def test_the_outcome_of_a_complaint_is_due_in_three_months() -> None:
    assert clocks.complaint_outcome_target(date(2026, 11, 30)) == date(2027, 2, 28)


def test_the_regulator_is_told_in_72_real_hours() -> None:
    friday_before_the_clocks_change = datetime(2027, 3, 26, 18, 0, tzinfo=ZoneInfo("Europe/London"))
    assert clocks.regulator_due(friday_before_the_clocks_change) == datetime(2027, 3, 29, 18, 0, tzinfo=UTC)
    assert clocks.persons_due(friday_before_the_clocks_change) == datetime(2027, 3, 29, 18, 0, tzinfo=UTC)


def test_the_alarms_of_a_breach_all_come_before_its_end() -> None:
    aware = datetime(2027, 3, 26, 18, 0, tzinfo=UTC)
    assert [(at - aware) / timedelta(hours=1) for at in clocks.regulator_alarms(aware)] == [4, 24, 48, 66]
    assert clocks.regulator_alarms(aware)[-1] < clocks.regulator_due(aware)
