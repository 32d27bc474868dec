"""Mail out: personalised answers through the gate to an SMTP sink in another process, against the client's own bare loop."""

from __future__ import annotations

import asyncio
import json
import smtplib
import subprocess
import sys
import time
from contextlib import suppress
from statistics import median
from typing import Any

from bench.clinic import Clinic, clinic, free_port
from bench.mail_account import MAIL
from bench.report import Line, show
from bench.seed import mailbox, waiting_replies
from hub.model.address import Channel
from hub.store.pool import connect

COUNT, ROUNDS = 4000, 3


def main() -> None:
    """Measure and show."""
    with clinic() as open_clinic:
        port = free_port()
        with open_clinic.process("-m", "bench.mail_sink", str(port)):
            lines = _measure(open_clinic, port)
    show("Mail out", lines)


def _measure(open_clinic: Clinic, port: int) -> list[Line]:
    """In turns, so that whatever else the machine does meets both alike; the middle of each is told."""
    before, rounds = _taken(port), []
    for n in range(ROUNDS):
        asyncio.run(_seed(open_clinic, from_=n * COUNT))
        rounds.append((_worker(open_clinic, port, "bare"), _worker(open_clinic, port)))
    sent, decided = asyncio.run(_count(open_clinic))
    every = ROUNDS * COUNT
    arrived = _taken(port) - before - every
    rate = median(COUNT / gate["seconds"] for _, gate in rounds)
    ceiling = median(COUNT / bare["seconds"] for bare, _ in rounds)
    cpu, bare_cpu = (median(pair[n]["cpu"] / COUNT * 1e6 for pair in rounds) for n in (1, 0))
    rss = max(gate["rss"] for _, gate in rounds)
    return [
        Line(case="aiosmtplib loop, same mails made one by one", figure=f"{ceiling:,.0f}/s"),
        Line(
            case="gate, one worker", figure=f"{rate:,.0f}/s", ceiling=f"{ceiling:,.0f}/s", ratio=f"{rate / ceiling:.2f}",
            target=">= 1,000/s and >= 0.4", ok=rate >= 1000 and rate / ceiling >= 0.4,
        ),
        Line(case="worker's own processor time", figure=f"{cpu:.0f} us", ceiling=f"{bare_cpu:.0f} us"),
        Line(case="decisions recorded", figure=f"{decided:,}", target=f"{every:,}", ok=decided == every),
        Line(case="mails at the sink", figure=f"{arrived:,}", target=f"{sent:,}", ok=arrived == sent == every),
        Line(case="worker memory", figure=f"{rss / 1e6:.0f} MB", target="under 150 MB", ok=rss < 150e6),
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


async def _seed(open_clinic: Clinic, *, from_: int) -> None:
    conn = await connect(open_clinic.settings.database_url or "")
    await waiting_replies(conn, open_clinic.settings, COUNT, account=MAIL, channel=Channel.EMAIL, address=lambda n: mailbox(from_ + n))
    await conn.close()


async def _count(open_clinic: Clinic) -> tuple[int, int]:
    conn = await connect(open_clinic.settings.database_url or "")
    sent = await conn.fetchval("SELECT count(*) FROM message WHERE direction = 'outbound' AND status = 'accepted'")
    decided = await conn.fetchval("SELECT count(*) FROM decision WHERE phase = 'claim' AND outcome = 'ALLOW'")
    await conn.close()
    return int(sent), int(decided)


if __name__ == "__main__":
    main()
