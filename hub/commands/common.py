"""What the commands share: finding the settings, refusing with a sentence, and reaching the servers."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from hub.settings import ServerPlaces, Settings

Placed = TypeVar("Placed", "Settings", "ServerPlaces")


class Refusal(Exception):
    """The command cannot go on. The message is a sentence for the person at the terminal."""


def config_dir(environ: Mapping[str, str]) -> Path:
    """HUB_CONFIG_DIR, else `config` where we stand, else the one beside the code."""
    if given := environ.get("HUB_CONFIG_DIR", "").strip():
        return Path(given).absolute()
    here = Path("config").absolute()
    return here if here.is_dir() else Path(__file__).parents[2] / "config"


def settings_now() -> Settings:
    """The settings of this environment. Raises SettingsError."""
    from hub.settings import load_settings

    return load_settings(os.environ, config_dir(os.environ))


def now() -> datetime:
    """The wall clock, read at the edge and passed in from here."""
    return datetime.now(UTC)


def with_running_servers(places: Placed) -> Placed:
    """URLs filled in from embedded servers that another process keeps. Raises Refusal where there are none."""
    from hub import embedded

    database_url = places.database_url or embedded.running_postgres(places.data_dir)
    redis_url = places.redis_url or embedded.running_valkey(places.data_dir)
    if database_url is None or redis_url is None:
        missing = "DATABASE_URL" if database_url is None else "REDIS_URL"
        raise Refusal(f"{missing} is not set and no embedded server is running: start everything with hub up.")
    return replace(places, database_url=database_url, redis_url=redis_url)


@contextlib.contextmanager
def a_database(places: ServerPlaces) -> Iterator[str]:
    """The URL of the database: the one set, the embedded one that runs, or one started for the length of the block."""
    from hub import embedded

    url = places.database_url or embedded.running_postgres(places.data_dir)
    if url is not None:
        yield url
        return
    if not (places.data_dir / "postgres").exists():
        raise Refusal(f"There is no database in {places.data_dir} yet: start everything with hub up, or set DATABASE_URL.")
    server = embedded.start_postgres(places.data_dir)
    try:
        yield server.url
    finally:
        server.stop()


def explain_failure(error: BaseException) -> list[str] | None:
    """The sentences for a failure people can mend; None for one that is a fault of ours. Never a URL: it may hold a password."""
    if isinstance(error, Refusal):
        return [str(error)]
    from hub.embedded.errors import EmbeddedError
    from hub.settings import SettingsError

    if isinstance(error, SettingsError):
        return [*error.problems, *_hint()]
    if isinstance(error, EmbeddedError):
        return [str(error)]
    return _explain_server_failure(error)


def fault_of_ours(error: BaseException) -> list[str]:
    """Where it happened and what kind it is, without its text: that may hold a value it choked on (promise P6)."""
    steps = [line.rstrip() for line in traceback.format_tb(error.__traceback__)]
    kind = f"{type(error).__name__}: {error}" if isinstance(error, ImportError | NameError) else type(error).__name__
    return ["The hub has a fault; please report these lines.", *steps, kind]


def _hint() -> list[str]:
    from hub.settings import data_dir_of
    from hub.settings.sandbox import FILE

    if os.environ.get("HUB_SANDBOX", "").strip():
        return []
    if (data_dir_of(os.environ) / FILE).exists():
        return ["This data folder was used with the sandbox: set HUB_SANDBOX=on to go on with it."]
    return ["To try the hub out with made-up settings, start it with hub up --sandbox."]


def _explain_server_failure(error: BaseException) -> list[str] | None:
    import asyncpg
    from redis.exceptions import RedisError

    from hub.store.migrate import ChangedMigration
    from hub.store.pool import UnsuitableServer

    if isinstance(error, ChangedMigration | UnsuitableServer):
        return [str(error)]
    if isinstance(error, asyncpg.InvalidPasswordError | asyncpg.InvalidAuthorizationSpecificationError):
        return ["The PostgreSQL server that DATABASE_URL names refuses this user name and password."]
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return ["The database that DATABASE_URL names does not exist on that server: create it first."]
    if isinstance(error, asyncpg.UndefinedTableError):
        return ["The database has no tables of the hub, or old ones: run hub migrate."]
    if isinstance(error, asyncpg.PostgresConnectionError | asyncpg.CannotConnectNowError | ConnectionError | TimeoutError):
        return ["The PostgreSQL server cannot be reached: see DATABASE_URL."]
    if isinstance(error, RedisError):
        return ["The Redis or Valkey server cannot be reached: see REDIS_URL."]
    if isinstance(error, OSError):
        return [f"{error.strerror or type(error).__name__}{': ' + str(error.filename) if error.filename else ''}."]
    return None
