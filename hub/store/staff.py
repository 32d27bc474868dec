"""Staff, their roles, one-time links, sessions and failed sign-ins. Tokens are stored as hashes only.

Passwords arrive here hashed already (`hub.desks.account.passwords`).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.model.ids import StaffId, uuid7
from hub.model.sealed import Sealed
from hub.store.pool import Connection, Row

IDLE = timedelta(hours=12)  # a session nobody uses this long has ended
TOUCH_EVERY = timedelta(minutes=1)  # a session in use is written to at most this often


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMember:
    """One person who may sign in. roles: as stored, see hub.web.roles."""

    id: StaffId
    email: Sealed[str]
    name: str
    roles: frozenset[str]
    has_password: bool


_MEMBER = """
SELECT s.id, s.email, s.name, s.password_hash IS NOT NULL AS has_password,
       ARRAY(SELECT role FROM staff_role r WHERE r.staff_id = s.id) AS roles
FROM staff s
"""


def _member(row: Row) -> StaffMember:
    return StaffMember(
        id=row["id"], email=Sealed(row["email"]), name=row["name"], roles=frozenset(row["roles"]), has_password=row["has_password"]
    )


async def add_staff(conn: Connection, *, email: str, name: str, role: str, now: datetime) -> StaffId:
    """Add somebody who has no password yet. Raises asyncpg.UniqueViolationError when the address is taken."""
    staff_id = StaffId(uuid7())
    await conn.execute("INSERT INTO staff (id, email, name, created_at) VALUES ($1, lower($2), $3, $4)", staff_id, email.strip(), name, now)
    await grant(conn, staff_id, [role], now=now)
    return staff_id


async def grant(conn: Connection, staff_id: StaffId, roles: Iterable[str], *, now: datetime) -> None:
    """Give roles; one that is there already stays as it is."""
    await conn.executemany(
        "INSERT INTO staff_role (staff_id, role, granted_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        [(staff_id, role, now) for role in roles],
    )


async def anybody(conn: Connection) -> bool:
    """Whether anybody has an account at all."""
    return bool(await conn.fetchval("SELECT EXISTS (SELECT 1 FROM staff)"))


async def by_email(conn: Connection, email: str) -> StaffMember | None:
    """The account of an address, unless it is disabled."""
    row = await conn.fetchrow(_MEMBER + "WHERE s.email = lower($1) AND s.disabled_at IS NULL", email.strip())
    return _member(row) if row else None


async def password_hash(conn: Connection, staff_id: StaffId) -> str | None:
    """The stored hash; None until a password was set."""
    value: str | None = await conn.fetchval("SELECT password_hash FROM staff WHERE id = $1", staff_id)
    return value


async def set_password(conn: Connection, staff_id: StaffId, *, name: str | None, hashed: str) -> None:
    """Set the password (and the name, if given) and end every session the account has."""
    await conn.execute("UPDATE staff SET password_hash = $2, name = coalesce($3, name) WHERE id = $1", staff_id, hashed, name)
    await conn.execute("DELETE FROM staff_session WHERE staff_id = $1", staff_id)


async def create_link(conn: Connection, staff_id: StaffId, *, now: datetime, valid_h: int = 24) -> str:
    """A token that lets its holder set the password, once. Shown once; earlier unused links stop working."""
    token = secrets.token_urlsafe(32)
    await conn.execute("DELETE FROM staff_link WHERE staff_id = $1 AND used_at IS NULL", staff_id)
    await conn.execute(
        "INSERT INTO staff_link (token_hash, staff_id, expires_at) VALUES ($1, $2, $3)",
        _digest(token),
        staff_id,
        now + timedelta(hours=valid_h),
    )
    return token


async def link_owner(conn: Connection, token: str, *, now: datetime) -> StaffMember | None:
    """Whose link this is, while it may still be used."""
    row = await conn.fetchrow(
        _MEMBER + "JOIN staff_link l ON l.staff_id = s.id WHERE l.token_hash = $1 AND l.used_at IS NULL AND l.expires_at > $2"
        " AND s.disabled_at IS NULL",
        _digest(token),
        now,
    )
    return _member(row) if row else None


async def use_link(conn: Connection, token: str, *, now: datetime) -> StaffId | None:
    """Use the link up. None when it was used before, has expired or never was; of two at once, one gets it."""
    staff_id: StaffId | None = await conn.fetchval(
        "UPDATE staff_link SET used_at = $2 WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2 RETURNING staff_id",
        _digest(token),
        now,
    )
    return staff_id


async def open_session(conn: Connection, staff_id: StaffId, *, now: datetime) -> str:
    """A new session's token, which only the browser keeps."""
    token = secrets.token_urlsafe(32)
    await conn.execute(
        "INSERT INTO staff_session (token_hash, staff_id, created_at, last_used_at, expires_at) VALUES ($1, $2, $3, $3, $4)",
        _digest(token),
        staff_id,
        now,
        now + IDLE,
    )
    return token


async def session_owner(conn: Connection, token: str, *, now: datetime, touch: bool = True) -> StaffMember | None:
    """Who is signed in with this token. touch: being asked counts as use, so the session lives on."""
    row = await conn.fetchrow(
        _MEMBER.replace("FROM staff s", ", x.last_used_at FROM staff s")
        + "JOIN staff_session x ON x.staff_id = s.id WHERE x.token_hash = $1 AND x.expires_at > $2 AND s.disabled_at IS NULL",
        _digest(token),
        now,
    )
    if row is None:
        return None
    if touch and now - row["last_used_at"] >= TOUCH_EVERY:
        await conn.execute(
            "UPDATE staff_session SET last_used_at = $2, expires_at = $3 WHERE token_hash = $1", _digest(token), now, now + IDLE
        )
    return _member(row)


async def end_session(conn: Connection, token: str) -> None:
    """Sign out."""
    await conn.execute("DELETE FROM staff_session WHERE token_hash = $1", _digest(token))


async def count_failures(conn: Connection, subjects: Sequence[bytes], *, since: datetime) -> dict[bytes, int]:
    """Failed sign-ins per subject since then."""
    rows = await conn.fetch(
        "SELECT subject, count(*) AS n FROM sign_in_failure WHERE subject = ANY($1) AND at > $2 GROUP BY subject", list(subjects), since
    )
    return {row["subject"]: row["n"] for row in rows}


async def note_failure(conn: Connection, subjects: Sequence[bytes], *, now: datetime) -> None:
    """Remember a failed sign-in for a day."""
    await conn.execute("INSERT INTO sign_in_failure (subject, at) SELECT s, $2 FROM unnest($1::bytea[]) AS s", list(subjects), now)
    await conn.execute("DELETE FROM sign_in_failure WHERE at < $1", now - timedelta(days=1))


async def forget_failures(conn: Connection, subjects: Sequence[bytes]) -> None:
    """A sign-in went well: the account starts afresh."""
    await conn.execute("DELETE FROM sign_in_failure WHERE subject = ANY($1)", list(subjects))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
