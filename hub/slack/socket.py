"""Socket Mode: Slack's events over a connection the hub opens, where no address of ours can be reached from outside.

Each envelope is acknowledged after what it carries is stored; one that could not be stored is not, so Slack sends it again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import structlog

from channels.errors import BadPayload
from channels.slack.payload import event_of, interaction_of
from hub.settings import SlackSettings
from hub.slack.receiving import Receiving

if TYPE_CHECKING:
    from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest

log = structlog.get_logger("slack")

# The SDK logs whole messages at DEBUG and addresses with their secrets at INFO.
_SILENT: Final = logging.getLogger("slack-socket-silenced")
_SILENT.setLevel(logging.CRITICAL + 1)
_SILENT.propagate = False


@asynccontextmanager
async def listening(settings: SlackSettings, receiving: Receiving) -> AsyncIterator[None]:
    """Listen until left; the SDK reconnects by itself. Raises what the first connection raises."""
    from slack_sdk.socket_mode.aiohttp import SocketModeClient
    from slack_sdk.web.async_client import AsyncWebClient

    if settings.app_token is None:
        raise ValueError("Socket Mode is switched off")
    web_client = AsyncWebClient(token="", base_url=settings.base_url, retry_handlers=[], logger=_SILENT)
    client = SocketModeClient(app_token=settings.app_token.reveal(), web_client=web_client, logger=_SILENT)
    client.proxy = None

    async def heard(_client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        await _heard(client, request, receiving)

    client.socket_mode_request_listeners.append(heard)
    try:
        await client.connect()  # type: ignore[no-untyped-call]  # the SDK leaves these without types
        yield
    finally:
        await client.disconnect()  # type: ignore[no-untyped-call]
        await client.close()  # type: ignore[no-untyped-call]


async def _heard(client: Any, request: SocketModeRequest, receiving: Receiving) -> None:
    from slack_sdk.socket_mode.response import SocketModeResponse

    try:
        answer = await _take(request.type, request.payload, receiving)
    except BadPayload as fault:
        log.warning("slack.malformed", at=fault.constant)
        answer = None
    except Exception as fault:
        log.error("slack.not_stored", fault=type(fault).__name__)
        return
    await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id, payload=answer or None))


async def _take(kind: str, payload: Any, receiving: Receiving) -> Any:
    """The same two roads as over HTTP, from what the envelope holds."""
    if not isinstance(payload, dict):
        raise BadPayload("slack", "payload")
    body = json.dumps(payload).encode()
    if kind == "events_api":
        await receiving.event(event_of(payload), body)
        return None
    if kind == "interactive":
        return await receiving.interaction(interaction_of(payload), urlencode({"payload": body.decode()}).encode())
    return None
