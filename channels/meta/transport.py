"""Talking to the Graph API: one POST per send, files by id or address, nothing retried, nothing logged (channels.md §6.2, §7).

The base address and the version come from the account: each version lives about two years. Every call has a total
time-out and ends in an answer, NotSent or OutcomeUnknown.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

import aiohttp

from channels import media
from channels.errors import MediaRefused, NotSent, OutcomeUnknown
from channels.meta.signature import appsecret_proof
from hub.model.message import Account, MediaRef, OutboundMessage, ProviderRequest, ProviderResponse, SendResult, Transport
from hub.model.sealed import Sealed

SEND: Final = "messages.create"
BASE_URL: Final = "https://graph.facebook.com"
VERSION: Final = "v24.0"
TIMEOUT_S: Final = 15.0
CONNECT_TIMEOUT_S: Final = 5.0
CONNECTIONS: Final = 128
# Shorter than the idle time of load balancers: a send on a connection just closed would have an unknown outcome.
KEEPALIVE_S: Final = 10.0
MAX_ANSWER: Final = 262_144
_MEDIA_ID: Final = re.compile(r"[A-Za-z0-9]{1,200}")


class MetaTransport:
    """One account's calls to Meta.

    root: address and version of the API. node: what sends, the number's or page's id, or "me". rules: where files may be
    fetched from.
    """

    def __init__(self, account: Account, session: aiohttp.ClientSession, root: str, node: str, rules: media.MediaRules) -> None:
        self._account, self._session, self._rules = account, session, rules
        self._root, self._node = root, node
        self._proof = _proof(account)

    async def send(self, request: ProviderRequest) -> ProviderResponse:
        """Send one message. Raises NotSent when nothing left, OutcomeUnknown when bytes may have."""
        if request.operation != SEND:
            raise NotSent(self._account.id, "operation")
        content = json.dumps({**request.fields.reveal(), **self._proof}).encode()
        try:
            async with self._session.post(
                f"{self._root}/{self._node}/messages", data=content, headers={"Content-Type": "application/json"}, allow_redirects=False
            ) as answer:
                body = await _object(answer)
                return ProviderResponse(status=answer.status, body=Sealed(body), retry_after_s=_retry_after(answer.headers))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL):
            raise NotSent(self._account.id, "not_connected") from None
        except TimeoutError:
            raise OutcomeUnknown(self._account.id, "timeout") from None
        except (aiohttp.ClientError, OSError):
            raise OutcomeUnknown(self._account.id, "dropped") from None

    async def fetch_media(self, media_ref: MediaRef, max_bytes: int) -> bytes:
        """Fetch one file, by its id (WhatsApp) or its address (Messenger, Instagram). Raises MediaRefused.

        The address behind an id lives for minutes, so one that is gone is asked for afresh, once; the digest is checked.
        """
        if media_ref.url is not None:
            return await self._fetch(media_ref.url.reveal(), max_bytes)
        try:
            return await self._by_id(media_ref, max_bytes)
        except MediaRefused as refusal:
            if refusal.constant not in ("http_404", "http_410"):
                raise
        return await self._by_id(media_ref, max_bytes)

    async def _by_id(self, media_ref: MediaRef, max_bytes: int) -> bytes:
        found = await self._describe(media_ref.provider_media_id or "")
        size, url, digest = found.get("file_size"), found.get("url"), found.get("sha256")
        if type(size) is int and size > max_bytes:
            raise MediaRefused(self._account.id, "too_big")
        if not isinstance(url, str):
            raise MediaRefused(self._account.id, "no_address")
        content = await self._fetch(url, max_bytes)
        if isinstance(digest, str) and digest and hashlib.sha256(content).hexdigest() != digest.lower():
            raise MediaRefused(self._account.id, "digest")
        return content

    async def _describe(self, media_id: str) -> Mapping[str, object]:
        """Where a file lies just now."""
        if not _MEDIA_ID.fullmatch(media_id):
            raise MediaRefused(self._account.id, "no_address")
        try:
            async with self._session.get(f"{self._root}/{media_id}", params=self._proof, allow_redirects=False) as answer:
                body = await _object(answer)
                if answer.status != 200:
                    # Gone for good, unlike the address it once had: not asked again.
                    raise MediaRefused(self._account.id, f"lookup_{answer.status}")
                return body
        except TimeoutError:
            raise MediaRefused(self._account.id, "timeout") from None
        except (aiohttp.ClientError, OSError):
            raise MediaRefused(self._account.id, "unreachable") from None

    async def _fetch(self, url: str, max_bytes: int) -> bytes:
        return await media.fetch(url, self._rules, max_bytes)

    async def look_up(self, message: OutboundMessage, since: datetime) -> SendResult | None:
        """Never an answer: Meta cannot be asked. A status (WhatsApp) or an echo (Messenger) brings our id back by itself."""
        return None


def _proof(account: Account) -> dict[str, str]:
    """The proof that a call comes from the app itself, where the account asks for it (`prove_calls = true`)."""
    if account.options.get("prove_calls") is not True:
        return {}
    return {"appsecret_proof": appsecret_proof(account.secrets["access_token"].reveal(), account.secrets["app_secret"].reveal())}


async def _object(answer: aiohttp.ClientResponse) -> Mapping[str, object]:
    """The answer as an object; empty where it is none, or longer than any answer of Meta's."""
    content = b""
    async for chunk in answer.content.iter_any():
        content += chunk
        if len(content) > MAX_ANSWER:
            return {}
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return None
    return min(seconds, 3600.0) if seconds >= 0 else None


@asynccontextmanager
async def open_transport(
    account: Account, *, node: str, media_hosts: tuple[str, ...], credential_host: str, base_url: str = BASE_URL
) -> AsyncIterator[Transport]:
    """Open an account's transport in the running loop; its connections are closed with it.

    credential_host: the only host besides the API that sees the token; "" for none. The account's `api_base_url` and
    `api_version` win over `base_url` and VERSION.
    """
    root = f"{str(account.options.get('api_base_url', base_url)).rstrip('/')}/{account.options.get('api_version', VERSION)}"
    bearer = "Bearer " + account.secrets["access_token"].reveal()
    sandbox = account.options.get("sandbox") is True and account.options.get("media_host")
    rules = media.MediaRules(
        account_id=account.id,
        hosts=media_hosts,
        credential_host=credential_host,
        credential=bearer,
        loopback=str(sandbox) if sandbox else None,
    )
    timeout = aiohttp.ClientTimeout(
        total=float(account.options.get("timeout_s", TIMEOUT_S)), connect=CONNECT_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S
    )
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEPALIVE_S)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, headers={"Authorization": bearer}, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield MetaTransport(account, session, root, node, rules)
