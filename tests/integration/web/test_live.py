"""The live stream: ids only, to those who may read, quickly, and again after the database went away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

from hub.store.live import notify
from hub.store.pool import Pool
from hub.web.keys import LIVE
from hub.web.live import ENDED, REFRESH, WAITING_MOST, LiveStream
from tests.integration.web.conftest import Browser
from tests.world import World

OPEN_PAGES = 100


@asynccontextmanager
async def listening(client: TestClient[web.Request, web.Application]) -> AsyncIterator[ClientResponse]:
    """One open page: past the greeting, so what comes next is news."""
    app = client.app
    assert app is not None
    await asyncio.wait_for(app[LIVE].listening.wait(), 5)
    async with client.get("/live") as response:
        assert response.status == 200
        assert (await response.content.readuntil(b"\n\n")).startswith(b"retry:")
        yield response


async def next_event(response: ClientResponse) -> str:
    return (await asyncio.wait_for(response.content.readuntil(b"\n\n"), 30)).decode()


async def test_a_message_is_heard_as_an_id_and_nothing_else(signed_in: Browser, clinic: World) -> None:
    async with listening(signed_in.client) as page:
        await clinic.writes("sentinel words of a patient")
        text = await next_event(page)
    assert text == f'event: changed\ndata: ["{await clinic.conversation()}"]\n\n'


async def test_nobody_hears_anything_without_a_session(browser: Browser) -> None:
    response, _ = await browser.get("/live")
    assert response.status == 401


async def test_a_hundred_open_pages_hear_of_everything(signed_in: Browser, pool: Pool) -> None:
    """How soon is measured by `make bench` (live)."""
    async with AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(listening(signed_in.client)) for _ in range(OPEN_PAGES)]
        for _ in range(10):
            news = uuid4()
            async with pool.acquire() as conn:
                await notify(conn, [news])
            assert {await next_event(page) for page in pages} == {f'event: changed\ndata: ["{news}"]\n\n'}


async def test_after_the_database_came_back_pages_are_told_to_refresh(signed_in: Browser, pool: Pool) -> None:
    async with listening(signed_in.client) as page:
        await pool.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
        text = await next_event(page)
        assert text.encode() == REFRESH
        async with pool.acquire() as conn:
            await notify(conn, [uuid4()])
        text = await next_event(page)
        assert text.startswith("event: changed")


async def test_a_page_that_does_not_keep_up_is_told_to_refresh_and_holds_nobody_up() -> None:
    live = LiveStream("postgresql://nowhere")
    slow, quick = live.join(), live.join()
    for n in range(WAITING_MOST + 1):
        live.heard(f'{{"c": ["{n}"]}}')
        assert quick.get_nowait().startswith(b"event: changed")
    assert slow.get_nowait() == REFRESH
    assert slow.empty()


async def test_a_note_nobody_can_read_makes_the_pages_look() -> None:
    live = LiveStream("postgresql://nowhere")
    page = live.join()
    for note in ("", "{", '{"d": 1}', '{"c": [1]}'):
        live.heard(note)
        assert page.get_nowait() == REFRESH


async def test_stopping_ends_every_stream() -> None:
    live = LiveStream("postgresql://nowhere")
    pages = [live.join() for _ in range(3)]
    live.heard('{"c": ["a"]}')
    await live.stop()
    assert [page.get_nowait() for page in pages] == [ENDED] * 3


async def test_a_stream_does_not_keep_a_session_alive(signed_in: Browser, pool: Pool, clinic: World) -> None:
    before = await pool.fetchval("SELECT last_used_at FROM staff_session")
    clinic.clock.forward(hours=2)  # type: ignore[attr-defined]
    async with listening(signed_in.client):
        pass
    assert await pool.fetchval("SELECT last_used_at FROM staff_session") == before
