"""Webhooks three times at once, out of order, before their send's answer, or late: the same conversation as the clean run (P3)."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from channels.sandbox.values import Trouble
from hub.model.address import Channel
from tests.acceptance.day import Day, Letter
from tests.world import WHATSAPP

PEOPLE = 12
TEXTS = ("Hello, do you do facials?", "On a Saturday?", "Lovely, thank you")

# Everything about a thread that may not depend on how its webhooks came.
_THREAD = """
SELECT m.direction, m.kind, m.body, m.status FROM message m JOIN identity i ON i.contact_id = m.contact_id
WHERE i.address = $1 ORDER BY m.direction, m.kind, m.body
"""
_COUNTS = """
SELECT (SELECT count(*) FROM conversation v WHERE v.contact_id = c.id) AS conversations,
       (SELECT max(unread) FROM conversation v WHERE v.contact_id = c.id) AS unread,
       (SELECT string_agg(n.state, ',') FROM invitation n JOIN conversation v ON v.id = n.conversation_id
        WHERE v.contact_id = c.id) AS states,
       (SELECT count(*) FROM delivery_report) AS parked
FROM contact c JOIN identity i ON i.contact_id = c.id WHERE i.address = $1
"""


async def all_read(day: Day, phone: str) -> bool:
    return {row["status"] for row in await day.rows(_THREAD, phone)} == {None, "read"}


async def told(day: Day, phone: str, troubles: list[Trouble], *, copies: int) -> list[tuple[object, ...]]:
    """The same story: three messages, one answer. What the records hold of it when every report has come."""
    for trouble in troubles:
        day.double.trouble(trouble, to=f"whatsapp:{phone}", times=None, wait_s=1.0)
    for text in TEXTS:
        letter = day.letter(phone, text)
        answers = await asyncio.gather(*(day.post(letter) for _ in range(copies)))
        assert answers == [200] * copies
    await day.replies(phone, "Yes, on Saturdays too.")
    await day.quiet()
    await day.until(lambda: all_read(day, phone), what="all reports")
    [counts] = await day.rows(_COUNTS, phone)
    return [tuple(row) for row in await day.rows(_THREAD, phone)] + [tuple(counts)]


DISTURBANCES: dict[str, tuple[list[Trouble], int]] = {
    "messages thrice": ([], 3),
    "statuses thrice": ([Trouble.TRIPLE], 1),
    "statuses reordered": ([Trouble.REORDERED], 1),
    "statuses first": ([Trouble.EARLY], 1),
    "statuses late": ([Trouble.LATE], 1),
    "all of it": ([Trouble.TRIPLE, Trouble.EARLY], 3),
}


@pytest.mark.parametrize("disturbance", DISTURBANCES)
async def test_however_webhooks_come_the_conversation_is_that_of_the_clean_run(day: Day, disturbance: str) -> None:
    troubles, copies = DISTURBANCES[disturbance]
    clean, disturbed = day.people(2)
    expected = await told(day, clean, [], copies=1)
    assert [row[-1] for row in expected[:-1] if row[0] == "outbound"] == ["read", "read"]
    assert await told(day, disturbed, troubles, copies=copies) == expected
    assert day.double.doubled() == []


async def test_a_burst_of_many_peoples_shuffled_and_repeated_webhooks_stores_each_once(day: Day) -> None:
    people = day.people(PEOPLE)
    letters: list[Letter] = [day.letter(p, text, account=WHATSAPP) for p in people for text in TEXTS]
    answers = await asyncio.gather(*(day.post(letter) for letter in [*letters, *reversed(letters), *letters[::2], *letters[1::2]]))
    assert set(answers) == {200}
    stored = await day.rows(
        "SELECT i.address, array_agg(m.body) AS texts, count(DISTINCT m.conversation_id) AS threads FROM message m "
        "JOIN identity i ON i.id = m.identity_id WHERE m.direction = 'inbound' AND i.address = ANY($1) GROUP BY 1",
        people,
    )
    assert {r["address"]: (sorted(r["texts"]), r["threads"]) for r in stored} == dict.fromkeys(people, (sorted(TEXTS), 1))
    await day.quiet()


async def test_a_status_that_comes_again_after_a_later_one_moves_nothing_back(day: Day) -> None:
    phone = day.person()
    await day.writes(phone, "Hello")
    message: UUID = await day.replies(phone, "Good morning", channel=Channel.WHATSAPP)
    await day.quiet()
    assert (await day.statuses([message]))[message] == "read"
    sent = next(m for m in day.double.sent if m.message_id == str(message))
    account = day.account(WHATSAPP)
    for word in ("queued", "sent", "delivered", "undelivered", "read", "something-new"):
        fields = {"MessageSid": sent.sid, "MessageStatus": word, "ErrorCode": "30003", "AccountSid": day.double.account_sid}
        assert (await day.post_fields(f"/webhooks/{account.id}/status/{message}", fields, account))[0] == 200
        assert (await day.statuses([message]))[message] == "read"
