"""Private text and secrets, wrapped so that leaking them is a type error rather than a habit to keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, NoReturn, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sealed(Generic[T]):
    """Private text or a secret: prints as <sealed>, opened only by `reveal()`.

    A masked `str` subclass would not do: join, `+` and JSON see through it. This one is no string at all, so
    each of those raises TypeError; pickling raises too, which keeps it out of job queues.
    """

    _value: T = field(repr=False)

    def reveal(self) -> T:
        """The value itself. Expected in store, render, verify and templates, and nowhere else."""
        return self._value

    def __str__(self) -> str:
        return "<sealed>"

    def __repr__(self) -> str:
        return "<sealed>"

    def __format__(self, spec: str) -> str:
        return "<sealed>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("sealed values are not pickled")
