"""Messages as they are written down, both ways. Sending is `queue`, what became of it `delivery`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.model.address import Channel
from hub.model.ids import AccountId, ContactId, ConversationId, IdentityId, MessageId, StaffId
from hub.model.message import ContentKind, DeliveryStatus
from hub.model.permission import Kind
from hub.model.sealed import Sealed
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundRow:
    id: MessageId
    conversation_id: ConversationId
    contact_id: ContactId
    identity_id: IdentityId | None
    channel: Channel
    account_id: AccountId
    content_kind: ContentKind
    body: Sealed[str]
    provider_message_id: str
    signal: str | None
    signal_rule: str | None
    created_at: datetime
    occurred_at: datetime
    detail: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundRow:
    """One message to go out. content: what the content check found, as stored (see hub.gate). variables: a template's slots.
    follows: the part of the same text that must be sent first.
    """

    id: MessageId
    conversation_id: ConversationId
    contact_id: ContactId
    identity_id: IdentityId | None
    channel: Channel
    account_id: AccountId
    kind: Kind
    body: Sealed[str]
    status: DeliveryStatus
    priority: int
    written_by: StaffId | None
    created_at: datetime
    send_after: datetime
    content: dict[str, Any]
    template_id: str | None = None
    variables: tuple[tuple[str, Sealed[str]], ...] = ()
    follows: MessageId | None = None


async def add_inbound(conn: Connection, rows: Sequence[InboundRow]) -> None:
    """Store what people wrote."""
    await conn.execute(
        """
        INSERT INTO message (id, conversation_id, contact_id, identity_id, channel, account_id, direction, content_kind, body,
                             provider_message_id, signal, signal_rule, created_at, occurred_at, detail)
        SELECT id, conversation_id, contact_id, identity_id, channel, account_id, 'inbound', content_kind, body,
               provider_message_id, signal, signal_rule, created_at, occurred_at, detail
        FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                    $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::jsonb[])
            AS n(id, conversation_id, contact_id, identity_id, channel, account_id, content_kind, body, provider_message_id,
                 signal, signal_rule, created_at, occurred_at, detail)
        """,
        [r.id for r in rows],
        [r.conversation_id for r in rows],
        [r.contact_id for r in rows],
        [r.identity_id for r in rows],
        [r.channel for r in rows],
        [r.account_id for r in rows],
        [r.content_kind for r in rows],
        [r.body.reveal() for r in rows],
        [r.provider_message_id for r in rows],
        [r.signal for r in rows],
        [r.signal_rule for r in rows],
        [r.created_at for r in rows],
        [r.occurred_at for r in rows],
        [r.detail for r in rows],
    )


async def add_outbound(conn: Connection, row: OutboundRow) -> None:
    """Store one message that shall go out, or that was refused when asked."""
    await conn.execute(
        """
        INSERT INTO message (id, conversation_id, contact_id, identity_id, channel, account_id, direction, kind, body, status, priority,
                             written_by, created_at, occurred_at, send_after, content, template_id, detail, follows, status_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'outbound', $7, $8, $9, $10, $11, $12, $12, $13, $14, $15, $16, $17, $12)
        """,
        row.id,
        row.conversation_id,
        row.contact_id,
        row.identity_id,
        row.channel,
        row.account_id,
        row.kind,
        row.body.reveal(),
        row.status,
        row.priority,
        row.written_by,
        row.created_at,
        row.send_after,
        row.content,
        row.template_id,
        {"variables": [[name, value.reveal()] for name, value in row.variables]} if row.variables else None,
        row.follows,
    )
