"""Password hashing with argon2id, off the event loop. A password or its hash is never logged and never compared by hand."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 12
LONGEST = 256
# 32 MiB and two at a time keep a web process under its memory budget; OWASP's floor for argon2id is 19 MiB, t=2.
_HASHER = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
_AT_ONCE = 2
# Checked when nobody has that address, so that an unknown address costs as much time as a wrong password.
_NOBODYS = "$argon2id$v=19$m=32768,t=3,p=1$pcGvN1OpgIAOOF+CTBjDMQ$AvKAtcFaMugWqXrBBKKW1PBy/P6VQbocMbN/Noo/iks"
_gates: dict[asyncio.AbstractEventLoop, asyncio.Semaphore] = {}


def weakness(password: str, *, email: str) -> str | None:
    """What is wrong with a new password, as a sentence; None when it may be used. Long is asked for, not odd characters."""
    if len(password) < SHORTEST:
        return f"Use at least {SHORTEST} characters. Three or four words that only you would put together do well."
    if len(password) > LONGEST:
        return f"Use at most {LONGEST} characters."
    if len(set(password)) < 5 or password.casefold() == email.casefold():
        return "This one is easy to guess. Use words that only you would put together."
    return None


async def hashed(password: str) -> str:
    """The argon2id hash to store."""
    async with _gate():
        return await asyncio.to_thread(_HASHER.hash, password.encode("utf-8", "surrogatepass"))


async def matches(stored: str | None, password: str) -> bool:
    """Whether this is the password. stored: None (nobody, or no password yet) takes the same time and says no."""
    async with _gate():
        right = await asyncio.to_thread(_verify, stored or _NOBODYS, password[: LONGEST + 1])
    return right and stored is not None


def _verify(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password.encode("utf-8", "surrogatepass"))
    except (VerificationError, InvalidHashError):
        return False


def _gate() -> asyncio.Semaphore:
    """One gate per event loop; loops that ended are forgotten."""
    loop = asyncio.get_running_loop()
    if loop not in _gates:
        for ended in [known for known in _gates if known.is_closed()]:
            del _gates[ended]
        _gates[loop] = asyncio.Semaphore(_AT_ONCE)
    return _gates[loop]
