"""The panel of troubles: which a provider can play, how the page calls them, and which are on. Pure but for `switch`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from channels.sandbox.doubles import Double
from channels.sandbox.values import Rule, Trouble

SECONDS: Final = (2, 5, 20)
USUAL_S: Final = 5
WORDS: Final = {
    Trouble.SLOW: "Answers slowly",
    Trouble.SERVER_ERROR: "Fails: 5xx",
    Trouble.MALFORMED: "Takes it, answers nonsense",
    Trouble.CREDENTIALS: "Refuses our key: 401",
    Trouble.THROTTLED: "Too many: 429, wait",
    Trouble.HANG: "Takes it, never answers",
    Trouble.DROP_AFTER: "Takes it, hangs up",
    Trouble.FORGED: "Wrong signature (an attacker)",
    Trouble.TRIPLE: "Three times at once",
    Trouble.PUSH_LATE: "Late",
    Trouble.PUSH_REORDERED: "In the wrong order",
    Trouble.PUSH_BATCHED: "Several in one",
    Trouble.LATE: "Reports come late",
    Trouble.EARLY: "Reports come before the answer",
    Trouble.REORDERED: "Reports in the wrong order",
    Trouble.SILENT: "Reports never come",
    Trouble.UNDELIVERED: "Nothing arrives",
    Trouble.MEDIA_SLOW: "Slow",
    Trouble.MEDIA_HUGE: "Far too big",
    Trouble.MEDIA_WRONG: "Not what they say",
}
GROUPS: Final = (
    ("When the hub sends", (Trouble.SLOW, Trouble.SERVER_ERROR, Trouble.MALFORMED, Trouble.CREDENTIALS, Trouble.THROTTLED, Trouble.HANG)),
    ("What patients write", (Trouble.FORGED, Trouble.TRIPLE, Trouble.PUSH_LATE, Trouble.PUSH_REORDERED, Trouble.PUSH_BATCHED)),
    ("What it reports", (Trouble.LATE, Trouble.EARLY, Trouble.REORDERED, Trouble.SILENT, Trouble.UNDELIVERED)),
    ("Patients’ files", (Trouble.MEDIA_SLOW, Trouble.MEDIA_HUGE, Trouble.MEDIA_WRONG)),
)
TIMED: Final = frozenset(
    {Trouble.SLOW, Trouble.THROTTLED, Trouble.PUSH_LATE, Trouble.PUSH_REORDERED, Trouble.PUSH_BATCHED, Trouble.LATE, Trouble.MEDIA_SLOW}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """One trouble of the panel."""

    kind: str
    words: str
    on: bool
    seconds: int  # 0 when it is off, or has no time to it


def panel(double: Double) -> list[tuple[str, list[Switch]]]:
    """The switches of a provider in their groups; a group it can play nothing of is left out."""
    standing = {rule.trouble: rule for rule in double.troubles.standing()}
    groups = [(title, [_switch(kind, standing.get(kind)) for kind in kinds if kind in double.offers]) for title, kinds in GROUPS]
    return [(title, switches) for title, switches in groups if switches]


def _switch(kind: Trouble, rule: Rule | None) -> Switch:
    seconds = int(rule.wait_s) if rule is not None and kind in TIMED else 0
    return Switch(kind=kind.value, words=WORDS[kind], on=rule is not None, seconds=seconds)


def banner(doubles: Sequence[Double]) -> list[tuple[str, str]]:
    """Each provider in trouble, and what is the matter there."""
    found = []
    for double in doubles:
        on = [switch for _, switches in panel(double) for switch in switches if switch.on]
        if on:
            found.append((double.title, ", ".join(s.words + (f" ({s.seconds} s)" if s.seconds else "") for s in on)))
    return found


def switch(double: Double, kind: str, seconds: str) -> bool:
    """Turn a trouble on, or off when it is on. False for one the provider cannot play."""
    if kind not in {offered.value for offered in double.offers & WORDS.keys()}:
        return False
    trouble = Trouble(kind)
    if any(rule.trouble is trouble for rule in double.troubles.standing()):
        double.troubles.lift(trouble)
    else:
        wait_s = int(seconds) if seconds in {str(s) for s in SECONDS} else USUAL_S
        double.troubles.add(Rule(trouble=trouble, left=None, wait_s=wait_s))
    return True
