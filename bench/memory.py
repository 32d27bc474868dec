"""Memory of the web process over many messages: it must lie flat. BENCH_MESSAGES sets how many, 200,000 by default."""

from __future__ import annotations

import os

from bench.clinic import clinic
from bench.load import load
from bench.report import Line, show
from bench.requests import conversation

MESSAGES = int(os.environ.get("BENCH_MESSAGES", "200000"))
SLICE = 10_000


def main() -> None:
    """Measure and show."""
    sizes: list[float] = []
    with clinic() as open_clinic:
        settings = open_clinic.settings
        with open_clinic.process("-m", "bench.server", ready_url=f"http://127.0.0.1:{settings.port}/healthz") as web:
            for _ in range(max(2, MESSAGES // SLICE)):
                load("127.0.0.1", settings.port, conversation(settings, SLICE, people=5000), connections=32)
                sizes.append(web.memory_info().rss / 1e6)
    growth = sizes[-1] - sizes[len(sizes) // 4]
    show(
        "Memory",
        [
            Line(
                case=f"web after {len(sizes) * SLICE:,} messages", figure=f"{sizes[-1]:.0f} MB", target="under 150 MB", ok=sizes[-1] < 150
            ),
            Line(case="growth over the last three quarters", figure=f"{growth:+.0f} MB", target="flat (under 10 MB)", ok=growth < 10),
        ],
    )


if __name__ == "__main__":
    main()
