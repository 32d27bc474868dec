"""A new key for addresses: whoever was stopped is stopped, known in clear or erased, in every form of a mail address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from hub.people.erasure import erase
from hub.people.rotation import KeyMissing, Rotated, rotate
from hub.settings import Settings
from hub.store.pool import Pool
from tests.integration.people.helpers import contact_at, fills_in, hasher, mail, phone, standing
from tests.world import AMY, SMS, StandingClock, World, world

STOP = {("ALL_MARKETING", None), ("CHANNEL", "sms")}


@pytest.fixture
async def old(pool: Pool, settings: Settings, clock: StandingClock) -> AsyncIterator[World]:
    async with world(pool, replace(settings, hasher=hasher(1)), clock) as opened:
        yield opened


@pytest.fixture
async def new(pool: Pool, settings: Settings, clock: StandingClock) -> AsyncIterator[World]:
    async with world(pool, replace(settings, hasher=hasher(2, 1)), clock) as opened:
        yield opened


async def rotated(clinic: World) -> Rotated:
    async with clinic.pool.acquire() as conn:
        return await rotate(conn, clinic.settings.hasher, clock=clinic.clock, actor="system:terminal")


async def test_a_person_known_in_clear_is_the_same_person_under_the_new_key(old: World, new: World) -> None:
    await old.writes("STOP", account=SMS)
    before = await contact_at(old, phone(AMY))
    assert await rotated(new) == Rotated(renewed=1, strangers=0)
    await new.writes("Hello", account=SMS)
    assert await new.value("SELECT count(*) FROM contact") == 1
    assert await standing(new, before) == STOP
    assert await rotated(new) == Rotated(renewed=0, strangers=0)


async def test_an_erased_person_is_still_stopped_under_the_old_key(old: World, new: World, clock: StandingClock) -> None:
    await old.writes("STOP", account=SMS)
    async with old.pool.acquire() as conn, conn.transaction():
        await erase(conn, await contact_at(old, phone(AMY)), now=clock(), actor="staff:x")
    assert await rotated(new) == Rotated(renewed=0, strangers=0)
    await new.writes("Hello", account=SMS)
    again = await contact_at(new, phone(AMY))
    assert await standing(new, again) == STOP
    clock.forward(minutes=1)
    await new.writes("START", account=SMS)
    assert await standing(new, again) == {("ALL_MARKETING", None)}


@pytest.mark.parametrize(
    ("stopped", "other"),
    [
        ("bob+news@gmail.com", "bob@gmail.com"),
        ("bob@gmail.com", "bob+news@gmail.com"),
        ("b.o.b@gmail.com", "bob+x@googlemail.com"),
        ("bob@googlemail.com", "b.ob@gmail.com"),
        ("bob+news@example.com", "bob@example.com"),
    ],
)
async def test_any_form_of_a_mail_address_is_stopped_by_any_other(old: World, new: World, stopped: str, other: str) -> None:
    await fills_in(old, event_id="f1", email=stopped, text="stop all marketing please")
    await rotated(new)
    await fills_in(new, event_id="f2", email=other)
    assert ("ALL_MARKETING", None) in await standing(new, await contact_at(new, mail(other)))


async def test_dots_mean_something_where_the_mailbox_says_so(old: World) -> None:
    await fills_in(old, event_id="f1", email="b.ob@example.com", text="stop all marketing please")
    await fills_in(old, event_id="f2", email="bob@example.com")
    assert await standing(old, await contact_at(old, mail("bob@example.com"))) == set()


async def test_somebody_who_wrote_before_the_roll_out_keeps_stops_of_both(old: World, new: World) -> None:
    await old.writes("STOP", account=SMS)
    await new.writes("Hello", account=SMS)
    assert await rotated(new) == Rotated(renewed=1, strangers=0)
    assert await new.value("SELECT count(*) FROM address") == 1
    assert await standing(new, await contact_at(new, phone(AMY))) == STOP


async def test_a_missing_or_changed_key_is_refused_before_anything_changes(old: World, new: World, settings: Settings) -> None:
    await old.writes("STOP", account=SMS)
    only_new = World(new.pool, replace(settings, hasher=hasher(2)), new.clock, new.intake)
    with pytest.raises(KeyMissing):
        await rotated(only_new)
    await rotated(new)
    with pytest.raises(KeyMissing):
        await rotated(World(new.pool, settings, new.clock, new.intake))
    assert await new.value("SELECT count(*) FROM audit_event WHERE action = 'key.rotated'") == 1
