"""Staff for campaign tests."""

from __future__ import annotations

from datetime import datetime

from hub.model.ids import StaffId, uuid7
from hub.store.pool import Connection


async def staff(conn: Connection, name: str, now: datetime, role: str = "marketing") -> StaffId:
    """A colleague of this name, made when first asked for."""
    email = f"{name}@clinic.example"
    found = await conn.fetchval("SELECT id FROM staff WHERE email = $1", email)
    if found is None:
        found = uuid7()
        await conn.execute("INSERT INTO staff (id, email, name, created_at) VALUES ($1, $2, $3, $4)", found, email, name, now)
        await conn.execute("INSERT INTO staff_role (staff_id, role, granted_at) VALUES ($1, $2, $3)", found, role, now)
    return StaffId(found)
