"""A worker that sends mail in a process of its own, to be killed between the mail and the server's answer."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime

from hub.settings import load_settings
from hub.store.pool import open_pool
from tests.conftest import CONFIG
from tests.integration.mail_out.house import MAIL
from tests.world import StandingClock
from workers.runtime import Runtime


async def main(database_url: str, smtp_port: str, now: str) -> None:
    """Deliver what waits until it is done or we are killed."""
    loaded = load_settings(dict(os.environ), CONFIG)
    own = loaded.accounts[MAIL]
    account = replace(own, options={**own.options, "smtp_port": int(smtp_port)})
    settings = replace(loaded, accounts={**loaded.accounts, MAIL: account}, database_url=database_url)
    async with AsyncExitStack() as stack:
        pool = await open_pool(database_url, min_size=1, max_size=4)
        stack.push_async_callback(pool.close)
        delivery = await Runtime(settings, pool, stack, StandingClock(datetime.fromisoformat(now))).delivery(MAIL)
        assert delivery is not None
        await delivery.run(deadline_s=20)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
