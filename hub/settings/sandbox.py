"""The sandbox's own secrets: made once, kept in the data folder, and used only while the sandbox is on."""

from __future__ import annotations

import base64
import os
import secrets
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from hub.settings.keys import PEPPER, SECRET_KEY
from hub.settings.problems import Problems

FILE = "secrets.toml"


def read_sandbox_secrets(data_dir: Path, problems: Problems) -> Mapping[str, str]:
    """What `make_sandbox_secrets` wrote; empty when it was never called here."""
    path = data_dir / FILE
    try:
        table = tomllib.loads(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        problems.add(f"{path} cannot be read: remove it to have the sandbox make new secrets.")
        return {}
    return {name: value for name, value in table.items() if isinstance(value, str)}


def make_sandbox_secrets(data_dir: Path, account_secrets: Iterable[str]) -> None:
    """Write what is not there yet, readable by us alone; what is there stays, since stops are found by the pepper.

    account_secrets: the names of the environment variables the sandbox's accounts need.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    have = dict(read_sandbox_secrets(data_dir, Problems()))
    made: dict[str, Callable[[], str]] = {PEPPER: lambda: f"1:{_random()}", SECRET_KEY: _random}
    made |= dict.fromkeys(account_secrets, _account_secret)
    missing = {name: make() for name, make in made.items() if name not in have}
    if missing:
        _write(data_dir / FILE, have | missing)


def _write(path: Path, values: Mapping[str, str]) -> None:
    fresh = path.with_suffix(".new")
    text = "# Made for the sandbox. A clinic gives its own in the environment.\n"
    text += "".join(f'{name} = "{value}"\n' for name, value in sorted(values.items()))
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _account_secret() -> str:
    """43 signs, as WeChat's cipher key must have; nobody else minds the length."""
    return secrets.token_hex(22)[:43]


def _random() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode("ascii")
