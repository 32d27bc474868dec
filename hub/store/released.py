"""Files that rows stopped referring to, until the clock has deleted them. Which rows let go is a trigger's business (0015)."""

from __future__ import annotations

from collections.abc import Sequence

from hub.store.pool import Connection


async def release(conn: Connection, digests: Sequence[bytes]) -> None:
    """These files were put on the disk for nothing."""
    await conn.execute("INSERT INTO released_file (sha256) SELECT unnest($1::bytea[]) ON CONFLICT DO NOTHING", list(digests))


async def waiting(conn: Connection, *, limit: int) -> list[bytes]:
    """Files that may be deleted, unless they are referred to again."""
    return [bytes(r["sha256"]) for r in await conn.fetch("SELECT sha256 FROM released_file ORDER BY sha256 LIMIT $1", limit)]


async def settled(conn: Connection, digests: Sequence[bytes]) -> None:
    """These are gone, or wanted again."""
    await conn.execute("DELETE FROM released_file WHERE sha256 = ANY($1)", list(digests))


async def unreferenced(conn: Connection, digests: Sequence[bytes]) -> list[bytes]:
    """Those of these files no row refers to."""
    rows = await conn.fetch(
        """
        SELECT f.sha256 FROM unnest($1::bytea[]) AS f(sha256)
        WHERE NOT EXISTS (SELECT 1 FROM attachment a WHERE a.sha256 = f.sha256)
          AND NOT EXISTS (SELECT 1 FROM note_file n WHERE n.sha256 = f.sha256)
        """,
        list(digests),
    )
    return [bytes(r["sha256"]) for r in rows]
