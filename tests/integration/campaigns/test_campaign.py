"""One campaign from draft to its end: two people, one frozen list, each person once, stops honoured, every number adds up."""

from __future__ import annotations

import asyncpg
import pytest

from channels.errors import NotSent, OutcomeUnknown
from hub.campaigns import acts
from hub.model.campaign import CampaignState, RecipientState
from hub.model.message import ProviderRequest, ProviderResponse
from hub.store import audience, recipients
from tests.integration.campaigns.conftest import Desk
from tests.integration.campaigns.people import Given, Stop, agreed, write_sent
from tests.integration.campaigns.samples import BODY, draft
from tests.integration.campaigns.staff import staff
from tests.world import SMS, RecordingTransport, StandingClock


async def test_a_campaign_reaches_those_who_agreed_and_adds_up(desk: Desk) -> None:
    await desk.people(
        agreed(1, name="Amy Fenn"),
        agreed(2, name=None),
        agreed(3, stops=[Stop(scope="CHANNEL", channel="sms")]),
        agreed(4, consents=[Given(days=5, needs_confirmation=True)]),
    )
    campaign_id = await desk.started()
    assert await desk.runs(campaign_id) == 2
    assert sorted(desk.transport.texts()) == [
        "Fenwick Lane Clinic: news for Amy from our skin specialists. A consultation comes first. Opt out: reply STOP",
        "Fenwick Lane Clinic: news for there from our skin specialists. A consultation comes first. Opt out: reply STOP",
    ]
    assert await desk.sheet(campaign_id) == {"ALLOW": 2, "STOP_CHANNEL": 1, "CONSENT_UNCONFIRMED": 1}
    progress = await desk.progress(campaign_id)
    assert (progress.listed, progress.statuses, progress.adds_up) == (2, {"accepted": 2}, True)
    assert (await desk.campaign(campaign_id)).state is CampaignState.FINISHED


async def test_every_send_has_its_decision_with_the_consent_it_stands_on(desk: Desk) -> None:
    consent = Given(days=3)
    await desk.people(agreed(1, consents=[consent]))
    campaign_id = await desk.started()
    await desk.runs(campaign_id)
    [row] = await desk.clinic.rows(
        "SELECT d.outcome, d.proofs, d.campaign_id, d.kind FROM message m JOIN decision d ON d.id = m.decision_id WHERE m.kind = 'MKT'"
    )
    assert (row["outcome"], row["campaign_id"], row["kind"]) == ("ALLOW", campaign_id, "MKT")
    assert f"consent={consent.consent}" in row["proofs"]  # type: ignore[operator]
    actions = [
        r["action"]
        for r in await desk.clinic.rows("SELECT action FROM audit_event WHERE object = $1 ORDER BY id", f"campaign:{campaign_id}")
    ]
    assert actions[:3] == ["campaign.created", "campaign.approved", "campaign.started"]
    assert {"decision.allow", "send.accepted", "campaign.finished"} <= set(actions)


async def test_a_stop_after_the_list_was_frozen_is_honoured_and_nobody_is_added(desk: Desk) -> None:
    await desk.people(agreed(1), agreed(2), agreed(3))
    campaign_id = await desk.started()
    await desk.work().freeze_slice(campaign_id)
    await desk.people(agreed(4))
    await desk.clinic.writes("STOP", phone="+447700900002", account=SMS)
    assert await desk.runs(campaign_id) == 2
    progress = await desk.progress(campaign_id)
    assert (progress.listed, progress.statuses, progress.refused) == (3, {"accepted": 2}, {"STOP_CHANNEL": 1})
    assert progress.adds_up


async def test_whoever_wrote_it_cannot_approve_it(desk: Desk) -> None:
    campaign_id = await desk.draft()
    with pytest.raises(acts.Refused) as refused:
        await desk.approve(campaign_id, by="jo")
    assert refused.value.code == "same_person"
    async with desk.pool.acquire() as conn:
        jo = await staff(conn, "jo", desk.clock())
        with pytest.raises(asyncpg.CheckViolationError, match="campaign_approved_by_another"):
            await conn.execute(
                "UPDATE campaign SET state = 'approved', approved_by = $2, approved_at = $3, text_hash = '', content = '{}' WHERE id = $1",
                campaign_id, jo, desk.clock(),
            )  # fmt: skip


async def test_whoever_changed_it_last_cannot_approve_it_either(desk: Desk) -> None:
    campaign_id = await desk.draft()
    async with desk.pool.acquire() as conn, conn.transaction():
        sam = await staff(conn, "sam", desk.clock())
        await acts.edit(conn, campaign_id, draft(name="Spring"), by=sam, now=desk.clock(), settings=desk.settings)
    with pytest.raises(acts.Refused, match="Somebody else"):
        await desk.approve(campaign_id, by="sam")


async def test_nobody_approves_words_that_were_changed_meanwhile(desk: Desk) -> None:
    campaign_id = await desk.draft()
    async with desk.pool.acquire() as conn, conn.transaction():
        sam, jo = await staff(conn, "sam", desk.clock()), await staff(conn, "jo", desk.clock())
        seen = acts.approval_hash(draft())
        await acts.edit(conn, campaign_id, draft(body=BODY + " Now."), by=jo, now=desk.clock(), settings=desk.settings)
        with pytest.raises(acts.Refused) as refused:
            await acts.approve(conn, campaign_id, by=sam, seen=seen, now=desk.clock(), settings=desk.settings)
    assert refused.value.code == "changed"


@pytest.mark.parametrize(
    "change", ["body = 'x'", "interests = '{laser}'", "purpose = 'event'", "approved_by = created_by", "text_hash = '1'"]
)
async def test_what_was_approved_cannot_be_changed(desk: Desk, change: str) -> None:
    campaign_id = await desk.draft()
    await desk.approve(campaign_id)
    async with desk.pool.acquire() as conn:
        with pytest.raises(asyncpg.CheckViolationError):
            await conn.execute(f"UPDATE campaign SET {change} WHERE id = $1", campaign_id)
        jo = await staff(conn, "jo", desk.clock())
        with pytest.raises(acts.Refused, match="approved"):
            await acts.edit(conn, campaign_id, draft(), by=jo, now=desk.clock(), settings=desk.settings)


async def test_a_text_that_names_a_medicine_is_not_approved(desk: Desk) -> None:
    campaign_id = await desk.draft(body=BODY + " Botox")
    with pytest.raises(acts.Refused) as refused:
        await desk.approve(campaign_id)
    assert refused.value.code == "text"


async def test_a_planned_campaign_begins_when_its_time_has_come(desk: Desk, clock: StandingClock) -> None:
    await desk.people(agreed(1))
    campaign_id = await desk.draft()
    await desk.approve(campaign_id)
    at = clock().replace(hour=13)
    await desk.act(acts.schedule, campaign_id, at=at)
    assert await desk.runs(campaign_id) == 0
    assert (await desk.campaign(campaign_id)).frozen_at is not None
    clock.forward(hours=3)
    assert await desk.runs(campaign_id) == 1


async def test_at_night_it_waits_for_the_morning(desk: Desk, clock: StandingClock) -> None:
    await desk.people(agreed(1))
    campaign_id = await desk.started()
    clock.forward(hours=10)  # 21:00
    assert await desk.runs(campaign_id) == 0
    found = await desk.campaign(campaign_id)
    assert found.next_at is not None
    assert (found.next_at.day, found.next_at.hour) == (25, 11)  # the zone of a number is not known: two hours narrower
    assert found.state is CampaignState.RUNNING
    clock.forward(hours=15)
    assert await desk.runs(campaign_id) == 1


async def test_a_paused_campaign_lets_nobody_go_and_goes_on_where_it_was(desk: Desk) -> None:
    await desk.people(*(agreed(n) for n in range(30)))
    campaign_id = await desk.started()
    await desk.work().freeze_slice(campaign_id)
    await desk.act(acts.pause, campaign_id)
    assert await desk.runs(campaign_id) == 0
    await desk.act(acts.resume, campaign_id)
    assert await desk.runs(campaign_id) == 30
    assert len(set(desk.transport.texts())) == 1
    assert len(desk.transport.sent) == 30


async def test_a_cancelled_campaign_leaves_everybody_in_a_final_state(desk: Desk) -> None:
    await desk.people(*(agreed(n) for n in range(30)))
    campaign_id = await desk.started()
    await desk.work().freeze_slice(campaign_id)
    await desk.act(acts.cancel, campaign_id)
    assert await desk.runs(campaign_id) == 0
    progress = await desk.progress(campaign_id)
    assert (progress.cancelled, progress.pending, progress.adds_up) == (30, 0, True)
    with pytest.raises(acts.Refused):
        await desk.act(acts.resume, campaign_id)


async def test_a_send_that_did_not_begin_is_tried_again_as_the_same_message(desk: Desk, clock: StandingClock) -> None:
    def unreachable(_request: ProviderRequest) -> ProviderResponse:
        raise NotSent(SMS, "refused")

    await desk.people(agreed(1))
    campaign_id = await desk.started()
    assert await desk.runs(campaign_id, transport=RecordingTransport(answer=unreachable)) == 1
    assert (await desk.progress(campaign_id)).pending == 1
    assert await desk.clinic.delivers(SMS) == 0  # the replies' queue leaves it alone
    clock.forward(minutes=5)
    assert await desk.runs(campaign_id) == 1
    [row] = await desk.clinic.rows("SELECT status, attempts FROM message WHERE kind = 'MKT'")
    assert (row["status"], row["attempts"]) == ("accepted", 2)
    assert (await desk.campaign(campaign_id)).state is CampaignState.FINISHED


async def test_an_unknown_outcome_is_never_sent_again(desk: Desk, clock: StandingClock) -> None:
    def lost(_request: ProviderRequest) -> ProviderResponse:
        raise OutcomeUnknown(SMS, "timeout")

    await desk.people(agreed(1))
    campaign_id = await desk.started()
    await desk.runs(campaign_id, transport=RecordingTransport(answer=lost))
    clock.forward(hours=1)
    await desk.runs(campaign_id)
    progress = await desk.progress(campaign_id)
    assert (progress.statuses, desk.transport.sent, progress.adds_up) == ({"unknown": 1}, [], True)


async def test_a_full_cap_refuses_or_waits_when_it_frees_soon(desk: Desk, clock: StandingClock) -> None:
    first, second = agreed(1), agreed(2)
    await desk.people(first, second)
    campaign_id = await desk.started()
    await desk.work().freeze_slice(campaign_id)
    async with desk.pool.acquire() as conn:
        first.sent_days, second.sent_days = (1, 1), (6.5, 6.5)
        await write_sent(conn, first, clock())
        await write_sent(conn, second, clock())
    assert await desk.runs(campaign_id) == 0
    progress = await desk.progress(campaign_id)
    assert (progress.refused, progress.pending) == ({"CAP": 1}, 1)
    clock.forward(hours=13)
    clock.forward(hours=12)  # the next noon
    assert await desk.runs(campaign_id) == 1


async def test_the_recipients_list_says_what_became_of_each(desk: Desk) -> None:
    await desk.people(agreed(1, name="Amy Fenn"), agreed(2, name="Bo Chan"))
    campaign_id = await desk.started()
    await desk.work().freeze_slice(campaign_id)
    await desk.clinic.writes("STOP", phone="+447700900002", account=SMS)
    await desk.runs(campaign_id)
    async with desk.pool.acquire() as conn:
        everybody = await recipients.page(conn, campaign_id, after=audience.FIRST)
        [refused] = await recipients.page(conn, campaign_id, after=audience.FIRST, reason="any")
    assert {r.state for r in everybody} == {RecipientState.CLAIMED, RecipientState.REFUSED}
    assert (refused.name and refused.name.reveal(), refused.reason) == ("Bo Chan", "STOP_CHANNEL")
    sent = next(r for r in everybody if r.state is RecipientState.CLAIMED)
    assert sent.status == "accepted"
    assert "ground=consent" in sent.proofs


async def test_a_long_list_is_written_in_slices_that_add_up(desk: Desk) -> None:
    await desk.people(*(agreed(n, stops=[Stop(scope="ALL_MARKETING")] if n % 5 == 0 else ()) for n in range(100)))
    campaign_id = await desk.draft()
    await desk.approve(campaign_id)
    work = desk.work()
    slices = 0
    while (found := await work.freeze_slice(campaign_id, size=30)) and found.frozen_at is None:
        slices += 1
    assert slices == 3
    assert await desk.sheet(campaign_id) == {"ALLOW": 80, "SUPPRESSED": 20}
    assert (await desk.progress(campaign_id)).pending == 80


async def test_a_reply_to_a_campaign_is_an_enquiry_like_any_other(desk: Desk) -> None:
    await desk.people(agreed(1))
    campaign_id = await desk.started()
    await desk.runs(campaign_id)
    assert (await desk.clinic.value("SELECT status FROM conversation")) == "resolved"
    await desk.clinic.writes("Yes please, what does it cost?", phone="+447700900001", account=SMS)
    assert await desk.clinic.value("SELECT count(*) FROM conversation WHERE unread > 0") == 1
