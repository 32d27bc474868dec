"""Quiet hours (policy §2.5): when marketing, notices and reminders may arrive, in the local time of the address."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hub.model.permission import PolicySettings

HOUSE_ZONE = "Europe/London"
_SUNDAY = 6


def quiet_until(now: datetime, zone: str | None, settings: PolicySettings) -> datetime | None:
    """None when a message may arrive now; else when it may next, aware UTC.

    zone: IANA name; unknown ones count as London with two hours less on either side.
    """
    hours = settings.quiet_weekday, settings.quiet_sunday, settings.quiet_unknown_narrower_h
    for opens, closes in _open_around(now.date(), now.tzinfo, zone, hours):
        if opens <= now < closes:
            return None
    where, known = _zone(zone)
    local = now.astimezone(where)
    for ahead in range(15):  # no fortnight is all holidays
        day = local.date() + timedelta(days=ahead)
        opening = _opening(day, hours, known)
        start = opening and datetime.combine(day, time(opening[0]), where)
        if start is not None and local < start:
            return start.astimezone(now.tzinfo)
    return (now + timedelta(days=1)).replace(microsecond=0)


_Hours = tuple[tuple[int, int], tuple[int, int], int]  # weekdays, Sundays, and how much narrower where the zone is not known


@lru_cache(maxsize=256)
def _open_around(day: date, told_in: tzinfo | None, zone: str | None, hours: _Hours) -> tuple[tuple[datetime, datetime], ...]:
    """The open hours of the local days that a moment of `day` can fall on, as moments: all recipients of a day share them.

    The likeliest day stands first.
    """
    where, known = _zone(zone)
    spans = []
    for ahead in (0, -1, 1, -2, 2):  # clocks of the world lie up to 26 hours apart
        local = day + timedelta(days=ahead)
        if (opening := _opening(local, hours, known)) is not None:
            midnight = datetime.combine(local, time(), where)
            opens, closes = ((midnight + timedelta(hours=hour)).astimezone(told_in) for hour in opening)
            spans.append((opens, closes))
    return tuple(spans)


@lru_cache(maxsize=64)
def _opening(day: date, hours: _Hours, known: bool) -> tuple[int, int] | None:
    """The hours of a day, or None for a public holiday or hours narrowed away. known: whether the zone is."""
    if day in public_holidays(day.year):
        return None
    weekday, sunday, narrower = hours
    start, end = sunday if day.weekday() == _SUNDAY else weekday
    if not known:
        start, end = start + narrower, end - narrower
    return (start, end) if start < end else None


@lru_cache(maxsize=64)
def _zone(name: str | None) -> tuple[ZoneInfo, bool]:
    """The zone of that name, and whether there is one: the house's stands in for what nobody knows."""
    try:
        if name:
            return ZoneInfo(name), True
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    return ZoneInfo(HOUSE_ZONE), False


@lru_cache(maxsize=16)
def public_holidays(year: int) -> frozenset[date]:
    """The usual bank holidays of England and Wales, with their substitute days."""
    easter = _easter(year)
    days = {easter - timedelta(days=2), easter + timedelta(days=1)}
    days |= {_monday_from(date(year, 5, 1)), _monday_before(date(year, 6, 1)), _monday_before(date(year, 9, 1))}
    fixed = (date(year, 1, 1), date(year, 12, 25), date(year, 12, 26))
    days.update(fixed)  # all of them first: the substitute of a Christmas on a Sunday is the day after Boxing Day
    for day in fixed:
        days.add(_substitute(day, days))
    return frozenset(days)


def _substitute(day: date, taken: set[date]) -> date:
    """A holiday on a weekend moves to the next working day that is none yet."""
    if day.weekday() < 5:
        return day
    while day.weekday() >= 5 or day in taken:
        day += timedelta(days=1)
    return day


def _monday_from(day: date) -> date:
    return day + timedelta(days=-day.weekday() % 7)


def _monday_before(day: date) -> date:
    """The last Monday before a day."""
    return day - timedelta(days=(day.weekday() or 7))


def _easter(year: int) -> date:
    """Easter Sunday in the Gregorian calendar (the anonymous algorithm of Meeus, Jones and Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    m = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    n = h + m - 7 * ((a + 11 * h + 22 * m) // 451) + 114
    return date(year, n // 31, n % 31 + 1)
