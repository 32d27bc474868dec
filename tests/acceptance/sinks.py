"""Everywhere private data must not go: what processes say, what Valkey is told and holds, measurements, error pages."""

from __future__ import annotations

import ast
import base64
import re
import socket
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from redis import Redis

from tests.acceptance.clinic import Clinic
from workers.runtime import QUEUES

_QUOTED = re.compile(rb'"(?:[^"\\]|\\.)*"')


class Listener:
    """Hears every command Valkey is given, from `with` to its end: what is written and gone again counts too."""

    def __init__(self, clinic: Clinic) -> None:
        self._path = unquote(urlsplit(clinic.settings.redis_url or "").path)
        self._said: list[bytes] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Listener:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(self._path)
        self._socket.sendall(b"MONITOR\r\n")
        assert self._socket.recv(5) == b"+OK\r\n"
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()

    def _listen(self) -> None:
        while part := self._socket.recv(65_536):
            self._said.append(part)

    def heard(self) -> bytes:
        """Every argument of every command, unpacked where RQ packs it."""
        arguments = (ast.literal_eval("b" + found.decode("latin-1")) for found in _QUOTED.findall(b"".join(self._said)))
        return b"\n".join(_unpacked(argument) for argument in arguments)


def held_by_valkey(clinic: Clinic) -> bytes:
    """Every key with all it holds, finished and failed jobs included."""
    with Redis.from_url(clinic.settings.redis_url or "") as valkey:
        return b"\n".join(part for key in valkey.scan_iter() for part in (key, valkey.dump(key), *_values(valkey, key)))


def failed_jobs(clinic: Clinic) -> int:
    """Jobs whose failure is on file."""
    with Redis.from_url(clinic.settings.redis_url or "") as valkey:
        return sum(int(valkey.zcard(f"rq:failed:{name}")) for name in QUEUES)


def _values(valkey: Any, key: bytes) -> Iterator[bytes]:
    kind = valkey.type(key)
    if kind == b"string":
        yield _unpacked(valkey.get(key))
    elif kind == b"hash":
        yield from (_unpacked(part) for pair in valkey.hgetall(key).items() for part in pair)
    elif kind == b"list":
        yield from valkey.lrange(key, 0, -1)
    elif kind == b"set":
        yield from valkey.smembers(key)
    elif kind == b"zset":
        yield from valkey.zrange(key, 0, -1)
    elif kind == b"stream":
        yield from (_unpacked(part) for _, fields in valkey.xrange(key) for pair in fields.items() for part in pair)
    else:
        raise AssertionError(f"a key of a kind nobody looks into: {kind!r}")


def _unpacked(value: bytes) -> bytes:
    """As RQ packs what it keeps: compressed, and the story of a failed job in base64 as well."""
    for unpack in (zlib.decompress, lambda packed: zlib.decompress(base64.b64decode(packed))):
        with suppress(zlib.error, ValueError):
            return value + b"\n" + unpack(value)
    return value


def leaks(sinks: Mapping[str, bytes], sentinels: Iterable[str]) -> list[tuple[str, str]]:
    """(sink, sentinel) for every one that was found."""
    low = {name: held.lower() for name, held in sinks.items()}
    return [(name, s) for s in sentinels for name, held in low.items() if s.lower().encode() in held]
