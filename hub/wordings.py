"""Loads config/wordings/*.toml into values. Reads files once at start; never touches the database."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from hub.model.wording import Wording
from hub.policy.answering import AnswerWords, answer_words

DEFAULT_LOCALE = "en"
NOTICE = "privacy_notice"
ADULT = "age_adult"
# Chinese written in the one script is read by readers of the other sooner than English is.
_NEAREST = {"zh-HK": ("zh-Hant",), "zh-MO": ("zh-Hant",), "zh-TW": ("zh-Hant",), "zh-Hant": ("zh-Hans",), "zh": ("zh-Hans",)}


class BadWording(Exception):
    """A wording file cannot be used; the message names the file and says what to do."""


@dataclass(frozen=True)
class Wordings:
    """Every loaded wording, newest version first within an id and a locale."""

    entries: tuple[Wording, ...]

    def text(self, id: str, locale: str) -> Wording:
        """The newest version of the sentence in the nearest language: the locale itself, its language, English.

        Raises KeyError for an id nobody wrote.
        """
        for wanted in _fallbacks(locale):
            found = [w for w in self.entries if w.id == id and w.locale == wanted]
            if found:
                return max(found, key=lambda w: w.version)
        raise KeyError(f"no wording called {id}")

    def exact(self, id: str, version: int, locale: str) -> Wording | None:
        """The one version, or None."""
        return next((w for w in self.entries if (w.id, w.version, w.locale) == (id, version, locale)), None)

    def offered(self, locale: str) -> tuple[Wording, ...]:
        """The consent sentences the hosted form shows, in the order of the files, newest version each."""
        ids = dict.fromkeys(w.id for w in self.entries if w.offered)
        return tuple(w for i in ids if (w := self.text(i, locale)).offered)

    @cached_property
    def answers(self) -> AnswerWords:
        """The words for yes and no to a question of ours, of every language together."""
        return answer_words(self._lines("doi_yes"), self._lines("doi_no"))

    def _lines(self, id: str) -> list[str]:
        return [line for w in self.entries if w.id == id for line in w.text.splitlines()]

    def adult(self, locale: str) -> Wording | None:
        """The box that says "I am 18 or over"; None where no file offers it."""
        return self.text(ADULT, locale) if any(w.id == ADULT for w in self.entries) else None

    def notice(self, locale: str) -> Wording:
        """The privacy notice in force."""
        return self.text(NOTICE, locale)


def load(folder: Path) -> Wordings:
    """Read every .toml file of the folder, in name order.

    Raises BadWording for a file that is no TOML, an entry without a field it needs, or one given twice.
    """
    entries = tuple(wording for path in sorted(folder.glob("*.toml")) for wording in _read(path))
    _refuse_doubles(entries)
    found = Wordings(entries)
    try:
        _ = found.answers
    except ValueError as error:
        raise BadWording(f"The answers doi_yes and doi_no cannot be told apart: {error}") from error
    return found


def file_of(folder: Path, id: str) -> str:
    """The name of the file a wording stands in; the folder's own name where none of them holds it."""
    found = (path.name for path in sorted(folder.glob("*.toml")) if any(w.id == id for w in _read(path)))
    return next(found, folder.name)


def _read(path: Path) -> Iterator[Wording]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadWording(f"{path.name} cannot be read: {error}") from error
    for number, entry in enumerate(document.get("wording", ()), start=1):
        try:
            yield _wording(entry)
        except (KeyError, TypeError, ValueError) as error:
            raise BadWording(
                f"{path.name}, entry {number}: {error.args[0] if error.args else error} is missing or of the wrong kind"
            ) from error


def _wording(entry: dict[str, Any]) -> Wording:
    valid_from = entry["valid_from"]
    if not isinstance(valid_from, date):
        raise ValueError("valid_from")
    return Wording(
        id=_text(entry, "id"),
        version=int(entry["version"]),
        locale=_text(entry, "locale"),
        text=_text(entry, "text").strip(),
        valid_from=datetime(valid_from.year, valid_from.month, valid_from.day, tzinfo=UTC),
        reviewed=bool(entry["reviewed"]),
        channel=entry.get("channel"),
        purpose=entry.get("purpose"),
        offered=bool(entry.get("offered", False)),
    )


def _text(entry: dict[str, Any], key: str) -> str:
    value = entry[key]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(key)
    return value


def _refuse_doubles(entries: Iterable[Wording]) -> None:
    seen = set()
    for w in entries:
        key = (w.id, w.version, w.locale)
        if key in seen:
            raise BadWording(f"The wording {w.id}, version {w.version}, {w.locale}, stands twice")
        seen.add(key)


def _fallbacks(locale: str) -> Iterator[str]:
    yield locale
    parts = locale.split("-")
    while len(parts) > 1:
        yield from _NEAREST.get("-".join(parts), ())
        parts.pop()
        yield "-".join(parts)
    yield from _NEAREST.get(parts[0], ())
    yield DEFAULT_LOCALE
