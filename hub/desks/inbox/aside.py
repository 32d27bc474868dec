"""Until when a conversation may be put aside: the choices, and the moments they name in the clinic's own time. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo

# value, words on the button
CHOICES = (("tomorrow", "Until tomorrow"), ("week", "Until next week"), ("reply", "Until they write"))
BACK_AT = time(8, 0)


def back_at(choice: str, now: datetime, zone: tzinfo) -> datetime | None:
    """When it returns: tomorrow or on Monday at 08:00 where the clinic is; None for "until they write". Raises ValueError."""
    if choice == "reply":
        return None
    today = now.astimezone(zone).date()
    days = {"tomorrow": 1, "week": 7 - today.weekday()}.get(choice)
    if days is None:
        raise ValueError("no such choice")
    return datetime.combine(today + timedelta(days=days), BACK_AT, tzinfo=zone)
