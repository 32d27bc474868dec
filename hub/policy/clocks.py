"""The clocks of requests, complaints and breaches (policy §4.4, §7.2). Pure: a day or a moment in, a day or a moment out.

Days are calendar days at the clinic's place; nothing is rolled forward over a weekend. Moments are aware and are given back
in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from hub.policy.consent import months_after
from hub.policy.quiet import HOUSE_ZONE, public_holidays

POLICY_DAYS = 30  # the founding policy's promise (D7, R50)
TARGET_DAYS = 28
LONGEST_EXTENSION_MONTHS = 2  # UK GDPR Art 12(3)
COMPLAINT_ACK_DAYS = 30  # DPA 2018 s.164A
COMPLAINT_TARGET_WORKING_DAYS = 3
COMPLAINT_OUTCOME_MONTHS = 3
REGULATOR_HOURS = 72  # UK GDPR Art 33, real hours, weekends included
REGULATOR_ALARM_HOURS = (4, 24, 48, 66)
PERSONS_HOURS = 72
_HOUSE = ZoneInfo(HOUSE_ZONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """When to speak up about a request: half and three quarters of its time gone, a day before its end, past it."""

    half: datetime
    three_quarters: datetime
    day_before: datetime
    overdue: datetime


def statutory_due(started: date, *, paused_days: int = 0, extension_months: int = 0) -> date:
    """The law's last day: the same day next month, or that month's last day.

    started: day 0, the first receipt on any channel; where proof of identity was outstanding, the day it came.
    paused_days: from asking to the answer of a clarification (access only). extension_months: 0 to 2, else ValueError.
    """
    if not 0 <= extension_months <= LONGEST_EXTENSION_MONTHS or paused_days < 0:
        raise ValueError(f"a request is extended by 0 to {LONGEST_EXTENSION_MONTHS} months, and pauses only add days")
    return _months_after(started, 1 + extension_months) + timedelta(days=paused_days)


def policy_due(received: date, *, days: int = POLICY_DAYS) -> date:
    """The clinic's own promise. It never pauses and is never extended (O6)."""
    return received + timedelta(days=days)


def due(received: date, *, started: date | None = None, paused_days: int = 0, extension_months: int = 0) -> date:
    """The day staff work to: the earlier of both. started: as for `statutory_due`, None for the day of receipt."""
    legal = statutory_due(started or received, paused_days=paused_days, extension_months=extension_months)
    return min(legal, policy_due(received))


def target(received: date, *, days: int = TARGET_DAYS) -> date:
    """The day by which the answer should be out."""
    return received + timedelta(days=days)


def alarms(received_at: datetime, due_on: date, *, zone: tzinfo = _HOUSE) -> Alarms:
    """The four moments of a request whose last day is `due_on`; the day ends at midnight in `zone`."""
    start = received_at.astimezone(UTC)
    end = datetime.combine(due_on + timedelta(days=1), time(), zone).astimezone(UTC)
    span = end - start
    return Alarms(half=start + span / 2, three_quarters=start + span * 3 / 4, day_before=end - timedelta(days=1), overdue=end)


def complaint_ack_due(received: date) -> date:
    """The last day to acknowledge a complaint: 30 days, the first being the day after receipt."""
    return received + timedelta(days=COMPLAINT_ACK_DAYS)


def complaint_ack_target(received: date) -> date:
    """The day by which the acknowledgement should be out."""
    return working_days_after(received, COMPLAINT_TARGET_WORKING_DAYS)


def complaint_outcome_target(received: date) -> date:
    """The day by which the person should know the outcome."""
    return _months_after(received, COMPLAINT_OUTCOME_MONTHS)


def working_days_after(day: date, count: int) -> date:
    """The `count`-th day after `day` that is no weekend and no bank holiday of England."""
    while count > 0:
        day += timedelta(days=1)
        count -= day.weekday() < 5 and day not in public_holidays(day.year)
    return day


def regulator_due(aware_at: datetime) -> datetime:
    """The last moment to tell the regulator of a breach. aware_at: reasonable certainty, not detection."""
    return aware_at.astimezone(UTC) + timedelta(hours=REGULATOR_HOURS)


def regulator_alarms(aware_at: datetime) -> tuple[datetime, ...]:
    """When to speak up about a breach that has not been reported."""
    return tuple(aware_at.astimezone(UTC) + timedelta(hours=h) for h in REGULATOR_ALARM_HOURS)


def persons_due(confirmed_at: datetime) -> datetime:
    """When the people affected by a confirmed breach should have been told."""
    return confirmed_at.astimezone(UTC) + timedelta(hours=PERSONS_HOURS)


def _months_after(day: date, months: int) -> date:
    return months_after(datetime.combine(day, time(), UTC), months).date()
