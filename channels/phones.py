"""Phone numbers as channels need them: E.164 out of what a provider writes, and whether a text may go there. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberFormat

_INTERNATIONAL = re.compile(r"\+[0-9]{5,20}")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_UK_MOBILE_RANGE = "+447"  # 07 numbers are mobile, pager or personal, never a fixed line (Ofcom's numbering plan)


def is_e164(text: str) -> bool:
    """Whether a stored number has the form of E.164; cheap, for what was made canonical when it came in."""
    return _E164.fullmatch(text) is not None


@lru_cache(maxsize=8192)
def e164(text: str) -> str | None:
    """The canonical form, or None where this is no phone number: a short code, a name, a user id."""
    if not _INTERNATIONAL.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def is_uk_landline(number: str) -> bool:
    """Whether an E.164 number is British and no mobile: an SMS there may be read out aloud by a robot (channels.md §4).

    By the numbering plan and not by lists of what was handed out: those are always older than the numbers.
    """
    return number.startswith("+44") and not number.startswith(_UK_MOBILE_RANGE)
