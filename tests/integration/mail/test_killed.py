"""The mail process killed in the middle of its work, and large mail beside small."""

from __future__ import annotations

import asyncio
import base64
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hub.files import FileStore
from hub.settings import Settings
from hub.store.pool import Connection, Pool
from tests.integration.mail.letters import DATE, DOMAIN, RawTalk, account, letter, open_door, texts
from tests.world import StandingClock

HELLO = f"hello@{DOMAIN}"
MAILS, SENDERS, KILLS = 160, 8, 3
ROOT = Path(__file__).parents[3]
PATIENCE_S = 40.0


def with_file(text: str, size: int, seed: int) -> tuple[bytes, bytes]:
    """A mail with a photograph of this size, and the photograph."""
    photo = b"\xff\xd8\xff" + random.Random(seed).randbytes(size)
    head = (
        f"From: p{seed}@example.org\r\nTo: {HELLO}\r\nSubject: x\r\nDate: {DATE}\r\nMessage-ID: <f{seed}@x>\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{text}\r\n--b\r\nContent-Type: image/jpeg\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode() + base64.encodebytes(photo).replace(b"\n", b"\r\n") + b"--b--\r\n", photo


class Sender:
    """A mail server in front of us: whatever was not answered with 250 is tried again."""

    def __init__(self, path: str, mails: list[bytes]) -> None:
        self._path, self._mails, self.again = path, mails, 0

    def run(self) -> None:
        for mail in self._mails:
            end = time.monotonic() + PATIENCE_S
            while not self._delivered(mail):
                self.again += 1
                assert time.monotonic() < end, "never taken"
                time.sleep(0.03)

    def _delivered(self, mail: bytes) -> bool:
        try:
            spoken = RawTalk(self._path)
            try:
                spoken.greet()
                return spoken.mail(mail, [HELLO])[-1].startswith("250 2.0.0")
            finally:
                spoken.close()
        except (OSError, AssertionError, IndexError):
            return False


def start(path: str, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.integration.mail.mail_child", path]
    return subprocess.Popen(command, env=environ, cwd=ROOT, stdout=subprocess.DEVNULL)


async def test_mail_is_neither_lost_nor_doubled_when_the_process_is_killed(
    database_url: str, sandbox_environ: dict[str, str], settings: Settings, conn: Connection, tmp_path: Path
) -> None:
    path = str(tmp_path / "lmtp")
    environ = {**os.environ, **sandbox_environ, "DATABASE_URL": database_url}
    photos = {n: with_file(f"Mail {n}", 3000, n) for n in range(0, MAILS, 5)}
    mails = [photos[n][0] if n in photos else letter(f"Mail {n}", sender=f"p{n}@example.org", message_id=f"{n}@x") for n in range(MAILS)]
    senders = [Sender(path, mails[n::SENDERS]) for n in range(SENDERS)]
    crowd = ThreadPoolExecutor(SENDERS)  # of their own: starting the next process must not wait for one of them
    child = await asyncio.to_thread(start, path, environ)
    try:
        sending = [asyncio.get_running_loop().run_in_executor(crowd, s.run) for s in senders]
        for kill in range(1, KILLS + 1):
            await _until(conn, MAILS * kill // (KILLS + 1))
            child.kill()
            child.wait()
            child = await asyncio.to_thread(start, path, environ)
        await asyncio.gather(*sending)
    finally:
        child.kill()
        child.wait()
        crowd.shutdown(wait=False, cancel_futures=True)
    assert sum(s.again for s in senders) >= KILLS
    assert sorted(await texts(conn)) == sorted(f"Mail {n}" for n in range(MAILS))
    assert await conn.fetchval("SELECT count(*) FROM contact") == MAILS
    store = FileStore(settings.data_dir / "files", settings.secret_key)
    rows = await conn.fetch("SELECT m.body, a.sha256 FROM attachment a JOIN message m ON m.id = a.message_id")
    assert {r["body"]: store.get(r["sha256"]) for r in rows} == {f"Mail {n}": photo for n, (_, photo) in photos.items()}


async def _until(conn: Connection, count: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while await conn.fetchval("SELECT count(*) FROM message") < count:
        assert time.monotonic() < end, "too slow"
        await asyncio.sleep(0.005)


async def test_mails_of_eight_megabytes_do_not_hold_up_small_messages(
    settings: Settings, pool: Pool, clock: StandingClock, conn: Connection
) -> None:
    large = [with_file(f"Large {n}", 6 * 1024 * 1024, 1000 + n)[0] for n in range(4)]
    small_ones = 0
    async with open_door(settings, pool, clock) as big, open_door(settings, pool, clock) as small:
        await small.take(account(), letter("Warm", message_id="warm@x"))
        taking = asyncio.gather(*(big.take(account(), raw) for raw in large))
        while not taking.done():
            name = f"s{small_ones}"
            await small.take(account(), letter("Small", message_id=f"{name}@x", sender=f"{name}@example.org"))
            small_ones += not taking.done()
        await taking
    assert await conn.fetchval("SELECT count(*) FROM attachment WHERE size > 6000000") == len(large)
    assert small_ones >= 2 * len(large)  # and not one by one behind them
