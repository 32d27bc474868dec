"""Two contacts that are one person, and two again: who has what, and that no stop grows weaker either way."""

from __future__ import annotations

from uuid import UUID

import pytest

from hub.model.address import Channel
from hub.model.ids import ContactId
from hub.people.merge import CannotMerge, merge, unmerge
from hub.store import merges
from tests.integration.people.helpers import box, contact_at, fills_in, mail, phone, standing
from tests.world import AMY, SMS, StandingClock, World

BOB = "+447700900777"


async def two(clinic: World) -> tuple[ContactId, ContactId]:
    await clinic.writes("Hello", phone=AMY)
    await clinic.writes("Hello", phone=BOB, account=SMS)
    return await contact_at(clinic, phone(AMY)), await contact_at(clinic, phone(BOB))


async def join(clinic: World, kept: ContactId, merged: ContactId) -> UUID:
    async with clinic.pool.acquire() as conn, conn.transaction():
        return await merge(conn, kept=kept, merged=merged, now=clinic.clock(), actor="staff:x")


async def part(clinic: World, merged: ContactId) -> ContactId:
    async with clinic.pool.acquire() as conn, conn.transaction():
        return await unmerge(conn, merged, now=clinic.clock(), actor="staff:x")


async def owners(clinic: World) -> list[tuple[object, ...]]:
    found = await clinic.rows(
        """
        SELECT 'identity' AS what, id, contact_id, verified FROM identity UNION ALL SELECT 'thread', id, contact_id, true FROM conversation
        UNION ALL SELECT 'message', id, contact_id, true FROM message UNION ALL SELECT 'consent', id, contact_id, true FROM consent_event
        UNION ALL SELECT 'state', consent_id, contact_id, ended FROM consent_state
        ORDER BY 1, 2
        """
    )
    return [tuple(r.values()) for r in found]


async def test_a_stop_of_either_covers_both_and_parting_them_changes_nothing(clinic: World) -> None:
    amy, bob = await two(clinic)
    await clinic.writes("STOP", phone=BOB, account=SMS)
    await join(clinic, amy, bob)
    stopped = {("ALL_MARKETING", None), ("CHANNEL", "sms")}
    assert await standing(clinic, amy) >= stopped
    await part(clinic, bob)
    assert await standing(clinic, amy) >= stopped
    assert await standing(clinic, bob) >= stopped


async def test_a_stop_made_while_they_were_one_stays_with_both(clinic: World) -> None:
    amy, bob = await two(clinic)
    await join(clinic, amy, bob)
    await clinic.writes("never contact me again", phone=AMY)
    await part(clinic, bob)
    assert ("ALL_CONTACT", None) in await standing(clinic, amy) & await standing(clinic, bob)


async def test_a_start_of_one_never_reopens_the_address_of_the_other(clinic: World, clock: StandingClock) -> None:
    amy, bob = await two(clinic)
    await clinic.writes("STOP", phone=BOB, account=SMS)
    await join(clinic, amy, bob)
    clock.forward(minutes=1)
    await clinic.writes("START", phone=AMY, account=SMS)
    digest = clinic.settings.hasher.hash(phone(BOB))
    held = "SELECT count(*) FROM suppression WHERE address_hash = $1 AND scope = 'CHANNEL' AND lifted_at IS NULL"
    assert await clinic.value(held, digest) == 1
    await part(clinic, bob)
    assert ("CHANNEL", "sms") in await standing(clinic, bob)
    assert ("CHANNEL", "sms") not in await standing(clinic, amy)


async def test_everybody_gets_back_what_they_had(clinic: World) -> None:
    amy, bob = await two(clinic)
    await fills_in(clinic, event_id="f1", email="bob@example.com", number=AMY, consents=(box(Channel.EMAIL),))
    typed = await contact_at(clinic, mail("bob@example.com"))
    before = await owners(clinic)
    await join(clinic, typed, bob)
    await join(clinic, amy, typed)
    assert {r[2] for r in await owners(clinic) if r[0] != "identity"} == {amy}
    await part(clinic, typed)
    await part(clinic, bob)
    assert await owners(clinic) == before


async def test_the_proof_of_an_address_both_gave_passes_over_and_back(clinic: World) -> None:
    await clinic.writes("Hello", phone=AMY, account=SMS)
    amy = await contact_at(clinic, phone(AMY))
    await fills_in(clinic, event_id="f1", number=AMY, email="amy@example.com")
    typed = await contact_at(clinic, mail("amy@example.com"))
    before = await owners(clinic)
    await join(clinic, typed, amy)
    await clinic.writes("And another thing", phone=AMY, account=SMS)
    assert await clinic.value("SELECT contact_id FROM message ORDER BY id DESC LIMIT 1") == typed
    await part(clinic, amy)
    assert [r for r in await owners(clinic) if r[0] == "identity"] == [r for r in before if r[0] == "identity"]


async def test_a_thread_that_began_while_they_were_one_goes_with_the_address_that_began_it(clinic: World) -> None:
    amy, bob = await two(clinic)
    await join(clinic, amy, bob)
    await clinic.writes("Now on WhatsApp", phone=BOB)
    mine = "SELECT contact_id FROM conversation ORDER BY id DESC LIMIT 1"
    assert await clinic.value(mine) == amy
    await part(clinic, bob)
    assert await clinic.value("SELECT contact_id FROM conversation c WHERE channel = 'sms'") == bob


async def test_the_stricter_flag_wins_and_stays_with_both(clinic: World) -> None:
    amy, bob = await two(clinic)
    await clinic.rows("UPDATE contact SET restricted = true, birth_date = '1990-01-01', age_confirmed = true WHERE id = $1", amy)
    await clinic.rows("UPDATE contact SET erasure = 'pending', birth_date = '2012-01-01' WHERE id = $1", bob)
    await join(clinic, amy, bob)
    await part(clinic, bob)
    flags = await clinic.rows("SELECT DISTINCT restricted, erasure, birth_date::text, age_confirmed FROM contact")
    assert [tuple(f.values()) for f in flags] == [(True, "pending", "2012-01-01", False)]


async def test_a_consent_ended_by_the_other_ones_refusal_stays_ended(clinic: World, clock: StandingClock) -> None:
    from dataclasses import replace

    from hub.model.consent import ConsentAct
    from hub.model.ids import uuid7
    from hub.store import consents

    for name in ("amy", "bob"):
        await fills_in(clinic, event_id=name, email=f"{name}@example.com", consents=(box(Channel.EMAIL),))
    amy, bob = [await contact_at(clinic, mail(f"{n}@example.com")) for n in ("amy", "bob")]
    await join(clinic, amy, bob)
    clock.forward(minutes=1)
    async with clinic.pool.acquire() as conn:
        events = (await consents.of_contacts(conn, [amy]))[amy]
        await consents.record(conn, [replace(events[0], id=uuid7(), event=ConsentAct.WITHDRAWN, occurred_at=clock.now)])
    await part(clinic, bob)
    assert await clinic.value("SELECT count(*) FROM consent_state WHERE ended") == 2


async def test_what_cannot_be_joined_or_parted_is_refused_with_a_sentence(clinic: World) -> None:
    amy, bob = await two(clinic)
    with pytest.raises(CannotMerge):
        await join(clinic, amy, amy)
    with pytest.raises(CannotMerge):
        await part(clinic, bob)
    await join(clinic, amy, bob)
    with pytest.raises(CannotMerge):
        await join(clinic, amy, bob)
    async with clinic.pool.acquire() as conn:
        assert await merges.together(conn, bob) == [amy, bob]


async def test_joining_and_parting_are_in_the_audit_log(clinic: World) -> None:
    amy, bob = await two(clinic)
    await join(clinic, amy, bob)
    await part(clinic, bob)
    found = await clinic.rows("SELECT action FROM audit_event WHERE action LIKE 'contact.%' ORDER BY id")
    assert [r["action"] for r in found] == ["contact.merged", "contact.unmerged"]
