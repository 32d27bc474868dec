"""The people on a campaign's list between claims: who waits again, who is left, what became of each. Claims are `hub.store.turns`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.model.campaign import Recipient, RecipientState
from hub.model.ids import CampaignId, MessageId
from hub.model.sealed import Sealed
from hub.store.delivery import Sent
from hub.store.pool import Connection, Row


async def put_back(conn: Connection, campaign_id: CampaignId, message_ids: Iterable[MessageId], *, not_before: datetime) -> None:
    """People whose sending has not begun wait for their turn again; the caller has put their messages back."""
    await conn.execute(
        """
        UPDATE recipient r SET state = 'pending', not_before = $3 FROM message m
        WHERE m.id = ANY($2) AND m.status = 'queued' AND r.campaign_id = $1 AND r.contact_id = m.contact_id AND r.state = 'claimed'
        """,
        campaign_id,
        list(message_ids),
        not_before,
    )
    await _not_cleared(conn, campaign_id)


async def _not_cleared(conn: Connection, campaign_id: CampaignId) -> None:
    """Somebody waits again: where the campaign was cancelled meanwhile, the clearing of its list is not over."""
    await conn.execute("UPDATE campaign SET cleared_at = NULL WHERE id = $1 AND cleared_at IS NOT NULL", campaign_id)


async def try_again(conn: Connection, campaign_id: CampaignId, rows: Sequence[Sent]) -> None:
    """People whose send was not taken wait until their result says; their messages are queued already."""
    again = [r for r in rows if r.send_after is not None]
    if not again:
        return
    await conn.execute(
        """
        UPDATE recipient r SET state = 'pending', not_before = n.at
        FROM unnest($2::uuid[], $3::timestamptz[]) AS n(message_id, at) JOIN message m ON m.id = n.message_id
        WHERE m.status = 'queued' AND r.campaign_id = $1 AND r.contact_id = m.contact_id AND r.state = 'claimed'
        """,
        campaign_id,
        [r.id for r in again],
        [r.send_after for r in again],
    )
    await _not_cleared(conn, campaign_id)


async def cancel_pending(conn: Connection, campaign_id: CampaignId, *, after: UUID, limit: int = 20_000) -> UUID | None:
    """The people of a cancelled campaign whose turn never came, a slice at a time; the last of them, None when nobody was left."""
    gone = await conn.fetch(
        """
        WITH next AS (
            SELECT contact_id FROM recipient WHERE campaign_id = $1 AND contact_id > $3 AND state = 'pending'
            ORDER BY contact_id LIMIT $2 FOR UPDATE
        )
        UPDATE recipient r SET state = 'cancelled' FROM next WHERE r.campaign_id = $1 AND r.contact_id = next.contact_id
        RETURNING r.contact_id, r.message_id
        """,
        campaign_id,
        limit,
        after,
    )
    tried = [r["message_id"] for r in gone if r["message_id"] is not None]
    if tried:
        await conn.execute("UPDATE message SET status = 'cancelled' WHERE id = ANY($1) AND status = 'queued'", tried)
    return max((r["contact_id"] for r in gone), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What still keeps a running campaign from being finished. next_at: the earliest postponed turn."""

    pending: bool
    in_flight: bool
    next_at: datetime | None


async def left(conn: Connection, campaign_id: CampaignId) -> Left:
    """Whether anybody's turn is still to come, and when the next one is."""
    row = await conn.fetchrow(
        """
        SELECT min(coalesce(not_before, 'epoch')) AS next_at,
               EXISTS (SELECT 1 FROM message WHERE campaign_id = $1 AND status IN ('sending', 'queued')) AS in_flight
        FROM recipient WHERE campaign_id = $1 AND state = 'pending'
        """,
        campaign_id,
    )
    return Left(pending=row["next_at"] is not None, in_flight=row["in_flight"], next_at=row["next_at"])


async def page(
    conn: Connection, campaign_id: CampaignId, *, reason: str | None = None, status: str | None = None, after: UUID, limit: int = 50
) -> list[Recipient]:
    """People on the list, by contact, with each one's decision; those refused for `reason`, or those at `status`, where asked."""
    rows = await conn.fetch(
        """
        SELECT r.*, c.display_name, m.status, m.error_code, coalesce(m.status_at, r.decided_at) AS at, d.proofs
        FROM recipient r JOIN contact c ON c.id = r.contact_id
        LEFT JOIN message m ON m.id = r.message_id AND r.state = 'claimed'
        LEFT JOIN decision d ON d.id = r.decision_id
        WHERE r.campaign_id = $1 AND r.contact_id > $2
          AND ($3::text IS NULL OR (r.state = 'refused' AND ($3 = 'any' OR r.reason = $3)))
          AND ($4::text IS NULL OR coalesce(m.status, r.state) = $4)
        ORDER BY r.contact_id LIMIT $5
        """,
        campaign_id,
        after,
        reason,
        status,
        limit,
    )
    return [_recipient(r) for r in rows]


def _recipient(r: Row) -> Recipient:
    return Recipient(
        contact_id=r["contact_id"],
        identity_id=r["identity_id"],
        name=Sealed(r["display_name"]) if r["display_name"] else None,
        state=RecipientState(r["state"]),
        status=r["status"],
        reason=r["reason"],
        not_before=r["not_before"],
        decision_id=r["decision_id"],
        message_id=r["message_id"],
        at=r["at"],
        proofs=tuple(r["proofs"] or ()),
        error_code=r["error_code"],
    )
