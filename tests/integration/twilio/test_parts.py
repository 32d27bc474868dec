"""A text longer than one SMS leaves as several, cut at word ends, each after the one before was sent (channels.md §4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.gate.length import too_long
from hub.gate.parts import MOST, parts
from hub.model.address import Channel
from hub.model.message import Account, DeliveryStatus, StatusUpdate
from hub.settings import Settings, load_settings
from tests.conftest import CONFIG
from tests.world import SMS, StandingClock, World
from workers.parts import release
from workers.runtime import Runtime

LONG = " ".join(f"word{n}" for n in range(450))


@pytest.fixture(scope="module")
def account(sandbox_environ: dict[str, str]) -> Account:

    return load_settings(sandbox_environ, CONFIG).accounts[SMS]


@given(text=st.text(alphabet="ab…’ \n", min_size=1, max_size=5000))
def test_nothing_is_lost_and_every_part_fits(account: Account, text: str) -> None:
    found = parts(text, account)
    assert "".join("".join(found).split()).replace("...", "…") == "".join(text.replace("’", "'").split()) or len(found) == 1
    assert len(found) == 1 or all(0 < len(part) <= 1600 for part in found)


def test_a_long_text_of_nothing_stays_one(account: Account) -> None:
    assert parts(" " * 2000, account) == [" " * 2000]


def test_words_stay_whole(account: Account) -> None:
    found = parts(LONG, account)
    assert len(found) == 3
    assert " ".join(found) == LONG


async def reported(clinic: World, number: int, status: DeliveryStatus) -> None:
    """Twilio tells of the message we sent as the number-th."""
    rows = await clinic.rows("SELECT id, provider_message_id AS sid FROM message WHERE direction = 'outbound' ORDER BY id")
    row = rows[number]
    event = StatusUpdate(
        account_id=SMS,
        provider_event_id=f"{row['sid']}:{status}",
        provider_message_id=str(row["sid"]),
        message_id=None,
        status=status,
        occurred_at=clinic.clock(),
        error_code="30003" if status is DeliveryStatus.FAILED else None,
    )
    await clinic.takes([event], account=SMS)


async def test_each_part_waits_until_the_one_before_was_sent(runtime: Runtime, clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello", account=SMS)
    assert (await clinic.replies(LONG, channel=Channel.SMS)).decision.allowed
    for number, status in enumerate((DeliveryStatus.SENT, DeliveryStatus.DELIVERED, None)):
        clock.forward(seconds=5)
        assert await clinic.delivers(SMS) == 1
        await release(runtime)
        assert await clinic.delivers(SMS) == 0
        if status:
            await reported(clinic, number, status)
        await release(runtime)
    assert " ".join(clinic.transport.texts()) == LONG


async def test_a_carrier_that_tells_nothing_holds_them_up_for_a_minute(runtime: Runtime, clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello", account=SMS)
    await clinic.replies(LONG, channel=Channel.SMS)
    await clinic.delivers(SMS)
    clock.forward(seconds=61)
    await release(runtime)
    assert await clinic.delivers(SMS) == 1


async def test_nothing_begins_in_the_middle(runtime: Runtime, clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello", account=SMS)
    await clinic.replies(LONG, channel=Channel.SMS)
    await clinic.delivers(SMS)
    await reported(clinic, 0, DeliveryStatus.FAILED)
    for _ in range(2):
        await release(runtime)
    assert await clinic.statuses() == ["failed", "cancelled", "cancelled"]


async def test_a_stop_between_two_parts_is_honoured(runtime: Runtime, clinic: World, clock: StandingClock) -> None:
    await clinic.writes("Hello", account=SMS)
    await clinic.replies(LONG, channel=Channel.SMS)
    await clinic.delivers(SMS)
    await reported(clinic, 0, DeliveryStatus.SENT)
    await clinic.writes("STOP", account=SMS)
    for _ in range(3):
        await release(runtime)
        await clinic.delivers(SMS)
    assert len(clinic.transport.sent) == 1
    assert await clinic.statuses() == ["sent", "refused", "cancelled"]


def test_only_so_many_parts_are_offered(settings: Settings) -> None:

    assert too_long(settings.accounts[SMS], "a" * 1600 * MOST) == ""
    assert "6,401 characters" in too_long(settings.accounts[SMS], "a" * (1600 * MOST + 1))
