"""A small clinic for tests: real database, real adapters and judge, a channel double in this process, a clock that stands still."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from channels.registry import ADAPTERS
from hub.gate import Draft, Queued, queue
from hub.gate.deliver import Delivery
from hub.intake import Accepted, Intake
from hub.intake.compose import tools
from hub.model.address import Address, AddressClass, Channel
from hub.model.ids import AccountId, ConversationId
from hub.model.message import (
    Account,
    ChannelEvent,
    InboundMessage,
    MediaRef,
    OutboundMessage,
    ProviderKeyword,
    ProviderRequest,
    ProviderResponse,
    RawRequest,
    SendResult,
)
from hub.model.permission import Kind
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.store.pool import Pool

AMY = "+447700900123"
SMS, WHATSAPP = AccountId("sms-sandbox"), AccountId("whatsapp-sandbox")
CHANNEL_OF = {SMS: Channel.SMS, WHATSAPP: Channel.WHATSAPP}
_serial = itertools.count(1)


class StandingClock:
    """A clock that moves only when told."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


Answer = Callable[[ProviderRequest], ProviderResponse]


def accepted(_request: ProviderRequest) -> ProviderResponse:
    """The provider takes the message."""
    return ProviderResponse(status=201, body=Sealed({"sid": f"SM{next(_serial):032x}", "status": "queued"}))


def refused(status: int, code: int) -> Answer:
    """The provider says no with one of its codes."""

    def answer(_request: ProviderRequest) -> ProviderResponse:
        return ProviderResponse(status=status, body=Sealed({"code": code, "status": status}))

    return answer


@dataclass
class RecordingTransport:
    """Stands where the provider would: keeps every request, answers as told. Raises what `answer` raises."""

    answer: Answer = accepted
    sent: list[ProviderRequest] = field(default_factory=list)
    wait_s: float = 0.0

    async def send(self, request: ProviderRequest) -> ProviderResponse:
        self.sent.append(request)
        await asyncio.sleep(self.wait_s)
        return self.answer(request)

    async def fetch_media(self, media: MediaRef, max_bytes: int) -> bytes:
        raise NotImplementedError

    async def look_up(self, message: OutboundMessage, since: datetime) -> SendResult | None:
        return None

    def texts(self) -> list[str]:
        """What left, in order."""
        return [str(_fields(r).get("body", _fields(r).get("Body"))) for r in self.sent]


def _fields(request: ProviderRequest) -> Mapping[str, object]:
    return request.fields.reveal()


class World:
    """The clinic's service without its processes: intake, gate and clock over one database."""

    def __init__(self, pool: Pool, settings: Settings, clock: Callable[[], datetime], intake: Intake) -> None:
        self.pool, self.settings, self.clock, self.intake = pool, settings, clock, intake
        self.transport = RecordingTransport()

    async def writes(
        self,
        text: str,
        *,
        phone: str = AMY,
        account: AccountId = WHATSAPP,
        event_id: str | None = None,
        at: datetime | None = None,
        keyword: ProviderKeyword | None = None,
        automatic: bool = False,
        media: tuple[MediaRef, ...] = (),
    ) -> Accepted:
        """The person at `phone` writes; returns once it is stored."""
        event = InboundMessage(
            account_id=account,
            channel=CHANNEL_OF[account],
            provider_event_id=event_id or f"SM{next(_serial):032x}",
            senders=(Address(kind=AddressClass.PHONE, value=Sealed(phone)),),
            sent_at=at or self.clock(),
            text=Sealed(text),
            keyword=keyword,
            automatic=automatic,
            media=media,
        )
        return await self.takes([event], account=account)

    async def takes(self, events: list[ChannelEvent], *, account: AccountId = WHATSAPP) -> Accepted:
        """These events arrive in one request."""
        return await self.intake.accept(self.request(), self.settings.accounts[account], events)

    def request(self) -> RawRequest:
        return RawRequest(method="POST", path_and_query="/webhooks/test", headers={}, body=b"raw", received_at=self.clock())

    async def conversation(self, *, phone: str = AMY) -> ConversationId:
        """The latest conversation of the person at `phone`."""
        digest = self.settings.hasher.hash(Address(kind=AddressClass.PHONE, value=Sealed(phone)))
        async with self.pool.acquire() as conn:
            found = await conn.fetchval(
                "SELECT c.id FROM conversation c JOIN identity i USING (contact_id) WHERE i.address_hash = $1 ORDER BY c.id DESC LIMIT 1",
                digest,
            )
        return ConversationId(found)

    async def replies(
        self, text: str, *, phone: str = AMY, channel: Channel = Channel.WHATSAPP, kind: Kind = Kind.RPL, undo_s: float = 0
    ) -> Queued:
        """Staff answer the person at `phone`; the undo time is left out unless given."""
        draft = Draft(
            conversation_id=await self.conversation(phone=phone),
            kind=kind,
            channel=channel,
            text=Sealed(text),
            written_by=None,
            send_after=self.clock() + timedelta(seconds=undo_s),
        )
        async with self.pool.acquire() as conn, conn.transaction():
            return await queue(conn, draft, now=self.clock(), settings=self.settings)

    def delivery(self, account: AccountId = WHATSAPP, **changes: object) -> Delivery:
        """The way out of one account, over the recording transport."""
        found = self.account(account)
        return Delivery(
            self.pool,
            found,
            ADAPTERS[found.adapter],
            self.transport,
            policy=self.settings.policy,
            clock=self.clock,
            **changes,  # type: ignore[arg-type]
        )

    def account(self, account: AccountId) -> Account:
        return self.settings.accounts[account]

    async def delivers(self, account: AccountId = WHATSAPP, *, deadline_s: float = 5, linger_s: float = 0.05) -> int:
        """A worker delivers until nothing is due."""
        return await self.delivery(account).run(deadline_s=deadline_s, linger_s=linger_s)

    async def statuses(self) -> list[str]:
        """Delivery statuses of all outbound messages, oldest first."""
        return [r["status"] for r in await self.rows("SELECT status FROM message WHERE direction = 'outbound' ORDER BY id")]

    async def rows(self, sql: str, *values: object) -> list[Mapping[str, object]]:
        async with self.pool.acquire() as conn:
            return list(await conn.fetch(sql, *values))

    async def value(self, sql: str, *values: object) -> object:
        async with self.pool.acquire() as conn:
            return await conn.fetchval(sql, *values)


@asynccontextmanager
async def world(pool: Pool, settings: Settings, clock: Callable[[], datetime]) -> AsyncIterator[World]:
    """Open the clinic; close it with everything stored."""
    found = tools(settings)
    intake = Intake(pool, found, clock=clock)
    try:
        yield World(pool, settings, clock, intake)
    finally:
        await intake.close()
