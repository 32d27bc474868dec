"""An account of WeChat that cannot work is told so when the hub starts."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest

from hub.settings import SettingsError, load_settings

SHIPPED = Path(__file__).parents[3] / "config"
KEY = base64.b64encode(b"k" * 32).decode()
ENVIRON = {
    "HUB_PEPPER": f"1:{KEY}",
    "HUB_SECRET_KEY": KEY,
    "HUB_PUBLIC_URL": "https://hub.example",
    "HUB_DATA_DIR": "/nowhere",
    "HUB_WECHAT_TOKEN": "hubtoken",
    "HUB_WECHAT_APP_SECRET": "secret",
}
ACCOUNT = """
[[account]]
id = "wechat"
adapter = "wechat_official"
sender = "gh_clinic"
processor = "own-systems"
options = { app_id = "wx1" }
"""


def told(tmp_path: Path, account: str, aes_key: str) -> str:
    """What is said about the account; "" where the hub would start."""
    config = Path(shutil.copytree(SHIPPED, tmp_path / "config"))
    (config / "channels.toml").write_text((config / "channels.toml").read_text() + account)
    try:
        load_settings({**ENVIRON, "HUB_WECHAT_AES_KEY": aes_key}, config)
    except SettingsError as fault:
        return " ".join(fault.problems)
    return ""


def test_a_whole_account_starts(tmp_path: Path) -> None:
    assert told(tmp_path, ACCOUNT, "a" * 43) == ""


@pytest.mark.parametrize("key", ["a" * 42, "a" * 44, "a" * 42 + "-"])
def test_a_key_of_another_length_is_named_and_not_shown(tmp_path: Path, key: str) -> None:
    found = told(tmp_path, ACCOUNT, key)
    assert "43 letters and digits" in found
    assert key not in found


def test_a_missing_app_id_is_named(tmp_path: Path) -> None:
    assert "app_id" in told(tmp_path, ACCOUNT.replace('app_id = "wx1"', ""), "a" * 43)
