"""What happens to stored messages afterwards: taken back, un-reacted, read up to a moment. Never touches a stop."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hub.model.address import Channel
from hub.model.ids import AccountId, ConversationId, MessageId
from hub.model.message import DeliveryStatus
from hub.store.pool import Connection

Changed = tuple[MessageId, ConversationId]


async def take_back(
    conn: Connection, account_id: AccountId, provider_message_id: str, *, at: datetime, remove_words: bool
) -> Changed | None:
    """Mark a person's message as taken back; None where we do not hold it or it was taken back before.

    remove_words: its text and place go too (Instagram's terms, channels.md §7). Its files can be opened no more either way,
    and one not yet fetched never is.
    """
    row = await conn.fetchrow(
        """
        UPDATE message SET
            body = CASE WHEN $4 THEN '' ELSE body END,
            detail = (CASE WHEN $4 THEN coalesce(detail, '{}') - '{location,button,span}'::text[] ELSE coalesce(detail, '{}') END)
                     || jsonb_build_object('taken_back', $3::timestamptz)
        WHERE account_id = $1 AND provider_message_id = $2 AND direction = 'inbound' AND NOT coalesce(detail, '{}') ? 'taken_back'
        RETURNING id, conversation_id
        """,
        account_id,
        provider_message_id,
        at,
        remove_words,
    )
    if row is None:
        return None
    await conn.execute(
        "UPDATE attachment SET state = 'refused', refusal = 'taken_back', source_url = NULL, file_name = NULL WHERE message_id = $1",
        row["id"],
    )
    return row["id"], row["conversation_id"]


async def remove_reactions(conn: Connection, account_id: AccountId, target: str, hashes: Sequence[bytes], *, at: datetime) -> list[Changed]:
    """Take away what this person had reacted to that message with until `at`; a later reaction stays."""
    rows = await conn.fetch(
        """
        UPDATE message m SET body = '', detail = m.detail || jsonb_build_object('taken_back', $4::timestamptz)
        WHERE m.account_id = $1 AND m.direction = 'inbound' AND m.content_kind = 'reaction' AND m.detail ->> 'reply_to' = $2
          AND m.occurred_at <= $4 AND NOT m.detail ? 'taken_back'
          AND m.contact_id IN (SELECT i.contact_id FROM identity i WHERE i.address_hash = ANY($3))
        RETURNING m.id, m.conversation_id
        """,
        account_id,
        target,
        list(hashes),
        at,
    )
    return [(r["id"], r["conversation_id"]) for r in rows]


async def move_up_to(
    conn: Connection,
    account_id: AccountId,
    channel: Channel,
    hashes: Sequence[bytes],
    *,
    status: DeliveryStatus,
    up_to: datetime,
    now: datetime,
) -> list[Changed]:
    """Move all we sent to this address until `up_to` forward to `status`, in one statement; rows are locked in id order.

    Only what the provider took is moved: a watermark says nothing about a send whose outcome is unknown.
    """
    rows = await conn.fetch(
        """
        WITH mine AS (
            SELECT m.id FROM message m JOIN identity i ON i.id = m.identity_id
            WHERE i.channel = $2 AND i.address_hash = ANY($3) AND m.account_id = $1 AND m.direction = 'outbound'
              AND m.status IN ('accepted', 'sent', 'delivered') AND m.claimed_at <= $5 AND delivery_rank($4) > delivery_rank(m.status)
            ORDER BY m.id FOR NO KEY UPDATE OF m
        )
        UPDATE message m SET status = $4, status_at = $6 FROM mine WHERE m.id = mine.id AND delivery_rank($4) > delivery_rank(m.status)
        RETURNING m.id, m.conversation_id
        """,
        account_id,
        channel,
        list(hashes),
        status,
        up_to,
        now,
    )
    return [(r["id"], r["conversation_id"]) for r in rows]
