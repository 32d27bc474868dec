"""Collecting all that is wrong, so that one look at the answer is enough to mend it. Never repeats a secret's value."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path

Table = Mapping[str, object]


class SettingsError(Exception):
    """The settings cannot be used. `problems`: one sentence each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Problems:
    """Sentences in the order they were found."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, sentence: str) -> None:
        if sentence not in self._found:
            self._found.append(sentence)

    def __bool__(self) -> bool:
        return bool(self._found)

    def error(self) -> SettingsError:
        return SettingsError(tuple(self._found))


def read_toml(path: Path, problems: Problems) -> Table:
    """The file's table; empty, with a problem noted, where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problems.add(f"The settings file {path} is missing.")
    except OSError as error:
        problems.add(f"The settings file {path} cannot be read: {error.strerror}.")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.add(f"The settings file {path} is not TOML: {error}.")
    return {}


class Reader:
    """Takes typed values out of one table. What is missing or wrong is noted and read as an empty value, so that
    reading goes on and all problems come out together; the caller throws the result away when there are any."""

    def __init__(self, where: str, table: object, problems: Problems) -> None:
        self.where = where
        self._problems = problems
        self._known: set[str] = set()
        self._table: Table = table if isinstance(table, Mapping) else {}
        if not isinstance(table, Mapping):
            self.problem("is not a table")

    def problem(self, what: str) -> None:
        self._problems.add(f"{self.where} {what}.")

    def has(self, key: str) -> bool:
        return key in self._table

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._table)

    def raw(self, key: str) -> object:
        self._known.add(key)
        return self._table.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not blank."""
        value = self.raw(key)
        if value is None and default is not None:
            return default
        if value is None:
            self.problem(f"has no {key}")
        elif not isinstance(value, str):
            self.problem(f"has a {key} that is not text")
        elif not value.strip():
            self.problem(f"has a blank {key}")
        else:
            return value.strip()
        return ""

    def texts(self, key: str, *, may_be_empty: bool = False) -> tuple[str, ...]:
        """A list of texts, none blank, with at least one in it unless it may be empty."""
        value = self.raw(key)
        if value is None:
            self.problem(f"has no {key}")
        elif not isinstance(value, list) or not (value or may_be_empty) or not all(isinstance(v, str) and v.strip() for v in value):
            self.problem(f"has a {key} that is not a list of texts")
        else:
            return tuple(v.strip() for v in value)
        return ()

    def number(self, key: str, default: float, *, least: float = 0.0) -> float:
        value = self.raw(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < float("inf"):
            self.problem(f"has a {key} that is not a number of {least:g} or more")
            return default
        return value

    def whole(self, key: str, default: int, *, least: int = 0) -> int:
        value = self.number(key, default, least=least)
        if value != int(value):
            self.problem(f"has a {key} that is not a whole number")
        return int(value)

    def flag(self, key: str, default: bool | None = None) -> bool:
        value = self.raw(key)
        if isinstance(value, bool):
            return value
        if value is not None or default is None:
            self.problem(f"needs {key} = true or false")
        return bool(default)

    def day(self, key: str) -> date:
        value = self.raw(key)
        if type(value) is not date:
            self.problem(f"needs a {key}, written like 2026-11-01")
            return date.min
        return value

    def tables(self, key: str) -> list[object]:
        """The entries of an array of tables; none when it is absent."""
        value = self.raw(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.problem(f"has a {key} that is not written as [[{key}]]")
            return []
        return value

    def finish(self) -> None:
        """Note every key nobody asked for: most often a typing error in one that matters."""
        for key in self._table:
            if key not in self._known:
                self.problem(f"has an unknown setting {key}")
