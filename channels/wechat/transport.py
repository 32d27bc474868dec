"""Talking to WeChat: one call per send, a second one only after a token was refused; files by media id (channels.md §8).

A refused token means that nothing was processed, so the same call may be made once more with a new one: once, never again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from channels import media
from channels.errors import MediaRefused, NotSent, OutcomeUnknown
from channels.wechat.http import BASE_URL, CONNECT_TIMEOUT_S, TIMEOUT_S, Answer, Calls
from channels.wechat.outbound import SEND, TEMPLATE
from channels.wechat.tables import DAY_USED_UP, TOKEN_REFUSED
from channels.wechat.token import TokenRefused, Tokens
from hub.model.message import (
    Account,
    MediaRef,
    OutboundMessage,
    ProviderRequest,
    ProviderResponse,
    SendResult,
    SharedTokens,
    Transport,
)
from hub.model.sealed import Sealed

CONNECTIONS: Final = 64
# Shorter than the idle time of load balancers: a send on a connection just closed would have an unknown outcome.
KEEPALIVE_S: Final = 10.0
MAX_PICTURE: Final = 10_485_760
PICTURES: Final = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"GIF87a", "image/gif"), (b"GIF89a", "image/gif"))
CHINA: Final = timezone(timedelta(hours=8))
GONE: Final = frozenset({40007, 41006})  # the media id is wrong, or its three days are over

Call = Callable[[Mapping[str, str]], Awaitable[Answer]]


class WeChatTransport:
    """One account's calls to WeChat. pictures, films: the rules for our own pictures on their way out, and for theirs."""

    def __init__(self, account: Account, calls: Calls, tokens: Tokens, pictures: media.MediaRules, films: media.MediaRules) -> None:
        self._account, self._calls, self._tokens = account, calls, tokens
        self._pictures, self._films = pictures, films

    async def send(self, request: ProviderRequest) -> ProviderResponse:
        """Send one message. Raises NotSent when nothing left, OutcomeUnknown when bytes may have."""
        if request.operation not in (SEND, TEMPLATE):
            raise NotSent(self._account.id, "operation")
        try:
            fields = await self._with_picture(request.fields.reveal())
            if "errcode" in fields:  # WeChat would not take the picture
                return _response(Answer(200, fields))
            return _response(await self._called(lambda query: self._calls.post(f"cgi-bin/{request.operation}", query, fields)))
        except TokenRefused as refusal:
            return _response(Answer(200, {"errcode": refusal.errcode}))

    async def _called(self, call: Call) -> Answer:
        """A call with the present token; with a new one, once, where WeChat refuses that."""
        token = await self._tokens.current()
        answer = await call({"access_token": token.reveal()})
        if answer.body.get("errcode") in TOKEN_REFUSED:
            token = await self._tokens.current(refused=token)
            answer = await call({"access_token": token.reveal()})
        return answer

    async def _with_picture(self, fields: Mapping[str, object]) -> Mapping[str, object]:
        """The fields, a picture's address replaced by the id it is given; WeChat's refusal in their place where it refuses."""
        image = fields.get("image")
        if not isinstance(image, dict) or "url" not in image:
            return fields
        try:
            content = await media.fetch(str(image["url"]), self._pictures, MAX_PICTURE)
        except MediaRefused:
            raise NotSent(self._account.id, "picture") from None
        mime = next((found for first, found in PICTURES if content.startswith(first)), None)
        if mime is None:
            return {"errcode": 40005}  # what WeChat says to such a file
        try:
            query = {"type": "image"}
            answer = await self._called(lambda token: self._calls.upload("cgi-bin/media/upload", query | dict(token), content, mime))
        except OutcomeUnknown:
            raise NotSent(self._account.id, "picture") from None  # nobody was sent anything yet
        media_id = answer.body.get("media_id")
        if not isinstance(media_id, str):
            if type(answer.body.get("errcode")) is int:
                return {"errcode": answer.body["errcode"]}
            raise NotSent(self._account.id, "picture")
        return {**fields, "image": {"media_id": media_id}}

    async def fetch_media(self, media_ref: MediaRef, max_bytes: int) -> bytes:
        """Fetch one file by its id, as long as WeChat keeps it: three days. Raises MediaRefused.

        An error comes as an object in place of the file, and so does the address of a film.
        """
        media_id = media_ref.provider_media_id or ""
        if not media_id:
            raise MediaRefused(self._account.id, "no_address")
        try:
            answer = await self._called(lambda query: self._calls.get("cgi-bin/media/get", {**query, "media_id": media_id}, max_bytes))
        except (TokenRefused, NotSent):
            raise MediaRefused(self._account.id, "token") from None
        code, film = answer.body.get("errcode"), answer.body.get("video_url") or answer.body.get("down_url")
        if type(code) is int and code != 0:
            raise MediaRefused(self._account.id, "gone" if code in GONE else f"code_{code}"[:40])
        if isinstance(film, str):
            return await self._film(film, max_bytes)
        if not answer.content or answer.body:
            raise MediaRefused(self._account.id, "no_file")
        return answer.content

    async def _film(self, url: str, max_bytes: int) -> bytes:
        """Films are pointed at, by plain http at times; they are fetched by https, from the listed hosts, or not at all."""
        if self._films.loopback is None and url.startswith("http://"):
            url = "https://" + url.removeprefix("http://")
        host = urlsplit(url).hostname or ""
        below = any(listed.startswith(".") and host.endswith(listed) for listed in self._films.hosts)
        return await media.fetch(url, replace(self._films, hosts=(*self._films.hosts, host)) if below else self._films, max_bytes)

    async def look_up(self, message: OutboundMessage, since: datetime) -> SendResult | None:
        """Never an answer: WeChat cannot be asked what became of a send."""
        return None


def _response(answer: Answer) -> ProviderResponse:
    wait = _until_midnight(datetime.now(UTC)) if answer.body.get("errcode") == DAY_USED_UP else None
    return ProviderResponse(status=answer.status, body=Sealed(answer.body), retry_after_s=wait)


def _until_midnight(now: datetime) -> float:
    """Seconds until the day's numbers begin anew, at midnight in China."""
    there = now.astimezone(CHINA)
    return (there.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - there).total_seconds()


@asynccontextmanager
async def open_transport(account: Account, media_hosts: tuple[str, ...], shared: SharedTokens | None) -> AsyncIterator[Transport]:
    """Open an account's transport in the running loop; its connections are closed with it.

    shared: who keeps the token; None keeps it here. The account's `api_base_url` wins over BASE_URL.
    """
    root = str(account.options.get("api_base_url", BASE_URL)).rstrip("/")
    sandbox = account.options.get("sandbox") is True and account.options.get("media_host")
    loopback = str(sandbox) if sandbox else None
    films = media.MediaRules(account_id=account.id, hosts=media_hosts, credential_host="", credential="", loopback=loopback)
    own = urlsplit(account.public_url)
    pictures = replace(films, hosts=(own.hostname or "",), loopback=own.netloc if sandbox and own.scheme == "http" else loopback)
    timeout = aiohttp.ClientTimeout(
        total=float(account.options.get("timeout_s", TIMEOUT_S)), connect=CONNECT_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S
    )
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEPALIVE_S)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()) as session:
        calls = Calls(account.id, session, root)
        yield WeChatTransport(account, calls, Tokens(account, calls, shared), pictures, films)
