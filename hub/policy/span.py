"""Lengths of time, each made once: the judge compares them a hundred thousand times a second. Decides nothing."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache


@lru_cache(maxsize=64)
def minutes(count: int) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=count)


@lru_cache(maxsize=64)
def days(count: int) -> timedelta:
    """So many days of 24 hours."""
    return timedelta(days=count)
