"""A clock at the wall's pace from a Tuesday at eleven: campaigns keep quiet at night, and benches are run at any hour."""

from __future__ import annotations

from datetime import UTC, datetime

ELEVEN = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)


def daylight(began: datetime) -> datetime:
    """The time by that clock. began: the wall's time when it said eleven; every process of a run is given the same."""
    return ELEVEN + (datetime.now(UTC) - began)


def beginning() -> datetime:
    """Now, as `began`."""
    return datetime.now(UTC)
