"""One test's day at the clinic: the provider's double, people who write, staff who answer, and a look at what is stored."""

from __future__ import annotations

import asyncio
import io
import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

import aiohttp
import asyncpg
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # the SDK ships no types

from channels.sandbox.sender import Retry
from channels.sandbox.twilio import TwilioDouble
from hub.gate import Draft, queue
from hub.model.address import Address, AddressClass, Channel
from hub.model.ids import AccountId, ConversationId, MessageId
from hub.model.message import Account
from hub.model.permission import Kind
from hub.model.sealed import Sealed
from hub.store.pool import STORE_FAULTS, Pool, open_pool
from tests.acceptance.clinic import Clinic
from tests.world import SMS, WHATSAPP

LOST = (*STORE_FAULTS, asyncpg.PostgresError)
PACE = 0.2  # the double's statuses come five times as fast as in the field
T = TypeVar("T")
_phones = itertools.count(1)


@lru_cache(maxsize=8)
def validator(token: str) -> RequestValidator:
    return RequestValidator(token)


@dataclass(frozen=True, slots=True)
class Letter:
    """One inbound webhook as Twilio would post it, and every answer it got."""

    account: Account
    fields: dict[str, str]
    answers: list[int] = field(default_factory=list)

    @property
    def sid(self) -> str:
        return self.fields["MessageSid"]

    @property
    def phone(self) -> str:
        return self.fields["From"].removeprefix("whatsapp:")


class Day:
    """Open inside a running loop. Everything asked of the database is asked again while it is away."""

    def __init__(self, clinic: Clinic, double: TwilioDouble, pool: Pool, session: aiohttp.ClientSession) -> None:
        self.clinic, self.double, self.pool, self.session = clinic, double, pool, session

    def account(self, account_id: AccountId) -> Account:
        return self.clinic.settings.accounts[account_id]

    @staticmethod
    def people(count: int) -> list[str]:
        """Phone numbers nobody has written from before."""
        return [f"+4477{next(_phones):08}" for _ in range(count)]

    def person(self) -> str:
        """One such number."""
        return self.people(1)[0]

    # -- people

    def letter(self, phone: str, text: str, *, account: AccountId = WHATSAPP, **more: str) -> Letter:
        """What Twilio would post when this person writes."""
        to = self.account(account)
        prefix = "whatsapp:" if to.channel is Channel.WHATSAPP else ""
        sid = f"SM{secrets.token_hex(16)}"
        fields = {"MessageSid": sid, "SmsSid": sid, "AccountSid": str(to.options["account_sid"]), "Body": text, "NumMedia": "0"}
        fields |= {"From": prefix + phone, "To": prefix + to.sender, "ApiVersion": "2010-04-01"}
        if prefix:
            fields |= {"MessageType": "text", "WaId": phone.lstrip("+")}
        return Letter(to, fields | more)

    async def post(self, letter: Letter) -> int:
        """Post it once; the status, or 0 where no answer came."""
        status, _ = await self.post_fields(f"/webhooks/{letter.account.id}", letter.fields, letter.account)
        letter.answers.append(status)
        return status

    async def post_fields(self, path: str, fields: Mapping[str, str], account: Account) -> tuple[int, bytes]:
        """Post a signed form: status and body; (0, b"") where no answer came."""
        signature = validator(account.secrets["auth_token"].reveal()).compute_signature(self.clinic.url + path, dict(fields))
        return await self.post_raw(path, urlencode(fields).encode(), {"X-Twilio-Signature": signature})

    async def post_raw(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Post bytes as they are, as a form unless the headers say otherwise."""
        sent = {"Content-Type": "application/x-www-form-urlencoded"} | dict(headers)
        try:
            async with self.session.post(self.clinic.url + path, data=io.BytesIO(body), headers=sent, allow_redirects=False) as answer:
                return answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, b""

    async def writes(self, phone: str, text: str, *, account: AccountId = WHATSAPP, within_s: float = 25, **more: str) -> Letter:
        """The person writes; posted again, as Twilio does when it is told to, until it is acknowledged."""
        letter = self.letter(phone, text, account=account, **more)
        deadline = asyncio.get_running_loop().time() + within_s
        while await self.post(letter) != 200:
            assert asyncio.get_running_loop().time() < deadline, f"never acknowledged: {letter.answers[-5:]}"
            await asyncio.sleep(0.2)
        return letter

    # -- staff

    async def replies(
        self, phone: str, text: str, *, channel: Channel = Channel.WHATSAPP, at: datetime | None = None, within_s: float = 25
    ) -> MessageId:
        """Staff answer the person, once, whatever happens to the database meanwhile. at: when it may leave; None for now."""
        return await self.replies_in(await self.conversation(phone, within_s=within_s), text, channel=channel, at=at, within_s=within_s)

    async def replies_in(
        self, conversation_id: ConversationId, text: str, *, channel: Channel, at: datetime | None = None, within_s: float = 25
    ) -> MessageId:
        """As `replies`, in a conversation that is known. Raises AssertionError where the judge refuses."""
        draft = Draft(conversation_id=conversation_id, kind=Kind.RPL, channel=channel, text=Sealed(text), written_by=None, send_after=at)

        async def once() -> MessageId:
            async with self.pool.acquire() as conn, conn.transaction():
                found = await conn.fetchval("SELECT id FROM message WHERE conversation_id = $1 AND body = $2", conversation_id, text)
                if found is not None:  # a commit whose answer was lost
                    return MessageId(found)
                queued = await queue(conn, draft, now=datetime.now(UTC), settings=self.clinic.settings)
                assert queued.decision.allowed, queued.decision.reason
                return queued.message_id

        return await again(once, within_s)

    async def conversation(self, phone: str, *, within_s: float = 25) -> ConversationId:
        """The one conversation of this person. Raises AssertionError when there are several."""
        digest = self.clinic.settings.hasher.hash(Address(kind=AddressClass.PHONE, value=Sealed(phone)))
        sql = "SELECT DISTINCT c.id FROM conversation c JOIN identity i USING (contact_id) WHERE i.address_hash = $1"
        found = await self.rows(sql, digest, within_s=within_s)
        assert len(found) == 1, f"{len(found)} conversations"
        return ConversationId(found[0]["id"])

    # -- the records

    async def rows(self, sql: str, *values: object, within_s: float = 25) -> list[Any]:
        async def once() -> list[Any]:
            async with self.pool.acquire() as conn:
                return list(await conn.fetch(sql, *values))

        return await again(once, within_s)

    async def value(self, sql: str, *values: object) -> Any:
        [row] = await self.rows(sql, *values)
        return row[0]

    async def statuses(self, ids: Iterable[UUID]) -> dict[UUID, str]:
        """Where these messages stand."""
        return {r["id"]: r["status"] for r in await self.rows("SELECT id, status FROM message WHERE id = ANY($1)", list(ids))}

    async def until(self, true: Callable[[], Awaitable[object]], *, within_s: float = 25, what: str = "it") -> None:
        deadline = asyncio.get_running_loop().time() + within_s
        while not await true():
            assert asyncio.get_running_loop().time() < deadline, f"{what} did not happen\n{self.last_words()}"
            await asyncio.sleep(0.1)

    async def quiet(self, *, within_s: float = 25) -> None:
        """Wait until nothing is queued, under way or to be followed up, and every report has been sent."""
        busy = """SELECT (SELECT count(*) FROM message WHERE status IN ('queued', 'sending')) + (SELECT count(*) FROM outbox)"""

        async def settled() -> bool:
            return bool(await self.value(busy) == 0)

        await self.until(settled, within_s=within_s, what="quiet")
        await self.double.settled()

    def last_words(self) -> str:
        return "\n".join(f"{name}: {said[-500:]}" for name, said in self.clinic.logs().items())


async def again(work: Callable[[], Awaitable[T]], within_s: float) -> T:
    """Do it until the database has been there for it."""
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        try:
            return await work()
        except LOST:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(0.1)


@asynccontextmanager
async def day(clinic: Clinic, *, pace: float = PACE, retry: Retry | None = None) -> AsyncIterator[Day]:
    """A fresh double on the clinic's sandbox port, and connections of the test's own."""
    settings = clinic.settings
    token = settings.accounts[SMS].secrets["auth_token"].reveal()
    double = TwilioDouble(str(settings.accounts[SMS].options["account_sid"]), token, pace=pace, retry=retry)
    for account in (SMS, WHATSAPP):
        double.own(settings.accounts[account])
    pool = await open_pool(settings.database_url or "", min_size=1, max_size=4)
    try:
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=15, connect=5), connector=aiohttp.TCPConnector(limit=64), trust_env=False
            ) as session,
            double.serve(port=settings.sandbox_port),
        ):
            yield Day(clinic, double, pool, session)
    finally:
        pool.terminate()
