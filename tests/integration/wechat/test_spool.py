"""The spool before the store: what WeChat would not send again is kept on disk, and stored once, in order, when the store is back."""

from __future__ import annotations

import asyncio
import os
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from channels.registry import ADAPTERS
from channels.sandbox import wechat_payloads
from hub.intake import Accepted, Intake, StoreUnavailable
from hub.intake.compose import tools
from hub.intake.front import Front
from hub.intake.spool import BadEntry, Spool, SpoolFull
from hub.model.message import RawRequest
from hub.model.permission import Reason
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.store.pool import Pool, connect
from hub.web.keys import FRONT, POOL
from tests.integration.wechat.conftest import AMY, WECHAT, Hub, opened_hub
from tests.world import StandingClock

KEY = Sealed(b"k" * 32)


def pushed(settings: Settings, clock: StandingClock, text: str) -> RawRequest:
    """One sealed push as it arrives."""
    account = settings.accounts[WECHAT]
    content = wechat_payloads.message(account, AMY, "text", at=clock(), Content=text)
    push = wechat_payloads.sealed(account, content, at=clock())
    path = f"/webhooks/{WECHAT}?{push.query}"
    return RawRequest(method="POST", path_and_query=path, headers={"content-type": "text/xml"}, body=push.body, received_at=clock())


async def takes(front: Front, settings: Settings, request: RawRequest) -> Accepted | None:
    account = settings.accounts[WECHAT]
    return await front.accept(request, account, ADAPTERS[account.adapter].parse(request, account))


async def test_with_the_store_away_it_is_answered_kept_and_stored_by_whoever_comes_next(
    pool: Pool, own_settings: Settings, clock: StandingClock
) -> None:
    spool = Spool(own_settings.data_dir / "spool", own_settings.secret_key)
    async with opened_hub(pool, own_settings, clock) as hub:
        hub.double.patience_s = 10
        app = hub.app
        app[POOL].terminate()
        for text in ("你好", "请问价格", "退订"):
            _, answers = await hub.double.patient_writes(hub.account, AMY, text)
            assert answers == [200]
            clock.forward(seconds=1)
        await app[FRONT].stop()
        assert len(spool.names()) == 3
        assert await hub.count("SELECT count(*) FROM message") == 0
    async with opened_hub(pool, own_settings, clock) as hub:
        for _ in range(200):
            if not spool.waiting():
                break
            await asyncio.sleep(0.02)
        rows = await hub.rows("SELECT body FROM message WHERE direction = 'inbound' ORDER BY id")
        assert [row["body"] for row in rows] == ["你好", "请问价格", "退订"]
        assert (await hub.replies("您好")).decision.reason is Reason.STOP_CHANNEL


async def test_a_slow_store_is_not_waited_for_and_both_ways_in_make_one_message(
    pool: Pool, own_settings: Settings, database_url: str, clock: StandingClock
) -> None:
    spool = Spool(own_settings.data_dir / "spool", own_settings.secret_key)
    intake = Intake(pool, tools(own_settings), clock=clock)
    front = Front(intake, spool, own_settings.accounts, store_within_s=0.1)
    request = pushed(own_settings, clock, "你好")
    holding = await connect(database_url)
    async with holding.transaction():
        await holding.execute("LOCK TABLE inbound_event")
        assert await takes(front, own_settings, request) is None
        assert len(spool.names()) == 1
    await holding.close()
    assert await front.empty() == 1
    assert not spool.waiting()
    await intake.close()
    async with pool.acquire() as conn:
        assert await conn.fetchval("SELECT count(*) FROM message") == 1


async def test_nothing_is_claimed_while_something_that_came_in_is_not_stored(hub: Hub) -> None:
    await hub.double.patient_writes(hub.account, AMY, "你好")
    await hub.replies("您好")
    name = hub.runtime.spool.put(WECHAT, replace(pushed(hub.settings, hub.clock, "退订"), received_at=hub.clock()))
    assert hub.runtime.spool.waiting()
    delivery = await hub.runtime.delivery(WECHAT)
    assert delivery
    with hub.runtime.spool.turn():  # the application would empty it
        assert await delivery.run(deadline_s=1, linger_s=0.1) == 0
    for _ in range(200):
        if name not in hub.runtime.spool.names():
            break
        await asyncio.sleep(0.02)
    await hub.works()
    [row] = await hub.rows("SELECT status FROM message WHERE kind = 'RPL'")
    assert row["status"] == "refused"


async def test_what_does_not_open_is_set_aside_and_holds_nobody_up(pool: Pool, own_settings: Settings, clock: StandingClock) -> None:
    spool = Spool(own_settings.data_dir / "spool", own_settings.secret_key)
    names = []
    for text in ("one", "two", "three"):
        names.append(spool.put(WECHAT, pushed(own_settings, clock, text)))
        clock.forward(seconds=1)
    broken = own_settings.data_dir / "spool" / names[0]
    broken.write_bytes(broken.read_bytes()[:-1])
    intake = Intake(pool, tools(own_settings), clock=clock)
    await Front(intake, spool, own_settings.accounts).empty()
    await intake.close()
    assert not spool.waiting()
    assert [path.name for path in (own_settings.data_dir / "spool" / "aside").iterdir()] == names[:1]
    async with pool.acquire() as conn:
        assert [r["body"] for r in await conn.fetch("SELECT body FROM message WHERE direction = 'inbound' ORDER BY id")] == [
            "two",
            "three",
        ]


async def test_a_crash_after_the_commit_and_before_the_removal_changes_nothing(
    pool: Pool, own_settings: Settings, clock: StandingClock
) -> None:
    spool = Spool(own_settings.data_dir / "spool", own_settings.secret_key)
    name = spool.put(WECHAT, pushed(own_settings, clock, "你好"))
    kept = (own_settings.data_dir / "spool" / name).read_bytes()
    intake = Intake(pool, tools(own_settings), clock=clock)
    front = Front(intake, spool, own_settings.accounts)
    await front.empty()
    (own_settings.data_dir / "spool" / name).write_bytes(kept)
    await front.empty()
    await intake.close()
    async with pool.acquire() as conn:
        assert await conn.fetchval("SELECT count(*) FROM message WHERE direction = 'inbound'") == 1


async def test_when_the_disk_cannot_take_it_either_the_provider_is_told(pool: Pool, own_settings: Settings, clock: StandingClock) -> None:
    spool = Spool(own_settings.data_dir / "spool", own_settings.secret_key, max_entries=1)
    intake = Intake(pool, tools(own_settings), clock=clock)
    front = Front(intake, spool, own_settings.accounts)
    spool.put(WECHAT, pushed(own_settings, clock, "one"))
    with pytest.raises(StoreUnavailable):
        await takes(front, own_settings, pushed(own_settings, clock, "two"))
    await intake.close()


def test_an_entry_is_ours_alone_and_says_nothing_in_clear(tmp_path: Path, clock: StandingClock) -> None:
    spool = Spool(tmp_path / "spool", KEY)
    request = RawRequest(method="POST", path_and_query="/w?openid=oSECRET", headers={}, body=b"secret words", received_at=clock())
    path = tmp_path / "spool" / spool.put(WECHAT, request)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert b"secret" not in path.read_bytes()
    assert b"oSECRET" not in path.read_bytes()
    found = spool.read(path.name)
    assert (found.account_id, found.request.body, found.request.received_at) == (WECHAT, b"secret words", clock())


def test_a_changed_byte_or_name_does_not_open(tmp_path: Path, clock: StandingClock) -> None:
    spool = Spool(tmp_path, KEY)
    name = spool.put(WECHAT, RawRequest(method="POST", path_and_query="/", headers={}, body=b"x", received_at=clock()))
    content = (tmp_path / name).read_bytes()
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1
        (tmp_path / name).write_bytes(changed)
        with pytest.raises(BadEntry):
            spool.read(name)
    other = name.replace("0", "1", 1)
    (tmp_path / other).write_bytes(content)
    with pytest.raises(BadEntry):
        spool.read(other)


def test_entries_are_in_the_order_they_came_and_half_written_ones_are_none(tmp_path: Path, clock: StandingClock) -> None:
    spool = Spool(tmp_path, KEY)
    late = spool.put(WECHAT, RawRequest(method="POST", path_and_query="/", headers={}, body=b"2", received_at=clock()))
    early = clock() - timedelta(seconds=5)
    first = spool.put(WECHAT, RawRequest(method="POST", path_and_query="/", headers={}, body=b"1", received_at=early))
    half = tmp_path / f".{late}"
    half.write_bytes(b"half")
    os.utime(half, (0, 0))
    assert spool.names() == [first, late]
    with spool.turn() as ours, spool.turn() as also:
        assert (ours, also) == (True, False)
    assert not half.exists()


def test_a_full_spool_takes_nothing_more(tmp_path: Path, clock: StandingClock) -> None:
    spool = Spool(tmp_path, KEY, max_bytes=1000)
    request = RawRequest(method="POST", path_and_query="/", headers={}, body=b"x" * 400, received_at=clock())
    spool.put(WECHAT, request)
    with pytest.raises(SpoolFull):
        spool.put(WECHAT, request)
    assert len(spool.names()) == 1
