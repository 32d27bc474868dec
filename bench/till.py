"""A provider that takes every message at once, over HTTP on loopback: what it was given, it writes to a file before it answers.

`python -m bench.till PORT FILE`. One line for each number, so that whoever was sent to twice is seen, whatever became of
the worker that sent it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from urllib.parse import parse_qs

import uvloop

_HEAD = "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"


class Till(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, file: int) -> None:
        self._file, self._buffer = file, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            length = _length(self._buffer[:end])
            if len(self._buffer) < end + 4 + length:
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        to = parse_qs(body.decode()).get("To", [""])[0]
        answer = b"{}"
        if to:
            os.write(self._file, f"{to}\n".encode())
            answer = f'{{"sid": "SM{os.urandom(16).hex()}", "status": "queued"}}'.encode()
        self._transport.write(_HEAD.format(status="201 Created" if to else "200 OK", length=len(answer)).encode() + answer)


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


async def main(port: int, path: str) -> None:
    """Serve until ended."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    server = await asyncio.get_running_loop().create_server(lambda: Till(file), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
