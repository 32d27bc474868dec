"""A load generator as thin as Python allows: prepared bytes, raw sockets, one process of its own.

It talks to loopback only, sends a fixed number of requests and stops by itself.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import uvloop


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """rate_per_s over the whole run; latencies in seconds, one per request; statuses by code."""

    rate_per_s: float
    latencies_s: list[float]
    statuses: dict[int, int]


class _Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self, work: Iterator[bytes], result: dict[str, Any], done: asyncio.Future[None]) -> None:
        self._work, self._result, self._done = work, result, done
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport
        self._next()

    def _next(self) -> None:
        request = next(self._work, None)
        if request is None:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
            return
        self._started = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, sep, rest = self._buffer.partition(b"\r\n\r\n")
        if not sep:
            return
        length = 0
        for line in head.split(b"\r\n")[1:]:
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        self._result["latencies"].append(time.perf_counter() - self._started)
        status = int(head[9:12])
        self._result["statuses"][status] = self._result["statuses"].get(status, 0) + 1
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._done.done():
            self._result["statuses"][0] = self._result["statuses"].get(0, 0) + 1
            self._done.set_result(None)


async def _drive(host: str, port: int, requests: Sequence[bytes], connections: int) -> dict[str, Any]:
    result: dict[str, Any] = {"latencies": [], "statuses": {}}
    work = iter(requests)
    loop = asyncio.get_running_loop()
    ends = []
    began = time.perf_counter()
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        await loop.create_connection(lambda done=done: _Connection(work, result, done), host, port)  # type: ignore[misc]
        ends.append(done)
    await asyncio.gather(*ends)
    result["seconds"] = time.perf_counter() - began
    return result


def _child(host: str, port: int, requests: Sequence[bytes], connections: int, pipe: Any) -> None:
    result = uvloop.run(_drive(host, port, requests, connections))
    pipe.send_bytes(json.dumps(result).encode())


def load(host: str, port: int, requests: Sequence[bytes], *, connections: int) -> LoadResult:
    """Send every request once over `connections` keep-alive connections, from a process of its own."""
    parent, child = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=_child, args=(host, port, requests, connections, child))
    process.start()
    raw = json.loads(parent.recv_bytes())
    process.join()
    return LoadResult(
        rate_per_s=len(requests) / raw["seconds"],
        latencies_s=raw["latencies"],
        statuses={int(k): v for k, v in raw["statuses"].items()},
    )


def post(path: str, body: bytes, headers: dict[str, str] | None = None, *, host: str = "127.0.0.1") -> bytes:
    """One HTTP/1.1 POST as bytes."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{k}: {v}" for k, v in (headers or {}).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
