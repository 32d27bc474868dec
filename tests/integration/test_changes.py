"""What providers tell about stored messages, from the signed webhook to what staff see (channels.md §7)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from channels.sandbox import meta_payloads
from channels.sandbox.meta_sender import encode
from hub.model.address import Address, AddressClass
from hub.model.ids import MessageId
from hub.model.message import DeliveryStatus, Watermark
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.store import thread
from hub.store.pool import Pool
from tests.contract.samples import SAMPLES
from tests.integration.test_meta_stored import deliver, suppressed
from tests.world import AMY, WHATSAPP, StandingClock, World, world


def page_event(kind: str, at: datetime, **event: Any) -> bytes:
    account = SAMPLES[kind].account
    return encode(meta_payloads.envelope(account, [meta_payloads.direct(account, "P1", at, **event)]))


async def shown(clinic: World, pool: Pool) -> thread.MessageRow:
    async with pool.acquire() as conn:
        found = await thread.message(conn, MessageId(await clinic.value("SELECT id FROM message ORDER BY id LIMIT 1")))  # type: ignore[arg-type]
    assert found is not None
    return found


async def test_what_is_unsent_on_instagram_leaves_the_inbox_and_its_stop_stays(
    pool: Pool, settings: Settings, clock: StandingClock
) -> None:
    sample, at = SAMPLES["instagram_meta"], clock() - timedelta(minutes=1)
    image = {"type": "image", "payload": {"url": "https://lookaside.fbsbx.com/a"}}
    async with world(pool, settings, clock) as clinic:
        await deliver(clinic, sample, page_event("instagram_meta", at, message={"mid": "ig_1", "text": "STOP", "attachments": [image]}))
        before = await suppressed(clinic)
        unsent = page_event("instagram_meta", at + timedelta(seconds=1), message={"mid": "ig_1", "is_deleted": True})
        assert [await deliver(clinic, sample, unsent) for _ in range(2)] == [(1, 0), (0, 0)]
        found = await shown(clinic, pool)
        lifted = await clinic.value("SELECT count(*) FROM suppression WHERE lifted_at IS NOT NULL")
        after = await suppressed(clinic)
        noted = await clinic.value("SELECT count(*) FROM audit_event WHERE reason = 'taken_back'")
    assert (found.body.reveal(), found.taken_back, found.files[0].refusal) == ("", True, "taken_back")
    assert (before, lifted, noted) == (after, 0, 1)
    assert before


async def test_what_is_taken_back_on_whatsapp_is_marked_and_keeps_its_words(pool: Pool, settings: Settings, clock: StandingClock) -> None:
    sample = SAMPLES["whatsapp_meta"]
    revoke = json.loads(encode(meta_payloads.envelope(sample.account, meta_payloads.written(
        sample.account, AMY, "x", [], at=clock(), media_url=str))))  # fmt: skip
    written = json.dumps(revoke).encode()
    said = revoke["entry"][0]["changes"][0]["value"]["messages"][0]
    target = said["id"]
    del said["text"]
    said |= {"id": "wamid.R", "type": "revoke", "revoke": {"original_message_id": target}}
    async with world(pool, settings, clock) as clinic:
        await deliver(clinic, sample, written)
        await deliver(clinic, sample, json.dumps(revoke).encode())
        found = await shown(clinic, pool)
    assert (found.body.reveal(), found.taken_back) == ("x", True)


@pytest.mark.parametrize(("removed_after_s", "gone"), [(1, True), (-1, False)])
async def test_a_reaction_goes_when_taken_back_and_a_later_one_stays(
    removed_after_s: int, gone: bool, pool: Pool, settings: Settings, clock: StandingClock
) -> None:
    sample, at = SAMPLES["messenger_meta"], clock() - timedelta(minutes=1)
    reacted = {"action": "react", "reaction": "love", "emoji": "❤", "mid": "m_0"}
    async with world(pool, settings, clock) as clinic:
        await deliver(clinic, sample, page_event("messenger_meta", at, reaction=reacted))
        removed = page_event("messenger_meta", at + timedelta(seconds=removed_after_s), reaction={"action": "unreact", "mid": "m_0"})
        await deliver(clinic, sample, removed)
        found = await shown(clinic, pool)
    assert (found.taken_back, found.body.reveal() == "") == (gone, gone)


async def test_a_watermark_moves_what_left_before_it_and_nothing_unknown(pool: Pool, settings: Settings, clock: StandingClock) -> None:
    async with world(pool, settings, clock) as clinic:
        await clinic.writes("Hello")
        for _ in range(2):
            await clinic.replies("Good morning")
        await clinic.delivers()
        await clinic.rows("UPDATE message SET status = 'unknown' WHERE id = (SELECT max(id::text)::uuid FROM message)")
        read = [
            Watermark(
                account_id=WHATSAPP,
                provider_event_id=f"w{minutes}",
                kind="watermark:read",
                person=Address(kind=AddressClass.PHONE, value=Sealed(AMY)),
                status=DeliveryStatus.READ,
                up_to=clock() + timedelta(minutes=minutes),
            )
            for minutes in (-1, 1)
        ]
        await clinic.takes([read[0]])
        early = await clinic.statuses()
        await clinic.takes([read[1]])
        late = await clinic.statuses()
    assert "read" not in early
    assert sorted(late) == ["read", "unknown"]
