"""Words and codes of a provider that no table explains are stored like any, and counted where somebody looks (style: An adapter)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import REGISTRY
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # the SDK ships no types

from hub.app import make_app
from hub.settings import Settings
from tests.world import SMS, StandingClock

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def client(settings: Settings, database_url: str, clock: StandingClock) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    async with TestClient(TestServer(make_app(replace(settings, database_url=database_url), clock=clock))) as client:
        yield client


async def told(client: TestClient[web.Request, web.Application], settings: Settings, **fields: str) -> int:
    """Twilio reports on a message; the status of our answer."""
    account = settings.accounts[SMS]
    path = f"/webhooks/{SMS}"
    form = {"MessageSid": "SM1", **fields}
    signature = RequestValidator(account.secrets["auth_token"].reveal()).compute_signature(account.public_url + path, form)
    response = await client.post(path, data=urlencode(form), headers={**FORM, "X-Twilio-Signature": signature})
    return response.status


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"{name}_total", {"account": SMS, **labels}) or 0.0


async def test_what_nobody_knows_is_taken_and_counted_once(client: TestClient[web.Request, web.Application], settings: Settings) -> None:
    before = [counted("hub_provider_unknown", what="status"), counted("hub_provider_unknown", what="event")]
    failures = counted("hub_provider_failures", code="39999")
    for _ in range(2):
        assert await told(client, settings, MessageStatus="teleported") == 200
        assert await told(client, settings, MessageStatus="failed", ErrorCode="39999") == 200
        assert await told(client, settings, MessageSid="", EventType="NEW_THING") == 200
    assert counted("hub_provider_unknown", what="status") == before[0] + 1
    assert counted("hub_provider_unknown", what="event") == before[1] + 1
    assert counted("hub_provider_failures", code="39999") == failures + 1
