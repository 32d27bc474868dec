"""The two servers, ready to use: where their files lie, how they are set, how they are asked whether they answer.

async with embedded.postgres(data_dir) as server: ...     server.url, server.pid
server = embedded.start_postgres(data_dir); ...; server.stop()
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from hub.embedded import cluster, folders
from hub.embedded.binaries import find_postgres, find_valkey
from hub.embedded.rights import hand_over
from hub.embedded.supervisor import ServerSpec, Supervisor, shorten_log
from hub.store.server import answers, ensure_database

DATABASE = "hub"
_VALKEY_SOCKET = "valkey.sock"


class Server:
    """A running embedded server. `url` stays the same when the server is restarted; `pid` does not."""

    def __init__(self, url: str, supervisor: Supervisor, release: Callable[[], None]) -> None:
        self.url = url
        self._supervisor = supervisor
        self._release = release

    @property
    def pid(self) -> int:
        """The server's process id; 0 while it is being started again."""
        return self._supervisor.pid

    def stop(self) -> None:
        """End the server and give the data folder free. Safe to call twice."""
        self._supervisor.stop()
        self._release()


def start_postgres(data_dir: Path, *, durable: bool = True, environ: Mapping[str, str] | None = None) -> Server:
    """Start PostgreSQL on `data_dir/postgres`, made if it is not there; returns when it answers and has our database.

    durable=False is for tests: what is committed outlives a killed server, not a lost machine.
    environ: where HUB_POSTGRES_BIN is looked up, os.environ if None.
    Raises EmbeddedError with one sentence.
    """
    programs = find_postgres(os.environ if environ is None else environ)
    folders.prepare(data_dir)
    hold = folders.Hold(data_dir, "postgres")
    try:
        sockets = folders.make_socket_folder(data_dir)
        made = cluster.prepare(data_dir, programs, durable=durable)
        hand_over(sockets, made.rights.owner)
        supervisor = Supervisor(_postgres_spec(made, sockets, durable))
        supervisor.start()
    except BaseException:
        hold.release()
        raise
    server = Server(_postgres_url(sockets, DATABASE), supervisor, lambda: _release(hold, sockets, data_dir))
    try:
        asyncio.run(ensure_database(_postgres_url(sockets, "postgres"), DATABASE))
    except BaseException:
        server.stop()
        raise
    return server


def _postgres_spec(made: cluster.Cluster, sockets: Path, durable: bool) -> ServerSpec:
    probe = _postgres_url(sockets, "postgres")
    shorten_log(made.log_path)
    return ServerSpec(
        name="PostgreSQL",
        command=[str(made.programs.postgres), "-D", str(made.folder), *cluster.options(sockets, durable=durable)],
        log_path=made.log_path,
        answers=lambda: asyncio.run(answers(probe)),
        # Fast shutdown first, then immediate, which the next start recovers from.
        stop_signals=((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0)),
        rights=made.rights,
        prepare=made.disown_stale_pid,
    )


def start_valkey(data_dir: Path) -> Server:
    """Start Valkey; it keeps nothing on disk. Returns when it answers. Raises EmbeddedError with one sentence."""
    program = find_valkey()
    folders.prepare(data_dir)
    hold = folders.Hold(data_dir, "valkey")
    try:
        sockets = folders.make_socket_folder(data_dir)
        folders.prepare(data_dir / "valkey")
        path = sockets / _VALKEY_SOCKET
        supervisor = Supervisor(_valkey_spec(program, data_dir, path))
        supervisor.start()
    except BaseException:
        hold.release()
        raise
    return Server(_valkey_url(path), supervisor, lambda: _release(hold, sockets, data_dir))


def _valkey_spec(program: Path, data_dir: Path, path: Path) -> ServerSpec:
    settings = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(data_dir.absolute() / "valkey"),
        "save": "",
        "appendonly": "no",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    log_path = data_dir.absolute() / "valkey.log"
    shorten_log(log_path)
    return ServerSpec(
        name="Valkey",
        command=[str(program), *(part for key, value in settings.items() for part in (f"--{key}", value))],
        log_path=log_path,
        answers=lambda: _pong(path),
        stop_signals=((signal.SIGTERM, 5.0),),
    )


def _pong(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def running_postgres(data_dir: Path) -> str | None:
    """The URL of the embedded PostgreSQL another process runs on this folder; None when nobody does."""
    return _postgres_url(folders.socket_folder(data_dir), DATABASE) if folders.held(data_dir, "postgres") else None


def running_valkey(data_dir: Path) -> str | None:
    """As `running_postgres`, for Valkey."""
    return _valkey_url(folders.socket_folder(data_dir) / _VALKEY_SOCKET) if folders.held(data_dir, "valkey") else None


@contextlib.asynccontextmanager
async def postgres(data_dir: Path, *, durable: bool = True) -> AsyncIterator[Server]:
    """`start_postgres` for the length of a block, without holding up the loop."""
    server = await asyncio.to_thread(start_postgres, data_dir, durable=durable)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.stop)


@contextlib.asynccontextmanager
async def valkey(data_dir: Path) -> AsyncIterator[Server]:
    """`start_valkey` for the length of a block, without holding up the loop."""
    server = await asyncio.to_thread(start_valkey, data_dir)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.stop)


def _postgres_url(sockets: Path, database: str) -> str:
    return f"postgresql://{cluster.OWNER}@/{database}?host={quote(str(sockets))}"


def _valkey_url(path: Path) -> str:
    return f"unix://{quote(str(path))}"


def _release(hold: folders.Hold, sockets: Path, data_dir: Path) -> None:
    hold.release()
    if sockets.parent != data_dir.absolute():  # the short one under the system's temporary folder
        in_use = any(folders.held(data_dir, name) for name in ("postgres", "valkey"))
        if not in_use:
            shutil.rmtree(sockets, ignore_errors=True)
