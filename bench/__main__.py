"""`python -m bench [NAME ...]`: all benches, or those named. Each stops by itself; none fails on a timing."""

from __future__ import annotations

import importlib
import sys

BENCHES = (
    "judge",
    "channels",
    "intake",
    "gate",
    "mail_out",
    "live",
    "start",
    "memory",
    "audit",
    "campaign",
    "campaign_kill",
    "mail_in",
    "hostile",
)


def main() -> None:
    """Run them one after another, so that none is measured beside another."""
    chosen = sys.argv[1:] or list(BENCHES)
    unknown = set(chosen) - set(BENCHES)
    if unknown:
        sys.exit(f"There is no bench called {', '.join(sorted(unknown))}: choose from {', '.join(BENCHES)}.")
    for name in chosen:
        importlib.import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
