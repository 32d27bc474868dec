"""A published sentence edited in place stops the start with one sentence that says where and what to do."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hub.commands.common import Refusal
from hub.commands.wording import archive
from hub.settings import Settings
from hub.store.pool import Pool


async def test_an_edited_wording_names_its_file_its_entry_and_the_version_to_raise(
    pool: Pool, settings: Settings, database_url: str, tmp_path: Path
) -> None:
    shutil.copytree(settings.config_dir, tmp_path / "config")
    configured = replace(settings, database_url=database_url, config_dir=tmp_path / "config")
    await archive(configured)
    await archive(configured)
    file = tmp_path / "config" / "wordings" / "consent.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("About twice a month.", "About twice a week."), encoding="utf-8")
    with pytest.raises(Refusal) as refused:
        await archive(configured)
    said = str(refused.value)
    assert said.startswith(f'{file}: raise "version".')
    assert "The wording consent_email, version 1, en," in said
    assert "\n" not in said
