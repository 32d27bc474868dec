"""A campaign to a loopback provider while people opt out by signed webhooks and workers are killed: does it add up?

BENCH_RECIPIENTS sets how many are on its list, 100,000 by default. Two workers in processes of their own are killed
with SIGKILL at random moments and replaced until everybody has been asked about. Nothing here is about speed.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from bench.clinic import Clinic, clinic
from bench.crowd import agreed, campaign_of
from bench.daylight import beginning, daylight
from bench.report import Line, show
from bench.requests import phone, sms_webhook
from hub.model.campaign import CampaignState, Progress
from hub.model.ids import CampaignId
from hub.store import campaigns, delivery
from hub.store.pool import Connection, connect

RECIPIENTS = int(os.environ.get("BENCH_RECIPIENTS", "100000"))
STOP_SHARE = 0.05  # of the people write STOP while it runs
STALE = timedelta(seconds=10)  # a send nobody recorded for so long is given up as unknown; a live worker's takes under two
FINAL = {"accepted", "failed", "unknown", "sent", "delivered", "read"}
# Each row remembers what its transaction could see: a claim let go whose snapshot already held the stop has ignored it.
WATCH = """
ALTER TABLE decision ADD COLUMN seen pg_snapshot DEFAULT pg_current_snapshot();
ALTER TABLE suppression ADD COLUMN written_by_xact xid8 DEFAULT pg_current_xact_id();
"""
IGNORED = """
SELECT count(*) FROM message m JOIN decision d ON d.id = m.decision_id AND d.outcome = 'ALLOW'
JOIN suppression s ON s.contact_id = m.contact_id AND s.scope IN ('ALL_CONTACT', 'CHANNEL', 'ALL_MARKETING', 'CHANNEL_MARKETING')
WHERE m.campaign_id = $1 AND pg_visible_in_snapshot(s.written_by_xact, d.seen)
"""
# Whoever was let go without a word from the provider, and whoever it saw that was never let go.
ADDRESSES = "SELECT i.address, m.status FROM message m JOIN identity i ON i.id = m.identity_id WHERE m.campaign_id = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run came to. ignored: sends claimed though a covering stop was committed. doubled: numbers sent to twice.

    unseen: let go, not seen by the provider and not unknown. strangers: seen by the provider and never let go.
    """

    progress: Progress
    people_counted: int
    stops: int
    kills: int
    ignored: int
    doubled: int
    unseen: int
    strangers: int
    finished: bool
    seconds: float

    @property
    def sound(self) -> bool:
        p = self.progress
        wrong = self.ignored + self.doubled + self.unseen + self.strangers + p.pending
        return not wrong and p.adds_up and self.finished and set(p.statuses) <= FINAL and self.people_counted == p.listed


def main() -> None:
    """Run and show."""
    with clinic() as open_clinic:
        o = run(open_clinic, recipients=RECIPIENTS, kill_every_s=10.0)
    p = o.progress
    sent, reasons = p.let_go - p.statuses.get("unknown", 0), ", ".join(f"{n:,} {r}" for r, n in sorted(p.refused.items()))
    show(
        f"A campaign to {p.listed:,} people: {o.stops:,} opted out, {o.kills} workers killed, {o.seconds:.0f} s",
        [
            Line(case="sends claimed after a covering stop", figure=str(o.ignored), target="0", ok=o.ignored == 0),
            Line(case="numbers sent to twice", figure=str(o.doubled), target="0", ok=o.doubled == 0),
            Line(case="listed", figure=f"{p.listed:,}"),
            Line(case=f"refused at the last look ({reasons})", figure=f"-{p.refusals:,}"),
            Line(case="unknown: cut off between claim and result", figure=f"-{p.statuses.get('unknown', 0):,}"),
            Line(case="sent", figure=f"{sent:,}", target="listed - refused - unknown", ok=p.adds_up and not p.pending),
            Line(case="let go, not seen by the provider, not unknown", figure=str(o.unseen), target="0", ok=o.unseen == 0),
            Line(case="seen by the provider, never let go", figure=str(o.strangers), target="0", ok=o.strangers == 0),
            Line(case="everybody in one final or unknown state", figure="yes" if o.sound else "no", target="yes", ok=o.sound),
        ],
    )  # fmt: skip
    if not o.sound:
        raise SystemExit("the campaign does not add up")


def run(open_clinic: Clinic, *, recipients: int, seed: int = 1, kill_every_s: float = 3.0) -> Outcome:
    """One campaign from its list to its end, in a clinic with nothing else in it."""
    began, chance = beginning(), random.Random(seed)
    with TemporaryDirectory(prefix="till") as folder, ExitStack() as stack:
        seen, settings = Path(folder) / "seen", open_clinic.settings
        stack.enter_context(open_clinic.process("-m", "bench.till", str(settings.sandbox_port), str(seen)))
        stack.enter_context(open_clinic.process("-m", "bench.server", ready_url=f"http://127.0.0.1:{settings.port}/healthz"))
        return asyncio.run(_run(open_clinic, seen, recipients, chance, lambda: daylight(began), began, kill_every_s))


async def _run(
    c: Clinic, seen: Path, people: int, chance: random.Random, clock: Callable[[], datetime], began: datetime, kill_every_s: float
) -> Outcome:
    conn = await connect(c.settings.database_url or "")
    await agreed(conn, c.settings, people, now=clock())
    campaign_id = await campaign_of(conn, c.settings, now=clock())
    await conn.execute(WATCH)
    started = time.monotonic()
    done = asyncio.Event()
    numbers = chance.sample(range(people), int(people * STOP_SHARE))
    opting = asyncio.create_task(_opt_out(c, numbers, seen, people, done))
    kills = await _work(conn, c, campaign_id, chance, clock, began, kill_every_s, done)
    stops = await opting
    outcome = await _outcome(conn, campaign_id, seen, stops, kills, time.monotonic() - started)
    await conn.close()
    return outcome


async def _work(
    conn: Connection, c: Clinic, campaign_id: UUID, chance: random.Random, clock: Callable[[], datetime], began: datetime,
    kill_every_s: float, done: asyncio.Event,
) -> int:  # fmt: skip
    """Two workers, killed and replaced, until the campaign has ended. How many were killed."""

    def worker() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "bench.campaign_worker", str(campaign_id), began.isoformat()], env=c.environ)

    workers, kills, next_kill = [worker(), worker()], 0, time.monotonic() + kill_every_s
    try:
        while not await _ended(conn, campaign_id):
            await asyncio.sleep(0.2)
            await delivery.give_up_stale(conn, claimed_before=clock() - STALE, now=clock())
            if time.monotonic() > next_kill:
                workers[chance.randrange(2)].kill()
                kills, next_kill = kills + 1, time.monotonic() + chance.uniform(0.7, 1.3) * kill_every_s
            workers = [w if w.poll() is None else worker() for w in workers]
        return kills
    finally:
        done.set()
        for w in workers:
            w.kill()
            w.wait()


async def _ended(conn: Connection, campaign_id: UUID) -> bool:
    found = await campaigns.one(conn, campaign_id)
    return found is not None and found.state is CampaignState.FINISHED


async def _opt_out(c: Clinic, numbers: list[int], seen: Path, people: int, done: asyncio.Event) -> int:
    """Let these people write STOP, as many of them as the campaign has got far; how many did before it ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", c.settings.port)
    written = 0
    while numbers and not done.is_set():
        share = _sent(seen) / people
        if written > share * 1.3 * STOP_SHARE * people:
            await asyncio.sleep(0.02)
            continue
        writer.write(sms_webhook(c.settings, phone=phone(numbers.pop()), text="STOP"))
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise SystemExit("a stop was not taken in")
        written += 1
    writer.close()
    return written


def _sent(seen: Path) -> float:
    """How many the provider was given so far: a line holds a number of 13 signs."""
    return seen.stat().st_size / 14 if seen.exists() else 0.0


def _seen(seen: Path) -> Counter[str]:
    return Counter(seen.read_text().split())


async def _outcome(conn: Connection, campaign_id: CampaignId, seen: Path, stops: int, kills: int, seconds: float) -> Outcome:
    progress = await campaigns.progress(conn, campaign_id)
    left = _seen(seen)
    let_go = {r["address"]: r["status"] for r in await conn.fetch(ADDRESSES, campaign_id)}
    return Outcome(
        progress=progress,
        people_counted=(await campaigns.sheet(conn, campaign_id)).get("ALLOW", 0),
        stops=stops,
        kills=kills,
        ignored=await conn.fetchval(IGNORED, campaign_id),
        doubled=sum(1 for times in left.values() if times > 1),
        unseen=sum(1 for number, status in let_go.items() if number not in left and status != "unknown"),
        strangers=sum(1 for number in left if number not in let_go),
        finished=await _ended(conn, campaign_id),
        seconds=seconds,
    )


if __name__ == "__main__":
    main()
