"""People who may sign in, from the terminal: the first administrator, and staff who need an account or a new link."""

from __future__ import annotations

from hub.commands.common import Refusal, now
from hub.model.audit import AuditEvent
from hub.model.ids import StaffId
from hub.settings import Settings
from hub.store import audit, staff
from hub.store.pool import Connection, connect

ACTOR = "system:terminal"
FIRST_LINK_H = 24


async def first_administrator(settings: Settings, email: str | None) -> str | None:
    """Make the first account where there is none. A fresh one-time link while it has no password yet, None after that.

    email: its address; by default `admin@` at the clinic's own domain.
    """
    address = email or f"admin@{settings.clinic.data_addresses[0].rpartition('@')[2]}"
    connection = await connect(settings.database_url or "")
    try:
        async with connection.transaction():
            if not await staff.anybody(connection):
                await _add(connection, address, "Administrator", "administrator")
            member = await staff.by_email(connection, address)
            if member is None or member.has_password:
                return None
            return await _link(connection, member.id, settings.public_url)
    finally:
        await connection.close()


async def add(database_url: str, public_url: str, *, email: str, name: str, role: str) -> str:
    """Add somebody; their one-time link. Raises Refusal when the address has an account already."""
    connection = await connect(database_url)
    try:
        async with connection.transaction():
            if await staff.by_email(connection, email) is not None:
                raise Refusal("This address has an account already: use hub staff reset to make a new link.")
            return await _link(connection, await _add(connection, email, name, role), public_url)
    finally:
        await connection.close()


async def reset(database_url: str, public_url: str, *, email: str) -> str:
    """A new one-time link to set a password with; the old password works until it is used. Raises Refusal."""
    connection = await connect(database_url)
    try:
        async with connection.transaction():
            member = await staff.by_email(connection, email)
            if member is None:
                raise Refusal("Nobody has an account under this address: use hub staff add.")
            await _record(connection, "staff.reset", member.id)
            return await _link(connection, member.id, public_url)
    finally:
        await connection.close()


async def _add(connection: Connection, email: str, name: str, role: str) -> StaffId:
    staff_id = await staff.add_staff(connection, email=email, name=name, role=role, now=now())
    await _record(connection, "staff.added", staff_id)
    return staff_id


async def _link(connection: Connection, staff_id: StaffId, public_url: str) -> str:
    from hub.desks.account.routes import welcome_url  # brings the web framework along, which most starts can do without

    return welcome_url(public_url, await staff.create_link(connection, staff_id, now=now(), valid_h=FIRST_LINK_H))


async def _record(connection: Connection, action: str, staff_id: StaffId) -> None:
    await audit.append(connection, [AuditEvent(at=now(), actor=ACTOR, action=action, object=f"staff:{staff_id}")])
