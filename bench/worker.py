"""One worker's way out, alone: sends what waits on the SMS account and says how long it took. `bare` leaves the hub out."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import replace

import psutil
import uvloop

from bench.clinic import CONFIG
from bench.requests import phone
from channels.registry import ADAPTERS
from hub import collector
from hub.gate.deliver import Delivery
from hub.model.address import Address, AddressClass
from hub.model.ids import AccountId, MessageId, uuid7
from hub.model.message import OutboundMessage
from hub.model.sealed import Sealed
from hub.settings import load_settings
from hub.store.pool import open_pool
from workers.runtime import utc_now

IN_FLIGHT = 64


async def main(count: int, *, bare: bool) -> dict[str, float]:
    """Send `count` messages; seconds taken and memory in bytes."""
    collector.look_rarely()  # as a worker does
    settings = load_settings(os.environ, CONFIG)
    account = replace(settings.accounts[AccountId("sms-sandbox")], rate_per_s=1e6, burst=1_000_000)
    adapter = ADAPTERS[account.adapter]
    assert adapter.open_transport
    async with AsyncExitStack() as stack:
        transport = await stack.enter_async_context(adapter.open_transport(account))
        pool = await open_pool(settings.database_url or "", min_size=2, max_size=4)
        stack.push_async_callback(pool.close)
        began = time.perf_counter()
        if bare:
            todo = iter(range(count))

            async def lane() -> None:
                for n in todo:
                    message = OutboundMessage(
                        id=MessageId(uuid7()),
                        to=Address(kind=AddressClass.PHONE, value=Sealed(phone(n))),
                        text=Sealed("Thank you for writing."),
                    )
                    adapter.interpret(await transport.send(adapter.render(message, account)))

            await asyncio.gather(*(lane() for _ in range(IN_FLIGHT)))
        else:
            way_out = Delivery(pool, account, adapter, transport, policy=settings.policy, clock=utc_now, in_flight=IN_FLIGHT)
            await way_out.run(deadline_s=120, linger_s=0.2)
        return {"seconds": time.perf_counter() - began - (0 if bare else 0.2), "rss": psutil.Process().memory_info().rss}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(main(int(sys.argv[1]), bare="bare" in sys.argv))))
