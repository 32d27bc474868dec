"""The mail process's own parts as a process of their own, to be killed: `python -m tests.integration.mail.mail_child SOCKET`."""

from __future__ import annotations

import asyncio
import os
import sys

import uvloop

from hub.settings import load_settings
from hub.store.pool import open_pool
from tests.conftest import CONFIG
from tests.integration.mail.letters import with_mail
from workers.mail.process import serving, utc_now


async def _serve(path: str) -> None:
    settings = with_mail(load_settings(os.environ, CONFIG), lmtp_listen=f"unix:{path}")
    pool = await open_pool(settings.database_url or "", max_size=6)
    async with serving(settings, pool, clock=utc_now):
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1]))
