"""The PostgreSQL server itself: does it answer, how old is it, does it have our database. Nothing of ours is read."""

from __future__ import annotations

import asyncpg

from hub.store.pool import connect


async def answers(database_url: str) -> bool:
    """Whether the server answers a query right now."""
    try:
        connection = await connect(database_url)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    try:
        return bool(await connection.fetchval("SELECT 1") == 1)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    finally:
        connection.terminate()


async def ensure_database(maintenance_url: str, name: str) -> None:
    """Create the database if it is not there. `name` is one of our own constants."""
    connection = await connect(maintenance_url)
    try:
        if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name) is None:
            await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()


async def server_major(database_url: str) -> int:
    """The server's major version; asks nothing else of a server that may be too old. Connection errors come through."""
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        return int(connection.get_server_version().major)
    finally:
        connection.terminate()
