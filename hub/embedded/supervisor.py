"""Keeps one server running: starts it, waits until it answers, starts it again when it dies, stops it in order.

One thread per server does all the starting: the kernel counts the starting thread as the parent, and the servers
are to die with us, not with a helper thread.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from hub.embedded.errors import EmbeddedError
from hub.embedded.rights import LAUNCHER, Rights

_POLL_S = 0.03
_LONGEST_BACK_OFF_S = 5.0
_HEALTHY_AFTER_S = 10.0
_ATTEMPTS = 6
_LOG_KEPT_BYTES = 1_000_000
# The servers see none of our secrets, only what a program needs to run.
_PASSED_ON = ("PATH", "HOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")

log = structlog.get_logger("hub.embedded")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSpec:
    """How one server is run.

    answers: asks the server something; True when it answered, False while it does not, raises nothing.
    stop_signals: sent in turn, each with the seconds to wait. prepare: runs before each start.
    """

    name: str
    command: Sequence[str]
    log_path: Path
    answers: Callable[[], bool]
    stop_signals: Sequence[tuple[signal.Signals, float]]
    rights: Rights = Rights.PLAIN
    start_timeout_s: float = 60.0
    prepare: Callable[[], None] = lambda: None


class Supervisor:
    """Runs one ServerSpec. `start` returns when the server answers; `stop` when it has ended."""

    def __init__(self, spec: ServerSpec) -> None:
        self._spec = spec
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._settled = threading.Event()  # it answered, or we gave up
        self._failure: EmbeddedError | None = None
        self._guard = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"supervise-{spec.name}", daemon=True)

    @property
    def pid(self) -> int:
        """The server's process id; another one after a restart. 0 while it is not running."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else 0

    def start(self) -> None:
        """Raises EmbeddedError when the server does not come up."""
        atexit.register(self.stop)
        self._thread.start()
        try:
            self._settled.wait()
        except BaseException:  # a signal while waiting: leave nothing running behind the caller's back
            self.stop()
            raise
        if self._failure is not None:
            self._thread.join()
            atexit.unregister(self.stop)
            raise self._failure

    def stop(self) -> None:
        """End the server, gently first. Safe to call twice."""
        self._stopping.set()
        with self._guard:  # no start is under way any more, and none follows
            process = self._process
        if process is not None:
            self._end(process)
        if self._thread.is_alive():
            self._thread.join()
        atexit.unregister(self.stop)

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                process = self._spawn()
                if process is None:
                    return
                if self._wait_until_it_answers(process):
                    self._settled.set()
                    process.wait()
            except EmbeddedError as error:
                self._give_up(error)
                return
            if self._stopping.is_set():
                return
            failures = 0 if time.monotonic() - started > _HEALTHY_AFTER_S else failures + 1
            if not self._settled.is_set() and failures >= _ATTEMPTS:
                self._give_up(EmbeddedError(f"{self._spec.name} does not start: {self._last_words()}"))
                return
            log.warning("embedded_server_ended", server=self._spec.name, exit_code=process.returncode, failures=failures)
            self._stopping.wait(min(0.05 * 2**failures, _LONGEST_BACK_OFF_S))

    def _give_up(self, failure: EmbeddedError) -> None:
        self._failure = failure
        self._settled.set()

    def _spawn(self) -> subprocess.Popen[bytes] | None:
        with self._guard:
            if self._stopping.is_set():
                return None
            self._spec.prepare()
            self._process = launch(self._spec.command, self._spec.log_path, self._spec.stop_signals[0][0], self._spec.rights)
            return self._process

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + self._spec.start_timeout_s
        while process.poll() is None:
            if self._spec.answers():
                return True
            if time.monotonic() > deadline:
                self._end(process)
                if not self._settled.is_set():
                    raise EmbeddedError(f"{self._spec.name} did not answer within {self._spec.start_timeout_s:.0f} seconds.")
                return False
            self._stopping.wait(_POLL_S)
        return False

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        for number, patience_s in self._spec.stop_signals:
            if process.poll() is not None:
                return
            process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience_s)
                return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _last_words(self) -> str:
        return last_line(self._spec.log_path)


def launch(command: Sequence[str], log_path: Path, death_signal: signal.Signals, rights: Rights) -> subprocess.Popen[bytes]:
    """Start a program through the launcher, in a process group of its own so that Ctrl-C reaches only us.

    Raises EmbeddedError when the log cannot be written.
    """
    prefix = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(death_signal)), rights.value]
    env = {"LC_ALL": "C", "TZ": "UTC"} | {key: os.environ[key] for key in _PASSED_ON if key in os.environ}
    try:
        output = os.fdopen(os.open(log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
    except OSError as error:
        raise EmbeddedError(f"The data folder {log_path.parent} cannot be used: {error.strerror}.") from error
    with output:
        return subprocess.Popen(
            [*prefix, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=log_path.parent,
            env=env,
        )


def shorten_log(path: Path) -> None:
    """Keep the log of the last run and no more than that, once it has grown."""
    with contextlib.suppress(OSError):
        if path.stat().st_size > _LOG_KEPT_BYTES:
            path.replace(path.with_suffix(".log.old"))


def last_line(path: Path) -> str:
    """What a server said last; the complaint itself where one is marked as such."""
    try:
        lines = path.read_text(errors="replace").splitlines()[-20:]
    except OSError:
        return "it left no word."
    said = [line.strip() for line in lines if line.strip() and not line.startswith("\t")]
    complaints = [line for line in said if "FATAL:" in line or "error:" in line or "# " in line]
    return (complaints or said or ["it left no word."])[-1]
