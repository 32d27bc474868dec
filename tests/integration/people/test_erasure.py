"""Erasing a person: nothing of theirs is left to read, and nothing they forbade is allowed again."""

from __future__ import annotations

import pytest

from hub.model.address import Channel
from hub.model.ids import uuid7
from hub.model.permission import Kind, Reason
from hub.people.erasure import erase
from hub.people.merge import merge
from hub.store.erasing import Emptied
from tests.integration.people.helpers import box, contact_at, fills_in, judge, mail, phone, standing
from tests.world import AMY, SMS, StandingClock, World

SECRET = "my scar hurts"


async def erased(clinic: World, contact: object) -> Emptied:
    async with clinic.pool.acquire() as conn, conn.transaction():
        return await erase(conn, contact, now=clinic.clock(), actor="staff:x")  # type: ignore[arg-type]


async def test_nothing_they_said_or_were_called_is_left(clinic: World) -> None:
    await clinic.writes(SECRET)
    await fills_in(clinic, event_id="f1", email="amy@example.com", number=AMY, text=SECRET, consents=(box(Channel.EMAIL),))
    amy, typed = await contact_at(clinic, phone(AMY)), await contact_at(clinic, mail("amy@example.com"))
    async with clinic.pool.acquire() as conn, conn.transaction():
        await merge(conn, kept=amy, merged=typed, now=clinic.clock(), actor="staff:x")
    assert (await erased(clinic, typed)).messages == 2
    tables = await clinic.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'wording'")
    for table in tables:
        text = str([dict(r) for r in await clinic.rows(f"SELECT * FROM {table['tablename']}")])
        for private in (SECRET, AMY, "amy@example.com", "Amy", "192.0.2.0", "Firefox"):
            assert private not in text, table["tablename"]
    assert await clinic.value("SELECT count(*) FROM audit_event WHERE action = 'erasure.executed'") == 1


async def test_a_stop_outlives_erasure_and_meets_them_when_they_write_again(clinic: World, clock: StandingClock) -> None:
    await clinic.writes("STOP", account=SMS)
    first = await contact_at(clinic, phone(AMY))
    await erased(clinic, first)
    assert await clinic.value("SELECT count(*) FROM suppression WHERE contact_id IS NOT NULL AND address_hash IS NOT NULL") == 0
    clock.forward(days=1)
    await clinic.writes("Hello again", account=SMS)
    again = await contact_at(clinic, phone(AMY))
    assert again != first
    assert await standing(clinic, again) == {("ALL_MARKETING", None), ("CHANNEL", "sms")}
    [row] = await clinic.rows(
        "SELECT i.id AS identity_id, i.contact_id, c.id AS conversation_id FROM identity i JOIN conversation c USING (contact_id)"
        " WHERE i.contact_id = $1",
        again,
    )
    await clinic.rows("UPDATE contact SET birth_date = '1990-01-01', age_confirmed = true WHERE id = $1", again)
    async with clinic.pool.acquire() as conn:
        assert (await judge(conn, clinic.settings, row, Kind.MKT, Channel.SMS, clinic)).reason is Reason.STOP_CHANNEL
        assert (await judge(conn, clinic.settings, row, Kind.RPL, Channel.SMS, clinic)).allowed


async def test_a_stop_by_name_is_kept_for_every_address_they_had(clinic: World) -> None:
    await clinic.writes("Hello")
    await fills_in(clinic, event_id="f1", email="amy@example.com")
    amy, typed = await contact_at(clinic, phone(AMY)), await contact_at(clinic, mail("amy@example.com"))
    await clinic.writes("stop all marketing please")
    async with clinic.pool.acquire() as conn, conn.transaction():
        await merge(conn, kept=amy, merged=typed, now=clinic.clock(), actor="staff:x")
    await erased(clinic, amy)
    await fills_in(clinic, event_id="f2", email="amy@example.com")
    assert ("ALL_MARKETING", None) in await standing(clinic, await contact_at(clinic, mail("amy@example.com")))


async def test_erasing_twice_changes_nothing_and_nobody_is_a_fault(clinic: World) -> None:
    await clinic.writes("STOP")
    amy = await contact_at(clinic, phone(AMY))
    await erased(clinic, amy)
    before = await clinic.value("SELECT count(*) FROM suppression")
    await erased(clinic, amy)
    assert await clinic.value("SELECT count(*) FROM suppression") == before
    with pytest.raises(LookupError):
        await erased(clinic, uuid7())
