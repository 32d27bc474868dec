"""Contacts, their addresses and identities: found by keyed hash, made when somebody new writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from hub.model.address import AddressClass, Channel
from hub.model.ids import AccountId, ContactId, ConversationId, IdentityId
from hub.model.permission import Kind, kind_of
from hub.model.sealed import Sealed
from hub.store.pool import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class NewContact:
    id: ContactId
    display_name: Sealed[str] | None
    locale: str | None
    birth_date: date | None
    created_at: datetime
    age_confirmed: bool = False  # of age by what the person stated (policy R44)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIdentity:
    """One address of a contact. address_kind and key_id describe the address row made with it."""

    id: IdentityId
    contact_id: ContactId
    channel: Channel
    address_hash: bytes
    address_kind: AddressClass
    key_id: int
    aliases: tuple[bytes, ...]
    address: Sealed[str]
    country: str | None
    verified: bool
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is on file about one sender: whose address it is, and the thread it continues."""

    identity_id: IdentityId | None  # on the channel asked about; None when the person is known from another channel only
    contact_id: ContactId
    verified: bool
    named: bool
    conversation_id: ConversationId | None
    last_outbound_kind: Kind | None
    last_outbound_at: datetime | None
    last_text: Sealed[str] | None = None  # what we last said by SMS, where they are asked about by SMS: it may offer letters to stop with


async def find_senders(conn: Connection, asked: Sequence[tuple[Channel, bytes, AccountId]]) -> list[Known | None]:
    """For each (channel, address hash, account): whom we know there, in the order asked.

    A verified identity wins, on this channel or on another that shares the address (SMS and WhatsApp). A typed one
    counts only where its contact has no verified identity at all: writing from an address proves that one address,
    and must not join a stranger to somebody else's record.
    """
    rows = await conn.fetch(
        """
        SELECT q.ord, i.contact_id, i.verified, p.display_name IS NOT NULL AS named,
               (SELECT s.id FROM identity s WHERE s.contact_id = i.contact_id AND s.channel = q.channel AND s.address_hash = q.hash)
                   AS identity_id,
               c.conversation_id, o.kind AS last_kind, o.created_at AS last_kind_at,
               CASE WHEN q.channel = 'sms' AND o.channel = 'sms' THEN o.body END AS last_text
        FROM unnest($1::text[], $2::bytea[], $3::text[]) WITH ORDINALITY AS q(channel, hash, account_id, ord)
        JOIN LATERAL (
            SELECT i.contact_id, i.verified FROM identity i
            JOIN contact h ON h.id = i.contact_id AND h.merged_into IS NULL AND h.erasure <> 'done'
            WHERE i.address_hash = q.hash
              AND (i.verified OR NOT EXISTS (SELECT 1 FROM identity v WHERE v.contact_id = i.contact_id AND v.verified))
            ORDER BY i.verified DESC, (i.channel = q.channel) DESC, i.last_seen_at DESC, i.id LIMIT 1
        ) i ON true
        JOIN contact p ON p.id = i.contact_id
        LEFT JOIN LATERAL (
            SELECT k.id AS conversation_id FROM conversation k JOIN invitation n ON n.conversation_id = k.id AND n.channel = q.channel
            WHERE k.contact_id = i.contact_id AND (k.account_id = q.account_id OR k.channel = 'web_form') AND k.status <> 'spam'
            ORDER BY k.last_message_at DESC, k.id DESC LIMIT 1
        ) c ON true
        LEFT JOIN LATERAL (
            SELECT m.kind, m.created_at, m.channel, m.body FROM message m
            WHERE m.conversation_id = c.conversation_id AND m.direction = 'outbound' AND m.status NOT IN ('refused', 'cancelled')
            ORDER BY m.id DESC LIMIT 1
        ) o ON true
        """,
        [c for c, _, _ in asked],
        [h for _, h, _ in asked],
        [a for _, _, a in asked],
    )
    known: list[Known | None] = [None] * len(asked)
    for row in rows:
        known[row["ord"] - 1] = Known(
            identity_id=row["identity_id"],
            contact_id=row["contact_id"],
            verified=row["verified"],
            named=row["named"],
            conversation_id=row["conversation_id"],
            last_outbound_kind=kind_of(row["last_kind"]),
            last_outbound_at=row["last_kind_at"],
            last_text=None if row["last_text"] is None else Sealed(row["last_text"]),
        )
    return known


async def add_people(conn: Connection, contacts: Sequence[NewContact], identities: Sequence[NewIdentity]) -> None:
    """Store new contacts, identities and the address rows under them, in hash order (see the lock order in 0001).

    One statement: its foreign keys are checked when all three are there. A verified identity that somebody else made a
    moment ago raises a unique violation: the caller looks again.
    """
    ordered = sorted(identities, key=lambda i: i.address_hash)
    await conn.execute(
        """
        WITH new_contact AS (
            INSERT INTO contact (id, display_name, locale, birth_date, created_at, age_confirmed)
            SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::date[], $5::timestamptz[], $17::bool[])
        ), n AS (
            SELECT * FROM unnest($6::uuid[], $7::uuid[], $8::text[], $9::bytea[], $10::text[], $11::text[], $12::bool[],
                                 $13::timestamptz[], $14::smallint[], $15::text[], $16::text[])
                AS n(id, contact_id, channel, hash, address, country, verified, seen, key_id, kind, aliases)
        ), new_address AS (
            INSERT INTO address (hash, key_id, kind, created_at, aliases)
            SELECT hash, key_id, kind, seen, CASE WHEN aliases = '' THEN '{}'
                   ELSE ARRAY(SELECT decode(x, 'hex') FROM unnest(string_to_array(aliases, ',')) AS x) END
            FROM n ON CONFLICT (hash) DO NOTHING
        )
        INSERT INTO identity (id, contact_id, channel, address_hash, address, country, verified, created_at, last_seen_at)
        SELECT id, contact_id, channel, hash, address, country, verified, seen, seen FROM n
        """,
        [c.id for c in contacts],
        [c.display_name.reveal() if c.display_name else None for c in contacts],
        [c.locale for c in contacts],
        [c.birth_date for c in contacts],
        [c.created_at for c in contacts],
        [i.id for i in ordered],
        [i.contact_id for i in ordered],
        [i.channel for i in ordered],
        [i.address_hash for i in ordered],
        [i.address.reveal() for i in ordered],
        [i.country for i in ordered],
        [i.verified for i in ordered],
        [i.seen_at for i in ordered],
        [i.key_id for i in ordered],
        [i.address_kind for i in ordered],
        [",".join(a.hex() for a in i.aliases) for i in ordered],
        [c.age_confirmed for c in contacts],
    )


async def mark_verified(conn: Connection, identity_ids: Iterable[IdentityId], *, now: datetime) -> None:
    """The person wrote from these addresses, which proves that they hold them."""
    await conn.execute(
        "UPDATE identity SET verified = true, last_seen_at = $2 WHERE id = ANY($1) AND NOT verified", list(identity_ids), now
    )


async def confirm_age(conn: Connection, contact_id: ContactId, *, today: date) -> bool:
    """The person is of age by what they stated; False where that was known, or a birth date says otherwise."""
    changed = await conn.fetchval(
        """
        UPDATE contact SET age_confirmed = true
        WHERE id = $1 AND NOT age_confirmed AND erasure <> 'done' AND (birth_date IS NULL OR birth_date <= $2::date - interval '18 years')
        RETURNING true
        """,
        contact_id,
        today,
    )
    return changed is True


async def name_contacts(conn: Connection, names: Sequence[tuple[ContactId, Sealed[str]]]) -> None:
    """Give a name to contacts that have none. A name staff or the person gave is never overwritten."""
    await conn.execute(
        """
        UPDATE contact SET display_name = n.name FROM unnest($1::uuid[], $2::text[]) AS n(id, name)
        WHERE contact.id = n.id AND contact.display_name IS NULL
        """,
        [i for i, _ in names],
        [n.reveal() for _, n in names],
    )


async def mark_addresses(conn: Connection, hashes: Sequence[bytes], state: str) -> None:
    """Set addresses to `invalid`, `wrong_person` or `reassigned`."""
    await conn.execute("UPDATE address SET state = $2 WHERE hash = ANY($1)", list(hashes), state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Everybody and every address a stop touches: the lock set, in lock order."""

    addresses: tuple[tuple[bytes, str, int, UUID], ...]  # hash, channel, key id, contact
    contacts: tuple[UUID, ...]


async def lock_reach(conn: Connection, contact_ids: Iterable[UUID], hashes: Iterable[bytes]) -> Reach:
    """Lock the people and addresses that claims lock too: addresses by hash, then contacts by id.

    `hashes` are locked as well as every address of the contacts, and every address that shares a form with one of
    them (bob+news@ and bob@): a stop of the one covers the other. A claim holding any of them finishes first; a later
    claim waits and then reads what we write.
    """
    contacts, extra = sorted(set(contact_ids)), sorted(set(hashes))
    await conn.execute(
        """
        WITH forms AS (
            SELECT coalesce(array_agg(DISTINCT f.form), '{}') AS forms FROM (
                SELECT unnest(a.aliases || a.hash) AS form FROM address a
                WHERE a.hash IN (SELECT address_hash FROM identity WHERE contact_id = ANY($1)) OR a.hash = ANY($2)
                UNION ALL SELECT unnest($2::bytea[])
            ) f
        )
        SELECT 1 FROM address WHERE hash IN (
            SELECT a.hash FROM address a WHERE a.hash = ANY((SELECT forms FROM forms)::bytea[])
            UNION SELECT a.hash FROM address a WHERE a.aliases <> '{}' AND a.aliases && (SELECT forms FROM forms)::bytea[]
        )
        ORDER BY hash FOR NO KEY UPDATE
        """,
        contacts,
        extra,
    )
    await conn.execute("SELECT 1 FROM contact WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE", contacts)
    rows = await conn.fetch(
        """
        SELECT h.hash AS address_hash, i.channel, a.key_id, i.contact_id
        FROM identity i JOIN address a ON a.hash = i.address_hash CROSS JOIN LATERAL unnest(a.aliases || a.hash) AS h(hash)
        WHERE i.contact_id = ANY($1)
        """,
        contacts,
    )
    return Reach(addresses=tuple((r["address_hash"], r["channel"], r["key_id"], r["contact_id"]) for r in rows), contacts=tuple(contacts))
