"""Lists brought along from elsewhere: what was read when, and what of it was here already."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from hub.model.ids import ContactId, uuid7
from hub.store.pool import Connection


async def start(conn: Connection, *, what: str, file_sha256: bytes, statement: bytes | None, source: str, by: str, now: datetime) -> UUID:
    """Note that a file is being read; the run's id. what: "suppressions" or "contacts"."""
    run_id = uuid7()
    await conn.execute(
        "INSERT INTO import_run (id, what, file_sha256, statement, source, started_at, started_by) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        run_id, what, file_sha256, statement, source, now, by,
    )  # fmt: skip
    return run_id


async def finish(conn: Connection, run_id: UUID, *, read: int, added: int, known: int, refused: int, now: datetime) -> None:
    """Note how it went."""
    await conn.execute(
        "UPDATE import_run SET ended_at = $2, rows_read = $3, added = $4, known = $5, refused = $6 WHERE id = $1",
        run_id, now, read, added, known, refused,
    )  # fmt: skip


async def suppressions_came_first(conn: Connection, since: datetime) -> bool:
    """Whether a list of suppressions was read to its end since then, and held anything."""
    return bool(
        await conn.fetchval(
            "SELECT EXISTS (SELECT 1 FROM import_run WHERE what = 'suppressions' AND ended_at >= $1 AND rows_read > refused)", since
        )
    )


async def seen_before(conn: Connection, file_sha256: bytes, run_id: UUID) -> bool:
    """Whether this very file of suppressions was read to its end in an earlier run."""
    return bool(
        await conn.fetchval(
            "SELECT EXISTS (SELECT 1 FROM import_run"
            " WHERE what = 'suppressions' AND file_sha256 = $1 AND id <> $2 AND ended_at IS NOT NULL)",
            file_sha256,
            run_id,
        )
    )


async def holders(conn: Connection, hashes: Sequence[bytes]) -> dict[bytes, set[UUID]]:
    """Form of an address -> whoever has an address of that form. Erased people have none."""
    rows = await conn.fetch(
        """
        SELECT f.hash, i.contact_id FROM identity i JOIN address a ON a.hash = i.address_hash
        CROSS JOIN LATERAL unnest(a.aliases || a.hash) AS f(hash)
        WHERE i.address IS NOT NULL AND f.hash = ANY($1)
          AND a.hash IN (SELECT hash FROM address WHERE hash = ANY($1) UNION
                         SELECT hash FROM address WHERE aliases <> '{}' AND aliases && $1)
        """,
        list(hashes),
    )
    found: dict[bytes, set[UUID]] = {}
    for row in rows:
        found.setdefault(bytes(row["hash"]), set()).add(row["contact_id"])
    return found


Target = tuple[bytes | None, UUID | None, str, str | None, str | None, str | None]


async def stops_at(conn: Connection, hashes: Sequence[bytes], people: Sequence[UUID]) -> list[tuple[Target, datetime, bool]]:
    """What is or was forbidden at these addresses or to these people: the target, when it was said, and whether it stands."""
    rows = await conn.fetch(
        """
        SELECT address_hash, contact_id, scope, channel, interest, purpose, occurred_at, lifted_at IS NULL AS stands
        FROM suppression WHERE address_hash = ANY($1) OR contact_id = ANY($2)
        """,
        list(hashes),
        list(people),
    )
    return [
        ((r["address_hash"], r["contact_id"], r["scope"], r["channel"], r["interest"], r["purpose"]), r["occurred_at"], r["stands"])
        for r in rows
    ]


async def contact_with(conn: Connection, hashes: Sequence[bytes]) -> ContactId | None:
    """The contact an imported row is about: who proved the address, else who gave it first."""
    found = await conn.fetchval(
        """
        SELECT i.contact_id FROM identity i JOIN contact c ON c.id = i.contact_id
        WHERE i.address_hash = ANY($1) AND c.merged_into IS NULL AND c.erasure <> 'done'
        ORDER BY i.verified DESC, i.created_at, i.id LIMIT 1
        """,
        list(hashes),
    )
    return ContactId(found) if found else None


async def has_identity(conn: Connection, contact_id: UUID, channel: str, hashes: Sequence[bytes]) -> bool:
    """Whether the contact has this address on the channel already."""
    return bool(
        await conn.fetchval(
            "SELECT EXISTS (SELECT 1 FROM identity WHERE contact_id = $1 AND channel = $2 AND address_hash = ANY($3))",
            contact_id,
            channel,
            list(hashes),
        )
    )


async def has_consent(
    conn: Connection, hashes: Sequence[bytes], *, purpose: str, channel: str, source: str, given_at: datetime | None
) -> bool:
    """Whether this consent was brought along before, whoever holds it now. given_at: None where the list gives no date."""
    return bool(
        await conn.fetchval(
            """
            SELECT EXISTS (SELECT 1 FROM consent_event WHERE address_hash = ANY($1) AND purpose = $2 AND channel = $3 AND source = $4
                           AND ($5::timestamptz IS NULL OR occurred_at = $5))
            """,
            list(hashes),
            purpose,
            channel,
            source,
            given_at,
        )
    )


async def wording_hash(conn: Connection, id: str, version: int, locale: str) -> bytes | None:
    """Proof of an archived sentence; None when nobody archived it."""
    found: bytes | None = await conn.fetchval(
        "SELECT text_hash FROM wording WHERE id = $1 AND version = $2 AND locale = $3", id, version, locale
    )
    return found
