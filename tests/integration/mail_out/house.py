"""A whole clinic that writes mail: the web application, the workers' own runtime, a mail server, and people with mailboxes."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from aiohttp import FormData
from aiohttp.test_utils import BaseTestServer, TestClient, TestServer
from yarl import URL

from channels.sandbox.mail import MailDouble, SentMail
from hub.app import make_app
from hub.desks.account import passwords
from hub.model.ids import AccountId, CampaignId
from hub.model.message import Account
from hub.settings import Settings
from hub.store import outbox, staff
from hub.store.pool import Pool
from tests.integration.public.site import hidden
from tests.integration.test_sandbox_whole import free_port
from tests.integration.web.conftest import PASSWORD, Browser
from tests.world import StandingClock
from workers import campaigns, follow_ups
from workers.runtime import Runtime

MAIL = AccountId("email-sandbox")
AMY = "amy@patient.example"
PHONE = "07700 900123"

Client = TestClient[Any, Any]


@dataclass
class House:
    """public: where it is reached; every browser has a jar of cookies of its own."""

    pool: Pool
    settings: Settings
    clock: StandingClock
    double: MailDouble
    app: BaseTestServer
    runtime: Runtime
    stack: AsyncExitStack

    @property
    def account(self) -> Account:
        return self.settings.accounts[MAIL]

    async def client(self) -> Client:
        return await self.stack.enter_async_context(_client(self.app))

    async def signs_in(self, role: str, name: str) -> Browser:
        """A colleague at their desk."""
        email = f"{name.lower()}@fenwicklane.example"
        hashed = await passwords.hashed(PASSWORD)
        async with self.pool.acquire() as conn, conn.transaction():
            staff_id = await staff.add_staff(conn, email=email, name=name, role=role, now=self.clock())
            await staff.set_password(conn, staff_id, name=None, hashed=hashed)
        browser = Browser(await self.client())
        await browser.post("/sign-in", email=email, password=PASSWORD)
        await browser.get("/account")
        return browser

    async def fills_in_form(self, *, message: str = "Do you open on Saturdays?", lang: str = "en", **more: str | Sequence[str]) -> None:
        """A person at the contact form, half a minute long."""
        client = await self.client()
        page = await (await client.get(f"/enquire?lang={lang}")).text()
        self.clock.forward(seconds=30)
        fields: dict[str, str | Sequence[str]] = {
            "form_token": hidden(page, "form_token"), "submission_id": hidden(page, "submission_id"), "name": "Amy O'Neil",
            "email": AMY, "phone": PHONE, "message": message, "website": "", **more,
        }  # fmt: skip
        data = FormData()
        for name, value in fields.items():
            for one in [value] if isinstance(value, str) else value:
                data.add_field(name, one)
        answer = await client.post(f"/enquire?lang={lang}", data=data, headers={"Origin": self.account.public_url}, allow_redirects=False)
        assert answer.status == 303, await answer.text()

    async def follow_ups(self) -> None:
        """What stored messages ask for, until nothing is due."""
        for _ in range(3):
            async with self.pool.acquire() as conn:
                topics = await outbox.due_topics(conn, now=self.clock())
            for topic in topics:
                await follow_ups.run(self.runtime, topic)

    async def work(self) -> None:
        """What workers do: follow-ups, then what waits for the mail server."""
        await self.follow_ups()
        delivery = await self.runtime.delivery(MAIL)
        assert delivery is not None
        await delivery.run(deadline_s=5, linger_s=0.05)

    async def campaign_by_mail(self, writer: Browser, approver: Browser, *, body: str, name: str = "Winter") -> CampaignId:
        """Written by one, approved and started by another, and sent by a worker: the desk's own forms all the way."""
        response, page = await writer.post("/campaigns/new", name=name, purpose="newsletter", account=MAIL, interest="laser", body=body)
        assert response.status == 200, page
        path = response.url.path
        _, page = await approver.get(path)
        seen = re.search(r'name="seen" value="([0-9a-f]+)"', page)
        assert seen is not None, page
        await approver.post(f"{path}/approve", seen=seen[1])
        campaign_id = CampaignId(UUID(path.rpartition("/")[2]))
        await self.campaign_works(campaign_id)  # the list is written
        response, page = await approver.post(f"{path}/start")
        assert response.status == 200, page
        await self.campaign_works(campaign_id)
        return campaign_id

    async def campaign_works(self, campaign_id: CampaignId) -> int:
        async def alive() -> None:
            return None

        return await campaigns.run(self.runtime, campaign_id, alive=alive)

    def mails_to(self, address: str = AMY) -> list[SentMail]:
        return [sent for sent in self.double.sent if sent.to == address]

    async def presses(self, link: str) -> int:
        """The person opens a link from a mail, which changes nothing, and presses its button."""
        assert link.startswith(self.account.public_url)
        client = await self.client()
        path = link.removeprefix(self.account.public_url)
        assert (await client.get(path)).status == 200
        return (await client.post(path)).status

    async def rows(self, sql: str, *values: object) -> list[Mapping[str, object]]:
        async with self.pool.acquire() as conn:
            return list(await conn.fetch(sql, *values))

    async def value(self, sql: str, *values: object) -> object:
        async with self.pool.acquire() as conn:
            return await conn.fetchval(sql, *values)

    async def statuses(self) -> list[tuple[object, object]]:
        """Kind and delivery status of everything we wrote, oldest first."""
        return [
            (r["kind"], r["status"]) for r in await self.rows("SELECT kind, status FROM message WHERE direction = 'outbound' ORDER BY id")
        ]

    async def stopped(self) -> set[tuple[object, object]]:
        return {
            (r["scope"], r["channel"]) for r in await self.rows("SELECT DISTINCT scope, channel FROM suppression WHERE lifted_at IS NULL")
        }


def link_in(sent: SentMail, path: str) -> str:
    """The one address of ours with this path in a mail's text."""
    [found] = set(re.findall(rf"http://127\.0\.0\.1:\d+{path}[\w.~/-]+", sent.text))
    return str(found)


@asynccontextmanager
async def _client(server: BaseTestServer) -> AsyncIterator[Client]:
    client: Client = TestClient(server)
    try:
        yield client
    finally:
        await client.session.close()  # the server is everybody's


@asynccontextmanager
async def opened(pool: Pool, settings: Settings, database_url: str, clock: StandingClock) -> AsyncIterator[House]:
    """The house with its doors open, on free ports."""
    port = free_port()
    public_url = str(URL.build(scheme="http", host="127.0.0.1", port=port)).rstrip("/")
    async with MailDouble(clock=clock).serve() as double:
        accounts = {
            id: replace(account, public_url=public_url, options={**account.options, **({"smtp_port": double.port} if id == MAIL else {})})
            for id, account in settings.accounts.items()
        }
        here = replace(settings, accounts=accounts, public_url=public_url, database_url=database_url, undo_s=0.0)
        double.own(accounts[MAIL])
        async with TestServer(make_app(here, clock=clock), port=port) as server, AsyncExitStack() as stack:
            runtime = Runtime(here, pool, stack, clock)
            yield House(pool, here, clock, double, server, runtime, stack)
