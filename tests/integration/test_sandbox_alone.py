"""The double as a process of its own, with its control door: what benches and process tests stand on."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.integration.test_sandbox_twilio import SID, TOKEN, Hub, hub

__all__ = ["hub"]  # a fixture


@pytest.fixture
async def alone() -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the process, which serves on a free port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "channels.sandbox.twilio", "--port", "0", "--pace", "0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    address = json.loads(await asyncio.wait_for(process.stdout.readline(), 20))["base_url"]
    async with aiohttp.ClientSession(address) as http:
        yield http
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 10) == 0


async def create(http: aiohttp.ClientSession, message_id: str) -> int:
    form = {"To": "+447700900123", "From": "+447700900456", "Body": "Hello", "StatusCallback": f"http://127.0.0.1:9/x/status/{message_id}"}
    headers = {"Authorization": aiohttp.encode_basic_auth(SID, TOKEN)}
    async with http.post(f"/2010-04-01/Accounts/{SID}/Messages.json", data=form, headers=headers) as answer:
        return answer.status


async def test_creates_are_counted_by_message_and_trouble_is_taken_over_the_door(alone: aiohttp.ClientSession) -> None:
    first, second = "0198c2f0-0000-7000-8000-000000000001", "0198c2f0-0000-7000-8000-000000000002"
    assert [await create(alone, first), await create(alone, second), await create(alone, second)] == [201, 201, 201]
    async with alone.post("/_sandbox/trouble", json={"kind": "throttled", "to": "+447700900123", "times": 1}) as answer:
        assert answer.status == 200
    assert await create(alone, first) == 429
    async with alone.get("/_sandbox/counts") as answer:
        assert await answer.json() == {"creates": 3, "messages": 2, "doubled": [second]}


async def test_a_patient_writes_over_the_door(alone: aiohttp.ClientSession, hub: Hub) -> None:
    hub.account("sms_twilio")
    order = {"account": "sms", "sender": "+447700900456", "channel": "sms", "public_url": hub.url, "from": "+447700900123", "text": "Hello"}
    async with alone.post("/_sandbox/write", json=order) as answer:
        assert (await answer.json())["answers"] == [200]
    assert hub.messages()[0].text.reveal() == "Hello"


async def test_a_form_of_a_foreign_page_cannot_open_the_door(alone: aiohttp.ClientSession) -> None:
    async with alone.post("/_sandbox/trouble", data='{"kind": "throttled"}', headers={"Content-Type": "text/plain"}) as answer:
        assert answer.status == 415
    async with alone.get("/_sandbox/anything") as answer:
        assert answer.status == 404
