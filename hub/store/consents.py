"""Consent events: appended, never changed. Each but the first of a consent carries the hash of the one before it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from uuid import UUID

from hub.model.address import Channel
from hub.model.consent import ConsentAct, ConsentEvent, Control, WordingRef
from hub.model.ids import ContactId
from hub.store.pool import Connection, Row

_COLUMNS = (
    "id, consent_id, contact_id, event, purpose, channel, address_hash, interests, health_relevance, occurred_at, recorded_at, source,"
    " wording_id, wording_version, wording_locale, wording_hash, control, needs_confirmation, notice_version, actor, evidence_ref,"
    " ip_truncated, ua_family, expires_at, age_attested"
)
_INSERT = f"""
INSERT INTO consent_event ({_COLUMNS}, prev_event_hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)
"""
# The newest event of each consent; locked, so that two writers do not both follow the same one.
_LATEST = f"""
SELECT {_COLUMNS} FROM consent_event
WHERE id IN (SELECT DISTINCT ON (consent_id) id FROM consent_event WHERE consent_id = ANY($1::uuid[])
             ORDER BY consent_id, recorded_at DESC, id DESC)
ORDER BY id FOR UPDATE
"""
_OF_CONTACTS = f"SELECT {_COLUMNS} FROM consent_event WHERE contact_id = ANY($1::uuid[]) ORDER BY occurred_at, id"


async def record(conn: Connection, events: Sequence[ConsentEvent]) -> None:
    """Append the events in the caller's transaction. Several events of one consent must come in their order.

    Raises asyncpg.ForeignKeyViolationError where a wording is not registered (`hub.store.wordings.register`).
    """
    if not events:
        return
    # A consent's first event follows nothing: the common case, a form, needs no look-up.
    later = sorted({e.consent_id for e in events if e.event is not ConsentAct.GIVEN})
    previous = {}
    if later:
        previous = {e.consent_id: event_hash(e) for e in map(_event, await conn.fetch(_LATEST, later))}
    rows = []
    for e in events:
        rows.append((*_values(e), previous.get(e.consent_id)))
        previous[e.consent_id] = event_hash(e)
    await conn.executemany(_INSERT, rows)


async def of_contacts(conn: Connection, contact_ids: Iterable[ContactId]) -> dict[ContactId, list[ConsentEvent]]:
    """Every consent event of these people, oldest first; a person without any has an empty list."""
    found: dict[ContactId, list[ConsentEvent]] = {i: [] for i in contact_ids}
    for row in await conn.fetch(_OF_CONTACTS, list(found)):
        found[ContactId(row["contact_id"])].append(_event(row))
    return found


async def move(conn: Connection, consent_ids: Sequence[UUID], contact_id: UUID) -> None:
    """Give consents, with all their events, to another contact: people were found to be one, or two after all."""
    await conn.execute("UPDATE consent_event SET contact_id = $2 WHERE consent_id = ANY($1)", list(consent_ids), contact_id)


async def ended(conn: Connection, contact_ids: Sequence[UUID]) -> set[UUID]:
    """Which consents of these people have ended."""
    rows = await conn.fetch("SELECT consent_id FROM consent_state WHERE contact_id = ANY($1) AND ended", list(contact_ids))
    return {_uuid(r["consent_id"]) for r in rows}


async def recount(conn: Connection, contact_ids: Sequence[UUID]) -> None:
    """Bring the present state of these people's consents up to date after events left them."""
    await conn.execute("SELECT consent_state_of($1)", list(contact_ids))


def event_hash(e: ConsentEvent) -> bytes:
    """SHA-256 over what never changes about an event. The person's id, the address's hash, network and browser are left out:
    merging people moves the first, a new key for addresses changes the second, erasure clears the others, and none of
    that changes what was agreed."""
    parts = (
        e.id.bytes,
        e.consent_id.bytes,
        e.event.encode(),
        e.purpose.encode(),
        e.channel.encode(),
        "\0".join(e.interests).encode(),
        str(e.health_relevance).encode(),
        e.occurred_at.isoformat().encode(),
        e.source.encode(),
        str(e.wording or "").encode(),
        e.wording.text_hash if e.wording else b"",
        e.control.encode(),
    ) + ((e.age_attested.encode(),) if e.age_attested else ())  # came later: what was hashed before keeps its hash
    return hashlib.sha256(b"consent-event-2" + b"".join(len(p).to_bytes(4, "big") + p for p in parts)).digest()


def _values(e: ConsentEvent) -> tuple[object, ...]:
    w = e.wording
    return (
        e.id, e.consent_id, e.contact_id, e.event, e.purpose, e.channel, e.address_hash, list(e.interests),
        e.health_relevance, e.occurred_at, e.recorded_at, e.source,
        w and w.id, w and w.version, w and w.locale, w and w.text_hash,
        e.control, e.needs_confirmation, e.notice_version, e.actor, e.evidence_ref, e.ip_truncated, e.ua_family, e.expires_at,
        e.age_attested,
    )  # fmt: skip  # in the order of _COLUMNS


def _event(row: Row) -> ConsentEvent:
    wording = None
    if row["wording_id"] is not None and row["wording_hash"] is not None:
        wording = WordingRef(
            id=row["wording_id"], version=row["wording_version"], locale=row["wording_locale"], text_hash=row["wording_hash"]
        )
    return ConsentEvent(
        id=_uuid(row["id"]),
        consent_id=_uuid(row["consent_id"]),
        contact_id=ContactId(_uuid(row["contact_id"])),
        event=ConsentAct(row["event"]),
        purpose=row["purpose"],
        channel=Channel(row["channel"]),
        address_hash=row["address_hash"],
        interests=tuple(row["interests"]),
        health_relevance=row["health_relevance"],
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
        source=row["source"],
        wording=wording,
        control=Control(row["control"]),
        needs_confirmation=row["needs_confirmation"],
        notice_version=row["notice_version"],
        actor=row["actor"],
        evidence_ref=row["evidence_ref"],
        ip_truncated=row["ip_truncated"],
        ua_family=row["ua_family"],
        expires_at=row["expires_at"],
        age_attested=row["age_attested"],
    )


def _uuid(value: UUID) -> UUID:
    # The driver's own UUID subclass is slower to hash and does not belong in values that travel.
    return UUID(bytes=value.bytes)
