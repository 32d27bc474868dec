"""Messages staff wrote in the provider's own app: stored as sent, never sent by us. Ours always wins over the echo of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from hub.model.address import Channel
from hub.model.ids import AccountId, ContactId, ConversationId, IdentityId, MessageId
from hub.model.message import ContentKind
from hub.model.sealed import Sealed
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoRow:
    id: MessageId
    conversation_id: ConversationId
    contact_id: ContactId
    identity_id: IdentityId
    channel: Channel
    account_id: AccountId
    content_kind: ContentKind
    body: Sealed[str]
    provider_message_id: str
    created_at: datetime
    occurred_at: datetime


async def known(conn: Connection, account_id: AccountId, provider_message_id: str) -> bool:
    """Whether a message of that name is stored: one of ours, or told before."""
    found = await conn.fetchval(
        "SELECT true FROM message WHERE account_id = $1 AND provider_message_id = $2", account_id, provider_message_id
    )
    return found is True


async def add(conn: Connection, row: EchoRow) -> bool:
    """Store it as far on as its reports say; False where one of that name came first. Moves its conversation to the top."""
    added = await conn.fetchval(
        """
        INSERT INTO message (id, conversation_id, contact_id, identity_id, channel, account_id, direction, content_kind, body,
                             provider_message_id, created_at, occurred_at, send_after, status_at, written_elsewhere, status)
        VALUES ($1, $2, $3, $4, $5, $6, 'outbound', $7, $8, $9, $10, $11, $10, $10, true, coalesce(
            (SELECT d.status FROM delivery_report d WHERE d.account_id = $6 AND d.provider_message_id = $9
               AND d.status IN ('sent', 'delivered', 'read', 'failed') ORDER BY delivery_rank(d.status) DESC LIMIT 1), 'sent'))
        ON CONFLICT (account_id, provider_message_id) WHERE provider_message_id IS NOT NULL DO NOTHING
        RETURNING true
        """,
        row.id,
        row.conversation_id,
        row.contact_id,
        row.identity_id,
        row.channel,
        row.account_id,
        row.content_kind,
        row.body.reveal(),
        row.provider_message_id,
        row.created_at,
        row.occurred_at,
    )
    if not added:
        return False
    await conn.execute(
        "UPDATE conversation SET last_message_at = greatest(last_message_at, $2), last_message_id = $3 WHERE id = $1",
        row.conversation_id,
        row.created_at,
        row.id,
    )
    return True


async def give_way(conn: Connection, names: Collection[tuple[AccountId, str]]) -> None:
    """These names belong to messages of ours: an echo that was stored under one before we knew it goes."""
    gone = await conn.fetch(
        """
        WITH twice AS (
            SELECT m.id FROM message m JOIN unnest($1::text[], $2::text[]) AS n(account_id, name)
              ON n.account_id = m.account_id AND n.name = m.provider_message_id WHERE m.written_elsewhere
        ), files AS (DELETE FROM attachment WHERE message_id IN (SELECT id FROM twice))
        SELECT id FROM twice
        """,
        [a for a, _ in names],
        [n for _, n in names],
    )
    if not gone:
        return
    ids = [r["id"] for r in gone]
    await conn.execute(
        """
        UPDATE conversation c SET last_message_id = (
            SELECT m.id FROM message m WHERE m.conversation_id = c.id AND m.id <> ALL($1) ORDER BY m.id DESC LIMIT 1)
        WHERE c.last_message_id = ANY($1)
        """,
        ids,
    )
    await conn.execute("DELETE FROM message WHERE id = ANY($1)", ids)
