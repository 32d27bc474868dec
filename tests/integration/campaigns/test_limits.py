"""A campaign pauses itself, is sent back, and is not planned any more."""

from __future__ import annotations

import pytest

from hub.campaigns import acts
from hub.model.campaign import CampaignState
from tests.integration.campaigns.conftest import Desk
from tests.integration.campaigns.people import agreed
from tests.integration.campaigns.samples import draft
from tests.integration.campaigns.staff import staff
from tests.world import SMS, RecordingTransport, StandingClock, refused


async def test_a_campaign_whose_sends_fail_pauses_itself_and_counts_anew_when_it_goes_on(desk: Desk, clock: StandingClock) -> None:
    await desk.people(*(agreed(n) for n in range(60)))
    campaign_id = await desk.started()
    await desk.runs(campaign_id, transport=RecordingTransport(answer=refused(400, 21614)), in_flight=5, deadline_s=0.3)
    assert (await desk.campaign(campaign_id)).state is CampaignState.PAUSED
    assert await desk.clinic.value("SELECT detail->>'limit' FROM audit_event WHERE action = 'campaign.paused'") == "failed"
    clock.forward(minutes=5)
    await desk.act(acts.resume, campaign_id)
    await desk.runs(campaign_id)
    assert (await desk.campaign(campaign_id)).state is CampaignState.FINISHED


async def test_a_campaign_many_stop_after_they_got_it_pauses_itself(desk: Desk, clock: StandingClock) -> None:
    await desk.people(*(agreed(n) for n in range(100)))
    campaign_id = await desk.started()
    await desk.runs(campaign_id, transport=RecordingTransport(wait_s=0.2), in_flight=20, deadline_s=0.1)
    progress = await desk.progress(campaign_id)
    assert 0 < progress.let_go < 100
    clock.forward(minutes=1)
    for row in await desk.clinic.rows("SELECT i.address FROM message m JOIN identity i ON i.id = m.identity_id LIMIT 4"):
        await desk.clinic.writes("STOP", phone=str(row["address"]), account=SMS)
    await desk.work().pause_beyond_limits(campaign_id)
    assert (await desk.campaign(campaign_id)).state is CampaignState.PAUSED


async def test_an_approver_sends_it_back_with_a_reason_which_the_next_change_takes_off(desk: Desk) -> None:
    campaign_id = await desk.draft()
    async with desk.pool.acquire() as conn, conn.transaction():
        sam, jo = await staff(conn, "sam", desk.clock()), await staff(conn, "jo", desk.clock())
        with pytest.raises(acts.Refused) as own:
            await acts.send_back(conn, campaign_id, reason="No", by=jo, now=desk.clock())
        await acts.send_back(conn, campaign_id, reason="Say when it is.", by=sam, now=desk.clock())
    assert own.value.code == "same_person"
    assert (await desk.campaign(campaign_id)).sent_back_reason == "Say when it is."
    async with desk.pool.acquire() as conn, conn.transaction():
        await acts.edit(conn, campaign_id, draft(name="Spring"), by=jo, now=desk.clock(), settings=desk.settings)
    assert (await desk.campaign(campaign_id)).sent_back_reason is None


async def test_a_planned_time_can_be_taken_back(desk: Desk, clock: StandingClock) -> None:
    await desk.people(agreed(1))
    campaign_id = await desk.draft()
    await desk.approve(campaign_id)
    await desk.act(acts.schedule, campaign_id, at=clock().replace(hour=13))
    await desk.act(acts.unschedule, campaign_id)
    clock.forward(hours=3)
    assert await desk.runs(campaign_id) == 0
    assert (await desk.campaign(campaign_id)).state is CampaignState.APPROVED
