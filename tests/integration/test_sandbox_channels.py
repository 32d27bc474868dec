"""Every channel of the practice phone against the house itself: real webhooks in, the provider's own API out, STOP on each."""

from __future__ import annotations

import asyncio
import re
from uuid import UUID

import aiohttp
import pytest

from channels.errors import MediaRefused
from channels.registry import ADAPTERS
from hub.gate import Draft, queue
from hub.gate.deliver import Delivery
from hub.model.ids import AccountId, ConversationId
from hub.model.message import MediaRef
from hub.model.permission import Kind
from hub.model.sealed import Sealed
from tests.integration.test_sandbox_whole import House, house, utc_now

__all__ = ["house"]  # a fixture

ACCOUNTS = (
    "sms-sandbox",
    "whatsapp-sandbox",
    "whatsapp-cloud-sandbox",
    "messenger-sandbox",
    "instagram-sandbox",
    "wechat-sandbox",
    "email-sandbox",
)
every_account = pytest.mark.parametrize("on", ACCOUNTS)
NEWEST = "SELECT {} FROM message WHERE direction = '{}' ORDER BY id DESC LIMIT 1"


async def deliver(house: House, on: str) -> None:
    """What waits on an account is sent, by its own transport to its double."""
    account = house.settings.accounts[AccountId(on)]
    adapter = ADAPTERS[account.adapter]
    assert adapter.open_transport
    async with adapter.open_transport(account) as transport:
        delivery = Delivery(house.world.pool, account, adapter, transport, policy=house.settings.policy, clock=utc_now)
        await delivery.run(deadline_s=5, linger_s=0.05)


async def answer(house: House, on: str, text: str) -> None:
    """Staff answer the newest conversation on the channel it is on."""
    conversation = await house.world.value(NEWEST.format("conversation_id", "inbound"))
    draft = Draft(
        conversation_id=ConversationId(UUID(str(conversation))),
        kind=Kind.RPL,
        channel=house.settings.accounts[AccountId(on)].channel,
        text=Sealed(text),
        written_by=None,
        send_after=utc_now(),
    )
    async with house.world.pool.acquire() as conn, conn.transaction():
        queued = await queue(conn, draft, now=utc_now(), settings=house.settings)
    assert queued.decision.allowed, queued.decision.reason


async def shows(house: House, on: str, *words: str) -> str:
    """The page of a channel, once it holds all these words."""
    for _ in range(100):
        page = await house.page(on)
        if all(word in page for word in words):
            return page
        await asyncio.sleep(0.05)
    raise AssertionError([word for word in words if word not in page])


async def does(house: House, on: str, do: str, **fields: str) -> str:
    """The person does something; the page that comes back."""
    async with house.phone.post("/do", data={"who": "123", "on": on, "do": do} | fields) as answered:
        assert answered.status == 200
        return str(await answered.text())


async def trouble(house: House, double: str, kind: str, seconds: str = "2") -> str:
    form = {"who": "123", "on": "whatsapp-cloud-sandbox", "double": double, "kind": kind, "seconds": seconds}
    async with house.phone.post("/trouble", data=form) as answered:
        assert answered.status == 200
        return str(await answered.text())


@every_account
async def test_a_patient_writes_is_answered_and_stops(house: House, on: str) -> None:
    await house.write("Hello, do you do lip filler?", on=on)
    await shows(house, on, "Stored by the hub", ": invited")
    assert await house.world.value(NEWEST.format("account_id", "inbound")) == on

    await answer(house, on, "Hello, yes, our doctors do.")
    await deliver(house, on)
    await shows(house, on, "Hello, yes, our doctors do.")

    await house.write("STOP", on=on)
    await house.confirm()
    await deliver(house, on)
    if on == "email-sandbox":  # by mail a stop ends the news; whoever writes may still be answered
        await shows(house, on, "Understood as a stop", "All news ended")
    else:
        await shows(house, on, "asked to stop", "Understood as a stop", "We will not write here again")


@every_account
async def test_a_photo_from_the_phone_is_fetched_by_the_hub(house: House, on: str) -> None:
    await does(house, on, "file", file="photo")
    assert "Photo" in await shows(house, on, "Stored by the hub")
    assert await house.world.value("SELECT count(*) FROM attachment") == 1


def target(page: str, *, mine: bool) -> str:
    """The id of the newest message of one side that something can be done with."""
    parts = [part for part in page.split('<li class="msg ') if part.startswith("out" if mine else "from")]
    found = re.findall(r'name="target" value="([^"]+)"', parts[-1])
    return str(found[-1])


@pytest.mark.parametrize("on", ["whatsapp-cloud-sandbox", "messenger-sandbox", "instagram-sandbox"])
async def test_what_a_person_can_do_beyond_writing_reaches_the_hub(house: House, on: str) -> None:
    await house.write("Hello, do you do lip filler?", on=on)
    await answer(house, on, "Hello, yes, our doctors do.")
    await deliver(house, on)
    page = await shows(house, on, "Hello, yes, our doctors do.")
    theirs = target(page, mine=False)
    await does(house, on, "react", target=theirs, text="👍")
    async with house.phone.post("/write", data={"who": "123", "on": on, "do": "reply", "target": theirs, "text": "Thank you"}) as answered:
        page = await answered.text()
    assert "👍" in page
    mine = target(page, mine=True)
    await house.phone.post("/write", data={"who": "123", "on": on, "do": "edit", "target": mine, "text": "Many thanks"})
    page = await does(house, on, "take_back", target=mine)
    assert "You deleted this message" in page
    kinds = {str(row["content_kind"]) for row in await house.world.rows("SELECT content_kind FROM message WHERE direction = 'inbound'")}
    assert "reaction" in kinds
    bodies = [row["body"] for row in await house.world.rows("SELECT body FROM message WHERE direction = 'inbound' ORDER BY id")]
    assert bodies[:1] == ["Hello, do you do lip filler?"]


async def test_instagram_is_read_when_the_person_says_so(house: House) -> None:
    on = "instagram-sandbox"
    assert "nothing new to read" in await does(house, on, "read")
    await house.write("Hello", on=on)
    await answer(house, on, "Hello, yes, our doctors do.")
    await deliver(house, on)
    await shows(house, on, "Hello, yes, our doctors do.", "Reply delivered")
    await does(house, on, "read")
    await shows(house, on, "Reply read")


async def test_a_button_a_story_a_place_and_the_switch_for_promotions_are_stored(house: House) -> None:
    await does(house, "messenger-sandbox", "press", text="Get started", payload="GET_STARTED")
    async with house.phone.post("/write", data={"who": "123", "on": "instagram-sandbox", "do": "story", "text": "Lovely"}) as answered:
        assert "To the clinic’s story" in await answered.text()
    await does(house, "whatsapp-cloud-sandbox", "location")
    assert "switch for promotions" in await does(house, "whatsapp-cloud-sandbox", "stop_news")
    kinds = [str(row["content_kind"]) for row in await house.world.rows("SELECT content_kind FROM message ORDER BY id")]
    assert kinds == ["button", "text", "location"]
    rows = await house.world.rows("SELECT scope FROM suppression WHERE rule_id = 'provider:user_preferences'")
    assert {str(row["scope"]) for row in rows} == {"CHANNEL_MARKETING", "ALL_MARKETING"}


async def test_what_a_channel_has_not_is_told_in_a_sentence(house: House) -> None:
    assert "no such thing" in await does(house, "sms-sandbox", "react", target="x", text="👍")
    assert "no longer here" in await does(house, "messenger-sandbox", "take_back", target="m_nobodys")
    assert (await does(house, "messenger-sandbox", "anything")).count("Trouble at Meta") == 1


# -- troubles


@pytest.mark.parametrize(("double", "on"), [("twilio", "whatsapp-sandbox"), ("meta", "messenger-sandbox")])
async def test_three_at_once_are_one_message_and_a_forged_one_is_none(house: House, double: str, on: str) -> None:
    assert "Trouble is on" in await trouble(house, double, "triple")
    await house.write("Hello", on=on)
    await shows(house, on, "Delivered 3 times at once", "200, 200, 200")
    assert await house.world.value("SELECT count(*) FROM message WHERE direction = 'inbound'") == 1
    await trouble(house, double, "triple")
    await trouble(house, double, "forged")
    await house.write("I am the attacker", on=on)
    await shows(house, on, "wrong signature was tried", "The hub did not take it")
    assert await house.world.value("SELECT count(*) FROM message WHERE direction = 'inbound'") == 1
    assert "Trouble is on" not in await trouble(house, double, "none")


@pytest.mark.parametrize("kind", ["throttled", "credentials"])
@pytest.mark.parametrize(("double", "on"), [("twilio", "sms-sandbox"), ("meta", "whatsapp-cloud-sandbox")])
async def test_what_was_put_off_goes_once_the_trouble_is_over(house: House, double: str, on: str, kind: str) -> None:
    await house.write("Hello", on=on)
    await trouble(house, double, kind)
    await answer(house, on, "Hello, yes, our doctors do.")
    await deliver(house, on)
    assert "Hello, yes, our doctors do." not in await shows(house, on, "Reply waits to be tried again")
    await trouble(house, double, "none")
    await deliver(house, on)
    await shows(house, on, "Hello, yes, our doctors do.")


@pytest.mark.parametrize(
    ("double", "on"), [("twilio", "whatsapp-sandbox"), ("meta", "whatsapp-cloud-sandbox"), ("meta", "messenger-sandbox")]
)
async def test_nonsense_for_an_answer_sends_nothing_twice_and_is_settled_by_the_report(house: House, double: str, on: str) -> None:
    await house.write("Hello", on=on)
    await trouble(house, double, "malformed")
    await answer(house, on, "Hello, yes, our doctors do.")
    await deliver(house, on)
    page = await shows(house, on, "Reply delivered" if on == "messenger-sandbox" else "Reply read")
    assert page.count("<p>Hello, yes, our doctors do.</p>") == 1


@pytest.mark.parametrize("kind", ["push_reordered", "push_batched"])
async def test_messages_that_overtake_or_come_in_one_request_are_all_there(house: House, kind: str) -> None:
    on = "messenger-sandbox"
    await trouble(house, "meta", kind)
    await asyncio.gather(house.write("First", on=on), house.write("Second", on=on))
    await shows(house, on, "changed places" if kind == "push_reordered" else "2 events came in one request")
    assert await house.world.value("SELECT count(*) FROM message WHERE direction = 'inbound'") == 2


async def test_a_trouble_nobody_knows_changes_nothing(house: House) -> None:
    assert "Trouble is on" not in await trouble(house, "twilio", "push_batched")  # Twilio has no batches
    assert "Trouble is on" not in await trouble(house, "nobody", "slow")
    assert "Trouble is on" not in await trouble(house, "meta", "anything")


async def test_the_set_up_of_a_webhook_at_meta_is_passed_over_http(house: House) -> None:
    account = house.settings.accounts[AccountId("messenger-sandbox")]
    query = {"hub.mode": "subscribe", "hub.verify_token": account.secrets["verify_token"].reveal(), "hub.challenge": "1158201444"}
    url = f"{account.public_url}/webhooks/{account.id}"
    async with aiohttp.ClientSession() as http:
        async with http.get(url, params=query) as answered:
            assert (answered.status, await answered.text()) == (200, "1158201444")
        async with http.get(url, params=query | {"hub.verify_token": "wrong"}) as answered:
            assert answered.status == 403


async def test_leaving_on_wechat_is_a_stop_and_a_menu_is_pressed(house: House) -> None:
    on = "wechat-sandbox"
    await does(house, on, "press", text="咨询 Ask us", payload="ASK")
    await shows(house, on, "Stored by the hub")
    assert "Stopped following" in await does(house, on, "unfollow")
    await shows(house, on, "WeChat: asked to stop")
    rows = await house.world.rows("SELECT scope FROM suppression WHERE rule_id = 'provider:unfollow'")
    assert "CHANNEL" in {str(row["scope"]) for row in rows}
    await trouble(house, "wechat", "forged")
    await house.write("I am the attacker", on=on)
    await shows(house, on, "wrong signature was tried", "The hub did not take it")


async def test_a_mail_has_its_subject_its_own_look_and_may_be_called_spam(house: House) -> None:
    on = "email-sandbox"
    form = {"who": "123", "on": on, "subject": "Opening hours", "text": "Are you open on Sunday?"}
    async with house.phone.post("/write", data=form) as answered:
        assert "Opening hours" in await answered.text()
    await answer(house, on, "On Saturdays, not on Sundays.")
    await deliver(house, on)
    page = await shows(house, on, "On Saturdays, not on Sundays.")
    framed = re.search(r'src="(/mail[^"]+)"', page)
    assert framed
    async with house.phone.get(framed[1].replace("&amp;", "&")) as look:
        assert "On Saturdays, not on Sundays." in await look.text()
        assert "sandbox" in look.headers["Content-Security-Policy"]
        assert "script-src" not in look.headers["Content-Security-Policy"]
    async with house.phone.get("/mail", params={"who": "123", "on": on, "id": "nobodys"}) as none:
        assert none.status == 404
    await does(house, on, "complain", target=target(page, mine=False))
    await shows(house, on, "Marked as spam")
    assert await house.world.value("SELECT count(*) FROM suppression WHERE source = 'complaint'")


@pytest.mark.parametrize(("double", "on"), [("twilio", "whatsapp-sandbox"), ("meta", "messenger-sandbox")])
@pytest.mark.parametrize("kind", ["media_huge", "media_wrong"])
async def test_a_file_that_is_not_what_it_was_said_to_be_is_not_taken_for_it(house: House, double: str, on: str, kind: str) -> None:
    await trouble(house, double, kind)
    await does(house, on, "file", file="photo")
    account = house.settings.accounts[AccountId(on)]
    adapter = ADAPTERS[account.adapter]
    row = (await house.world.rows("SELECT source_url, mime_type FROM attachment"))[0]
    assert adapter.open_transport
    async with adapter.open_transport(account) as transport:
        ref = MediaRef(url=Sealed(str(row["source_url"])), mime_type=str(row["mime_type"]))
        if kind == "media_huge":
            with pytest.raises(MediaRefused):
                await transport.fetch_media(ref, 1_000_000)
        else:
            assert not (await transport.fetch_media(ref, 1_000_000)).startswith(b"\x89PNG")


@every_account
async def test_the_next_delivery_fails_where_the_page_says_so(house: House, on: str) -> None:
    await house.write("Hello", on=on)
    async with house.phone.post("/act", data={"who": "123", "on": on, "what": "fail"}) as answered:
        offered = "will not be delivered" in await answered.text()
    assert offered == ("Make the next delivery fail" in await house.page(on)) == (on != "wechat-sandbox")
    await answer(house, on, "Hello, yes, our doctors do.")
    await deliver(house, on)
    await shows(house, on, "did not arrive" if offered else "Hello, yes, our doctors do.")
