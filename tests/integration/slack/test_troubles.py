"""Slack at its worst: what we post stands there once, in order, whatever is slow, dropped, refused, limited or killed."""

from __future__ import annotations

import asyncio

import pytest

from channels.sandbox.slack import CHANNEL
from channels.sandbox.values import Trouble
from channels.slack.errors import SlackRefused
from tests.integration.slack.conftest import PRIYA, Office
from tests.world import SMS

POST = "chat.postMessage"


async def test_after_any_trouble_each_post_stands_there_once_and_in_order(office: Office) -> None:
    for kind in (
        Trouble.DROP_AFTER,
        Trouble.DROP_BEFORE,
        Trouble.SERVER_ERROR,
        Trouble.SERVER_ERROR_AFTER,
        Trouble.HANG,
        Trouble.THROTTLED,
    ):
        office.double.trouble(kind, method=POST)
        await office.clinic.writes(f"Message {kind}")
        await office.mirrors()
        office.clock.forward(seconds=400)
        await office.mirrors()
    assert office.double.doubled() == []
    assert len(office.double.posts()) == 1
    shown = [str(s.blocks) for s in office.double.thread(office.root.ts)]
    told = [word for s in shown for word in Trouble if f"Message {word}'" in s]
    assert told == ["drop_after", "drop_before", "server_error", "server_error_after", "hang", "throttled"]


async def test_an_unknown_first_post_is_looked_up_and_never_made_again(office: Office) -> None:
    office.double.trouble(Trouble.DROP_AFTER, method=POST)
    office.double.trouble(Trouble.SERVER_ERROR, method="conversations.history", times=3)
    await office.clinic.writes("Hello")
    for _ in range(5):
        await office.mirrors()
        office.clock.forward(seconds=600)
    assert len(office.double.posts()) == 1
    assert office.double.doubled() == []
    assert "Hello" in office.thread()


async def test_an_app_that_may_not_read_metadata_posts_nothing_twice_either(office: Office) -> None:
    office.double.shows_metadata = False
    for n in range(2):
        office.double.trouble(Trouble.SERVER_ERROR_AFTER, method=POST)
        await office.clinic.writes(f"Message {n}")
        await office.mirrors()
        office.clock.forward(seconds=60)
        await office.mirrors()
    assert office.double.doubled() == []
    assert len(office.double.posts()) == 1
    assert len(office.double.thread(office.root.ts)) == 2


async def test_a_mirror_killed_between_call_and_record_posts_nothing_twice(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from hub.store import slack_posts

    real = slack_posts.posted

    async def killed(*_: object) -> None:
        raise asyncio.CancelledError

    for n in range(3):
        await office.clinic.writes(f"Message {n}")
        monkeypatch.setattr(slack_posts, "posted", killed)
        with pytest.raises(asyncio.CancelledError):
            await office.mirrors()
        monkeypatch.setattr(slack_posts, "posted", real)
        office.restart()
        office.clock.forward(seconds=60)
        await office.mirrors()
    assert office.double.doubled() == []
    assert [f"Message {n}" in office.thread() for n in range(3)] == [True, True, True]


async def test_two_mirrors_at_once_post_nothing_twice(office: Office) -> None:
    first = office.parts
    office.restart()
    for n in range(4):
        await office.clinic.writes(f"Message {n}", phone=f"+44770090012{n}", account=SMS)
    for _ in range(30):
        await asyncio.gather(*(part() for part in (*first, *office.parts)))
    assert len(office.double.posts()) == 4
    assert office.double.doubled() == []


async def test_what_waited_while_slack_was_away_comes_as_one(office: Office) -> None:
    await office.clinic.writes("Before")
    await office.mirrors()
    office.double.trouble(Trouble.DROP_BEFORE, times=None)
    for n in range(9):
        await office.clinic.writes(f"Meanwhile {n}")
        office.clock.forward(minutes=10)
        await office.mirrors(times=400)
    office.double.asked.clear()
    office.clock.forward(hours=1)
    await office.mirrors()
    assert office.double.doubled() == []
    assert len(office.double.thread(office.root.ts)) <= 4
    assert "Meanwhile 8" in office.thread()
    assert "things happened meanwhile" in office.thread()
    assert await office.clinic.value("SELECT count(*) FROM slack_post WHERE state NOT IN ('posted', 'carried')") == 0


async def test_a_limit_is_waited_for_and_patients_do_not_wait(office: Office) -> None:
    office.double.trouble(Trouble.THROTTLED, method=POST, wait_s=30)
    await office.clinic.writes("Hello")
    await office.mirrors()
    assert office.double.posts() == []
    await office.clinic.replies("Good morning")
    await office.clinic.delivers()
    assert office.clinic.transport.texts() == ["Good morning"]
    calls = office.double.calls.count(POST)
    office.clock.forward(seconds=29)
    await office.mirrors()
    assert office.double.calls.count(POST) == calls
    office.clock.forward(seconds=2)
    await office.mirrors()
    assert "Good morning" in office.thread()


@pytest.mark.parametrize("word", ["is_archived", "channel_not_found", "not_in_channel"])
async def test_a_channel_that_is_lost_moves_its_threads_to_the_default_one(office: Office, word: str) -> None:
    from hub.settings.slack import Route

    office.double.channels["C0SMS"] = ""
    office.restart(routes=(Route(slack_channel="C0SMS", account=SMS),))
    await office.clinic.writes("First", account=SMS)
    await office.mirrors()
    office.double.channels["C0SMS"] = word
    await office.clinic.writes("Second", account=SMS)
    await office.mirrors()
    office.clock.forward(minutes=6)
    await office.mirrors()
    [root] = office.double.posts(CHANNEL)
    assert "Second" in str([s.blocks for s in office.double.thread(root.ts)])


async def test_a_thread_somebody_removed_begins_anew(office: Office) -> None:
    await office.clinic.writes("First")
    await office.mirrors()
    office.root.deleted = True
    await office.clinic.writes("Second")
    await office.mirrors()
    office.clock.forward(minutes=1)
    await office.mirrors()
    assert "Second" in office.thread()
    assert office.double.doubled() == []


@pytest.mark.parametrize("word", ["token_revoked", "invalid_auth", "missing_scope"])
async def test_a_token_that_is_refused_rests_and_loses_nothing(office: Office, word: str) -> None:
    office.double.trouble(Trouble.REFUSED, method=POST, word=word)
    await office.clinic.writes("Hello")
    await office.mirrors()
    assert office.double.posts() == []
    office.clock.forward(minutes=2)
    await office.mirrors()
    assert "Hello" in office.thread()


@pytest.mark.parametrize("word", ["msg_too_long", "invalid_blocks", "msg_blocks_too_long"])
async def test_words_slack_refuses_are_left_out_and_the_notice_stands(office: Office, word: str) -> None:
    await office.clinic.writes("Hello")
    await office.mirrors()
    office.double.trouble(Trouble.REFUSED, method=POST, word=word)
    await office.clinic.writes("Words Slack will not take")
    await office.mirrors()
    assert "Words Slack will not take" not in office.thread()
    assert len(office.double.thread(office.root.ts)) == 2


async def test_the_longest_message_fits(office: Office) -> None:
    await office.clinic.writes("<&>" * 1300)
    await office.mirrors()
    assert len(office.double.thread(office.root.ts)) == 1
    assert "&lt;&amp;&gt;" in office.thread()


async def test_events_nobody_signed_or_nobody_can_read_change_nothing(office: Office) -> None:
    await office.clinic.writes("Hello")
    await office.mirrors()
    office.double.signing_secret = "somebody-elses"
    _, answers = await office.double.says(PRIYA.id, ">> Forged", office.root.ts)
    assert answers == [401]
    assert await office.clinic.value("SELECT count(*) FROM slack_event") == 0


async def test_our_own_posts_come_back_as_events_and_are_ignored(office: Office) -> None:
    await office.clinic.writes("Hello")
    await office.mirrors()
    event = {
        "type": "message",
        "channel": CHANNEL,
        "user": "UHUB",
        "bot_id": "BHUB",
        "text": ">> x",
        "ts": "9.1",
        "thread_ts": office.root.ts,
    }
    assert await office.double.tell(event) == [200]
    await office.mirrors()
    assert await office.clinic.value("SELECT count(*) FROM slack_event") == 0
    assert await office.clinic.statuses() == []


async def test_slack_that_cannot_say_who_somebody_is_delays_and_loses_nothing(office: Office) -> None:
    await office.clinic.writes("Hello")
    await office.mirrors()
    office.clock.forward(minutes=11)
    office.double.trouble(Trouble.SERVER_ERROR, method="users.info")
    await office.reply("&gt;&gt; After all")
    assert await office.clinic.statuses() == []
    office.clock.forward(seconds=10)
    await office.mirrors()
    assert await office.clinic.statuses() == ["queued"]


@pytest.mark.parametrize("office", [{"upload_files": True}], indirect=True)
async def test_files_are_copied_into_the_thread_where_the_setting_says_so(office: Office) -> None:
    from hub.files import FileStore
    from hub.model.message import MediaRef
    from hub.model.sealed import Sealed
    from hub.store import attachments, live

    await office.clinic.writes(
        "See", media=(MediaRef(url=Sealed("https://media.example/1"), mime_type="image/png", file_name=Sealed("a.png")),)
    )
    digest = FileStore(office.settings.data_dir / "files", office.settings.secret_key).put(b"\x89PNG picture")
    async with office.pool.acquire() as conn, conn.transaction():
        found = await conn.fetchval("SELECT id FROM attachment")
        await attachments.stored(conn, found, mime_type="image/png", size=12, sha256=digest)
        await live.notify(conn, [await office.clinic.conversation()])
    office.double.trouble(Trouble.DROP_AFTER, method="files.completeUploadExternal")
    await office.mirrors()
    office.clock.forward(minutes=5)
    await office.mirrors()
    assert list(office.double.shown.values()) == [[office.root.ts]]
    assert [data for _, data in office.double.kept.values()] == [b"\x89PNG picture"]
    assert await office.clinic.value("SELECT state FROM slack_post WHERE kind = 'file'") == "posted"


async def test_socket_mode_takes_events_presses_and_modals(office: Office) -> None:
    from contextlib import AsyncExitStack
    from dataclasses import replace

    from hub.model.sealed import Sealed
    from hub.slack.receiving import Receiving
    from hub.slack.socket import listening

    assert office.settings.slack is not None
    chosen = replace(office.settings.slack, app_token=Sealed("xapp-practice"), signing_secrets=())
    await office.clinic.writes("Hello")
    await office.mirrors()
    office.double.hub_url = "http://127.0.0.1:9"
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(listening(chosen, Receiving(office.pool, office.client, office.settings, clock=office.clock)))
        async with asyncio.timeout(30):
            while not office.double.sockets:  # noqa: ASYNC110  the double has no event for it
                await asyncio.sleep(0.02)
        await office.reply("&gt;&gt; Through the socket", copies=2)
        await office.press("assign")
    assert await office.clinic.value("SELECT count(*) FROM message WHERE kind = 'RPL'") == 1
    assert await office.clinic.value("SELECT assigned_to IS NOT NULL FROM conversation")


async def test_the_client_says_what_it_does_not_know(office: Office) -> None:
    for kind, trouble in (
        (Trouble.DROP_AFTER, "unknown"),
        (Trouble.HANG, "unknown"),
        (Trouble.SERVER_ERROR, "unknown"),
        (Trouble.THROTTLED, "limited"),
    ):
        office.double.trouble(kind)
        with pytest.raises(SlackRefused) as refusal:
            await office.client.post(CHANNEL, None, {"text": "x"})
        assert refusal.value.trouble == trouble
    taken_on = len(office.double.said)
    assert taken_on == 2  # each call went out once: the SDK's own second try is off


async def test_an_erased_persons_words_leave_slack_too(office: Office) -> None:
    from hub.store import erasing, live

    await office.clinic.writes("sentinel-0815")
    await office.mirrors()
    conversation = await office.clinic.conversation()
    async with office.pool.acquire() as conn, conn.transaction():
        await erasing.empty(conn, [await conn.fetchval("SELECT contact_id FROM conversation")])
        await live.notify(conn, [conversation])
    await office.mirrors()
    assert "sentinel-0815" not in office.thread()
