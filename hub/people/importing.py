"""Lists brought along from elsewhere: suppressions first, then people with what they agreed to (policy §5, Import).

Adds suppressions and never lifts one. A consent that is not wholly proven is kept as unproven, which nothing may be sent
on. A file is read slice by slice, one transaction each; reading it again changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from hub.intake.country import country_of
from hub.model.address import Address, AddressHasher, Channel
from hub.model.audit import AuditEvent
from hub.model.consent import ConsentAct, ConsentEvent, WordingRef
from hub.model.ids import ContactId, IdentityId, uuid7
from hub.people import rows
from hub.people.rows import BadRow, ConsentRow, Fields, PersonRow, StopRow
from hub.policy.consent import ADULT, age_on
from hub.store import audit, consents, imports, people, suppressions
from hub.store.imports import Target
from hub.store.people import NewContact, NewIdentity
from hub.store.pool import Connection
from hub.store.suppressions import NewSuppression

SLICE = 200
LIST_IS_FRESH = timedelta(days=30)  # a list of suppressions older than this is not the one that belongs to these contacts
SHOWN = 1000  # bad rows kept to be shown; the rest are counted


class ImportRefused(Exception):
    """The file is not taken at all; the message is a sentence for the person at the terminal."""


@dataclass(slots=True)
class Report:
    """How it went. bad: (row number, sentence), at most SHOWN of them. unproven: consents kept that nothing may be sent on."""

    read: int = 0
    added: int = 0
    known: int = 0
    refused: int = 0
    unproven: int = 0
    bad: list[tuple[int, str]] = field(default_factory=list)

    def refuse(self, number: int, sentence: str) -> None:
        """Count a row that cannot be used."""
        self.refused += 1
        if len(self.bad) < SHOWN:
            self.bad.append((number, sentence))


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """What every import needs. source: the word under which this list is known. progress: called after each slice."""

    conn: Connection
    hasher: AddressHasher
    clock: Callable[[], datetime]
    actor: str
    source: str
    progress: Callable[[Report], None] = lambda _report: None


async def import_suppressions(tool: Importer, path: Path) -> Report:
    """Take a list of people not to be written to. Raises ImportRefused, OSError."""
    digest = sha256_of(path)
    async with tool.conn.transaction():
        run_id = await imports.start(
            tool.conn, what="suppressions", file_sha256=digest, statement=None, source=tool.source, by=tool.actor, now=tool.clock()
        )
    again = await imports.seen_before(tool.conn, digest, run_id)
    report = Report()
    for part in _slices(rows.read(path), SLICE):
        good = _checked(part, rows.stop, report)
        async with tool.conn.transaction():
            await _add_stops(tool, good, run_id, again=again, report=report)
        tool.progress(report)
    await _finish(tool, run_id, "suppressions", report)
    return report


async def import_contacts(tool: Importer, path: Path, *, statement: Path | None = None) -> Report:
    """Take people and what they agreed to. Raises ImportRefused, OSError.

    statement: the signed statement that there is no list of suppressions; needed where none was imported lately.
    """
    await _refuse_unfit(tool, path, statement)
    async with tool.conn.transaction():
        run_id = await imports.start(
            tool.conn,
            what="contacts",
            file_sha256=sha256_of(path),
            statement=sha256_of(statement) if statement else None,
            source=tool.source,
            by=tool.actor,
            now=tool.clock(),
        )
    report = Report()
    for part in _slices(rows.read(path), SLICE):
        good = _checked(part, rows.person, report)
        async with tool.conn.transaction():
            for row in good:
                await _add_person(tool, row, report)
        tool.progress(report)
    await _finish(tool, run_id, "contacts", report)
    return report


def sha256_of(path: Path) -> bytes:
    """Of a file of any size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


async def _refuse_unfit(tool: Importer, path: Path, statement: Path | None) -> None:
    reason = None
    if statement is not None and sha256_of(statement) == hashlib.sha256().digest():
        reason = "The statement is empty."
    elif statement is None and not await imports.suppressions_came_first(tool.conn, tool.clock() - LIST_IS_FRESH):
        reason = (
            "Import the suppressions that belong to these contacts first (hub import suppressions),"
            " or give a signed statement that there are none (--statement)."
        )
    elif any(
        rows.BOUGHT.search(" ".join(v for k, v in row.items() if "source" in k))
        for _, row in rows.read(path)
        if not isinstance(row, BadRow)
    ):
        reason = "This list says that it was bought, rented or collected without the people's knowledge. Such lists are not taken."
    if reason:
        await audit.append(
            tool.conn, [AuditEvent(at=tool.clock(), actor=tool.actor, action="import.refused", object="import:contacts", reason="unfit")]
        )
        raise ImportRefused(reason)


Good = TypeVar("Good")


def _slices(found: Iterator[tuple[int, Fields | BadRow]], size: int) -> Iterator[list[tuple[int, Fields | BadRow]]]:
    while part := list(islice(found, size)):
        yield part


def _checked(part: Sequence[tuple[int, Fields | BadRow]], check: Callable[[Fields], Good], report: Report) -> list[Good]:
    good = []
    for number, row in part:
        report.read += 1
        try:
            if isinstance(row, BadRow):
                raise row
            good.append(check(row))
        except BadRow as bad:
            report.refuse(number, str(bad))
    return good


async def _add_stops(tool: Importer, good: Sequence[StopRow], run_id: UUID, *, again: bool, report: Report) -> None:
    now = tool.clock()
    keyed = [tool.hasher.keyed(row.address) for row in good]
    forms = {h for found in keyed for h in found}
    holders = await imports.holders(tool.conn, sorted(forms))
    held_by = {c for found in holders.values() for c in found}
    await people.lock_reach(tool.conn, held_by, forms)
    held = await imports.stops_at(tool.conn, sorted(forms), sorted(held_by))
    latest: dict[Target, datetime] = {}
    stands: set[Target] = set()
    for target, at, standing in held:
        latest[target] = max(at, latest.get(target, at))
        stands |= {target} if standing else set()
    new: list[NewSuppression] = []
    for row, found in zip(good, keyed, strict=True):
        missing = []
        targets: list[tuple[bytes | None, int | None, UUID | None]] = [(h, k, None) for h, k in found.items()]
        targets += [(None, None, c) for c in sorted({c for h in found for c in holders.get(h, ())})]
        for address_hash, key_id, contact_id in targets:
            target = (address_hash, contact_id, row.scope, row.channel, row.interest, row.purpose)
            here = latest.get(target)
            if here is not None and (here >= row.said_at if row.said_at else again or target in stands):
                continue
            latest[target] = row.said_at or now
            stands.add(target)
            missing.append(_stop(row, address_hash, key_id, contact_id, run_id, now))
        report.added, report.known = report.added + bool(missing), report.known + (not missing)
        new += missing
    ids = await suppressions.add(tool.conn, new, now=now)
    events = [AuditEvent(at=now, actor=tool.actor, action="suppression.added", object=f"suppression:{i}", reason="import") for i in ids]
    await audit.append(tool.conn, events)


def _stop(
    row: StopRow, address_hash: bytes | None, key_id: int | None, contact_id: UUID | None, run_id: UUID, now: datetime
) -> NewSuppression:
    return NewSuppression(
        address_hash=address_hash,
        key_id=key_id,
        contact_id=contact_id,
        scope=row.scope,
        channel=row.channel,
        interest=row.interest,
        purpose=row.purpose,
        occurred_at=row.said_at or now,
        source="import",
        rule_id=f"import:{run_id}",
    )


async def _add_person(tool: Importer, row: PersonRow, report: Report) -> None:
    """The person the addresses belong to, or a new one; typed addresses, which prove nothing; the consent."""
    now, contact_id = tool.clock(), None
    for _, address in row.addresses:
        contact_id = contact_id or await imports.contact_with(tool.conn, _exact(tool.hasher, address))
    contacts: list[NewContact] = []
    if contact_id is None:
        contact_id = ContactId(uuid7())
        contacts = [NewContact(id=contact_id, display_name=row.name, locale=row.locale, birth_date=row.birth_date, created_at=now)]
    missing = [
        _identity(tool, contact_id, channel, address, now)
        for channel, address in row.addresses
        if contacts or not await imports.has_identity(tool.conn, contact_id, channel, _exact(tool.hasher, address))
    ]
    changed = bool(missing)
    if missing:
        await people.add_people(tool.conn, contacts, missing)
        await _note(tool, "record.created" if contacts else "identity.added", f"contact:{contact_id}")
    # What stands against an address of theirs stands against the person, on every other address too.
    for stop_id in await suppressions.share(tool.conn, contact_id, contact_id, now=now):
        await _note(tool, "suppression.added", f"suppression:{stop_id}")
    if row.consent is not None:
        changed = await _add_consent(tool, row, row.consent, contact_id, report) or changed
    report.added, report.known = report.added + changed, report.known + (not changed)


def _exact(hasher: AddressHasher, address: Address) -> list[bytes]:
    """The address itself under every key; never its folded form, which may be another person's."""
    found = list(hasher.keyed(address).items())
    return [h for n, (h, key_id) in enumerate(found) if n == 0 or found[n - 1][1] != key_id]


def _identity(tool: Importer, contact_id: ContactId, channel: Channel, address: Address, now: datetime) -> NewIdentity:
    first, *others = tool.hasher.hashes(address)
    return NewIdentity(
        id=IdentityId(uuid7()),
        contact_id=contact_id,
        channel=channel,
        address_hash=first,
        address_kind=address.kind,
        key_id=tool.hasher.key_id,
        aliases=tuple(others),
        address=address.value,
        country=country_of(address),
        verified=False,
        seen_at=now,
    )


async def _add_consent(tool: Importer, row: PersonRow, given: ConsentRow, contact_id: ContactId, report: Report) -> bool:
    by_mail = given.channel is Channel.EMAIL
    address = next((a for c, a in row.addresses if (c is Channel.EMAIL) == by_mail), row.addresses[0][1])
    hashes = _exact(tool.hasher, address)
    if await imports.has_consent(
        tool.conn, hashes, purpose=given.purpose, channel=given.channel, source=given.source, given_at=given.given_at
    ):
        return False
    now = tool.clock()
    text_hash = await imports.wording_hash(tool.conn, *given.wording) if given.complete and given.wording else None
    report.unproven += text_hash is None
    at = given.given_at or now
    minor = row.birth_date is not None and age_on(at.date(), row.birth_date) < ADULT
    event = ConsentEvent(
        id=uuid7(),
        consent_id=uuid7(),
        contact_id=contact_id,
        event=ConsentAct.INVALIDATED if minor else ConsentAct.GIVEN,
        purpose=given.purpose,
        channel=given.channel,
        occurred_at=at,
        recorded_at=now,
        source=given.source,
        control=given.control,
        needs_confirmation=given.confirmed_at is None,
        actor=tool.actor,
        address_hash=hashes[0],
        interests=given.interests,
        wording=WordingRef(id=given.wording[0], version=given.wording[1], locale=given.wording[2], text_hash=text_hash)
        if given.wording and text_hash
        else None,
    )
    await consents.record(tool.conn, [event])
    await _note(tool, "consent.invalidated" if minor else "consent.given", f"consent:{event.consent_id}")
    return True


async def _note(tool: Importer, action: str, what: str) -> None:
    await audit.append(tool.conn, [AuditEvent(at=tool.clock(), actor=tool.actor, action=action, object=what, reason="import")])


async def _finish(tool: Importer, run_id: UUID, what: str, report: Report) -> None:
    detail = {"read": report.read, "added": report.added, "known": report.known, "refused": report.refused, "unproven": report.unproven}
    async with tool.conn.transaction():
        await imports.finish(
            tool.conn, run_id, read=report.read, added=report.added, known=report.known, refused=report.refused, now=tool.clock()
        )
        await audit.append(
            tool.conn, [AuditEvent(at=tool.clock(), actor=tool.actor, action="import.run", object=f"import:{what}", detail=detail)]
        )
