"""Whatever the schedule, the conversation is the same: duplicate, reordered, delayed and batched webhooks (channels.md §0)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from channels.sandbox import meta_payloads
from channels.sandbox.meta_sender import encode
from hub.desks.inbox.details import by_provider_id, folds, reactions
from hub.model.address import Channel
from hub.model.ids import ConversationId
from hub.settings import Settings
from hub.store import thread
from hub.store.pool import open_pool
from tests.contract.samples import SAMPLES, Sample
from tests.integration.test_meta_stored import META, deliver, suppressed
from tests.world import StandingClock, World, world

NUMBER = "447700900123"
IMAGE = {"type": "image", "payload": {"url": "https://lookaside.fbsbx.com/a"}}


def story(sample: Sample, start: datetime) -> list[Any]:
    """Two messages, an edit, reactions that come, change and go, a retraction, an echo and its reports: as items of envelopes."""
    return _on_whatsapp(sample, start) if sample.account.channel is Channel.WHATSAPP else _direct(sample, start)


def _on_whatsapp(sample: Sample, start: datetime) -> list[Any]:
    def said(second: int, name: str, **content: Any) -> Any:
        message = meta_payloads.whatsapp_message(NUMBER, start + timedelta(seconds=second), **content) | {"id": name}
        return meta_payloads.whatsapp(sample.account, messages=[message], contacts=[meta_payloads.contact(NUMBER)])

    def status(second: int, word: str) -> Any:
        at = str(int((start + timedelta(seconds=second)).timestamp()))
        return meta_payloads.whatsapp(sample.account, statuses=[{"id": "w.E", "status": word, "timestamp": at, "recipient_id": NUMBER}])

    at = str(int((start + timedelta(seconds=5)).timestamp()))
    echo = {"from": sample.account.sender, "to": NUMBER, "id": "w.E", "timestamp": at, "type": "text", "text": {"body": "Typed elsewhere"}}
    edit = {"original_message_id": "w.1", "message": {"type": "text", "text": {"body": "Hello, corrected"}}}
    return [
        said(0, "w.1", text={"body": "Hello"}),
        said(1, "w.2", text={"body": "Is my mole cancer?"}),
        said(2, "w.3", edit=edit),
        meta_payloads.whatsapp(sample.account, message_echoes=[echo]),
        said(6, "w.4", reaction={"message_id": "w.E", "emoji": "❤"}),
        said(7, "w.5", reaction={"message_id": "w.E"}),
        said(8, "w.6", reaction={"message_id": "w.E", "emoji": "👍"}),
        said(9, "w.7", revoke={"original_message_id": "w.2"}),
        status(10, "delivered"),
        status(11, "read"),
        said(12, "w.8", text={"body": "STOP"}),
    ]


def _direct(sample: Sample, start: datetime) -> list[Any]:
    def event(second: int, *, ours: bool = False, **event: Any) -> Any:
        return meta_payloads.direct(sample.account, "P1", start + timedelta(seconds=second), ours=ours, **event)

    mark = int((start + timedelta(seconds=11)).timestamp() * 1000)
    seen = {"mid": "m_E"} if sample.account.channel is Channel.INSTAGRAM else {"watermark": mark}
    return [
        event(0, message={"mid": "m_1", "text": "Hello"}),
        event(1, message={"mid": "m_2", "text": "Is my mole cancer?", "attachments": [IMAGE]}),
        event(2, message_edit={"mid": "m_1", "text": "Hello, corrected", "num_edit": 1}),
        event(3, message_edit={"mid": "m_2", "text": "Is it?", "num_edit": 1}),
        event(5, ours=True, message={"mid": "m_E", "text": "Typed elsewhere", "is_echo": True, "app_id": 5}),
        event(6, reaction={"action": "react", "reaction": "love", "emoji": "❤", "mid": "m_E"}),
        event(7, reaction={"action": "unreact", "mid": "m_E"}),
        event(8, reaction={"action": "react", "reaction": "like", "emoji": "👍", "mid": "m_E"}),
        event(9, message={"mid": "m_2", "is_deleted": True}),
        event(10, delivery={"mids": ["m_E"], "watermark": mark}),
        event(11, read=seen),
        event(12, message={"mid": "m_3", "text": "STOP"}),
    ]


async def visible(clinic: World) -> tuple[object, ...]:
    """What staff see in the end, by the provider's clock: messages with their state, signs and files, and what is stopped."""
    threads = await clinic.rows("SELECT id, contact_id FROM conversation")
    assert len(threads) == 1
    async with clinic.pool.acquire() as conn:
        rows = await thread.messages(conn, ConversationId(threads[0]["id"]), before=None, limit=50)  # type: ignore[arg-type]
    known, signs = by_provider_id(rows), reactions(rows)
    shown = [
        (r.provider_id, r.direction, r.body.reveal(), r.status, r.taken_back, r.signal, r.detail.get("edit_of"), [f.state for f in r.files])
        for r in sorted(rows, key=lambda r: (r.occurred_at, r.provider_id or ""))
        if not folds(r, known)
    ]
    people = await clinic.value("SELECT count(*) FROM contact")
    states = await clinic.rows("SELECT state, last_inbound_at FROM invitation ORDER BY channel")
    signs_shown = {name: sign.reveal() for name, sign in signs.items()}
    return json.dumps(shown), signs_shown, people, sorted(map(str, await suppressed(clinic))), [tuple(s.values()) for s in states]


@st.composite
def schedules(draw: st.DrawFn, length: int) -> list[list[int]]:
    """Every item at least once, some again, in any order, in batches of any size."""
    order = draw(st.permutations(list(range(length)) + draw(st.lists(st.integers(0, length - 1), max_size=4))))
    cuts = sorted(draw(st.sets(st.integers(1, len(order) - 1), max_size=8)))
    return [list(order[a:b]) for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]


async def told(url: str, here: Settings, kind: str, now: datetime, schedule: Sequence[Sequence[int]]) -> tuple[object, ...]:
    """The state after these batches, over tables that are empty before."""
    sample, clock = SAMPLES[kind], StandingClock(now)
    items = story(sample, now - timedelta(minutes=2))
    pool = await open_pool(url, min_size=1, max_size=4)
    try:
        await pool.execute("TRUNCATE conversation, contact, identity, address, message, inbound_event, told_change, suppression,"
                           " delivery_report, outbox, invitation, attachment, decision CASCADE")  # fmt: skip
        async with world(pool, here, clock) as clinic:
            for batch in schedule:
                body = encode(meta_payloads.envelope(sample.account, [items[i] for i in batch]))
                _, failed = await deliver(clinic, sample, body)
                assert failed == 0
            return await visible(clinic)
    finally:
        await pool.close()


@pytest.mark.parametrize("kind", META)
def test_any_schedule_of_a_story_ends_in_the_same_conversation(kind: str, database_url: str, settings: Settings, now: datetime) -> None:
    items = len(story(SAMPLES[kind], now))
    clean = asyncio.run(told(database_url, settings, kind, now, [[i] for i in range(items)]))
    assert '"Typed elsewhere", "read"' in str(clean[0])
    assert list(clean[1].values()) == ["👍"]  # type: ignore[attr-defined]

    @examples(max_examples=18, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(schedules(items))
    def same(schedule: list[list[int]]) -> None:
        assert asyncio.run(told(database_url, settings, kind, now, schedule)) == clean

    same()
