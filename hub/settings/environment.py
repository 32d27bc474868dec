"""The environment: values, and secrets that may lie in a file instead (`HUB_X` or `HUB_X_FILE`, never both)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hub.settings.problems import Problems

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})
_FILE = "_FILE"


class Environment:
    """Reads what was given from outside, with sandbox-made values behind it. Notes what is wrong and reads on."""

    def __init__(self, environ: Mapping[str, str], problems: Problems) -> None:
        self._environ = environ
        self._behind: Mapping[str, str] = {}
        self._problems = problems

    def fall_back_on(self, values: Mapping[str, str]) -> None:
        """Values to use where the environment gives none: the sandbox's own secrets."""
        self._behind = values

    def text(self, name: str) -> str | None:
        """None when it is not set or blank."""
        return self._environ.get(name, "").strip() or None

    def flag(self, name: str) -> bool:
        value = self._environ.get(name, "").strip().lower()
        if value not in _TRUE | _FALSE:
            self._problems.add(f"{name} must be on or off.")
        return value in _TRUE

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        text = self.text(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            self._problems.add(f"{name} must be a whole number from {least} to {most}.")
            return default
        return int(text)

    def seconds(self, name: str, default: float, most: float) -> float:
        text = self.text(name)
        if text is None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 <= value <= most:
            self._problems.add(f"{name} must be a number of seconds from 0 to {most:g}.")
            return default
        return value

    def secret(self, name: str) -> str | None:
        """The secret itself, from the variable, the file it names, or the sandbox. None when it is not set."""
        value, path = self._environ.get(name, ""), self._environ.get(name + _FILE, "")
        if value and path:
            self._problems.add(f"{name} and {name}{_FILE} are both set: keep one of them.")
        if value or not path:
            return value.strip() or self._behind.get(name)
        try:
            text = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            self._problems.add(f"The file {name}{_FILE} names cannot be read.")
            return None
        if not text:
            self._problems.add(f"The file {name}{_FILE} names is empty.")
        return text or None

    def names(self) -> frozenset[str]:
        """Every name a secret can be asked by, `_FILE` taken off."""
        return frozenset(name.removesuffix(_FILE) for name in (*self._environ, *self._behind))
