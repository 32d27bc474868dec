"""Loads config/lexicon/*.toml into a compiled lexicon. Reads files only when asked, keeps the result per folder.

Every fault of every file is reported at once, with file and entry, so that whoever keeps the lists (the data
protection contact) sees all there is to mend. A lexicon with a fault is refused whole: a half-read list would miss stops.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from hub.leaning import load_leaning
from hub.policy.optout import Lexicon, WordList, compile_lexicon
from hub.policy.optout.classes import CLASSES, KEYWORD_KINDS
from hub.policy.optout.lexicon import pieces
from hub.policy.optout.normalise import fold_word
from hub.policy.optout.tokens import known_with

FOLDER = "lexicon"
DEFAULT_CONFIG = Path(__file__).resolve().parent.parent / "config"
# When a word belongs to several languages and nothing else tells them apart, the earlier one is named.
_FIRST = ("en", "zh-Hans", "zh-Hant", "fr", "es", "it", "pt", "pl", "ro", "ru", "tr", "ar", "hi", "ur", "fa")


class BadLexicon(Exception):
    """The lists cannot be used. faults: one sentence each, naming file and entry."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("the opt-out lexicon has faults:\n" + "\n".join(faults))
        self.faults = faults


@lru_cache(maxsize=2)
def load_lexicon(config_dir: Path = DEFAULT_CONFIG) -> Lexicon:
    """The compiled lexicon of `config_dir/lexicon/*.toml` with the weights beside it (hub.leaning), read once per process and folder.

    Raises BadLexicon with every fault found, also when there is no file at all, and BadLeaning.
    """
    lexicon, leaning = load_lists(config_dir), load_leaning(config_dir)
    return replace(lexicon, leaning=leaning, known=known_with(leaning.words, lexicon)) if leaning else lexicon


def load_lists(config_dir: Path) -> Lexicon:
    """The word lists alone, without weights. Raises BadLexicon."""
    lists, faults = read_lists(config_dir)
    if faults:
        raise BadLexicon(tuple(faults))
    return compile_lexicon(lists)


def read_lists(config_dir: Path) -> tuple[list[WordList], list[str]]:
    """The lists as written, and what is wrong with them; for the checking command."""
    files = sorted((config_dir / FOLDER).glob("*.toml"), key=_order)
    faults = [] if files else [f"{config_dir / FOLDER}: no .toml file here"]
    lists = []
    for file in files:
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            faults.append(f"{file.name}: not readable as TOML: {error}")
            continue
        found = list(_faults(content))
        faults += [f"{file.name}: {fault}" for fault in found]
        if not found:
            lists.append(_word_list(content))
    return lists, faults


def unreviewed(config_dir: Path) -> dict[str, int]:
    """How many entries of each language no native speaker has read yet."""
    counts = {}
    for file in sorted((config_dir / FOLDER).glob("*.toml")):
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        counts[str(content.get("language", file.stem))] = sum(not is_reviewed(entry) for _, entry in _entries(content))
    return counts


def text_of(entry: Any) -> str:
    """The word or phrase of an entry: a string nobody has reviewed, or { text = "…", reviewed = true }; "" for anything else."""
    text = entry.get("text") if isinstance(entry, dict) else entry
    return text if isinstance(text, str) else ""


def is_reviewed(entry: Any) -> bool:
    """Whether a native speaker has read it."""
    return isinstance(entry, dict) and entry.get("reviewed") is True


def _order(file: Path) -> tuple[int, str]:
    return (_FIRST.index(file.stem) if file.stem in _FIRST else len(_FIRST), file.stem)


def _word_list(content: Mapping[str, Any]) -> WordList:
    def texts(section: str) -> dict[str, tuple[str, ...]]:
        return {name: tuple(text_of(e) for e in entries) for name, entries in content.get(section, {}).items()}

    return WordList(
        language=content["language"],
        version=content["version"],
        keywords=texts("keywords"),
        classes=texts("classes"),
        spellings={short: word for word, shorts in content.get("spellings", {}).items() for short in shorts},
    )


def _entries(content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for section in ("keywords", "classes"):
        for name, entries in content.get(section, {}).items():
            for entry in entries:
                yield f"{section}.{name}", entry


def _faults(content: Mapping[str, Any]) -> Iterator[str]:
    for key in ("language", "version"):
        if not isinstance(content.get(key), str) or not content[key]:
            yield f"`{key}` is missing or empty"
    yield from (f"unknown part `{key}`" for key in content.keys() - {"language", "name", "version", "keywords", "classes", "spellings"})
    yield from _spelling_faults(content.get("spellings", {}))
    for section, allowed in (("keywords", KEYWORD_KINDS), ("classes", CLASSES)):
        names = content.get(section, {})
        if not isinstance(names, dict):
            yield f"[{section}] is not a table"
            continue
        for name, entries in names.items():
            where = f"{section}.{name}"
            if name not in allowed:
                yield f"{where}: no such {'kind of keyword' if section == 'keywords' else 'class'}; known: {', '.join(allowed)}"
            elif not isinstance(entries, list):
                yield f"{where}: is not a list"
            else:
                yield from _entry_faults(where, entries)


def _spelling_faults(spellings: Any) -> Iterator[str]:
    """Each word with its short forms, single words all of them: you = ["u", "ya"]."""
    if not isinstance(spellings, dict):
        yield "[spellings] is not a table"
        return
    for word, shorts in spellings.items():
        if not isinstance(shorts, list) or not all(isinstance(short, str) and len(pieces(fold_word(short))) == 1 for short in shorts):
            yield f"spellings.{word}: is not a list of single words"


def _entry_faults(where: str, entries: list[Any]) -> Iterator[str]:
    seen: set[str] = set()
    for number, entry in enumerate(entries, 1):
        at = f"{where} entry {number}"
        text = text_of(entry)
        if not text or (isinstance(entry, dict) and not isinstance(entry.get("reviewed"), bool)):
            yield f'{at}: must read "…" or {{ text = "…", reviewed = true or false }}'
            continue
        stem = text.endswith("*")
        parts = pieces(fold_word(text.strip().rstrip("*")))
        if not parts:
            yield f"{at}: {text!r} has no letters"
        elif stem and (len(parts) > 1 or len(parts[0]) < 3):
            yield f"{at}: {text!r}: a stem (ending in *) is one word of at least three letters"
        elif text in seen:
            yield f"{at}: {text!r} is listed twice"
        elif isinstance(entry, dict) and entry.keys() - {"text", "reviewed", "note"}:
            yield f"{at}: {text!r} has parts other than text, reviewed and note"
        seen.add(text)
