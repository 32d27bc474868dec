"""Reads the tables in tests/data/lint: texts that must be found, with the words at fault, and texts that must not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hub.lint_rules import default_lint_rules
from hub.model.address import Channel
from hub.model.permission import Kind
from hub.policy.lint import LintReport, LintText, check

FOLDER = Path(__file__).resolve().parents[2] / "data" / "lint"
_MARKED = re.compile(r"⟦([^⟧]*)⟧")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table. rules: one for a hit, several for an innocent. spans: what ⟦…⟧ marked."""

    rules: tuple[str, ...]
    channel: Channel
    kind: Kind | None
    text: str
    spans: tuple[tuple[int, int], ...] = ()


def rows(name: str) -> Iterator[Row]:
    rules: tuple[str, ...] = ()
    channel, kind = Channel.EMAIL, None
    for line in (FOLDER / name).read_text("utf-8").splitlines():
        if line.startswith("== "):
            *names, where = line[3:].split()
            rules, (medium, _, code) = tuple(names), where.partition(":")
            channel, kind = Channel(medium), Kind(code) if code else None
        elif line and not line.startswith("# "):
            spans, shift = [], 0
            for count, mark in enumerate(_MARKED.finditer(line)):
                shift = 2 * count
                spans.append((mark.start() - shift, mark.end() - shift - 2))
            yield Row(rules=rules, channel=channel, kind=kind, text=_MARKED.sub(r"\1", line), spans=tuple(spans))


def lint(text: str, channel: Channel = Channel.EMAIL, **given: object) -> LintReport:
    """The report on a text under the lists that come with the product."""
    return check(LintText(channel=channel, text=text, **given), default_lint_rules())  # type: ignore[arg-type]
