"""A new pepper: every address still known in clear is hashed anew, a slice at a time. Stops stay where they are.

An erased address cannot be hashed anew; its stops stay under the old key, which is therefore never thrown away (policy §6).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from hub.model.address import AddressHasher
from hub.model.audit import AuditEvent
from hub.store import audit, rotation
from hub.store.pool import Connection
from hub.store.rotation import Old, Renewed

SLICE = 500


class KeyMissing(Exception):
    """A key that stops lie under was not given, or differs; the message is a sentence for the person at the terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """renewed: addresses hashed anew. strangers: addresses whose stored hash fits no key given; they are left alone."""

    renewed: int
    strangers: int


async def rotate(
    conn: Connection,
    hasher: AddressHasher,
    *,
    clock: Callable[[], datetime],
    actor: str,
    progress: Callable[[int], None] = lambda _done: None,
) -> Rotated:
    """Bring every address under the newest key. Makes its own transactions; stopped half-way, it goes on where it was.

    Raises KeyMissing, before anything changes.
    """
    await _check_keys(conn, hasher)
    async with conn.transaction():
        await rotation.remember_keys(conn, hasher.proofs(), now=clock())
    after, renewed, strangers = b"", 0, 0
    while True:
        async with conn.transaction():
            found = await rotation.take_old(conn, hasher.key_id, after=after, limit=SLICE)
            rows = [row for old in found if (row := _renewed(old, hasher)) is not None]
            await _write(conn, rows)
        if not found:
            break
        after = found[-1].hash
        renewed, strangers = renewed + len(rows), strangers + len(found) - len(rows)
        progress(renewed)
    if renewed:
        event = AuditEvent(at=clock(), actor=actor, action="key.rotated", object=f"pepper:{hasher.key_id}", detail={"addresses": renewed})
        await audit.append(conn, [event])
    return Rotated(renewed=renewed, strangers=strangers)


async def _check_keys(conn: Connection, hasher: AddressHasher) -> None:
    given = hasher.proofs()
    for key_id, proof in sorted((await rotation.known_keys(conn)).items()):
        if key_id not in given:
            raise KeyMissing(f"Stops lie under key {key_id}, which HUB_PEPPER no longer gives: put it back, after the newest one.")
        if proof is not None and not hmac.compare_digest(proof, given[key_id]):
            raise KeyMissing(f"Key {key_id} in HUB_PEPPER is not the one used before: put the old one back, and give the new one a new id.")


def _renewed(old: Old, hasher: AddressHasher) -> Renewed | None:
    first, *others = hasher.hashes(old.address)
    if old.hash not in (first, *others):
        return None
    return Renewed(old=old.hash, new=first, key_id=hasher.key_id, aliases=tuple(others))


async def _write(conn: Connection, rows: list[Renewed]) -> None:
    there = await rotation.taken(conn, [r.new for r in rows])
    await rotation.renew(conn, [r for r in rows if r.new not in there])
    for row in rows:
        if row.new in there:
            await rotation.join(conn, row)
