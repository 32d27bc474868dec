"""Times as the pages tell them, in the clinic's zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub.web import when

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # a Tuesday


@pytest.mark.parametrize(
    ("ago", "short", "said"),
    [
        (timedelta(hours=2), "09:00", "today 09:00"),
        (timedelta(hours=20), "Mon", "yesterday 15:00"),
        (timedelta(days=4), "Fri", "Fri 11:00"),
        (timedelta(days=21), "3 Nov", "3 November"),
        (timedelta(days=386), "3 Nov 2025", "3 November 2025"),
    ],
)
def test_the_nearer_the_shorter(ago: timedelta, short: str, said: str) -> None:
    assert (when.short(NOW - ago, NOW, LONDON), when.said(NOW - ago, NOW, LONDON)) == (short, said)


def test_a_day_ends_at_the_clinics_midnight() -> None:
    before = datetime(2026, 6, 1, 22, 59, tzinfo=UTC)  # 23:59 in London's summer
    now = datetime(2026, 6, 1, 23, 5, tzinfo=UTC)
    assert when.heading(before, now, LONDON) == "Yesterday"
    assert when.heading(now, now, LONDON) == "Today"


def test_the_whole_date_names_the_zone() -> None:
    assert when.full(NOW, LONDON) == "Tuesday 24 November 2026, 11:00 GMT"


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(hours=21, minutes=12), "21 h 12 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(minutes=48), "48 min"),
        (timedelta(seconds=-5), "0 min"),
        (timedelta(days=6, hours=3), "6 days"),
    ],
)
def test_time_left(span: timedelta, words: str) -> None:
    assert when.left(span) == words
