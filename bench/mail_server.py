"""The mail process with an LMTP listener on a path given, or a listener that forgets what it is sent: `hub PATH`, `discard PATH`."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import replace
from typing import Any

import uvloop
from aiosmtpd.lmtp import LMTP

from bench.clinic import CONFIG
from hub.model.ids import AccountId
from hub.settings import Settings, load_settings
from hub.store.pool import open_pool
from workers.mail.process import serving

ACCOUNT = AccountId("email-sandbox")


class _Forget:
    async def handle_DATA(self, _server: object, _session: object, _envelope: Any) -> str:  # noqa: N802
        return "250 OK"


def with_listener(settings: Settings, path: str) -> Settings:
    """The sandbox's e-mail account, taking mail on a socket."""
    account = settings.accounts[ACCOUNT]
    listening = replace(account, options={**account.options, "lmtp_listen": f"unix:{path}"})
    return replace(settings, accounts={ACCOUNT: listening})


async def _hub(path: str) -> None:
    settings = load_settings(os.environ, CONFIG)
    pool = await open_pool(settings.database_url or "", max_size=6)
    async with serving(with_listener(settings, path), pool):
        await asyncio.Event().wait()


async def _discard(path: str) -> None:
    loop = asyncio.get_running_loop()
    await loop.create_unix_server(lambda: LMTP(_Forget(), data_size_limit=None, loop=loop), path=path)
    await asyncio.Event().wait()


if __name__ == "__main__":
    kind, where = sys.argv[1:]
    uvloop.run(_hub(where) if kind == "hub" else _discard(where))
