"""Fetching files from a server that means no good (channels.md §0, "Media fetch")."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from channels.errors import MediaRefused
from channels.media import MediaRules, fetch

LIMIT = 100_000


class Server:
    """Redirects, endless bodies and silence, and the headers it was asked with."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.host = ""
        self.ended = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.headers.get("Authorization"))
        if request.path == "/redirect":
            return web.Response(status=302, headers={"Location": request.query["to"]})
        if request.path == "/silent":
            await self.ended.wait()
        if request.path == "/endless":
            return await self._endless(request)
        return web.Response(body=b"x" * 10)

    async def _endless(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()  # no length is told
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65_536)
        except (ConnectionError, OSError):
            return response


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application()
    app.router.add_get("/{any:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.host = f"127.0.0.1:{runner.addresses[0][1]}"
    yield server
    server.ended.set()
    await runner.cleanup()


def rules(server: Server) -> MediaRules:
    return MediaRules(
        account_id="sms", hosts=("api.twilio.com",), credential_host="api.twilio.com", credential="Basic secret", loopback=server.host
    )


async def test_a_file_is_fetched_whole(server: Server) -> None:
    assert await fetch(f"http://{server.host}/file", rules(server), LIMIT) == b"x" * 10


async def test_a_body_without_an_end_is_cut_off_at_the_cap(server: Server) -> None:
    with pytest.raises(MediaRefused, match="too_big"):
        await fetch(f"http://{server.host}/endless", rules(server), LIMIT)


async def test_a_silent_server_is_left_after_the_time_allowed(server: Server) -> None:
    with pytest.raises(MediaRefused, match="timeout"):
        await fetch(f"http://{server.host}/silent", replace(rules(server), timeout_s=0.2), LIMIT)


@pytest.mark.parametrize(
    "to", ["http://169.254.169.254/latest", "https://169.254.169.254/", "https://evil.example/", "file:///etc/passwd", ""]
)
async def test_a_redirect_is_looked_at_again(server: Server, to: str) -> None:
    with pytest.raises(MediaRefused):
        await fetch(f"http://{server.host}/redirect?to={to}", rules(server), LIMIT)


async def test_a_redirect_to_another_port_of_this_machine_is_refused(server: Server) -> None:
    with pytest.raises(MediaRefused, match="scheme"):
        await fetch(f"http://{server.host}/redirect?to=http://127.0.0.1:1/", rules(server), LIMIT)
    assert server.asked == ["Basic secret"]


async def test_redirects_end(server: Server) -> None:
    url = "/file"
    for _ in range(4):
        url = f"http://{server.host}/redirect?to={quote(url, safe='')}"
    with pytest.raises(MediaRefused, match="redirects"):
        await fetch(url, rules(server), LIMIT)


class To(AbstractResolver):
    """Sends every name to one address."""

    def __init__(self, address: str) -> None:
        self.address = address

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host=self.address, port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1"])
async def test_a_listed_name_that_leads_inside_is_refused(server: Server, address: str) -> None:
    with pytest.raises(MediaRefused, match="private_address"):
        await fetch("https://api.twilio.com/file", rules(server), LIMIT, resolver=To(address))
    assert server.asked == []


async def test_a_refusal_does_not_tell_the_address(server: Server) -> None:
    with pytest.raises(MediaRefused) as told:
        await fetch("https://evil.example/secret-token", rules(server), LIMIT)
    assert "secret-token" not in repr(told.value) + str(told.value.__cause__)
