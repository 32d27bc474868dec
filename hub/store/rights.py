"""Cases that requests about data open, and what was written in them (policy §4). The desk for them comes to these rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from hub.model.address import Channel
from hub.model.ids import ContactId, ConversationId, MessageId, uuid7
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One message that asks for something. Days are the clinic's own. trusted: it proves an address on file (V1)."""

    kind: str
    contact_id: ContactId
    conversation_id: ConversationId
    channel: Channel
    message_id: MessageId
    received_at: datetime
    statutory_due: date
    policy_due: date
    due: date
    target: date
    trusted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The case a request opened, or the open one it belongs to."""

    case_id: UUID
    new: bool


async def open_cases(conn: Connection, requests: Sequence[Request], *, now: datetime) -> list[Opened]:
    """One case per person and kind while it is open; a vague word in an open matter belongs to that. The caller holds the
    conversations' locks, so two copies of one request cannot both open."""
    return [await _open(conn, request, now) for request in requests]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCase:
    """An open case as other desks name it. due: the clinic's own day an answer must have left by."""

    number: int
    kind: str
    received_at: datetime
    due: date


async def open_of(conn: Connection, contact_id: ContactId) -> list[OpenCase]:
    """The open cases of a person, the most pressing first."""
    rows = await conn.fetch(
        "SELECT number, kind, received_at, due FROM rights_case WHERE contact_id = $1 AND state = 'open' ORDER BY due, number LIMIT 10",
        contact_id,
    )
    return [OpenCase(number=r["number"], kind=r["kind"], received_at=r["received_at"], due=r["due"]) for r in rows]


async def _open(conn: Connection, request: Request, now: datetime) -> Opened:
    found = await conn.fetchval(
        """
        SELECT id FROM rights_case WHERE contact_id = $1 AND state = 'open' AND (kind = $2 OR $2 = 'unclear')
        ORDER BY kind = $2 DESC, number LIMIT 1
        """,
        request.contact_id,
        request.kind,
    )
    case_id = found or await _insert(conn, request, now)
    await conn.execute(
        "INSERT INTO rights_case_message (case_id, message_id, trusted, added_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        case_id,
        request.message_id,
        request.trusted,
        now,
    )
    if request.trusted:
        await conn.execute("UPDATE rights_case SET verification = 'V1' WHERE id = $1 AND verification = 'V0'", case_id)
    return Opened(case_id=case_id, new=found is None)


async def _insert(conn: Connection, request: Request, now: datetime) -> UUID:
    case_id = uuid7()
    await conn.execute(
        """
        INSERT INTO rights_case (id, kind, contact_id, conversation_id, channel, received_at, statutory_due, policy_due, due, target,
                                 opened_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        case_id,
        request.kind,
        request.contact_id,
        request.conversation_id,
        request.channel,
        request.received_at,
        request.statutory_due,
        request.policy_due,
        request.due,
        request.target,
        now,
    )
    return case_id
