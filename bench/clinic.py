"""A running clinic for the benches: durable embedded servers, a migrated database, processes that stop with the bench."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from hub import embedded
from hub.settings import Settings, load_settings
from hub.settings.load import prepare_sandbox
from hub.store.migrate import migrate
from hub.store.pool import connect

CONFIG = Path(__file__).parent.parent / "config"


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic:
    """Addresses of what runs, and the environment its processes are started with."""

    environ: dict[str, str]
    settings: Settings

    async def analyze(self) -> None:
        """Bring the planner's figures up to date, as autovacuum does in the field within a minute."""
        conn = await connect(self.settings.database_url or "")
        await conn.execute("ANALYZE")
        await conn.close()

    @contextmanager
    def process(self, *arguments: str, ready_url: str | None = None) -> Iterator[psutil.Process]:
        """A Python process of the hub, ended with the block."""
        child = subprocess.Popen([sys.executable, *arguments], env=self.environ, stderr=subprocess.DEVNULL)
        try:
            if ready_url:
                wait_for(ready_url)
            yield psutil.Process(child.pid)
        finally:
            child.terminate()
            with suppress(subprocess.TimeoutExpired):
                child.wait(timeout=15)
            child.kill()


def wait_for(url: str, *, timeout_s: float = 30) -> None:
    """Return when the address answers anything at all."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310
        except urllib.error.HTTPError:
            return  # it speaks
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing answers on port {url.rsplit(':', 1)[-1]}")


@contextmanager
def clinic(*, durable: bool = True) -> Iterator[Clinic]:
    """Open the clinic: PostgreSQL as durable as in the field, Valkey, a migrated database."""
    with tempfile.TemporaryDirectory(prefix="hubbench", ignore_cleanup_errors=True) as folder:
        data = Path(folder)
        postgres = embedded.start_postgres(data / "postgres", durable=durable)
        valkey = embedded.start_valkey(data / "valkey")
        try:
            asyncio.run(migrate(postgres.url))
            environ = {
                **os.environ,
                "HUB_SANDBOX": "on",
                "HUB_DATA_DIR": str(data),
                "DATABASE_URL": postgres.url,
                "REDIS_URL": valkey.url,
                "HUB_PORT": str(free_port()),
                "HUB_SANDBOX_PORT": str(free_port()),
                "HUB_UNDO_S": "0",
            }
            prepare_sandbox(environ, CONFIG)
            yield Clinic(environ=environ, settings=load_settings(environ, CONFIG))
        finally:
            valkey.stop()
            postgres.stop()
