"""Intake of a signed WhatsApp webhook, durable before the 200, opt-out recognised; beside hello and one at a time."""

from __future__ import annotations

import asyncio

from bench.clinic import Clinic, clinic
from bench.load import LoadResult, load, post
from bench.report import Line, percentile, show
from bench.requests import conversation

COUNT = 6000


def main() -> None:
    """Measure and show."""
    with clinic() as open_clinic:
        url = f"http://127.0.0.1:{open_clinic.settings.port}/healthz"
        with open_clinic.process("-m", "bench.server", ready_url=url) as web:
            lines = _measure(open_clinic)
            lines.append(
                Line(
                    case="web memory after it",
                    figure=f"{web.memory_info().rss / 1e6:.0f} MB",
                    target="under 150 MB",
                    ok=web.memory_info().rss < 150e6,
                )
            )
    show("Intake", lines)


def _measure(open_clinic: Clinic) -> list[Line]:
    settings = open_clinic.settings
    host, port = "127.0.0.1", settings.port
    ready = conversation(settings, COUNT, people=2000)
    slow = conversation(settings, COUNT // 4, people=2000, path="/bench/naive/whatsapp-sandbox")
    load(host, port, conversation(settings, 2500, people=2000), connections=16)  # warm, as a clinic's second day finds it
    asyncio.run(open_clinic.analyze())
    hello = load(host, port, [post("/bench/hello", b"x" * 400)] * 20_000, connections=32)
    intake = load(host, port, ready, connections=32)
    naive = load(host, port, slow, connections=32)
    one = load(host, port, conversation(settings, 400, people=400), connections=1)
    one_naive = load(host, port, conversation(settings, 400, people=400, path="/bench/naive/whatsapp-sandbox"), connections=1)
    _check(intake, naive, one, one_naive)
    share, times = intake.rate_per_s / hello.rate_per_s, intake.rate_per_s / naive.rate_per_s
    p99 = percentile(intake.latencies_s, 0.99) * 1000
    median, median_naive = percentile(one.latencies_s, 0.5) * 1000, percentile(one_naive.latencies_s, 0.5) * 1000
    return [
        Line(case="hello POST", figure=f"{hello.rate_per_s:,.0f}/s"),
        Line(
            case="intake, 32 connections",
            figure=f"{intake.rate_per_s:,.0f}/s",
            ceiling=f"{hello.rate_per_s:,.0f}/s",
            ratio=f"{share:.2f}",
            target=">= 0.22 of hello",
            ok=share >= 0.22,
        ),
        Line(
            case="intake against one at a time",
            figure=f"{intake.rate_per_s:,.0f}/s",
            ceiling=f"{naive.rate_per_s:,.0f}/s",
            ratio=f"{times:.1f}x",
            target=">= 3x",
            ok=times >= 3,
        ),
        Line(case="intake p99, 32 connections", figure=f"{p99:.1f} ms", target="< 60 ms", ok=p99 < 60),
        Line(
            case="intake median, 1 connection",
            figure=f"{median:.2f} ms",
            ceiling=f"{median_naive:.2f} ms",
            ratio=f"{median / median_naive:.2f}",
            target="no worse than one at a time",
            ok=median <= median_naive * 1.05,
        ),
    ]


def _check(*results: LoadResult) -> None:
    for result in results:
        if set(result.statuses) != {200}:
            raise SystemExit(f"not every request was stored: {result.statuses}")


if __name__ == "__main__":
    main()
