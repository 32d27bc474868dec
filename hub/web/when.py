"""Times in words, in the clinic's zone: as short as the eye needs in a list, whole where it is evidence (looks §3)."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo


def clock(at: datetime, zone: tzinfo) -> str:
    """ "09:52"."""
    return f"{at.astimezone(zone):%H:%M}"


def day(at: datetime, zone: tzinfo) -> str:
    """ "3 November 2025"."""
    local = at.astimezone(zone)
    return f"{local.day} {local:%B %Y}"


def full(at: datetime, zone: tzinfo) -> str:
    """ "Monday 23 November 2026, 18:06 GMT", for the title of a time."""
    local = at.astimezone(zone)
    return f"{local:%A} {local.day} {local:%B %Y}, {local:%H:%M %Z}"


def heading(at: datetime, now: datetime, zone: tzinfo) -> str:
    """The line between the days of a thread: "Today", "Yesterday", "Monday 23 November"."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return "Today"
    if local.date() == today.date() - timedelta(days=1):
        return "Yesterday"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local:%A} {local.day} {local:%B}{year}"


def short(at: datetime, now: datetime, zone: tzinfo) -> str:
    """For a list: today "09:52", this week "Mon", else "3 Nov"."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M}"
    if timedelta(0) <= today.date() - local.date() < timedelta(days=7):
        return f"{local:%a}"
    return f"{local.day} {local:%b}" if local.year == today.year else f"{local.day} {local:%b %Y}"


def said(at: datetime, now: datetime, zone: tzinfo) -> str:
    """Inside a sentence: "today 08:41", "yesterday 18:06", "Wed 08:41", "3 November 2025"."""
    local, today = at.astimezone(zone), now.astimezone(zone)
    apart = (local.date() - today.date()).days
    if apart == 0:
        return f"today {local:%H:%M}"
    if apart == -1:
        return f"yesterday {local:%H:%M}"
    if -7 < apart < 7:
        return f"{local:%a %H:%M}"
    return f"{local.day} {local:%B}" if local.year == today.year else f"{local.day} {local:%B %Y}"


def left(span: timedelta) -> str:
    """ "21 h 12 min", "48 min", "2 days"; never a negative time."""
    minutes = max(0, int(span.total_seconds() // 60))
    if minutes >= 48 * 60:
        return f"{minutes // (24 * 60)} days"
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest} min"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def left_short(span: timedelta) -> str:
    """ "21 h left", "48 min left", for a chip."""
    minutes = max(0, int(span.total_seconds() // 60))
    return f"{minutes // 60} h left" if minutes >= 60 else f"{minutes} min left"


def left_spoken(span: timedelta) -> str:
    """ "21 hours left", for a screen reader."""
    minutes = max(0, int(span.total_seconds() // 60))
    number, unit = (minutes // 60, "hour") if minutes >= 60 else (minutes, "minute")
    return f"{number} {unit}{'' if number == 1 else 's'} left"
