"""One conversation and one person as the inbox shows them: messages with their files, stops with their words, addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from hub.model.address import Channel
from hub.model.ids import ContactId, ConversationId, MessageId
from hub.model.message import ContentKind, DeliveryStatus, Direction
from hub.model.permission import Kind, Reason, Scope
from hub.model.sealed import Sealed
from hub.store.pool import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """One attachment. state: pending, stored or refused; refusal: why it was not fetched."""

    id: UUID
    name: Sealed[str] | None
    mime_type: str
    size: int | None
    state: str
    refusal: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailPart:
    """What only a mail has. whole: with everything quoted, cut at WHOLE_MOST; None where the body is all of it.
    from_other: who sent it, where the thread is somebody else's."""

    subject: Sealed[str]
    whole: Sealed[str] | None
    mailbox: str
    trusted: bool
    flags: tuple[str, ...]
    from_other: Sealed[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """One message. reason: why the judge last refused it, for outbound ones in state refused. provider_id: the provider's
    name for it; detail: what came with it beside its words (hub.intake.place)."""

    id: MessageId
    channel: Channel
    direction: Direction
    kind: Kind | None
    content_kind: ContentKind
    body: Sealed[str]
    status: DeliveryStatus | None
    error_code: str | None
    signal: str | None
    created_at: datetime
    occurred_at: datetime
    send_after: datetime | None
    status_at: datetime | None
    author: str | None
    reason: Reason | None
    files: tuple[FileRow, ...]
    taken_back: bool = False  # the person took it back
    provider_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict, repr=False)
    mail: MailPart | None = None


WHOLE_MOST = 20_000  # characters of a mail with its quotations that a thread shows

_MESSAGES = f"""
SELECT m.id, m.channel, m.direction, m.kind, m.content_kind, m.body, m.status, m.error_code, m.signal, m.created_at, m.occurred_at,
       m.send_after, m.status_at, s.name AS author, d.reason, f.files, coalesce(m.detail ? 'taken_back', false) AS taken_back,
       m.provider_message_id, m.detail, l.message_id AS mail_id, l.subject, left(l.whole_text, {WHOLE_MOST}) AS whole, l.mailbox,
       l.trusted, l.flags, l.from_other
FROM message m
LEFT JOIN staff s ON s.id = m.written_by
LEFT JOIN mail l ON l.message_id = m.id
LEFT JOIN LATERAL (
    SELECT x.reason FROM decision x WHERE x.message_id = m.id AND m.status = 'refused' AND x.outcome = 'REFUSE' ORDER BY x.id DESC LIMIT 1
) d ON true
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(a.file_name, a.mime_type, a.size, a.state, a.refusal, a.id) ORDER BY a.position) AS files
    FROM attachment a WHERE a.message_id = m.id
) f ON true
"""


async def messages(conn: Connection, conversation_id: ConversationId, *, before: MessageId | None, limit: int) -> list[MessageRow]:
    """The latest messages, or those before one of them; oldest first."""
    rows = await conn.fetch(
        _MESSAGES + "WHERE m.conversation_id = $1 AND ($2::uuid IS NULL OR m.id < $2) ORDER BY m.id DESC LIMIT $3",
        conversation_id,
        before,
        limit,
    )
    return [_message(r) for r in reversed(rows)]


async def messages_from(conn: Connection, conversation_id: ConversationId, first: MessageId, *, limit: int) -> list[MessageRow]:
    """The messages from this one on, oldest first: what an open page shows, and what came since."""
    rows = await conn.fetch(_MESSAGES + "WHERE m.conversation_id = $1 AND m.id >= $2 ORDER BY m.id LIMIT $3", conversation_id, first, limit)
    return [_message(r) for r in rows]


async def message(conn: Connection, message_id: MessageId) -> MessageRow | None:
    """One message, wherever it belongs."""
    row = await conn.fetchrow(_MESSAGES + "WHERE m.id = $1", message_id)
    return _message(row) if row else None


def _message(row: Row) -> MessageRow:
    return MessageRow(
        id=MessageId(row["id"]),
        channel=Channel(row["channel"]),
        direction=Direction(row["direction"]),
        kind=Kind(row["kind"]) if row["kind"] else None,
        content_kind=ContentKind(row["content_kind"]),
        body=Sealed(row["body"]),
        status=DeliveryStatus(row["status"]) if row["status"] else None,
        error_code=row["error_code"],
        signal=row["signal"],
        created_at=row["created_at"],
        occurred_at=row["occurred_at"],
        send_after=row["send_after"],
        status_at=row["status_at"],
        author=row["author"],
        reason=Reason(row["reason"]) if row["reason"] else None,
        files=tuple(file_row(values) for values in row["files"] or ()),
        taken_back=row["taken_back"],
        provider_id=row["provider_message_id"],
        detail=row["detail"] or {},
        mail=_mail(row) if row["mail_id"] else None,
    )


def _mail(row: Row) -> MailPart:
    return MailPart(
        subject=Sealed(row["subject"]),
        whole=Sealed(row["whole"]) if row["whole"] else None,
        mailbox=row["mailbox"],
        trusted=row["trusted"],
        flags=tuple(row["flags"]),
        from_other=Sealed(row["from_other"]) if row["from_other"] else None,
    )


def file_row(values: list[object]) -> FileRow:
    """A file from the array [name, type, size, state, refusal, id] the statements here build."""
    name, mime_type, size, state, refusal, id = values
    return FileRow(
        id=UUID(str(id)),
        name=Sealed(str(name)) if name else None,
        mime_type=str(mime_type),
        size=int(str(size)) if size is not None else None,
        state=str(state),
        refusal=str(refusal) if refusal else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRow:
    """One stop of a person, with every scope it wrote. words: the message that said so, where there is one."""

    scopes: tuple[tuple[Scope, Channel | None], ...]
    said_on: Channel | None
    occurred_at: datetime
    source: str
    evidence_id: UUID | None
    words: Sealed[str] | None
    lifted_at: datetime | None
    provisional: bool


async def stops(conn: Connection, contact_id: ContactId) -> list[StopRow]:
    """What the person stopped, by person or by an address of theirs; newest first, the lifted ones too."""
    rows = await conn.fetch(
        """
        SELECT min(m.channel) AS said_on, u.occurred_at, u.source, u.evidence_id, u.lifted_at, u.provisional, min(m.body) AS words,
               jsonb_agg(DISTINCT jsonb_build_array(u.scope, u.channel)) AS scopes
        FROM (
            SELECT x.* FROM suppression x WHERE x.contact_id = $1
            UNION
            SELECT x.* FROM suppression x WHERE x.address_hash IN (SELECT i.address_hash FROM identity i WHERE i.contact_id = $1)
        ) u
        LEFT JOIN message m ON m.id = u.evidence_id AND m.contact_id = $1 AND m.direction = 'inbound'
        GROUP BY u.occurred_at, u.source, u.evidence_id, u.lifted_at, u.provisional
        ORDER BY u.occurred_at DESC, u.evidence_id
        """,
        contact_id,
    )
    return [
        StopRow(
            scopes=tuple((Scope(scope), Channel(channel) if channel else None) for scope, channel in sorted(r["scopes"], key=str)),
            said_on=Channel(r["said_on"]) if r["said_on"] else None,
            occurred_at=r["occurred_at"],
            source=r["source"],
            evidence_id=r["evidence_id"],
            words=Sealed(r["words"]) if r["words"] else None,
            lifted_at=r["lifted_at"],
            provisional=r["provisional"],
        )
        for r in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRow:
    channel: Channel
    address: Sealed[str] | None
    verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """Who somebody is to us. other_conversations: their further threads, newest first."""

    id: ContactId
    birth_date: date | None
    age_confirmed: bool
    restricted: bool
    erasure: str
    identities: tuple[IdentityRow, ...]
    other_conversations: tuple[tuple[ConversationId, Channel, datetime], ...]
    first_seen_at: datetime


async def person(conn: Connection, contact_id: ContactId, *, besides: ConversationId) -> PersonRow:
    """The person behind a conversation. Raises LookupError when there is none."""
    row = await conn.fetchrow(
        "SELECT id, birth_date, age_confirmed, restricted, erasure, created_at FROM contact WHERE id = $1", contact_id
    )
    if row is None:
        raise LookupError("no such contact")
    known = await conn.fetch(
        "SELECT channel, address, verified FROM identity WHERE contact_id = $1 ORDER BY verified DESC, last_seen_at DESC, id LIMIT 20",
        contact_id,
    )
    others = await conn.fetch(
        "SELECT id, channel, last_message_at FROM conversation WHERE contact_id = $1 AND id <> $2 ORDER BY last_message_at DESC LIMIT 10",
        contact_id,
        besides,
    )
    return PersonRow(
        id=contact_id,
        birth_date=row["birth_date"],
        age_confirmed=row["age_confirmed"],
        restricted=row["restricted"],
        erasure=row["erasure"],
        first_seen_at=row["created_at"],
        identities=tuple(
            IdentityRow(channel=Channel(r["channel"]), address=Sealed(r["address"]) if r["address"] else None, verified=r["verified"])
            for r in known
        ),
        other_conversations=tuple((r["id"], Channel(r["channel"]), r["last_message_at"]) for r in others),
    )


async def first_of(conn: Connection, conversation_id: ConversationId) -> dict[Channel, MessageId]:
    """The first message the person wrote in this conversation, per channel: what opened the invitation there."""
    rows = await conn.fetch(
        "SELECT DISTINCT ON (channel) channel, id FROM message WHERE conversation_id = $1 AND direction = 'inbound' ORDER BY channel, id",
        conversation_id,
    )
    return {Channel(r["channel"]): MessageId(r["id"]) for r in rows}


async def wordings_shown(conn: Connection, refs: list[tuple[str, int, str]]) -> dict[tuple[str, int, str], str]:
    """The sentences people were shown, word for word."""
    rows = await conn.fetch(
        """
        SELECT w.id, w.version, w.locale, w.text FROM wording w
        JOIN unnest($1::text[], $2::int[], $3::text[]) AS q(id, version, locale) USING (id, version, locale)
        """,
        [r[0] for r in refs],
        [r[1] for r in refs],
        [r[2] for r in refs],
    )
    return {(r["id"], r["version"], r["locale"]): r["text"] for r in rows}


async def wrote(conn: Connection, conversation_id: ConversationId) -> list[tuple[Channel, datetime, datetime]]:
    """Per channel, when the person first and last wrote in this conversation (provider time)."""
    rows = await conn.fetch(
        "SELECT channel, min(occurred_at) AS first, max(occurred_at) AS last FROM message"
        " WHERE conversation_id = $1 AND direction = 'inbound' GROUP BY channel",
        conversation_id,
    )
    return [(Channel(r["channel"]), r["first"], r["last"]) for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingRow:
    """How far one outbound message is."""

    conversation_id: ConversationId
    status: DeliveryStatus
    send_after: datetime
    name: Sealed[str] | None


async def sending(conn: Connection, message_id: MessageId) -> SendingRow | None:
    """None for an inbound message, or none at all."""
    row = await conn.fetchrow(
        """
        SELECT m.conversation_id, m.status, m.send_after, c.display_name FROM message m JOIN contact c ON c.id = m.contact_id
        WHERE m.id = $1 AND m.direction = 'outbound'
        """,
        message_id,
    )
    if row is None:
        return None
    return SendingRow(
        conversation_id=ConversationId(row["conversation_id"]),
        status=DeliveryStatus(row["status"]),
        send_after=row["send_after"],
        name=Sealed(row["display_name"]) if row["display_name"] else None,
    )


async def statuses(conn: Connection, message_ids: Sequence[MessageId]) -> dict[UUID, DeliveryStatus]:
    """How far these outbound messages are, by id."""
    rows = await conn.fetch("SELECT id, status FROM message WHERE id = ANY($1) AND status IS NOT NULL", list(message_ids))
    return {r["id"]: DeliveryStatus(r["status"]) for r in rows}


async def last_words(conn: Connection, conversation_id: ConversationId) -> MessageRow | None:
    """What the person wrote last in this conversation."""
    row = await conn.fetchrow(
        _MESSAGES + "WHERE m.conversation_id = $1 AND m.direction = 'inbound' ORDER BY m.id DESC LIMIT 1", conversation_id
    )
    return _message(row) if row else None
