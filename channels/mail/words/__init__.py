"""The word tables of the mail reader, as data: native speakers can read and mend them without reading code."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def load(name: str) -> dict[str, Any]:
    """The table `name`.toml. A broken table stops the program when it starts, not when a mail comes."""
    return tomllib.loads(files(__name__).joinpath(f"{name}.toml").read_text("utf-8"))


def any_of(patterns: Iterable[str]) -> str:
    """One pattern that matches where any of the given ones does."""
    return "(?:" + "|".join(patterns) + ")"


def phrase(text: str) -> str:
    """A phrase as a pattern; "…" stands for up to eighty characters."""
    return ".{0,80}?".join(re.escape(piece.strip()) for piece in text.split("…"))
