"""Sealing the audit log, and proving that nobody touched it.

Appending knows nothing of this (`hub.store.audit.append`). The sealer runs each second, takes the rows that have
committed, and chains them. Verification reads everything once, in order, and names the first row that is not as it
was sealed. What it cannot see from inside, a chain rebuilt from start to end, shows against roots exported before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from hub.model.audit_seal import FIRST_CHAIN, Seal, chain_value, leaf_hash, make_seal, merkle_root
from hub.store import audit as store
from hub.store.pool import Connection, Row

BATCH = 10_000
GRACE = timedelta(minutes=5)
_ROWS_AT_ONCE = 5_000


async def seal_once(conn: Connection, now: datetime, *, limit: int = BATCH) -> int:
    """Seal what has committed, at most `limit` rows, in a transaction of its own; how many were sealed.

    A row that commits late is sealed by a later call: nothing is skipped. Two sealers never run at once; the second
    returns 0. Call again at once when the answer equals `limit`.
    """
    async with conn.transaction():
        if not await store.lock_sealer(conn):
            return 0
        rows = await store.take_unsealed(conn, limit)
        if not rows:
            return 0
        last = await store.last_seal(conn)
        ids = [row["id"] for row in rows]
        leaves = [leaf_hash(store.row_columns(row)) for row in rows]
        seal_no, prev = (1, FIRST_CHAIN) if last is None else (last.seal_no + 1, last.chain)
        await store.insert_seal(conn, make_seal(seal_no=seal_no, at=now, ids=ids, leaves=leaves, prev_chain=prev), now, ids, leaves)
        return len(rows)


class Fault(StrEnum):
    """What is wrong with the first broken row or seal."""

    CHANGED = "changed"
    MISSING = "missing"
    REORDERED = "reordered"
    EXTRA = "extra"
    UNSEALED = "unsealed"
    BATCH = "batch"  # rows and their hashes agree with each other, and not with the sealed root
    CHAIN = "chain"
    EXPORTED = "exported"  # the log is whole in itself and is not the one whose roots were exported


SENTENCES = {
    Fault.CHANGED: "This row is not what was sealed: a column was changed.",
    Fault.MISSING: "A row that was recorded is gone.",
    Fault.REORDERED: "This row does not stand where it was sealed.",
    Fault.EXTRA: "This row was added behind the log's back.",
    Fault.UNSEALED: "This row has waited too long for its seal: the clock process does not seal.",
    Fault.BATCH: "The rows of this seal do not give its root: rows and their hashes were changed together.",
    Fault.CHAIN: "This seal does not follow from the one before it.",
    Fault.EXPORTED: "This seal is not the one that was exported: the log was rebuilt or cut short.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The first thing that is wrong. seal_no is None for a row outside every seal."""

    fault: Fault
    seal_no: int | None = None
    position: int | None = None
    event_id: UUID | None = None

    @property
    def sentence(self) -> str:
        """For a person."""
        return SENTENCES[self.fault]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What was read. broken: None when all of it is as it was sealed. waiting: rows younger than the grace, not yet sealed."""

    seals: int
    rows: int
    waiting: int
    last_chain: bytes
    broken: Broken | None

    @property
    def whole(self) -> bool:
        return self.broken is None


class _Found(Exception):
    def __init__(self, broken: Broken) -> None:
        super().__init__(broken.fault)
        self.broken = broken


class _Walk:
    """One pass over the seals in order."""

    def __init__(self, exported: Iterator[tuple[int, bytes]]) -> None:
        self.seals = self.rows = self.waiting = 0
        self.chain = FIRST_CHAIN
        self._exported = exported
        self._wanted = next(exported, None)

    def rows_of(self, seal: Seal, rows: list[Row]) -> None:
        """Rows first, so that a fault is told by the row it is in; then the batch, then the chain."""
        hashes = []
        previous = None
        for position, row in enumerate(rows):
            here = {"seal_no": seal.seal_no, "position": position, "event_id": row["event_id"]}
            if row["position"] != position:
                raise _Found(Broken(fault=Fault.MISSING, seal_no=seal.seal_no, position=position))
            if previous is not None and row["event_id"] <= previous:
                raise _Found(Broken(fault=Fault.REORDERED, **here))
            if row["id"] is None:
                raise _Found(Broken(fault=Fault.MISSING, **here))
            digest = leaf_hash(store.row_columns(row))
            if digest != row["leaf_hash"]:
                raise _Found(Broken(fault=Fault.CHANGED, **here))
            if position >= seal.count:
                raise _Found(Broken(fault=Fault.EXTRA, **here))
            previous = row["event_id"]
            hashes.append(digest)
        if len(hashes) < seal.count:
            raise _Found(Broken(fault=Fault.MISSING, seal_no=seal.seal_no, position=len(hashes)))
        ends = (rows[0]["event_id"], rows[-1]["event_id"]) if rows else None
        if not hashes or merkle_root(hashes) != seal.root or ends != (seal.from_id, seal.to_id):
            raise _Found(Broken(fault=Fault.BATCH, seal_no=seal.seal_no, position=0, event_id=ends[0] if ends else None))
        self.rows += len(hashes)

    def link(self, seal: Seal) -> None:
        """The seal's place in the chain, and what was exported about it."""
        expected = chain_value(
            seal_no=self.seals + 1,
            at_us=seal.at_us,
            from_id=seal.from_id,
            to_id=seal.to_id,
            count=seal.count,
            root=seal.root,
            prev_chain=self.chain,
        )
        if seal.seal_no != self.seals + 1 or seal.prev_chain != self.chain or seal.chain != expected:
            raise _Found(Broken(fault=Fault.CHAIN, seal_no=self.seals + 1))
        if self._wanted is not None and self._wanted[0] == seal.seal_no:
            if self._wanted[1] != seal.chain:
                raise _Found(Broken(fault=Fault.EXPORTED, seal_no=seal.seal_no))
            self._wanted = next(self._exported, None)
        self.seals, self.chain = seal.seal_no, seal.chain

    def finish(self) -> None:
        """Nothing may have been exported that is no longer there."""
        if self._wanted is not None:
            raise _Found(Broken(fault=Fault.EXPORTED, seal_no=self._wanted[0]))


async def verify_database(conn: Connection, now: datetime, *, exported: Iterable[str] = (), grace: timedelta = GRACE) -> VerifyReport:
    """Read the whole log once, in one snapshot, streaming, and say whether it is as it was sealed.

    exported: lines of `export_roots`, kept elsewhere; seals they name must be the very same.
    Raises ValueError for a line that is none of ours or out of order.
    """
    walk = _Walk(_read_exported(exported))
    broken = None
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        try:
            await _walk_seals(conn, walk)
            walk.finish()
            await _outside(conn, walk, now - grace)
        except _Found as found:
            broken = found.broken
    return VerifyReport(seals=walk.seals, rows=walk.rows, waiting=walk.waiting, last_chain=walk.chain, broken=broken)


async def _walk_seals(conn: Connection, walk: _Walk) -> None:
    group: list[Seal] = []
    size = 0
    async for seal in store.seals(conn):
        group.append(seal)
        size += seal.count
        if size >= _ROWS_AT_ONCE:
            await _check_group(conn, walk, group)
            group, size = [], 0
    if group:
        await _check_group(conn, walk, group)


async def _check_group(conn: Connection, walk: _Walk, group: list[Seal]) -> None:
    by_seal: dict[int, list[Row]] = {}
    for row in await store.leaves(conn, group[0].seal_no, group[-1].seal_no):
        by_seal.setdefault(row["seal_no"], []).append(row)
    for seal in group:
        walk.rows_of(seal, by_seal.get(seal.seal_no, []))
        walk.link(seal)


async def _outside(conn: Connection, walk: _Walk, late_before: datetime) -> None:
    """Rows that no seal covers, leaves that belong to none, and queued rows that are gone."""
    if (orphan := await store.first_orphan(conn)) is not None:
        raise _Found(Broken(fault=Fault.CHAIN, seal_no=orphan["seal_no"], position=orphan["position"], event_id=orphan["event_id"]))
    if (lost := await store.first_lost(conn)) is not None:
        raise _Found(Broken(fault=Fault.MISSING, event_id=lost))
    async for row in store.strays(conn, late_before):
        if not row["queued"]:
            raise _Found(Broken(fault=Fault.EXTRA, event_id=row["id"]))
        if row["late"]:
            raise _Found(Broken(fault=Fault.UNSEALED, event_id=row["id"]))
        walk.waiting += 1


async def export_roots(conn: Connection, *, after: int = 0) -> AsyncIterator[str]:
    """One JSON line per seal after that number, to be kept on another machine. Holds hashes and counts only."""
    async with conn.transaction(readonly=True):
        async for seal in store.seals(conn, after):
            line = {"seal": seal.seal_no, "count": seal.count, "root": seal.root.hex(), "chain": seal.chain.hex()}
            yield msgspec.json.encode(line).decode()


class _Line(msgspec.Struct):
    seal: int
    chain: str


def _read_exported(lines: Iterable[str]) -> Iterator[tuple[int, bytes]]:
    last = 0
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            line = msgspec.json.decode(text, type=_Line)
            chain = bytes.fromhex(line.chain)
        except (msgspec.MsgspecError, ValueError) as error:
            raise ValueError(f"line {number} is no exported seal") from error
        if line.seal <= last:
            raise ValueError(f"line {number} is out of order")
        last = line.seal
        yield line.seal, chain
