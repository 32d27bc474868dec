"""Running the hub command as a newcomer does: in a process of its own, with an environment of its own."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def sentences(self) -> list[str]:
        assert "Traceback" not in self.err, self.err
        return self.err.splitlines()


def environ(data_dir: Path, **given: str) -> dict[str, str]:
    """Nothing of this machine's own settings, only what is given."""
    passed = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")}
    return passed | {"HUB_DATA_DIR": str(data_dir)} | given


def hub(*arguments: str, env: dict[str, str], given: str = "", timeout: float = 60) -> Ended:
    """Run to the end."""
    done = subprocess.run(
        [sys.executable, "-m", "hub", *arguments], cwd=ROOT, env=env, input=given, capture_output=True, text=True, timeout=timeout
    )
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr)


@contextlib.contextmanager
def started(*arguments: str, env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start, and see that it has ended afterwards. What it says goes to the file."""
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "hub", *arguments], cwd=ROOT, env=env, stdout=output, stderr=output)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
