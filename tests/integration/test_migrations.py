"""The migration runner on a real server."""

from __future__ import annotations

import pytest

from hub.store import migrate as migrations
from hub.store.pool import Connection


async def test_a_second_run_applies_nothing(conn: Connection) -> None:
    assert await migrations.apply(conn) == []


async def test_a_migration_changed_after_the_fact_is_refused(conn: Connection) -> None:
    await conn.execute("UPDATE migration SET sha256 = '\\x00' WHERE name LIKE '0001%'")
    with pytest.raises(migrations.ChangedMigration, match="0001"):
        await migrations.apply(conn)
