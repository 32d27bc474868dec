"""Slack's part of the clock process: enrols what changed, makes posts, works through what colleagues did, fetches their files.

It runs beside the clock's ticks and not in a worker: a worker does one job at a time, and no answer to a patient shall wait
for Slack. One leader does it. Each part goes on by itself, so a slow call holds up nothing but its like.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from channels.errors import MediaRefused
from channels.slack.errors import SlackRefused
from channels.slack.transport import SlackClient, open_client
from hub.files import FileStore, sniff
from hub.settings import SlackSettings
from hub.slack import enrol
from hub.slack.hearing import FILE_MOST, Hearing
from hub.slack.people import People
from hub.slack.posting import Poster
from hub.slack.receiving import Receiving
from hub.slack.socket import listening
from hub.store import live, notes, slack, slack_inbound
from hub.store.pool import STORE_FAULTS, Pool
from workers.runtime import Runtime

log = structlog.get_logger("slack")

LOOK_S = 0.4
SWEEP_S = 3600.0
KEPT = timedelta(days=7)


async def run(runtime: Runtime) -> None:
    """Mirror for as long as this process leads; returns at once where Slack is switched off. Raises store faults only."""
    chosen = runtime.settings.slack
    async with runtime.pool.acquire() as conn, conn.transaction():
        await slack.switch(conn, on=chosen is not None, now=runtime.clock())
    if chosen is None:
        return
    async with (
        open_client(chosen.bot_token, base_url=chosen.base_url, loopback=chosen.loopback, timeout_s=chosen.timeout_s) as client,
        asyncio.TaskGroup() as group,
    ):
        for part in parts(runtime, client):
            group.create_task(_for_ever(part))
        group.create_task(_sweep(runtime))
        if chosen.app_token is not None:
            group.create_task(_listen(runtime, chosen, client))


def parts(runtime: Runtime, client: SlackClient) -> list[Callable[[], Awaitable[object]]]:
    """What is done again and again; each returns something true while there is more to do at once."""
    chosen = runtime.settings.slack
    assert chosen is not None  # noqa: S101  asked by `run`
    people = People(runtime.pool, client, chosen.team, clock=runtime.clock)
    poster = Poster(runtime.pool, client, runtime.settings, clock=runtime.clock)
    hearing = Hearing(runtime.pool, people, runtime.settings, clock=runtime.clock)

    async def enrol_changes() -> int:
        async with runtime.pool.acquire() as conn, conn.transaction():
            return await enrol.enrol_changes(conn, chosen, now=runtime.clock())

    async def fetch_files() -> int:
        return await fetch(runtime, client)

    return [enrol_changes, poster.step, hearing.step, fetch_files]


async def _for_ever(part: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            busy = await part()
        except STORE_FAULTS:
            raise
        except Exception as fault:
            log.error("slack.stumbled", fault=type(fault).__name__)
            busy = False
            await asyncio.sleep(2.0)
        if not busy:
            await asyncio.sleep(LOOK_S)


async def _sweep(runtime: Runtime) -> None:
    while True:
        async with runtime.pool.acquire() as conn:
            await slack_inbound.sweep(conn, older_than=runtime.clock() - KEPT)
        await asyncio.sleep(SWEEP_S)


async def _listen(runtime: Runtime, chosen: SlackSettings, client: SlackClient) -> None:
    """Keep a socket open; begin again when it cannot be opened."""
    receiving = Receiving(runtime.pool, client, runtime.settings, clock=runtime.clock)
    while True:
        try:
            async with listening(chosen, receiving):
                await asyncio.Event().wait()
        except Exception as fault:
            log.warning("slack.no_socket", fault=type(fault).__name__)
            await asyncio.sleep(5.0)


async def fetch(runtime: Runtime, client: SlackClient) -> int:
    """Fetch files colleagues shared in a thread: from Slack's file host only, within the size, kept on our disk. How many."""
    pool: Pool = runtime.pool
    async with pool.acquire() as conn:
        waiting = await notes.pending_files(conn, limit=5)
    store = FileStore(runtime.settings.data_dir / "files", runtime.settings.secret_key)
    for file in waiting:
        try:
            data = await client.fetch_file(file.url.reveal(), FILE_MOST)
            mime_type = sniff(data, file.mime_type)
            # A sign-in page with status 200 is what Slack answers a token without the right to read files.
            if data[:200].lstrip()[:1] == b"<" and b"<html" in data[:2000].lower():
                raise MediaRefused("slack", "missing_scope")
            digest = await asyncio.to_thread(store.put, data)
        except (MediaRefused, SlackRefused) as refusal:
            word = getattr(refusal, "constant", "refused")
            log.warning("slack.file_refused", word=word)
            async with pool.acquire() as conn, conn.transaction():
                await notes.file_refused(conn, file.id, word)
                await live.notify(conn, [file.conversation_id])
        else:
            async with pool.acquire() as conn, conn.transaction():
                await notes.file_stored(conn, file.id, mime_type=mime_type, size=len(data), sha256=digest)
                await live.notify(conn, [file.conversation_id])
    return len(waiting)
