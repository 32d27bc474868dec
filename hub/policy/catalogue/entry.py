"""The shape of one row of a catalogue."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """The words for one reason. Slots stand in braces; each tuple goes from the fullest wording to one without slots.

    said: what stands in the way. remedy: what would change it; empty where nothing would. joint: what stands between
    the two on the screen, None where the screen shows the first alone.
    """

    said: tuple[str, ...]
    remedy: tuple[str, ...] = ()
    joint: str | None = None
