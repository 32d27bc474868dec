"""A campaign's claims in the store: whose turn it is, locked; what may be looked at for them; what was decided, written down.

Ten thousand people a second come by here, so values made for each person are named tuples, which cost half of a frozen
dataclass, and what a claim writes is one statement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from hub.model.campaign import Campaign, CampaignState, RecipientState
from hub.model.ids import CampaignId, ContactId, ConversationId, DecisionId, IdentityId, MessageId
from hub.model.permission import Decision
from hub.model.sealed import Sealed
from hub.store.decisions import DecisionRow
from hub.store.pool import Connection, Row


class Turn(NamedTuple):
    """A person whose turn it is, and what their own row and their address's say, which the caller has locked.

    message_id: set when an earlier try was put back. address: None where no such address is left.
    """

    contact_id: ContactId
    identity_id: IdentityId
    address_hash: bytes
    message_id: MessageId | None
    person: Mapping[str, Any]
    address: Mapping[str, Any] | None


async def lock_turns(conn: Connection, campaign_id: CampaignId, *, after: UUID, now: datetime, limit: int) -> list[Turn]:
    """Lock whose turn it is among the contacts behind `after`, then their addresses and people, in the order stops lock them.

    What is read after this call, in statements of their own, is what a claim may decide on. Nobody found means nobody is
    left behind `after`, or another claim holds them.
    """
    listed = await conn.fetch(
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
    return await lock_people(conn, listed) if listed else []


async def lock_people(conn: Connection, listed: Sequence[Mapping[str, Any]]) -> list[Turn]:
    """Lock the addresses and people of these rows: contact_id, identity_id, address_hash, message_id.

    A locking read returns its rows as they are once the lock is held, and nobody can change them before it is given
    back: so what these rows say themselves is read here, and everything else after.
    """
    addresses = await conn.fetch(
        "SELECT hash, kind, state, aliases <> '{}' AS aliased FROM address WHERE hash = ANY($1) ORDER BY hash FOR NO KEY UPDATE",
        sorted({r["address_hash"] for r in listed}),
    )
    people = await conn.fetch(
        """
        SELECT id, display_name, restricted, erasure, deceased, birth_date, age_confirmed, merged_into IS NOT NULL AS merged
        FROM contact WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE
        """,
        [r["contact_id"] for r in listed],
    )
    by_hash, by_id = {a["hash"]: a for a in addresses}, {p["id"]: p for p in people}
    return [
        Turn(contact_id, identity_id, address_hash, message_id, by_id[contact_id], by_hash.get(address_hash))
        for contact_id, identity_id, address_hash, message_id in (
            (r["contact_id"], r["identity_id"], r["address_hash"], r["message_id"]) for r in listed
        )
    ]


# $1 people, $2 identities, $3 addresses, $4 whether those have aliases, $5 tries put back, $6 channel, $7 purpose, $8 campaign,
# $9 account, $10 now. One index look-up for each kind of fact and person: what the planner guesses of a table hardly matters.
_FACTS = """
SELECT q.ord, i.verified, i.country, i.address,
       ARRAY(
           SELECT (x.scope, x.channel, x.interest, x.purpose, x.occurred_at) FROM suppression x
           WHERE x.contact_id = q.contact_id AND x.lifted_at IS NULL
           UNION ALL
           SELECT (x.scope, x.channel, x.interest, x.purpose, x.occurred_at) FROM suppression x
           WHERE x.address_hash = q.address_hash AND x.lifted_at IS NULL
           UNION ALL
           SELECT (x.scope, x.channel, x.interest, x.purpose, x.occurred_at)
           FROM address a JOIN suppression x ON x.address_hash = ANY (a.aliases)
           WHERE q.aliased AND a.hash = q.address_hash AND x.lifted_at IS NULL
       ) AS suppressions,
       ARRAY(SELECT x.about FROM objection x WHERE x.contact_id = q.contact_id AND x.withdrawn_at IS NULL) AS objections,
       ARRAY(
           SELECT (x.claimed_at, x.campaign_id IS NOT DISTINCT FROM $8 AND x.id IS DISTINCT FROM q.message_id) FROM message x
           WHERE x.contact_id = q.contact_id AND x.kind = 'MKT'
             AND x.status IN ('sending', 'unknown', 'accepted', 'sent', 'delivered', 'read')
             AND (x.campaign_id = $8 OR x.claimed_at > $10::timestamptz - interval '30 days')
       ) AS sent,
       (
           SELECT w.id FROM conversation w WHERE w.contact_id = q.contact_id AND w.status <> 'spam'
           ORDER BY (w.account_id = $9) DESC, w.last_message_at DESC, w.id DESC LIMIT 1
       ) AS conversation_id,
       coalesce((SELECT t.attempts FROM message t WHERE t.id = q.message_id), 0) AS attempts,
       k.consent_id, k.interests, k.given_at, k.confirmed, k.proven, k.ended, k.wording, k.health_relevance,
       g.state AS campaign_state, g.paused
FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bool[], $5::uuid[])
    WITH ORDINALITY AS q(contact_id, identity_id, address_hash, aliased, message_id, ord)
CROSS JOIN (
    SELECT state, EXISTS (SELECT 1 FROM kill_switch k
        WHERE k.subject IN ('kind:MKT', 'channel:' || $6, 'account:' || $9, 'campaign:' || $8::uuid)) AS paused
    FROM campaign WHERE id = $8
) g
LEFT JOIN identity i ON i.id = q.identity_id AND i.contact_id = q.contact_id AND i.channel = $6 AND i.address_hash = q.address_hash
LEFT JOIN consent_state k ON k.contact_id = q.contact_id AND k.purpose = $7 AND k.channel = $6
    AND (k.address_hash IS NULL OR k.address_hash = q.address_hash)
ORDER BY q.ord, k.given_at, k.consent_id
"""


async def facts_of(conn: Connection, campaign: Campaign, turns: Sequence[Turn], *, now: datetime) -> list[list[Row]]:
    """The rows of facts for each turn, in the order given; `hub.campaigns.asking` makes them into questions.

    One row for each consent to the campaign's purpose on its channel, and one where there is none.
    """
    rows = await conn.fetch(
        _FACTS,
        [t.contact_id for t in turns],
        [t.identity_id for t in turns],
        [t.address_hash for t in turns],
        [t.address is not None and t.address["aliased"] for t in turns],
        [t.message_id for t in turns],
        campaign.draft.channel,
        campaign.draft.purpose,
        campaign.id,
        campaign.draft.account_id,
        now,
    )
    if len(rows) == len(turns):
        return [[row] for row in rows]
    return [list(mine) for _, mine in groupby(rows, key=lambda row: row["ord"])]


def running(row: Row) -> bool:
    """Whether the campaign still ran when these facts were read."""
    return str(row["campaign_state"]) == CampaignState.RUNNING


class Judged(NamedTuple):
    """What was decided about a person, and what goes to whoever is let go.

    row: the first of their facts. not_before: when a postponed one is asked again. message_id: the message it is about; None
    where somebody is not let go who never had one. conversation_id: where it goes; begins: as a new one. body: None unless let go.
    """

    turn: Turn
    row: Row
    decision: Decision
    decision_id: DecisionId
    state: RecipientState
    not_before: datetime | None
    message_id: MessageId | None
    conversation_id: ConversationId
    begins: bool
    body: Sealed[str] | None


# $1 people, $2 decisions, $3 messages, $4 conversations, $5 whether each begins, $6 texts, $7 proofs by line, $8 digests, $9 now,
# $10 campaign, $11 channel, $12 account, and of every decision alike: $13 phase, $14 kind, $15 outcome, $16 reason, $17 gate,
# $18 policy version, $19 content hash, $20 version of the content check, $21 operator.
# Nobody has to answer what we wrote, so a conversation that begins with it is resolved.
_LET_GO = """
WITH claimed AS (
    UPDATE recipient r SET state = 'claimed', reason = NULL, decision_id = n.decision_id, decided_at = $9, message_id = n.message_id,
        not_before = NULL
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bool[], $6::text[], $7::text[], $8::text[])
        AS n(contact_id, decision_id, message_id, conversation_id, begins, body, proofs, digest)
    WHERE r.campaign_id = $10 AND r.contact_id = n.contact_id
    RETURNING n.*, r.identity_id, r.address_hash
), decided AS (
    INSERT INTO decision (id, message_id, contact_id, phase, asked_at, kind, channel, address_hash, outcome, reason, gate, proofs,
                          policy_version, facts_digest, content_hash, lint_version, campaign_id, operator)
    SELECT decision_id, message_id, contact_id, $13, $9, $14, $11, address_hash, $15, $16, $17, string_to_array(proofs, E'\\n'),
           $18, digest, $19, $20, $10, $21
    FROM claimed
), begun AS (
    INSERT INTO conversation (id, contact_id, channel, account_id, status, created_at, last_message_at, last_message_id)
    SELECT conversation_id, contact_id, $11, $12, 'resolved', $9, $9, message_id FROM claimed WHERE begins
)
INSERT INTO message (id, conversation_id, contact_id, identity_id, channel, account_id, direction, kind, body, status, decision_id,
                     priority, attempts, created_at, occurred_at, send_after, claimed_at, status_at, campaign_id)
SELECT message_id, conversation_id, contact_id, identity_id, $11, $12, 'outbound', $14, body, 'sending', decision_id,
       9, 1, $9, $9, $9, $9, $9, $10
FROM claimed
"""


async def write_let_go(conn: Connection, campaign: Campaign, people: Sequence[Judged], *, like: DecisionRow, now: datetime) -> None:
    """Write down whoever is let go for the first time: decision, conversation where none is known, message, and their place.

    All at once, since it is the bulk of what a campaign writes. The messages are `sending` from here on. like: the row of
    any of these decisions, for what they have in common. Raises LookupError where one of them is not on the list.
    """
    if not people:
        return
    done = await conn.execute(
        _LET_GO,
        [p.turn.contact_id for p in people],
        [p.decision_id for p in people],
        [p.message_id for p in people],
        [p.conversation_id for p in people],
        [p.begins for p in people],
        [p.body.reveal() if p.body else None for p in people],
        ["\n".join(p.decision.proofs) for p in people],
        [p.decision.facts_digest for p in people],
        now,
        campaign.id,
        campaign.draft.channel,
        campaign.draft.account_id,
        like.phase,
        like.kind,
        like.decision.outcome,
        like.decision.reason,
        like.decision.gate,
        like.decision.policy_version,
        like.content_hash,
        like.lint_version,
        like.operator,
    )
    if done != f"INSERT 0 {len(people)}":
        raise LookupError("somebody who was let go is not on the list")


async def write_others(conn: Connection, campaign_id: CampaignId, people: Sequence[Judged], *, now: datetime) -> None:
    """Write down what became of everybody else: refused, postponed, or let go once more. Their decisions are written already."""
    if not people:
        return
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
        [p.turn.contact_id for p in people],
        [p.state for p in people],
        [None if p.decision.allowed else p.decision.reason for p in people],
        [p.decision_id for p in people],
        [p.message_id for p in people],
        [p.not_before for p in people],
    )
    await _write_tries(conn, [p for p in people if p.turn.message_id is not None], now=now)


async def _write_tries(conn: Connection, people: Sequence[Judged], *, now: datetime) -> None:
    """The messages of earlier tries that were put back: the same message goes again, or the judge says no now."""
    again = [p for p in people if p.state is RecipientState.CLAIMED]
    if again:
        await conn.execute(
            """
            UPDATE message m SET status = 'sending', decision_id = n.decision_id, claimed_at = $3, status_at = $3, attempts = m.attempts + 1
            FROM unnest($1::uuid[], $2::uuid[]) AS n(id, decision_id) WHERE m.id = n.id AND m.status = 'queued'
            """,
            [p.message_id for p in again],
            [p.decision_id for p in again],
            now,
        )
    gone = [p.message_id for p in people if p.state is RecipientState.REFUSED]
    if gone:
        await conn.execute("UPDATE message SET status = 'refused', status_at = $2 WHERE id = ANY($1) AND status = 'queued'", gone, now)
