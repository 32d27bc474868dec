"""What the hub did about one person, newest first: the practice page's running account, told from the records themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.store.pool import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One line. icon: a symbol of the icon partial, without its prefix.

    what: "stored", "understood", "suppressed", "lifted", "refused", "waiting" or "status". word: the signal, scope or kind
    of message it is about. state: the status, or the reason of a refusal. channel: "" for every channel.
    """

    at: datetime
    icon: str
    title: str
    detail: str
    what: str = ""
    word: str = ""
    state: str = ""
    channel: str = ""


_RECENT = """
WITH me AS (SELECT DISTINCT contact_id FROM identity WHERE address_hash = ANY($1::bytea[]))
SELECT * FROM (
    SELECT m.created_at AS at, 'stored' AS what, m.channel, m.signal AS a, NULL AS b, NULL::text AS c
      FROM message m JOIN me USING (contact_id) WHERE m.direction = 'inbound'
    UNION ALL
    SELECT m.created_at, 'understood', m.channel, m.signal, m.signal_rule, m.detail ->> 'language'
      FROM message m JOIN me USING (contact_id) WHERE m.direction = 'inbound' AND m.signal IS NOT NULL
    UNION ALL
    SELECT s.recorded_at, 'suppressed', min(s.channel), s.scope, s.source, NULL
      FROM suppression s JOIN me USING (contact_id) GROUP BY s.recorded_at, s.scope, s.source
    UNION ALL
    SELECT s.lifted_at, 'lifted', min(s.channel), s.scope, s.lifted_by, NULL
      FROM suppression s JOIN me USING (contact_id) WHERE s.lifted_at IS NOT NULL GROUP BY s.lifted_at, s.scope, s.lifted_by
    UNION ALL
    SELECT d.asked_at, 'refused', d.channel, d.kind, d.reason, d.phase
      FROM decision d JOIN me USING (contact_id) WHERE d.outcome = 'REFUSE'
    UNION ALL
    SELECT coalesce(m.status_at, m.created_at), 'status', m.channel, m.kind, m.status, m.error_code
      FROM message m JOIN me USING (contact_id) WHERE m.direction = 'outbound' AND m.status NOT IN ('refused', 'queued')
    UNION ALL
    SELECT m.claimed_at, 'waiting', m.channel, m.kind, m.attempts::text, m.error_code
      FROM message m JOIN me USING (contact_id) WHERE m.status = 'queued' AND m.attempts > 0 AND m.claimed_at IS NOT NULL
) lines ORDER BY at DESC LIMIT $2
"""

NAMES = {
    "sms": "SMS",
    "whatsapp": "WhatsApp",
    "messenger": "Messenger",
    "instagram": "Instagram",
    "email": "email",
    "wechat": "WeChat",
    "web_form": "the form",
}
KINDS = {"RPL": "Reply", "ACK": "Automatic answer", "OOC": "Confirmation", "BOT": "Automatic answer", "MKT": "News"}
SCOPES = {
    "ALL_CONTACT": "Every contact ended",
    "ALL_MARKETING": "All news ended",
    "CHANNEL": "Closed by the person's wish",
    "CHANNEL_MARKETING": "News ended here",
}


async def recent(conn: Connection, address_hashes: Sequence[bytes], limit: int) -> list[LedgerLine]:
    """The latest lines about everybody at these addresses."""
    return [_line(row) for row in await conn.fetch(_RECENT, list(address_hashes), limit)]


def _line(row: Row) -> LedgerLine:
    channel = NAMES.get(row["channel"] or "", row["channel"] or "every channel")
    icon, title, detail = _TELL[row["what"]](row, channel)
    return LedgerLine(
        at=row["at"],
        icon=icon,
        title=title,
        detail=detail,
        what=row["what"],
        word=row["a"] or "",
        state=row["b"] or "",
        channel=row["channel"] or "",
    )


def _stored(_row: Row, channel: str) -> tuple[str, str, str]:
    return "lock", "Signature checked, stored, then answered 200", f"On {channel}, durable before the answer"


def _understood(row: Row, channel: str) -> tuple[str, str, str]:
    words = {"OPT_OUT": "Understood as a stop", "AMBIGUOUS": "May be a stop: news ended at once", "OPT_IN": "Understood as a start"}
    return "hand", words.get(row["a"], f"Understood: {str(row['a']).lower()}"), f"Rule {row['b']}, on {channel}"


def _suppressed(row: Row, channel: str) -> tuple[str, str, str]:
    title = SCOPES.get(row["a"], row["a"])
    return "hand", title, f"On {channel}" if row["a"].startswith("CHANNEL") else "On every channel, from this moment"


def _lifted(_row: Row, channel: str) -> tuple[str, str, str]:
    return "door", f"Open again on {channel}", "By the person's own START; news stays ended"


def _refused(row: Row, channel: str) -> tuple[str, str, str]:
    when = "when asked" if row["c"] == "queue" else "at the last look"
    return "x", f"{KINDS.get(row['a'], row['a'])} refused", f"{row['b']}, {when}, on {channel}"


def _status(row: Row, channel: str) -> tuple[str, str, str]:
    icon = {"read": "tick2", "delivered": "tick2", "failed": "alert", "unknown": "alert", "cancelled": "x"}.get(row["b"], "tick")
    cause = f", code {row['c']}" if row["c"] else ""
    return icon, f"{KINDS.get(row['a'], row['a'])} {row['b']}", f"On {channel}{cause}"


def _waiting(row: Row, channel: str) -> tuple[str, str, str]:
    cause = f", code {row['c']}" if row["c"] else ""
    times = "once" if row["b"] == "1" else f"{row['b']} times"
    return "clock", f"{KINDS.get(row['a'], row['a'])} waits to be tried again", f"On {channel}, tried {times}{cause}"


_TELL = {
    "stored": _stored,
    "understood": _understood,
    "suppressed": _suppressed,
    "lifted": _lifted,
    "refused": _refused,
    "status": _status,
    "waiting": _waiting,
}


async def let_pass(conn: Connection, address_hashes: Sequence[bytes], passed: timedelta) -> None:
    """Sandbox only: move one person's invitations into the past, as if that much time had gone by."""
    await conn.execute(
        """
        UPDATE invitation n SET opened_at = n.opened_at - $2::interval, last_inbound_at = n.last_inbound_at - $2::interval,
            last_outbound_at = n.last_outbound_at - $2::interval, turn_started_at = n.turn_started_at - $2::interval,
            last_ack_at = n.last_ack_at - $2::interval
        FROM conversation c JOIN identity i ON i.contact_id = c.contact_id
        WHERE n.conversation_id = c.id AND i.address_hash = ANY($1::bytea[])
        """,
        list(address_hashes),
        passed,
    )


async def go_on(conn: Connection, account_ids: Sequence[str]) -> None:
    """Sandbox only: what the hub paused because of a trouble that was played may send again, and what waits is tried now."""
    await conn.execute("UPDATE account_state SET paused = NULL, paused_until = NULL WHERE account_id = ANY($1::text[])", list(account_ids))
    await conn.execute(
        """
        UPDATE message SET send_after = least(send_after, now())
        WHERE status = 'queued' AND attempts > 0 AND account_id = ANY($1::text[])
        """,
        list(account_ids),
    )
