"""On a managed server the hub is no superuser: it may add to the log and seal it, and cannot change it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest

from hub.audit import seal_once, verify_database
from hub.store import audit as store
from hub.store.migrate import apply
from hub.store.pool import Connection, connect
from tests.conftest import with_database
from tests.integration.audit.test_seal import NOW, event


@pytest.fixture
async def plain_owner(postgres_url: str) -> AsyncIterator[Connection]:
    """A fresh database whose owner is an ordinary role."""
    role = f"hub_owner_{secrets.token_hex(4)}"
    admin = await asyncpg.connect(postgres_url)
    await admin.execute(f"CREATE ROLE {role}")
    await admin.execute(f"CREATE DATABASE {role} OWNER {role}")
    opened = await connect(with_database(postgres_url, role))
    await opened.execute(f"SET ROLE {role}")
    await opened.execute("SET search_path TO public")
    await apply(opened)
    yield opened
    await opened.close()
    await admin.execute(f"DROP DATABASE {role} WITH (FORCE)")
    await admin.execute(f"DROP ROLE {role}")
    await admin.close()


async def test_an_ordinary_owner_appends_and_seals_and_cannot_change(plain_owner: Connection) -> None:
    await store.append(plain_owner, [event(1), event(2)])
    assert await seal_once(plain_owner, NOW) == 2
    assert (await verify_database(plain_owner, NOW)).whole
    await plain_owner.execute("ALTER TABLE audit_event DISABLE TRIGGER audit_event_append_only")
    for statement in ("UPDATE audit_event SET actor = 'x'", "DELETE FROM audit_event", "TRUNCATE audit_event"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await plain_owner.execute(statement)
