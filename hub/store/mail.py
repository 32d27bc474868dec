"""What only mail has: its subject and quotations, the threads it answers, and how far each mailbox was read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.model.address import Channel
from hub.model.ids import AccountId, ContactId, ConversationId, IdentityId, MessageId
from hub.model.message import Mailbox
from hub.model.permission import Kind
from hub.model.sealed import Sealed
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRow:
    """whole_text: None where the message's body is all of it. from_other: the sender, where the thread is somebody else's."""

    message_id: MessageId
    subject: Sealed[str]
    whole_text: Sealed[str] | None
    header_id: str | None
    mailbox: Mailbox
    trusted: bool
    trust_detail: str
    robot: str
    flags: tuple[str, ...]
    from_other: Sealed[str] | None


async def add(conn: Connection, rows: Sequence[MailRow]) -> None:
    """Store them, at least one, in one statement; after their messages."""
    columns = zip(*[_values(r) for r in rows], strict=True)
    await conn.execute(
        """
        INSERT INTO mail (message_id, subject, whole_text, header_id, mailbox, trusted, trust_detail, robot, flags, from_other)
        SELECT id, subject, whole, header_id, mailbox, trusted, trust_detail, robot, string_to_array(flags, ','), other
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bool[], $7::text[], $8::text[], $9::text[], $10::text[])
            AS n(id, subject, whole, header_id, mailbox, trusted, trust_detail, robot, flags, other)
        """,
        *columns,
    )


def _values(r: MailRow) -> tuple[object, ...]:
    return (
        r.message_id,
        r.subject.reveal(),
        r.whole_text.reveal() if r.whole_text else None,
        r.header_id,
        r.mailbox,
        r.trusted,
        r.trust_detail,
        r.robot,
        ",".join(r.flags),  # constants of ours, without commas
        r.from_other.reveal() if r.from_other else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What names a mail's thread, the surest first: conversation by token, then ours among the ids it answers.

    channel, account_id, address_hash: who wrote; None where the mail names nobody.
    """

    thread: ConversationId | None
    rows: tuple[UUID, ...]
    provider_ids: tuple[str, ...]
    account_id: AccountId
    address_hash: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The conversation a mail belongs to. identity_id: the contact's own mail address it was written from; None when it
    came from an address that is not theirs."""

    conversation_id: ConversationId
    contact_id: ContactId
    named: bool
    identity_id: IdentityId | None
    verified: bool
    last_outbound_kind: Kind | None
    last_outbound_at: datetime | None


async def find_threads(conn: Connection, wanted: Sequence[Wanted]) -> list[Thread | None]:
    """For each mail, in the order asked, the thread it names; None where it names none that we have."""
    named = [(n, rank, *name) for n, w in enumerate(wanted) for rank, name in enumerate(_names(w))]
    if not named:
        return [None] * len(wanted)
    rows = await conn.fetch(
        """
        SELECT DISTINCT ON (q.ord) q.ord, k.id, k.contact_id, p.display_name IS NOT NULL AS named, i.id AS identity_id,
               coalesce(i.verified, false) AS verified, o.kind AS last_kind, o.created_at AS last_at
        FROM unnest($1::int[], $2::int[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::bytea[])
            AS q(ord, rank, thread, row, provider_id, account_id, hash)
        JOIN LATERAL (
            SELECT q.thread AS id WHERE q.thread IS NOT NULL
            UNION ALL SELECT m.conversation_id FROM message m WHERE m.id = q.row AND m.direction = 'outbound' AND m.channel = 'email'
            UNION ALL SELECT m.conversation_id FROM message m WHERE m.account_id = q.account_id
                AND m.provider_message_id = q.provider_id AND m.direction = 'outbound'
        ) t ON true
        JOIN conversation k ON k.id = t.id
        JOIN contact p ON p.id = k.contact_id AND p.erasure <> 'done'
        LEFT JOIN identity i ON i.contact_id = k.contact_id AND i.channel = 'email' AND i.address_hash = q.hash
        LEFT JOIN LATERAL (
            SELECT m.kind, m.created_at FROM message m
            WHERE m.conversation_id = k.id AND m.direction = 'outbound' AND m.status NOT IN ('refused', 'cancelled')
            ORDER BY m.id DESC LIMIT 1
        ) o ON true
        ORDER BY q.ord, q.rank
        """,
        [n for n, *_ in named],
        [rank for _, rank, *_ in named],
        [thread for _, _, thread, _, _ in named],
        [row for _, _, _, row, _ in named],
        [provider_id for *_, provider_id in named],
        [wanted[n].account_id for n, *_ in named],
        [wanted[n].address_hash for n, *_ in named],
    )
    found: list[Thread | None] = [None] * len(wanted)
    for r in rows:
        found[r["ord"]] = Thread(
            conversation_id=r["id"],
            contact_id=r["contact_id"],
            named=r["named"],
            identity_id=r["identity_id"],
            verified=r["verified"],
            last_outbound_kind=Kind(r["last_kind"]) if r["last_kind"] else None,
            last_outbound_at=r["last_at"],
        )
    return found


def _names(wanted: Wanted) -> list[tuple[UUID | None, UUID | None, str | None]]:
    by_token = [(wanted.thread, None, None)] if wanted.thread else []
    return [*by_token, *((None, row, None) for row in wanted.rows), *((None, None, name) for name in wanted.provider_ids)]


async def lately_from(
    conn: Connection, asked: Sequence[tuple[ConversationId, IdentityId | None]], *, since: datetime, most: int
) -> list[int]:
    """For each conversation and address, how many mails came in since; counted among the newest `2 * most` messages only."""
    rows = await conn.fetch(
        """
        SELECT count(m.id) AS n FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS q(conversation, identity, ord)
        LEFT JOIN LATERAL (
            SELECT id, identity_id, direction, created_at FROM message WHERE conversation_id = q.conversation ORDER BY id DESC LIMIT $4
        ) m ON m.direction = 'inbound' AND m.created_at > $3 AND m.identity_id IS NOT DISTINCT FROM q.identity
        GROUP BY q.ord ORDER BY q.ord
        """,
        [conversation for conversation, _ in asked],
        [identity for _, identity in asked],
        since,
        2 * most,
    )
    return [r["n"] for r in rows]


async def worn_out(conn: Connection, hashes: Sequence[bytes], *, like: str, least: int, since: datetime) -> list[bytes]:
    """Which of these addresses refused at least so many mails since then, with a code like this one, while nobody wrote from
    them and nothing reached them."""
    rows = await conn.fetch(
        """
        SELECT i.address_hash FROM identity i JOIN conversation k ON k.contact_id = i.contact_id
        JOIN message m ON m.conversation_id = k.id AND m.identity_id = i.id AND m.created_at > $3
        WHERE i.address_hash = ANY($1) AND i.channel = 'email'
        GROUP BY i.address_hash
        HAVING count(*) FILTER (WHERE m.direction = 'outbound' AND m.status = 'failed' AND m.error_code LIKE $4) >= $2
           AND count(*) FILTER (WHERE m.direction = 'inbound' OR m.status IN ('delivered', 'read')) = 0
        """,
        list(set(hashes)),
        least,
        since,
        like,
    )
    return [r["address_hash"] for r in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """To whom one of our messages, or a conversation, went by mail."""

    contact_id: ContactId
    address_hash: bytes | None
    channel: Channel


async def addressees(conn: Connection, ids: Iterable[UUID]) -> list[Addressee]:
    """The people these messages or conversations of ours were for."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT m.contact_id, i.address_hash FROM message m LEFT JOIN identity i ON i.id = m.identity_id
        WHERE m.id = ANY($1) AND m.direction = 'outbound'
        UNION
        SELECT k.contact_id, i.address_hash FROM conversation k
        LEFT JOIN invitation v ON v.conversation_id = k.id AND v.channel = 'email' LEFT JOIN identity i ON i.id = v.identity_id
        WHERE k.id = ANY($1)
        """,
        list(ids),
    )
    return [Addressee(contact_id=r["contact_id"], address_hash=r["address_hash"], channel=Channel.EMAIL) for r in rows]


async def known_contact(conn: Connection, contact_id: ContactId) -> ContactId | None:
    """The person a token names, or whoever they were joined to; None for nobody."""
    found: ContactId | None = await conn.fetchval("SELECT coalesce(merged_into, id) FROM contact WHERE id = $1", contact_id)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a mailbox was read."""

    uidvalidity: int
    uid: int
    read_at: datetime


async def cursor(conn: Connection, account_id: AccountId, mailbox: str) -> Cursor | None:
    """None for a mailbox that was never read."""
    row = await conn.fetchrow(
        "SELECT uidvalidity, uid, read_at FROM mail_cursor WHERE account_id = $1 AND mailbox = $2", account_id, mailbox
    )
    return Cursor(uidvalidity=row["uidvalidity"], uid=row["uid"], read_at=row["read_at"]) if row else None


async def move_cursor(conn: Connection, account_id: AccountId, mailbox: str, *, uidvalidity: int, uid: int, now: datetime) -> None:
    """Everything up to this UID was stored or passed over. Under one UIDVALIDITY it only ever moves forward."""
    await conn.execute(
        """
        INSERT INTO mail_cursor AS c (account_id, mailbox, uidvalidity, uid, read_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (account_id, mailbox) DO UPDATE SET uidvalidity = excluded.uidvalidity, read_at = excluded.read_at,
            uid = CASE WHEN c.uidvalidity = excluded.uidvalidity THEN greatest(c.uid, excluded.uid) ELSE excluded.uid END
        """,
        account_id,
        mailbox,
        uidvalidity,
        uid,
        now,
    )


async def pass_over(
    conn: Connection, account_id: AccountId, mailbox: str, *, uidvalidity: int, uid: int, reason: str, size: int | None, now: datetime
) -> None:
    """Note a mail that stays in its mailbox unread by us; a constant says why."""
    await conn.execute(
        """
        INSERT INTO mail_passed_over (account_id, mailbox, uidvalidity, uid, reason, size, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT DO NOTHING
        """,
        account_id,
        mailbox,
        uidvalidity,
        uid,
        reason,
        size,
        now,
    )
