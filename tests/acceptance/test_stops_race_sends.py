"""Opt-outs racing sends through the real processes: no claim follows a stop that covers it (P1), and one confirmation each."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

from hub.model.address import Channel
from tests.acceptance.day import Day
from tests.world import SMS

PEOPLE = 200
STOPS_SPREAD_S = 1.5

# The claim reads the clock after it holds the person's locks, and a stop is written under the same locks. So a stop that was
# committed before an ALLOW was given shows in what the ALLOW's transaction could see, whatever the two clocks say.
_WATCH = """
ALTER TABLE decision ADD COLUMN IF NOT EXISTS seen pg_snapshot DEFAULT pg_current_snapshot();
ALTER TABLE suppression ADD COLUMN IF NOT EXISTS written_by_xact xid8 DEFAULT pg_current_xact_id();
"""
_IGNORED_STOPS = """
SELECT m.id FROM message m
JOIN decision d ON d.message_id = m.id AND d.outcome = 'ALLOW' AND d.phase = 'claim'
JOIN suppression s ON s.contact_id = m.contact_id AND s.scope = 'CHANNEL' AND s.channel = m.channel
WHERE m.direction = 'outbound' AND m.kind <> 'OOC' AND pg_visible_in_snapshot(s.written_by_xact, d.seen)
"""
_OF = "SELECT contact_id FROM identity WHERE address = ANY($1)"


async def test_no_send_is_claimed_after_a_stop_and_each_stop_is_confirmed_at_most_once(day: Day) -> None:
    async with day.pool.acquire() as conn:
        await conn.execute(_WATCH)
    people = day.people(PEOPLE)
    await asyncio.gather(*(day.writes(p, "Hello", account=SMS) for p in people))
    await day.quiet()
    chance = random.Random(20261124)
    later = datetime.now(UTC) + timedelta(hours=1)
    replies = [await day.replies(p, "Good morning, yes we do.", channel=Channel.SMS, at=later) for p in people]
    # Everything is let go at one moment, and the stops come shortly before and after it.
    moment = datetime.now(UTC) + timedelta(seconds=STOPS_SPREAD_S / 2)
    await day.rows("UPDATE message SET send_after = $2 WHERE id = ANY($1)", replies, moment)

    async def stops(phone: str) -> None:
        await asyncio.sleep(chance.random() * STOPS_SPREAD_S)
        await day.writes(phone, "STOP", account=SMS)
        await day.writes(phone, "stop", account=SMS)  # people say it twice

    await asyncio.gather(*(stops(p) for p in people))
    await day.quiet()

    assert await day.rows(_IGNORED_STOPS) == []
    statuses = Counter((await day.statuses(replies)).values())
    left = PEOPLE - statuses["refused"]
    assert min(left, statuses["refused"]) > PEOPLE // 20, f"the race was never close: {statuses}"
    assert sum(day.double.sends_of(m) for m in replies) == left
    assert day.double.doubled() == []

    confirmed = f"""SELECT count(*) AS n FROM message WHERE kind = 'OOC' AND status NOT IN ('refused', 'cancelled')
                    AND contact_id IN ({_OF}) GROUP BY contact_id"""
    assert [r["n"] for r in await day.rows(confirmed, people)] == [1] * PEOPLE
    standing = f"SELECT count(DISTINCT contact_id) FROM suppression WHERE lifted_at IS NULL AND contact_id IN ({_OF})"
    assert await day.value(standing, people) == PEOPLE
