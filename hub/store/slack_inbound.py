"""What came from Slack: events kept until they are worked through, and who people there are to us."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hub.model.ids import StaffId
from hub.model.sealed import Sealed
from hub.store.pool import Connection, Row


async def keep(conn: Connection, id: str, kind: str, body: bytes, *, now: datetime) -> bool:
    """Store an event; False when it is there already: Slack repeats what it is unsure of."""
    return bool(
        await conn.fetchval(
            """
            INSERT INTO slack_event (id, kind, body, received_at, run_after) VALUES ($1, $2, $3, $4, $4)
            ON CONFLICT DO NOTHING RETURNING true
            """,
            id,
            kind,
            body,
            now,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    id: str
    kind: str
    body: bytes
    attempts: int
    received_at: datetime


async def take(conn: Connection, *, now: datetime) -> Kept | None:
    """The oldest event that is due, locked; ended by `done` or `put_off` in the caller's transaction."""
    row = await conn.fetchrow(
        """
        SELECT id, kind, body, attempts, received_at FROM slack_event WHERE state = 'waiting' AND run_after <= $1
        ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED
        """,
        now,
    )
    if row is None:
        return None
    return Kept(id=row["id"], kind=row["kind"], body=bytes(row["body"] or b""), attempts=row["attempts"], received_at=row["received_at"])


async def done(conn: Connection, id: str, *, failed: bool = False) -> None:
    """Worked through, or never to be: what it said is forgotten, that it came is not."""
    await conn.execute("UPDATE slack_event SET state = $2, body = NULL WHERE id = $1", id, "failed" if failed else "done")


async def put_off(conn: Connection, id: str, *, again: datetime) -> None:
    """It did not work; again then."""
    await conn.execute("UPDATE slack_event SET attempts = attempts + 1, run_after = $2 WHERE id = $1", id, again)


async def sweep(conn: Connection, *, older_than: datetime) -> None:
    """Forget that old events came; Slack repeats one for minutes, not for days."""
    await conn.execute("DELETE FROM slack_event WHERE state <> 'waiting' AND received_at < $1", older_than)
    await conn.execute("DELETE FROM slack_pause WHERE until < $1", older_than)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackUser:
    """Somebody in Slack. standing: member, guest, bot, stranger or gone. The staff fields are None unless linked.

    email: only where Slack has confirmed it. disabled: the hub account behind it may not be used any more.
    """

    user_id: str
    team_id: str
    standing: str
    name: str
    email: Sealed[str] | None
    checked_at: datetime
    staff_id: StaffId | None
    staff_name: str
    disabled: bool
    roles: frozenset[str]


_USERS = """
SELECT u.*, coalesce(s.name, '') AS staff_name, s.disabled_at IS NOT NULL AS disabled,
       ARRAY(SELECT role FROM staff_role r WHERE r.staff_id = u.staff_id) AS roles
FROM slack_user u LEFT JOIN staff s ON s.id = u.staff_id
"""


def _user(row: Row) -> SlackUser:
    return SlackUser(
        user_id=row["user_id"],
        team_id=row["team_id"],
        standing=row["standing"],
        name=row["name"],
        email=Sealed(row["email"]) if row["email"] else None,
        checked_at=row["checked_at"],
        staff_id=StaffId(row["staff_id"]) if row["staff_id"] else None,
        staff_name=row["staff_name"],
        disabled=row["disabled"],
        roles=frozenset(row["roles"]),
    )


async def user(conn: Connection, user_id: str) -> SlackUser | None:
    """Who somebody is, as far as we know."""
    row = await conn.fetchrow(_USERS + "WHERE u.user_id = $1", user_id)
    return _user(row) if row else None


async def note_user(conn: Connection, user_id: str, *, team_id: str, standing: str, name: str, email: str | None, now: datetime) -> None:
    """Write down what Slack says about somebody; a link stays as it is."""
    await conn.execute(
        """
        INSERT INTO slack_user (user_id, team_id, standing, name, email, checked_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (user_id) DO UPDATE SET team_id = $2, standing = $3, name = $4, email = $5, checked_at = $6
        """,
        user_id,
        team_id,
        standing,
        name,
        email,
        now,
    )


async def offers(conn: Connection, staff_id: StaffId) -> list[SlackUser]:
    """People in Slack whose confirmed address is this member's, and who are linked to nobody yet."""
    rows = await conn.fetch(
        _USERS
        + "WHERE u.staff_id IS NULL AND u.standing = 'member' AND u.email = (SELECT email FROM staff WHERE id = $1) ORDER BY u.user_id",
        staff_id,
    )
    return [_user(r) for r in rows]


async def linked(conn: Connection, staff_id: StaffId) -> SlackUser | None:
    """Who this member is in Slack."""
    row = await conn.fetchrow(_USERS + "WHERE u.staff_id = $1", staff_id)
    return _user(row) if row else None


async def link(conn: Connection, user_id: str, staff_id: StaffId, *, now: datetime) -> bool:
    """Say that they are one person. False where either is linked already, or Slack knows no such member."""
    return bool(
        await conn.fetchval(
            """
            UPDATE slack_user SET staff_id = $2, linked_at = $3 WHERE user_id = $1 AND staff_id IS NULL AND standing = 'member'
              AND NOT EXISTS (SELECT 1 FROM slack_user o WHERE o.staff_id = $2) RETURNING true
            """,
            user_id,
            staff_id,
            now,
        )
    )


async def unlink(conn: Connection, staff_id: StaffId) -> bool:
    """Say that they are not. False where they were not linked."""
    return bool(await conn.fetchval("UPDATE slack_user SET staff_id = NULL, linked_at = NULL WHERE staff_id = $1 RETURNING true", staff_id))
