"""Mails of 25 MB made to cost time or memory, each read in a process of its own, beside a plain mail of that size."""

from __future__ import annotations

import multiprocessing
import resource
import time
from collections.abc import Callable

from bench.report import Line, show
from channels.mail.reader import read_mail
from tests.unit.mail.hostile import HOSTILE, H, fill

SIZE = 25_000_000  # bytes
PLAIN = "a plain mail"
MAILS: dict[str, Callable[[int], bytes]] = {PLAIN: lambda n: H + b"\r\n" + fill(b"We are open until eight on Tuesdays.\r\n", n), **HOSTILE}


def main() -> None:
    """Measure each, and show the slowest and the hungriest."""
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        costs = {name: pool.apply(cost, (name,)) for name in MAILS}
    plain_s, plain_share = costs.pop(PLAIN)
    slowest = sorted(costs, key=lambda name: costs[name][0], reverse=True)[:3]
    hungriest = max(costs, key=lambda name: costs[name][1])
    lines = [
        Line(
            case=f"time: {name}",
            figure=f"{(took := costs[name][0]):.2f} s",
            ceiling=f"{plain_s:.2f} s",
            ratio=f"{took / max(plain_s, 0.001):.1f}",
            target="< 2 s",
            ok=took < 2,
        )
        for name in slowest
    ]
    share = costs[hungriest][1]
    lines.append(
        Line(
            case=f"memory: {hungriest}",
            figure=f"{share:.1f} x its size",
            ceiling=f"{plain_share:.1f} x",
            ratio=f"{share / max(plain_share, 0.1):.1f}",
            target="< 10 x its size",
            ok=share < 10,
        )
    )
    show(f"Hostile mails of 25 MB ({len(HOSTILE)} kinds), beside a plain one", lines)


def cost(name: str) -> tuple[float, float]:
    """Processor seconds to read it, and the most memory beyond the mail itself as a multiple of its size."""
    raw = MAILS[name](SIZE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    read_mail(raw)
    took = time.process_time() - began
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # KiB
    return took, grown * 1024 / len(raw)


if __name__ == "__main__":
    main()
