"""The log is append-only, sealed in order without skipping anybody, and tells on whoever touched it."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from hub import audit
from hub.audit import Fault, VerifyReport, seal_once, verify_database
from hub.model.audit import AuditEvent
from hub.model.audit_seal import FIRST_CHAIN, leaf_hash, make_seal
from hub.store import audit as store
from hub.store.pool import Connection, Pool, connect

NOW = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)


def event(n: int, **changes: Any) -> AuditEvent:
    fields: dict[str, Any] = {
        "at": NOW + timedelta(microseconds=n),
        "actor": "system:intake",
        "role": "front_desk",
        "action": "inbound.received",
        "object": f"message:{n}",
        "reason": "because",
        "result": "stored",
        "detail": {"n": n, "ok": True, "part": 1.5, "none": None},
    }
    return AuditEvent(**fields | changes)


async def fill(conn: Connection, *batches: int) -> None:
    """That many rows per seal."""
    for size in batches:
        await store.append(conn, [event(n) for n in range(size)])
        assert await seal_once(conn, NOW) == size


async def tamper(conn: Connection, sql: str, *values: object) -> None:
    """As somebody beyond triggers and grants would."""
    await conn.execute("SET session_replication_role = replica")
    await conn.execute(sql, *values)
    await conn.execute("SET session_replication_role = origin")


async def nth(conn: Connection, n: int) -> Any:
    return await conn.fetchval("SELECT id FROM audit_event ORDER BY id OFFSET $1 LIMIT 1", n)


async def verify(conn: Connection, **options: Any) -> VerifyReport:
    return await verify_database(conn, NOW, **options)


async def test_an_untouched_log_is_whole(conn: Connection) -> None:
    await fill(conn, 1, 7, 2)
    report = await verify(conn)
    assert (report.whole, report.seals, report.rows, report.waiting) == (True, 3, 10, 0)


async def test_an_empty_log_is_whole_and_nothing_is_sealed(conn: Connection) -> None:
    assert await seal_once(conn, NOW) == 0
    assert (await verify(conn)).whole


@pytest.mark.parametrize("sql", ["UPDATE audit_event SET actor = 'x'", "DELETE FROM audit_event", "TRUNCATE audit_event"])
@pytest.mark.parametrize("table", ["audit_event", "audit_seal", "audit_leaf"])
async def test_the_log_refuses_change(conn: Connection, sql: str, table: str) -> None:
    await fill(conn, 2)
    statement = sql.replace("audit_event", table).replace("actor = 'x'", {"audit_event": "actor = 'x'"}.get(table, "seal_no = 9"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await conn.execute(statement)


@pytest.mark.parametrize(
    "change",
    [
        "at = at + interval '1 microsecond'",
        "at = 'infinity'",
        "actor = 'person'",
        "role = NULL",
        "action = 'inbound.duplicate'",
        "object = object || 'x'",
        "reason = ''",
        "result = NULL",
        "detail = detail || '{\"n\": 99}'",
        "detail = detail || '{\"part\": 1.50}'",
        "detail = NULL",
        "reason = reason || result, result = ''",
    ],
)
async def test_a_change_of_any_column_is_found_and_the_row_named(conn: Connection, change: str) -> None:
    await fill(conn, 3, 5)
    victim = await nth(conn, 4)
    await tamper(conn, f"UPDATE audit_event SET {change} WHERE id = $1", victim)
    broken = (await verify(conn)).broken
    assert broken is not None
    assert (broken.fault, broken.seal_no, broken.position, broken.event_id) == (Fault.CHANGED, 2, 1, victim)


async def test_a_changed_id_is_found(conn: Connection) -> None:
    await fill(conn, 3)
    victim = await nth(conn, 1)
    await tamper(conn, "UPDATE audit_event SET id = gen_random_uuid() WHERE id = $1", victim)
    broken = (await verify(conn)).broken
    assert broken is not None
    assert (broken.fault, broken.event_id) == (Fault.MISSING, victim)


async def test_a_deleted_row_is_found_and_named(conn: Connection) -> None:
    await fill(conn, 3, 5)
    victim = await nth(conn, 5)
    await tamper(conn, "DELETE FROM audit_event WHERE id = $1", victim)
    broken = (await verify(conn)).broken
    assert broken is not None
    assert (broken.fault, broken.seal_no, broken.event_id) == (Fault.MISSING, 2, victim)


@pytest.mark.parametrize("position", [0, 2, 4])
async def test_a_row_deleted_with_its_leaf_is_found(conn: Connection, position: int) -> None:
    await fill(conn, 5)
    victim = await nth(conn, position)
    await tamper(conn, "DELETE FROM audit_event WHERE id = $1", victim)
    await tamper(conn, "DELETE FROM audit_leaf WHERE event_id = $1", victim)
    broken = (await verify(conn)).broken
    assert broken is not None
    assert (broken.fault, broken.position) == (Fault.MISSING, position)


async def test_two_rows_that_change_places_are_found(conn: Connection) -> None:
    await fill(conn, 5)
    a, b = await nth(conn, 1), await nth(conn, 3)
    await tamper(conn, "UPDATE audit_leaf SET position = 1003 - position WHERE event_id IN ($1, $2)", a, b)
    await tamper(conn, "UPDATE audit_leaf SET position = position - 999 WHERE position > 900")
    assert await conn.fetchval("SELECT position FROM audit_leaf WHERE event_id = $1", a) == 3
    broken = (await verify(conn)).broken
    assert broken is not None
    assert (broken.fault, broken.position) == (Fault.REORDERED, 2)


async def test_two_rows_whose_contents_change_places_are_found(conn: Connection) -> None:
    await fill(conn, 5)
    a, b = await nth(conn, 1), await nth(conn, 3)
    await tamper(
        conn,
        "UPDATE audit_event AS e SET object = o.object, detail = o.detail, at = o.at FROM audit_event AS o"
        " WHERE (e.id, o.id) IN (($1, $2), ($2, $1))",
        a,
        b,
    )
    broken = (await verify(conn)).broken
    assert broken is not None
    assert (broken.fault, broken.event_id) == (Fault.CHANGED, a)


async def test_a_row_added_behind_the_logs_back_is_found(conn: Connection) -> None:
    await fill(conn, 3)
    await tamper(conn, "INSERT INTO audit_event (id, at, actor, action, object) VALUES (gen_random_uuid(), now(), 'person', 'x', 'y')")
    broken = (await verify(conn)).broken
    assert broken is not None
    assert broken.fault is Fault.EXTRA


async def test_a_row_and_its_leaf_changed_together_break_the_batch(conn: Connection) -> None:
    await fill(conn, 3, 3)
    victim = await nth(conn, 4)
    await tamper(conn, "UPDATE audit_event SET actor = 'person' WHERE id = $1", victim)
    rows = {row["id"]: row for row in await store.leaves(conn, 2, 2)}
    await tamper(conn, "UPDATE audit_leaf SET leaf_hash = $2 WHERE event_id = $1", victim, leaf_hash(store.row_columns(rows[victim])))
    broken = (await verify(conn)).broken
    assert broken is not None
    assert (broken.fault, broken.seal_no) == (Fault.BATCH, 2)


@pytest.mark.parametrize("column", ["at = at + interval '1 second'", "root = sha256(root)", "count = count + 1", "chain = sha256(chain)"])
async def test_a_changed_seal_is_found(conn: Connection, column: str) -> None:
    await fill(conn, 3, 3, 3)
    await tamper(conn, f"UPDATE audit_seal SET {column} WHERE seal_no = 2")
    broken = (await verify(conn)).broken
    assert broken is not None
    assert broken.seal_no == 2


async def test_a_seal_taken_out_of_the_middle_is_found(conn: Connection) -> None:
    await fill(conn, 3, 3, 3)
    await tamper(conn, "DELETE FROM audit_seal WHERE seal_no = 2")
    broken = (await verify(conn)).broken
    assert broken is not None
    assert (broken.fault, broken.seal_no) == (Fault.CHAIN, 2)


async def test_a_tail_cut_off_without_its_rows_is_found(conn: Connection) -> None:
    await fill(conn, 3, 3)
    await tamper(conn, "DELETE FROM audit_seal WHERE seal_no = 2")
    await tamper(conn, "DELETE FROM audit_leaf WHERE seal_no = 2")
    broken = (await verify(conn)).broken
    assert broken is not None
    assert broken.fault is Fault.EXTRA


async def exported(conn: Connection) -> list[str]:
    return [line async for line in audit.export_roots(conn)]


async def test_a_tail_cut_off_cleanly_is_found_by_exported_roots(conn: Connection) -> None:
    await fill(conn, 3, 3)
    roots = await exported(conn)
    assert (await verify(conn, exported=roots)).whole
    await tamper(conn, "DELETE FROM audit_event WHERE id IN (SELECT event_id FROM audit_leaf WHERE seal_no = 2)")
    await tamper(conn, "DELETE FROM audit_leaf WHERE seal_no = 2")
    await tamper(conn, "DELETE FROM audit_seal WHERE seal_no = 2")
    assert (await verify(conn)).whole, "from inside, a shorter log looks whole"
    broken = (await verify(conn, exported=roots)).broken
    assert broken is not None
    assert (broken.fault, broken.seal_no) == (Fault.EXPORTED, 2)


async def test_a_rebuilt_chain_is_found_by_exported_roots(conn: Connection) -> None:
    await fill(conn, 3, 3)
    roots = await exported(conn)
    await tamper(conn, "UPDATE audit_event SET actor = 'person' WHERE id = $1", await nth(conn, 4))
    await rebuild(conn)
    assert (await verify(conn)).whole, "from inside, a rebuilt chain looks whole"
    broken = (await verify(conn, exported=roots)).broken
    assert broken is not None
    assert (broken.fault, broken.seal_no) == (Fault.EXPORTED, 2)


async def rebuild(conn: Connection) -> None:
    """Seal the altered rows anew, as a forger with the source code would."""
    batches = [await store.leaves(conn, n, n) for n in (1, 2)]
    await tamper(conn, "DELETE FROM audit_leaf")
    await tamper(conn, "DELETE FROM audit_seal")
    chain = FIRST_CHAIN
    for seal_no, rows in enumerate(batches, start=1):
        ids, leaves = [r["id"] for r in rows], [leaf_hash(store.row_columns(r)) for r in rows]
        seal = make_seal(seal_no=seal_no, at=NOW, ids=ids, leaves=leaves, prev_chain=chain)
        await store.insert_seal(conn, seal, NOW, ids, leaves)
        chain = seal.chain


@pytest.mark.parametrize("line", ["nonsense", '{"seal": 1, "chain": "zz"}', '{"seal": 1}'])
async def test_a_file_that_holds_no_exported_roots_is_refused(conn: Connection, line: str) -> None:
    await fill(conn, 1)
    with pytest.raises(ValueError, match="line 1"):
        await verify(conn, exported=[line])


async def test_exported_roots_out_of_order_are_refused(conn: Connection) -> None:
    await fill(conn, 1, 1)
    roots = await exported(conn)
    with pytest.raises(ValueError, match="line 3"):
        await verify(conn, exported=[*roots, roots[0]])


async def test_a_late_commit_is_sealed_later_and_never_skipped(pool: Pool) -> None:
    async with pool.acquire() as slow, pool.acquire() as fast, pool.acquire() as sealer:
        transaction = slow.transaction()
        await transaction.start()
        await store.append(slow, [event(1)])
        await store.append(fast, [event(2)])
        assert await seal_once(sealer, NOW) == 1
        await transaction.commit()
        assert await seal_once(sealer, NOW) == 1
        report = await verify(sealer)
        assert (report.whole, report.rows) == (True, 2)


async def test_many_writers_and_two_sealers_at_once_seal_every_committed_row_exactly_once(pool: Pool) -> None:
    rng = random.Random(11)
    busy = True

    async def write() -> int:
        committed = 0
        for n in range(25):
            async with pool.acquire() as conn:
                transaction = conn.transaction()
                await transaction.start()
                await store.append(conn, [event(n), event(n + 1)])
                await asyncio.sleep(rng.random() / 200)
                if rng.random() < 0.2:
                    await transaction.rollback()
                else:
                    await transaction.commit()
                    committed += 2
        return committed

    async def seal() -> int:
        sealed = 0
        while busy:
            async with pool.acquire() as conn:
                sealed += await seal_once(conn, NOW, limit=7)
            await asyncio.sleep(0)
        return sealed

    sealers = [asyncio.create_task(seal()) for _ in range(2)]
    committed = sum(await asyncio.gather(*(write() for _ in range(5))))
    busy = False
    sealed = sum(await asyncio.gather(*sealers))
    async with pool.acquire() as conn:
        while more := await seal_once(conn, NOW):
            sealed += more
        report = await verify(conn)
    assert (report.whole, report.rows, sealed) == (True, committed, committed)


async def test_a_rolled_back_act_leaves_nothing_to_seal(conn: Connection) -> None:
    transaction = conn.transaction()
    await transaction.start()
    await store.append(conn, [event(1)])
    await transaction.rollback()
    assert await seal_once(conn, NOW) == 0


async def test_two_sealers_never_seal_at_once(database_url: str, conn: Connection) -> None:
    await store.append(conn, [event(1)])
    other = await connect(database_url)
    async with other.transaction():
        assert await store.lock_sealer(other)
        assert await seal_once(conn, NOW) == 0
    await other.close()
    assert await seal_once(conn, NOW) == 1


async def test_a_sealer_does_not_wait_for_appenders_nor_they_for_it(pool: Pool) -> None:
    async with pool.acquire() as sealer, pool.acquire() as appender:
        await store.append(appender, [event(1)])
        async with sealer.transaction():
            await store.lock_sealer(sealer)
            await store.take_unsealed(sealer, 10)
            await appender.execute("SET lock_timeout = '200ms'")
            await store.append(appender, [event(2)])


async def test_rows_wait_in_peace_within_the_grace_and_not_beyond(conn: Connection) -> None:
    await fill(conn, 2)
    await store.append(conn, [event(1)])
    assert (await verify(conn)).waiting == 1
    broken = (await verify_database(conn, NOW + timedelta(minutes=6))).broken
    assert broken is not None
    assert broken.fault is Fault.UNSEALED


async def test_a_row_deleted_before_its_seal_is_found(conn: Connection) -> None:
    await store.append(conn, [event(1), event(2)])
    victim = await nth(conn, 0)
    await tamper(conn, "DELETE FROM audit_event WHERE id = $1", victim)
    assert await seal_once(conn, NOW) == 1
    broken = (await verify(conn)).broken
    assert broken is not None
    assert (broken.fault, broken.event_id) == (Fault.MISSING, victim)


async def test_a_backlog_is_sealed_in_pieces(conn: Connection) -> None:
    await store.append(conn, [event(n) for n in range(25)])
    assert [await seal_once(conn, NOW, limit=10) for _ in range(4)] == [10, 10, 5, 0]
    assert (await verify(conn)).rows == 25
