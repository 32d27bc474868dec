"""What asking to speak needs to know about a conversation, and the trace it leaves in the list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hub.model.address import Channel
from hub.model.ids import AccountId, ContactId, ConversationId, IdentityId, MessageId
from hub.model.sealed import Sealed
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an answer would go. identity_id: None when we know no address of theirs on the channel."""

    contact_id: ContactId
    account_id: AccountId
    identity_id: IdentityId | None
    address_hash: bytes | None


async def place_of(conn: Connection, conversation_id: ConversationId, channel: Channel) -> Place | None:
    """The address an answer on `channel` goes to: the invitation's, else the contact's verified one; None: no such conversation."""
    row = await conn.fetchrow(
        """
        SELECT c.contact_id, c.account_id, i.id AS identity_id, i.address_hash FROM conversation c
        LEFT JOIN invitation n ON n.conversation_id = c.id AND n.channel = $2
        LEFT JOIN LATERAL (
            SELECT d.id, d.address_hash FROM identity d WHERE d.contact_id = c.contact_id AND d.channel = $2
            ORDER BY (d.id = n.identity_id) DESC NULLS LAST, d.verified DESC, d.last_seen_at DESC, d.id LIMIT 1
        ) i ON true
        WHERE c.id = $1
        """,
        conversation_id,
        channel,
    )
    if row is None:
        return None
    return Place(
        contact_id=row["contact_id"], account_id=row["account_id"], identity_id=row["identity_id"], address_hash=row["address_hash"]
    )


async def touch(conn: Connection, conversation_id: ConversationId, message_id: MessageId, *, now: datetime) -> None:
    """A message of ours was written here: it moves to the top."""
    await conn.execute(
        "UPDATE conversation SET last_message_at = greatest(last_message_at, $3), last_message_id = $2 WHERE id = $1",
        conversation_id,
        message_id,
        now,
    )


async def own_words(conn: Connection, conversation_id: ConversationId, *, limit: int = 50) -> list[Sealed[str]]:
    """The person's own latest messages in this thread, newest first: what a factual answer may name (policy §8.3)."""
    rows = await conn.fetch(
        "SELECT body FROM message WHERE conversation_id = $1 AND direction = 'inbound' ORDER BY id DESC LIMIT $2", conversation_id, limit
    )
    return [Sealed(r["body"]) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedText:
    conversation_id: ConversationId
    channel: Channel
    text: Sealed[str]


async def failed_text(conn: Connection, message_id: MessageId) -> FailedText | None:
    """A failed message's words, to be written anew; None unless it failed."""
    row = await conn.fetchrow(
        "SELECT conversation_id, channel, body FROM message WHERE id = $1 AND direction = 'outbound' AND status = 'failed'", message_id
    )
    if row is None:
        return None
    return FailedText(conversation_id=row["conversation_id"], channel=Channel(row["channel"]), text=Sealed(row["body"]))
