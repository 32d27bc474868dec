"""What a provider tells about messages that are stored already: taken back, un-reacted, read up to a moment (channels.md §7).

Runs after the messages of the same batch are written. Never lifts a stop: words that asked us to stop were said.
"""

from __future__ import annotations

from collections.abc import Sequence

from hub.intake.submission import storable
from hub.intake.writes import Writes
from hub.model.address import AddressHasher, Channel
from hub.model.message import Account, ChannelEvent, DeliveryStatus, ReactionRemoved, Retraction, Watermark
from hub.store import changes
from hub.store.pool import Connection

WORDS_GO = frozenset({Channel.INSTAGRAM})  # its terms ask that what was taken back is removed


async def apply_changes(conn: Connection, writes: Writes, events: Sequence[tuple[Account, ChannelEvent]], *, hasher: AddressHasher) -> None:
    """Apply each change in the order it came; what it is about and we do not hold is left as it is."""
    for account, event in events:
        if isinstance(event, Retraction):
            await _take_back(conn, writes, account, event)
        elif isinstance(event, ReactionRemoved):
            found = await changes.remove_reactions(
                conn, account.id, storable(event.target_provider_id)[:500], hasher.hashes(event.sender), at=event.occurred_at
            )
            writes.changed.extend(conversation for _, conversation in found)
        elif isinstance(event, Watermark):
            await _move_up(conn, writes, account, event, hasher)


async def _take_back(conn: Connection, writes: Writes, account: Account, event: Retraction) -> None:
    words_go = account.channel in WORDS_GO
    found = await changes.take_back(conn, account.id, storable(event.target_provider_id), at=event.occurred_at, remove_words=words_go)
    if found is None:
        return
    message_id, conversation_id = found
    writes.changed.append(conversation_id)
    writes.note("record.changed", f"message:{message_id}", reason="taken_back", words_removed=words_go)


async def _move_up(conn: Connection, writes: Writes, account: Account, event: Watermark, hasher: AddressHasher) -> None:
    moved = await changes.move_up_to(
        conn, account.id, account.channel, hasher.hashes(event.person), status=event.status, up_to=event.up_to, now=writes.now
    )
    for message_id, conversation_id in moved:
        writes.changed.append(conversation_id)
        if event.status is DeliveryStatus.DELIVERED:
            writes.note("send.delivered", f"message:{message_id}", actor=f"provider:{account.id}")
