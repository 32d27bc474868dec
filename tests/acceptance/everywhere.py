"""A day on every channel: each provider's double of the practice phone, the clinic's own mail server in front of LMTP, Slack, a desk.

A person does what `channels.sandbox.doubles.Do` names. What the hub did not take is repeated as that provider would: Twilio and
Meta until it is taken, WeChat three times with a pause, a mail server until LMTP says 250.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from email import policy
from typing import Final

import aiohttp
from aiohttp import web

from channels.sandbox import mail_letters
from channels.sandbox.doubles import Act, Do, Double, Item, Person
from channels.sandbox.mail import MailDouble, SentMail
from channels.sandbox.meta import MetaDouble
from channels.sandbox.slack import SlackDouble
from channels.sandbox.twilio import TwilioDouble
from channels.sandbox.wechat_phone import WeChatOnPhone
from hub.model.address import Channel
from hub.model.ids import AccountId, ContactId, ConversationId
from hub.practice.doubles import doubles_of
from hub.practice.slack import slack_of
from hub.store.pool import Pool, open_pool
from tests.acceptance.clinic import RECEIVER, Clinic
from tests.acceptance.day import PACE, Day
from tests.acceptance.hub_command import hub
from tests.acceptance.test_setup_up import LINK
from tests.integration.mail.letters import RawTalk
from tests.world import SMS, WHATSAPP

CLOUD, MESSENGER, INSTAGRAM = AccountId("whatsapp-cloud-sandbox"), AccountId("messenger-sandbox"), AccountId("instagram-sandbox")
WECHAT, MAIL = AccountId("wechat-sandbox"), AccountId("email-sandbox")
ACCOUNTS: Final = (SMS, WHATSAPP, CLOUD, MESSENGER, INSTAGRAM, WECHAT, MAIL)
PASSWORD = "four quiet river stones"
REFUSED = 422  # of the page that shows a refusal and its reason
COMES_AGAIN_S = 4.0  # WeChat's pause before it comes again, a second shorter than the real one
_people = itertools.count(1)


class Desk:
    """A colleague's browser, signed in through the pages, with the token of the page it is on."""

    def __init__(self, day: Everywhere) -> None:
        self._day, self._csrf = day, ""
        self._browser = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), headers={"Origin": day.clinic.url})

    async def sign_in(self, name: str = "Priya", role: str = "front_desk") -> None:
        """Use the one-time link of a new account."""
        email = f"{name.lower()}.{secrets.token_hex(4)}@fenwicklane.example"
        env = self._day.clinic.processes["web"].env
        added = await asyncio.to_thread(hub, "staff", "add", email, "--name", name, "--role", role, env=env)
        link = LINK.search(added.out)
        assert link is not None, added.err
        await self.get(f"/welcome/{link[1]}")
        await self.post("/welcome", name=name, password=PASSWORD)
        await self.get("/inbox")

    async def get(self, path: str) -> str:
        async with self._browser.get(self._day.clinic.url + path) as answer:
            assert answer.status == 200, (path, answer.status)
            return self._seen(await answer.text())

    async def post(self, path: str, **fields: str) -> str:
        async with self._browser.post(self._day.clinic.url + path, data={"csrf": self._csrf, **fields}) as answer:
            assert answer.status in (200, REFUSED), (path, answer.status)
            return self._seen(await answer.text())

    async def answers(self, conversation_id: ConversationId, text: str, channel: Channel) -> str:
        """Type an answer into the conversation and send it; the page that comes back."""
        await self.get(f"/inbox/{conversation_id}")
        return await self.post(f"/inbox/{conversation_id}/reply", text=text, channel=channel.value)

    def _seen(self, page: str) -> str:
        if found := re.search(r'name="csrf" content="([^"]+)"', page):
            self._csrf = found[1]
        return page

    async def close(self) -> None:
        await self._browser.close()


class Everywhere(Day):
    """A day with every provider at hand. slack: what colleagues see there."""

    def __init__(self, clinic: Clinic, doubles: Sequence[Double], slack: SlackDouble, pool: Pool, session: aiohttp.ClientSession) -> None:
        self.twilio = next(d for d in doubles if isinstance(d, TwilioDouble))
        self.meta = next(d for d in doubles if isinstance(d, MetaDouble))
        self.wechat = next(d for d in doubles if isinstance(d, WeChatOnPhone))
        self.mail = next(d for d in doubles if isinstance(d, MailDouble))
        self.twilio.pace = self.meta.pace = PACE
        self.wechat.rest_s = COMES_AGAIN_S
        self.doubles, self.slack = doubles, slack
        self.lmtp_said: list[str] = []  # every answer to a mail, "" where the line was cut
        super().__init__(clinic, self.twilio, pool, session)

    # -- people

    def somebody(self, name: str = "Amy Fenn") -> Person:
        """A person nobody has heard from before."""
        return Person(key=f"p{next(_people)}{secrets.token_hex(3)}", name=name, number=self.person())

    def double_of(self, account: AccountId) -> Double:
        return next(d for d in self.doubles if any(a.id == account for a in d.accounts))

    def thread(self, person: Person, account: AccountId) -> list[Item]:
        """What the person sees on the channel, oldest first."""
        return list(self.double_of(account).thread(self.account(account), person))

    def heard(self, person: Person, account: AccountId) -> list[str]:
        """What we said to the person there, oldest first."""
        return [item.text for item in self.thread(person, account) if not item.mine]

    async def does(self, person: Person, account: AccountId, act: Act, *, within_s: float = 40) -> bool:
        """The person does it, and the provider tells the hub. False where the provider gave up, as only WeChat may."""
        double, there = self.double_of(account), self.account(account)
        deadline = asyncio.get_running_loop().time() + within_s
        answers = await double.act(there, person, act)
        while 200 not in answers and account != WECHAT:
            assert asyncio.get_running_loop().time() < deadline, f"never taken on {account}: {answers}"
            await asyncio.sleep(0.3)
            answers = await double.again(there, person)
        return 200 in answers

    async def says(self, person: Person, account: AccountId, text: str) -> bool:
        """The person writes; by mail through the clinic's mail server. As `does`."""
        if account == MAIL:
            await self.mails(person, text)
            return True
        return await self.does(person, account, Act(do=Do.WRITE, text=text))

    async def mails(self, person: Person, text: str, *, subject: str = "A question", to: str = "", answers: SentMail | None = None) -> None:
        """The person's mail comes to the clinic's mail server, which has checked it and hands it on by LMTP until it is taken."""
        there, from_ = self.account(MAIL), person.handle(Channel.EMAIL)
        mail = mail_letters.written(
            from_, to or there.sender, subject, text, name=person.name, html="", files=(), answers=answers.mail if answers else None,
            sid=f"{secrets.token_hex(12)}@patient.example", at=datetime.now(UTC),
        )  # fmt: skip
        raw = f"Authentication-Results: {RECEIVER}; dmarc=pass header.from=patient.example\r\n".encode() + mail.as_bytes(policy=policy.SMTP)
        await self.hands_on(raw, from_, str(mail["To"]))

    async def hands_on(self, raw: bytes, from_: str, to: str, *, within_s: float = 40) -> None:
        """Deliver by LMTP, again and again until it says that the mail is stored."""
        deadline = asyncio.get_running_loop().time() + within_s
        while True:
            said = await asyncio.to_thread(self.lmtp, raw, from_, to)
            self.lmtp_said.append(said)
            if said.startswith("250"):
                return
            assert asyncio.get_running_loop().time() < deadline, f"never taken: {self.lmtp_said[-5:]}"
            await asyncio.sleep(0.3)

    def lmtp(self, raw: bytes, from_: str, to: str) -> str:
        """One delivery: what was answered to the mail, "" where the line was cut or nobody listened."""
        try:
            talk = RawTalk(self.clinic.lmtp)
        except OSError:
            return ""
        try:
            talk.greet()
            return talk.mail(raw, [to.strip("<>")], sender=from_)[-1]
        except (OSError, AssertionError):
            return ""
        finally:
            talk.close()

    # -- the records

    async def conversation_of(self, person: Person, account: AccountId) -> ConversationId:
        """The one conversation of this person. Raises AssertionError when there are several."""
        sql = "SELECT DISTINCT c.id FROM conversation c JOIN identity i USING (contact_id) WHERE i.address_hash = ANY($1)"
        found = await self.rows(sql, self._hashes(person, account))
        assert len(found) == 1, f"{len(found)} conversations on {account}"
        return ConversationId(found[0]["id"])

    async def contact_of(self, person: Person, account: AccountId) -> ContactId:
        """Whom the hub takes this person for. Raises AssertionError when it takes them for several."""
        found = await self.rows("SELECT DISTINCT contact_id FROM identity WHERE address_hash = ANY($1)", self._hashes(person, account))
        assert len(found) == 1, f"{len(found)} contacts on {account}"
        return ContactId(found[0]["contact_id"])

    def _hashes(self, person: Person, account: AccountId) -> list[bytes]:
        return list(self.clinic.settings.hasher.hashes(person.address(self.account(account))))

    async def quiet(self, *, within_s: float = 40) -> None:
        await super().quiet(within_s=within_s)
        await self.meta.settled()

    def doubled(self) -> list[str]:
        """Ids of ours that any provider took on more than once."""
        mails = [sid for sid, count in self.mail.counts.items() if count > 1]
        templates = [id for id, count in self.wechat.counts.items() if count > 1]
        return [*self.twilio.doubled(), *self.meta.doubled(), *mails, *templates, *self.slack.doubled()]


@asynccontextmanager
async def everywhere(clinic: Clinic) -> AsyncIterator[Everywhere]:
    """Fresh doubles on the clinic's sandbox ports, and connections of the test's own."""
    settings = clinic.settings
    doubles, slack = doubles_of(settings), slack_of(settings)
    assert slack is not None
    pool = await open_pool(settings.database_url or "", min_size=1, max_size=4)
    try:
        async with AsyncExitStack() as stack:
            base = f"http://127.0.0.1:{settings.sandbox_port}"
            for double in doubles:
                await stack.enter_async_context(double.open(base))
            await stack.enter_async_context(slack.open(base))
            await stack.enter_async_context(_served([*(r for d in doubles for r in d.routes()), *slack.routes()], settings.sandbox_port))
            timeout = aiohttp.ClientTimeout(total=15, connect=5)
            session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout, trust_env=False))
            yield Everywhere(clinic, doubles, slack, pool, session)
    finally:
        pool.terminate()


@asynccontextmanager
async def _served(routes: Sequence[web.RouteDef], port: int) -> AsyncIterator[None]:
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield
    finally:
        await runner.cleanup()
