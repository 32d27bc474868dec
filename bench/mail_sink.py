"""An SMTP server that takes everything and keeps nothing but the count: what outbound mail is measured against.

`python -m bench.mail_sink PORT` listens on loopback; a line "COUNT" in place of a command answers how many mails came.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop

_GREETING = b"220 sink ESMTP\r\n"
_HELLO = b"250-sink\r\n250-PIPELINING\r\n250-SIZE 26214400\r\n250 8BITMIME\r\n"


class Sink(asyncio.Protocol):
    """One connection."""

    taken = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._to = cast(asyncio.WriteTransport, transport)  # uvloop's own is one without saying so
        self._held, self._in_mail = b"", False
        self._to.write(_GREETING)

    def data_received(self, data: bytes) -> None:
        self._held += data
        while self._held:
            mark = b"\r\n.\r\n" if self._in_mail else b"\r\n"
            line, found, rest = self._held.partition(mark)
            if not found:
                return
            self._held = rest
            if self._in_mail:
                self._in_mail = False
                Sink.taken += 1
                self._to.write(b"250 2.0.0 taken\r\n")
            else:
                self._answer(line[:4].upper())

    def _answer(self, verb: bytes) -> None:
        if verb == b"EHLO":
            self._to.write(_HELLO)
        elif verb == b"DATA":
            self._in_mail = True
            self._to.write(b"354 go on\r\n")
        elif verb == b"COUN":
            self._to.write(b"250 %d\r\n" % Sink.taken)
        elif verb == b"QUIT":
            self._to.write(b"221 bye\r\n")
            self._to.close()
        else:
            self._to.write(b"250 2.0.0 ok\r\n")


async def main(port: int) -> None:
    """Listen until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
