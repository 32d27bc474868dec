"""The data folder: who may enter it, who holds it, and where its sockets lie.

postgres/  the database        run/  sockets (in the system's temporary folder when the path would be too long)
valkey/    working directory   *.lock  held by the supervisor of that server; *.log  what the server said
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from pathlib import Path
from typing import IO

from hub.embedded.errors import EmbeddedError
from hub.embedded.rights import NOBODY

# A Unix socket's path may have 107 bytes (sun_path, with its closing NUL); the longest name we add has 17.
_LONGEST_SOCKET_PATH = 107
_LONGEST_NAME = len("/.s.PGSQL.5432")


def prepare(folder: Path) -> None:
    """Make the folder, for us alone. Raises EmbeddedError when it cannot be made or used."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(f"The data folder {folder} cannot be used: {error.strerror}.") from error
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise EmbeddedError(f"The data folder {folder} cannot be read and written by this user: set HUB_DATA_DIR to another.")


def socket_folder(data_dir: Path) -> Path:
    """The folder of the sockets, the same at each call: `run`, or a short one when that would be too long."""
    folder = data_dir.absolute() / "run"
    if len(os.fsencode(folder)) + _LONGEST_NAME <= _LONGEST_SOCKET_PATH:
        return folder
    name = "hub-" + hashlib.sha256(os.fsencode(data_dir.absolute()) + str(os.geteuid()).encode()).hexdigest()[:16]
    base = tempfile.gettempdir()
    return Path(base if len(os.fsencode(base)) < 60 else "/tmp") / name  # noqa: S108 - made 0700 and checked below


def make_socket_folder(data_dir: Path) -> Path:
    """As `socket_folder`, made. Raises EmbeddedError when somebody else could be listening there."""
    folder = socket_folder(data_dir)
    prepare(folder)
    found = folder.lstat()
    ours = (os.geteuid(), NOBODY) if os.geteuid() == 0 else (os.geteuid(),)
    if folder.is_symlink() or found.st_uid not in ours:
        raise EmbeddedError(f"The folder {folder} belongs to somebody else: remove it, or set HUB_DATA_DIR to a shorter path.")
    folder.chmod(0o700)
    return folder


class Hold:
    """The right to run one server on one data folder, kept until `release` or the end of the process."""

    def __init__(self, data_dir: Path, name: str) -> None:
        """Raises EmbeddedError when another process has it."""
        path = data_dir / f"{name}.lock"
        self._file: IO[str] = _open(path)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = self._file.read(20).strip() or "unknown"
            self._file.close()
            raise EmbeddedError(f"The data folder {data_dir} is already in use by the hub with process id {holder}.") from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        self._file.close()


def held(data_dir: Path, name: str) -> bool:
    """Whether some process runs this server on this folder right now."""
    try:
        with (data_dir / f"{name}.lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _open(path: Path) -> IO[str]:
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
    except OSError as error:
        raise EmbeddedError(f"The data folder {path.parent} cannot be used: {error.strerror}.") from error
