"""The house's keeper of providers' short-lived credentials: in PostgreSQL, sealed, and renewed by one process at a time.

Whoever finds a token too old locks its row and asks the provider; everybody else waits for the row and finds the answer there.
A token is never logged, and never lies in the database in clear.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.model.ids import AccountId
from hub.model.message import IssuedToken
from hub.model.sealed import Sealed
from hub.store import tokens
from hub.store.pool import Pool
from hub.store.tokens import KeptToken

MARGIN: Final = timedelta(minutes=5)  # WeChat renews about then, and both tokens are good for those minutes
ASK_EVERY: Final = timedelta(seconds=20)  # inside the margin, while the provider still gives the old one
FORCE_EVERY: Final = timedelta(seconds=60)  # WeChat allows 20 a day, half a minute apart
_NONCE: Final = 12

Fetch = Callable[[bool], Awaitable[IssuedToken]]


class KeptTokens:
    """`SharedTokens` over one database. Several tasks of a process ask through one connection, not one each."""

    def __init__(self, pool: Pool, secret_key: Sealed[bytes], clock: Callable[[], datetime]) -> None:
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"enquiry-hub tokens v1").derive(secret_key.reveal())
        self._pool, self._cipher, self._clock = pool, AESGCM(key), clock
        self._known: dict[AccountId, tuple[Sealed[str], datetime]] = {}  # and until when it may be used unasked
        self._turns: defaultdict[AccountId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def token(self, account_id: AccountId, fetch: Fetch, *, refused: Sealed[str] | None = None) -> Sealed[str]:
        """See `SharedTokens.token`. Raises what `fetch` raises, and the faults of the store."""
        if (known := self._usable(account_id, refused)) is not None:
            return known
        async with self._turns[account_id]:
            if (known := self._usable(account_id, refused)) is not None:
                return known
            async with self._pool.acquire() as conn, conn.transaction():
                kept = await tokens.lock(conn, account_id)
                now = self._clock()
                token = self._opened(account_id, kept)
                if token is None or not _good(kept, now) or _same(token, refused):
                    kept, token = await self._renewed(account_id, kept, fetch, refused, now)
                    await tokens.keep(conn, account_id, kept)
            self._remember(account_id, token, kept, now)
            return token

    async def _renewed(
        self, account_id: AccountId, kept: KeptToken, fetch: Fetch, refused: Sealed[str] | None, now: datetime
    ) -> tuple[KeptToken, Sealed[str]]:
        issued, forced_at = await fetch(False), kept.forced_at
        if _same(issued.token, refused) and (forced_at is None or now - forced_at >= FORCE_EVERY):
            issued, forced_at = await fetch(True), now
        nonce = secrets.token_bytes(_NONCE)
        sealed = nonce + self._cipher.encrypt(nonce, issued.token.reveal().encode(), account_id.encode())
        fresh = KeptToken(sealed=sealed, expires_at=now + timedelta(seconds=issued.lasts_s), asked_at=now, forced_at=forced_at)
        return fresh, issued.token

    def _opened(self, account_id: AccountId, kept: KeptToken) -> Sealed[str] | None:
        """The kept token; None where there is none, or it was sealed under another key of the house."""
        if kept.sealed is None:
            return None
        try:
            return Sealed(self._cipher.decrypt(kept.sealed[:_NONCE], kept.sealed[_NONCE:], account_id.encode()).decode())
        except InvalidTag:
            return None

    def _usable(self, account_id: AccountId, refused: Sealed[str] | None) -> Sealed[str] | None:
        known = self._known.get(account_id)
        if known is None or self._clock() >= known[1] or _same(known[0], refused):
            return None
        return known[0]

    def _remember(self, account_id: AccountId, token: Sealed[str], kept: KeptToken, now: datetime) -> None:
        until = (kept.expires_at or now) - MARGIN
        self._known[account_id] = token, max(until, (kept.asked_at or now) + ASK_EVERY)


def _good(kept: KeptToken, now: datetime) -> bool:
    """Whether the kept token may be used without asking: it lasts, or the provider gave it just now."""
    if kept.expires_at is None or kept.asked_at is None or kept.expires_at <= now:
        return False
    return kept.expires_at - now > MARGIN or now - kept.asked_at < ASK_EVERY


def _same(token: Sealed[str], other: Sealed[str] | None) -> bool:
    return other is not None and token.reveal() == other.reveal()
