"""People whose address became another one (channels.md §6.1). The old one may have a new owner, the new one may be anybody's:
nothing is joined, nothing goes out to the old one, and staff see both.
"""

from __future__ import annotations

from collections.abc import Sequence

from hub.intake.writes import Writes
from hub.model.address import Address, AddressClass, AddressHasher
from hub.model.ids import ContactId, uuid7
from hub.model.message import Account, IdentityChange
from hub.model.sealed import Sealed
from hub.store import address_changes, people
from hub.store.address_changes import NewChange
from hub.store.pool import Connection


async def note_moves(conn: Connection, writes: Writes, told: Sequence[tuple[Account, IdentityChange]], *, hasher: AddressHasher) -> None:
    """Note each change of somebody we know. A new key of the same address is told to staff and closes nothing."""
    for account, event in sorted(told, key=lambda t: t[1].occurred_at):
        left = [a for a in event.before if a not in event.after] if event.after else []
        asked = [(account.channel, digest, account.id) for a in (event.before or event.after) for digest in hasher.each(a)]
        for contact_id in sorted({k.contact_id for k in await people.find_senders(conn, asked) if k is not None}):
            await _close(conn, writes, account, event, contact_id, left, hasher)
            change = NewChange(
                id=uuid7(),
                account_id=account.id,
                channel=account.channel,
                contact_id=contact_id,
                kind=event.kind,
                before=_clear(event.before, event.after),
                after=_clear(event.after, event.before),
                occurred_at=event.occurred_at,
                recorded_at=writes.now,
            )
            writes.changed.extend(await address_changes.add(conn, change))
            writes.note("record.changed", f"contact:{contact_id}", actor=f"provider:{account.id}", reason="address_changed")


async def _close(
    conn: Connection,
    writes: Writes,
    account: Account,
    event: IdentityChange,
    contact_id: ContactId,
    left: Sequence[Address],
    hasher: AddressHasher,
) -> None:
    """Mark what they left. A user id changes only with the number (channels.md §6.1), so an unnamed number is left as well."""
    hashes = [digest for a in left for digest in hasher.each(a)]
    named = {a.kind for a in (*event.before, *event.after)}
    if left and AddressClass.PHONE not in named:
        hashes += await address_changes.numbers_beside(conn, contact_id, account.channel)
    for _ in await address_changes.mark_reassigned(conn, hashes) if hashes else ():
        writes.note("record.changed", f"contact:{contact_id}", actor=f"provider:{account.id}", reason="address_reassigned")


def _clear(addresses: Sequence[Address], others: Sequence[Address]) -> Sealed[str] | None:
    """The address to show: one that changed, a number before a user id."""
    changed = [a for a in addresses if a not in others] or list(addresses)
    return min(changed, key=lambda a: a.kind is not AddressClass.PHONE).value if changed else None
