"""Names of requests whose signature does not cover their body: each is bound to the first body that comes with it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from hub.model.ids import AccountId
from hub.store.pool import Connection

Named = tuple[AccountId, str, bytes]  # account, name, body


async def bind(conn: Connection, requests: Sequence[Named], *, now: datetime) -> list[bool]:
    """Per request, whether its body is the one its name is bound to; a name that is new is bound to it now."""
    first: dict[tuple[AccountId, bytes], bytes] = {}
    keys = [((account_id, _digest(name.encode("utf-8", "surrogateescape"))), _digest(body)) for account_id, name, body in requests]
    for key, body in keys:
        first.setdefault(key, body)
    await conn.execute(
        """
        INSERT INTO webhook_nonce (account_id, name, body, seen_at)
        SELECT account_id, name, body, $4 FROM unnest($1::text[], $2::bytea[], $3::bytea[]) AS n(account_id, name, body)
        ORDER BY account_id, name ON CONFLICT DO NOTHING
        """,
        [account_id for account_id, _ in first],
        [name for _, name in first],
        list(first.values()),
        now,
    )
    rows = await conn.fetch(
        """
        SELECT w.account_id, w.name, w.body FROM webhook_nonce w
        JOIN unnest($1::text[], $2::bytea[]) AS n(account_id, name) USING (account_id, name)
        """,
        [account_id for account_id, _ in first],
        [name for _, name in first],
    )
    bound = {(row["account_id"], row["name"]): row["body"] for row in rows}
    return [bound.get(key) == body for key, body in keys]


async def sweep(conn: Connection, *, older_than: datetime) -> None:
    """Forget names whose signature is no longer fresh."""
    await conn.execute("DELETE FROM webhook_nonce WHERE seen_at < $1", older_than)


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
