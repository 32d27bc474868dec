"""What a stop does, in the very transaction that stores it: suppressions written, invitations withdrawn.

Policy §3.6. The people and addresses are locked first, in the order claims lock them, so from the commit on no send
that it covers can begin (promise P1).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from hub.intake.writes import Start, Stop, Writes
from hub.model.address import Channel
from hub.model.permission import Scope
from hub.policy.invitation import after_withdrawal
from hub.store import conversations, people, suppressions
from hub.store.pool import Connection
from hub.store.suppressions import NewSuppression


def keyword_effects(channel: Channel) -> tuple[tuple[Scope, Channel | None], ...]:
    """A bare keyword on a channel: all marketing, and this channel entirely (policy §3.6, first row)."""
    return (Scope.CHANNEL, channel), (Scope.ALL_MARKETING, None)


async def apply_stops(conn: Connection, writes: Writes) -> None:
    """Lock, then write every suppression of the batch. Adds the audit events to `writes`."""
    if not writes.stops:
        return
    reach = await people.lock_reach(conn, (s.contact_id for s in writes.stops if s.contact_id), (h for s in writes.stops for h in s.hashes))
    rows = [row for stop in writes.stops for row in rows_for(stop, reach)]
    ids = await suppressions.add(conn, rows, now=writes.now)
    for row, row_id in zip(rows, ids, strict=True):
        writes.note("suppression.added", f"suppression:{row_id}", reason=row.rule_id or row.source, scope=row.scope, channel=row.channel)
    # Only what ends answers too: who said once more that news is unwanted left open whether answers are.
    sure = sorted(
        (s for s in writes.stops if s.contact_id and not s.provisional and withdrawn_channels(s.effects)), key=lambda s: s.occurred_at
    )
    said = {s.contact_id: s.occurred_at for s in sure if s.contact_id}
    for settled in await suppressions.settle(conn, said) if said else ():
        writes.note("classify.result", f"suppression:{settled}", reason="said again beyond doubt")


def rows_for(stop: Stop, reach: people.Reach) -> list[NewSuppression]:
    """The suppressions of one stop: by every address it reaches, each naming the person too."""
    mine = [(h, c, k) for h, c, k, contact in reach.addresses if contact == stop.contact_id]
    keys = {h: k for h, _, k, _ in reach.addresses}
    rows: list[NewSuppression] = []
    for scope, channel in stop.effects:
        wanted = {h: k for h, c, k in mine if channel is None or c == channel}
        wanted |= {h: k for h, _, k in mine if h in stop.hashes}
        missing = [h for h in stop.hashes if h not in wanted]
        keyed: list[tuple[bytes | None, int | None]] = [*sorted(wanted.items()), *((h, keys.get(h)) for h in missing)]
        rows += [_row(stop, scope, channel, h, k) for h, k in keyed or [(None, None)]]
    return [r for r in rows if r.address_hash or r.contact_id]


def _row(stop: Stop, scope: Scope, channel: Channel | None, address_hash: bytes | None, key_id: int | None) -> NewSuppression:
    return NewSuppression(
        address_hash=address_hash,
        key_id=key_id,
        contact_id=stop.contact_id,
        scope=scope,
        channel=channel,
        occurred_at=stop.occurred_at,
        source=stop.source,
        rule_id=stop.rule_id,
        evidence_id=stop.evidence_id,
        provisional=stop.provisional,
    )


async def withdraw_invitations(conn: Connection, writes: Writes) -> None:
    """Take back the invitations the stops cover; after the conversations are written."""
    for stop in writes.stops:
        if stop.contact_id is None:
            continue
        for channel in withdrawn_channels(stop.effects):
            held = await conversations.invitations_of(conn, [stop.contact_id], channel)
            if held:
                await conversations.save_invitations(
                    conn, [replace(row, facts=after_withdrawal(row.facts, at=stop.occurred_at)) for row in held]
                )
                writes.changed.extend(row.conversation_id for row in held)
                for row in held:
                    writes.note("invitation.withdrawn", f"conversation:{row.conversation_id}", reason=stop.rule_id, channel=row.channel)


def withdrawn_channels(effects: Iterable[tuple[Scope, Channel | None]]) -> Sequence[Channel | None]:
    """Channels whose invitations go: None stands for all of them."""
    wide = list(effects)
    if any(scope is Scope.ALL_CONTACT for scope, _ in wide):
        return [None]
    return [channel for scope, channel in wide if scope is Scope.CHANNEL]


async def apply_starts(conn: Connection, writes: Writes) -> None:
    """START lifts this channel, nothing wider; old marketing consent stays dead (policy §3.7)."""
    for start in writes.starts:
        for lifted in await _lift(conn, start, writes):
            writes.note("suppression.lifted", f"suppression:{lifted}", reason="START", message=str(start.message_id))


async def _lift(conn: Connection, start: Start, writes: Writes) -> list[object]:
    await people.lock_reach(conn, [start.contact_id], start.hashes)
    return list(
        await suppressions.lift_channel(
            conn,
            start.hashes,
            start.contact_id,
            start.channel,
            said_at=start.said_at,
            lifted_by=f"message:{start.message_id}",
            now=writes.now,
        )
    )
