"""What Meta tells out of turn or besides messages: echoes, moved addresses, changes ahead of their message, files that go."""

from __future__ import annotations

from datetime import datetime, timedelta

import asyncpg
import pytest

from hub.model.address import Address, AddressClass
from hub.model.ids import uuid7
from hub.model.message import DeliveryStatus, Echo, IdentityChange, ProviderResponse, Watermark
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.store.pool import Pool
from tests.contract.samples import SAMPLES
from tests.integration.test_changes import page_event
from tests.integration.test_meta_stored import deliver, suppressed
from tests.world import AMY, WHATSAPP, StandingClock, world

ME = Address(kind=AddressClass.PHONE, value=Sealed(AMY))
IMAGE = {"type": "image", "payload": {"url": "https://lookaside.fbsbx.com/a"}}


async def test_what_is_unsent_before_it_comes_is_never_shown_and_its_edit_neither(
    pool: Pool, settings: Settings, clock: StandingClock
) -> None:
    sample, at = SAMPLES["instagram_meta"], clock() - timedelta(minutes=1)
    async with world(pool, settings, clock) as clinic:
        for event in (
            {"message": {"mid": "ig_1", "is_deleted": True}},
            {"message_edit": {"mid": "ig_1", "text": "secret, corrected", "num_edit": 1}},
            {"message": {"mid": "ig_1", "text": "secret STOP", "attachments": [IMAGE]}},
        ):
            await deliver(clinic, sample, page_event("instagram_meta", at, **event))
        rows = await clinic.rows("SELECT body, detail ? 'taken_back' AS gone FROM message")
        kept = await clinic.value("SELECT count(*) FROM inbound_event WHERE body::text LIKE '%736563726574%'")
        files = await clinic.rows("SELECT state, source_url FROM attachment")
        stops = await suppressed(clinic)
    assert [(r["body"], r["gone"]) for r in rows] == [("", True)] * 2
    assert kept == 0
    assert [tuple(f.values()) for f in files] == [("refused", None)]
    assert stops


async def test_a_reaction_taken_back_before_it_comes_is_not_shown(pool: Pool, settings: Settings, clock: StandingClock) -> None:
    sample, at = SAMPLES["messenger_meta"], clock() - timedelta(minutes=1)
    removed = page_event("messenger_meta", at + timedelta(seconds=1), reaction={"action": "unreact", "mid": "m_0"})
    reacted = {"action": "react", "reaction": "love", "emoji": "❤", "mid": "m_0"}
    async with world(pool, settings, clock) as clinic:
        await deliver(clinic, sample, removed)
        await deliver(clinic, sample, page_event("messenger_meta", at, reaction=reacted))
        await deliver(clinic, sample, page_event("messenger_meta", at + timedelta(seconds=2), reaction=reacted))
        rows = await clinic.rows("SELECT body FROM message ORDER BY occurred_at")
    assert [r["body"] for r in rows] == ["", "❤"]


async def test_a_stop_in_an_edit_is_a_stop(pool: Pool, settings: Settings, clock: StandingClock) -> None:
    sample, at = SAMPLES["messenger_meta"], clock() - timedelta(minutes=1)
    async with world(pool, settings, clock) as clinic:
        await deliver(clinic, sample, page_event("messenger_meta", at, message={"mid": "m_1", "text": "Hello"}))
        assert not await suppressed(clinic)
        edit = {"mid": "m_1", "text": "STOP", "num_edit": 1}
        await deliver(clinic, sample, page_event("messenger_meta", at + timedelta(seconds=5), message_edit=edit))
        assert ("CHANNEL", "messenger", "message") in await suppressed(clinic)
        bodies = await clinic.rows("SELECT body FROM message ORDER BY id")
    assert [r["body"] for r in bodies] == ["Hello", "STOP"]


def echo_of(name: str, text: str, at: datetime) -> Echo:
    return Echo(
        account_id=WHATSAPP, provider_event_id=f"{name}:echo", kind="echo:text", recipient=ME, provider_message_id=name, text=Sealed(text),
        occurred_at=at,
    )  # fmt: skip


async def test_what_staff_write_in_the_phone_app_is_our_turn_and_never_leaves_from_here(
    pool: Pool, settings: Settings, clock: StandingClock
) -> None:
    async with world(pool, settings, clock) as clinic:
        await clinic.writes("Hello", at=clock() - timedelta(minutes=5))
        for _ in range(2):
            await clinic.takes([echo_of("wamid.E", "We will call you", clock())])
        found = await clinic.rows("SELECT body, status, kind, written_elsewhere FROM message WHERE direction = 'outbound'")
        turns = await clinic.rows("SELECT consecutive_outbound, last_outbound_at FROM invitation")
        threads = await clinic.value("SELECT count(*) FROM conversation")
        unread = await clinic.value("SELECT unread FROM conversation")
        await clinic.delivers()
    assert [tuple(r.values()) for r in found] == [("We will call you", "sent", None, True)]
    assert [tuple(r.values()) for r in turns] == [(1, clock())]
    assert (threads, unread, clinic.transport.sent) == (1, 1, [])


async def test_an_echo_the_person_has_answered_already_takes_no_turn(pool: Pool, settings: Settings, clock: StandingClock) -> None:
    async with world(pool, settings, clock) as clinic:
        await clinic.writes("Thank you")
        await clinic.takes([echo_of("wamid.E", "Late news", clock() - timedelta(hours=1))])
        assert await clinic.value("SELECT consecutive_outbound FROM invitation") == 0


async def test_an_echo_to_somebody_unknown_invites_nothing_and_their_answer_joins_it(
    pool: Pool, settings: Settings, clock: StandingClock
) -> None:
    async with world(pool, settings, clock) as clinic:
        await clinic.takes([echo_of("wamid.E", "Hello from us", clock() - timedelta(hours=1))])
        assert await clinic.value("SELECT state FROM invitation") == "NONE"
        await clinic.writes("Hello back")
        assert await clinic.value("SELECT count(DISTINCT conversation_id) FROM message") == 1
        assert await clinic.value("SELECT state FROM invitation") == "OPEN"


async def test_the_echo_of_our_own_send_gives_way_to_it_whichever_is_told_first(
    pool: Pool, settings: Settings, clock: StandingClock
) -> None:
    async with world(pool, settings, clock) as clinic:
        await clinic.writes("Hello", at=clock() - timedelta(minutes=5))
        await clinic.replies("Good morning")
        await clinic.takes([echo_of("SMours", "Good morning", clock())])
        await clinic.takes([watermark(clock() + timedelta(minutes=1))])
        clinic.transport.answer = lambda _: _answer("SMours")
        await clinic.delivers()
        await clinic.takes([echo_of("SMours", "Good morning", clock()), echo_of("SMother", "x", clock())])
        rows = await clinic.rows(
            "SELECT provider_message_id, written_elsewhere, status FROM message WHERE direction = 'outbound' ORDER BY 1"
        )
        last = await clinic.value("SELECT m.provider_message_id FROM conversation c JOIN message m ON m.id = c.last_message_id")
    assert [tuple(r.values()) for r in rows][1:] == [("SMours", False, "read")]
    assert rows[0]["provider_message_id"] == "SMother"
    assert last == "SMother"


def _answer(sid: str) -> ProviderResponse:
    return ProviderResponse(status=201, body=Sealed({"sid": sid, "status": "queued"}))


def watermark(up_to: datetime) -> Watermark:
    return Watermark(
        account_id=WHATSAPP, provider_event_id=f"w{uuid7()}", kind="watermark:read", person=ME, status=DeliveryStatus.READ, up_to=up_to
    )


async def test_only_what_was_written_elsewhere_may_stand_without_a_decision(pool: Pool, settings: Settings, clock: StandingClock) -> None:
    async with world(pool, settings, clock) as clinic:
        await clinic.writes("Hello", at=clock() - timedelta(minutes=5))
        await clinic.takes([echo_of("wamid.E", "Hi", clock())])
        for change in ("written_elsewhere = false", "status = 'queued'", "kind = 'RPL'", "direction = 'inbound'"):
            with pytest.raises(asyncpg.CheckViolationError):
                await clinic.rows(f"UPDATE message SET {change} WHERE written_elsewhere")


def moved(before: tuple[Address, ...], after: tuple[Address, ...], kind: str, at: datetime) -> IdentityChange:
    return IdentityChange(account_id=WHATSAPP, provider_event_id=kind, kind=kind, before=before, after=after, occurred_at=at)


NEW = Address(kind=AddressClass.PHONE, value=Sealed("+447700900555"))


async def test_a_changed_number_is_noted_joins_nobody_and_gets_nothing_more(pool: Pool, settings: Settings, clock: StandingClock) -> None:
    async with world(pool, settings, clock) as clinic:
        await clinic.writes("Hello")
        await clinic.takes([moved((ME,), (NEW,), "system:user_changed_number", clock())])
        queued = await clinic.replies("Are you there?")
        await clinic.writes("New here", phone="+447700900555")
        changes = await clinic.rows("SELECT before, after FROM address_change")
        people = await clinic.value("SELECT count(*) FROM contact")
    assert str(queued.decision.reason) == "BAD_ADDRESS"
    assert [tuple(r.values()) for r in changes] == [(AMY, "+447700900555")]
    assert people == 2


async def test_a_user_id_that_changed_closes_the_number_beside_it(pool: Pool, settings: Settings, clock: StandingClock) -> None:
    was, became = (Address(kind=AddressClass.WHATSAPP_USER, value=Sealed(f"{WHATSAPP}:GB.{n}")) for n in (1, 2))
    async with world(pool, settings, clock) as clinic:
        await clinic.writes("Hello")
        contact = await clinic.value("SELECT id FROM contact")
        hasher = settings.hasher
        await clinic.rows(
            "INSERT INTO address (hash, key_id, kind, created_at) VALUES ($1, $2, 'whatsapp_user', $3)",
            hasher.hash(was),
            hasher.key_id,
            clock(),
        )
        await clinic.rows(
            "INSERT INTO identity (id, contact_id, channel, address_hash, address, verified, created_at, last_seen_at)"
            " VALUES ($1, $2, 'whatsapp', $3, $4, true, $5, $5)", uuid7(), contact, hasher.hash(was), was.value.reveal(), clock(),
        )  # fmt: skip
        await clinic.takes([moved((was,), (became,), "user_id_update", clock())])
        states = await clinic.rows("SELECT DISTINCT state FROM address")
    assert [r["state"] for r in states] == ["reassigned"]


async def test_a_new_key_of_the_same_number_is_told_and_closes_nothing(pool: Pool, settings: Settings, clock: StandingClock) -> None:
    async with world(pool, settings, clock) as clinic:
        await clinic.writes("Hello")
        await clinic.takes([moved((ME,), (), "system:customer_identity_changed", clock())])
        queued = await clinic.replies("Hello to you")
        noted = await clinic.value("SELECT count(*) FROM address_change")
    assert (str(queued.decision.outcome), noted) == ("ALLOW", 1)
