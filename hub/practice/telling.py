"""The hub's own records as the practice page tells them, and what each line proves of the exercise. Pure."""

from __future__ import annotations

from typing import Final

from channels.sandbox.phone import LedgerLine
from hub.store import ledger

ICONS: Final = {"tick": "tick1"}
WISHES: Final = frozenset({"hand", "x"})
ANSWERED: Final = frozenset({"accepted", "sent", "delivered", "read"})


def as_told(line: ledger.LedgerLine) -> LedgerLine:
    """A line of the hub's ledger as the page tells it."""
    return LedgerLine(
        at=line.at,
        icon=ICONS.get(line.icon, line.icon),
        title=line.title,
        detail=line.detail,
        steps=steps_of(line),
        wish=line.icon in WISHES,
    )


def steps_of(line: ledger.LedgerLine) -> tuple[str, ...]:
    """What a line proves: see `LedgerLine.steps`. A stop of everything closes every channel."""
    if line.what == "understood" and line.word == "OPT_OUT":
        return ("stopped",)
    if line.what == "refused" and line.word == "RPL":
        return ("refused",)
    if line.what == "status" and line.word == "RPL" and line.state in ANSWERED:
        return ("answered",)
    if line.what == "suppressed" and line.word == "ALL_CONTACT":
        return ("closed:*",)
    if line.what == "suppressed" and line.word == "CHANNEL":
        return (f"closed:{line.channel}",)
    return (f"open:{line.channel}",) if line.what == "lifted" and line.channel else ()
