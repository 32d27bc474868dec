"""What a claim may take from the rows it locks, and that it writes all of a claim or nothing."""

from __future__ import annotations

import asyncio

import pytest

from hub.campaigns.source import CampaignSource
from hub.model.ids import CampaignId
from hub.store import turns
from tests.integration.campaigns.conftest import Desk
from tests.integration.campaigns.people import agreed

AMY = "(SELECT id FROM contact WHERE display_name = 'Amy Fenn')"
CHANGES = {
    "restricted": (f"UPDATE contact SET restricted = true WHERE id = {AMY}", "RESTRICTED"),
    "died": (f"UPDATE contact SET deceased = true WHERE id = {AMY}", "DECEASED"),
    "merged": (f"UPDATE contact SET merged_into = (SELECT id FROM contact WHERE display_name = 'Bo Lin') WHERE id = {AMY}", "BAD_ADDRESS"),
    "reassigned": (
        f"UPDATE address SET state = 'reassigned' WHERE hash = (SELECT address_hash FROM recipient WHERE contact_id = {AMY})",
        "BAD_ADDRESS",
    ),
}


async def listed(desk: Desk) -> CampaignId:
    """A running campaign with Amy Fenn and Bo Lin on its list."""
    await desk.people(agreed(1), agreed(2, name="Bo Lin"))
    campaign_id = await desk.started()
    await desk.work().freeze_slice(campaign_id)
    return campaign_id


async def source(desk: Desk, campaign_id: CampaignId) -> CampaignSource:
    return CampaignSource(desk.pool, await desk.campaign(campaign_id), desk.settings, clock=desk.clock)


@pytest.mark.parametrize("change", CHANGES)
async def test_what_a_claim_waited_for_is_what_it_decides_on(desk: Desk, change: str) -> None:
    statement, reason = CHANGES[change]
    campaign_id = await listed(desk)
    claims = await source(desk, campaign_id)
    async with desk.pool.acquire() as conn:
        async with conn.transaction():
            await conn.execute(statement)
            claiming = asyncio.create_task(claims.claim(500))
            await asyncio.sleep(0.1)
            assert not claiming.done(), "the claim did not wait"
        claimed, looked_at = await claiming
        assert (len(claimed), looked_at) == (1, 2)
        assert await conn.fetchval(f"SELECT reason FROM recipient WHERE contact_id = {AMY}") == reason


async def test_an_address_that_is_not_the_one_on_the_list_is_not_sent_to(desk: Desk) -> None:
    campaign_id = await listed(desk)
    async with desk.pool.acquire() as conn:
        await conn.execute("INSERT INTO address (hash, key_id, kind, created_at) VALUES (sha256('new'), 1, 'phone', now())")
        await conn.execute(f"UPDATE identity SET address_hash = sha256('new') WHERE contact_id = {AMY}")
        claimed, _ = await (await source(desk, campaign_id)).claim(500)
        assert len(claimed) == 1
        assert await conn.fetchval(f"SELECT reason FROM recipient WHERE contact_id = {AMY}") == "BAD_ADDRESS"


async def test_a_claim_whose_people_left_the_list_writes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign_id = await listed(desk)
    read = turns.facts_of

    async def read_and_lose_somebody(conn: object, *asked: object, **named: object) -> object:
        found = await read(conn, *asked, **named)  # type: ignore[arg-type]
        await conn.execute(f"DELETE FROM recipient WHERE contact_id = {AMY}")  # type: ignore[attr-defined]
        return found

    monkeypatch.setattr(turns, "facts_of", read_and_lose_somebody)
    claims = await source(desk, campaign_id)
    with pytest.raises(LookupError):
        await claims.claim(500)
    monkeypatch.undo()
    rows = await desk.clinic.rows("SELECT (SELECT count(*) FROM message) + (SELECT count(*) FROM decision WHERE phase = 'claim') AS n")
    assert rows[0]["n"] == 0
    claimed, _ = await claims.claim(500)
    assert len(claimed) == 2
