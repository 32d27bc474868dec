"""Posts the Meta double's webhooks to the hub: escaped and signed as Meta does, several times at once when asked."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

import aiohttp

TIMEOUT: Final = aiohttp.ClientTimeout(total=20, connect=5)
FAILED: Final = 0  # in place of an HTTP status: no answer


def encode(payload: Mapping[str, Any]) -> bytes:
    """The bytes Meta would send: compact, and every character beyond ASCII as \\uXXXX."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=True).encode()


def sign(body: bytes, secret: str) -> str:
    """The header value that belongs to these bytes."""
    return "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()


class MetaSender:
    """Open inside a running loop; at most `in_flight` posts at once. reach: (public URL, where the hub really is)."""

    def __init__(self, *, reach: tuple[str, str] | None = None, in_flight: int = 64) -> None:
        self._reach = reach
        self._slots = asyncio.Semaphore(in_flight)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> MetaSender:
        self._session = aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, payload: Mapping[str, Any], secret: str, *, copies: int = 1) -> list[int]:
        """Post to a webhook, signed with an app secret; the HTTP status of each copy, FAILED where none came."""
        body = encode(payload)
        return list(await asyncio.gather(*(self._once(self._target(url), body, secret) for _ in range(copies))))

    async def handshake(self, url: str, verify_token: str, challenge: str) -> tuple[int, str]:
        """Ask a webhook to prove that it is expected; its status and answer."""
        query = {"hub.mode": "subscribe", "hub.verify_token": verify_token, "hub.challenge": challenge}
        async with self._opened().get(self._target(url), params=query, allow_redirects=False) as answer:
            return answer.status, await answer.text()

    async def _once(self, target: str, body: bytes, secret: str) -> int:
        headers = {
            "X-Hub-Signature-256": sign(body, secret),
            "X-Hub-Signature": "sha1=" + hmac.new(secret.encode(), body, "sha1").hexdigest(),
            "Content-Type": "application/json",
            "User-Agent": "facebookexternalua",
        }
        async with self._slots:
            try:
                async with self._opened().post(target, data=body, headers=headers, allow_redirects=False) as answer:
                    await answer.read()
                    return answer.status
            except (aiohttp.ClientError, TimeoutError, OSError):
                return FAILED

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the webhook sender is not open")
        return self._session

    def _target(self, url: str) -> str:
        if self._reach is not None and url.startswith(self._reach[0]):
            return self._reach[1] + url[len(self._reach[0]) :]
        return url
