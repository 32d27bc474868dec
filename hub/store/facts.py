"""Gathering what the judge may look at: for one message or five hundred, in one round trip.

Reads only. Inside a claim it runs after the locks, as a statement of its own, so its snapshot is newer than they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hub.model.address import Channel
from hub.model.ids import ContactId, ConversationId, IdentityId
from hub.model.permission import (
    AddressState,
    BasisFacts,
    ContentFacts,
    Env,
    ErasureState,
    Facts,
    InvitationFacts,
    InvitationState,
    Kind,
    Scope,
    Suppression,
)
from hub.policy.consent import years
from hub.store.conversations import invitation_of
from hub.store.pool import Connection, Row

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One question for the judge. route_ok, reply_window_h and window_messages come from the account's declared capabilities."""

    conversation_id: ConversationId
    contact_id: ContactId
    identity_id: IdentityId | None
    channel: Channel
    kind: Kind | None
    account_id: str
    content: ContentFacts
    route_ok: bool
    reply_window_h: int | None
    purpose: str | None = None
    window_messages: int | None = None


# What the provider counts: free messages that went, or may have, since the person last wrote. Templates are not among them,
# and no answers to a request, which go by another door (hub.gate.passive names those by itself).
COUNTED = "('sending', 'accepted', 'sent', 'delivered', 'read', 'unknown')"
PASSIVE = "passive:"

_GATHER = f"""
SELECT q.ord, c.restricted, c.erasure, c.deceased, c.birth_date, c.age_confirmed,
       i.verified, i.country, i.address_hash, i.address IS NOT NULL AS has_address, a.state AS address_state,
       n.state, n.opened_at, n.last_inbound_at, n.reopened_at, n.consecutive_outbound, n.last_outbound_at, n.turn_started_at,
       n.last_ack_at, n.named_by_person, n.inbound_automatic, n.bot_barred,
       EXISTS (SELECT 1 FROM invitation x WHERE x.conversation_id = q.conversation_id AND x.channel <> q.channel
               AND x.state IN ('OPEN', 'DIALOGUE')) AS other_channel_open,
       s.rows AS suppressions,
       o.revoked_at, o.confirmations, w.sent AS window_sent, b.about AS objections,
       d.ticked_at, d.asked_at, m.week, m.month,
       q.kind = 'RTS' AND EXISTS (SELECT 1 FROM rights_case x WHERE x.contact_id = q.contact_id AND x.state = 'open') AS case_open,
       EXISTS (SELECT 1 FROM kill_switch k WHERE k.subject IN ('kind:' || q.kind, 'channel:' || q.channel, 'account:' || q.account_id))
           AS paused
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $8::bool[])
    WITH ORDINALITY AS q(conversation_id, contact_id, identity_id, channel, kind, account_id, counted, ord)
JOIN contact c ON c.id = q.contact_id
LEFT JOIN identity i ON i.id = q.identity_id
LEFT JOIN address a ON a.hash = i.address_hash
LEFT JOIN invitation n ON n.conversation_id = q.conversation_id AND n.channel = q.channel
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
    SELECT (SELECT max(x.recorded_at) FROM suppression x WHERE x.contact_id = q.contact_id AND x.lifted_at IS NULL) AS revoked_at,
           (SELECT count(*) FROM message m WHERE m.contact_id = q.contact_id AND m.kind = 'OOC' AND m.channel = q.channel
                AND m.created_at > $7::timestamptz - interval '24 hours' AND m.status NOT IN ('refused', 'cancelled', 'queued', 'failed'))
           + (SELECT count(*) FROM suppression x WHERE x.contact_id = q.contact_id AND x.source = 'provider_keyword'
                AND x.recorded_at > $7 - interval '24 hours') AS confirmations
    WHERE q.kind = 'OOC'  -- inside, so that nobody else's messages are counted
) o ON true
LEFT JOIN LATERAL (
    SELECT (SELECT count(*) FROM message m
            WHERE m.conversation_id IN (SELECT v.id FROM conversation v WHERE v.contact_id = q.contact_id)
              AND m.identity_id = q.identity_id AND m.direction = 'outbound' AND m.template_id IS NULL AND m.status IN {COUNTED}
              AND m.claimed_at >= n.last_inbound_at AND NOT starts_with(coalesce(m.provider_message_id, ''), '{PASSIVE}')) AS sent
    WHERE q.counted
) w ON true
LEFT JOIN LATERAL (
    SELECT array_agg(DISTINCT x.about) AS about FROM objection x WHERE x.contact_id = q.contact_id AND x.withdrawn_at IS NULL
) b ON true
LEFT JOIN LATERAL (
    SELECT (SELECT max(e.occurred_at) FROM consent_event e JOIN consent_state y ON y.consent_id = e.consent_id
            WHERE e.contact_id = q.contact_id AND e.channel = q.channel AND e.address_hash = i.address_hash AND e.event = 'given'
              AND e.source LIKE 'form:%' AND e.control = 'unticked_box' AND NOT y.ended AND NOT y.confirmed) AS ticked_at,
           (SELECT max(x.claimed_at) FROM identity j JOIN message x ON x.identity_id = j.id
            WHERE j.address_hash = ANY (a.aliases || a.hash) AND x.kind = 'DOI' AND x.status IN {COUNTED}) AS asked_at
    WHERE q.kind = 'DOI'
) d ON true
LEFT JOIN LATERAL (
    SELECT count(*) FILTER (WHERE x.claimed_at > $7::timestamptz - interval '7 days') AS week, count(*) AS month
    FROM message x
    WHERE q.kind IN ('DOI', 'NTC', 'MKT') AND x.contact_id = q.contact_id AND x.kind = 'MKT'
      AND x.status IN {COUNTED} AND x.claimed_at > $7::timestamptz - interval '30 days'
) m ON true
"""


async def gather(conn: Connection, asks: Sequence[Ask], *, now: datetime) -> list[Facts]:
    """The facts for each question, in the order asked. One statement, whatever their number."""
    rows = await conn.fetch(
        _GATHER,
        [a.conversation_id for a in asks],
        [a.contact_id for a in asks],
        [a.identity_id for a in asks],
        [a.channel for a in asks],
        [a.kind for a in asks],
        [a.account_id for a in asks],
        now,
        [a.window_messages is not None for a in asks],
    )
    by_ord = {row["ord"]: row for row in rows}
    return [_facts(ask, by_ord.get(ord_), now) for ord_, ask in enumerate(asks, start=1)]


def _facts(ask: Ask, row: Row | None, now: datetime) -> Facts:
    if row is None:  # no such contact: everything stays unknown, which refuses
        return Facts(kind=ask.kind, channel=ask.channel, env=Env(now=now, store_healthy=True), content=ask.content)
    return Facts(
        kind=ask.kind,
        channel=ask.channel,
        env=Env(
            now=now,
            store_healthy=True,
            paused=row["paused"],
            route_ok=ask.route_ok,
            reply_window_h=ask.reply_window_h,
            window_messages=ask.window_messages,
            window_sent=row["window_sent"],
            marketing_sent_7d=row["week"],
            marketing_sent_30d=row["month"],
        ),
        country=row["country"],
        address=_address(row),
        invitation=_invitation(row),
        suppressions=tuple(_suppression(values) for values in row["suppressions"] or ()),
        basis=BasisFacts(
            revoked_at=row["revoked_at"],
            confirmations_sent=row["confirmations"],
            form_ticked_at=row["ticked_at"],
            doi_last_sent_at=row["asked_at"],
            case_open=row["case_open"],
        ),
        content=ask.content,
        purpose=ask.purpose,
        restricted=row["restricted"],
        objections=tuple(row["objections"] or ()),
        erasure=ErasureState(row["erasure"]),
        deceased=row["deceased"],
        age=years(row["birth_date"], row["age_confirmed"], now.date()),
        age_confirmed=row["age_confirmed"],
    )


def _address(row: Row) -> AddressState | None:
    if row["address_hash"] is None or not row["has_address"]:
        return None
    if row["address_state"] != "ok":
        return AddressState(row["address_state"])
    return AddressState.VERIFIED if row["verified"] else AddressState.TYPED_UNVERIFIED


def _invitation(row: Row) -> InvitationFacts:
    if row["state"] is None:
        return InvitationFacts(
            state=InvitationState.NONE, consecutive_outbound=0, inbound_automatic=False, other_channel_open=row["other_channel_open"]
        )
    return replace(invitation_of(row), other_channel_open=row["other_channel_open"])


def _suppression(values: Sequence[object]) -> Suppression:
    scope, channel, interest, purpose, at = values
    return Suppression(
        scope=Scope(str(scope)),
        channel=Channel(str(channel)) if channel else None,
        interest=str(interest) if interest else None,
        purpose=str(purpose) if purpose else None,
        at=EPOCH + timedelta(microseconds=int(str(at))),
    )
