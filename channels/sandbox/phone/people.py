"""Whom one may be on the practice phone: invented people with numbers that Ofcom keeps for drama, so nobody has them."""

from __future__ import annotations

import secrets
from typing import Final

from channels.sandbox.doubles import Person

DRAMA_RANGE: Final = "+447700900"  # and three digits more
NAMES: Final = (
    ("Meiling Chen", "123"),
    ("Tom Okafor", "124"),
    ("Priscilla Hart", "125"),
    ("Ravi Menon", "126"),
    ("Joan Ellery", "127"),
    ("Sofia Marques", "128"),
    ("Daniel Brandt", "129"),
    ("Yusuf Demir", "130"),
)
STARTERS: Final = 2


class People:
    """The people of this sandbox, in the order they were met. The senders of the clinic are never given away."""

    def __init__(self, taken: frozenset[str]) -> None:
        self._taken = taken
        self._people = {key: Person(key=key, name=name, number=DRAMA_RANGE + key) for name, key in NAMES[:STARTERS]}

    def all(self) -> list[Person]:
        return list(self._people.values())

    def find(self, key: str) -> Person:
        """The person of that key, or the first."""
        return self._people.get(key) or next(iter(self._people.values()))

    def add(self) -> Person:
        """Somebody who has never written: a name nobody has yet where there is one, a number nobody has."""
        names = [name for name, _ in NAMES]
        name = names[len(self._people)] if len(self._people) < len(names) else f"Person {len(self._people) + 1}"
        free = [f"{n:03d}" for n in range(200, 1000) if f"{n:03d}" not in self._people and f"{DRAMA_RANGE}{n:03d}" not in self._taken]
        person = Person(key=(key := secrets.choice(free)), name=name, number=DRAMA_RANGE + key)
        self._people[key] = person
        return person
