"""Posts the double's webhooks to the hub: signed for real, retried as Twilio does, three times at once when asked.

It signs for the URL the hub is configured with and may connect elsewhere, as a proxy in front of the hub would have it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode

import aiohttp
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # the SDK ships no types

TIMEOUT: Final = aiohttp.ClientTimeout(total=15, connect=5)
FAILED: Final = 0  # in place of an HTTP status: no answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Twilio retries a failed connection once by default; `#rc` and `#rp` in a webhook's URL change that."""

    count: int = 1
    on_connect: bool = True
    on_5xx: bool = False


@lru_cache(maxsize=64)
def _validator(token: str) -> RequestValidator:
    return RequestValidator(token)


class WebhookSender:
    """Open inside a running loop; at most `in_flight` posts at once."""

    def __init__(self, *, reach: tuple[str, str] | None = None, retry: Retry | None = None, in_flight: int = 64) -> None:
        self._reach, self._retry = reach, retry or Retry()
        self._slots = asyncio.Semaphore(in_flight)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> WebhookSender:
        self._session = aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False, cookie_jar=aiohttp.DummyCookieJar())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, fields: Mapping[str, str], token: str, *, copies: int = 1) -> list[int]:
        """Post to a webhook, signed with `token`; the HTTP status of each copy's last attempt, FAILED where none came."""
        signed = url.partition("#")[0]
        signature = _validator(token).compute_signature(signed, fields)
        if copies == 1:
            return [await self._attempts(signed, fields, signature)]
        return list(await asyncio.gather(*(self._attempts(signed, fields, signature) for _ in range(copies))))

    async def _attempts(self, url: str, fields: Mapping[str, str], signature: str) -> int:
        status = FAILED
        for _ in range(self._retry.count + 1):
            status, connected = await self._once(url, fields, signature)
            again = (self._retry.on_connect and not connected) or (self._retry.on_5xx and status >= 500)
            if not again:
                break
        return status

    async def _once(self, url: str, fields: Mapping[str, str], signature: str) -> tuple[int, bool]:
        if self._session is None:
            raise RuntimeError("the webhook sender is not open")
        target = url
        if self._reach is not None and url.startswith(self._reach[0]):
            target = self._reach[1] + url[len(self._reach[0]) :]
        headers = {
            "X-Twilio-Signature": signature,
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": signature[:20],
        }
        async with self._slots:
            try:
                async with self._session.post(target, data=urlencode(fields).encode(), headers=headers, allow_redirects=False) as answer:
                    await answer.read()
                    return answer.status, True
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
                return FAILED, False
            except (aiohttp.ClientError, TimeoutError, OSError):
                return FAILED, True
