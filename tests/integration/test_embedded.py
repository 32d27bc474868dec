"""The embedded servers: they come up, come back, keep others out, and go when they should."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from hub import embedded
from hub.embedded import EmbeddedError, binaries, folders

ROOT = Path(__file__).parents[2]
NOBODY = 65534


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="module")
def postgres(home: Path) -> Iterator[embedded.Server]:
    server = embedded.start_postgres(home, durable=False)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def valkey(home: Path) -> Iterator[embedded.Server]:
    server = embedded.start_valkey(home)
    yield server
    server.stop()


async def ask(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url, timeout=5)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def answered(url: str, sql: str, within_s: float = 20.0) -> object:
    deadline = time.monotonic() + within_s
    while True:
        try:
            return await ask(url, sql)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            assert time.monotonic() < deadline, "the server did not come back"
            await asyncio.sleep(0.05)


def until(happened: Callable[[], bool], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_postgres_keeps_han_text_and_listens_on_no_network(postgres: embedded.Server) -> None:
    assert await ask(postgres.url, "SELECT lower('ÄÉ') || '你好'") == "äé你好"
    assert await ask(postgres.url, "SELECT current_setting('listen_addresses')") == ""
    assert await ask(postgres.url, "SELECT current_setting('timezone')") == "UTC"


async def test_postgres_logs_neither_statements_nor_values(postgres: embedded.Server, home: Path) -> None:
    with pytest.raises(asyncpg.PostgresError):
        await ask(postgres.url, "SELECT 'Sentinel Name'::integer")
    assert "Sentinel" not in (home / "postgres.log").read_text()


async def test_a_killed_postgres_comes_back_with_what_was_committed(postgres: embedded.Server) -> None:
    await ask(postgres.url, "CREATE TABLE IF NOT EXISTS kept (n integer)")
    await ask(postgres.url, "INSERT INTO kept VALUES (7)")
    before = postgres.pid
    os.kill(before, signal.SIGKILL)
    assert await answered(postgres.url, "SELECT max(n) FROM kept") == 7
    assert postgres.pid not in (0, before)


def test_a_killed_valkey_comes_back_empty(valkey: embedded.Server) -> None:
    with Redis.from_url(valkey.url) as client:
        client.set("k", "v")
        before = valkey.pid
        os.kill(before, signal.SIGKILL)

        def empty() -> bool:
            try:
                return client.get("k") is None
            except RedisConnectionError:
                return False

        until(empty)
    assert valkey.pid not in (0, before)


def test_valkey_listens_on_no_network_and_never_evicts(valkey: embedded.Server) -> None:
    with Redis.from_url(valkey.url) as client:
        settings = client.config_get("port", "save", "appendonly", "maxmemory-policy")
    assert settings == {"port": "0", "save": "", "appendonly": "no", "maxmemory-policy": "noeviction"}


def test_a_second_start_is_refused_and_says_who_has_it(postgres: embedded.Server, home: Path) -> None:
    with pytest.raises(EmbeddedError, match=f"already in use by the hub with process id {os.getpid()}"):
        embedded.start_postgres(home)


def test_others_find_the_running_server(postgres: embedded.Server, home: Path, tmp_path: Path) -> None:
    assert embedded.running_postgres(home) == postgres.url
    assert embedded.running_postgres(tmp_path) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root must be kept from being root")
def test_postgres_started_by_root_leaves_files_to_root_or_to_nobody(postgres: embedded.Server, home: Path) -> None:
    assert (home / "postgres" / "PG_VERSION").stat().st_uid in (0, NOBODY)
    assert (home / "postgres").stat().st_mode & 0o777 == 0o700


async def test_the_asynchronous_way_starts_both_and_frees_the_folder(tmp_path: Path) -> None:
    async with embedded.postgres(tmp_path, durable=False) as server, embedded.valkey(tmp_path) as valkey:
        assert await ask(server.url, "SELECT current_database()") == "hub"
        pids = (server.pid, valkey.pid)
        assert all(running(pid) for pid in pids)
    assert not any(running(pid) for pid in pids)
    assert embedded.running_postgres(tmp_path) is None
    folders.Hold(tmp_path, "postgres").release()


async def test_a_long_path_with_spaces_still_works(tmp_path: Path) -> None:
    deep = tmp_path / ("a folder with a very long name " * 3)
    async with embedded.postgres(deep, durable=False) as server, embedded.valkey(deep) as valkey:
        assert await ask(server.url, "SELECT 1") == 1
        with Redis.from_url(valkey.url) as client:
            assert client.ping()
        sockets = folders.socket_folder(deep)
        assert sockets.stat().st_mode & 0o777 == 0o700
    assert not sockets.exists()


def test_another_major_version_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("14\n")
    with pytest.raises(EmbeddedError, match=r"was made by PostgreSQL 14, but .* HUB_POSTGRES_BIN"):
        embedded.start_postgres(tmp_path)


def test_a_folder_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "diary.txt").write_text("mine")
    with pytest.raises(EmbeddedError, match="is no PostgreSQL data folder"):
        embedded.start_postgres(tmp_path)
    assert (tmp_path / "postgres" / "diary.txt").read_text() == "mine"


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    with pytest.raises(EmbeddedError, match="cannot be used"):
        embedded.start_postgres(tmp_path / "var")


def test_a_start_cut_short_in_the_making_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "postgres.new").mkdir()
    (tmp_path / "postgres.new" / "half").write_text("")
    server = embedded.start_postgres(tmp_path, durable=False)
    server.stop()
    assert (tmp_path / "postgres" / "PG_VERSION").exists()


def test_a_pid_file_whose_number_was_given_away_does_not_keep_the_server_down(tmp_path: Path) -> None:
    embedded.start_postgres(tmp_path, durable=False).stop()
    (tmp_path / "postgres" / "postmaster.pid").write_text(f"{os.getppid()}\n{tmp_path}/postgres\n1\n5432\n\n\n")
    server = embedded.start_postgres(tmp_path, durable=False)
    assert running(server.pid)
    server.stop()


def test_a_server_that_cannot_start_says_its_last_words(tmp_path: Path) -> None:
    embedded.start_postgres(tmp_path, durable=False).stop()
    (tmp_path / "postgres" / "postgresql.conf").write_text("nonsense = 1\n")
    with pytest.raises(EmbeddedError, match=r"PostgreSQL does not start: .*FATAL"):
        embedded.start_postgres(tmp_path)


def test_the_folder_named_must_hold_a_server(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="HUB_POSTGRES_BIN"):
        binaries.find_postgres({"HUB_POSTGRES_BIN": str(tmp_path)})


def test_a_system_server_can_be_named(tmp_path: Path) -> None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no system PostgreSQL here")
    server = embedded.start_postgres(tmp_path, durable=False, environ={"HUB_POSTGRES_BIN": str(found[-1].parent)})
    try:
        version = asyncio.run(ask(server.url, "SELECT current_setting('server_version_num')::int / 10000"))
    finally:
        server.stop()
    assert str(version) == found[-1].parent.parent.name


CHILD = """
import sys, time
from pathlib import Path
from hub import embedded
postgres, valkey = embedded.start_postgres(Path(sys.argv[1]), durable=False), embedded.start_valkey(Path(sys.argv[1]))
print(postgres.pid, valkey.pid, postgres.url, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's word about a parent's death is Linux's own")
def test_the_servers_die_with_us_and_the_next_start_waits_for_the_orphan(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT) as parent:
        assert parent.stdout is not None
        words = parent.stdout.readline().split()
        parent.kill()
    server = embedded.start_postgres(tmp_path, durable=False)
    server.stop()
    until(lambda: not any(running(int(pid)) for pid in words[:2]))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_an_ordinary_user_can_start_both() -> None:
    setpriv = shutil.which("setpriv")
    become = [setpriv or "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    probe = "import subprocess, sys, hub; sys.exit(subprocess.run([sys.executable, '-c', 'import hub']).returncode)"
    if setpriv is None or subprocess.run([*become, sys.executable, "-c", probe], cwd=ROOT, capture_output=True).returncode:
        pytest.skip("this Python or this folder is out of an ordinary user's reach")
    made = subprocess.run([*become, "mktemp", "-d"], capture_output=True, text=True, check=True, cwd="/").stdout.strip()
    try:
        with subprocess.Popen([*become, sys.executable, "-c", CHILD, made], stdout=subprocess.PIPE, text=True, cwd=ROOT) as child:
            assert child.stdout is not None
            words = child.stdout.readline().split()
            assert Path(f"/proc/{words[0]}").stat().st_uid == NOBODY
            assert asyncio.run(ask(words[2], "SELECT 1")) == 1
            child.kill()
        until(lambda: not any(running(int(pid)) for pid in words[:2]))
    finally:
        shutil.rmtree(made, ignore_errors=True)
