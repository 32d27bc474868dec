"""Webhooks on one processor: verify and parse of each adapter's plain text message, beside hashing the same bytes; memory after."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable

import psutil

from bench.report import Line, show
from hub.model.message import RawRequest
from tests.contract.samples import NOW, SAMPLES, Sample

FOR_S = 1.0
EVENTS = 100_000
MOST_GROWN = 5_000_000  # bytes


def main() -> None:
    """Measure and show."""
    lines = [_speed(kind, SAMPLES[kind]) for kind in sorted(SAMPLES)]
    show("Webhooks, verify and parse, one processor", [*lines, _memory()])


def _speed(kind: str, sample: Sample) -> Line:
    request = sample.request()
    key = b"0123456789abcdef0123456789abcdef"
    bare = _rate(lambda: hmac.digest(key, request.body, hashlib.sha256))
    ours = _rate(lambda: _once(sample))
    return Line(
        case=kind, figure=f"{ours:,.0f}/s", ceiling=f"{bare:,.0f}/s", ratio=f"{ours / bare:.2f}", target=">= 15,000/s", ok=ours >= 15_000
    )


def _once(sample: Sample) -> None:
    request = _requests.setdefault(sample.account.id, sample.request())
    sample.adapter.verify(request, sample.account, NOW)
    sample.adapter.parse(request, sample.account)


_requests: dict[str, RawRequest] = {}


def _rate(work: Callable[[], object]) -> float:
    done, began = 0, time.process_time()
    while (spent := time.process_time() - began) < FOR_S:
        for _ in range(200):
            work()
        done += 200
    return done / spent


def _memory() -> Line:
    """How much the process has grown by after so many of each kind."""
    process = psutil.Process()
    for sample in SAMPLES.values():
        for _ in range(1000):
            _once(sample)
    before = process.memory_info().rss
    for sample in SAMPLES.values():
        for _ in range(EVENTS if sample.adapter.kind != "email" else EVENTS // 10):
            _once(sample)
    grown = process.memory_info().rss - before
    return Line(
        case=f"grown by after {EVENTS:,} of each (a tenth of mails)", figure=f"{grown / 1e6:.1f} MB", target="flat", ok=grown < MOST_GROWN
    )


if __name__ == "__main__":
    main()
