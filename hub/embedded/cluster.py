"""PostgreSQL's own data folder: made once, checked at each start, and the settings it runs with."""

from __future__ import annotations

import os
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from hub.embedded.binaries import PostgresPrograms
from hub.embedded.errors import EmbeddedError
from hub.embedded.folders import prepare as prepare_folder
from hub.embedded.rights import Rights, hand_over, postgres_rights
from hub.embedded.supervisor import last_line, launch

OWNER = "hub"
_ORPHAN_PATIENCE_S = 40.0
_NO_SUCH_PID = 2**31 - 2  # above every kernel's limit

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "jit": "off",
    "autovacuum_naptime": "10s",  # a new clinic's tables grow from nothing: plans must not be made for empty ones for long
    # The wheel's programs know no fast compression: pglz took a tenth of the server's time and made the log a seventh smaller.
    "wal_compression": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # What patients wrote must not reach a log: no errors of statements, no values, no statements (promise P6).
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "logging_collector": "off",
}
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
# A commit still outlives a killed server, only not a lost machine.
_QUICK = {"fsync": "off", "synchronous_commit": "on", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A data folder that fits its programs, and as whom they run."""

    folder: Path
    programs: PostgresPrograms
    log_path: Path
    rights: Rights

    def disown_stale_pid(self) -> None:
        """Wait for a server we left behind; if its number now belongs to another program, say so in its pid file.

        Nobody else may start a server here while we hold the folder, so a server still running is an orphan of a
        killed hub, on its way out. Without this a number used again would keep PostgreSQL from starting for good.
        """
        path = self.folder / "postmaster.pid"
        deadline = time.monotonic() + _ORPHAN_PATIENCE_S
        while (pid := _first_number(path)) is not None and _is_running(pid):
            if not _serves(pid, self.folder):
                lines = path.read_text().splitlines(keepends=True)
                path.write_text("".join([f"{_NO_SUCH_PID}\n", *lines[1:]]))
                return
            if time.monotonic() > deadline:
                raise EmbeddedError(f"A PostgreSQL with process id {pid} still uses {self.folder}: end it first.")
            time.sleep(0.1)


def prepare(data_dir: Path, programs: PostgresPrograms, *, durable: bool) -> Cluster:
    """The data folder under `data_dir`, made if it is not there. Raises EmbeddedError with one sentence."""
    made = Cluster(
        folder=data_dir.absolute() / "postgres",
        programs=programs,
        log_path=data_dir.absolute() / "postgres.log",
        rights=postgres_rights(),
    )
    if made.rights is Rights.NOBODY:
        data_dir.chmod(0o711)  # nobody may pass through, not look around
    if made.folder.exists():
        _check_version(made)
        hand_over(made.folder, made.rights.owner)
    else:
        _make(made, durable)
    return made


def options(sockets: Path, *, durable: bool) -> list[str]:
    """The settings as command-line options, so that they follow the code and not the age of the folder."""
    settings = {**_SETTINGS, **(_DURABLE if durable else _QUICK), "unix_socket_directories": str(sockets)}
    return [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]


def _check_version(made: Cluster) -> None:
    try:
        found = (made.folder / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise EmbeddedError(f"{made.folder} is no PostgreSQL data folder: move it away, or set HUB_DATA_DIR to another.") from None
    except OSError as error:
        raise EmbeddedError(f"The data folder {made.folder} cannot be read: {error.strerror}.") from error
    if found != str(made.programs.major):
        raise EmbeddedError(
            f"{made.folder} was made by PostgreSQL {found}, but the programs found are version {made.programs.major}: "
            f"set HUB_POSTGRES_BIN to the folder with the programs of PostgreSQL {found}."
        )


def _make(made: Cluster, durable: bool) -> None:
    """initdb into a folder of another name, renamed when it is whole: a start that was cut short leaves nothing."""
    fresh = made.folder.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    prepare_folder(fresh)
    hand_over(fresh, made.rights.owner)
    # The builtin provider (from 17) sorts the same on every system, also after an upgrade of its C library.
    provider = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if made.programs.major >= 17 else []
    command = [str(made.programs.initdb), "-D", str(fresh), "-U", OWNER, "--encoding=UTF8", "--auth=trust", *provider]
    command += [] if durable else ["--no-sync"]
    if not any(_initdb([*command, f"--locale={locale}"], made) for locale in ("C.UTF-8", "C")):
        raise EmbeddedError(f"PostgreSQL's data folder cannot be made in {made.folder.parent}: {last_line(made.log_path)}")
    fresh.replace(made.folder)


def _initdb(command: list[str], made: Cluster) -> bool:
    return launch(command, made.log_path, signal.SIGTERM, made.rights).wait() == 0


def _first_number(path: Path) -> int | None:
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _serves(pid: int, folder: Path) -> bool:
    """Whether that process is a PostgreSQL on this folder; True where it cannot be told, which only makes us wait."""
    if not Path("/proc/self").exists():
        return True
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(folder) in command
