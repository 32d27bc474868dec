"""The gate: SMS through the SDK against the loopback double, decided and recorded; and stops arriving while it runs."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from typing import Any

from bench.clinic import Clinic, clinic, wait_for
from bench.load import LoadResult, load
from bench.report import Line, percentile, show
from bench.requests import phone, whatsapp_webhook
from bench.seed import waiting_replies
from hub.model.address import Channel
from hub.model.ids import AccountId
from hub.store.pool import connect

COUNT = 8000
STOPS = 300
SMS = AccountId("sms-sandbox")

# A claim that was let go although a stop covering its person had been recorded before it was asked.
_LATE = """
SELECT count(*) FROM message m JOIN decision d ON d.id = m.decision_id AND d.outcome = 'ALLOW'
JOIN suppression s ON s.contact_id = m.contact_id AND s.scope = 'ALL_CONTACT'
WHERE m.direction = 'outbound' AND s.recorded_at < d.asked_at
"""


def main() -> None:
    """Measure and show."""
    with clinic() as open_clinic:
        settings = open_clinic.settings
        account = settings.accounts[SMS]
        double = (
            "-m", "channels.sandbox.twilio", "--port", str(settings.sandbox_port), "--account-sid", str(account.options["account_sid"]),
            "--auth-token", account.secrets["auth_token"].reveal(), "--public-url", settings.public_url, "--no-statuses",
        )  # fmt: skip
        web_url = f"http://127.0.0.1:{settings.port}/healthz"
        with open_clinic.process(*double), open_clinic.process("-m", "bench.server", ready_url=web_url):
            wait_for(f"http://127.0.0.1:{settings.sandbox_port}/")
            lines = _measure(open_clinic)
    show("The gate", lines)


def _measure(open_clinic: Clinic) -> list[Line]:
    asyncio.run(_seed(open_clinic))
    bare = _worker(open_clinic, "bare")
    stops: list[LoadResult] = []
    during = threading.Thread(target=lambda: stops.append(_stops(open_clinic)))
    during.start()
    gate = _worker(open_clinic)
    during.join()
    sent, late = asyncio.run(_count(open_clinic))
    rate, ceiling = sent / gate["seconds"], COUNT / bare["seconds"]
    p99 = percentile(stops[0].latencies_s, 0.99) * 1000
    rss = gate["rss"] / 1e6
    return [
        Line(case="SDK loop without the hub", figure=f"{ceiling:,.0f}/s"),
        Line(
            case="gate, one worker", figure=f"{rate:,.0f}/s", ceiling=f"{ceiling:,.0f}/s", ratio=f"{rate / ceiling:.2f}",
            target=">= 1,000/s", ok=rate >= 1000,
        ),
        Line(case="stop to effect under that load, p99", figure=f"{p99:.0f} ms", target="< 100 ms", ok=p99 < 100),
        Line(case="sends claimed after their stop", figure=str(late), target="0", ok=late == 0),
        Line(case="worker memory", figure=f"{rss:.0f} MB", target="under 150 MB", ok=rss < 150),
    ]  # fmt: skip


def _worker(open_clinic: Clinic, *mode: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.worker", str(COUNT), *mode], env=open_clinic.environ, check=True, capture_output=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _stops(open_clinic: Clinic) -> LoadResult:
    """People in the queue ask for no contact at all, on another channel, while their replies are being sent."""
    requests = [
        whatsapp_webhook(open_clinic.settings, phone=phone(n * (COUNT // STOPS)), text="don't contact me again") for n in range(STOPS)
    ]
    return load("127.0.0.1", open_clinic.settings.port, requests, connections=2)


async def _seed(open_clinic: Clinic) -> None:
    conn = await connect(open_clinic.settings.database_url or "")
    await waiting_replies(conn, open_clinic.settings, COUNT, account=SMS, channel=Channel.SMS)
    await conn.close()


async def _count(open_clinic: Clinic) -> tuple[int, int]:
    conn = await connect(open_clinic.settings.database_url or "")
    sent = await conn.fetchval("SELECT count(*) FROM message WHERE direction = 'outbound' AND status = 'accepted'")
    late = await conn.fetchval(_LATE)
    left = await conn.fetchval("SELECT count(*) FROM message WHERE status IN ('queued', 'sending')")
    await conn.close()
    if left:
        raise SystemExit(f"{left} messages were left behind")
    return int(sent), int(late)


if __name__ == "__main__":
    main()
