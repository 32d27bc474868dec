"""Tells open pages which conversations changed, as ids only; each page then asks for what it may read.

One listening connection per web process fans out to every open page. An event costs no query, whatever the number of
pages. A page that does not keep up, and every page after a lost connection, is told to refresh instead.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import asyncpg
import msgspec
import structlog
from aiohttp import web

from hub.store.live import LIVE as CHANNEL
from hub.store.live import listen
from hub.store.pool import Connection, connect
from hub.web.keys import LIVE
from hub.web.roles import Right
from hub.web.sessions import identify, reads

log = structlog.get_logger("live")

WAITING_MOST = 64  # events a slow page may fall behind
HEARTBEAT_S = 15.0
CHECK_SESSION_S = 60.0  # a session that ended stops its streams within about this long
CHECK_LISTENER_S = 20.0
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
REFRESH = b"event: refresh\ndata: {}\n\n"
HEARTBEAT = b": still here\n\n"
ENDED = b""


class _Note(msgspec.Struct):
    """What PostgreSQL passes on (hub.store.live)."""

    c: list[str]


class LiveStream:
    """The fan-out of one web process."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._pages: set[asyncio.Queue[bytes]] = set()
        self._task: asyncio.Task[None] | None = None
        self.listening = asyncio.Event()

    def start(self) -> None:
        self._task = asyncio.create_task(self._listen_for_ever(), name="live-stream")

    async def stop(self) -> None:
        """End every open stream, then stop listening."""
        self._tell(ENDED)
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def join(self) -> asyncio.Queue[bytes]:
        """A queue that gets every event from now on, ready to be written out."""
        queue: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MOST)
        self._pages.add(queue)
        return queue

    def leave(self, queue: asyncio.Queue[bytes]) -> None:
        self._pages.discard(queue)

    def heard(self, payload: str) -> None:
        """Pass one note on. A note nobody can read still makes the pages look."""
        try:
            note = msgspec.json.decode(payload, type=_Note)
        except msgspec.MsgspecError:
            self._tell(REFRESH)
            return
        self._tell(b"event: changed\ndata: " + msgspec.json.encode(note.c) + b"\n\n")

    def _tell(self, event: bytes) -> None:
        for queue in self._pages:
            behind = queue.full()
            if behind or event is ENDED:
                while not queue.empty():
                    queue.get_nowait()
            queue.put_nowait(REFRESH if behind and event is not ENDED else event)

    async def _listen_for_ever(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen_once()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as fault:
                log.warning("live.lost", fault=type(fault).__name__)
            failures = 0 if self.listening.is_set() else failures + 1
            self.listening.clear()
            await asyncio.sleep(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])

    async def _listen_once(self) -> None:
        """Listen until the connection is lost. Pages refresh at the start: what happened meanwhile was not heard."""
        conn: Connection = await connect(self._database_url)
        lost = asyncio.Event()
        try:
            conn.add_termination_listener(lambda _conn: lost.set())
            await listen(conn, CHANNEL, self.heard)
            self.listening.set()
            self._tell(REFRESH)
            while not lost.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(lost.wait(), CHECK_LISTENER_S)
                if not lost.is_set():  # a connection that died without a word is found out here
                    await conn.fetchval("SELECT 1", timeout=5)
        finally:
            conn.terminate()


def routes() -> list[web.RouteDef]:
    return [web.get("/live", stream)]


@reads(Right.READ_MESSAGES, by_itself=True)
async def stream(request: web.Request) -> web.StreamResponse:
    """Server-sent events: `changed` with conversation ids, `refresh` when the page should look at everything again."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    live = request.app[LIVE]
    queue = live.join()
    try:
        await response.prepare(request)
        await response.write(b"retry: 1500\n\n")
        await _pass_on(queue, response.write, still_allowed=lambda: _still_allowed(request))
    except (ConnectionError, asyncio.CancelledError):
        pass  # the page was closed
    finally:
        live.leave(queue)
    return response


async def _pass_on(
    queue: asyncio.Queue[bytes], write: Callable[[bytes], Awaitable[None]], *, still_allowed: Callable[[], Awaitable[bool]]
) -> None:
    clock = asyncio.get_running_loop().time
    check_at = clock() + CHECK_SESSION_S
    while True:
        try:
            event = await asyncio.wait_for(queue.get(), HEARTBEAT_S)
        except TimeoutError:
            event = HEARTBEAT
        if clock() >= check_at:
            if not await still_allowed():
                return
            check_at = clock() + CHECK_SESSION_S
        if event is ENDED:
            return
        await write(event)


async def _still_allowed(request: web.Request) -> bool:
    person = await identify(request, touch=False)
    return person is not None and Right.READ_MESSAGES in person.rights
