"""The spool: verified requests on disk, for when the store cannot take them and their provider will not come again.

One file per request, encrypted under a key made from the house's own, written whole and synced before anything is answered.
Its name says when it came, so names in order are the order of arrival, and the name is sealed into the content: a file that was
renamed, cut or changed does not open. Nothing here is logged but names.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.intake.submission import KEPT_HEADERS
from hub.model.ids import AccountId
from hub.model.message import RawRequest
from hub.model.sealed import Sealed

SUFFIX: Final = ".req"
MAX_BYTES: Final = 256 * 1024 * 1024
MAX_ENTRIES: Final = 50_000
RECOUNT_S: Final = 1.0
ABANDONED_S: Final = 60.0
_NONCE: Final = 12


class SpoolFull(Exception):
    """More lies there than may: the provider is told to come again, as without a spool."""


class BadEntry(Exception):
    """A file that does not open, or holds something else than a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """One request that waits. account_id: whose webhook it came to."""

    name: str
    account_id: AccountId
    request: RawRequest


class Spool:
    """A folder of waiting requests, shared by every process of this machine. Blocking: call `put` and `read` in a thread.

    max_bytes, max_entries: what may lie there at most, all processes together, as of the last second.
    """

    def __init__(self, folder: Path, secret_key: Sealed[bytes], *, max_bytes: int = MAX_BYTES, max_entries: int = MAX_ENTRIES) -> None:
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"enquiry-hub spool v1").derive(secret_key.reveal())
        self._folder, self._cipher = folder, AESGCM(key)
        self._max_bytes, self._max_entries = max_bytes, max_entries
        self._counted = (float("-inf"), 0, 0)  # when, bytes, entries

    def put(self, account_id: AccountId, request: RawRequest) -> str:
        """Keep a request; its name. On return it is on disk, whatever happens next. Raises SpoolFull, OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        micros = int(request.received_at.timestamp() * 1_000_000)
        name = f"{micros:020d}-{time.monotonic_ns():020d}-{secrets.token_hex(4)}{SUFFIX}"
        nonce = secrets.token_bytes(_NONCE)
        content = nonce + self._cipher.encrypt(nonce, _encode(account_id, request), name.encode())
        self._make_room(len(content))
        temporary = self._folder / f".{name}"
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(self._folder / name)
        self._sync()
        return name

    def _make_room(self, size: int) -> None:
        """Raise SpoolFull where this one would be too many. Counted anew now and then, since other processes write too."""
        at, held, entries = self._counted
        if time.monotonic() - at > RECOUNT_S:
            sizes = [self._size(name) for name in self.names()]
            at, held, entries = time.monotonic(), sum(sizes), len(sizes)
        if held + size > self._max_bytes or entries + 1 > self._max_entries:
            self._counted = (at, held, entries)
            raise SpoolFull
        self._counted = (at, held + size, entries + 1)

    def _size(self, name: str) -> int:
        try:
            return (self._folder / name).stat().st_size
        except FileNotFoundError:
            return 0

    def waiting(self) -> bool:
        """Whether anything waits; quick enough to ask at every turn. True where that cannot be found out."""
        try:
            with os.scandir(self._folder) as found:
                return any(_is_entry(entry.name) for entry in found)
        except FileNotFoundError:
            return False
        except OSError:
            return True

    def names(self) -> list[str]:
        """What waits, in the order of arrival."""
        try:
            return sorted(name for name in os.listdir(self._folder) if _is_entry(name))
        except FileNotFoundError:
            return []

    def read(self, name: str) -> Spooled:
        """One request. Raises BadEntry; FileNotFoundError where somebody else took it."""
        content = (self._folder / name).read_bytes()
        try:
            plain = self._cipher.decrypt(content[:_NONCE], content[_NONCE:], name.encode())
            return _decode(name, plain)
        except (InvalidTag, ValueError, KeyError, TypeError, AttributeError):
            raise BadEntry(name) from None

    def remove(self, name: str) -> None:
        """The request is stored. Should this be lost in a crash it is stored again, which changes nothing."""
        (self._folder / name).unlink(missing_ok=True)

    def set_aside(self, name: str) -> None:
        """Put away what cannot be read, for a person to look at; it holds nobody else up."""
        aside = self._folder / "aside"
        aside.mkdir(mode=0o700, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            (self._folder / name).rename(aside / name)

    @contextlib.contextmanager
    def turn(self) -> Iterator[bool]:
        """One process empties the spool at a time: whether it is ours to do. A process that dies gives its turn back."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(self._folder / ".turn", os.O_RDWR | os.O_CREAT, 0o600), "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            self._sweep()
            yield True

    def _sweep(self) -> None:
        """Remove what a crash left half written: nobody was told that it was kept."""
        for path in self._folder.glob(f".*{SUFFIX}"):
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > ABANDONED_S:
                    path.unlink()

    def _sync(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _is_entry(name: str) -> bool:
    return name.endswith(SUFFIX) and not name.startswith(".")


def _encode(account_id: AccountId, request: RawRequest) -> bytes:
    """The request with what a later parse needs; signatures and cookies are not kept."""
    return json.dumps(
        {
            "account": account_id,
            "method": request.method,
            "path": request.path_and_query,
            "headers": {name: value for name, value in request.headers.items() if name in KEPT_HEADERS},
            "body": b64encode(request.body).decode("ascii"),
            "received_at": request.received_at.isoformat(),
        }
    ).encode()


def _decode(name: str, plain: bytes) -> Spooled:
    found = json.loads(plain)
    request = RawRequest(
        method=found["method"],
        path_and_query=found["path"],
        headers=dict(found["headers"]),
        body=b64decode(found["body"], validate=True),
        received_at=datetime.fromisoformat(found["received_at"]),
    )
    return Spooled(name=name, account_id=AccountId(found["account"]), request=request)
