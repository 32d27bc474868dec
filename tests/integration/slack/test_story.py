"""The whole way: an enquiry becomes a thread, a reply a note, a prefixed one an answer; a stop is honoured where it is typed."""

from __future__ import annotations

import json

import pytest

from channels.sandbox.slack import CHANNEL, Member
from hub.settings.slack import Route
from tests.integration.slack.conftest import PRIYA, Office
from tests.world import AMY, SMS, WHATSAPP

SENTINEL = "sentinel-4711"


async def test_from_enquiry_to_resolved(office: Office) -> None:
    await office.clinic.writes("Hello, do you do laser? <!channel>")
    await office.mirrors()
    thread = office.thread()
    assert "wrote on WhatsApp" in thread
    assert "Hello, do you do laser? &lt;!channel&gt;" in thread
    assert "<!" not in thread

    await office.reply("Asked about this in May as well")
    assert await office.clinic.value("SELECT body FROM note") == "Asked about this in May as well"
    assert await office.clinic.statuses() == []
    assert "Kept as a note by Priya Nair. Nothing was sent" in office.thread()

    await office.reply("&gt;&gt; Yes, we do &amp; gladly")
    assert await office.clinic.statuses() == ["queued"]
    assert await office.clinic.value("SELECT written_by FROM message WHERE direction = 'outbound'") == office.staff_id
    await office.clinic.delivers()
    assert office.clinic.transport.texts() == ["Yes, we do & gladly"]
    await office.mirrors()
    assert "To the person, from Priya Nair, on WhatsApp" in office.thread()
    assert "'Sent'" in office.thread()

    await office.clinic.writes("STOP")
    await office.mirrors()
    assert "Asked us to stop" in office.thread()
    await office.reply("&gt;&gt; One more thing")
    assert await office.clinic.statuses() == ["queued", "refused"] or (await office.clinic.statuses())[-1] == "refused"
    assert "Not sent: " in office.thread()
    assert len(office.clinic.transport.texts()) == 1

    await office.press("resolve")
    assert await office.clinic.value("SELECT status FROM conversation") == "resolved"
    assert "Resolved" in office.thread()
    assert office.double.doubled() == []


async def test_a_note_goes_to_the_person_by_its_button_once(office: Office) -> None:
    await office.clinic.writes("Hello")
    await office.mirrors()
    await office.reply("We open at nine")
    await office.press("send", copies=3)
    assert await office.clinic.value("SELECT count(*) FROM message WHERE kind = 'RPL'") == 1
    assert await office.clinic.value("SELECT body FROM message WHERE kind = 'RPL'") == "We open at nine"


async def test_undo_takes_an_answer_back_while_it_waits(office: Office) -> None:
    await office.clinic.writes("Hello")
    await office.mirrors()
    await office.reply(">> Too quick")
    await office.press("undo")
    assert await office.clinic.value("SELECT status FROM message WHERE kind = 'RPL'") == "cancelled"
    assert "Taken back" in office.thread()


async def test_three_copies_of_an_event_at_once_are_one(office: Office) -> None:
    await office.clinic.writes("Hello")
    await office.mirrors()
    await office.reply("&gt;&gt; Once", copies=3)
    assert await office.clinic.value("SELECT count(*) FROM note") == 1
    assert await office.clinic.value("SELECT count(*) FROM message WHERE kind = 'RPL'") == 1


async def test_buttons_assign_put_aside_and_reopen(office: Office) -> None:
    await office.clinic.writes("Hello")
    await office.mirrors()
    await office.press("assign")
    assert await office.clinic.value("SELECT assigned_to FROM conversation") == office.staff_id
    assert "Priya Nair has it" in office.thread()
    assert "Priya Nair has this now" in office.thread()
    await office.press("snooze:tomorrow")
    assert await office.clinic.value("SELECT snoozed_until IS NOT NULL FROM conversation")
    assert "Put aside until" in office.thread()
    await office.press("wake")
    await office.press("unassign")
    await office.press("resolve")
    await office.press("reopen")
    assert await office.clinic.value("SELECT (status, assigned_to IS NULL, snoozed_at IS NULL)::text FROM conversation") == "(open,t,t)"
    acts = [r["action"] for r in await office.clinic.rows("SELECT action FROM audit_event WHERE reason = 'slack' ORDER BY id")]
    assert [str(a).removeprefix("conversation.") for a in acts] == ["assigned", "snoozed", "woken", "assigned", "resolved", "reopened"]


async def test_an_edit_changes_a_note_keeps_its_history_and_never_sends(office: Office) -> None:
    await office.clinic.writes("Hello")
    await office.mirrors()
    said = await office.reply("First words")
    await office.double.edits(said, "&gt;&gt; Second words")
    await office.mirrors()
    assert await office.clinic.value("SELECT body FROM note") == "Second words"
    assert await office.clinic.value("SELECT body FROM note_version") == "First words"
    assert await office.clinic.statuses() == []
    await office.double.deletes(said)
    await office.mirrors()
    assert await office.clinic.value("SELECT deleted_at IS NOT NULL FROM note")
    assert "took a note away" in office.thread()


async def test_an_edit_after_sending_changes_nothing_and_says_so(office: Office) -> None:
    await office.clinic.writes("Hello")
    await office.mirrors()
    said = await office.reply("&gt;&gt; We open at nine")
    await office.double.edits(said, "&gt;&gt; We open at ten")
    await office.mirrors()
    assert await office.clinic.value("SELECT body FROM message WHERE kind = 'RPL'") == "We open at nine"
    assert await office.clinic.value("SELECT body FROM note") == "We open at nine"
    assert "Changing it here changes nothing" in office.thread()


async def test_the_modal_queues_an_answer_and_says_in_place_why_not(office: Office) -> None:
    await office.clinic.writes("Hello")
    await office.mirrors()
    await office.press("reply")
    view = await _modal(office)
    await office.double.submits(view, PRIYA.id, {"text": "From the modal", "channel": "whatsapp"})
    assert view not in office.double.view_errors
    assert await office.clinic.value("SELECT body FROM message WHERE kind = 'RPL'") == "From the modal"
    await office.clinic.writes("STOP")
    await office.mirrors()
    await office.press("reply")
    view = await _modal(office)
    await office.double.submits(view, PRIYA.id, {"text": "Once more", "channel": "whatsapp"})
    assert office.double.view_errors[view].startswith("Not sent. ")
    assert (await office.clinic.statuses())[-1] == "refused"


async def test_an_answer_longer_than_the_channel_carries_is_told_before_anything_is_queued(office: Office) -> None:
    await office.clinic.writes("Hello")
    await office.mirrors()
    await office.press("reply")
    view = await _modal(office)
    await office.double.submits(view, PRIYA.id, {"text": "long " * 400, "channel": "whatsapp"})
    assert "this channel carries 1,600" in office.double.view_errors[view]
    await office.reply("&gt;&gt; " + "long " * 400)
    assert "longer than this channel carries" in office.thread()
    assert await office.clinic.statuses() == []


async def _modal(office: Office) -> str:
    import asyncio

    for _ in range(100):
        if office.double.views:
            return next(iter(office.double.views))
        await asyncio.sleep(0.02)
    raise AssertionError(f"no modal: {office.double.whispers}")


@pytest.mark.parametrize("office", [{"whole": False}], indirect=True)
async def test_a_notice_tells_nothing_of_the_person(office: Office) -> None:
    await office.clinic.writes(f"My name is {SENTINEL}")
    async with office.pool.acquire() as conn:
        await conn.execute("UPDATE contact SET display_name = $1", SENTINEL)
    await office.clinic.writes(f"{SENTINEL} again")
    await office.clinic.replies(f"Dear {SENTINEL}")
    await office.mirrors()
    await office.press("assign")
    await office.reply("&gt;&gt; Answered from here")
    await office.clinic.delivers()
    await office.clinic.writes("STOP")
    await office.mirrors()
    await office.reply("&gt;&gt; Refused now")
    await office.press("resolve")
    everything = json.dumps([[s.text, s.blocks] for s in office.double.said if s.user == "UHUB"]) + str(office.double.views)
    assert SENTINEL not in everything
    assert AMY not in everything
    assert AMY[3:] not in everything.replace(" ", "")
    assert "New enquiry on WhatsApp" in everything
    assert "/inbox/" in everything


@pytest.mark.parametrize(
    ("member", "said"),
    [
        (Member(id="U2", name="Ann", email="ann@fenwicklane.example"), "belongs to no account"),
        (Member(id="U3", name="Guest", email="priya@fenwicklane.example", guest=True), "guests, bots and people from other"),
        (Member(id="U4", name="Other", email="x@else.example", team="T9"), "guests, bots and people from other"),
        (Member(id="U5", name="Gone", email="x@fenwicklane.example", deleted=True), "guests, bots and people from other"),
    ],
)
async def test_who_is_not_linked_or_not_of_the_house_may_do_nothing(office: Office, member: Member, said: str) -> None:
    office.double.join(member)
    await office.clinic.writes("Hello")
    await office.mirrors()
    await office.reply("&gt;&gt; From somebody", user=member.id)
    await office.press("resolve", user=member.id)
    assert await office.clinic.value("SELECT count(*) FROM note") == 0
    assert await office.clinic.statuses() == []
    assert await office.clinic.value("SELECT status FROM conversation") == "open"
    assert said in office.thread()


async def test_a_closed_account_is_refused_at_once(office: Office) -> None:
    await office.clinic.writes("Hello")
    await office.mirrors()
    await office.reply("A note")
    await office.clinic.rows("UPDATE staff SET disabled_at = now()")
    await office.reply("&gt;&gt; Still here?")
    assert await office.clinic.statuses() == []
    assert await office.clinic.value("SELECT count(*) FROM note") == 1
    assert "the account in the hub is closed" in office.thread()


async def test_an_answer_that_mentions_a_colleague_or_brings_a_file_is_told_apart(office: Office) -> None:
    await office.clinic.writes("Hello")
    await office.mirrors()
    await office.reply("&gt;&gt; ask <@U1PRIYA>")
    await office.reply("&gt;&gt;", files=[("plan.pdf", "application/pdf", b"%PDF-1.7 x")])
    assert await office.clinic.statuses() == []
    assert "it mentions somebody in Slack" in office.thread()
    assert "files cannot go to the person from Slack" in office.thread()
    assert await office.clinic.value("SELECT state FROM note_file") == "stored"


async def test_a_file_from_a_host_that_is_not_slacks_is_not_fetched(office: Office) -> None:
    await office.clinic.writes("Hello")
    await office.mirrors()
    said, _ = await office.double.says(PRIYA.id, "see", office.root.ts, files=[("a.txt", "text/plain", b"hi")])
    await office.clinic.rows(
        "UPDATE slack_event SET body = replace(convert_from(body, 'UTF8'), $1, 'http://127.0.0.1:9')::bytea WHERE state = 'waiting'",
        office.double.base_url,
    )
    await office.mirrors()
    assert await office.clinic.value("SELECT state || ':' || refusal FROM note_file") == "refused:scheme"
    assert said.ts


@pytest.mark.parametrize("office", [{"routes": (Route(slack_channel="C0SMS", account=SMS),)}], indirect=True)
async def test_conversations_go_where_their_routing_says(office: Office) -> None:
    office.double.channels["C0SMS"] = ""
    await office.clinic.writes("By text", account=SMS, phone="+447700900777")
    await office.clinic.writes("By WhatsApp", account=WHATSAPP)
    await office.mirrors()
    assert len(office.double.posts("C0SMS")) == 1
    assert len(office.double.posts(CHANNEL)) == 1


async def test_a_web_reply_and_a_web_note_follow_in_the_thread(office: Office) -> None:
    from hub.model.sealed import Sealed
    from hub.store import live, notes

    await office.clinic.writes("Hello")
    await office.mirrors()
    await office.clinic.replies("From the web")
    conversation = await office.clinic.conversation()
    async with office.pool.acquire() as conn, conn.transaction():
        await notes.add(conn, conversation, Sealed("A web note"), by=office.staff_id, source="web", now=office.clock())
        await live.notify(conn, [conversation])
    await office.mirrors()
    assert "From the web" in office.thread()
    assert "A web note" in office.thread()
    await office.clinic.delivers()
    await office.mirrors()
    assert "'Sent" in office.thread()


async def test_nothing_is_said_of_conversations_older_than_slack(office: Office) -> None:
    await office.clinic.writes("Long ago")
    await office.clinic.rows("DELETE FROM slack_change")
    await office.clinic.rows("UPDATE slack_switch SET since = since + interval '1 hour'")
    await office.clinic.replies("Answer")
    await office.mirrors()
    assert office.double.posts() == []
