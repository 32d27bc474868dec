"""Accounts at work: how many sends each may let go right now, what is paused, who holds which work."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from hub.model.ids import AccountId
from hub.store.pool import Connection


async def take_tokens(conn: Connection, account_id: AccountId, *, wanted: int, rate_per_s: float, burst: int, now: datetime) -> int:
    """Take up to `wanted` sends from the account's bucket; how many it gave. A paused account gives none.

    The bucket lies in PostgreSQL, so several workers share it and an emptied Redis does not refill it.
    """
    given: int | None = await conn.fetchval(
        """
        INSERT INTO account_state AS s (account_id, tokens, refilled_at, last_taken)
        VALUES ($1, $4::int - least($2::int, $4), $5, least($2::int, $4))
        ON CONFLICT (account_id) DO UPDATE SET
            last_taken = least($2::int, floor(bucket_level(s.tokens, s.refilled_at, $3, $4, $5))),
            tokens = bucket_level(s.tokens, s.refilled_at, $3, $4, $5)
                   - least($2::int, floor(bucket_level(s.tokens, s.refilled_at, $3, $4, $5))),
            refilled_at = greatest(s.refilled_at, $5), paused = NULL, paused_until = NULL  -- its time is over, or it never was
        WHERE s.paused IS NULL OR s.paused_until <= $5
        RETURNING s.last_taken
        """,
        account_id,
        wanted,
        float(rate_per_s),
        burst,
        now,
    )
    return given or 0


async def give_back(conn: Connection, account_id: AccountId, tokens: int) -> None:
    """Return tokens nothing was sent on."""
    await conn.execute("UPDATE account_state SET tokens = tokens + $2 WHERE account_id = $1", account_id, float(tokens))


async def pause(conn: Connection, account_id: AccountId, reason: str, *, until: datetime, now: datetime) -> None:
    """Nothing leaves on this account until then."""
    await conn.execute(
        """
        INSERT INTO account_state (account_id, tokens, refilled_at, paused, paused_until) VALUES ($1, 0, $4, $2, $3)
        ON CONFLICT (account_id) DO UPDATE SET paused = $2, paused_until = $3
        """,
        account_id,
        reason,
        until,
        now,
    )


async def heard_from(conn: Connection, account_ids: Iterable[AccountId], *, now: datetime) -> None:
    """Note that these accounts delivered something, so that a silent channel can be told from a quiet day."""
    await conn.execute(
        """
        INSERT INTO account_state (account_id, tokens, refilled_at, last_inbound_at) SELECT a, 0, 'epoch', $2
        FROM unnest($1::text[]) AS a
        ON CONFLICT (account_id) DO UPDATE SET last_inbound_at = excluded.last_inbound_at
        WHERE account_state.last_inbound_at IS NULL OR account_state.last_inbound_at < excluded.last_inbound_at - interval '10 seconds'
        """,
        sorted(set(account_ids)),
        now,
    )


async def lease(conn: Connection, subject: str, *, now: datetime, for_s: float) -> bool:
    """Take the lease on some work; False when somebody holds it."""
    return bool(
        await conn.fetchval(
            """
            INSERT INTO work_lease AS w (subject, leased_until) VALUES ($1, $3)
            ON CONFLICT (subject) DO UPDATE SET leased_until = excluded.leased_until WHERE w.leased_until <= $2 RETURNING true
            """,
            subject,
            now,
            now + timedelta(seconds=for_s),
        )
    )


async def keep_lease(conn: Connection, subject: str, *, now: datetime, for_s: float) -> None:
    """Prolong the lease of work still going on."""
    await conn.execute("UPDATE work_lease SET leased_until = $2 WHERE subject = $1", subject, now + timedelta(seconds=for_s))


async def end_lease(conn: Connection, subject: str) -> None:
    """The work is done: the next note may start it again at once."""
    await conn.execute("DELETE FROM work_lease WHERE subject = $1", subject)
