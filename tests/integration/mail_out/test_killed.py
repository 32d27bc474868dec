"""A worker that dies while the mail server has the mail and has not said so: nobody knows, and nobody sends again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import suppress

from channels.sandbox.values import Trouble
from hub.settings import Settings
from hub.store.pool import Pool
from tests.integration.mail_out.house import AMY, opened
from tests.world import StandingClock
from workers import ticks


async def test_a_worker_killed_before_the_servers_answer_leaves_the_mail_unknown_and_unsent_again(
    pool: Pool, settings: Settings, database_url: str, clock: StandingClock, sandbox_environ: dict[str, str]
) -> None:
    async with opened(pool, settings, database_url, clock) as house:
        await house.double.send_in(house.account, AMY, "Opening hours", "Are you open on Sunday?")
        await house.follow_ups()  # the acknowledgement waits
        house.double.trouble(Trouble.HANG)
        worker = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.integration.mail_out.killed_sender", database_url, str(house.double.port), clock().isoformat(),
            env={**os.environ, **sandbox_environ},
        )  # fmt: skip
        try:
            for _ in range(1500):
                if house.double.sent or worker.returncode is not None:
                    break
                await asyncio.sleep(0.01)
            assert worker.returncode is None
        finally:
            with suppress(ProcessLookupError):
                worker.send_signal(signal.SIGKILL)
            await worker.wait()
        assert await house.statuses() == [("ACK", "sending")]
        clock.forward(minutes=5)
        await ticks.give_up_stale_sends(house.runtime)
        assert await house.statuses() == [("ACK", "unknown")]
        clock.forward(hours=1)
        await house.work()
        assert await house.statuses() == [("ACK", "unknown")]
        assert list(house.double.counts.values()) == [1]
