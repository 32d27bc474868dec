"""What the inbox shows, read in a few bounded statements per page, and the small acts that change a conversation.

Lists are keyset pages, newest first; counts stop at COUNT_MOST. Nothing here decides whether we may speak.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub.model.address import Channel
from hub.model.ids import AccountId, ContactId, ConversationId, IdentityId, StaffId
from hub.model.message import ContentKind
from hub.model.sealed import Sealed
from hub.store.pool import Connection, Row

COUNT_MOST = 99
SNIPPET = 200  # characters of the last words a list shows


class View(StrEnum):
    """The lists a person can choose from."""

    OPEN = "open"
    MINE = "mine"
    UNASSIGNED = "unassigned"
    UNANSWERED = "unanswered"
    FAILED = "failed"
    UNCLEAR = "unclear"
    JUDGE = "judge"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"


# A person's answer counts, an automatic one does not: the enquiry still waits for somebody.
_ANSWERED = """EXISTS (SELECT 1 FROM message r WHERE r.conversation_id = c.id AND r.direction = 'outbound' AND r.written_by IS NOT NULL
    AND r.status NOT IN ('refused', 'cancelled', 'failed') AND r.created_at >= c.last_inbound_at)"""
_WHERE = {
    View.OPEN: "c.status = 'open' AND c.snoozed_at IS NULL",
    View.MINE: "c.status = 'open' AND c.snoozed_at IS NULL AND c.assigned_to = $1",
    View.UNASSIGNED: "c.status = 'open' AND c.snoozed_at IS NULL AND c.assigned_to IS NULL",
    View.UNANSWERED: f"c.status = 'open' AND c.snoozed_at IS NULL AND c.last_inbound_at IS NOT NULL AND NOT {_ANSWERED}",
    View.FAILED: "c.status <> 'spam' AND c.id IN (SELECT m.conversation_id FROM message m WHERE m.status IN ('failed', 'unknown'))",
    View.UNCLEAR: "c.stop_unclear AND c.status <> 'spam'",
    View.JUDGE: "c.status <> 'spam' AND c.contact_id IN (SELECT x.contact_id FROM suppression x"
    " WHERE x.provisional AND x.lifted_at IS NULL)",
    View.SNOOZED: "c.status = 'open' AND c.snoozed_at IS NOT NULL",
    View.RESOLVED: "c.status = 'resolved'",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """One conversation as the list needs it. words: the person's last message, cut; None when we wrote first."""

    id: ConversationId
    contact_id: ContactId
    channel: Channel
    account_id: AccountId
    status: str
    unread: int
    stop_unclear: bool
    last_message_at: datetime
    last_inbound_at: datetime | None
    assigned_to: StaffId | None
    assignee: str | None
    name: Sealed[str] | None
    address: Sealed[str] | None
    locale: str | None
    words: Sealed[str] | None
    content_kind: ContentKind | None
    has_failed: bool
    has_unknown: bool
    snoozed: bool
    snoozed_until: datetime | None
    subject: Sealed[str] | None = None  # of that last message, where it is a mail


_ROWS = f"""
SELECT c.id, c.contact_id, c.channel, c.account_id, c.status, c.unread, c.stop_unclear, c.last_message_at, c.last_inbound_at,
       c.snoozed_at, c.snoozed_until, c.assigned_to, s.name AS assignee, p.display_name, p.locale, i.address,
       left(w.body, {SNIPPET}) AS words, w.content_kind, left(w.subject, {SNIPPET}) AS subject,
       EXISTS (SELECT 1 FROM message m WHERE m.conversation_id = c.id AND m.status = 'failed') AS has_failed,
       EXISTS (SELECT 1 FROM message m WHERE m.conversation_id = c.id AND m.status = 'unknown') AS has_unknown
FROM conversation c
JOIN contact p ON p.id = c.contact_id
LEFT JOIN staff s ON s.id = c.assigned_to
LEFT JOIN LATERAL (
    SELECT x.address FROM identity x WHERE x.contact_id = c.contact_id AND x.address IS NOT NULL
    ORDER BY (x.channel = c.channel) DESC, x.verified DESC, x.last_seen_at DESC, x.id LIMIT 1
) i ON true
LEFT JOIN LATERAL (
    SELECT m.body, m.content_kind, l.subject FROM message m LEFT JOIN mail l ON l.message_id = m.id
    WHERE m.conversation_id = c.id AND m.direction = 'inbound' ORDER BY m.id DESC LIMIT 1
) w ON true
"""


async def page(
    conn: Connection, view: View, staff_id: StaffId, *, before: tuple[datetime, ConversationId] | None, limit: int
) -> list[ListRow]:
    """One page of a view, newest first. before: the last row of the page above, None for the first."""
    at, last = before or (None, None)
    rows = await conn.fetch(
        _ROWS
        + f"WHERE ({_WHERE[view]}) AND ($1::uuid IS NOT NULL) AND ($2::timestamptz IS NULL OR (c.last_message_at, c.id) < ($2, $3::uuid))"
        " ORDER BY c.last_message_at DESC, c.id DESC LIMIT $4",
        staff_id,
        at,
        last,
        limit,
    )
    return [_row(r) for r in rows]


async def one(conn: Connection, conversation_id: ConversationId) -> ListRow | None:
    """One conversation, whatever view it is in."""
    row = await conn.fetchrow(_ROWS + "WHERE c.id = $1", conversation_id)
    return _row(row) if row else None


async def belongs(conn: Connection, conversation_id: ConversationId, view: View, staff_id: StaffId) -> bool:
    """Whether the conversation is in this view just now."""
    return bool(
        await conn.fetchval(
            f"SELECT EXISTS (SELECT 1 FROM conversation c WHERE ({_WHERE[view]}) AND $1::uuid IS NOT NULL AND c.id = $2)",
            staff_id,
            conversation_id,
        )
    )


async def counts(conn: Connection, staff_id: StaffId) -> dict[View, int]:
    """How many conversations each view holds, at most COUNT_MOST + 1 each, in one statement."""
    parts = ", ".join(
        f"(SELECT count(*) FROM (SELECT 1 FROM conversation c WHERE {_WHERE[v]} LIMIT {COUNT_MOST + 1}) x) AS {v}" for v in View
    )
    row = await conn.fetchrow(f"SELECT $1::uuid AS me, {parts}", staff_id)
    return {view: row[view] for view in View}


async def anything(conn: Connection) -> bool:
    """Whether anybody ever wrote."""
    return bool(await conn.fetchval("SELECT EXISTS (SELECT 1 FROM conversation)"))


def _row(row: Row) -> ListRow:
    return ListRow(
        id=ConversationId(row["id"]),
        contact_id=ContactId(row["contact_id"]),
        channel=Channel(row["channel"]),
        account_id=AccountId(row["account_id"]),
        status=row["status"],
        unread=row["unread"],
        stop_unclear=row["stop_unclear"],
        last_message_at=row["last_message_at"],
        last_inbound_at=row["last_inbound_at"],
        assigned_to=row["assigned_to"],
        assignee=row["assignee"],
        name=_sealed(row["display_name"]),
        address=_sealed(row["address"]),
        locale=row["locale"],
        words=_sealed(row["words"]),
        content_kind=ContentKind(row["content_kind"]) if row["content_kind"] else None,
        has_failed=row["has_failed"],
        has_unknown=row["has_unknown"],
        snoozed=row["snoozed_at"] is not None,
        snoozed_until=row["snoozed_until"],
        subject=_sealed(row["subject"]),
    )


def _sealed(value: str | None) -> Sealed[str] | None:
    return None if value is None else Sealed(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A channel on which a conversation might go on. identity_id: None when we know no address of theirs there."""

    conversation_id: ConversationId
    contact_id: ContactId
    account_id: AccountId
    channel: Channel
    identity_id: IdentityId | None


async def places(conn: Connection, conversation_ids: Sequence[ConversationId]) -> list[Place]:
    """Every channel these conversations have an invitation on, or we know an address for. The form itself carries nothing."""
    rows = await conn.fetch(
        """
        SELECT c.id, c.contact_id, c.account_id, h.channel, d.id AS identity_id
        FROM conversation c
        CROSS JOIN LATERAL (
            SELECT n.channel FROM invitation n WHERE n.conversation_id = c.id
            UNION SELECT i.channel FROM identity i WHERE i.contact_id = c.contact_id
        ) h
        LEFT JOIN invitation n ON n.conversation_id = c.id AND n.channel = h.channel
        LEFT JOIN LATERAL (
            SELECT i.id FROM identity i WHERE i.contact_id = c.contact_id AND i.channel = h.channel
            ORDER BY (i.id = n.identity_id) DESC NULLS LAST, i.verified DESC, i.last_seen_at DESC, i.id LIMIT 1
        ) d ON true
        WHERE c.id = ANY($1) AND h.channel NOT IN ('web_form', 'ads')
        ORDER BY c.id, n.last_inbound_at DESC NULLS LAST, n.named_by_person DESC NULLS LAST, h.channel
        """,
        list(conversation_ids),
    )
    return [
        Place(
            conversation_id=r["id"],
            contact_id=r["contact_id"],
            account_id=r["account_id"],
            channel=Channel(r["channel"]),
            identity_id=r["identity_id"],
        )
        for r in rows
    ]


async def mark_read(conn: Connection, conversation_id: ConversationId) -> bool:
    """Nothing is unread here. False when nothing was."""
    return await _changed(conn, "UPDATE conversation SET unread = 0 WHERE id = $1 AND unread > 0 RETURNING id", conversation_id)


async def mark_unread(conn: Connection, conversation_id: ConversationId) -> bool:
    """Somebody shall look again."""
    return await _changed(conn, "UPDATE conversation SET unread = 1 WHERE id = $1 AND unread = 0 RETURNING id", conversation_id)


async def assign(conn: Connection, conversation_id: ConversationId, staff_id: StaffId | None) -> bool:
    """Give the conversation to somebody, or (None) to nobody."""
    return await _changed(
        conn,
        "UPDATE conversation SET assigned_to = $2 WHERE id = $1 AND assigned_to IS DISTINCT FROM $2 RETURNING id",
        conversation_id,
        staff_id,
    )


async def set_status(conn: Connection, conversation_id: ConversationId, status: str) -> bool:
    """`open` or `resolved`; spam stays spam. What was put aside is so no longer."""
    return await _changed(
        conn,
        "UPDATE conversation SET status = $2, snoozed_at = NULL, snoozed_until = NULL"
        " WHERE id = $1 AND status NOT IN ($2, 'spam') RETURNING id",
        conversation_id,
        status,
    )


async def clear_unclear_stop(conn: Connection, conversation_id: ConversationId) -> bool:
    """A person has read the words and says what they mean."""
    return await _changed(conn, "UPDATE conversation SET stop_unclear = false WHERE id = $1 AND stop_unclear RETURNING id", conversation_id)


async def _changed(conn: Connection, statement: str, *values: object) -> bool:
    return await conn.fetchval(statement, *values) is not None


async def names_of_staff(conn: Connection, ids: Iterable[StaffId]) -> dict[StaffId, str]:
    """First what colleagues call them."""
    rows = await conn.fetch("SELECT id, name FROM staff WHERE id = ANY($1)", list(ids))
    return {r["id"]: r["name"] for r in rows}
