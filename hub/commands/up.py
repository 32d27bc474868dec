"""`hub up`: the servers that are not given, the schema, the first administrator, then every process of the Procfile.

Stops in order: web and workers, Valkey, PostgreSQL.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from types import FrameType

from rich.console import Console
from rich.text import Text

from hub import embedded
from hub.commands.common import Refusal, config_dir
from hub.commands.first import first_administrator
from hub.commands.health import check_database, check_redis
from hub.commands.wording import archive
from hub.embedded.rights import LAUNCHER
from hub.settings import Settings, load_settings, prepare_sandbox
from hub.settings.accounts import sandbox_mail_port
from hub.store.migrate import migrate

_READY_WITHIN_S = 60.0
_STOP_WITHIN_S = 40.0


def up(environ: MutableMapping[str, str], console: Console) -> int:
    """Run everything until SIGINT or SIGTERM. The exit code: 0 when asked to stop, not 0 on failure.

    Raises Refusal, SettingsError, EmbeddedError and what a server that was given raises.
    """
    folder = config_dir(environ)
    if environ.get("HUB_SANDBOX", "").strip().lower() in ("1", "true", "yes", "on"):
        prepare_sandbox(environ, folder)
    settings = load_settings(environ, folder)
    with _stoppable(), _servers(settings, console) as given:
        link = _prepare(given, console, environ)
        env = dict(environ) | {
            "DATABASE_URL": given.database_url or "",
            "REDIS_URL": given.redis_url or "",
            "HUB_DATA_DIR": str(given.data_dir),
            "HUB_CONFIG_DIR": str(given.config_dir),
            "HUB_LOG": environ.get("HUB_LOG") or ("pretty" if console.is_terminal else "json"),
        }
        for name in ("DATABASE_URL_FILE", "REDIS_URL_FILE"):
            env.pop(name, None)
        return _run_processes(given, env, link, console)


class _Stopped(Exception):
    """SIGINT or SIGTERM came."""


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Both signals unwind the stack, so that whatever was started is stopped in its order; later ones change nothing."""

    def stop(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_IGN)
        raise _Stopped

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except _Stopped:
        raise SystemExit(0) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _servers(settings: Settings, console: Console) -> Iterator[Settings]:
    """The settings with both URLs filled in, by embedded servers where none was set."""
    with contextlib.ExitStack() as stack:
        if embedded.running_postgres(settings.data_dir) is None:
            _refuse_taken_ports(settings)
        if settings.database_url is None:
            with console.status("Starting PostgreSQL"):
                postgres = embedded.start_postgres(settings.data_dir)
            stack.callback(postgres.stop)
            settings = replace(settings, database_url=postgres.url)
        if settings.redis_url is None:
            with console.status("Starting Valkey"):
                valkey = embedded.start_valkey(settings.data_dir)
            stack.callback(valkey.stop)
            settings = replace(settings, redis_url=valkey.url)
        try:
            yield settings
        finally:
            with console.status("Stopping the servers"):
                stack.close()


def _refuse_taken_ports(settings: Settings) -> None:
    wanted = [(settings.host, settings.port, "HUB_PORT")]
    if settings.sandbox:
        wanted.append((settings.sandbox_host, settings.sandbox_port, "HUB_SANDBOX_PORT"))
        wanted.append(("127.0.0.1", sandbox_mail_port(f"{settings.sandbox_host}:{settings.sandbox_port}"), "HUB_SANDBOX_PORT"))
    for host, port, variable in wanted:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError as error:
            raise Refusal(
                f"Port {port} on {host} cannot be used ({(error.strerror or 'error').lower()}): "
                f"stop the program that has it, or set {variable} to another number."
            ) from error


def _prepare(settings: Settings, console: Console, environ: MutableMapping[str, str]) -> str | None:
    """Check both servers, bring the schema up to date; the first administrator's link while nobody has used it."""

    async def steps() -> str | None:
        await check_database(settings.database_url or "")
        await asyncio.to_thread(check_redis, settings.redis_url or "")
        await migrate(settings.database_url or "")
        await archive(settings)
        return await first_administrator(settings, environ.get("HUB_ADMIN_EMAIL", "").strip() or None)

    with console.status("Preparing the database"):
        return asyncio.run(steps())


def _run_processes(settings: Settings, env: dict[str, str], link: str | None, console: Console) -> int:
    """`hub processes` in a process of its own, out of reach of the terminal's Ctrl-C: we decide when it stops."""
    prefix = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(int(signal.SIGTERM)), "plain"]
    command = [sys.executable, "-m", "hub", "processes"]
    process = subprocess.Popen([*prefix, *command], env=env, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        if _wait_for_web(settings, process):
            console.print(_welcome(settings, link), soft_wrap=True)
        elif process.poll() is None:
            console.print(f"The web process has not answered within {_READY_WITHIN_S:.0f} seconds; its lines above may say why.")
        return process.wait()
    finally:
        _end(process)


def _wait_for_web(settings: Settings, process: subprocess.Popen[bytes]) -> bool:
    """True as soon as the web process answers; False when it does not within the time, or everything ended."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - looked up, not bound
    deadline = time.monotonic() + _READY_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with socket.create_connection((host, settings.port), timeout=1):
                return True
        except OSError:
            time.sleep(0.05)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _welcome(settings: Settings, link: str | None) -> Text:
    """The addresses to open, each on a line of its own that no terminal breaks: links are there to be clicked."""
    lines = Text("\nEnquiry Hub is running\n\n", style="bold")
    if link is not None:
        lines.append("  First administrator, works once:\n").append(f"  {link}\n\n", style="not bold")
    lines.append("  Inbox            ").append(f"{settings.public_url}/inbox\n", style="not bold")
    lines.append("  Contact form     ").append(f"{settings.public_url}/enquire\n", style="not bold")
    if settings.sandbox:
        lines.append("  Practice phone   ").append(f"http://{settings.sandbox_host}:{settings.sandbox_port}/\n", style="not bold")
    return lines.append("\n  Ctrl-C stops everything.\n", style="not bold dim")
