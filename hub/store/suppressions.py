"""Suppressions: added by what people say, found by keyed hash or person, lifted only by a recorded act of theirs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.model.address import AddressClass, Channel
from hub.model.ids import uuid7
from hub.model.permission import Scope
from hub.store.pool import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSuppression:
    """One standing "never", by address and, where known, by person as well.

    occurred_at: the provider's time of the words. source: "message", "provider_keyword", "provider_error",
    "provider_preference", "complaint", "staff", "form", "import". evidence_id: the message that said so.
    """

    address_hash: bytes | None
    key_id: int | None
    contact_id: UUID | None
    scope: Scope
    channel: Channel | None
    occurred_at: datetime
    source: str
    interest: str | None = None
    purpose: str | None = None
    rule_id: str | None = None
    evidence_id: UUID | None = None
    provisional: bool = False


async def add(conn: Connection, rows: Sequence[NewSuppression], *, now: datetime) -> list[UUID]:
    """Write them; the new ids in the order given. The caller holds the locks of `people.lock_reach`."""
    if not rows:
        return []
    ids = [uuid7() for _ in rows]
    await conn.execute(
        """
        INSERT INTO suppression (id, address_hash, key_id, contact_id, scope, channel, interest, purpose, occurred_at, recorded_at,
                                 source, rule_id, evidence_id, provisional)
        SELECT id, hash, key_id, contact_id, scope, channel, interest, purpose, at, $9, source, rule_id, evidence_id, provisional
        FROM unnest($1::uuid[], $2::bytea[], $3::smallint[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
                    $10::timestamptz[], $11::text[], $12::text[], $13::uuid[], $14::bool[])
            AS n(id, hash, key_id, contact_id, scope, channel, interest, purpose, at, source, rule_id, evidence_id, provisional)
        """,
        ids,
        [r.address_hash for r in rows],
        [r.key_id for r in rows],
        [r.contact_id for r in rows],
        [r.scope for r in rows],
        [r.channel for r in rows],
        [r.interest for r in rows],
        [r.purpose for r in rows],
        now,
        [r.occurred_at for r in rows],
        [r.source for r in rows],
        [r.rule_id for r in rows],
        [r.evidence_id for r in rows],
        [r.provisional for r in rows],
    )
    return ids


# Rows a lift or a spread looks at, whole, so that what it must keep can be written again.
_ROW = "id, address_hash, key_id, contact_id, scope, channel, interest, purpose, occurred_at, source, rule_id, evidence_id, provisional"


def _row(row: Row, **changes: Any) -> NewSuppression:
    found = {name: row[name] for name in _ROW.split(", ")[1:]} | changes
    found["scope"] = Scope(found["scope"])
    found["channel"] = Channel(found["channel"]) if found["channel"] else None
    return NewSuppression(**found)


async def lift_channel(
    conn: Connection, hashes: Sequence[bytes], contact_id: UUID, channel: Channel, *, said_at: datetime, lifted_by: str, now: datetime
) -> list[UUID]:
    """The person wrote START on this channel: lift CHANNEL(this), nothing wider (policy §3.7). The lifted ids.

    Only what was said before the START is lifted, so a replayed old START never undoes a newer STOP; at equal times
    the stop stands. What the same rows say about other people or other addresses goes on standing.
    """
    own, forms = await _own_forms(conn, hashes)
    rows = await _standing(conn, own, contact_id, said_at, "scope = 'CHANNEL' AND channel = $4", channel)
    kept = [k for row in rows for k in _kept(row, own | forms, contact_id)]
    return await _lift(conn, rows, kept, lifted_by=lifted_by, now=now)


async def settle(conn: Connection, said: Mapping[UUID, datetime]) -> list[UUID]:
    """What these people may have asked before, they have now asked beyond doubt: nobody need judge it. said: contact -> when. The ids."""
    rows = await conn.fetch(
        """
        UPDATE suppression x SET provisional = false FROM unnest($1::uuid[], $2::timestamptz[]) AS n(contact_id, at)
        WHERE x.contact_id = n.contact_id AND x.provisional AND x.lifted_at IS NULL AND x.occurred_at <= n.at RETURNING x.id
        """,
        list(said),
        list(said.values()),
    )
    return sorted(r["id"] for r in rows)


async def lift_by_consent(
    conn: Connection, hashes: Sequence[bytes], contact_id: UUID, channel: Channel, *, given_at: datetime, lifted_by: str, now: datetime
) -> list[UUID]:
    """A confirmed consent given after a revocation (policy §3.7): lift CHANNEL_MARKETING here, and turn ALL_MARKETING
    into one CHANNEL_MARKETING for each other channel. Nothing wider is lifted. The lifted ids.

    hashes: the address the consent was confirmed from. At equal times the refusal stands.
    """
    own, forms = await _own_forms(conn, hashes)
    rows = await _standing(
        conn, own, contact_id, given_at, "(scope = 'ALL_MARKETING' OR (scope = 'CHANNEL_MARKETING' AND channel = $4))", channel
    )
    kept = [k for row in rows for k in _kept(row, own | forms, contact_id)]
    others = [c for c in Channel if c not in (channel, Channel.WEB_FORM)]
    kept += [_row(row, scope=Scope.CHANNEL_MARKETING, channel=c) for row in rows if row["scope"] == Scope.ALL_MARKETING for c in others]
    return await _lift(conn, rows, kept, lifted_by=lifted_by, now=now)


async def _own_forms(conn: Connection, hashes: Sequence[bytes]) -> tuple[set[bytes], set[bytes]]:
    """The address under every key, and every form it is known by. A mail address's folded form is no more than a form:
    it may be somebody else's address."""
    rows = await conn.fetch("SELECT unnest(aliases) AS hash, kind FROM address WHERE hash = ANY($1)", list(hashes))
    return {*hashes, *(r["hash"] for r in rows if r["kind"] != AddressClass.EMAIL)}, {r["hash"] for r in rows}


async def _standing(conn: Connection, own: set[bytes], contact_id: UUID, before: datetime, which: str, channel: Channel) -> list[Row]:
    rows: list[Row] = await conn.fetch(
        f"""
        SELECT {_ROW} FROM suppression
        WHERE lifted_at IS NULL AND occurred_at < $3 AND {which} AND (address_hash = ANY($1) OR contact_id = $2) ORDER BY id FOR UPDATE
        """,
        sorted(own),
        contact_id,
        before,
        channel,
    )
    return rows


def _kept(row: Row, forms: set[bytes], contact_id: UUID) -> list[NewSuppression]:
    """What a row says besides: about another person at this address, or about another address of this person."""
    if row["contact_id"] not in (None, contact_id):
        return [_row(row, address_hash=None, key_id=None)]
    if row["address_hash"] is not None and row["address_hash"] not in forms:
        return [_row(row, contact_id=None)]
    return []


async def _lift(conn: Connection, rows: Sequence[Row], kept: Sequence[NewSuppression], *, lifted_by: str, now: datetime) -> list[UUID]:
    ids = [r["id"] for r in rows]
    await conn.execute("UPDATE suppression SET lifted_at = $2, lifted_by = $3 WHERE id = ANY($1)", ids, now, lifted_by)
    await add(conn, kept, now=now)
    return ids


async def share(conn: Connection, giver: UUID, taker: UUID, *, now: datetime) -> list[UUID]:
    """Whatever stands against one person, by name or by any address of theirs, stands against the other too. The new ids."""
    rows = await conn.fetch(
        f"""
        SELECT {_ROW} FROM suppression x WHERE x.lifted_at IS NULL AND (x.contact_id = $1 OR x.address_hash IN (
            SELECT unnest(a.aliases || a.hash) FROM identity i JOIN address a ON a.hash = i.address_hash WHERE i.contact_id = $1))
        ORDER BY id
        """,
        giver,
    )
    held = {_meaning(r): r["occurred_at"] for r in await _by_person(conn, taker)}
    new: dict[Meaning, NewSuppression] = {}
    for row in rows:
        latest = max(
            filter(None, (held.get(_meaning(row)), new[_meaning(row)].occurred_at if _meaning(row) in new else None)), default=None
        )
        if latest is None or row["occurred_at"] > latest:
            new[_meaning(row)] = _row(row, address_hash=None, key_id=None, contact_id=taker)
    return await add(conn, list(new.values()), now=now)


Meaning = tuple[str, str | None, str | None, str | None]


def _meaning(row: Row) -> Meaning:
    return row["scope"], row["channel"], row["interest"], row["purpose"]


async def _by_person(conn: Connection, contact_id: UUID) -> list[Row]:
    """What stands against the person whatever the address, oldest first. A row that names an address too counts: it is found by person."""
    rows: list[Row] = await conn.fetch(
        f"SELECT {_ROW} FROM suppression WHERE contact_id = $1 AND lifted_at IS NULL ORDER BY occurred_at, id", contact_id
    )
    return rows


async def outlive(conn: Connection, contact_id: UUID, *, now: datetime) -> int:
    """Before a person is erased: every stop that names them is kept under each of their addresses' hashes, and the
    person's id is taken off those. How many rows that took. What names no address keeps the id, which names nobody any more."""
    forms = await conn.fetch(
        """
        SELECT DISTINCT ON (f.hash) f.hash, a.key_id FROM identity i JOIN address a ON a.hash = i.address_hash
        CROSS JOIN LATERAL unnest(a.aliases || a.hash) AS f(hash) WHERE i.contact_id = $1
        """,
        contact_id,
    )
    if not forms:
        return 0
    rows = await _by_person(conn, contact_id)
    held = {(r["address_hash"], *_meaning(r)) for r in rows}
    wanted = {(f["hash"], *_meaning(r)): _row(r, address_hash=f["hash"], key_id=f["key_id"], contact_id=None) for r in rows for f in forms}
    new = [row for key, row in wanted.items() if key not in held]
    await add(conn, new, now=now)
    await conn.execute("UPDATE suppression SET contact_id = NULL WHERE contact_id = $1 AND address_hash IS NOT NULL", contact_id)
    return len(new)
