"""What Meta tells, stored by the hub as it is: once, whatever the schedule, and with the right effect (channels.md §0, §10)."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.sandbox import meta_payloads
from channels.sandbox.meta_sender import encode
from hub.model.address import Channel
from hub.settings import Settings
from hub.store.pool import Pool
from tests.contract.samples import SAMPLES, Sample
from tests.world import StandingClock, World, world

FIXTURES = Path(__file__).parent.parent / "fixtures"
META = ("whatsapp_meta", "messenger_meta", "instagram_meta")
every_kind = pytest.mark.parametrize("kind", META)


async def deliver(clinic: World, sample: Sample, body: bytes) -> tuple[int, int]:
    """One genuine delivery: how many of its events were new, and how many could not be processed."""
    request = sample.sign(body, sample.path)
    sample.adapter.verify(request, sample.account, request.received_at)
    answer = await clinic.intake.accept(request, sample.account, sample.adapter.parse(request, sample.account))
    return answer.new, answer.failed


@every_kind
async def test_everything_recorded_is_stored_once(kind: str, pool: Pool, settings: Settings, clock: StandingClock) -> None:
    sample = SAMPLES[kind]
    bodies = [json.loads(path.read_text())["body"].encode() for path in sorted((FIXTURES / kind).glob("*.json"))]
    async with world(pool, settings, clock) as clinic:
        first = [await deliver(clinic, sample, body) for body in bodies]
        again = [await deliver(clinic, sample, body) for body in bodies]
    assert sum(new for new, _ in first) > 25
    assert sum(new for new, _ in again) == 0
    assert not [failed for _, failed in (*first, *again) if failed]


def said(sample: Sample, clock: StandingClock) -> list[Any]:
    """Six messages of two people, a minute apart, as items of an envelope."""
    start = clock() - timedelta(hours=1)
    people = ["+447700900123", "+447700900124"] if sample.account.channel is Channel.WHATSAPP else ["P1", "P2"]
    items: list[Any] = []
    for number in range(6):
        person, at = people[number % 2], start + timedelta(minutes=number)
        items += meta_payloads.written(sample.account, person, f"word {number}", [], at=at, media_url=str)
    return items


async def talk(clinic: World) -> list[tuple[object, ...]]:
    """What staff see in the end: thread by thread in the order it was said."""
    rows = await clinic.rows(
        "SELECT c.display_name, dense_rank() OVER (ORDER BY first.at) AS thread, m.body, m.occurred_at FROM message m "
        "JOIN contact c ON c.id = m.contact_id JOIN (SELECT conversation_id, min(occurred_at) AS at FROM message GROUP BY 1) first "
        "ON first.conversation_id = m.conversation_id ORDER BY thread, m.occurred_at"
    )
    return [tuple(row.values()) for row in rows]


def messy(items: Sequence[Any], chance: random.Random) -> list[list[Any]]:
    """The same items in another order, some twice or thrice, in batches of any size."""
    copies = [item for item in items for _ in range(chance.choice((1, 1, 2, 3)))]
    chance.shuffle(copies)
    batches: list[list[Any]] = []
    while copies:
        size = chance.randint(1, 4)
        batches.append(copies[:size])
        copies = copies[size:]
    return batches


@every_kind
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_messy_schedule_gives_the_clean_conversation(
    kind: str, seed: int, pool: Pool, settings: Settings, clock: StandingClock
) -> None:
    sample = SAMPLES[kind]
    items = said(sample, clock)
    async with world(pool, settings, clock) as clinic:
        for batch in messy(items, random.Random(seed)):
            await deliver(clinic, sample, encode(meta_payloads.envelope(sample.account, batch)))
        found = await talk(clinic)
    assert [(thread, body) for _, thread, body, _ in found] == [
        (1, "word 0"), (1, "word 2"), (1, "word 4"), (2, "word 1"), (2, "word 3"), (2, "word 5"),
    ]  # fmt: skip


async def suppressed(clinic: World) -> set[tuple[object, ...]]:
    rows = await clinic.rows("SELECT DISTINCT scope, channel, source FROM suppression")
    return {(row["scope"], row["channel"], row["source"]) for row in rows}


@pytest.mark.parametrize("case", ["preference_stop", "status_failed_marketing_stopped_131050", "preference_stop_of_something_new"])
async def test_a_marketing_stop_told_by_whatsapp_ends_marketing_and_not_care(
    case: str, pool: Pool, settings: Settings, clock: StandingClock
) -> None:
    body = json.loads((FIXTURES / "whatsapp_meta" / f"{case}.json").read_text())["body"].encode()
    async with world(pool, settings, clock) as clinic:
        await deliver(clinic, SAMPLES["whatsapp_meta"], body)
        found = await suppressed(clinic)
    assert found == {("CHANNEL_MARKETING", "whatsapp", "provider_preference"), ("ALL_MARKETING", None, "provider_preference")}


async def test_stop_notifications_on_messenger_ends_marketing(pool: Pool, settings: Settings, clock: StandingClock) -> None:
    body = json.loads((FIXTURES / "messenger_meta" / "stop_notifications.json").read_text())["body"].encode()
    async with world(pool, settings, clock) as clinic:
        await deliver(clinic, SAMPLES["messenger_meta"], body)
        found = await suppressed(clinic)
    assert {scope for scope, _, _ in found} == {"CHANNEL_MARKETING", "ALL_MARKETING"}


@every_kind
async def test_stop_in_words_is_read_as_on_every_channel(kind: str, pool: Pool, settings: Settings, clock: StandingClock) -> None:
    sample = SAMPLES[kind]
    person = "+447700900123" if sample.account.channel is Channel.WHATSAPP else "P1"
    [item] = meta_payloads.written(sample.account, person, "STOP", [], at=clock(), media_url=str)
    async with world(pool, settings, clock) as clinic:
        await deliver(clinic, sample, encode(meta_payloads.envelope(sample.account, [item])))
        found = await suppressed(clinic)
    assert ("CHANNEL", sample.account.channel.value) in {(scope, channel) for scope, channel, _ in found}


async def test_a_resume_told_by_whatsapp_lifts_nothing_of_ours(pool: Pool, settings: Settings, clock: StandingClock) -> None:
    sample = SAMPLES["whatsapp_meta"]
    stop, resume = (
        json.loads((FIXTURES / "whatsapp_meta" / f"preference_{word}.json").read_text())["body"].encode() for word in ("stop", "resume")
    )
    async with world(pool, settings, clock) as clinic:
        await deliver(clinic, sample, stop)
        before = await suppressed(clinic)
        await deliver(clinic, sample, resume)
        lifted = await clinic.value("SELECT count(*) FROM suppression WHERE lifted_at IS NOT NULL")
        assert await suppressed(clinic) == before
    assert lifted == 0
