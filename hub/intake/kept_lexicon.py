"""Keeps the compiled opt-out lexicon in the data folder, so that a process starts in a tenth of a second instead of two.

What is kept is signed with the hub's key, and read only where the signature holds: unpickling runs what it reads. It is
named after everything it was made of (lists, weights, code, Python), so a changed list is compiled anew. Loses nothing: whatever
is wrong with the file, the lists are read instead.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import hashlib
import hmac
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hub import leaning, lexicon
from hub.leaning import FOLDER as LEANING
from hub.leaning import WEIGHTS
from hub.lexicon import FOLDER as LISTS
from hub.lexicon import load_lexicon
from hub.model.sealed import Sealed
from hub.policy import optout
from hub.policy.optout import Lexicon

_SIGNATURE = hashlib.sha256().digest_size
_COMPILE_WITHIN_S = 120
_in_memory: dict[str, Lexicon] = {}  # the one this process read last, by what it is made of


def kept_lexicon(config_dir: Path, folder: Path, key: Sealed[bytes]) -> Lexicon:
    """The lexicon of `config_dir`, from `folder` where it was kept. Raises what `load_lexicon` raises."""
    made_of = _made_of(config_dir)
    if made_of not in _in_memory:
        found = _read(folder, made_of, key) or _compiled(config_dir, folder, made_of, key)
        _in_memory.clear()
        _in_memory[made_of] = found or load_lexicon(config_dir)
    return _in_memory[made_of]


def keep(config_dir: Path, folder: Path, key: Sealed[bytes]) -> None:
    """Compile the lists and keep them. Raises what `load_lexicon` raises, and OSError."""
    _write(folder, pickle.dumps(load_lexicon(config_dir), protocol=5), _made_of(config_dir), key)


def _compiled(config_dir: Path, folder: Path, made_of: str, key: Sealed[bytes]) -> Lexicon | None:
    """Compiled by one process at a time: of several that start together, the others wait and read what the first one kept."""
    with _alone(folder):
        if (found := _read(folder, made_of, key)) is None:
            _compile_aside(config_dir, folder, key)
            found = _read(folder, made_of, key)
    return found


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """As the only process that does this with the folder; where it cannot be locked, beside others. Ends with the process."""
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            opened = os.open(folder, os.O_RDONLY)
            held.callback(os.close, opened)
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def _compile_aside(config_dir: Path, folder: Path, key: Sealed[bytes]) -> None:
    """In a process of its own, whose memory is given back: compiling takes twice what is kept. Whatever fails there is tried again here."""
    asked = [sys.executable, "-m", "hub.intake.kept_lexicon", str(config_dir), str(folder)]
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run(asked, input=key.reveal(), capture_output=True, timeout=_COMPILE_WITHIN_S, check=False)


def _made_of(config_dir: Path) -> str:
    """A digest of all that the compiled form depends on."""
    digest = hashlib.sha256(sys.version.encode())
    for file in _sources(config_dir):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _file(folder: Path, made_of: str) -> Path:
    return folder / f"lexicon-{made_of[:16]}"


def _sources(config_dir: Path) -> Iterator[Path]:
    yield from sorted((config_dir / LISTS).glob("*.toml"))
    weights = config_dir / LEANING / WEIGHTS
    if weights.exists():
        yield weights
    yield from sorted(Path(optout.__file__).parent.glob("*.py"))
    yield from (Path(leaning.__file__), Path(lexicon.__file__))  # how they are read


def _signature(content: bytes, made_of: str, key: Sealed[bytes]) -> bytes:
    return hmac.new(key.reveal(), b"lexicon\0" + made_of.encode() + content, "sha256").digest()


def _read(folder: Path, made_of: str, key: Sealed[bytes]) -> Lexicon | None:
    try:
        kept = _file(folder, made_of).read_bytes()
    except OSError:
        return None
    signature, content = kept[:_SIGNATURE], kept[_SIGNATURE:]
    if not hmac.compare_digest(signature, _signature(content, made_of, key)):
        return None
    with _without_garbage_collection():  # tens of thousands of values are made, and none of them is garbage
        found = pickle.loads(content)  # noqa: S301 - signed by us, just checked
    return found if isinstance(found, Lexicon) else None


def _write(folder: Path, content: bytes, made_of: str, key: Sealed[bytes]) -> None:
    """Whole or not at all, beside other processes doing the same; what earlier lists left goes."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix="new-", delete=False) as made:
        made.write(_signature(content, made_of, key) + content)
    file = Path(made.name).replace(_file(folder, made_of))
    for old in folder.glob("lexicon-*"):
        if old != file:
            old.unlink(missing_ok=True)


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


if __name__ == "__main__":
    keep(Path(sys.argv[1]), Path(sys.argv[2]), Sealed(sys.stdin.buffer.read()))
