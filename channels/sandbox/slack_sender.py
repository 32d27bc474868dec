"""How the Slack double reaches the hub: signed posts to its addresses, or envelopes over an open socket."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlencode

import aiohttp

from channels.slack.signature import signature

if TYPE_CHECKING:
    from channels.sandbox.slack import SlackDouble

WAIT_S: Final = 3.0  # Slack's patience


class SlackSender:
    """Delivers for one double. last_answer: what the hub answered last with a body."""

    def __init__(self, double: SlackDouble) -> None:
        self._double = double
        self._session: aiohttp.ClientSession | None = None
        self.last_answer: dict[str, Any] | None = None
        self.acks: dict[str, asyncio.Future[dict[str, Any]]] = {}

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(trust_env=False, timeout=aiohttp.ClientTimeout(total=WAIT_S))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def event(self, envelope: Mapping[str, Any], *, copies: int = 1) -> list[int]:
        """An event; the status of each copy, 0 where no answer came."""
        if self._double.sockets:
            return await self._over_socket("events_api", envelope, copies)
        return await self._post("events", json.dumps(envelope).encode(), "application/json", copies)

    async def interact(self, payload: Mapping[str, Any], *, copies: int = 1) -> list[int]:
        """A press or a modal."""
        self.last_answer = None
        if self._double.sockets:
            return await self._over_socket("interactive", payload, copies)
        body = urlencode({"payload": json.dumps(payload)}).encode()
        return await self._post("actions", body, "application/x-www-form-urlencoded", copies)

    async def _post(self, where: str, body: bytes, kind: str, copies: int) -> list[int]:
        return list(await asyncio.gather(*(self._one(where, body, kind) for _ in range(copies))))

    async def _one(self, where: str, body: bytes, kind: str) -> int:
        if self._session is None:
            raise RuntimeError("the double is not open")
        at = str(int(self._double.clock().timestamp()))
        signed = signature(at, body, self._double.signing_secret).decode()
        headers = {"Content-Type": kind, "X-Slack-Request-Timestamp": at, "X-Slack-Signature": signed}
        try:
            async with self._session.post(f"{self._double.hub_url}/webhooks/slack/{where}", data=body, headers=headers) as answer:
                text = await answer.text()
                if answer.content_type == "application/json" and text:
                    self.last_answer = json.loads(text)
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0

    async def _over_socket(self, kind: str, payload: Mapping[str, Any], copies: int) -> list[int]:
        answers = []
        for _ in range(copies):
            id = secrets.token_hex(8)
            done: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
            self.acks[id] = done
            await self._double.sockets[-1].send_json(
                {"envelope_id": id, "type": kind, "payload": payload, "accepts_response_payload": True}
            )
            try:
                answered = await asyncio.wait_for(done, WAIT_S)
            except TimeoutError:
                answers.append(0)
            else:
                self.last_answer = answered.get("payload") or self.last_answer
                answers.append(200)
            finally:
                self.acks.pop(id, None)
        return answers

    def acknowledged(self, message: Mapping[str, Any]) -> None:
        """The hub has taken an envelope."""
        waiting = self.acks.get(str(message.get("envelope_id")))
        if waiting is not None and not waiting.done():
            waiting.set_result(dict(message))
