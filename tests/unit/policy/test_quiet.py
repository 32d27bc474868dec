"""Quiet hours (policy §2.5): local time, Sundays, the clocks' changes and the bank holidays of England."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub.model.permission import Kind, Reason
from hub.policy.permission import decide
from hub.policy.quiet import public_holidays, quiet_until
from tests.unit.policy.facts import SETTINGS, allowed, changed

LONDON = "Europe/London"
# As published for England and Wales, substitute days included.
BANK_HOLIDAYS = {
    2026: "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28",
    2027: "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28",
    2028: "01-03 04-14 04-17 05-01 05-29 08-28 12-25 12-26",
}
# Kept quiet on the day itself as well when its substitute is another one.
DAYS_THEMSELVES = {2026: "12-26", 2027: "12-25 12-26", 2028: "01-01"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize("year", BANK_HOLIDAYS)
def test_the_bank_holidays_of_england(year: int) -> None:
    days = f"{BANK_HOLIDAYS[year]} {DAYS_THEMSELVES[year]}".split()
    assert public_holidays(year) == {date.fromisoformat(f"{year}-{day}") for day in days}


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-24T11:00+00:00", None),
        ("2026-11-24T08:59:59+00:00", "2026-11-24T09:00+00:00"),
        ("2026-11-24T09:00+00:00", None),
        ("2026-11-24T19:59:59+00:00", None),
        ("2026-11-24T20:00+00:00", "2026-11-25T09:00+00:00"),
        ("2026-11-28T21:00+00:00", "2026-11-29T10:00+00:00"),  # Saturday night: Sunday at ten
        ("2026-11-29T17:59+00:00", None),
        ("2026-11-29T18:00+00:00", "2026-11-30T09:00+00:00"),
        ("2026-12-24T20:00+00:00", "2026-12-27T10:00+00:00"),  # Friday and Saturday are holidays, then a Sunday
        ("2026-12-27T18:00+00:00", "2026-12-29T09:00+00:00"),  # Monday is the substitute
        ("2027-03-25T22:00+00:00", "2027-03-27T09:00+00:00"),  # Good Friday
        ("2027-03-27T22:00+00:00", "2027-03-28T09:00+00:00"),  # the clocks go forward: ten o'clock is nine UTC
        ("2026-10-24T21:30+01:00", "2026-10-25T10:00+00:00"),  # the clocks go back
        ("2026-07-01T08:30+01:00", "2026-07-01T08:00+00:00"),
    ],
)
def test_when_it_may_next_arrive_in_london(now: str, until: str | None) -> None:
    assert quiet_until(at(now), LONDON, SETTINGS) == (until and at(until))


def test_christmas_on_a_sunday_moves_past_boxing_day() -> None:
    assert {date(2033, 12, 26), date(2033, 12, 27)} <= public_holidays(2033)
    assert date(2033, 12, 28) not in public_holidays(2033)


def test_the_hours_are_those_of_the_address() -> None:
    now = at("2026-11-24T11:00+00:00")  # 19:00 in Hong Kong, 03:00 in Los Angeles
    assert quiet_until(now, "Asia/Hong_Kong", SETTINGS) is None
    assert quiet_until(now + timedelta(hours=1), "Asia/Hong_Kong", SETTINGS) == at("2026-11-25T09:00+08:00")
    assert quiet_until(now, "America/Los_Angeles", SETTINGS) == at("2026-11-24T09:00-08:00")


@pytest.mark.parametrize("zone", [None, "", "Nowhere/Town", "../etc/passwd"])
def test_an_unknown_place_has_londons_hours_less_two_on_either_side(zone: str | None) -> None:
    assert quiet_until(at("2026-11-24T10:59+00:00"), zone, SETTINGS) == at("2026-11-24T11:00+00:00")
    assert quiet_until(at("2026-11-24T11:00+00:00"), zone, SETTINGS) is None
    assert quiet_until(at("2026-11-24T18:00+00:00"), zone, SETTINGS) == at("2026-11-25T11:00+00:00")


def test_every_hour_of_two_years_is_inside_the_hours_or_has_a_next_time_that_is() -> None:
    now, place = at("2026-01-01T00:30+00:00"), ZoneInfo(LONDON)
    for _ in range(2 * 365 * 24):
        until, local = quiet_until(now, LONDON, SETTINGS), now.astimezone(place)
        sunday = local.weekday() == 6
        inside = (10 <= local.hour < 18 if sunday else 9 <= local.hour < 20) and local.date() not in public_holidays(local.year)
        assert inside is (until is None)
        if until is not None:
            assert until > now
            assert quiet_until(until, LONDON, SETTINGS) is None
            assert quiet_until(until - timedelta(seconds=1), LONDON, SETTINGS) == until
        now += timedelta(hours=1)


def test_hours_narrowed_to_nothing_still_name_a_later_time() -> None:
    narrow = replace(SETTINGS, quiet_weekday=(9, 12), quiet_sunday=(10, 12))
    now = at("2026-11-24T11:00+00:00")
    until = quiet_until(now, None, narrow)
    assert until is not None
    assert until > now


@pytest.mark.parametrize("kind", [Kind.MKT, Kind.NTC, Kind.SVC])
def test_the_judge_gives_the_next_time(kind: Kind) -> None:
    decision = decide(changed(allowed(kind), env__now=at("2026-12-25T12:00+00:00")), SETTINGS)
    assert (decision.reason, decision.retry_at) == (Reason.QUIET, at("2026-12-27T10:00+00:00"))


@pytest.mark.parametrize(
    "zone", ["Europe/London", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "Pacific/Chatham", "Australia/Lord_Howe"]
)
def test_a_moment_is_open_exactly_by_the_local_clock_whatever_clock_it_is_told_in(zone: str) -> None:
    """Days whose clocks change, and moments told far from where they are, among them."""
    chance = random.Random(zone)
    for _ in range(2000):
        told_in = ZoneInfo(chance.choice(["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Europe/London"]))
        moment = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(366 * 24 * 60))).astimezone(told_in)
        local = moment.astimezone(ZoneInfo(zone))
        first, last = (10, 18) if local.weekday() == 6 else (9, 20)
        is_open = first <= local.hour < last and local.date() not in public_holidays(local.year)
        assert (quiet_until(moment, zone, SETTINGS) is None) is is_open, moment
