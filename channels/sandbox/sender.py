"""Posts the double's webhooks to the hub: signed for real, retried as Twilio does, three times at once when asked.

It signs for the URL the hub is configured with and may connect elsewhere, as a proxy in front of the hub would have it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # the SDK ships no types

from channels.sandbox.poster import FAILED, Poster


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Twilio retries a failed connection once by default; `#rc` and `#rp` in a webhook's URL change that."""

    count: int = 1
    on_connect: bool = True
    on_5xx: bool = False


@lru_cache(maxsize=64)
def _validator(token: str) -> RequestValidator:
    return RequestValidator(token)


class WebhookSender(Poster):
    """Open inside a running loop; at most `in_flight` posts at once."""

    def __init__(self, *, reach: tuple[str, str] | None = None, retry: Retry | None = None, in_flight: int = 64) -> None:
        super().__init__(reach=reach, in_flight=in_flight)
        self._retry = retry or Retry()

    async def post(self, url: str, fields: Mapping[str, str], token: str, *, copies: int = 1) -> list[int]:
        """Post to a webhook, signed with `token`; the HTTP status of each copy's last attempt, FAILED where none came."""
        signed = url.partition("#")[0]
        signature = _validator(token).compute_signature(signed, fields)
        if copies == 1:
            return [await self._attempts(signed, fields, signature)]
        return list(await asyncio.gather(*(self._attempts(signed, fields, signature) for _ in range(copies))))

    async def _attempts(self, url: str, fields: Mapping[str, str], signature: str) -> int:
        headers = {
            "X-Twilio-Signature": signature,
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
            "I-Twilio-Idempotency-Token": signature[:20],
        }
        body, status = urlencode(fields).encode(), FAILED
        for _ in range(self._retry.count + 1):
            status, connected = await self.carry(url, body, headers)
            again = (self._retry.on_connect and not connected) or (self._retry.on_5xx and status >= 500)
            if not again:
                break
        return status
