"""Campaigns as stored: drafts, the approval that freezes them, their states and counts. The database holds the rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from hub.model.address import Channel
from hub.model.campaign import Campaign, CampaignState, Draft, Progress, Purpose, Reactions
from hub.model.ids import CampaignId, StaffId
from hub.store.pool import Connection, Row


async def add(conn: Connection, campaign_id: CampaignId, draft: Draft, *, by: StaffId, now: datetime) -> None:
    """Store a new draft."""
    await conn.execute(
        """
        INSERT INTO campaign (id, name, purpose, channel, account_id, interests, body, created_by, created_at, edited_by, edited_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8, $9)
        """,
        campaign_id,
        draft.name,
        draft.purpose,
        draft.channel,
        draft.account_id,
        list(draft.interests),
        draft.body,
        by,
        now,
    )


async def edit(conn: Connection, campaign_id: CampaignId, draft: Draft, *, by: StaffId, now: datetime) -> bool:
    """Change a draft; False when it is none any more."""
    return bool(
        await conn.fetchval(
            """
            UPDATE campaign SET name = $2, purpose = $3, channel = $4, account_id = $5, interests = $6, body = $7, edited_by = $8,
                edited_at = $9, sent_back_by = NULL, sent_back_at = NULL, sent_back_reason = NULL
            WHERE id = $1 AND state = 'draft' RETURNING true
            """,
            campaign_id,
            draft.name,
            draft.purpose,
            draft.channel,
            draft.account_id,
            list(draft.interests),
            draft.body,
            by,
            now,
        )
    )


async def one(conn: Connection, campaign_id: UUID, *, lock: bool = False) -> Campaign | None:
    """One campaign, locked for the caller to move on where asked."""
    row = await conn.fetchrow(f"SELECT * FROM campaign WHERE id = $1 {'FOR NO KEY UPDATE' if lock else ''}", campaign_id)
    return _campaign(row) if row else None


async def newest(conn: Connection, *, before: tuple[datetime, UUID] | None = None, limit: int = 50) -> list[Campaign]:
    """Campaigns, newest first, from the one after `before` on."""
    at, campaign_id = before or (None, None)
    rows = await conn.fetch(
        """
        SELECT * FROM campaign WHERE $1::timestamptz IS NULL OR (created_at, id) < ($1, $2::uuid) ORDER BY created_at DESC, id DESC LIMIT $3
        """,
        at,
        campaign_id,
        limit,
    )
    return [_campaign(r) for r in rows]


async def approve(
    conn: Connection, campaign_id: CampaignId, *, by: StaffId, text_hash: bytes, content: Mapping[str, Any], now: datetime
) -> None:
    """Freeze the text and the audience's definition. Raises asyncpg.CheckViolationError when the one who wrote it approves."""
    await conn.execute(
        """
        UPDATE campaign SET state = 'approved', approved_by = $2, approved_at = $3, text_hash = $4, content = $5
        WHERE id = $1 AND state = 'draft'
        """,
        campaign_id,
        by,
        now,
        text_hash,
        dict(content),
    )


async def send_back(conn: Connection, campaign_id: CampaignId, *, reason: str, by: StaffId, now: datetime) -> None:
    """Note what the approver wants changed; the next change of the draft takes it off."""
    await conn.execute(
        "UPDATE campaign SET sent_back_by = $2, sent_back_at = $3, sent_back_reason = $4 WHERE id = $1 AND state = 'draft'",
        campaign_id, by, now, reason,
    )  # fmt: skip


async def move(
    conn: Connection, campaign_id: CampaignId, to: CampaignState, *, now: datetime, scheduled_at: datetime | None = None
) -> None:
    """Go on to another state. Raises asyncpg.CheckViolationError where that is no way (see the table in 0005)."""
    await conn.execute(
        """
        UPDATE campaign SET state = $2, scheduled_at = CASE WHEN $2 = 'approved' THEN NULL ELSE coalesce($4, scheduled_at) END,
            started_at = CASE WHEN $2 = 'running' THEN coalesce(started_at, $3) ELSE started_at END,
            resumed_at = CASE WHEN $2 = 'running' THEN $3 ELSE resumed_at END,
            ended_at = CASE WHEN $2 IN ('finished', 'cancelled') THEN $3 ELSE ended_at END
        WHERE id = $1
        """,
        campaign_id,
        to.value,
        now,
        scheduled_at,
    )


async def frozen_to(conn: Connection, campaign_id: CampaignId) -> UUID | None:
    """How far the list is written."""
    found: UUID | None = await conn.fetchval("SELECT frozen_to FROM campaign WHERE id = $1", campaign_id)
    return found


async def slice_written(conn: Connection, campaign_id: CampaignId, counts: Mapping[str, int], *, to: UUID) -> None:
    """Note one slice of the list with its counts, in the transaction that wrote it."""
    await conn.execute("UPDATE campaign SET frozen_to = $2 WHERE id = $1", campaign_id, to)
    await conn.execute(
        """
        INSERT INTO campaign_count AS c (campaign_id, reason, people) SELECT $1, reason, people
        FROM unnest($2::text[], $3::int[]) AS n(reason, people)
        ON CONFLICT (campaign_id, reason) DO UPDATE SET people = c.people + excluded.people
        """,
        campaign_id,
        list(counts),
        list(counts.values()),
    )


async def list_is_whole(conn: Connection, campaign_id: CampaignId, *, now: datetime) -> None:
    """The list is written to its end: keep its hash."""
    await conn.execute(
        """
        UPDATE campaign SET frozen_at = $2, list_hash = (
            SELECT sha256(coalesce(string_agg(uuid_send(contact_id), ''::bytea ORDER BY contact_id), ''::bytea))
            FROM recipient WHERE campaign_id = $1)
        WHERE id = $1
        """,
        campaign_id,
        now,
    )


async def list_is_cleared(conn: Connection, campaign_id: CampaignId, *, now: datetime) -> None:
    """Everybody left on a cancelled campaign's list is marked so."""
    await conn.execute("UPDATE campaign SET cleared_at = $2 WHERE id = $1 AND state = 'cancelled'", campaign_id, now)


async def hold_until(conn: Connection, campaign_id: CampaignId, until: datetime | None) -> None:
    """Try nothing before then."""
    await conn.execute("UPDATE campaign SET next_at = $2 WHERE id = $1", campaign_id, until)


async def sheet(conn: Connection, campaign_id: CampaignId) -> dict[str, int]:
    """People by reason as the list was frozen; ALLOW is the list itself."""
    rows = await conn.fetch("SELECT reason, people FROM campaign_count WHERE campaign_id = $1", campaign_id)
    return {r["reason"]: r["people"] for r in rows}


async def at_work(conn: Connection, *, now: datetime) -> list[CampaignId]:
    """Campaigns a worker should look at now: lists to write, sends to make, leftovers of cancelled ones to clear."""
    rows = await conn.fetch(
        """
        SELECT id FROM campaign WHERE state NOT IN ('draft', 'finished') AND (
            (frozen_at IS NULL AND state IN ('approved', 'scheduled', 'running'))
            OR (state = 'scheduled' AND scheduled_at <= $1)
            OR (state = 'running' AND (next_at IS NULL OR next_at <= $1))
            OR (state = 'cancelled' AND cleared_at IS NULL))
        """,
        now,
    )
    return [r["id"] for r in rows]


async def progress(conn: Connection, campaign_id: CampaignId) -> Progress:
    """Where everybody on the list is, in one statement, so that the numbers belong together."""
    rows = await conn.fetch(
        """
        SELECT 'people' AS what, state AS key, NULL AS reason, count(*) AS n FROM recipient
            WHERE campaign_id = $1 AND state <> 'refused' GROUP BY state
        UNION ALL SELECT 'refused', 'refused', reason, count(*) FROM recipient WHERE campaign_id = $1 AND state = 'refused' GROUP BY reason
        UNION ALL SELECT 'status', status, NULL, count(*) FROM message WHERE campaign_id = $1 GROUP BY status
        UNION ALL SELECT 'listed', 'ALLOW', NULL, coalesce(max(people), 0) FROM campaign_count WHERE campaign_id = $1 AND reason = 'ALLOW'
        """,
        campaign_id,
    )
    people = {r["key"]: r["n"] for r in rows if r["what"] == "people"}
    return Progress(
        listed=next(r["n"] for r in rows if r["what"] == "listed"),
        pending=people.get("pending", 0),
        cancelled=people.get("cancelled", 0),
        # a message put back to be tried again belongs to a person who is pending, or cancelled since
        statuses={r["key"]: r["n"] for r in rows if r["what"] == "status" and r["key"] not in ("queued", "cancelled")},
        refused={r["reason"]: r["n"] for r in rows if r["what"] == "refused"},
    )


async def reactions(conn: Connection, campaign_id: CampaignId) -> Reactions:
    """How many of those let go since it last began to run failed, complained, or stopped something after they were."""
    row = await conn.fetchrow(
        """
        WITH run AS (
            SELECT coalesce(resumed_at, created_at) AS since FROM campaign WHERE id = $1
        ), answered AS (
            SELECT s.contact_id, s.source FROM run, suppression s JOIN recipient r ON r.contact_id = s.contact_id
            WHERE r.campaign_id = $1 AND r.state = 'claimed' AND s.recorded_at >= run.since AND s.recorded_at >= r.decided_at
                  AND r.decided_at >= run.since
        ), sent AS (
            SELECT m.status FROM run, message m
            WHERE m.campaign_id = $1 AND m.status NOT IN ('queued', 'cancelled', 'refused') AND m.claimed_at >= run.since
        )
        SELECT (SELECT count(*) FROM sent) AS let_go, (SELECT count(*) FROM sent WHERE status = 'failed') AS failed,
               count(DISTINCT contact_id) FILTER (WHERE source = 'complaint') AS complained,
               count(DISTINCT contact_id) FILTER (WHERE source <> 'complaint') AS stopped
        FROM answered
        """,
        campaign_id,
    )
    return Reactions(let_go=row["let_go"], failed=row["failed"], complained=row["complained"], stopped=row["stopped"])


async def staff_names(conn: Connection, campaign: Campaign) -> dict[StaffId, str]:
    """The colleagues who wrote, changed and approved it."""
    ids = [i for i in (campaign.created_by, campaign.edited_by, campaign.approved_by) if i]
    return {r["id"]: r["name"] for r in await conn.fetch("SELECT id, name FROM staff WHERE id = ANY($1)", ids)}


def _campaign(r: Row) -> Campaign:
    return Campaign(
        id=r["id"],
        draft=Draft(
            name=r["name"],
            purpose=Purpose(r["purpose"]),
            channel=Channel(r["channel"]),
            account_id=r["account_id"],
            interests=tuple(r["interests"]),
            body=r["body"],
        ),
        state=CampaignState(r["state"]),
        created_by=r["created_by"],
        created_at=r["created_at"],
        edited_by=r["edited_by"],
        edited_at=r["edited_at"],
        approved_by=r["approved_by"],
        approved_at=r["approved_at"],
        text_hash=r["text_hash"],
        content=r["content"],
        frozen_at=r["frozen_at"],
        list_hash=r["list_hash"],
        scheduled_at=r["scheduled_at"],
        started_at=r["started_at"],
        next_at=r["next_at"],
        ended_at=r["ended_at"],
        sent_back_reason=r["sent_back_reason"],
    )
