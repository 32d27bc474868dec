"""The processes of the Procfile: each by itself, and all of them together through honcho."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from honcho import environ as honcho_environ
from honcho import manager as honcho_manager
from honcho.process import Process

from hub.commands.common import Refusal
from hub.embedded.rights import LAUNCHER

if TYPE_CHECKING:
    from hub.settings import Settings

# A web process finishes its requests first, which may take ten seconds; honcho's own five would cut it short.
_STOP_WITHIN_S = 20
_HEALTHY_AFTER_S = 10.0
_ATTEMPTS = 5
_LONGEST_BACK_OFF_S = 10.0


def find_procfile(config_dir: Path) -> Path:
    """The Procfile beside the config folder, or where we stand. Raises Refusal."""
    for folder in (config_dir.parent, Path.cwd()):
        if (folder / "Procfile").is_file():
            return folder / "Procfile"
    raise Refusal(f"No Procfile was found in {config_dir.parent} or {Path.cwd()}.")


def run_all(settings: Settings, environ: Mapping[str, str]) -> int:
    """Run the Procfile until SIGINT or SIGTERM. A process that dies is started again.

    The exit code: 0 when asked to stop, else that of the process that would not stay up.
    """
    honcho_manager.KILL_WAIT = _STOP_WITHIN_S
    manager = _Manager()
    path = find_procfile(settings.config_dir)
    commands = dict(honcho_environ.parse_procfile(path.read_text(encoding="utf-8")).processes)
    if not settings.sandbox:
        commands.pop("sandbox", None)
    counts = {"web": settings.web_processes, "worker": settings.worker_processes}
    env = dict(environ) | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{environ.get('PATH', os.defpath)}", "PYTHONUNBUFFERED": "1"}
    for process in honcho_environ.expand_processes(commands, concurrency=counts, env=env):
        manager.add_process(process.name, _dying_with_us(process.cmd), env=dict(process.env) | env, cwd=str(path.parent))
    manager.loop()
    return 0 if manager.asked_to_stop else int(manager.returncode or 0) or 1


def _dying_with_us(command: str) -> str:
    """The command, told by the kernel when its honcho process goes away. `exec` keeps the shells from standing between."""
    launcher = shlex.join([sys.executable, "-I", "-S", str(LAUNCHER)])
    return f"exec {launcher} $PPID {int(signal.SIGTERM)} plain /bin/sh -c {shlex.quote(command)}"


class _Manager(honcho_manager.Manager):  # type: ignore[misc]
    """honcho's manager, with processes that are kept running."""

    def __init__(self) -> None:
        super().__init__()
        import multiprocessing

        self.stopping = multiprocessing.Event()
        self._process_ctor = self._kept

    @property
    def asked_to_stop(self) -> bool:
        return self.returncode in {signals["rc"] for signals in honcho_manager.SIGNALS.values()}

    def _kept(self, command: str, **options: Any) -> _KeptProcess:
        return _KeptProcess(command, self.stopping, os.getpid(), **options)

    def terminate(self) -> None:
        self.stopping.set()
        super().terminate()


class _KeptProcess(Process):  # type: ignore[misc]
    """honcho's process, started again with back-off when it dies; given up when it keeps dying at once."""

    def __init__(self, command: str, stopping: Any, manager_pid: int, **options: Any) -> None:
        super().__init__(command, **options)
        self._stopping, self._manager_pid = stopping, manager_pid

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        _die_with(self._manager_pid)
        self._events = events
        failures = 0
        while True:
            started = time.monotonic()
            returncode = self._run_once(ignore_signals)
            failures = 0 if time.monotonic() - started > _HEALTHY_AFTER_S else failures + 1
            if self._stopping.is_set() or failures >= _ATTEMPTS:
                break
            self._send_message(f"ended with code {returncode}, starting again\n".encode())
            if self._stopping.wait(min(0.1 * 2**failures, _LONGEST_BACK_OFF_S)):
                break
        self._send_message({"returncode": returncode}, type="stop")

    def _run_once(self, ignore_signals: bool) -> int:
        child = self._child_ctor(self.cmd, env=self.env, cwd=self.cwd)
        self._send_message({"pid": child.pid}, type="start")
        if ignore_signals:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if self._stopping.is_set():  # the order to stop may have gone to the one before
            os.killpg(child.pid, signal.SIGTERM)
        for line in iter(child.stdout.readline, b""):
            self._send_message(line)
        child.stdout.close()
        return int(child.wait())


def _die_with(parent: int) -> None:
    """When the manager is killed its children follow, and theirs with them: nothing is left running unseen."""
    if sys.platform.startswith("linux"):
        import ctypes

        ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
