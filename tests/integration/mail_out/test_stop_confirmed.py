"""Whoever says stop by mail is told once, by mail, what has ended: the mail's own foot says who we are (policy §2.3 OOC, gate 21)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hub.settings import Settings
from hub.store.pool import Pool
from tests.integration.mail_out.house import AMY, House, opened
from tests.world import StandingClock


@pytest.fixture
async def house(pool: Pool, settings: Settings, database_url: str, clock: StandingClock) -> AsyncIterator[House]:
    async with opened(pool, settings, database_url, clock) as found:
        yield found


async def test_a_stop_by_mail_is_confirmed_once_by_mail(house: House) -> None:
    for said in ("STOP", "stop"):
        await house.double.send_in(house.account, AMY, "News", said)
        await house.work()
    [sent] = house.mails_to()
    assert "company number" in sent.text
    assert sent.mail["Auto-Submitted"] == "auto-replied"
    assert [row for row in await house.statuses() if row[1] != "refused"] == [("OOC", "accepted")]
