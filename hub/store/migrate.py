"""Migrations: plain numbered SQL files, applied once each, in order, under a lock. Small enough to read in a minute."""

from __future__ import annotations

import hashlib
from importlib import resources

from hub.store.pool import Connection, connect

_LOCK = 0x48554201  # advisory lock: one process migrates, the others wait and find it done


class ChangedMigration(Exception):
    """A migration that was applied differs from the file: the schema is not what the code believes."""


def files() -> list[tuple[str, str]]:
    """(name, SQL) of every migration, in order."""
    folder = resources.files("hub.store") / "migrations"
    found = sorted((entry.name, entry.read_text(encoding="utf-8")) for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(name.removesuffix(".sql"), sql) for name, sql in found]


async def migrate(database_url: str) -> list[str]:
    """Apply what is missing; the names applied now. Raises ChangedMigration."""
    connection = await connect(database_url)
    try:
        return await apply(connection)
    finally:
        await connection.close()


async def apply(connection: Connection) -> list[str]:
    """As `migrate`, on an open connection."""
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migration"
            " (name text PRIMARY KEY, sha256 bytea NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        done = {row["name"]: row["sha256"] for row in await connection.fetch("SELECT name, sha256 FROM migration")}
        applied = []
        for name, sql in files():
            digest = hashlib.sha256(sql.encode()).digest()
            if name not in done:
                async with connection.transaction():
                    await connection.execute(sql)
                    await connection.execute("INSERT INTO migration (name, sha256) VALUES ($1, $2)", name, digest)
                applied.append(name)
            elif done[name] != digest:
                raise ChangedMigration(f"Migration {name} was applied before in another wording. Add a new one instead of changing it.")
        return applied
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
