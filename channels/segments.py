"""SMS arithmetic: which alphabet a text needs and how many segments it fills (channels.md §4). Pure.

It counts as handsets do: a two-septet character and a surrogate pair never straddle the edge of a segment. It never
cuts a text, and it changes one only where `plain_punctuation` is asked to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# 3GPP TS 23.038, the default alphabet and its extension table (each extension character takes two septets).
GSM_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION: Final = frozenset("\f^{}\\[~]|€")

GSM_SINGLE, GSM_JOINED = 160, 153
UCS2_SINGLE, UCS2_JOINED = 70, 67

# Characters word processors put in by themselves; each costs the GSM alphabet, hence more than twice the segments.
_PLAIN: Final = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201a": "'",
        "\u201b": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u201f": '"',
        "\u2032": "'",
        "\u2033": '"',
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "-",
        "\u2013": "-",
        "\u2014": "-",
        "\u2015": "-",
        "\u2026": "...",
        "\u00a0": " ",
        "\u202f": " ",
        "\u2009": " ",
        "\u200b": "",
        "\ufeff": "",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segments:
    """alphabet: "GSM-7" or "UCS-2". units: septets or UTF-16 units. count: segments; 0 for an empty text."""

    alphabet: str
    units: int
    count: int


def plain_punctuation(text: str) -> str:
    """The text with curly quotes, dashes and invisible spaces made plain, as Twilio's SmartEncoded would.

    Done by us so that the preview shows what is sent (channels.md §4).
    """
    return text.translate(_PLAIN)


def segments(text: str) -> Segments:
    """How a text travels as SMS."""
    if all(c in GSM_BASIC or c in GSM_EXTENSION for c in text):
        sizes = [2 if c in GSM_EXTENSION else 1 for c in text]
        return _count("GSM-7", sizes, GSM_SINGLE, GSM_JOINED)
    return _count("UCS-2", [2 if ord(c) > 0xFFFF else 1 for c in text], UCS2_SINGLE, UCS2_JOINED)


def _count(alphabet: str, sizes: list[int], single: int, joined: int) -> Segments:
    units = sum(sizes)
    if units <= single:
        return Segments(alphabet=alphabet, units=units, count=1 if units else 0)
    count, room = 1, joined
    for size in sizes:
        if size > room:
            count, room = count + 1, joined
        room -= size
    return Segments(alphabet=alphabet, units=units, count=count)
