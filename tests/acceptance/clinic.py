"""A clinic that runs for real: embedded PostgreSQL and Valkey, the Procfile's processes, kill -9 for each of them.

The servers come back by their own supervisor; the hub's processes are started again by the test, as the Procfile's manager
would. Everything ends with the fixture; should this process die first, the kernel ends the rest.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from hub import embedded
from hub.embedded.rights import LAUNCHER
from hub.embedded.servers import Server
from hub.settings import Settings, load_settings, prepare_sandbox
from hub.store.migrate import migrate
from tests.acceptance.hub_command import ROOT, environ, free_port

PROCESSES = {"web": ("web",), "worker.1": ("worker",), "worker.2": ("worker",), "clock": ("clock",)}
EVERY_PROCESS = PROCESSES | {"mail": ("mail",)}
SERVERS = ("postgres", "valkey")
RECEIVER = "mx.fenwicklane.example"  # the clinic's own mail server, which says what it checked
TIMEOUT_S, STALE_AFTER_S = 2.0, 5.0  # of a send, and of one nobody recorded


@dataclass
class HubProcess:
    """One process of the Procfile. What it says, over all its lives, goes to one file."""

    name: str
    arguments: tuple[str, ...]
    env: dict[str, str]
    log: Path
    _child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """From the main thread only: the kernel ends the process with the thread that started it."""
        prefix = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(signal.SIGKILL)), "plain"]
        with self.log.open("ab") as output:
            self._child = subprocess.Popen(
                [*prefix, sys.executable, "-m", "hub", *self.arguments], cwd=ROOT, env=self.env, stdout=output, stderr=output
            )

    def kill(self) -> None:
        """As the kernel does when memory runs out: without a word."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def stop(self) -> int | None:
        """Ask it to end; its exit code, or None when it had to be killed."""
        if self._child is None:
            return None
        self._child.terminate()
        with suppress(subprocess.TimeoutExpired):
            return self._child.wait(20)
        self.kill()
        return None

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


@dataclass
class Clinic:
    """The running processes, and the settings they were started with."""

    settings: Settings
    data: Path
    servers: dict[str, Server]
    processes: dict[str, HubProcess]

    @property
    def url(self) -> str:
        return self.settings.public_url

    def kill(self, name: str) -> None:
        """kill -9. A server is started again by its supervisor, a process by `start`."""
        if name in self.servers:
            os.kill(self.servers[name].pid, signal.SIGKILL)
        for process in self._named(name):
            process.kill()

    def start(self, name: str) -> None:
        for process in self._named(name):
            process.start()

    @contextmanager
    def away(self, server: str) -> Iterator[None]:
        """kill -9 of a server that does not come back before the block ends, as when its machine is gone."""
        until(lambda: self.servers[server].pid > 0, self)
        with self.servers[server]._supervisor._guard:  # held by whoever starts it
            self.kill(server)
            yield

    @property
    def lmtp(self) -> str:
        """Where the mail process listens, in a clinic with every channel."""
        return str(self.data.parent / "lmtp")

    def _named(self, name: str) -> list[HubProcess]:
        """One process, or all of a kind: "worker" is both workers."""
        return [p for key, p in self.processes.items() if key == name or key.partition(".")[0] == name]

    def logs(self) -> dict[str, str]:
        """What every process and both servers said, by name."""
        said = {name: process.said() for name, process in self.processes.items()}
        return said | {path.stem: path.read_text(errors="replace") for path in self.data.glob("*.log")}


@contextmanager
def clinic(folder: Path, *, every_channel: bool = False) -> Iterator[Clinic]:
    """Open the clinic in `folder`: PostgreSQL as durable as in the field, accounts fast enough for a test.

    every_channel: with the mail process, whose LMTP listens in the folder, and Slack as careful as it is by default.
    """
    servers: dict[str, Server] = {}
    data = folder / "data"
    try:
        servers["postgres"] = embedded.start_postgres(data)
        servers["valkey"] = embedded.start_valkey(data)
        asyncio.run(migrate(servers["postgres"].url))
        env = environ(
            data,
            HUB_SANDBOX="on",
            HUB_PORT=str(free_port()),
            HUB_SANDBOX_PORT=str(free_port()),
            HUB_CONFIG_DIR=str(_faster_config(folder / "config", every_channel=every_channel)),
            HUB_UNDO_S="0",
            HUB_STALE_AFTER_S=str(STALE_AFTER_S),
            HUB_LOG="json",
            DATABASE_URL=servers["postgres"].url,
            REDIS_URL=servers["valkey"].url,
        )
        prepare_sandbox(env, folder / "config")
        processes = {
            name: HubProcess(name=name, arguments=arguments, env=env, log=folder / f"{name}.log")
            for name, arguments in (EVERY_PROCESS if every_channel else PROCESSES).items()
        }
        running = Clinic(settings=load_settings(env, folder / "config"), data=data, servers=servers, processes=processes)
        with _running(running):
            yield running
    finally:
        for server in reversed(servers.values()):
            server.stop()


@contextmanager
def _running(running: Clinic) -> Iterator[None]:
    try:
        for process in running.processes.values():
            process.start()
        until(lambda: is_well(running.url), running)
        until(lambda: "clock.leads" in running.processes["clock"].said(), running)
        until(lambda: "mail" not in running.processes or Path(running.lmtp).exists(), running)
        yield
    finally:
        for process in running.processes.values():
            process.stop()


def _faster_config(folder: Path, *, every_channel: bool) -> Path:
    """The shipped settings, with rates out of the way and a provider that is given up on sooner."""
    shutil.copytree(ROOT / "config", folder)
    accounts = re.sub(r"(?m)^(rate_per_s|burst) = \d+$", r"\1 = 1000", (folder / "channels.toml").read_text())
    at_twilio = 'media_host = "{sandbox}" }'
    assert accounts.count(at_twilio) >= 2
    accounts = accounts.replace(at_twilio, f'media_host = "{{sandbox}}", timeout_s = {TIMEOUT_S} }}')
    if every_channel:
        by_mail = 'smtp_security = "none" }'
        assert accounts.count(by_mail) == 1
        ways = f'lmtp_listen = "unix:{folder.parent / "lmtp"}", signed_domains = "in.fenwicklane.example", authserv_ids = "{RECEIVER}"'
        accounts = accounts.replace(by_mail, f'smtp_security = "none", {ways} }}')
    (folder / "channels.toml").write_text(accounts)
    _set_slack(folder / "slack.toml", every_channel=every_channel)
    return folder


def _set_slack(path: Path, *, every_channel: bool) -> None:
    """Off where no colleague plays along; else as careful as when nothing is said of `content`, and quick."""
    slack = path.read_text()
    whole = 'content = "whole"'
    assert "enabled = true" in slack
    assert whole in slack
    slack = slack.replace(whole, "posts_per_s = 100.0") if every_channel else slack.replace("enabled = true", "enabled = false")
    path.write_text(slack)


def is_well(url: str) -> bool:
    """The web process answers and reaches its database."""
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=3) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def until(happened: Callable[[], bool], running: Clinic, within_s: float = 30.0) -> None:
    """Wait for it. Raises AssertionError with what the processes said last."""
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline, "\n".join(f"{name}: {said[-600:]}" for name, said in running.logs().items())
        time.sleep(0.05)
