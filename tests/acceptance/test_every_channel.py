"""One day on every channel: everybody is answered where they wrote, and a stop in the channel's own way is kept (P1, P2, P5)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from channels.mail.account import token_keys
from channels.mail.tokens import sign_unsubscribe
from channels.sandbox.doubles import Act, Do, Person
from hub import public, wordings
from hub.campaigns import acts
from hub.model.address import Channel
from hub.model.campaign import Draft, Purpose
from hub.model.consent import ConsentAct, ConsentEvent, Control, WordingRef
from hub.model.ids import AccountId, CampaignId, ConversationId, uuid7
from hub.store import campaigns, consents
from tests.acceptance.everywhere import CLOUD, INSTAGRAM, MAIL, MESSENGER, WECHAT, Desk, Everywhere
from tests.acceptance.hub_command import hub
from tests.integration.campaigns.staff import staff
from tests.world import SMS, WHATSAPP

QUESTION, ANSWER, AFTERWARDS = "Hello, do you do lip filler?", "Hello, yes, our doctors do.", "One more thing we wanted to tell you."
SOON_S = 40.0
NEWS = {
    SMS: "{clinic}: news for {first_name} from our skin specialists. A consultation comes first. {stop_line}",
    MAIL: "News from our skin room\n{clinic}: hello {first_name}, our skin room is open on Saturdays. Treatment follows a consultation.",
}


@dataclass(kw_only=True)
class Guest:
    """Somebody who writes. stop: how they say stop. all_ends: whether that ends answers too, or news alone.

    via_form: they wrote by the form. confirmed: whether the stop is confirmed to them.
    """

    on: AccountId
    stop: Callable[[Everywhere, Guest], Awaitable[object]]
    all_ends: bool = True
    via_form: bool = False
    confirmed: bool = True
    person: Person = field(default_factory=lambda: Person(key="", name="", number=""))
    conversation: ConversationId = field(default_factory=lambda: ConversationId(uuid7()))
    before: int = 0


def does(do: Do, text: str = "", payload: str = "") -> Callable[[Everywhere, Guest], Awaitable[object]]:
    async def stop(day: Everywhere, guest: Guest) -> None:
        assert await day.does(guest.person, guest.on, Act(do=do, text=text, payload=payload))

    return stop


def mails(to: str, text: str) -> Callable[[Everywhere, Guest], Awaitable[object]]:
    async def stop(day: Everywhere, guest: Guest) -> None:
        await day.mails(guest.person, text, subject="No more", to=to)

    return stop


async def clicks_once(day: Everywhere, guest: Guest) -> None:
    """The post a mail program makes, to the link every mail of news carries (RFC 8058)."""
    contact = await day.contact_of(guest.person, MAIL)
    link = f"/u/{sign_unsubscribe(str(contact), 'news', token_keys(day.account(MAIL)))}"
    status, _ = await day.post_raw(link, b"List-Unsubscribe=One-Click", {})
    assert status == 200


def guests() -> list[Guest]:
    return [
        Guest(on=SMS, stop=does(Do.WRITE, "STOP")),
        Guest(on=WHATSAPP, stop=does(Do.WRITE, "Please stop messaging me")),
        Guest(on=CLOUD, stop=does(Do.PRESS, "Stop", "STOP")),
        Guest(on=CLOUD, stop=does(Do.STOP_NEWS), all_ends=False, confirmed=False),
        Guest(on=MESSENGER, stop=does(Do.PRESS, "Stop messages", "STOP")),
        Guest(on=INSTAGRAM, stop=does(Do.WRITE, "unsubscribe")),
        Guest(on=WECHAT, stop=does(Do.UNFOLLOW), confirmed=False),
        Guest(on=WECHAT, stop=does(Do.WRITE, "退订")),
        Guest(on=MAIL, stop=mails("stop@fenwicklane.example", "No more please.")),
        Guest(on=MAIL, stop=mails("data@fenwicklane.example", "STOP")),
        Guest(on=MAIL, stop=clicks_once, all_ends=False, confirmed=False),
        Guest(on=MAIL, stop=mails("stop@fenwicklane.example", "STOP"), via_form=True),
    ]


async def fills_in_form(day: Everywhere, person: Person) -> None:
    """The contact form, with e-mail for the answer."""
    settings = day.clinic.settings
    site = public.site_of(settings, wordings.load(settings.config_dir / "wordings"))
    assert site is not None
    typed = {"name": person.name, "email": person.handle(Channel.EMAIL), "message": QUESTION, "reply": "email", "website": ""}
    typed |= {"form_token": site.token("en", datetime.now(UTC)), "submission_id": uuid7().hex}
    await asyncio.sleep(4)  # nobody types faster
    status, page = await day.post_raw("/enquire", urlencode(typed).encode(), {"Origin": day.clinic.url})
    assert status == 303, page


async def arrives(day: Everywhere, guest: Guest) -> None:
    """They write and are acknowledged on the channel they wrote on."""
    guest.person = day.somebody()
    if guest.via_form:
        await fills_in_form(day, guest.person)
    else:
        assert await day.says(guest.person, guest.on, QUESTION)

    async def acknowledged() -> bool:
        return bool(day.heard(guest.person, guest.on))

    await day.until(acknowledged, within_s=SOON_S, what=f"an acknowledgement on {guest.on}")
    guest.conversation = await day.conversation_of(guest.person, guest.on)


async def is_answered(day: Everywhere, desk: Desk, guest: Guest) -> None:
    """A colleague answers in the inbox, and the person reads it."""
    await desk.answers(guest.conversation, ANSWER, day.account(guest.on).channel)

    async def read() -> bool:
        return len([said for said in day.heard(guest.person, guest.on) if ANSWER in said]) == 1

    await day.until(read, within_s=SOON_S, what=f"the answer on {guest.on}")


async def agrees_to_news(day: Everywhere, guest: Guest) -> None:
    """On file as somebody of age, here, who agreed to news on this channel."""
    contact = await day.contact_of(guest.person, guest.on)
    account = day.account(guest.on)
    shown = wordings.load(day.clinic.settings.config_dir / "wordings").text(f"consent_{account.channel}", "en")
    now = datetime.now(UTC)
    event = ConsentEvent(
        id=uuid7(), consent_id=uuid7(), contact_id=contact, event=ConsentAct.GIVEN, purpose="promotion", channel=account.channel,
        occurred_at=now, recorded_at=now, source="test", control=Control.UNTICKED_BOX, needs_confirmation=False, actor="person",
        address_hash=day.clinic.settings.hasher.hash(guest.person.address(account)), interests=("skincare",),
        wording=WordingRef(id=shown.id, version=shown.version, locale=shown.locale, text_hash=shown.text_hash),
        notice_version="privacy_notice@1", evidence_ref="test", ip_truncated=None, ua_family=None,
    )  # fmt: skip
    async with day.pool.acquire() as conn, conn.transaction():
        await consents.record(conn, [event])
        await conn.execute("UPDATE contact SET age_confirmed = true WHERE id = $1", contact)
        await conn.execute("UPDATE identity SET country = 'GB' WHERE contact_id = $1", contact)


async def campaign(day: Everywhere, on: AccountId) -> dict[str, int]:
    """A campaign to all who agreed on a channel, run by the hub's own processes: its sheet once the list is frozen."""
    settings, now = day.clinic.settings, datetime.now(UTC)
    draft = Draft(
        name="Winter", purpose=Purpose.PROMOTION, channel=day.account(on).channel, account_id=on, interests=("skincare",), body=NEWS[on]
    )
    async with day.pool.acquire() as conn, conn.transaction():
        writer, approver = await staff(conn, "jo", now), await staff(conn, "sam", now)
        made: CampaignId = await acts.create(conn, draft, by=writer, now=now, settings=settings)
        found = await campaigns.one(conn, made)
        assert found is not None
        await acts.approve(conn, made, by=approver, seen=acts.approval_hash(found.draft), now=now, settings=settings)
        await acts.start(conn, made, by=f"staff:{approver}", now=now)

    async def listed() -> bool:
        return bool(await day.value("SELECT frozen_at IS NOT NULL FROM campaign WHERE id = $1", made))

    await day.until(listed, within_s=SOON_S, what="the list")
    async with day.pool.acquire() as conn:
        return await campaigns.sheet(conn, made)


async def stops(day: Everywhere, guest: Guest) -> None:
    guest.before = len(day.heard(guest.person, guest.on))
    await guest.stop(day, guest)


async def confirmations(day: Everywhere, guest: Guest) -> int:
    return int(
        await day.value(
            "SELECT count(*) FROM message WHERE conversation_id = $1 AND kind = 'OOC' AND status NOT IN ('refused', 'cancelled')",
            guest.conversation,
        )
    )


async def is_left_alone(day: Everywhere, desk: Desk, guest: Guest) -> None:
    """A colleague tries once more: what ended stays ended, and what did not end is not kept from anybody."""
    await desk.answers(guest.conversation, AFTERWARDS, day.account(guest.on).channel)
    outcome = "SELECT status FROM message WHERE conversation_id = $1 AND body = $2"
    [row] = await day.rows(outcome, guest.conversation, AFTERWARDS)
    assert (row["status"] == "refused") is guest.all_ends, (guest.on, row["status"])


def said_since(day: Everywhere, guest: Guest) -> list[str]:
    return day.heard(guest.person, guest.on)[guest.before :]


@pytest.mark.timeout(150)
async def test_everybody_is_answered_where_they_wrote_and_a_stop_in_each_channels_own_way_is_kept(everywhere: Everywhere) -> None:
    day, desk, everybody = everywhere, Desk(everywhere), guests()
    controls = [Guest(on=on, stop=clicks_once) for on in (SMS, MAIL)]
    try:
        await desk.sign_in()
        await asyncio.gather(*(arrives(day, guest) for guest in [*everybody, *controls]))
        for guest in everybody:
            await is_answered(day, desk, guest)
        reachable = [guest for guest in everybody if guest.on in (SMS, MAIL)]
        for guest in [*reachable, *controls]:
            await agrees_to_news(day, guest)
        await day.quiet()
        await asyncio.gather(*(stops(day, guest) for guest in everybody))
        await day.quiet()
        for guest in everybody:
            assert await confirmations(day, guest) == guest.confirmed, guest.on
        for guest in everybody:
            await is_left_alone(day, desk, guest)
        sheets = {on: await campaign(day, on) for on in (SMS, MAIL)}
        await day.quiet()
    finally:
        await desk.close()
    # It tries, and finds whoever did not stop; whoever did is counted out.
    assert {on: sheet.get("ALLOW", 0) for on, sheet in sheets.items()} == {SMS: 1, MAIL: 1}
    assert {on: sum(sheet.values()) - 1 for on, sheet in sheets.items()} == {on: len([g for g in reachable if g.on == on]) for on in sheets}
    for guest in everybody:
        since = said_since(day, guest)
        assert len([said for said in since if AFTERWARDS in said]) == (not guest.all_ends), guest.on
        assert len(since) == guest.confirmed + (not guest.all_ends), (guest.on, since)
    assert day.doubled() == []
    verified = await asyncio.to_thread(hub, "audit", "verify", env=day.clinic.processes["web"].env)
    assert verified.code == 0, verified.err
