"""Mail out: personalised answers through the gate to an SMTP sink in another process, against the client's own bare loop."""

from __future__ import annotations

import asyncio
import json
import smtplib
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from bench.clinic import Clinic, clinic, free_port
from bench.mail_account import MAIL
from bench.report import Line, show
from bench.seed import mailbox, waiting_replies
from hub.model.address import Channel
from hub.store.pool import connect

COUNT = 6000


def main() -> None:
    """Measure and show."""
    with clinic() as open_clinic:
        port = free_port()
        with open_clinic.process("-m", "bench.mail_sink", str(port)):
            lines = _measure(open_clinic, port)
    show("Mail out", lines)


def _measure(open_clinic: Clinic, port: int) -> list[Line]:
    before = _taken(port)
    asyncio.run(_seed(open_clinic))
    bare = _worker(open_clinic, port, "bare")
    gate = _worker(open_clinic, port)
    sent, decided = asyncio.run(_count(open_clinic))
    arrived = _taken(port) - before - COUNT
    rate, ceiling = sent / gate["seconds"], COUNT / bare["seconds"]
    return [
        Line(case="aiosmtplib loop without the hub", figure=f"{ceiling:,.0f}/s"),
        Line(
            case="gate, one worker", figure=f"{rate:,.0f}/s", ceiling=f"{ceiling:,.0f}/s", ratio=f"{rate / ceiling:.2f}",
            target=">= 1,000/s and >= 0.4", ok=rate >= 1000 and rate / ceiling >= 0.4,
        ),
        Line(
            case="worker's own processor time", figure=f"{gate['cpu'] / COUNT * 1e6:.0f} us", ceiling=f"{bare['cpu'] / COUNT * 1e6:.0f} us"
        ),
        Line(case="decisions recorded", figure=f"{decided:,}", target=f"{COUNT:,}", ok=decided == COUNT),
        Line(case="mails at the sink", figure=f"{arrived:,}", target=f"{sent:,}", ok=arrived == sent == COUNT),
        Line(case="worker memory", figure=f"{gate['rss'] / 1e6:.0f} MB", target="under 150 MB", ok=gate["rss"] < 150e6),
    ]  # fmt: skip


def _worker(open_clinic: Clinic, port: int, *mode: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.mail_worker", str(port), str(COUNT), *mode]
    done = subprocess.run(command, env=open_clinic.environ, check=True, capture_output=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _taken(port: int) -> int:
    """How many mails the sink has had; waits until it listens."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with suppress(OSError), smtplib.SMTP("127.0.0.1", port, timeout=5) as smtp:
            return int(smtp.docmd("COUNT")[1])
        time.sleep(0.05)
    raise TimeoutError("the mail sink does not listen")


async def _seed(open_clinic: Clinic) -> None:
    conn = await connect(open_clinic.settings.database_url or "")
    await waiting_replies(conn, open_clinic.settings, COUNT, account=MAIL, channel=Channel.EMAIL, address=mailbox)
    await conn.close()


async def _count(open_clinic: Clinic) -> tuple[int, int]:
    conn = await connect(open_clinic.settings.database_url or "")
    sent = await conn.fetchval("SELECT count(*) FROM message WHERE direction = 'outbound' AND status = 'accepted'")
    decided = await conn.fetchval("SELECT count(*) FROM decision WHERE phase = 'claim' AND outcome = 'ALLOW'")
    await conn.close()
    return int(sent), int(decided)


if __name__ == "__main__":
    main()
