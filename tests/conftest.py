"""Shared ground of the tests: one PostgreSQL and one Valkey per run, a migrated template database cloned per test."""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from hub.settings import Settings, load_settings
from hub.settings.load import prepare_sandbox
from hub.store.migrate import migrate
from hub.store.pool import Connection, Pool, connect, open_pool
from tests.world import StandingClock

NOW = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # a Tuesday, 11:00 in London
TEMPLATE = "hub_template"
CONFIG = Path(__file__).parent.parent / "config"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server for the whole run: HUB_TEST_DATABASE_URL, or the embedded one."""
    given = os.environ.get("HUB_TEST_DATABASE_URL")
    if given:
        yield given
        return
    from hub import embedded

    with tempfile.TemporaryDirectory(prefix="hubpg", ignore_cleanup_errors=True) as folder:
        server = embedded.start_postgres(Path(folder), durable=False)
        try:
            yield server.url
        finally:
            server.stop()


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A Valkey server for the whole run: HUB_TEST_REDIS_URL, or the embedded one."""
    given = os.environ.get("HUB_TEST_REDIS_URL")
    if given:
        yield given
        return
    from hub import embedded

    with tempfile.TemporaryDirectory(prefix="hubvk", ignore_cleanup_errors=True) as folder:
        server = embedded.start_valkey(Path(folder))
        try:
            yield server.url
        finally:
            server.stop()


def with_database(url: str, name: str) -> str:
    """The same server's URL, naming another database."""
    head, sep, query = url.partition("?")
    base = head[: head.rindex("/", head.index("://") + 3) + 1] if "/" in head.split("://", 1)[1] else head + "/"
    return base + name + sep + query


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> str:
    async def make() -> None:
        admin = await asyncpg.connect(postgres_url)
        await admin.execute(f"DROP DATABASE IF EXISTS {TEMPLATE}")
        await admin.execute(f"CREATE DATABASE {TEMPLATE}")
        await admin.close()
        await migrate(with_database(postgres_url, TEMPLATE))

    asyncio.run(make())
    return postgres_url


@pytest.fixture
async def database_url(template_database: str) -> AsyncIterator[str]:
    """A fresh, migrated database of this test's own."""
    name = f"hub_test_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(template_database)
    await admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    try:
        yield with_database(template_database, name)
    finally:
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await admin.close()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = await open_pool(database_url, min_size=1, max_size=8)
    try:
        yield opened
    finally:
        opened.terminate()


@pytest.fixture
async def conn(database_url: str) -> AsyncIterator[Connection]:
    connection = await connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(NOW)


@pytest.fixture(scope="session")
def sandbox_environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a sandbox installation with secrets of its own and a rate limit out of the way."""
    environ = {"HUB_SANDBOX": "on", "HUB_DATA_DIR": str(tmp_path_factory.mktemp("data")), "HUB_UNDO_S": "0"}
    prepare_sandbox(environ, CONFIG)
    return environ


@pytest.fixture(scope="session")
def settings(sandbox_environ: dict[str, str]) -> Settings:
    """The shipped configuration in sandbox mode, with accounts as fast as the test."""
    loaded = load_settings(sandbox_environ, CONFIG)
    return replace(loaded, accounts={i: replace(a, rate_per_s=100_000.0, burst=100_000) for i, a in loaded.accounts.items()})
