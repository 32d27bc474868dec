"""Deletes files from our disk that no row refers to any more: taken back, erased, or fetched in vain.

A file is put on the disk before its row is committed, so one that was put lately is left alone: `GRACE` covers what
lies between, from the mail that carries it to the transaction that stores it.
"""

from __future__ import annotations

import asyncio
from itertools import islice

import structlog

from hub.files import FileStore
from hub.store import released
from workers.runtime import Runtime

log = structlog.get_logger("files")

GRACE_S = 15 * 60.0
ORPHAN_S = 24 * 3600.0  # what was put this long ago and has no row never gets one
BATCH = 500


async def delete_released(runtime: Runtime, *, grace_s: float = GRACE_S) -> int:
    """Delete what rows let go of. How many files went; those too fresh are looked at again."""
    async with runtime.pool.acquire() as conn:
        waiting = await released.waiting(conn, limit=BATCH)
        free = set(await released.unreferenced(conn, waiting)) if waiting else set()
        gone = await asyncio.to_thread(_delete, _store(runtime), sorted(free), runtime.clock().timestamp() - grace_s)
        await released.settled(conn, [*gone, *(d for d in waiting if d not in free)])
    return len(gone)


async def delete_orphans(runtime: Runtime, *, age_s: float = ORPHAN_S) -> int:
    """Delete what a crash left on the disk without a row. How many files went."""
    store, before = _store(runtime), runtime.clock().timestamp() - age_s
    files, count = store.unused(put_before=before), 0
    while part := await asyncio.to_thread(lambda: list(islice(files, BATCH))):
        async with runtime.pool.acquire() as conn:
            free = await released.unreferenced(conn, part)
        count += len(await asyncio.to_thread(_delete, store, free, before))
    if count:
        log.info("files.orphans_deleted", files=count)
    return count


def _delete(store: FileStore, digests: list[bytes], before: float) -> list[bytes]:
    return [d for d in digests if store.delete(d, put_before=before)]


def _store(runtime: Runtime) -> FileStore:
    return FileStore(runtime.settings.data_dir / "files", runtime.settings.secret_key)
