"""`hub check`: everything that is wrong, at once. Looks and changes nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.text import Text

from hub.commands.common import config_dir, explain_failure
from hub.settings import Settings, SettingsError, load_places, load_settings
from hub.store.pool import OLDEST_MAJOR, UnsuitableServer
from hub.store.server import server_major

if TYPE_CHECKING:
    from rich.console import Console

    from hub.settings import ServerPlaces


async def check_database(url: str) -> int:
    """The server's major version. Raises UnsuitableServer below 15; connection errors come through as they are."""
    major = await server_major(url)
    if major < OLDEST_MAJOR:
        raise UnsuitableServer(f"PostgreSQL {major} is too old: version {OLDEST_MAJOR} or later is needed.")
    return major


def check_redis(url: str) -> None:
    """Raises redis.RedisError when the server does not answer."""
    from redis import Redis

    with contextlib.closing(Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)) as client:
        client.ping()


def check(console: Console) -> int:
    """Print every problem; the exit code is 1 when there is one."""
    good, problems = _check_settings()
    places = _places()
    if places is not None:
        for name, look in (("PostgreSQL", _look_at_database), ("Valkey or Redis", _look_at_redis)):
            said = _try(lambda look=look: look(places), problems)  # type: ignore[misc]
            if said is not None:
                good.append(f"{name}: {said}")
    for mark, style, lines in (("✓", "green", good), ("✗", "red", problems)):
        for line in lines:
            console.print(Text.assemble((mark, style), " ", line))
    return 1 if problems else 0


def _check_settings() -> tuple[list[str], list[str]]:
    try:
        settings = load_settings(os.environ, config_dir(os.environ))
    except SettingsError as error:
        return [], list(explain_failure(error) or [])
    return _describe(settings), []


def _describe(settings: Settings) -> list[str]:
    accounts = ", ".join(f"{account.id} ({account.channel})" for account in settings.accounts.values())
    return [
        f"Settings: {settings.config_dir}",
        f"Clinic: {settings.clinic.legal_name}, data@ addresses {' and '.join(settings.clinic.data_addresses)}",
        f"Accounts, each with its secrets: {accounts}",
        f"Sandbox: {'on' if settings.sandbox else 'off'}",
    ]


def _places() -> ServerPlaces | None:
    try:
        return load_places(os.environ)
    except SettingsError:
        return None  # said above


def _look_at_database(places: ServerPlaces) -> str:
    from hub import embedded

    url = places.database_url or embedded.running_postgres(places.data_dir)
    return "embedded, not running" if url is None else f"version {asyncio.run(check_database(url))} answers"


def _look_at_redis(places: ServerPlaces) -> str:
    from hub import embedded

    url = places.redis_url or embedded.running_valkey(places.data_dir)
    if url is None:
        return "embedded, not running"
    check_redis(url)
    return "answers"


def _try(look: Callable[[], str], problems: list[str]) -> str | None:
    try:
        return look()
    except Exception as error:
        said = explain_failure(error)
        if said is None:
            raise
        problems.extend(said)
        return None
