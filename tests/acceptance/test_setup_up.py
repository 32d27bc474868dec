"""`hub up`: everything starts, comes back, and stops; nothing is left behind, and yesterday's data is found again."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.hub_command import ROOT, environ, free_port, hub, started

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes the way Linux shows them")
LINK = re.compile(r"/welcome/([\w-]{20,})")


def until(happened: Callable[[], object], within_s: float = 60.0, log: Path | None = None) -> None:
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline, log.read_text()[-3000:] if log else "it did not happen"
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def processes_of(data_dir: Path) -> dict[int, str]:
    """Every live process that has to do with this data folder, with its command line."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            about = command + (entry / "environ").read_bytes().decode(errors="replace")
            if str(data_dir) in about and int(entry.name) != os.getpid():
                found[int(entry.name)] = command
    return found


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """The shipped settings beside a Procfile of two processes: enough to see how processes are kept."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    python = sys.executable
    (tmp_path / "Procfile").write_text(
        f"web: exec {python} -m http.server --bind 127.0.0.1 $HUB_PORT\nmail: exec hub mail\nsandbox: exec sleep 600\n"
    )
    return environ(tmp_path / "var", HUB_CONFIG_DIR=str(tmp_path / "config"), HUB_PORT=str(free_port()), HUB_SANDBOX_PORT=str(free_port()))


def is_up(log: Path, env: dict[str, str]) -> bool:
    return "Ctrl-C stops everything" in log.read_text() and answers(f"http://127.0.0.1:{env['HUB_PORT']}/")


@linux_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_of_it_and_is_no_failure(tmp_path: Path, env: dict[str, str], number: signal.Signals) -> None:
    log = tmp_path / "log"
    with started("up", "--sandbox", env=env, log=log) as up:
        until(lambda: is_up(log, env), log=log)
        assert len(processes_of(tmp_path / "var")) > 5
        up.send_signal(number)
        assert up.wait(60) == 0
    assert processes_of(tmp_path / "var") == {}
    assert "database system is shut down" in (tmp_path / "var" / "postgres.log").read_text()
    assert "Traceback" not in log.read_text()


@linux_only
def test_nothing_is_left_when_the_hub_is_killed_and_the_next_start_finds_everything(tmp_path: Path, env: dict[str, str]) -> None:
    log = tmp_path / "log"
    with started("up", "--sandbox", env=env, log=log) as up:
        until(lambda: is_up(log, env), log=log)
        first = LINK.search(log.read_text())
        assert hub("staff", "add", "priya@fenwicklane.example", "--name", "Priya", env=env).code == 0
        up.kill()
    until(lambda: processes_of(tmp_path / "var") == {})
    with started("up", "--sandbox", env=env, log=log):
        until(lambda: is_up(log, env), log=log)
        again = LINK.search(log.read_text())
        assert first is not None
        assert again is not None
        assert again[1] != first[1]
        taken = hub("staff", "add", "Priya@fenwicklane.example", "--name", "Priya", env=env)
        assert taken.sentences == ["This address has an account already: use hub staff reset to make a new link."]
        assert LINK.search(hub("staff", "reset", "priya@fenwicklane.example", env=env).out)
        assert hub("audit", "verify", env=env).code == 0


@linux_only
def test_a_process_that_is_killed_comes_back(tmp_path: Path, env: dict[str, str]) -> None:
    log = tmp_path / "log"
    with started("up", "--sandbox", env=env, log=log):
        until(lambda: is_up(log, env), log=log)
        [web] = [pid for pid, command in processes_of(tmp_path / "var").items() if "http.server" in command and "/bin/sh" not in command]
        os.kill(web, signal.SIGKILL)
        until(lambda: web not in processes_of(tmp_path / "var"))
        until(lambda: is_up(log, env), log=log)


@linux_only
def test_a_process_that_will_not_stay_up_ends_everything_as_a_failure(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "Procfile").write_text("mail: exec hub mail\nworker: exit 3\n")
    log = tmp_path / "log"
    with started("up", "--sandbox", env=env, log=log) as up:
        assert up.wait(60) == 3
    assert processes_of(tmp_path / "var") == {}


def test_a_second_start_on_the_same_data_is_refused(tmp_path: Path, env: dict[str, str]) -> None:
    log = tmp_path / "log"
    with started("up", "--sandbox", env=env, log=log) as up:
        until(lambda: is_up(log, env), log=log)
        second = hub("up", "--sandbox", env=env)
        assert second.code == 1
        assert second.sentences[-1].endswith(f"is already in use by the hub with process id {up.pid}.")


def test_without_the_sandbox_its_process_is_not_started(tmp_path: Path, env: dict[str, str]) -> None:
    key = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="
    env |= {"HUB_PEPPER": f"1:{key}", "HUB_SECRET_KEY": key, "HUB_PUBLIC_URL": f"http://127.0.0.1:{env['HUB_PORT']}"}
    log = tmp_path / "log"
    with started("up", env=env, log=log):
        until(lambda: is_up(log, env), log=log)
        assert "sandbox.1" not in log.read_text()
        assert "Practice phone" not in log.read_text()


@linux_only
def test_the_whole_hub_starts_and_its_first_page_and_phone_answer(tmp_path: Path) -> None:
    env = environ(tmp_path / "var", HUB_PORT=str(free_port()), HUB_SANDBOX_PORT=str(free_port()))
    log = tmp_path / "log"
    for _ in ("first", "second"):
        with started("up", "--sandbox", env=env, log=log) as up:
            until(lambda: answers(f"http://127.0.0.1:{env['HUB_PORT']}/sign-in"), log=log)
            until(lambda: answers(f"http://127.0.0.1:{env['HUB_SANDBOX_PORT']}/"), log=log)
            until(lambda: "Ctrl-C stops everything" in log.read_text(), log=log)
            up.send_signal(signal.SIGINT)
            assert up.wait(60) == 0
        assert processes_of(tmp_path / "var") == {}
        assert "starting again" not in log.read_text()
