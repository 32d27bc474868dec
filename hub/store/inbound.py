"""One inbound message as an automatic answer needs it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.model.address import Channel
from hub.model.ids import ContactId, ConversationId
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """language: as the recogniser heard it, else the contact's, else English. scopes: of the stops it caused."""

    conversation_id: ConversationId
    contact_id: ContactId
    channel: Channel
    occurred_at: datetime
    signal: str | None
    scopes: frozenset[str]
    language: str
    told_notice: bool


async def incoming(conn: Connection, message_id: UUID) -> Incoming | None:
    """The message, or None when it is gone (erased meanwhile)."""
    row = await conn.fetchrow(
        """
        SELECT m.conversation_id, m.contact_id, m.channel, m.occurred_at, m.signal, m.detail ->> 'language' AS heard, c.locale,
               ARRAY(SELECT DISTINCT s.scope FROM suppression s WHERE s.evidence_id = m.id) AS scopes,
               EXISTS (SELECT 1 FROM message o WHERE o.contact_id = m.contact_id AND o.channel = m.channel AND o.kind = 'ACK'
                       AND o.status NOT IN ('refused', 'cancelled', 'failed')) AS told_notice
        FROM message m JOIN contact c ON c.id = m.contact_id WHERE m.id = $1 AND m.direction = 'inbound'
        """,
        message_id,
    )
    if row is None:
        return None
    return Incoming(
        conversation_id=row["conversation_id"],
        contact_id=row["contact_id"],
        channel=Channel(row["channel"]),
        occurred_at=row["occurred_at"],
        signal=row["signal"],
        scopes=frozenset(row["scopes"]),
        language=row["heard"] or row["locale"] or "en",
        told_notice=row["told_notice"],
    )
