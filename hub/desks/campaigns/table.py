"""A campaign's people as a table for a spreadsheet. Pure.

A cell that a spreadsheet would take for a formula is marked as text: a name is what people typed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from hub.desks.campaigns import views, words
from hub.model.campaign import Draft, Recipient
from hub.settings import Settings

HEAD = "\ufeffperson,outcome,code,ground or reason,time (UTC),decision\r\n"  # the mark tells a spreadsheet that it is UTF-8
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def lines(people: Sequence[Recipient], draft: Draft, settings: Settings, *, named: bool) -> str:
    """Their rows. named: whether the reader may know who they are."""
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\r\n").writerow
    for r in people:
        write([cell(value) for value in _row(r, draft, settings, named=named)])
    return out.getvalue()


def cell(value: str) -> str:
    """The value, and never a formula."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def _row(r: Recipient, draft: Draft, settings: Settings, *, named: bool) -> tuple[str, ...]:
    outcome, _, _ = words.OUTCOMES.get(views.outcome_of(r), (views.outcome_of(r), "", ""))
    return (
        views.name_of(r.name.reveal() if r.name else None, str(r.contact_id), named=named),
        outcome,
        r.reason or r.error_code or "",
        views.ground_of(r, draft, settings),
        f"{r.at:%Y-%m-%d %H:%M:%S}" if r.at else "",
        str(r.decision_id or ""),
    )
