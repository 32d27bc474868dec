"""One worker's way out by mail: sends what waits on the mail account and says how long it took. `bare` leaves the hub out."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import psutil
import uvloop
from aiosmtplib import SMTP

from bench.clinic import CONFIG
from bench.mail_account import mail_account
from bench.seed import mailbox
from channels.registry import ADAPTERS
from hub import collector
from hub.gate.deliver import Delivery
from hub.model.ids import ConversationId, MessageId, uuid7
from hub.model.message import OutboundMail, OutboundMessage
from hub.model.sealed import Sealed
from hub.settings import load_settings
from hub.store.pool import open_pool
from workers.runtime import CLAIM_OF, utc_now

LANES = 16


async def bare(port: int, count: int) -> None:
    """The client's own loop over as many connections as we have. Each mail is made for its person as the hub makes it, with the same
    words, addresses and headers, just before it is sent; there is no judge and no store."""
    account, todo = mail_account(port), iter(range(count))

    async def lane() -> None:
        async with SMTP(hostname="127.0.0.1", port=port, start_tls=False, use_tls=False) as smtp:
            for n in todo:
                fields = ADAPTERS["email"].render(_answer(n), account).fields.reveal()
                await smtp.sendmail(str(fields["sender"]), [str(fields["recipient"])], bytes(fields["mail"]))  # type: ignore[call-overload]

    await asyncio.gather(*(lane() for _ in range(LANES)))


def _answer(n: int) -> OutboundMessage:
    text = "Thank you for writing. Thursday at three is free; shall we keep it for you?"
    mail = OutboundMail(
        subject=Sealed("Your message"), conversation_id=ConversationId(uuid7()), written_at=datetime.now(UTC), automatic=False
    )
    return OutboundMessage(id=MessageId(uuid7()), to=mailbox(n), text=Sealed(text), mail=mail)


async def main(port: int, count: int, *, without_hub: bool) -> dict[str, float]:
    """Send `count` mails; seconds taken, seconds of its own processor time, and memory in bytes."""
    collector.look_rarely()  # as a worker does
    if without_hub:
        began, cpu = time.perf_counter(), time.process_time()
        await bare(port, count)
        return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "rss": psutil.Process().memory_info().rss}
    settings, account = load_settings(os.environ, CONFIG), mail_account(port)
    adapter = ADAPTERS[account.adapter]
    assert adapter.open_transport
    async with AsyncExitStack() as stack:
        transport = await stack.enter_async_context(adapter.open_transport(account))
        pool = await open_pool(settings.database_url or "", min_size=2, max_size=4)
        stack.push_async_callback(pool.close)
        began, cpu = time.perf_counter(), time.process_time()
        most = adapter.capabilities.in_flight  # as a worker of the house does it
        claims = max(1, most // CLAIM_OF)
        way_out = Delivery(pool, account, adapter, transport, policy=settings.policy, clock=utc_now, in_flight=most, claims=claims)
        await way_out.run(deadline_s=120, linger_s=0.2)
        spent = time.perf_counter() - began - 0.2
        return {"seconds": spent, "cpu": time.process_time() - cpu, "rss": psutil.Process().memory_info().rss}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), without_hub="bare" in sys.argv))))
