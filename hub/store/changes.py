"""What happens to stored messages afterwards: taken back, un-reacted, read up to a moment. Never touches a stop.

Each change is noted whether or not its message is here, and applied to whatever it is about whenever that comes: the
statements may run any number of times, in any order, and end the same.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from hub.model.address import Channel
from hub.model.ids import AccountId, ConversationId, MessageId
from hub.store.pool import Connection, Row

Changed = tuple[MessageId, ConversationId]
Target = tuple[AccountId, str]  # an account and the provider's id of a message there

KEPT = timedelta(days=8)  # Meta repeats a webhook for up to seven days (channels.md §6.1)
WATERMARKS_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One change a provider told. what: retraction, reaction_removed, delivered, read; target: None for the last two.

    said_by: hashes of the person's address; at: the provider's clock, for delivered and read the moment it reaches up to.
    """

    id: UUID
    account_id: AccountId
    what: str
    target: str | None
    said_by: tuple[bytes, ...]
    at: datetime


async def note(conn: Connection, told: Sequence[Told], *, now: datetime) -> None:
    """Keep these changes for as long as what they are about may still come."""
    await conn.executemany(
        "INSERT INTO told_change (id, account_id, what, target, said_by, at, received_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [(t.id, t.account_id, t.what, t.target, list(t.said_by), t.at, now) for t in told],
    )


async def told_about(conn: Connection, targets: Collection[Target]) -> list[Target]:
    """Those of these messages that something was told about."""
    rows = await conn.fetch(
        """
        SELECT DISTINCT t.account_id, t.target FROM told_change t JOIN unnest($1::text[], $2::text[]) AS w(account_id, target)
          ON w.account_id = t.account_id AND w.target = t.target
        """,
        [a for a, _ in targets],
        [t for _, t in targets],
    )
    return [(AccountId(r["account_id"]), r["target"]) for r in rows]


async def take_back(conn: Connection, targets: Collection[Target], *, words_go: Collection[Channel]) -> list[Changed]:
    """Mark those of these messages, and the corrections of them, that the person took back; the ones newly marked.

    words_go: channels on which text, place and the journal's raw body go too (Instagram's terms, channels.md §7). Files
    go on every channel, and one not yet fetched never is.
    """
    rows = await conn.fetch(
        """
        WITH told AS (
            SELECT t.account_id, t.target, min(t.at) AS at FROM told_change t JOIN unnest($1::text[], $2::text[]) AS w(account_id, target)
              ON w.account_id = t.account_id AND w.target = t.target WHERE t.what = 'retraction' GROUP BY 1, 2
        ), meant AS (
            SELECT m.id, told.at FROM told JOIN message m ON m.account_id = told.account_id AND m.provider_message_id = told.target
            UNION ALL
            SELECT m.id, told.at FROM told JOIN message m ON m.account_id = told.account_id AND m.direction = 'inbound'
               AND m.detail ? 'edit_of' AND coalesce(m.detail ->> 'edit_of', m.detail ->> 'reply_to') = told.target
        )
        UPDATE message m SET
            body = CASE WHEN m.channel = ANY($3) THEN '' ELSE m.body END,
            detail = (CASE WHEN m.channel = ANY($3) THEN coalesce(m.detail, '{}') - '{location,button,span,referral}'::text[]
                           ELSE coalesce(m.detail, '{}') END) || jsonb_build_object('taken_back', meant.at)
        FROM meant WHERE m.id = meant.id AND m.direction = 'inbound' AND NOT coalesce(m.detail, '{}') ? 'taken_back'
        RETURNING m.id, m.conversation_id, m.channel = ANY($3) AS words_went
        """,
        [a for a, _ in targets],
        [t for _, t in targets],
        list(words_go),
    )
    if rows:
        await _empty_files(conn, [r["id"] for r in rows])
        await _empty_journal(conn, [r["id"] for r in rows if r["words_went"]])
    return _changed(rows)


async def _empty_files(conn: Connection, message_ids: Sequence[UUID]) -> None:
    await conn.execute(
        """
        UPDATE attachment SET state = 'refused', refusal = 'taken_back', source_url = NULL, file_name = NULL, sha256 = NULL, size = NULL
        WHERE message_id = ANY($1)
        """,
        list(message_ids),
    )


async def _empty_journal(conn: Connection, message_ids: Sequence[UUID]) -> None:
    """A request that also brought an event nobody could process yet is kept for its replay, its 14 days at most."""
    await conn.execute(
        """
        WITH mine AS (
            SELECT DISTINCT coalesce(e.request_of, e.id) AS id FROM inbound_event e
            JOIN message m ON m.account_id = e.account_id AND m.provider_message_id = e.provider_event_id WHERE m.id = ANY($1)
        )
        UPDATE inbound_event r SET body = NULL, request = NULL FROM mine
        WHERE r.id = mine.id AND r.state <> 'failed'
          AND NOT EXISTS (SELECT 1 FROM inbound_event f WHERE f.request_of = r.id AND f.state = 'failed')
        """,
        list(message_ids),
    )


async def remove_reactions(conn: Connection, targets: Collection[Target]) -> list[Changed]:
    """Take away reactions to these messages that their person took back since; a later reaction stays."""
    rows = await conn.fetch(
        """
        UPDATE message m SET body = '', detail = m.detail || jsonb_build_object('taken_back', t.at)
        FROM told_change t JOIN unnest($1::text[], $2::text[]) AS w(account_id, target)
          ON w.account_id = t.account_id AND w.target = t.target
        WHERE t.what = 'reaction_removed' AND m.account_id = t.account_id AND m.direction = 'inbound' AND m.content_kind = 'reaction'
          AND coalesce(m.detail ->> 'edit_of', m.detail ->> 'reply_to') = t.target AND m.occurred_at <= t.at
          AND NOT m.detail ? 'taken_back'
          AND EXISTS (SELECT 1 FROM identity i WHERE i.contact_id = m.contact_id AND i.address_hash = ANY(t.said_by))
        RETURNING m.id, m.conversation_id
        """,
        [a for a, _ in targets],
        [t for _, t in targets],
    )
    return _changed(rows)


async def move_up_to(conn: Connection, told: Sequence[UUID]) -> list[Changed]:
    """Move on all that watermarks, by the ids they were noted under, reach. Rows are locked in id order.

    Only what the provider took is moved: a watermark says nothing about a send whose outcome is unknown. What is still
    being handed over is moved once its result is in (`catch_up`).
    """
    rows = await conn.fetch(
        _REACHED + "WHERE t.id = ANY($1) " + _MOVE,
        list(told),
    )
    return _changed(rows)


async def catch_up(conn: Connection, message_ids: Sequence[MessageId]) -> list[Changed]:
    """Move on those of these messages that a watermark reached before we knew that the provider had them."""
    rows = await conn.fetch(
        _REACHED + "WHERE m.id = ANY($1) " + _MOVE,
        list(message_ids),
    )
    return _changed(rows)


_REACHED = """
WITH reached AS (
    SELECT m.id, t.what, t.received_at FROM message m JOIN identity i ON i.id = m.identity_id
    JOIN told_change t ON t.target IS NULL AND t.said_by @> ARRAY[i.address_hash] AND t.account_id = m.account_id
      AND t.at >= coalesce(m.claimed_at, m.occurred_at)
"""
_MOVE = """
      AND m.direction = 'outbound' AND m.status IN ('accepted', 'sent', 'delivered') AND delivery_rank(t.what) > delivery_rank(m.status)
    ORDER BY m.id FOR NO KEY UPDATE OF m
), furthest AS (
    SELECT DISTINCT ON (id) id, what, received_at FROM reached ORDER BY id, delivery_rank(what) DESC
)
UPDATE message m SET status = f.what, status_at = f.received_at FROM furthest f
WHERE m.id = f.id AND delivery_rank(f.what) > delivery_rank(m.status)
RETURNING m.id, m.conversation_id
"""


async def recent(conn: Connection, *, since: datetime) -> tuple[list[Target], list[UUID]]:
    """What was told lately: messages, and watermarks by id. For those whose message was being stored at the same moment."""
    rows = await conn.fetch("SELECT id, account_id, target FROM told_change WHERE received_at >= $1", since)
    return [(AccountId(r["account_id"]), r["target"]) for r in rows if r["target"]], [r["id"] for r in rows if not r["target"]]


async def sweep(conn: Connection, *, now: datetime) -> None:
    """Forget what can reach nothing any more."""
    await conn.execute(
        "DELETE FROM told_change WHERE received_at < $1 OR (target IS NULL AND received_at < $2)", now - KEPT, now - WATERMARKS_KEPT
    )


def _changed(rows: Sequence[Row]) -> list[Changed]:
    return [(r["id"], r["conversation_id"]) for r in rows]
