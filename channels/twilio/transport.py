"""Talking to Twilio's REST API through its SDK, on our own HTTP client (channels.md §3, "SDK pitfalls").

The SDK's own async client ignores its time-out, retries creates on request and logs addresses; ours has a total time-out
per call, never retries, logs nothing, and keeps its connections. Every call ends in an answer, NotSent or OutcomeUnknown.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import aiohttp
from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]  # the SDK ships no types
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]  # the SDK ships no types
from twilio.http.response import Response  # type: ignore[import-untyped]  # the SDK ships no types
from twilio.rest import Client  # type: ignore[import-untyped]  # the SDK ships no types

from channels import media
from channels.errors import CannotExpress, MediaRefused, NotSent, OutcomeUnknown
from channels.twilio import missed
from channels.twilio.events import MAX_MEDIA
from channels.twilio.outbound import CREATE, sender_of
from channels.twilio.tables import ERRORS, STATUS
from hub.model.message import (
    Account,
    DeliveryStatus,
    ListedEvent,
    MediaRef,
    OutboundMessage,
    ProviderRequest,
    ProviderResponse,
    RawRequest,
    SendCode,
    SendResult,
    Transport,
)
from hub.model.sealed import Sealed

log = logging.getLogger("twilio")

TIMEOUT_S: Final = 15.0
CONNECT_TIMEOUT_S: Final = 5.0
CONNECTIONS: Final = 128
# Shorter than the idle time of load balancers: a create on a connection just closed would have an unknown outcome.
KEEPALIVE_S: Final = 10.0
LOOK_BACK: Final = timedelta(minutes=2)
_MEDIA_PATH: Final = re.compile(r"/2010-04-01/Accounts/(AC\w+)/Messages/((?:SM|MM)\w+)/Media/(ME\w+)")
LOOK_UP_LIMIT: Final = 200
PAGE: Final = 1000

# The last answer of the running task: the SDK's exceptions keep neither headers nor body.
_answer: ContextVar[Response | None] = ContextVar("twilio_answer", default=None)


class HttpClient(AsyncHttpClient):  # type: ignore[misc]  # an untyped base
    """The SDK's HTTP client as we need it, on a session opened in the running loop."""

    def __init__(self, session: aiohttp.ClientSession, account_id: str) -> None:
        super().__init__(log, True)
        self._session, self._account_id = session, account_id

    async def request(
        self,
        method: str,
        uri: str,
        params: dict[str, object] | None = None,
        data: dict[str, object] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  the SDK's signature
        allow_redirects: bool = False,  # never: a redirected create would be a second one
    ) -> Response:
        """One request, once. Raises NotSent or OutcomeUnknown; the session holds the credentials and the time-out."""
        body = urlencode(data, doseq=True).encode() if data else None
        url = f"{uri}?{urlencode(params, doseq=True)}" if params else uri
        try:
            async with self._session.request(method, url, data=body, headers=headers, allow_redirects=False) as answer:
                response = Response(answer.status, await answer.text("utf-8", "replace"), answer.headers)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL):
            raise NotSent(self._account_id, "not_connected") from None
        except TimeoutError:
            raise OutcomeUnknown(self._account_id, "timeout") from None
        except (aiohttp.ClientError, OSError):
            raise OutcomeUnknown(self._account_id, "dropped") from None
        _answer.set(response)
        return response


class TwilioTransport:
    """One account's calls to Twilio."""

    def __init__(
        self,
        account: Account,
        session: aiohttp.ClientSession,
        render: Callable[[OutboundMessage, Account], ProviderRequest],
        rules: media.MediaRules,
    ) -> None:
        self._account, self._render, self._rules = account, render, rules
        self._sender = sender_of(account)
        user, password = credentials(account)
        self._client = Client(
            user,
            password,
            str(account.options.get("account_sid", "")),
            http_client=HttpClient(session, account.id),
            environment={"TWILIO_REGION": ""},  # not the process's own: a variable there would move us to other hosts
        )
        # The session carries the credentials already; without these the SDK does not encode them anew for every call.
        self._client.username = self._client.password = None
        if base := account.options.get("api_base_url"):
            self._client.api.base_url = str(base)
        self._messages = self._client.messages

    async def send(self, request: ProviderRequest) -> ProviderResponse:
        """Create one message. Raises NotSent when nothing left, OutcomeUnknown when bytes may have."""
        if request.operation != CREATE:
            raise NotSent(self._account.id, "operation")
        _answer.set(None)
        fields: dict[str, Any] = dict(request.fields.reveal())
        try:
            await self._messages.create_async(**fields)
        except (NotSent, OutcomeUnknown):
            raise
        except (TwilioException, ValueError, TypeError, AttributeError, KeyError):
            # A refusal, or an answer the SDK could not read: either way what came back is judged by `interpret`.
            if _answer.get() is None:
                raise OutcomeUnknown(self._account.id, "sdk") from None
        answer = _answer.get()
        if answer is None:
            raise OutcomeUnknown(self._account.id, "sdk")
        return ProviderResponse(status=answer.status_code, body=Sealed(_json(answer.text)), retry_after_s=_retry_after(answer.headers))

    async def fetch_media(self, media_ref: MediaRef, max_bytes: int) -> bytes:
        """Fetch one file under the account's rules. Raises MediaRefused."""
        if media_ref.url is None:
            raise MediaRefused(self._account.id, "no_address")
        return await media.fetch(media_ref.url.reveal(), self._rules, max_bytes)

    async def delete_media(self, media_ref: MediaRef) -> None:
        """Have Twilio delete a file that lies with us now; nothing happens where the account says `delete_media = false`.

        Only a file of this account is deleted. Raises NotSent or OutcomeUnknown.
        """
        path = urlsplit(media_ref.url.reveal()).path if media_ref.url else ""
        named = _MEDIA_PATH.fullmatch(path)
        if named is None or named[1] != self._account.options.get("account_sid") or self._account.options.get("delete_media") is False:
            return
        try:
            await self._client.messages(named[2]).media(named[3]).delete_async()
        except TwilioException as refusal:
            if getattr(refusal, "status", None) != 404:  # gone already
                raise OutcomeUnknown(self._account.id, "delete_media") from None

    async def list_messages(self, since: datetime, until: datetime) -> Sequence[ListedEvent]:
        """Everything to and from our sender in that time, oldest first. Raises NotSent or OutcomeUnknown."""
        span = {"date_sent_after": since, "page_size": PAGE}  # Twilio may round it to the day, so both ends are looked at again below
        try:
            found = await self._messages.list_async(to=self._sender, **span) + await self._messages.list_async(from_=self._sender, **span)
        except (TwilioException, ValueError, TypeError, AttributeError, KeyError):
            raise OutcomeUnknown(self._account.id, "list") from None
        events = filter(None, map(missed.listed, found))
        return sorted((e for e in events if since <= e.at <= until), key=lambda e: e.at)

    async def as_delivered(self, event: ListedEvent, *, received_at: datetime) -> RawRequest:
        """The webhook a listed message would have come by; its files are asked for where it has any. Raises as `list_messages`."""
        found = event.entry.reveal()
        try:
            files = await found.media.list_async(limit=MAX_MEDIA) if event.inbound and str(found.num_media or "0") != "0" else []
            addresses = [(self._client.api.base_url + str(f.uri).removesuffix(".json"), str(f.content_type)) for f in files]
        except (TwilioException, ValueError, TypeError, AttributeError, KeyError):
            raise OutcomeUnknown(self._account.id, "list_media") from None
        return missed.as_webhook(event, self._account, addresses, received_at=received_at)

    async def look_up(self, message: OutboundMessage, since: datetime) -> SendResult | None:
        """Ask Twilio's list for a create whose outcome is unknown: same recipient, same text, made since then.

        None when it cannot say: nothing found (lists lag), several alike, or no answer.
        """
        try:
            wanted = self._render(message, self._account).fields.reveal()
            listed = await self._messages.list_async(to=wanted["to"], date_sent_after=since - LOOK_BACK, limit=LOOK_UP_LIMIT)
        except (CannotExpress, NotSent, OutcomeUnknown, TwilioException, ValueError, TypeError, AttributeError, KeyError):
            return None
        found = [one for one in listed if one.sid and one.body == wanted.get("body", "") and _made_since(one.date_created, since)]
        return _fate(found[0]) if len(found) == 1 else None


def _made_since(created: datetime | None, since: datetime) -> bool:
    return created is not None and created.replace(tzinfo=created.tzinfo or UTC) >= since - LOOK_BACK


def _fate(found: Any) -> SendResult:
    if STATUS.get(str(found.status)) is not DeliveryStatus.FAILED:
        return SendResult(code=SendCode.ACCEPTED, provider_message_id=found.sid)
    code = str(found.error_code or "")
    return SendResult(code=ERRORS.get(code, SendCode.REJECTED), provider_message_id=found.sid, error_code=code or "failed")


def _json(text: str) -> Mapping[str, object]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _retry_after(headers: Mapping[str, str] | None) -> float | None:
    try:
        seconds = float((headers or {}).get("Retry-After", ""))
    except ValueError:
        return None
    return min(seconds, 3600.0) if seconds >= 0 else None


def credentials(account: Account) -> tuple[str, str]:
    """User and password for the REST API: an API key where one is configured, else the account and its token."""
    if (key := account.options.get("api_key_sid")) and (secret := account.secrets.get("api_key_secret")):
        return str(key), secret.reveal()
    return str(account.options.get("account_sid", "")), account.secrets["auth_token"].reveal()


@asynccontextmanager
async def open_transport(
    account: Account, render: Callable[[OutboundMessage, Account], ProviderRequest], hosts: tuple[str, ...]
) -> AsyncIterator[Transport]:
    """Open an account's transport in the running loop; its connections are closed with it."""
    log.setLevel(logging.WARNING)  # at INFO the SDK logs addresses and headers
    basic = "Basic " + base64.b64encode(":".join(credentials(account)).encode()).decode()
    sandbox = account.options.get("sandbox") is True and account.options.get("media_host")
    rules = media.MediaRules(
        account_id=account.id,
        hosts=hosts,
        credential_host="api.twilio.com",
        credential=basic,
        loopback=str(sandbox) if sandbox else None,
    )
    timeout = aiohttp.ClientTimeout(
        total=float(account.options.get("timeout_s", TIMEOUT_S)), connect=CONNECT_TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S
    )
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=KEEPALIVE_S)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, headers={"Authorization": basic}, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
    ) as session:
        yield TwilioTransport(account, session, render, rules)
