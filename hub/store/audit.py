"""The audit log's rows: appended in the transaction of the act they record, so neither exists without the other.

Rows are never changed. Sealing moves ids out of a queue and writes seals and leaves beside the log.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from hub.model.audit import AuditEvent
from hub.model.audit_seal import Seal
from hub.model.ids import uuid7
from hub.store.pool import Connection, Row

_SEALER = 0x48554202  # advisory lock: one sealer at a time

_APPEND = """
INSERT INTO audit_event (id, at, actor, role, action, object, reason, result, detail)
SELECT e.id, e.at, e.actor, e.role, e.action, e.object, e.reason, e.result, e.detail::jsonb
FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
    AS e (id, at, actor, role, action, object, reason, result, detail)
"""
# Every column of a row, as the leaf covers it. Binary time and jsonb's own text: exact, and the same on every version.
_COLUMNS = "timestamptz_send(e.at) AS at, e.actor, e.role, e.action, e.object, e.reason, e.result, e.detail::text AS detail"
# A queued id whose row is gone stays queued: verification reports it.
_TAKE = f"""
WITH taken AS (
    DELETE FROM audit_unsealed WHERE ctid IN (
        SELECT q.ctid FROM audit_unsealed AS q WHERE EXISTS (SELECT FROM audit_event AS e WHERE e.id = q.event_id) LIMIT $1
    ) RETURNING event_id
)
SELECT e.id, {_COLUMNS} FROM taken JOIN audit_event AS e ON e.id = taken.event_id ORDER BY e.id
"""
_SEAL_COLUMNS = "seal_no, timestamptz_send(at) AS at, from_id, to_id, count, root, prev_chain, chain"
_LEAVES = f"""
SELECT l.seal_no, l.position, l.event_id, l.leaf_hash, e.id, {_COLUMNS}
FROM audit_leaf AS l LEFT JOIN audit_event AS e ON e.id = l.event_id
WHERE l.seal_no BETWEEN $1 AND $2 ORDER BY l.seal_no, l.position
"""
_STRAYS = """
SELECT e.id, q.event_id IS NOT NULL AS queued, e.at < $1 AS late
FROM audit_event AS e LEFT JOIN audit_leaf AS l ON l.event_id = e.id LEFT JOIN audit_unsealed AS q ON q.event_id = e.id
WHERE l.event_id IS NULL ORDER BY e.id
"""
_LOST = """
SELECT q.event_id FROM audit_unsealed AS q WHERE NOT EXISTS (SELECT FROM audit_event AS e WHERE e.id = q.event_id)
ORDER BY 1 LIMIT 1
"""
_ORPHANS = """
SELECT l.seal_no, l.position, l.event_id FROM audit_leaf AS l
WHERE NOT EXISTS (SELECT FROM audit_seal AS s WHERE s.seal_no = l.seal_no) ORDER BY 1, 2 LIMIT 1
"""


async def append(conn: Connection, events: Sequence[AuditEvent]) -> None:
    """Write the events in one statement, in the caller's transaction. No events: no statement."""
    if not events:
        return
    await conn.execute(
        _APPEND,
        [uuid7() for _ in events],
        [e.at for e in events],
        [e.actor for e in events],
        [e.role for e in events],
        [e.action for e in events],
        [e.object for e in events],
        [e.reason for e in events],
        [e.result for e in events],
        [None if e.detail is None else msgspec.json.encode(e.detail).decode() for e in events],
    )


async def lock_sealer(conn: Connection) -> bool:
    """True when this transaction may seal; False while another one does."""
    return bool(await conn.fetchval("SELECT pg_try_advisory_xact_lock($1)", _SEALER))


async def take_unsealed(conn: Connection, limit: int) -> list[Row]:
    """Committed rows no seal covers, out of the queue, in the order of their ids; see `row_columns`."""
    rows: list[Row] = await conn.fetch(_TAKE, limit)
    return rows


def row_columns(row: Row) -> tuple[bytes | str | None, ...]:
    """The columns a leaf covers, in their order."""
    return (
        row["id"].bytes,
        row["at"],
        row["actor"],
        row["role"],
        row["action"],
        row["object"],
        row["reason"],
        row["result"],
        row["detail"],
    )


async def last_seal(conn: Connection) -> Seal | None:
    """The newest seal, or None before the first."""
    row = await conn.fetchrow(f"SELECT {_SEAL_COLUMNS} FROM audit_seal ORDER BY seal_no DESC LIMIT 1")
    return None if row is None else _seal(row)


async def insert_seal(conn: Connection, seal: Seal, at: datetime, ids: Sequence[UUID], leaves: Sequence[bytes]) -> None:
    """Write a seal and its leaves."""
    await conn.execute(
        "INSERT INTO audit_seal (seal_no, at, from_id, to_id, count, root, prev_chain, chain) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        seal.seal_no, at, seal.from_id, seal.to_id, seal.count, seal.root, seal.prev_chain, seal.chain,
    )  # fmt: skip  # in the order of the columns
    await conn.execute(
        "INSERT INTO audit_leaf (seal_no, position, event_id, leaf_hash)"
        " SELECT $1, n.position - 1, n.event_id, n.leaf_hash"
        " FROM unnest($2::uuid[], $3::bytea[]) WITH ORDINALITY AS n (event_id, leaf_hash, position)",
        seal.seal_no,
        list(ids),
        list(leaves),
    )


async def seals(conn: Connection, after: int = 0) -> AsyncIterator[Seal]:
    """Every seal after that number, in order, without holding them all. Needs a transaction."""
    async for row in conn.cursor(f"SELECT {_SEAL_COLUMNS} FROM audit_seal WHERE seal_no > $1 ORDER BY seal_no", after, prefetch=2_000):
        yield _seal(row)


async def leaves(conn: Connection, first: int, last: int) -> list[Row]:
    """The leaves of those seals in order, each with its row; `id` is null where the row is gone."""
    rows: list[Row] = await conn.fetch(_LEAVES, first, last)
    return rows


async def strays(conn: Connection, late_before: datetime) -> AsyncIterator[Row]:
    """Rows no seal covers: (id, queued, late). Needs a transaction."""
    async for row in conn.cursor(_STRAYS, late_before, prefetch=2_000):
        yield row


async def first_lost(conn: Connection) -> UUID | None:
    """A row that was written, never sealed, and is gone."""
    return await conn.fetchval(_LOST)  # type: ignore[no-any-return]  # the driver has no types


async def first_orphan(conn: Connection) -> Row | None:
    """A leaf of a seal that does not exist."""
    return await conn.fetchrow(_ORPHANS)


def _seal(row: Row) -> Seal:
    return Seal(
        seal_no=row["seal_no"],
        at_us=int.from_bytes(row["at"], "big", signed=True),
        from_id=row["from_id"],
        to_id=row["to_id"],
        count=row["count"],
        root=row["root"],
        prev_chain=row["prev_chain"],
        chain=row["chain"],
    )
