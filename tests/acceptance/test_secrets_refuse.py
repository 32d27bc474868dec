"""A secret that is not set refuses; it never opens (P7)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.acceptance.hub_command import ROOT, environ, hub

KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
ACCOUNT = """
[[account]]
id = "sms-main"
adapter = "sms_twilio"
sender = "+447700900456"
processor = "own-systems"
options = { account_sid = "AC00000000000000000000000000000001" }
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """A clinic with one real account, all its settings given but the account's token."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    with (tmp_path / "config" / "channels.toml").open("a") as file:
        file.write(ACCOUNT)
    return environ(
        tmp_path / "var",
        HUB_CONFIG_DIR=str(tmp_path / "config"),
        HUB_PEPPER=f"1:{KEY}",
        HUB_SECRET_KEY=KEY,
        HUB_PUBLIC_URL="https://hub.example",
        DATABASE_URL="postgresql://127.0.0.1:1/hub",
        REDIS_URL="redis://127.0.0.1:1",
    )


@pytest.mark.parametrize("process", ["web", "worker", "clock", "up"])
@pytest.mark.parametrize(
    "given", [{}, {"HUB_SMS_MAIN_AUTH_TOKEN": ""}, {"HUB_SMS_MAIN_AUTH_TOKEN": "  "}], ids=["absent", "empty", "blank"]
)
def test_an_account_without_its_secret_starts_nothing(env: dict[str, str], process: str, given: dict[str, str]) -> None:
    ended = hub(process, env=env | given)
    assert ended.code == 1
    assert "The account sms-main needs its auth_token: set HUB_SMS_MAIN_AUTH_TOKEN, or HUB_SMS_MAIN_AUTH_TOKEN_FILE." in ended.sentences


@pytest.mark.parametrize("missing", ["HUB_PEPPER", "HUB_SECRET_KEY"])
def test_without_a_key_of_the_house_nothing_starts(env: dict[str, str], missing: str) -> None:
    ended = hub("web", env={name: value for name, value in env.items() if name != missing} | {"HUB_SMS_MAIN_AUTH_TOKEN": "t" * 32})
    assert ended.code == 1
    assert any(sentence.startswith(f"{missing} is not set") for sentence in ended.sentences)


def test_with_the_secret_only_the_database_is_missed(env: dict[str, str]) -> None:
    ended = hub("web", env=env | {"HUB_SMS_MAIN_AUTH_TOKEN": "t" * 32})
    assert ended.sentences == ["The PostgreSQL server cannot be reached: see DATABASE_URL."]
