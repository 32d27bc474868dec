"""Files leave the disk once no row refers to them, and never while one does or is about to."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.files import FileStore
from hub.model.address import Address, AddressClass
from hub.model.message import MediaRef, Retraction
from hub.model.sealed import Sealed
from hub.people import erasure
from hub.settings import Settings
from hub.store.pool import Pool
from tests.world import AMY, WHATSAPP, StandingClock, World, world
from workers import files, media
from workers.runtime import Runtime

PNG = b"\x89PNG\r\n\x1a\n" + b"a picture"
URL = MediaRef(url=Sealed("https://example.org/a.png"), mime_type="image/png")


class Slow:
    """A transport whose fetch lets something happen before it answers."""

    def __init__(self, meanwhile: object = None) -> None:
        self.meanwhile = meanwhile

    async def fetch_media(self, _media: MediaRef, _most: int) -> bytes:
        if callable(self.meanwhile):
            await self.meanwhile()
        return PNG


@pytest.fixture
def housed(settings: Settings, tmp_path: Path) -> Settings:
    return replace(settings, data_dir=tmp_path)


def runtime_of(clinic: World, transport: Slow | None = None) -> Runtime:
    runtime = Runtime(clinic.settings, clinic.pool, AsyncExitStack(), clock=clinic.clock)
    runtime._transports[WHATSAPP] = transport  # what it would have opened
    return runtime


def stored(clinic: World) -> FileStore:
    return FileStore(clinic.settings.data_dir / "files", clinic.settings.secret_key)


def days_later(clock: StandingClock) -> None:
    """The disk keeps the machine's own time, so the clock must follow it here."""
    clock.now = datetime.now(UTC) + timedelta(days=3)


def on_disk(clinic: World) -> int:
    return sum(1 for f in (clinic.settings.data_dir / "files").glob("??/*") if f.is_file())


async def fetch_all(clinic: World, transport: Slow) -> None:
    for row in await clinic.rows("SELECT id FROM attachment ORDER BY id"):
        async with clinic.pool.acquire() as conn, conn.transaction():
            await media.fetch(conn, row["id"], runtime_of(clinic, transport))  # type: ignore[arg-type]


async def taken_back(clinic: World, name: str, at: datetime) -> None:
    sender = Address(kind=AddressClass.PHONE, value=Sealed(AMY))
    event = Retraction(
        account_id=WHATSAPP, provider_event_id=f"{name}:r", kind="revoke", sender=sender, target_provider_id=name, occurred_at=at
    )
    await clinic.takes([event])


async def test_a_file_goes_with_the_last_row_that_refers_to_it(pool: Pool, housed: Settings, clock: StandingClock) -> None:
    async with world(pool, housed, clock) as clinic:
        for name in ("one", "two"):
            await clinic.writes("See", event_id=name, media=(URL,))
        await fetch_all(clinic, Slow())
        days_later(clock)
        for name, left in (("one", 1), ("two", 0)):
            await taken_back(clinic, name, clock())
            await files.delete_released(runtime_of(clinic))
            assert on_disk(clinic) == left
        assert await clinic.value("SELECT count(*) FROM released_file") == 0


async def test_a_file_taken_back_while_it_is_fetched_goes_again(pool: Pool, housed: Settings, clock: StandingClock) -> None:
    async with world(pool, housed, clock) as clinic:
        await clinic.writes("See", event_id="one", media=(URL,))
        await fetch_all(clinic, Slow(lambda: taken_back(clinic, "one", clock())))
        assert await clinic.value("SELECT state FROM attachment") == "refused"
        assert on_disk(clinic) == 1
        days_later(clock)
        await files.delete_released(runtime_of(clinic))
        assert on_disk(clinic) == 0


async def test_a_file_put_again_just_now_stays_until_its_row_is_there(pool: Pool, housed: Settings, clock: StandingClock) -> None:
    async with world(pool, housed, clock) as clinic:
        await clinic.writes("See", event_id="one", media=(URL,))
        await fetch_all(clinic, Slow())
        await taken_back(clinic, "one", clock())
        stored(clinic).put(PNG)
        clock.now = datetime.fromtimestamp(next((housed.data_dir / "files").glob("??/*")).stat().st_mtime, tz=clock.now.tzinfo)
        assert await files.delete_released(runtime_of(clinic)) == 0
        assert on_disk(clinic) == 1
        assert await clinic.value("SELECT count(*) FROM released_file") == 1


async def test_the_files_of_an_erased_person_leave_the_disk(pool: Pool, housed: Settings, clock: StandingClock) -> None:
    async with world(pool, housed, clock) as clinic:
        await clinic.writes("See", media=(URL,))
        await fetch_all(clinic, Slow())
        days_later(clock)
        contact = await clinic.value("SELECT id FROM contact")
        async with pool.acquire() as conn, conn.transaction():
            await erasure.erase(conn, contact, now=clock(), actor="system:test")  # type: ignore[arg-type]
        await files.delete_released(runtime_of(clinic))
        assert on_disk(clinic) == 0


async def test_what_a_crash_left_without_a_row_goes_after_a_day_and_nothing_else(
    pool: Pool, housed: Settings, clock: StandingClock
) -> None:
    async with world(pool, housed, clock) as clinic:
        await clinic.writes("See", media=(URL,))
        await fetch_all(clinic, Slow())
        kept = await clinic.value("SELECT sha256 FROM attachment")
        left = stored(clinic).put(b"left by a crash")
        path = clinic.settings.data_dir / "files" / left.hex()[:2] / left.hex()
        path.rename(path.with_name(f".{path.name}.going"))  # and one that died between its two looks
        days_later(clock)
        for _ in range(2):
            await files.delete_orphans(runtime_of(clinic))
        assert on_disk(clinic) == 1
        assert stored(clinic).get(kept) == PNG  # type: ignore[arg-type]


async def test_a_file_put_while_it_is_being_deleted_is_there_afterwards(tmp_path: Path, settings: Settings) -> None:
    store = FileStore(tmp_path, settings.secret_key)
    digest = store.put(PNG)
    later = (datetime.now(UTC) + timedelta(hours=1)).timestamp()
    assert store.delete(digest, put_before=0) is False
    assert store.get(digest) == PNG
    assert store.delete(digest, put_before=later) is True
    assert store.delete(digest, put_before=later) is True
    assert store.put(PNG) == digest
    assert store.get(digest) == PNG
