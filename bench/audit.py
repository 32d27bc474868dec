"""The audit log: what appending costs intake, and how long reading all of it takes. BENCH_AUDIT_ROWS: 1,000,000 by default."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

from bench.clinic import CONFIG, Clinic, clinic, free_port
from bench.load import load
from bench.report import Line, percentile, show
from bench.requests import conversation
from hub import audit
from hub.settings import load_settings
from hub.store.pool import Connection, connect

ROWS = int(os.environ.get("BENCH_AUDIT_ROWS", "1000000"))
MESSAGES, ROUNDS = 3000, 4
_APPEND = """
INSERT INTO audit_event (id, at, actor, role, action, object, reason)
SELECT (lpad(to_hex(1700000000000 + n), 12, '0') || '70008' || lpad(to_hex(n), 15, '0'))::uuid, $1, 'system:gate', NULL, 'decision.allow',
       'message:' || md5(n::text)::uuid, 'ALLOW' FROM generate_series($2::int, $3::int) n
"""


def main() -> None:
    """Measure and show."""
    with clinic() as open_clinic:
        lines = _intake(open_clinic)
        lines += asyncio.run(_verify(open_clinic))
    show("The audit log", lines)


def _intake(open_clinic: Clinic) -> list[Line]:
    """The same webhooks to two web processes in turns; one of them appends nothing."""
    environs = ({"HUB_PORT": str(free_port())}, {"HUB_PORT": str(free_port()), "BENCH_NO_AUDIT": "on"})
    rates: tuple[list[float], list[float]] = ([], [])
    with ExitStack() as stack:
        found = []
        for environ in environs:
            whole = {**open_clinic.environ, **environ}
            server = replace(open_clinic, environ=whole, settings=load_settings(whole, CONFIG))
            stack.enter_context(server.process("-m", "bench.server", ready_url=f"http://127.0.0.1:{server.settings.port}/healthz"))
            found.append(server.settings)
        for turn in range(ROUNDS + 1):
            for which in ((0, 1), (1, 0))[turn % 2]:
                result = load("127.0.0.1", found[which].port, conversation(found[which], MESSAGES, people=2000), connections=32)
                if set(result.statuses) != {200}:
                    raise SystemExit(f"not every request was stored: {result.statuses}")
                if turn:  # the first is to get warm
                    rates[which].append(result.rate_per_s)
    with_it, without = (percentile(r, 0.5) for r in rates)
    cost = 1 - with_it / without
    return [
        Line(case="intake without appending", figure=f"{without:,.0f}/s"),
        Line(
            case="intake", figure=f"{with_it:,.0f}/s", ceiling=f"{without:,.0f}/s", ratio=f"{with_it / without:.2f}",
            target="under 10% slower", ok=cost < 0.10,
        ),
    ]  # fmt: skip


async def _verify(open_clinic: Clinic) -> list[Line]:
    conn = await connect(open_clinic.settings.database_url or "")
    now = datetime.now(UTC)
    for start in range(0, ROWS, 100_000):
        await conn.execute(_APPEND, now, start + 1, min(ROWS, start + 100_000), timeout=120)
    began = time.perf_counter()
    while await audit.seal_once(conn, now) == audit.BATCH:
        pass
    sealing = time.perf_counter() - began
    bare = await _bare(conn)
    began = time.perf_counter()
    report = await audit.verify_database(conn, now)
    took = time.perf_counter() - began
    if not report.whole or report.rows < ROWS:
        raise SystemExit("the log is not whole: nothing was measured")
    await conn.close()
    return [
        Line(case="reading the rows and no more", figure=f"{bare:.1f} s"),
        Line(
            case=f"verifying {report.rows:,} rows", figure=f"{took:.1f} s", ceiling=f"{bare:.1f} s", ratio=f"{took / bare:.1f}x",
            target="< 60 s for 1,000,000", ok=took * 1_000_000 / report.rows < 60,
        ),
        Line(case="sealing them", figure=f"{ROWS / sealing:,.0f}/s"),
    ]  # fmt: skip


async def _bare(conn: Connection) -> float:
    began = time.perf_counter()
    async with conn.transaction():
        async for _ in conn.cursor("SELECT * FROM audit_event", prefetch=5000):
            pass
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
