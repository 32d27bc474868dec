"""Opening PostgreSQL: one pool per process, JSON as Python values, the version floor, and what it raises when it is away.

Never logs a statement's arguments: they carry what patients wrote.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import asyncpg
import msgspec

# asyncpg ships no types; rows are read by name at one place each, in this package.
Connection: TypeAlias = Any
Pool: TypeAlias = Any
Row: TypeAlias = Any
# The driver's own kind of UUID, made from 16 bytes: equal to Python's, and written and read without being converted.
Uuid = asyncpg.pgproto.pgproto.UUID

OLDEST_MAJOR = 15

# Faults of the store itself, not of what was asked of it: trying again later is right. A server that dies while it is
# talked to shows in many ways; the driver's own state is confused by some of them (InternalClientError).
STORE_FAULTS: tuple[type[Exception], ...] = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.exceptions.AdminShutdownError,
    asyncpg.exceptions.CrashShutdownError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InsufficientResourcesError,
)

# Faults of the values of one row, which no later try mends: a key that another row has, a text PostgreSQL cannot hold.
ROW_FAULTS: tuple[type[Exception], ...] = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError)


class UnsuitableServer(Exception):
    """The PostgreSQL server is too old; the message is a sentence for the person who starts the hub."""


async def _prepare(connection: Any) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, encoder=lambda value: msgspec.json.encode(value).decode(), decoder=msgspec.json.decode, schema="pg_catalog"
        )


async def connect(database_url: str) -> Connection:
    """One connection of its own, for listeners, advisory locks and migrations."""
    connection = await asyncpg.connect(database_url, timeout=10)
    await _prepare(connection)
    return connection


async def _nothing_to_reset(_connection: Any) -> None:
    """Nothing here leaves state on a pooled connection (listeners and advisory locks have connections of their own), so
    giving one back need not cost a round trip."""


async def open_pool(database_url: str, *, min_size: int = 2, max_size: int = 10) -> Pool:
    """A pool whose connections speak UTC and decode JSON.

    Raises UnsuitableServer below PostgreSQL 15; connection errors come through as they are.
    """
    pool = await asyncpg.create_pool(
        database_url,
        min_size=min_size,
        max_size=max_size,
        init=_prepare,
        reset=_nothing_to_reset,
        timeout=10,
        command_timeout=60,
        max_inactive_connection_lifetime=300,
        server_settings={"timezone": "UTC", "application_name": "enquiry-hub"},
    )
    async with pool.acquire() as connection:
        major = connection.get_server_version().major
    if major < OLDEST_MAJOR:
        await pool.close()
        raise UnsuitableServer(f"PostgreSQL {major} is too old: version {OLDEST_MAJOR} or later is needed.")
    return pool
