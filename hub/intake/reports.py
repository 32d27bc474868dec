"""Provider reports: delivery statuses, and stops that providers tell us about by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hub.intake.stops import apply_stops, keyword_effects, withdraw_invitations
from hub.intake.writes import Stop, Writes
from hub.model.address import AddressHasher, Channel
from hub.model.ids import ContactId, uuid7
from hub.model.message import Account, DeliveryStatus, PreferenceChange, StatusUpdate
from hub.model.permission import Scope
from hub.store import delivery, mail, people
from hub.store.delivery import Joined, Report
from hub.store.pool import Connection

OUR_OWN_PAGE = frozenset({"one_click", "unsubscribe_page"})  # said by the person, not told by a provider
AS_TOLD = OUR_OWN_PAGE | {"complaint"}  # sources told apart on record: a campaign pauses itself when too many complain
# Refusals that may pass count for little, until an address has given nothing else for two weeks (channels.md §2.4).
SOFT, SOFT_FAILURES, SOFT_WITHIN = " soft", 5, timedelta(days=14)
SEND_ACTIONS = {DeliveryStatus.FAILED: "send.failed", DeliveryStatus.DELIVERED: "send.delivered"}


async def apply_reports(
    conn: Connection, writes: Writes, reports: Sequence[tuple[Account, StatusUpdate]], *, hasher: AddressHasher
) -> None:
    """Move messages on; a code that means "this person stopped you" is a revocation received now (policy §2.5)."""
    by_id = {uuid7(): event for _, event in reports}
    rows = [
        Report(
            id=report_id,
            account_id=e.account_id,
            provider_message_id=e.provider_message_id,
            message_id=e.message_id,
            status=e.status,
            error_code=e.error_code,
            occurred_at=e.occurred_at,
        )
        for report_id, e in by_id.items()
    ]
    stopped = Writes(now=writes.now)
    softly: list[bytes] = []
    for joined in await delivery.join_reports(conn, rows, now=writes.now):
        event = by_id[joined.report_id]
        if joined.changed:
            writes.changed.append(joined.conversation_id)
        if (action := SEND_ACTIONS.get(event.status)) is not None:
            writes.note(action, f"message:{joined.message_id}", actor=f"provider:{event.account_id}", reason=event.error_code)
        if event.recipient_stopped:
            stopped.stops.append(provider_stop(joined, event))
        if event.address_invalid and joined.address_hash and _is_about(event, joined.address_hash, hasher):
            await people.mark_addresses(conn, [joined.address_hash], "invalid")
        elif event.status is DeliveryStatus.FAILED and joined.address_hash and (event.error_code or "").endswith(SOFT):
            softly.append(joined.address_hash)
    if softly:
        worn = await mail.worn_out(conn, softly, like=f"%{SOFT}", least=SOFT_FAILURES, since=writes.now - SOFT_WITHIN)
        await people.mark_addresses(conn, worn, "invalid")
    await apply_stops(conn, stopped)
    await withdraw_invitations(conn, stopped)
    writes.audit.extend(stopped.audit)
    writes.changed.extend(stopped.changed)


def _is_about(event: StatusUpdate, written_to: bytes, hasher: AddressHasher) -> bool:
    """Whether the report speaks of the address we wrote to; one that a mailbox forwards to says nothing about it."""
    return event.about is None or written_to in hasher.hashes(event.about)


def provider_stop(joined: Joined, event: StatusUpdate) -> Stop:
    """The stop a provider's error code stands for."""
    return Stop(
        contact_id=joined.contact_id,
        hashes=(joined.address_hash,) if joined.address_hash else (),
        effects=keyword_effects(joined.channel),
        occurred_at=event.occurred_at,
        source="provider_error",
        rule_id=f"provider:{event.error_code}",
        evidence_id=joined.message_id,
    )


async def apply_preferences(
    conn: Connection, writes: Writes, events: Sequence[tuple[Account, PreferenceChange]], *, hasher: AddressHasher
) -> None:
    """A stop the provider reports by itself (unfollow, preference, complaint). Resuming lifts nothing of ours here."""
    for account, event in events:
        if not event.stop:
            continue
        hashes = tuple(hasher.hash(s) for s in event.senders)
        for contact, addresses in await _meant(conn, account, event, hashes):
            writes.stops.append(
                Stop(
                    contact_id=contact,
                    hashes=addresses,
                    effects=preference_effects(event),
                    occurred_at=event.occurred_at,
                    source=event.source if event.source in AS_TOLD else "provider_preference",
                    rule_id=f"page:{event.source}" if event.source in OUR_OWN_PAGE else f"provider:{event.source}",
                )
            )


def preference_effects(event: PreferenceChange) -> tuple[tuple[Scope, Channel | None], ...]:
    """What a stop without words covers (policy §3.6): all news and this channel's, unless more or less was chosen."""
    if event.nothing_at_all:
        return ((Scope.ALL_CONTACT, None),)
    if event.this_list_only:
        return ((Scope.CHANNEL_MARKETING, event.channel),)
    scope = Scope.CHANNEL if event.whole_channel else Scope.CHANNEL_MARKETING
    return (scope, event.channel), (Scope.ALL_MARKETING, None)


async def _meant(
    conn: Connection, account: Account, event: PreferenceChange, hashes: tuple[bytes, ...]
) -> list[tuple[ContactId | None, tuple[bytes, ...]]]:
    """Who is to be left alone, each with the addresses it is said of: by address, by our own token, by what it answers."""
    known = await people.find_senders(conn, [(event.channel, h, account.id) for h in hashes]) if hashes else []
    contact = next((k.contact_id for k in known if k is not None), None)
    found: list[tuple[ContactId | None, tuple[bytes, ...]]] = [(contact, hashes)] if hashes else []
    if event.contact_id is not None and (named := await mail.known_contact(conn, event.contact_id)) is not None:
        found.append((named, ()))
    if event.about:
        found += [(a.contact_id, (a.address_hash,) if a.address_hash else ()) for a in await mail.addressees(conn, event.about)]
    return found
