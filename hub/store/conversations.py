"""Conversations and the invitations in them: opened and moved on by what people write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.model.address import Channel
from hub.model.ids import AccountId, ContactId, ConversationId, IdentityId, MessageId
from hub.model.permission import InvitationFacts, InvitationState
from hub.store.pool import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConversation:
    id: ConversationId
    contact_id: ContactId
    channel: Channel
    account_id: AccountId
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class InvitationRow:
    """The invitation of one conversation on one channel, as it shall stand."""

    conversation_id: ConversationId
    channel: Channel
    identity_id: IdentityId | None
    facts: InvitationFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """New inbound messages, as far as their conversation cares. stop_unclear: the last that may have been a stop left it open (True) or
    settled it beyond doubt (False); None where none spoke of it.
    """

    conversation_id: ConversationId
    message_id: MessageId
    received_at: datetime
    count: int = 1
    stop_unclear: bool | None = None


def invitation_of(row: Row) -> InvitationFacts:
    """The invitation columns of a row as facts."""
    return InvitationFacts(
        state=InvitationState(row["state"]),
        opened_at=row["opened_at"],
        last_inbound_at=row["last_inbound_at"],
        reopened_at=row["reopened_at"],
        consecutive_outbound=row["consecutive_outbound"],
        last_outbound_at=row["last_outbound_at"],
        turn_started_at=row["turn_started_at"],
        last_ack_at=row["last_ack_at"],
        named_by_person=row["named_by_person"],
        inbound_automatic=row["inbound_automatic"],
        bot_barred=row["bot_barred"],
    )


async def open_conversations(conn: Connection, conversations: Sequence[NewConversation]) -> None:
    """Store new conversations."""
    await conn.execute(
        """
        INSERT INTO conversation (id, contact_id, channel, account_id, created_at, last_message_at)
        SELECT id, contact, channel, account, at, at
        FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[]) AS n(id, contact, channel, account, at)
        """,
        [c.id for c in conversations],
        [c.contact_id for c in conversations],
        [c.channel for c in conversations],
        [c.account_id for c in conversations],
        [c.created_at for c in conversations],
    )


async def note_arrivals(conn: Connection, arrivals: Sequence[Arrival]) -> None:
    """Move conversations to the top, count what is unread, reopen what was resolved or put aside. One row per conversation."""
    ordered = sorted(arrivals, key=lambda a: a.conversation_id)
    await conn.execute(
        """
        UPDATE conversation c
        SET last_message_at = greatest(c.last_message_at, n.at), last_inbound_at = greatest(c.last_inbound_at, n.at),
            last_message_id = n.message_id, unread = c.unread + n.unread, stop_unclear = coalesce(n.unclear, c.stop_unclear),
            status = CASE WHEN c.status = 'resolved' THEN 'open' ELSE c.status END, snoozed_at = NULL, snoozed_until = NULL
        FROM (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::int[], $5::bool[])
              AS n(id, message_id, at, unread, unclear)) n
        WHERE c.id = n.id
        """,
        [a.conversation_id for a in ordered],
        [a.message_id for a in ordered],
        [a.received_at for a in ordered],
        [a.count for a in ordered],
        [a.stop_unclear for a in ordered],
    )


async def save_invitations(conn: Connection, rows: Sequence[InvitationRow]) -> None:
    """Write invitations as they shall stand; at most one row per conversation and channel."""
    ordered = sorted(rows, key=lambda r: (r.conversation_id, r.channel))
    f = [r.facts for r in ordered]
    await conn.execute(
        """
        INSERT INTO invitation AS i (conversation_id, channel, identity_id, state, opened_at, last_inbound_at, reopened_at,
            consecutive_outbound, last_outbound_at, turn_started_at, last_ack_at, named_by_person, inbound_automatic, bot_barred)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[],
            $8::int[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::bool[], $13::bool[], $14::bool[])
        ON CONFLICT (conversation_id, channel) DO UPDATE SET
            identity_id = coalesce(excluded.identity_id, i.identity_id), state = excluded.state, opened_at = excluded.opened_at,
            last_inbound_at = excluded.last_inbound_at, reopened_at = excluded.reopened_at,
            consecutive_outbound = excluded.consecutive_outbound, last_outbound_at = excluded.last_outbound_at,
            turn_started_at = excluded.turn_started_at, last_ack_at = excluded.last_ack_at,
            named_by_person = excluded.named_by_person, inbound_automatic = excluded.inbound_automatic,
            bot_barred = excluded.bot_barred
        """,
        [r.conversation_id for r in ordered],
        [r.channel for r in ordered],
        [r.identity_id for r in ordered],
        [x.state or InvitationState.NONE for x in f],
        [x.opened_at for x in f],
        [x.last_inbound_at for x in f],
        [x.reopened_at for x in f],
        [x.consecutive_outbound or 0 for x in f],
        [x.last_outbound_at for x in f],
        [x.turn_started_at for x in f],
        [x.last_ack_at for x in f],
        [x.named_by_person for x in f],
        [bool(x.inbound_automatic) for x in f],
        [bool(x.bot_barred) for x in f],
    )


async def invitations_of(conn: Connection, contact_ids: Iterable[UUID], channel: Channel | None) -> list[InvitationRow]:
    """Every invitation of these contacts, on one channel or (None) on all, locked for the caller to change."""
    return _rows(
        await conn.fetch(
            """
        SELECT i.* FROM invitation i JOIN conversation c ON c.id = i.conversation_id
        WHERE c.contact_id = ANY($1) AND ($2::text IS NULL OR i.channel = $2)
        ORDER BY i.conversation_id, i.channel FOR UPDATE OF i
        """,
            list(contact_ids),
            channel,
        )
    )


async def lock_invitations(conn: Connection, wanted: Iterable[tuple[ConversationId, Channel]]) -> list[InvitationRow]:
    """The invitations of these conversations on these channels, locked for the caller to change."""
    pairs = sorted(set(wanted))
    return _rows(
        await conn.fetch(
            """
            SELECT i.* FROM invitation i JOIN unnest($1::uuid[], $2::text[]) AS w(conversation_id, channel)
              ON w.conversation_id = i.conversation_id AND w.channel = i.channel
            ORDER BY i.conversation_id, i.channel FOR UPDATE OF i
            """,
            [c for c, _ in pairs],
            [c for _, c in pairs],
        )
    )


def _rows(rows: Sequence[Row]) -> list[InvitationRow]:
    return [
        InvitationRow(
            conversation_id=row["conversation_id"],
            channel=Channel(row["channel"]),
            identity_id=row["identity_id"],
            facts=invitation_of(row),
        )
        for row in rows
    ]
