"""Meta's JSON, read by type. An error names the place (`entry[0].changes[0].value.messages[2].timestamp`), never a value.

What is required raises `Malformed`; what is optional is "" or None where it is missing or of another type than
documented, so that a new shape of a small thing does not cost a patient's message.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from channels.errors import BadPayload
from channels.texts import storable

# Seconds of a year beyond 5000 would be needed to reach this; milliseconds pass it in 1973.
_MILLISECONDS_FROM: Final = 100_000_000_000


class Malformed(Exception):
    """`path` says where in the payload the documented shape ended."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Node:
    """One place in a payload: its value, and how it was reached."""

    __slots__ = ("_key", "_parent", "value")

    def __init__(self, value: object, key: str | int = "", parent: Node | None = None) -> None:
        self.value, self._key, self._parent = value, key, parent

    @property
    def path(self) -> str:
        """The way from the top: `entry[0].changes[1].value`."""
        if self._parent is None:
            return str(self._key)
        above = self._parent.path
        if isinstance(self._key, int):
            return f"{above}[{self._key}]"
        return f"{above}.{self._key}" if above else self._key

    def _get(self, key: str) -> object:
        if type(self.value) is not dict:
            raise Malformed(self.path)
        return self.value.get(key)

    def names(self) -> list[str]:
        """The names in this object; none where it is none."""
        return [storable(str(key)) for key in self.value] if isinstance(self.value, dict) else []

    def has(self, key: str) -> bool:
        """Whether a member is there, whatever its type."""
        return self._get(key) is not None

    def is_list(self, key: str) -> bool:
        """Whether a member is a list."""
        return type(self._get(key)) is list

    def at(self, key: str) -> Node:
        """A member that is an object. Raises Malformed."""
        node = Node(self._get(key), key, self)
        if type(node.value) is not dict:
            raise Malformed(node.path)
        return node

    def maybe(self, key: str) -> Node | None:
        """A member that is an object, or None."""
        value = self._get(key)
        return Node(value, key, self) if type(value) is dict else None

    def items(self, key: str) -> Iterator[Node]:
        """The elements of a list, whatever they are; nothing where it is missing. Raises Malformed for another type."""
        value = self._get(key)
        if value is None:
            return
        place = Node(value, key, self)
        if type(value) is not list:
            raise Malformed(place.path)
        for index, element in enumerate(value):
            yield Node(element, index, place)

    def objects(self, key: str) -> list[Node]:
        """The objects of an optional list; none where it is missing or of another type."""
        value = self._get(key)
        if type(value) is not list:
            return []
        place = Node(value, key, self)
        return [Node(element, index, place) for index, element in enumerate(value) if type(element) is dict]

    def words(self, key: str) -> list[str]:
        """The strings of an optional list that say something."""
        value = self._get(key)
        return [storable(element) for element in value if type(element) is str and element] if type(value) is list else []

    def need(self, key: str) -> str:
        """A string that says something. Raises Malformed."""
        value = self._get(key)
        if type(value) is not str or not value:
            raise Malformed(Node(value, key, self).path)
        return storable(value)

    def text(self, key: str) -> str:
        """A string, or "" where there is none."""
        value = self._get(key)
        return storable(value) if type(value) is str else ""

    def word(self, key: str) -> str:
        """A short id or code, written as a string or as a whole number; "" where it is neither."""
        value = self._get(key)
        if type(value) is int:
            return str(value) if abs(value) < 10**20 else ""
        return storable(value) if type(value) is str else ""

    def flag(self, key: str) -> bool:
        """Whether a member is exactly true."""
        return self._get(key) is True

    def moment(self, key: str, *, latest: datetime) -> datetime:
        """Aware UTC, from seconds or milliseconds, a number or a string of digits; never later than `latest`.

        Raises Malformed. A provider's clock ahead of ours must not stretch a window.
        """
        value = self._get(key)
        if type(value) is str and value.isascii() and value.isdigit() and len(value) <= 17:
            value = int(value)
        if type(value) is not int or not 0 <= value < 253_402_300_800_000:
            raise Malformed(Node(value, key, self).path)
        seconds = value / 1000 if value >= _MILLISECONDS_FROM else value
        return min(datetime.fromtimestamp(seconds, UTC), latest)

    def number(self, key: str) -> float | None:
        """A finite number, or None."""
        value = self._get(key)
        if type(value) is not int and type(value) is not float:
            return None
        try:
            found = float(value)
        except OverflowError:
            return None
        return found if math.isfinite(found) else None


def decode(body: bytes, account_id: str) -> Node:
    """The top of a payload. Raises BadPayload("json") for what is no JSON object.

    The quick decoder refuses half a surrogate pair, which Meta sends where a name was cut; the patient one takes it.
    """
    try:
        value = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            raise BadPayload(account_id, "json") from None
    if type(value) is not dict:
        raise BadPayload(account_id, "json")
    return Node(value)


def coordinates(latitude: float | None, longitude: float | None) -> tuple[float, float] | None:
    """A place on Earth, or None."""
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return latitude, longitude
