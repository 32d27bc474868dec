"""Giving addresses a newer key: which still lie under an older one, and what they are called now.

Suppressions are never touched: an address keeps its older hashes as aliases and is found by each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.model.address import Address, AddressClass
from hub.model.sealed import Sealed
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Old:
    """An address under an older key that is still known in clear."""

    hash: bytes
    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """The same address under the newest key. aliases: every other hash it may be suppressed under."""

    old: bytes
    new: bytes
    key_id: int
    aliases: tuple[bytes, ...]


async def known_keys(conn: Connection) -> dict[int, bytes | None]:
    """Key id -> proof, of every key something lies under; None where its proof was never written down."""
    rows = await conn.fetch(
        """
        SELECT k.key_id, p.proof FROM (
            SELECT key_id FROM pepper UNION SELECT DISTINCT key_id FROM address
            UNION SELECT DISTINCT key_id FROM suppression WHERE key_id IS NOT NULL
        ) k LEFT JOIN pepper p USING (key_id)
        """
    )
    return {r["key_id"]: r["proof"] for r in rows}


async def remember_keys(conn: Connection, proofs: Mapping[int, bytes], *, now: datetime) -> None:
    """Write down the proofs of keys in use."""
    await conn.executemany(
        "INSERT INTO pepper (key_id, proof, first_used) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        [(key_id, proof, now) for key_id, proof in proofs.items()],
    )


async def take_old(conn: Connection, key_id: int, *, after: bytes, limit: int) -> list[Old]:
    """Lock the next addresses that lie under another key than this and are known in clear, in the order of their hashes."""
    rows = await conn.fetch(
        """
        SELECT a.hash, a.kind, (SELECT i.address FROM identity i WHERE i.address_hash = a.hash AND i.address IS NOT NULL LIMIT 1) AS address
        FROM address a
        WHERE a.key_id <> $1 AND a.hash > $2
          AND EXISTS (SELECT 1 FROM identity i WHERE i.address_hash = a.hash AND i.address IS NOT NULL)
        ORDER BY a.hash LIMIT $3 FOR UPDATE OF a
        """,
        key_id,
        after,
        limit,
    )
    return [Old(hash=r["hash"], address=Address(kind=AddressClass(r["kind"]), value=Sealed(r["address"]))) for r in rows if r["address"]]


async def taken(conn: Connection, hashes: Sequence[bytes]) -> set[bytes]:
    """Which of these hashes are addresses already: somebody wrote between the new key and its roll-out. Locks them."""
    rows = await conn.fetch("SELECT hash FROM address WHERE hash = ANY($1) ORDER BY hash FOR UPDATE", list(hashes))
    return {r["hash"] for r in rows}


async def renew(conn: Connection, rows: Sequence[Renewed]) -> None:
    """Give addresses their new hash; identities follow, and so do consents and the people on a campaign's list."""
    old, new = [r.old for r in rows], [r.new for r in rows]
    await conn.executemany(
        "UPDATE address SET hash = $2, key_id = $3,"
        " aliases = ARRAY(SELECT DISTINCT x FROM unnest(aliases || $4::bytea[] || hash) AS x WHERE x <> $2) WHERE hash = $1",
        [(r.old, r.new, r.key_id, list(r.aliases)) for r in rows],
    )
    await _follow(conn, old, new)


async def join(conn: Connection, row: Renewed) -> None:
    """The address has a row under the new key too: let everything under the old one move there. A proof made under the new
    key stands; who held the old one is for staff to see."""
    await conn.execute(
        """
        UPDATE address n SET aliases = ARRAY(SELECT DISTINCT x FROM unnest(n.aliases || o.aliases || o.hash || $3::bytea[]) AS x
            WHERE x <> n.hash), state = CASE WHEN n.state = 'ok' THEN o.state ELSE n.state END
        FROM address o WHERE n.hash = $2 AND o.hash = $1
        """,
        row.old,
        row.new,
        list(row.aliases),
    )
    await conn.execute(_FREE_PROOF, row.old, row.new)
    await conn.execute(_SAME_PERSON, row.old, row.new)
    await conn.execute("UPDATE identity SET address_hash = $2 WHERE address_hash = $1", row.old, row.new)
    await conn.execute("DELETE FROM address WHERE hash = $1", row.old)
    await _follow(conn, [row.old], [row.new])


_FREE_PROOF = """
UPDATE identity o SET verified = false WHERE o.address_hash = $1 AND o.verified
AND EXISTS (SELECT 1 FROM identity n WHERE n.address_hash = $2 AND n.channel = o.channel AND n.verified)
"""
# One contact holds the address under both keys: messages and invitations pass to the newer row.
_SAME_PERSON = """
WITH pair AS (
    SELECT o.id AS old, n.id AS new FROM identity o
    JOIN identity n ON n.address_hash = $2 AND n.contact_id = o.contact_id AND n.channel = o.channel WHERE o.address_hash = $1
), messages AS (
    UPDATE message m SET identity_id = p.new FROM pair p WHERE m.identity_id = p.old
), invitations AS (
    UPDATE invitation v SET identity_id = p.new FROM pair p WHERE v.identity_id = p.old
)
DELETE FROM identity i USING pair p WHERE i.id = p.old
"""


async def _follow(conn: Connection, old: Sequence[bytes], new: Sequence[bytes]) -> None:
    await conn.execute(
        "UPDATE consent_event e SET address_hash = n.new FROM unnest($1::bytea[], $2::bytea[]) AS n(old, new) WHERE e.address_hash = n.old",
        list(old),
        list(new),
    )
    await conn.execute(
        """
        UPDATE recipient r SET address_hash = n.new FROM campaign c CROSS JOIN unnest($1::bytea[], $2::bytea[]) AS n(old, new)
        WHERE r.campaign_id = c.id AND r.address_hash = n.old
          AND NOT EXISTS (SELECT 1 FROM recipient x WHERE x.campaign_id = c.id AND x.address_hash = n.new)
        """,
        list(old),
        list(new),
    )
