"""Servers that go away: Valkey may lose all it holds (P8), PostgreSQL may be away for a while (P3)."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis

from tests.acceptance.clinic import Clinic
from tests.acceptance.day import Day, Letter
from tests.world import SMS

PEOPLE = 120


async def flush(clinic: Clinic, until: asyncio.Event) -> int:
    """Empty Valkey again and again; how many times."""
    times = 0
    async with Redis.from_url(clinic.settings.redis_url or "") as valkey:
        while not until.is_set():
            await valkey.flushall()
            times += 1
            await asyncio.sleep(0.15)
    return times


async def test_valkey_flushed_again_and_again_loses_no_message_no_follow_up_and_no_stop(clinic: Clinic, day: Day) -> None:
    people = day.people(PEOPLE)
    stopping = people[::3]
    over = asyncio.Event()
    flushing = asyncio.create_task(flush(clinic, over))

    async def one(n: int, phone: str) -> None:
        await asyncio.sleep(n * 0.02)
        await day.writes(phone, "Hello, do you do facials?", account=SMS)
        await day.replies(phone, "Good morning, yes we do.", channel=day.account(SMS).channel)
        if phone in stopping:
            await day.writes(phone, "STOP", account=SMS)

    await asyncio.gather(*(one(n, p) for n, p in enumerate(people)))
    over.set()
    assert await flushing > 10
    await day.quiet()
    assert day.double.doubled() == []
    to = [m.to for m in day.double.sent]
    for phone in people:
        # The reply and the acknowledgement; a stop may have come first, and is confirmed once.
        assert phone in to
    confirmed = "SELECT count(*) FROM message WHERE kind = 'OOC' AND status NOT IN ('refused', 'cancelled') AND contact_id IN ({})"
    who = "SELECT contact_id FROM identity WHERE address = ANY($1)"
    assert await day.value(confirmed.format(who), stopping) == len(stopping)
    suppressed = f"SELECT count(DISTINCT contact_id) FROM suppression WHERE scope = 'CHANNEL' AND contact_id IN ({who})"
    assert await day.value(suppressed, people) == len(stopping)
    replies = f"SELECT status, count(*) AS n FROM message WHERE kind = 'RPL' AND contact_id IN ({who}) GROUP BY 1"
    left = {r["status"]: r["n"] for r in await day.rows(replies, people)}
    assert sum(left.values()) == PEOPLE
    assert left.get("refused", 0) <= len(stopping)
    assert set(left) <= {"accepted", "sent", "delivered", "refused"}


async def test_webhooks_answer_503_while_the_idle_database_restarts_and_200_afterwards(clinic: Clinic, day: Day) -> None:
    letters: list[Letter] = []
    over = asyncio.Event()

    async def post_on(phone: str) -> None:
        while not over.is_set():
            letters.append(letter := day.letter(phone, "Hello"))
            await day.post(letter)
            await asyncio.sleep(0.02)

    posting = asyncio.gather(*(post_on(p) for p in day.people(4)))
    clinic.kill("postgres")
    await asyncio.sleep(0.5)
    await day.rows("SELECT 1")
    await asyncio.sleep(0.5)
    over.set()
    await posting
    answers = [a for letter in letters for a in letter.answers]
    assert set(answers) == {200, 503}
    assert letters[-1].answers == [200]
    acknowledged = [x.sid for x in letters if x.answers == [200]]
    stored = "SELECT count(*) FROM message WHERE provider_message_id = ANY($1)"
    assert await day.value(stored, acknowledged) == len(acknowledged)
    # Whatever was not acknowledged comes again, and is stored once, also where the first try had got through.
    for letter in letters:
        while letter.answers[-1] != 200:
            await day.post(letter)
    assert await day.value(stored, [x.sid for x in letters]) == len(letters)
    await day.quiet()
