"""Live update: from a webhook's arrival to its event on a hundred open inbox pages."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import uvloop

from bench.clinic import Clinic, clinic
from bench.report import Line, percentile, show
from bench.requests import phone, whatsapp_webhook
from hub.store import staff
from hub.store.pool import connect

PAGES = 100
EVENTS = 100
PAUSE_S = 0.05


def main() -> None:
    """Measure and show."""
    with clinic() as open_clinic:
        url = f"http://127.0.0.1:{open_clinic.settings.port}/healthz"
        with open_clinic.process("-m", "bench.server", ready_url=url):
            delays = uvloop.run(_measure(open_clinic))
    p50, p99 = percentile(delays, 0.5) * 1000, percentile(delays, 0.99) * 1000
    heard = len(delays) / (PAGES * EVENTS)
    show(
        "Live update",
        [
            Line(case=f"webhook sent to event on {PAGES} pages, median", figure=f"{p50:.1f} ms"),
            Line(case="the same, p99", figure=f"{p99:.1f} ms", target="< 150 ms", ok=p99 < 150),
            Line(case="events that reached their pages", figure=f"{heard:.1%}", target="100%", ok=heard >= 1),
        ],
    )


async def _measure(open_clinic: Clinic) -> list[float]:
    token = await _session(open_clinic)
    port = open_clinic.settings.port
    arrivals: list[list[float]] = [[] for _ in range(PAGES)]
    pages = [asyncio.create_task(_page(port, token, heard)) for heard in arrivals]
    await asyncio.sleep(1)
    sent = []
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for n in range(EVENTS):
        sent.append(time.perf_counter())
        writer.write(whatsapp_webhook(open_clinic.settings, phone=phone(n), text="Hello, do you do lip filler?"))
        await reader.readuntil(b"<Response/>")
        await asyncio.sleep(PAUSE_S)
    await asyncio.sleep(1)
    for page in pages:
        page.cancel()
    await asyncio.gather(*pages, return_exceptions=True)
    return [at - began for heard in arrivals for began, at in zip(sent, heard, strict=False)]


async def _session(open_clinic: Clinic) -> str:
    conn = await connect(open_clinic.settings.database_url or "")
    now = datetime.now(UTC)
    member = await staff.add_staff(conn, email="bench@clinic.example", name="Bench", role="front_desk", now=now)
    token = await staff.open_session(conn, member, now=now)
    await conn.close()
    return token


async def _page(port: int, token: str, heard: list[float]) -> None:
    """One open page: notes when each event came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: hub_session={token}\r\n\r\n".encode())
    while line := await reader.readline():
        if line.startswith(b"event: changed"):
            heard.append(time.perf_counter())


if __name__ == "__main__":
    main()
