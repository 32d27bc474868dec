"""Mail in by LMTP until it is stored, beside aiosmtpd that forgets it; and webhooks beside mails of 8 MB."""

from __future__ import annotations

import asyncio
import base64
import os
import random
import tempfile
import threading
import time
from pathlib import Path

from bench.clinic import Clinic, clinic
from bench.load import load
from bench.report import Line, percentile, show
from bench.requests import conversation

COUNT, CONNECTIONS = 3000, 24
LARGE = 8
FILLER = "Words about lips, chins and everything else that people ask about. "


def small(number: int) -> bytes:
    """A mail of 4 KB, of one of a thousand people."""
    body = "".join(f"{FILLER}{number}\r\n" for _ in range(48))
    return _head(number) + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + body.encode()


def large(number: int) -> bytes:
    """A mail of 8 MB with one photograph."""
    photo = base64.encodebytes(b"\xff\xd8\xff" + random.Random(number).randbytes(6 * 1024 * 1024))
    parts = b"--b\r\nContent-Type: text/plain\r\n\r\nSee\r\n--b\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return _head(number) + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + parts + photo.replace(b"\n", b"\r\n") + b"--b--\r\n"


def _head(number: int) -> bytes:
    return (
        f"From: Person {number % 1000} <p{number % 1000}@example.org>\r\nTo: hello@fenwicklane.example\r\nSubject: Question {number}\r\n"
        f"Message-ID: <{number}-{os.urandom(6).hex()}@example.org>\r\nMIME-Version: 1.0\r\n"
    ).encode()


async def _deliver(path: str, mails: list[bytes], recipient: str) -> None:
    reader, writer = await asyncio.open_unix_connection(path)

    async def answer() -> bytes:
        while (line := await reader.readline())[3:4] == b"-":
            pass
        return line

    async def say(line: bytes) -> bytes:
        writer.write(line + b"\r\n")
        return await answer()

    await answer()
    await say(b"LHLO bench")
    for mail in mails:
        await say(b"MAIL FROM:<p@example.org>")
        await say(b"RCPT TO:<" + recipient.encode() + b">")
        await say(b"DATA")
        writer.write(mail + b"\r\n.\r\n")
        await writer.drain()
        if not (said := await answer()).startswith(b"250"):
            raise SystemExit(f"a mail was not stored: {said!r}")
    writer.close()


def rate(path: str, mails: list[bytes], recipient: str = "hello@fenwicklane.example") -> float:
    """Mails a second over several connections."""

    async def all_of_them() -> None:
        await asyncio.gather(*(_deliver(path, mails[n::CONNECTIONS], recipient) for n in range(CONNECTIONS)))

    began = time.perf_counter()
    asyncio.run(all_of_them())
    return len(mails) / (time.perf_counter() - began)


def _wait_for(path: str) -> None:
    for _ in range(300):
        if Path(path).exists():
            return
        time.sleep(0.05)
    raise TimeoutError("no listener")


def main() -> None:
    """Measure and show."""
    with tempfile.TemporaryDirectory(prefix="hubmail") as folder, clinic() as open_clinic:
        path, bare = f"{folder}/lmtp", f"{folder}/bare"
        with open_clinic.process("-m", "bench.mail_server", "discard", bare):
            _wait_for(bare)
            ceiling = rate(bare, [small(n) for n in range(COUNT)])
        with open_clinic.process("-m", "bench.mail_server", "hub", path) as hub:
            _wait_for(path)
            rate(path, [small(n) for n in range(1000)])
            asyncio.run(open_clinic.analyze())
            before = sum(hub.cpu_times()[:2])
            stored = rate(path, [small(n) for n in range(1000, 1000 + COUNT)])
            cost_ms = (sum(hub.cpu_times()[:2]) - before) / COUNT * 1000
            beside = _webhooks_beside(open_clinic, path)
    lines = [
        Line(
            case="LMTP to stored, 4 KB",
            figure=f"{stored:,.0f}/s",
            ceiling=f"{ceiling:,.0f}/s",
            ratio=f"{stored / ceiling:.2f}",
            target=">= 400/s",
            ok=stored >= 400,
        ),
        Line(case="processor time of the mail process, each", figure=f"{cost_ms:.2f} ms"),
        *beside,
    ]
    show("Mail in", lines)


def _webhooks_beside(open_clinic: Clinic, path: str) -> list[Line]:
    settings = open_clinic.settings
    mails = [large(n) for n in range(LARGE)]
    with open_clinic.process("-m", "bench.server", ready_url=f"http://127.0.0.1:{settings.port}/healthz"):
        load("127.0.0.1", settings.port, conversation(settings, 500, people=200), connections=2)
        rates: list[float] = []
        mailing = threading.Thread(target=lambda: rates.append(rate(path, mails)))
        mailing.start()
        beside = []
        while mailing.is_alive():
            beside += load("127.0.0.1", settings.port, conversation(settings, 200, people=200), connections=2).latencies_s
        mailing.join()
    p99 = percentile(beside, 0.99) * 1000
    return [
        Line(case="LMTP to stored, 8 MB", figure=f"{rates[0]:.1f}/s"),
        Line(case="webhook p99 beside them", figure=f"{p99:.1f} ms", target="< 100 ms", ok=p99 < 100),
    ]


if __name__ == "__main__":
    main()
