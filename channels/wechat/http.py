"""One call to WeChat's API: a JSON body or a file out, a JSON object or bytes back. Nothing retried, nothing logged.

Every call has a total time-out and ends in an answer, NotSent or OutcomeUnknown. What the HTTP client raises is never passed on:
it names the address, and the address holds the token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from channels.errors import MediaRefused, NotSent, OutcomeUnknown
from channels.wechat.outbound import encode

BASE_URL: Final = "https://api.weixin.qq.com"
TIMEOUT_S: Final = 10.0
CONNECT_TIMEOUT_S: Final = 5.0
MAX_ANSWER: Final = 262_144
_JSON: Final = {"Content-Type": "application/json; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the object, or nothing where it was none; and the bytes of a file."""

    status: int
    body: Mapping[str, object] = field(repr=False)
    content: bytes = field(default=b"", repr=False)


class Calls:
    """One account's calls, over one pool of connections."""

    def __init__(self, account_id: str, session: aiohttp.ClientSession, root: str) -> None:
        self._account_id, self._session, self._root = account_id, session, root

    async def post(self, path: str, query: Mapping[str, str], fields: Mapping[str, object]) -> Answer:
        """Post an object. Raises NotSent when nothing left, OutcomeUnknown when bytes may have."""
        return await self._post(path, query, encode(fields), _JSON)

    async def upload(self, path: str, query: Mapping[str, str], content: bytes, mime: str) -> Answer:
        """Post one file, as a form names it. Raises as `post`."""
        form = aiohttp.FormData()
        form.add_field("media", content, filename="picture." + mime.rpartition("/")[2], content_type=mime)
        return await self._post(path, query, form, {})

    async def _post(self, path: str, query: Mapping[str, str], data: bytes | aiohttp.FormData, headers: Mapping[str, str]) -> Answer:
        try:
            async with self._session.post(
                f"{self._root}/{path}", params=query, data=data, headers=headers, allow_redirects=False
            ) as answer:
                return Answer(answer.status, decode(await _capped(answer, MAX_ANSWER)))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL):
            raise NotSent(self._account_id, "not_connected") from None
        except TimeoutError:
            raise OutcomeUnknown(self._account_id, "timeout") from None
        except (aiohttp.ClientError, OSError):
            raise OutcomeUnknown(self._account_id, "dropped") from None

    async def get(self, path: str, query: Mapping[str, str], max_bytes: int) -> Answer:
        """Fetch a file, or the object that came in its place. Raises MediaRefused."""
        try:
            async with self._session.get(f"{self._root}/{path}", params=query, allow_redirects=False) as answer:
                if answer.status != 200:
                    raise MediaRefused(self._account_id, f"http_{answer.status}")
                content = await _capped(answer, max_bytes)
                if len(content) > max_bytes:
                    raise MediaRefused(self._account_id, "too_big")
                told = answer.content_type in ("application/json", "text/plain", "text/json")
                return Answer(200, decode(content) if told else {}, content)
        except TimeoutError:
            raise MediaRefused(self._account_id, "timeout") from None
        except (aiohttp.ClientError, OSError):
            raise MediaRefused(self._account_id, "unreachable") from None


async def _capped(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """The bytes of an answer; one more than `most` where it is longer."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > most:
            break
    return b"".join(chunks)


def decode(content: bytes) -> Mapping[str, object]:
    """The object; empty where it is none. WeChat names it text/plain, so the type of an answer says nothing."""
    if len(content) > MAX_ANSWER:
        return {}
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
