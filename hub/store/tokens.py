"""Credentials providers give out for a while: one row per account, locked by whoever asks for a new one. Sealed before they come here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hub.model.ids import AccountId
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptToken:
    """sealed, expires_at: None until one was given. asked_at, forced_at: None: never."""

    sealed: bytes | None
    expires_at: datetime | None
    asked_at: datetime | None
    forced_at: datetime | None


async def lock(conn: Connection, account_id: AccountId) -> KeptToken:
    """The account's row, locked until the caller's transaction ends; made where there is none."""
    await conn.execute("INSERT INTO provider_token (account_id) VALUES ($1) ON CONFLICT DO NOTHING", account_id)
    row = await conn.fetchrow(
        "SELECT sealed, expires_at, asked_at, forced_at FROM provider_token WHERE account_id = $1 FOR UPDATE", account_id
    )
    return KeptToken(sealed=row["sealed"], expires_at=row["expires_at"], asked_at=row["asked_at"], forced_at=row["forced_at"])


async def keep(conn: Connection, account_id: AccountId, token: KeptToken) -> None:
    """Write what the provider gave; the caller holds the lock."""
    await conn.execute(
        "UPDATE provider_token SET sealed = $2, expires_at = $3, asked_at = $4, forced_at = $5 WHERE account_id = $1",
        account_id,
        token.sealed,
        token.expires_at,
        token.asked_at,
        token.forced_at,
    )
