"""`hub lexicon check` names every fault by file, line and entry, and what waits for a native speaker."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest

from hub.commands.lexicon import check

SHIPPED = Path(__file__).parents[3] / "config"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "lexicon").mkdir()
    shutil.copy(SHIPPED / "lexicon" / "sv.toml", tmp_path / "lexicon" / "sv.toml")
    return tmp_path


def test_the_shipped_lists_can_be_used() -> None:
    output = io.StringIO()
    assert check(SHIPPED, output) == 0
    assert output.getvalue().splitlines()[-1].startswith("The lists can be used.")


def test_strict_fails_while_entries_wait() -> None:
    assert check(SHIPPED, io.StringIO(), strict=True) == 1


def test_a_fault_is_told_with_its_line(config: Path) -> None:
    file = config / "lexicon" / "sv.toml"
    lines = file.read_text(encoding="utf-8").splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("  "))
    lines.insert(at, '  { text = "zzz", reviewd = true },')
    file.write_text("\n".join(lines), encoding="utf-8")
    output = io.StringIO()
    assert check(config, output) == 1
    assert output.getvalue().splitlines()[0].startswith(f"sv.toml line {at + 1}: keywords.")


def test_unreviewed_entries_are_shown_where_they_stand(config: Path) -> None:
    output = io.StringIO()
    check(config, output, show=True)
    file = (config / "lexicon" / "sv.toml").read_text(encoding="utf-8").splitlines()
    shown = [line for line in output.getvalue().splitlines() if line.startswith("  sv.toml line ")]
    assert len(shown) == sum(line.strip().startswith('"') or "reviewed = false" in line for line in file if line.startswith("  "))
    for line in shown:
        number, _, text = line.removeprefix("  sv.toml line ").partition(": ")
        assert f'"{text}"' in file[int(number) - 1]


def test_a_file_that_is_no_toml_is_told_by_name(config: Path) -> None:
    (config / "lexicon" / "xx.toml").write_text("language = = 1", encoding="utf-8")
    output = io.StringIO()
    assert check(config, output) == 1
    assert "xx.toml: not readable as TOML" in output.getvalue()
    assert "at line 1" in output.getvalue()
