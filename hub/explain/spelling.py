"""Readers of single JSON values: a value in any usual spelling, or None for what is unknown or cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

E = TypeVar("E", bound=StrEnum)

_YES = frozenset({"true", "yes", "on", "ok", "up", "healthy"})
_NO = frozenset({"false", "no", "off", "down"})
_OTHER_NAMES = {"e_mail": "email", "mail": "email", "text": "sms", "weixin": "wechat", "form": "web_form", "web": "web_form"}


def plain(value: object) -> Any:
    """The value with the names of its objects in lower case, words joined by underscores."""
    if isinstance(value, dict):
        return {_key(name): plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def _key(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def choice(members: type[E]) -> Callable[[object], E | None]:
    """A reader of one member of a closed set, by value in any case."""
    known = {_key(member.value): member for member in members}

    def read(value: object) -> E | None:
        if not isinstance(value, str):
            return None
        return known.get(_key(value)) or known.get(_OTHER_NAMES.get(_key(value), ""))

    return read


def flag(value: object) -> bool | None:
    """True, false, or a word for them."""
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    return True if word in _YES else False if word in _NO else None


def switches(value: object) -> bool | None:
    """Whether any switch is on: a flag, or the list of those that are."""
    return bool(value) if isinstance(value, list) else flag(value)


def yes(value: object) -> bool:
    """Whether this says yes; for facts whose doubtful value is no."""
    return value is True or (isinstance(value, str) and flag(value) is True)


def number(value: object) -> int | None:
    """A whole number, none of them below zero."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 10:
        value = int(value)
    return value if type(value) is int and value >= 0 else None


def text(value: object) -> str | None:
    """A string that says something."""
    known = value.strip() if isinstance(value, str) else ""
    return known if known and known.lower() != "unknown" else None


def country(value: object) -> str | None:
    """ISO 3166 alpha-2, upper case."""
    known = (text(value) or "").upper()
    return known if len(known) == 2 and known.isascii() and known.isalpha() else None


def words(value: object) -> tuple[str, ...] | None:
    """A list of strings, or a single one."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(text(item) for item in items):
        return None
    return tuple(str(item).strip() for item in items)


def moment(value: object) -> datetime | None:
    """ISO 8601 with its offset from UTC; a time without one names no moment."""
    try:
        at = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def times(value: object) -> datetime | None:
    """The last time something was done, for facts where null says never: what cannot be read is taken as just now."""
    return None if value is None else moment(value) or datetime.max.replace(tzinfo=UTC)
