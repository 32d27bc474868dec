"""Carries a double's webhooks to the hub. It signs nothing; it only knows where the hub really is, and never retries by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Self

import aiohttp

TIMEOUT: Final = aiohttp.ClientTimeout(total=20, connect=5)
FAILED: Final = 0  # in place of an HTTP status: no answer


class Poster:
    """Open inside a running loop; at most `in_flight` posts at once. reach: (public URL, where the hub really is)."""

    def __init__(self, *, reach: tuple[str, str] | None = None, in_flight: int = 64) -> None:
        self._reach = reach
        self._slots = asyncio.Semaphore(in_flight)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def carry(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bool]:
        """Post once: the HTTP status, FAILED where none came, and whether the hub was reached at all."""
        async with self._slots:
            try:
                async with self.session.post(self.target(url), data=body, headers=headers, allow_redirects=False) as answer:
                    await answer.read()
                    return answer.status, True
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
                return FAILED, False
            except (aiohttp.ClientError, TimeoutError, OSError):
                return FAILED, True

    @property
    def session(self) -> aiohttp.ClientSession:
        """The client, once it is open. Raises RuntimeError before that."""
        if self._session is None:
            raise RuntimeError("the webhook sender is not open")
        return self._session

    def target(self, url: str) -> str:
        """Where to connect for an address the hub is known by."""
        if self._reach is not None and url.startswith(self._reach[0]):
            return self._reach[1] + url[len(self._reach[0]) :]
        return url
