"""Approved templates in the place of a composer whose window is shut: how each of them reads before it is sent. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hub.gate.templates import house_values
from hub.model.template import MAX_VALUE, SLOT, Template
from hub.settings import Clinic

SLOT_PREFIX = "slot_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One template as staff see it. parts: its text in pieces, each with whether it is a slot. slots: field name and label."""

    id: str
    locale: str
    title: str
    parts: tuple[tuple[str, bool], ...]
    slots: tuple[tuple[str, str], ...]
    longest: int = MAX_VALUE


def offers(templates: Sequence[Template], clinic: Clinic) -> tuple[Offer, ...]:
    """Drawn with the clinic's own words filled in; what staff fill stands as its name."""
    ours = house_values(clinic)
    return tuple(
        Offer(
            id=t.id,
            locale=t.locale,
            title=t.title,
            parts=_parts(t.body, ours),
            slots=tuple((SLOT_PREFIX + slot, slot.replace("_", " ").capitalize()) for slot in t.slots if slot not in ours),
        )
        for t in templates
    )


def _parts(body: str, ours: dict[str, str]) -> tuple[tuple[str, bool], ...]:
    pieces = SLOT.split(body)  # text, slot, text, slot, …, text
    drawn = [(ours.get(piece, piece.replace("_", " ")), piece not in ours) if n % 2 else (piece, False) for n, piece in enumerate(pieces)]
    return tuple((text, slot) for text, slot in drawn if text)
