"""Starting again: from `hub up` on yesterday's data to the first page."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time

from bench.clinic import free_port, wait_for
from bench.report import Line, show


def main() -> None:
    """Measure and show."""
    with tempfile.TemporaryDirectory(prefix="hubstart", ignore_cleanup_errors=True) as folder:
        environ = {
            **os.environ,
            "HUB_SANDBOX": "on",
            "HUB_DATA_DIR": folder,
            "HUB_PORT": str(free_port()),
            "HUB_SANDBOX_PORT": str(free_port()),
            "HUB_LOG": "json",
        }
        first, second = _start(environ), _start(environ)
    show(
        "Start",
        [
            Line(case="first start to first page", figure=f"{first:.1f} s"),
            Line(case="second start to first page", figure=f"{second:.1f} s", target="< 5 s", ok=second < 5),
        ],
    )


def _start(environ: dict[str, str]) -> float:
    began = time.perf_counter()
    hub = subprocess.Popen([sys.executable, "-m", "hub", "up"], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{environ['HUB_PORT']}/sign-in", timeout_s=60)
        return time.perf_counter() - began
    finally:
        hub.send_signal(signal.SIGINT)
        hub.wait(60)


if __name__ == "__main__":
    main()
