"""What a provider tells about messages that are stored already, or will be: taken back, un-reacted, read up to a moment
(channels.md §7).

Runs after the messages of the same batch are written, and for them too: their change may have come in an earlier one.
Never lifts a stop: words that asked us to stop were said.
"""

from __future__ import annotations

from collections.abc import Sequence

from hub.intake.submission import storable
from hub.intake.writes import Placed, Writes
from hub.model.address import AddressHasher, Channel
from hub.model.ids import uuid7
from hub.model.message import Account, ChannelEvent, ContentKind, DeliveryStatus, ReactionRemoved, Retraction, Watermark
from hub.store import changes
from hub.store.changes import Target, Told
from hub.store.pool import Connection

WORDS_GO = frozenset({Channel.INSTAGRAM})  # its terms ask that what was taken back is removed
CHANGEABLE = frozenset({Channel.WHATSAPP, Channel.MESSENGER, Channel.INSTAGRAM})  # where a message can be taken back or corrected
WATERMARKS = {DeliveryStatus.DELIVERED: "delivered", DeliveryStatus.READ: "read"}


async def apply_changes(conn: Connection, writes: Writes, events: Sequence[tuple[Account, ChannelEvent]], *, hasher: AddressHasher) -> None:
    """Note each change, and apply those whose message is here."""
    told = [t for account, event in events if (t := _told(account, event, hasher)) is not None]
    if told:
        await changes.note(conn, told, now=writes.now)
    targets = {t for placed in writes.placed for t in _touched(placed)}
    if targets:
        targets = set(await changes.told_about(conn, targets))
    targets |= {(t.account_id, t.target) for t in told if t.target is not None}
    if targets:
        await settle(conn, writes, sorted(targets))
    for watermark in (t for t in told if t.target is None):
        for message_id, conversation_id in await changes.move_up_to(conn, [watermark.id]):
            writes.changed.append(conversation_id)
            if watermark.what == "delivered":
                writes.note("send.delivered", f"message:{message_id}", actor=f"provider:{watermark.account_id}")


async def settle(conn: Connection, writes: Writes, targets: Sequence[Target]) -> None:
    """Apply what was told about these messages; what was applied before changes nothing."""
    for message_id, conversation_id in await changes.take_back(conn, targets, words_go=WORDS_GO):
        writes.changed.append(conversation_id)
        writes.note("record.changed", f"message:{message_id}", reason="taken_back")
    for _, conversation_id in await changes.remove_reactions(conn, targets):
        writes.changed.append(conversation_id)


def _told(account: Account, event: ChannelEvent, hasher: AddressHasher) -> Told | None:
    if isinstance(event, Retraction | ReactionRemoved):
        return Told(
            id=uuid7(),
            account_id=account.id,
            what="retraction" if isinstance(event, Retraction) else "reaction_removed",
            target=storable(event.target_provider_id)[:500],
            said_by=hasher.hashes(event.sender),
            at=event.occurred_at,
        )
    if isinstance(event, Watermark) and event.status in WATERMARKS:
        said_by = hasher.hashes(event.person)
        return Told(id=uuid7(), account_id=account.id, what=WATERMARKS[event.status], target=None, said_by=said_by, at=event.up_to)
    return None


def _touched(placed: Placed) -> list[Target]:
    """The messages that something may have been told about which concerns this one: itself, what it corrects or reacts to."""
    event = placed.event
    if event.channel not in CHANGEABLE:
        return []
    others = [event.edit_of_provider_id, event.reply_to_provider_id if event.kind is ContentKind.REACTION else None]
    return [(event.account_id, storable(name)[:500]) for name in (event.provider_event_id, *others) if name]
