"""Typed addresses that agreed to something: the consents that wait for their word, and the questions they were asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.model.address import Channel
from hub.model.ids import ContactId, ConversationId
from hub.store.pool import Connection

# Messages that went, or may have. One that failed was no question to anybody.
ASKED = "('sending', 'accepted', 'sent', 'delivered', 'read', 'unknown')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconfirmed:
    """A consent with a typed address. open: given, and neither confirmed nor ended. conversation_id: the form's thread."""

    consent_id: UUID
    contact_id: ContactId
    channel: Channel
    address_hash: bytes
    given_at: datetime
    open: bool
    confirmed: bool
    conversation_id: ConversationId | None
    locale: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An open consent whose address was asked. asked_at: when the question left."""

    ord: int
    consent_id: UUID
    asked_at: datetime


async def consent(conn: Connection, consent_id: UUID) -> Unconfirmed | None:
    """The consent as it stands now; None where nobody knows it, it needs no word, or it names no address."""
    row = await conn.fetchrow(
        """
        SELECT s.contact_id, s.channel, s.address_hash, e.occurred_at, s.confirmed, s.ended, c.locale,
               (SELECT m.conversation_id FROM message m
                WHERE m.contact_id = s.contact_id AND m.direction = 'inbound' AND m.channel = 'web_form'
                ORDER BY m.provider_message_id = e.evidence_ref DESC NULLS LAST, m.id DESC LIMIT 1) AS conversation_id
        FROM consent_state s
        JOIN consent_event e ON e.contact_id = s.contact_id AND e.consent_id = s.consent_id AND e.event = 'given'
        JOIN contact c ON c.id = s.contact_id
        WHERE s.consent_id = $1 AND e.needs_confirmation AND s.address_hash IS NOT NULL ORDER BY e.occurred_at DESC LIMIT 1
        """,
        consent_id,
    )
    if row is None:
        return None
    return Unconfirmed(
        consent_id=consent_id,
        contact_id=row["contact_id"],
        channel=Channel(row["channel"]),
        address_hash=row["address_hash"],
        given_at=row["occurred_at"],
        open=not row["confirmed"] and not row["ended"],
        confirmed=row["confirmed"] and not row["ended"],
        conversation_id=row["conversation_id"],
        locale=row["locale"],
    )


async def lock_address(conn: Connection, address_hash: bytes) -> None:
    """Two forms with one address wait for each other, so that it is asked once."""
    await conn.execute("SELECT 1 FROM address WHERE hash = $1 FOR NO KEY UPDATE", address_hash)


async def asked_since(conn: Connection, address_hash: bytes, since: datetime) -> bool:
    """Whether the address was asked after that moment on any channel, or is about to be."""
    return bool(
        await conn.fetchval(
            f"""
            SELECT EXISTS (
                SELECT 1 FROM address a JOIN identity i ON i.address_hash = a.hash JOIN message m ON m.identity_id = i.id
                WHERE (a.hash = $1 OR a.aliases @> ARRAY[$1]) AND m.kind = 'DOI'
                  AND (m.status = 'queued' OR (m.status IN {ASKED} AND m.claimed_at > $2))
            )
            """,
            address_hash,
            since,
        )
    )


async def open_questions(conn: Connection, answers: Sequence[tuple[int, Channel, bytes]]) -> list[Question]:
    """For each (number of ours, channel, address hash): the consents whose question is the last thing we said to that address
    on that channel, acknowledgements aside, and is still without an answer. One answer may meet several consents of one form."""
    rows = await conn.fetch(
        f"""
        SELECT DISTINCT q.ord, s.consent_id, max(m.claimed_at) AS asked_at
        FROM unnest($1::int[], $2::text[], $3::bytea[]) AS q(ord, channel, hash)
        JOIN identity i ON i.address_hash = q.hash AND i.channel = q.channel
        JOIN message m ON m.identity_id = i.id AND m.kind = 'DOI' AND m.status IN {ASKED}
        JOIN conversation v ON v.id = m.conversation_id
        JOIN consent_state s ON s.contact_id = v.contact_id AND s.address_hash = i.address_hash AND NOT s.confirmed AND NOT s.ended
             AND s.given_at <= m.claimed_at
        WHERE NOT EXISTS (
            SELECT 1 FROM identity j JOIN message l ON l.identity_id = j.id
            WHERE j.address_hash = q.hash AND j.channel = q.channel AND l.direction = 'outbound' AND l.kind NOT IN ('DOI', 'ACK')
              AND l.status IN {ASKED} AND l.claimed_at > m.claimed_at
        )
        GROUP BY q.ord, s.consent_id
        """,
        [n for n, _, _ in answers],
        [c for _, c, _ in answers],
        [h for _, _, h in answers],
    )
    return [Question(ord=r["ord"], consent_id=UUID(bytes=r["consent_id"].bytes), asked_at=r["asked_at"]) for r in rows]
