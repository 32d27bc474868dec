"""Reads the word lists in `config/lint/*.toml` into the rules that `hub.policy.lint` applies. Decides nothing."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from hub.policy.lint import LintRules, build_rules
from hub.policy.lint.medicines import Term
from hub.policy.lint.phrases import Group
from hub.policy.lint.rule_table import RULES

FILES = ("medicines", "promo", "pressure", "under18", "health", "required")
DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / "config" / "lint"
# Lists that feed a rule under another name.
_INNER = {"under18.procedure", "under18.consultation", "under18.booked", "health.procedure", "health.term", "required.reply"}


class BadLintList(ValueError):
    """A list is missing or not well written; the message names the file and the place."""


def load_lint_rules(folder: Path = DEFAULT_FOLDER) -> LintRules:
    """All lists of a folder, compiled. Raises BadLintList: a check without its lists would let everything pass."""
    data = {name: _read(folder / f"{name}.toml") for name in FILES}
    try:
        commands = data["required"]["commands"]
        return build_rules(
            terms=[term for substance in data["medicines"]["substance"] for term in _terms(substance)],
            groups=[_group(entry) for name in FILES[1:] for entry in data[name]["group"]],
            instead={s["name"]: (s["instead_en"], s["instead_zh"]) for s in data["medicines"]["substance"]},
            command_words=[word.casefold() for word in commands["words"]],
            about_news=[word.casefold() for word in commands["about_news"]],
            version=sum(int(table["version"]) for table in data.values()),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BadLintList(f"config/lint: {error}") from error


@lru_cache(maxsize=1)
def default_lint_rules() -> LintRules:
    """The lists that come with the product, read once per process."""
    return load_lint_rules()


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadLintList(f"{path.name}: {error}") from error


def _terms(substance: dict[str, Any]) -> list[Term]:
    name = substance["name"]
    return [Term(**{"medicine": name, "substance": name, **_tuples(term)}) for term in substance["terms"]]


def _tuples(term: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in term.items()}


def _group(entry: dict[str, Any]) -> Group:
    if entry["rule"] not in RULES and entry["rule"] not in _INNER:
        raise ValueError(f"no such rule: {entry['rule']}")
    return Group(rule=entry["rule"], phrases=tuple(entry["phrases"]), deniable=bool(entry.get("deniable", False)))
