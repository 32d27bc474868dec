"""The lists as data: what is not well written refuses to load, and a change changes the version."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hub.lint_rules import DEFAULT_FOLDER, BadLintList, load_lint_rules
from hub.model.address import Channel
from hub.policy.lint import LintText, check


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEFAULT_FOLDER, tmp_path / "lint"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_a_name_added_to_the_list_is_found_and_the_version_moves(folder: Path) -> None:
    before = load_lint_rules(folder)
    edit(folder / "medicines.toml", '{ text = "kenalog"', '{ text = "newbrand" },\n  { text = "kenalog"')
    after = load_lint_rules(folder)
    text = LintText(channel=Channel.EMAIL, text="n e w b r a n d is here")
    assert not check(text, before).has("pom")
    assert check(text, after).has("pom")
    assert before.version != after.version


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("medicines.toml", "version = 1", "version = "),
        ("medicines.toml", 'instead_en = "consultation for lines and wrinkles"', ""),
        ("medicines.toml", "anywhere = true", "everywhere = true"),
        ("promo.toml", 'rule = "promo.offer"', 'rule = "promo.ofer"'),
        ("promo.toml", '"#% off"', '"~ off"'),
        ("promo.toml", '"#% off"', '""'),
        ("required.toml", "[commands]", "[comands]"),
    ],
)
def test_a_list_not_well_written_refuses_to_load(folder: Path, name: str, old: str, new: str) -> None:
    edit(folder / name, old, new)
    with pytest.raises(BadLintList):
        load_lint_rules(folder)


def test_a_missing_list_refuses_to_load(folder: Path) -> None:
    (folder / "health.toml").unlink()
    with pytest.raises(BadLintList, match="health"):
        load_lint_rules(folder)
