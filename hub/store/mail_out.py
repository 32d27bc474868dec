"""What an outbound mail needs to know of its thread: whose subject it answers, and the ids of what went before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hub.model.ids import ConversationId
from hub.model.sealed import Sealed
from hub.store.pool import Connection

_IDS_KEPT = 20  # as many as References carries (channels.md §2.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailThread:
    """subject: of the latest mail the person wrote in it; None where they never wrote by mail. answers: that mail's own id.
    ids: what went before, oldest first. locale: the person's, where we know it."""

    subject: Sealed[str] | None
    answers: str | None
    ids: tuple[str, ...]
    locale: str | None


async def threads_of(conn: Connection, conversations: Iterable[ConversationId]) -> dict[ConversationId, MailThread]:
    """The mail threads of these conversations; one that has no mail yet is there with nothing in it."""
    rows = await conn.fetch(
        """
        SELECT q.id, p.locale, l.subject, l.header_id, g.ids
        FROM unnest($1::uuid[]) AS q(id) JOIN conversation k ON k.id = q.id JOIN contact p ON p.id = k.contact_id
        LEFT JOIN LATERAL (
            SELECT d.subject, d.header_id FROM message m JOIN mail d ON d.message_id = m.id
            WHERE m.conversation_id = q.id AND m.direction = 'inbound' AND d.from_other IS NULL ORDER BY m.id DESC LIMIT 1
        ) l ON true
        LEFT JOIN LATERAL (
            SELECT array_agg(x.name ORDER BY x.id) AS ids FROM (
                SELECT m.id, coalesce(d.header_id, m.provider_message_id) AS name
                FROM message m LEFT JOIN mail d ON d.message_id = m.id
                WHERE m.conversation_id = q.id AND m.channel = 'email' AND coalesce(m.kind, '') <> 'MKT'
                  AND CASE m.direction WHEN 'inbound' THEN d.header_id ELSE m.provider_message_id END IS NOT NULL
                ORDER BY m.id DESC LIMIT $2
            ) x
        ) g ON true
        """,
        list(dict.fromkeys(conversations)),
        _IDS_KEPT,
    )
    return {
        ConversationId(r["id"]): MailThread(
            subject=Sealed(r["subject"]) if r["subject"] is not None else None,
            answers=r["header_id"],
            ids=tuple(r["ids"] or ()),
            locale=r["locale"],
        )
        for r in rows
    }


async def acknowledged_since(conn: Connection, address_hash: bytes, since: datetime) -> bool:
    """Whether this address was sent an acknowledgement by mail since then, or is about to be, in whatever record it stands."""
    found: bool = await conn.fetchval(
        """
        SELECT EXISTS (SELECT 1 FROM identity i JOIN message m ON m.identity_id = i.id
                       WHERE i.address_hash = $1 AND i.channel = 'email' AND m.kind = 'ACK' AND m.created_at > $2
                         AND m.status NOT IN ('refused', 'cancelled', 'failed'))
        """,
        address_hash,
        since,
    )
    return found
