"""Commands that look after the data: migrate, replay, audit verify, and staff accounts."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from hub.commands.common import a_database, config_dir, now, with_running_servers
from hub.settings import load_places, load_settings


def migrate() -> list[str]:
    """Bring the schema up to date; the names of what was applied."""
    from hub.store.migrate import migrate

    with a_database(load_places(os.environ)) as url:
        return asyncio.run(migrate(url))


def replay(limit: int) -> tuple[int, int]:
    """Run failed events again: how many were processed, and how many requests still fail."""
    settings = with_running_servers(load_settings(os.environ, config_dir(os.environ)))
    from hub.intake.compose import tools
    from hub.replay import replay
    from hub.store.pool import open_pool

    async def run() -> tuple[int, int]:
        pool = await open_pool(settings.database_url or "", min_size=1, max_size=2)
        try:
            done = await replay(pool, settings, tools(settings), clock=now, limit=limit)
            return done.processed, done.still_failing
        finally:
            await pool.close()

    return asyncio.run(run())


def verify_audit(exported: Path | None) -> tuple[str, bool]:
    """One sentence about the audit log, and whether it is as it was sealed."""
    from hub.audit import verify_database
    from hub.store.pool import connect

    lines = exported.read_text(encoding="utf-8").splitlines() if exported is not None else []

    async def run(url: str) -> tuple[str, bool]:
        connection = await connect(url)
        try:
            report = await verify_database(connection, now(), exported=lines)
        finally:
            await connection.close()
        counted = f"{report.rows} events under {report.seals} seals, {report.waiting} waiting for theirs"
        if report.broken is not None:
            places = {"Seal": report.broken.seal_no, "position": report.broken.position, "event": report.broken.event_id}
            where = ", ".join(f"{name} {value}" for name, value in places.items() if value is not None)
            return f"The audit log is not whole. {report.broken.sentence} {where or 'No place'} ({counted}).", False
        return f"The audit log is whole: {counted}.", True

    with a_database(load_places(os.environ)) as url:
        return asyncio.run(run(url))


def add_staff(email: str, name: str, role: str) -> str:
    """The new account's one-time link."""
    from hub.commands import first

    places = load_places(os.environ)
    with a_database(places) as url:
        return asyncio.run(first.add(url, places.public_url, email=email, name=name, role=role))


def reset_staff(email: str) -> str:
    """A new one-time link for an account."""
    from hub.commands import first

    places = load_places(os.environ)
    with a_database(places) as url:
        return asyncio.run(first.reset(url, places.public_url, email=email))
