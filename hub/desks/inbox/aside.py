"""Until when a conversation may be put aside: the choices, and the moments they name in the clinic's own time. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo

# value, words on the button
CHOICES = (("tomorrow", "Until tomorrow"), ("week", "Until next week"), ("reply", "Until they write"))
CHOSEN = "at"  # a moment of one's own
BACK_AT = time(8, 0)
LONGEST = timedelta(days=366)


class NotThen(ValueError):
    """A moment that has passed, or lies more than a year ahead."""


def back_at(choice: str, now: datetime, zone: tzinfo, at: str = "") -> datetime | None:
    """When it returns: tomorrow or on Monday at 08:00 where the clinic is; None for "until they write".

    at: for the choice "at", the clinic's own clock as a browser tells it ("2026-03-04T09:30"). Raises NotThen for a moment
    it cannot be put aside to, ValueError for what is no choice.
    """
    if choice == "reply":
        return None
    if choice == CHOSEN:
        return _chosen(at, now, zone)
    today = now.astimezone(zone).date()
    days = {"tomorrow": 1, "week": 7 - today.weekday()}.get(choice)
    if days is None:
        raise ValueError("no such choice")
    return datetime.combine(today + timedelta(days=days), BACK_AT, tzinfo=zone)


def _chosen(at: str, now: datetime, zone: tzinfo) -> datetime:
    try:
        naive = datetime.fromisoformat(at)
    except ValueError as error:
        raise NotThen("no moment") from error
    if naive.tzinfo is not None:
        raise NotThen("a browser tells local time")
    # by way of UTC: a moment the clocks skip in spring becomes the one an hour later
    there = naive.replace(tzinfo=zone).astimezone(UTC)
    if not now < there <= now + LONGEST:
        raise NotThen("not ahead, or too far")
    return there


def suggested(now: datetime, zone: tzinfo) -> str:
    """What the field shows first: tomorrow at 08:00, as a browser writes it."""
    return datetime.combine(now.astimezone(zone).date() + timedelta(days=1), BACK_AT).isoformat(timespec="minutes")
