"""WeChat's XML, read within bounds: no document type, no entities, so many elements and so deep. Pure.

What is required raises `Malformed`; what is optional is "" where it is missing, so that a new shape of a small thing does
not cost a patient's message.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final
from xml.parsers import expat

from channels.texts import storable

MAX_ELEMENTS: Final = 600
MAX_DEPTH: Final = 8
# What XML has no way to say at all, and people's texts hold all the same.
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Malformed(Exception):
    """`path` names the element where the documented shape ended; never a value."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Element:
    """One element: its own text, and the elements inside it."""

    __slots__ = ("inside", "name", "parts")

    def __init__(self, name: str) -> None:
        self.name = name
        self.parts: list[str] = []
        self.inside: list[Element] = []

    def find(self, name: str) -> Element | None:
        """The first element of this name inside; None where there is none."""
        return next((found for found in self.inside if found.name == name), None)

    def all(self, name: str) -> list[Element]:
        """Every element of this name inside."""
        return [found for found in self.inside if found.name == name]

    def text(self, name: str) -> str:
        """The text of an element inside, or ""."""
        found = self.find(name)
        return storable("".join(found.parts)) if found is not None else ""

    def need(self, name: str) -> str:
        """A text that says something. Raises Malformed."""
        found = self.text(name).strip()
        if not found:
            raise Malformed(name)
        return found

    def moment(self, name: str, *, latest: datetime) -> datetime:
        """Aware UTC from whole seconds; never later than `latest`. Raises Malformed.

        A provider's clock ahead of ours must not stretch a window.
        """
        value = self.text(name).strip()
        if not (value.isascii() and value.isdigit() and len(value) <= 11):
            raise Malformed(name)
        return min(datetime.fromtimestamp(int(value), UTC), latest)

    def number(self, name: str) -> float | None:
        """A finite number, or None."""
        try:
            value = float(self.text(name)[:40])
        except ValueError:
            return None
        return value if abs(value) < 1e9 else None


class _Reader:
    """Builds the elements of one document; every bound it meets ends the reading."""

    def __init__(self) -> None:
        self.top = Element("")
        self._open = [self.top]
        self._count = 0

    def start(self, name: str, _attributes: Any) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS or len(self._open) > MAX_DEPTH:
            raise Malformed("bounds")
        element = Element(storable(name))
        self._open[-1].inside.append(element)
        self._open.append(element)

    def end(self, _name: str) -> None:
        self._open.pop()

    def words(self, text: str) -> None:
        self._open[-1].parts.append(text)

    def refuse(self, *_: Any) -> None:
        raise Malformed("doctype")


def read(content: bytes) -> Element:
    """The root element, which is `xml`. Raises Malformed: "syntax", "root", "doctype", "bounds".

    A control character, or half of one that was cut, makes no valid XML: such a text is read again with marks in their place.
    """
    try:
        root = _parsed(content)
    except (expat.ExpatError, ValueError):
        mended = _CONTROLS.sub("\ufffd", content.decode("utf-8", "replace"))
        try:
            root = _parsed(mended.encode())
        except (expat.ExpatError, ValueError):
            raise Malformed("syntax") from None
    if root.name != "xml":
        raise Malformed("root")
    return root


def _parsed(content: bytes) -> Element:
    reader, parser = _Reader(), expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.words
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    parser.Parse(content, True)
    return reader.top.inside[0]
