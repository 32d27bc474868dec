"""How often a process looks for garbage in cycles.

A batch of five hundred people makes and drops some hundred thousand values, none of them in a cycle. With Python's own
threshold the collector looks through them all again and again: a quarter of a worker's processor time.
"""

from __future__ import annotations

import gc

_VALUES_BETWEEN = 50_000  # values made and kept before the young ones are looked through; a few megabytes
_ROUNDS = 20


def look_rarely() -> None:
    """To be called once, when a process has loaded what it needs: that is never looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_VALUES_BETWEEN, _ROUNDS, _ROUNDS)
