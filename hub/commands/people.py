"""Commands about people: lists brought along from elsewhere, and a new key for addresses."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from hub.commands.common import Refusal, a_database, now, settings_now
from hub.people.importing import Importer, ImportRefused, Report, import_contacts, import_suppressions
from hub.people.rotation import KeyMissing, Rotated, rotate
from hub.settings import Settings, load_places
from hub.store.pool import Connection, connect

ACTOR = "system:terminal"
Say = Callable[[str], None]
Answer = TypeVar("Answer")


def bring_suppressions(path: Path, source: str, say: Say) -> Report:
    """Import a list of people not to be written to. Raises Refusal."""
    return _with_tool(source, say, lambda tool: import_suppressions(tool, path))


def bring_contacts(path: Path, source: str, statement: Path | None, say: Say) -> Report:
    """Import people and what they agreed to. Raises Refusal."""
    return _with_tool(source, say, lambda tool: import_contacts(tool, path, statement=statement))


def rotate_pepper(say: Say) -> Rotated:
    """Bring every address under the newest key. Raises Refusal."""

    async def run(connection: Connection, settings: Settings) -> Rotated:
        def progress(done: int) -> None:
            say(f"{done} addresses renewed.")

        try:
            return await rotate(connection, settings.hasher, clock=now, actor=ACTOR, progress=progress)
        except KeyMissing as missing:
            raise Refusal(str(missing)) from missing

    return _run(run)


def _with_tool(source: str, say: Say, work: Callable[[Importer], Awaitable[Report]]) -> Report:
    async def run(connection: Connection, settings: Settings) -> Report:
        def progress(report: Report) -> None:
            say(f"{report.read} rows read.")

        tool = Importer(conn=connection, hasher=settings.hasher, clock=now, actor=ACTOR, source=source, progress=progress)
        try:
            return await work(tool)
        except ImportRefused as refused:
            raise Refusal(str(refused)) from refused

    return _run(run)


def _run(work: Callable[[Connection, Settings], Awaitable[Answer]]) -> Answer:
    settings = settings_now()

    async def run(url: str) -> Answer:
        connection = await connect(url)
        try:
            return await work(connection, settings)
        finally:
            await connection.close()

    with a_database(load_places(os.environ)) as url:
        return asyncio.run(run(url))
