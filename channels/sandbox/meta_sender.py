"""Posts the Meta double's webhooks to the hub: escaped and signed as Meta does, several times at once when asked."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Mapping
from typing import Any

from channels.sandbox.poster import Poster


def encode(payload: Mapping[str, Any]) -> bytes:
    """The bytes Meta would send: compact, and every character beyond ASCII as \\uXXXX."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=True).encode()


def sign(body: bytes, secret: str) -> str:
    """The header value that belongs to these bytes."""
    return "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()


class MetaSender(Poster):
    """Open inside a running loop; at most `in_flight` posts at once. reach: (public URL, where the hub really is)."""

    async def post(self, url: str, payload: Mapping[str, Any], secret: str, *, copies: int = 1) -> list[int]:
        """Post to a webhook, signed with an app secret; the HTTP status of each copy, FAILED where none came."""
        body = encode(payload)
        headers = {
            "X-Hub-Signature-256": sign(body, secret),
            "X-Hub-Signature": "sha1=" + hmac.new(secret.encode(), body, "sha1").hexdigest(),
            "Content-Type": "application/json",
            "User-Agent": "facebookexternalua",
        }
        return [status for status, _ in await asyncio.gather(*(self.carry(url, body, headers) for _ in range(copies)))]

    async def handshake(self, url: str, verify_token: str, challenge: str) -> tuple[int, str]:
        """Ask a webhook to prove that it is expected; its status and answer."""
        query = {"hub.mode": "subscribe", "hub.verify_token": verify_token, "hub.challenge": challenge}
        async with self.session.get(self.target(url), params=query, allow_redirects=False) as answer:
            return answer.status, await answer.text()
