"""The people on a campaign's list: locked for a claim, their facts read in one round trip, what was decided written down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hub.model.campaign import Campaign, CampaignState, Recipient, RecipientState
from hub.model.ids import CampaignId, ContactId, ConversationId, DecisionId, IdentityId, MessageId
from hub.model.permission import Kind
from hub.model.sealed import Sealed
from hub.store.delivery import Sent
from hub.store.pool import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A person whose turn it is, locked by the caller. message_id: set when an earlier try was put back."""

    contact_id: ContactId
    identity_id: IdentityId
    address_hash: bytes
    message_id: MessageId | None


async def lock_turns(conn: Connection, campaign_id: CampaignId, *, after: UUID, now: datetime, limit: int) -> list[Turn]:
    """Lock whose turn it is among the contacts behind `after`, then their addresses and people, in the order stops lock them.

    What is read after this call, in statements of their own, is what a claim may decide on. Nobody found means nobody is
    left behind `after`, or another claim holds them.
    """
    rows = await conn.fetch(
        """
        SELECT contact_id, identity_id, address_hash, message_id FROM recipient
        WHERE campaign_id = $1 AND contact_id > $4 AND state = 'pending' AND (not_before IS NULL OR not_before <= $2)
        ORDER BY contact_id LIMIT $3 FOR UPDATE SKIP LOCKED
        """,
        campaign_id,
        now,
        limit,
        after,
    )
    if rows:
        await conn.execute(
            "SELECT 1 FROM address WHERE hash = ANY($1) ORDER BY hash FOR NO KEY UPDATE", sorted({r["address_hash"] for r in rows})
        )
        await conn.execute("SELECT 1 FROM contact WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE", [r["contact_id"] for r in rows])
    return [
        Turn(contact_id=r["contact_id"], identity_id=r["identity_id"], address_hash=r["address_hash"], message_id=r["message_id"])
        for r in rows
    ]


# $1 people, $2 identities, $3 tries put back, $4 channel, $5 purpose, $6 campaign, $7 account, $8 now
_FACTS = """
SELECT c.restricted, c.erasure, c.deceased, c.birth_date, c.age_confirmed, c.display_name, c.merged_into IS NOT NULL AS merged,
       i.verified, i.country, i.address, i.address_hash, a.state AS address_state, a.kind AS address_kind,
       s.rows AS suppressions, b.about AS objections, k.rows AS consents, m.sent_at, m.already, v.id AS conversation_id,
       g.state AS campaign_state, g.paused, coalesce((SELECT t.attempts FROM message t WHERE t.id = q.message_id), 0) AS attempts
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY AS q(contact_id, identity_id, message_id, ord)
JOIN contact c ON c.id = q.contact_id
LEFT JOIN identity i ON i.id = q.identity_id AND i.contact_id = q.contact_id AND i.channel = $4
LEFT JOIN address a ON a.hash = i.address_hash
CROSS JOIN (
    SELECT state, EXISTS (SELECT 1 FROM kill_switch k
        WHERE k.subject IN ('kind:MKT', 'channel:' || $4, 'account:' || $7, 'campaign:' || $6::uuid)) AS paused
    FROM campaign WHERE id = $6
) g
LEFT JOIN LATERAL (
    SELECT jsonb_agg(DISTINCT jsonb_build_array(
               u.scope, u.channel, u.interest, u.purpose, (extract(epoch FROM u.occurred_at) * 1000000)::bigint)) AS rows
    FROM (
        SELECT x.* FROM suppression x WHERE x.contact_id = q.contact_id AND x.lifted_at IS NULL
        UNION ALL
        SELECT x.* FROM suppression x WHERE x.address_hash = ANY (a.aliases || a.hash) AND x.lifted_at IS NULL
    ) u
) s ON true
LEFT JOIN LATERAL (
    SELECT array_agg(DISTINCT x.about) AS about FROM objection x WHERE x.contact_id = q.contact_id AND x.withdrawn_at IS NULL
) b ON true
LEFT JOIN LATERAL (
    SELECT array_agg((y.consent_id, y.interests, y.given_at, y.confirmed, y.proven, y.ended, y.wording, y.health_relevance)
                     ORDER BY y.given_at, y.consent_id) AS rows
    FROM consent_state y
    WHERE y.contact_id = q.contact_id AND y.purpose = $5 AND y.channel = $4
      AND (y.address_hash IS NULL OR y.address_hash = i.address_hash)
) k ON true
LEFT JOIN LATERAL (
    SELECT array_agg(x.claimed_at ORDER BY x.claimed_at DESC) FILTER (WHERE x.claimed_at > $8::timestamptz - interval '30 days') AS sent_at,
           bool_or(x.campaign_id = $6 AND x.id IS DISTINCT FROM q.message_id) AS already
    FROM message x
    WHERE x.contact_id = q.contact_id AND x.kind = 'MKT'
      AND x.status IN ('sending', 'unknown', 'accepted', 'sent', 'delivered', 'read')
) m ON true
LEFT JOIN LATERAL (
    SELECT w.id FROM conversation w WHERE w.contact_id = q.contact_id AND w.status <> 'spam'
    ORDER BY (w.account_id = $7) DESC, w.last_message_at DESC, w.id DESC LIMIT 1
) v ON true
ORDER BY q.ord
"""


async def facts_of(conn: Connection, campaign: Campaign, turns: Sequence[Turn], *, now: datetime) -> list[Row]:
    """One row of facts for each turn, in the order given; `hub.campaigns.asking` makes them into questions."""
    rows: list[Row] = await conn.fetch(
        _FACTS,
        [t.contact_id for t in turns],
        [t.identity_id for t in turns],
        [t.message_id for t in turns],
        campaign.draft.channel,
        campaign.draft.purpose,
        campaign.id,
        campaign.draft.account_id,
        now,
    )
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A person the judge lets go: the message that will carry the text. conversation_id: None makes a quiet one."""

    turn: Turn
    message_id: MessageId
    conversation_id: ConversationId
    new_conversation: bool
    body: Sealed[str]
    decision_id: DecisionId


_CONVERSATION = ("id", "contact_id", "channel", "account_id", "status", "created_at", "last_message_at", "last_message_id")
_MESSAGE = (
    "id", "conversation_id", "contact_id", "identity_id", "channel", "account_id", "direction", "kind", "body", "status", "decision_id",
    "priority", "attempts", "created_at", "occurred_at", "send_after", "claimed_at", "status_at", "campaign_id",
)  # fmt: skip


async def write_outgoing(conn: Connection, campaign: Campaign, rows: Sequence[Outgoing], *, now: datetime) -> None:
    """Write the messages, already `sending`; one put back earlier is the same message again."""
    channel, account = campaign.draft.channel, campaign.draft.account_id
    begun = [
        (r.conversation_id, r.turn.contact_id, channel, account, "resolved", now, now, r.message_id)  # nobody has to answer what we wrote
        for r in rows
        if r.new_conversation
    ]
    if begun:
        await conn.copy_records_to_table("conversation", records=begun, columns=_CONVERSATION)
    new = [
        (
            r.message_id, r.conversation_id, r.turn.contact_id, r.turn.identity_id, channel, account, "outbound", Kind.MKT, r.body.reveal(),
            "sending", r.decision_id, 9, 1, now, now, now, now, now, campaign.id,
        )
        for r in rows
        if r.turn.message_id is None
    ]  # fmt: skip  # in the order of _MESSAGE
    if new:
        await conn.copy_records_to_table("message", records=new, columns=_MESSAGE)
    again = [r for r in rows if r.turn.message_id is not None]
    if again:
        await conn.execute(
            """
            UPDATE message m SET status = 'sending', decision_id = n.decision_id, claimed_at = $3, status_at = $3, attempts = m.attempts + 1
            FROM unnest($1::uuid[], $2::uuid[]) AS n(id, decision_id) WHERE m.id = n.id AND m.status = 'queued'
            """,
            [r.message_id for r in again],
            [r.decision_id for r in again],
            now,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a claim made of one person. not_before: when a postponed one is asked again."""

    contact_id: ContactId
    state: RecipientState
    reason: str | None
    decision_id: DecisionId
    message_id: MessageId | None
    not_before: datetime | None = None


async def write_verdicts(conn: Connection, campaign_id: CampaignId, verdicts: Sequence[Verdict], *, now: datetime) -> None:
    """Set the people of a claim to what was decided about them."""
    await conn.execute(
        """
        UPDATE recipient r SET state = v.state, reason = v.reason, decision_id = v.decision_id, decided_at = $2,
            message_id = coalesce(v.message_id, r.message_id), not_before = v.not_before
        FROM unnest($3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::timestamptz[])
            AS v(contact_id, state, reason, decision_id, message_id, not_before)
        WHERE r.campaign_id = $1 AND r.contact_id = v.contact_id
        """,
        campaign_id,
        now,
        [v.contact_id for v in verdicts],
        [v.state for v in verdicts],
        [v.reason for v in verdicts],
        [v.decision_id for v in verdicts],
        [v.message_id for v in verdicts],
        [v.not_before for v in verdicts],
    )
    gone = [v.message_id for v in verdicts if v.message_id is not None and v.state is RecipientState.REFUSED]
    if gone:  # an earlier try was put back, and now the judge says no
        await conn.execute("UPDATE message SET status = 'refused', status_at = $2 WHERE id = ANY($1) AND status = 'queued'", gone, now)


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


def running(row: Row) -> bool:
    """Whether the campaign still ran when these facts were read."""
    return str(row["campaign_state"]) == CampaignState.RUNNING
