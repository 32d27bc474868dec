"""`hub lexicon check`: whether the opt-out word lists can be used, and what a native speaker has still to read. Touches no database."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from hub.lexicon import FOLDER, is_reviewed, read_lists, text_of


def check(config_dir: Path, output: TextIO, *, show: bool = False, strict: bool = False) -> int:
    """Write every fault with its file, line and entry, then the unreviewed entries by language (`show`: each of them).

    The exit code is 1 for lists with faults, which the hub would refuse to start with; with `strict`, also for entries
    nobody has reviewed.
    """
    _, faults = read_lists(config_dir)
    for fault in faults:
        output.write(f"{_with_line(config_dir / FOLDER, fault)}\n")
    waiting = 0
    for file in sorted((config_dir / FOLDER).glob("*.toml")):
        found = list(_unreviewed(file))
        waiting += len(found)
        if found:
            output.write(f"{file.name}: {len(found)} {'entry' if len(found) == 1 else 'entries'} not reviewed yet\n")
        if show:
            output.writelines(f"  {file.name} line {line}: {text}\n" for line, text in found)
    if faults:
        output.write(f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'}: the hub does not start with these lists.\n")
        return 1
    output.write(f"The lists can be used. {waiting} entries wait for a native speaker.\n")
    return 1 if strict and waiting else 0


def _unreviewed(file: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of each entry nobody has read; nothing where the file cannot be read, which is told as a fault."""
    try:
        written = file.read_text(encoding="utf-8")
        content = tomllib.loads(written)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return
    lines = _Lines(written)
    for section in ("keywords", "classes"):
        parts = content.get(section)
        for name, entries in parts.items() if isinstance(parts, dict) else ():
            for entry in entries if isinstance(entries, list) else ():
                if (text := text_of(entry)) and not is_reviewed(entry):
                    yield lines.of(section, name, text), text


class _Lines:
    """Where entries stand in a file, one entry a line as the files are written. 0 where it cannot be told."""

    def __init__(self, written: str) -> None:
        self._at: dict[tuple[str, str, str], int] = {}
        self._entries: dict[tuple[str, str], list[int]] = {}
        section = name = ""
        for number, line in enumerate(written.splitlines(), start=1):
            bare = line.strip()
            if bare.startswith("[") and bare.endswith("]"):
                section, name = bare.strip("[] "), ""
            elif bare.endswith("[") and "=" in bare:
                name = bare.partition("=")[0].strip().strip('"')
            elif bare.startswith(("{", '"')):
                self._entries.setdefault((section, name), []).append(number)
                self._at.setdefault((section, name, _text_in(bare)), number)

    def of(self, section: str, name: str, text: str) -> int:
        """The line of the entry with this text."""
        return self._at.get((section, name, text), 0)

    def nth(self, section: str, name: str, entry: int) -> int:
        """The line of an entry by its number from 1."""
        found = self._entries.get((section, name), [])
        return found[entry - 1] if 0 < entry <= len(found) else 0


def _text_in(line: str) -> str:
    try:
        entry = tomllib.loads(f"entry = {line.partition('#')[0].rstrip().rstrip(',')}")["entry"]
    except tomllib.TOMLDecodeError:
        return ""
    return text_of(entry)


def _with_line(folder: Path, fault: str) -> str:
    """The fault with the line it stands at, where it names an entry: `en.toml: keywords.stop entry 3: …`."""
    file, _, rest = fault.partition(": ")
    where, marked, told = rest.partition(" entry ")
    number, _, said = told.partition(": ")
    section, _, name = where.partition(".")
    if not marked or not number.isdigit() or not (folder / file).is_file():
        return fault
    line = _Lines((folder / file).read_text(encoding="utf-8")).nth(section, name, int(number))
    return f"{file} line {line}: {where} entry {number}: {said}" if line else fault
