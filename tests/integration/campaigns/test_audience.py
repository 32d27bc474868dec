"""The set-based count and the judge say the same of everybody."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import datetime
from uuid import UUID

import pytest

from hub.campaigns.acts import asker_of
from hub.campaigns.content import examine
from hub.model.campaign import Draft
from hub.model.ids import CampaignId, ContactId, uuid7
from hub.policy.consent import derive
from hub.policy.permission import decide
from hub.settings import Settings
from hub.store import audience, campaigns, consents, turns
from hub.store.pool import Connection, Pool
from tests.integration.campaigns.people import Given, Person, Stop, agreed, random_person, write
from tests.integration.campaigns.samples import BODY, draft
from tests.integration.campaigns.staff import staff

WORLDS, PEOPLE = 8, 400


async def judged(conn: Connection, settings: Settings, wanted: Draft, now: datetime) -> tuple[dict[ContactId, str], dict[ContactId, str]]:
    """What the SQL and what the judge say, by person."""
    asker = asker_of(wanted, examine(wanted, settings), settings)
    found = await audience.people(conn, asker.question(now), settings.policy, now=now, reason=None, limit=100_000)
    campaign_id = CampaignId(uuid7())
    await campaigns.add(conn, campaign_id, wanted, by=await staff(conn, "writer", now), now=now)
    campaign = await campaigns.one(conn, campaign_id)
    assert campaign is not None
    hashes = {r["id"]: r["address_hash"] for r in await conn.fetch("SELECT id, address_hash FROM identity")}
    listed = [
        {"contact_id": p.contact_id, "identity_id": p.identity_id, "address_hash": hashes.get(p.identity_id, b""), "message_id": None}
        for p in found
    ]
    people = await turns.lock_people(conn, listed)
    rows = await turns.facts_of(conn, campaign, people, now=now)
    env = asker.env(now, paused=rows[0][0]["paused"])
    asked = {t.contact_id: str(decide(asker.facts(t, r, env), settings.policy).reason) for t, r in zip(people, rows, strict=True)}
    return {p.contact_id: p.reason for p in found}, asked


async def test_the_count_and_the_judge_agree_about_everybody(conn: Connection, settings: Settings, now: datetime) -> None:
    chance = random.Random(20261124)
    seen: Counter[str] = Counter()
    for world in range(WORLDS):
        people = [random_person(chance, world * PEOPLE + n) for n in range(PEOPLE)]
        await write(conn, settings, people, now=now)
    for tags in (("skincare",), ("laser", "skincare"), ("body",)):
        counted, asked = await judged(conn, settings, draft(interests=tags), now)
        assert {c: (counted[c], asked[c]) for c in counted if counted[c] != asked[c]} == {}
        seen.update(counted.values())
    expected = {
        "ALLOW", "DECEASED", "BAD_ADDRESS", "ERASED", "ERASURE_PENDING", "STOP_ALL", "STOP_CHANNEL", "RESTRICTED",
        "UNDER_18", "AGE_UNKNOWN",
        "SUPPRESSED", "OBJECTED", "COUNTRY", "NO_CONSENT", "CONSENT_UNPROVEN", "CONSENT_EXPIRED", "CONSENT_UNCONFIRMED",
        "NOT_RELEVANT", "CAP",
    }  # fmt: skip
    assert set(seen) == expected


async def test_the_kept_state_of_consents_is_what_their_events_amount_to(conn: Connection, settings: Settings, now: datetime) -> None:
    chance = random.Random(7)
    people = [random_person(chance, n) for n in range(1500)]
    await write(conn, settings, people, now=now)
    events = await consents.of_contacts(conn, [ContactId(p.contact_id) for p in people])
    kept = {r["consent_id"]: r for r in await conn.fetch("SELECT * FROM consent_state")}
    checked = 0
    for person in people:
        past = events[ContactId(person.contact_id)]
        if any(e.occurred_at > now for e in past):
            continue  # the judge refuses what is dated in the future, whatever is kept
        for fact in derive(past, now=now):
            row = kept[uuid_of(fact.id)]
            assert (row["given_at"], row["confirmed"], row["proven"], row["ended"], row["wording"], tuple(row["interests"])) == (
                fact.given_at, fact.confirmed, fact.proven, fact.ended, fact.wording, fact.interests,
            )  # fmt: skip
            checked += 1
    assert checked > 1000


def uuid_of(text: str) -> object:
    from uuid import UUID

    return UUID(text)


async def test_each_persons_consents_know_of_each_other(conn: Connection, settings: Settings, now: datetime) -> None:
    people = [random_person(random.Random(11), n) for n in range(400)]
    await write(conn, settings, people, now=now)
    wrong = await conn.fetch(
        """
        SELECT contact_id FROM consent_state s GROUP BY contact_id HAVING count(*) FILTER (WHERE first) <> 1
            OR (SELECT max(held) FROM consent_state x WHERE x.contact_id = s.contact_id AND first) IS DISTINCT FROM (
                SELECT array_agg(DISTINCT told ORDER BY told)
                FROM consent_state y, unnest(ARRAY[y.channel, y.channel || '/' || y.purpose]) told WHERE y.contact_id = s.contact_id)
        UNION ALL
        SELECT contact_id FROM consent_state s WHERE alone IS DISTINCT FROM (
            SELECT count(*) = 1 FROM consent_state x
            WHERE (x.contact_id, x.purpose, x.channel) = (s.contact_id, s.purpose, s.channel))
        """
    )
    assert wrong == []


async def test_parts_counted_side_by_side_add_up_to_the_whole(
    conn: Connection, pool: Pool, settings: Settings, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(21)
    await write(conn, settings, [random_person(chance, n // 2 if n % 3 else n) for n in range(900)], now=now)
    question = asker_of(draft(), examine(draft(), settings), settings).question(now)
    edges = sorted(r["id"] for r in await conn.fetch("SELECT id FROM contact ORDER BY random() LIMIT 3"))

    async def parts(_conn: Connection, _lanes: int) -> list[tuple[UUID, UUID]]:
        return list(itertools.pairwise([audience.FIRST, *edges, audience.LAST]))

    monkeypatch.setattr(audience, "_parts", parts)
    whole = await audience.count(conn, question, settings.policy, now=now)
    assert whole["DUPLICATE"] > 0
    assert await audience.count_in_lanes(conn, pool, question, settings.policy, now=now) == whole


async def test_everybody_is_counted_once_and_the_counts_are_the_people(conn: Connection, settings: Settings, now: datetime) -> None:
    chance = random.Random(3)
    await write(conn, settings, [random_person(chance, n) for n in range(600)], now=now)
    asker = asker_of(draft(), examine(draft(), settings), settings)
    question = asker.question(now)
    counts = await audience.count(conn, question, settings.policy, now=now)
    everybody = await audience.people(conn, question, settings.policy, now=now, reason=None, limit=10_000)
    assert counts == dict(Counter(p.reason for p in everybody))
    for reason, count in counts.items():
        assert len(await audience.people(conn, question, settings.policy, now=now, reason=reason, limit=10_000)) == count


async def test_two_people_at_one_address_get_one_message(conn: Connection, settings: Settings, now: datetime) -> None:
    first, second = agreed(1), agreed(1)
    await write(conn, settings, [first, second], now=now)
    question = asker_of(draft(), examine(draft(), settings), settings).question(now)
    assert await audience.count(conn, question, settings.policy, now=now) == {"ALLOW": 1, "DUPLICATE": 1}


async def test_a_text_that_cannot_go_out_stands_against_everybody(conn: Connection, settings: Settings, now: datetime) -> None:
    await write(
        conn,
        settings,
        [agreed(1), agreed(2, stops=(Stop(scope="ALL_CONTACT"),)), Person(number=3, consents=(Given(days=1, purpose="event"),))],
        now=now,
    )
    for body, reason in ((BODY.replace("{stop_line}", ""), "FOOTER"), (BODY + " Botox", "POM")):
        wanted = draft(body=body)
        counted, asked = await judged(conn, settings, wanted, now)
        assert counted == asked
        assert Counter(counted.values()) == {reason: 1, "STOP_ALL": 1, "NO_CONSENT": 1}
