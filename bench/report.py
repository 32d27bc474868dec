"""Numbers side by side: what was measured, its ceiling, and the ratio that counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One result. target: as the issue states it, in words. ok: None where it is only for information."""

    case: str
    figure: str
    ceiling: str = ""
    ratio: str = ""
    target: str = ""
    ok: bool | None = None


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of them lie; 0 when there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def show(title: str, lines: Sequence[Line]) -> None:
    """Print the table of one bench."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for head in ("case", "figure", "ceiling", "ratio", "target", ""):
        table.add_column(head, justify="left" if head in ("case", "target", "") else "right")
    for line in lines:
        mark = "" if line.ok is None else "met" if line.ok else "missed"
        table.add_row(line.case, line.figure, line.ceiling, line.ratio, line.target, mark)
    Console(width=160).print(table)
