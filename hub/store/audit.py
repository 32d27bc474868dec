"""The audit log's rows: appended in the transaction of the act they record, so neither exists without the other."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hub.model.audit import AuditEvent
from hub.model.ids import uuid7
from hub.store.pool import Connection

_APPEND = """
INSERT INTO audit_event (id, at, actor, role, action, object, reason, result, detail)
SELECT e.id, e.at, e.actor, e.role, e.action, e.object, e.reason, e.result, e.detail::jsonb
FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
    AS e (id, at, actor, role, action, object, reason, result, detail)
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
