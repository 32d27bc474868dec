"""Mail through the gate to a real SMTP server: threads, stops, unknown outcomes. The judge is asked as for every channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from channels.mail.account import site_of
from channels.mail.reader import read_mail
from channels.mail.transport import open_transport
from channels.registry import ADAPTERS
from channels.sandbox.mail import MailDouble
from channels.sandbox.values import Trouble
from hub.gate import Draft, queue
from hub.gate.deliver import Delivery
from hub.model.address import Address, AddressClass, Channel
from hub.model.ids import ConversationId
from hub.model.message import Account, InboundMessage, MailDetail, PreferenceChange
from hub.model.permission import Kind
from hub.model.sealed import Sealed
from hub.settings import Settings
from hub.store.pool import Pool
from tests.integration.mail_out.letters import AMY, NOW, account
from tests.world import StandingClock, World, world


@dataclass
class Mails:
    """A clinic with one mail account on a real server."""

    world: World
    double: MailDouble
    own: Account
    clock: StandingClock

    async def amy_writes(self, subject: str = "Opening hours", message_id: str = "q1@patient.example") -> ConversationId:
        """She writes, with DMARC passed."""
        words = Sealed("Are you open on Sunday?")
        detail = MailDetail(subject=Sealed(subject), whole_text=words, own_text=words, message_id=message_id, trusted=True)
        event = InboundMessage(
            account_id=self.own.id,
            channel=Channel.EMAIL,
            provider_event_id=message_id,
            senders=(self.address(),),
            sent_at=self.clock(),
            text=words,
            mail=detail,
        )
        await self.world.takes([event], account=self.own.id)
        return ConversationId(await self.world.value("SELECT id FROM conversation ORDER BY id DESC LIMIT 1"))  # type: ignore[arg-type]

    def address(self) -> Address:
        return Address(kind=AddressClass.EMAIL, value=Sealed(AMY))

    async def staff_answer(self, conversation: ConversationId, text: str = "Yes, from ten to four.") -> str:
        draft = Draft(
            conversation_id=conversation, kind=Kind.RPL, channel=Channel.EMAIL, text=Sealed(text), written_by=None, send_after=self.clock()
        )
        async with self.world.pool.acquire() as conn, conn.transaction():
            queued = await queue(conn, draft, now=self.clock(), settings=self.world.settings)
        return queued.decision.reason

    async def deliver(self) -> int:
        async with open_transport(self.own) as transport:
            out = Delivery(
                self.world.pool,
                self.own,
                ADAPTERS["email"],
                transport,
                policy=self.world.settings.policy,
                clock=self.clock,
            )
            return await out.run(deadline_s=5, linger_s=0.05)


@pytest.fixture
async def mails(pool: Pool, settings: Settings) -> AsyncIterator[Mails]:
    async with _clinic(pool, settings) as opened:
        yield opened


@asynccontextmanager
async def _clinic(pool: Pool, settings: Settings) -> AsyncIterator[Mails]:
    async with MailDouble().serve() as double:
        own = account(double.port)
        double.own(own)
        clock = StandingClock(NOW)
        async with world(pool, replace(settings, accounts={**settings.accounts, own.id: own}), clock) as opened:
            yield Mails(world=opened, double=double, own=own, clock=clock)


async def test_an_answer_carries_the_thread_and_finds_its_way_back(mails: Mails) -> None:
    conversation = await mails.amy_writes("Re: AW: Opening hours")
    await mails.staff_answer(conversation)
    assert await mails.deliver() == 1
    [first] = mails.double.sent
    assert first.subject == "Re: Opening hours"
    assert first.mail["In-Reply-To"] == "<q1@patient.example>"
    assert first.mail["References"] == "<q1@patient.example>"
    assert first.mail["Auto-Submitted"] is None
    assert first.mail["List-Unsubscribe"] is None
    mails.clock.forward(minutes=5)
    await mails.amy_writes("Re: Opening hours", "q2@patient.example")
    await mails.staff_answer(conversation, "See you then.")
    await mails.deliver()
    second = mails.double.sent[-1]
    assert second.mail["In-Reply-To"] == "<q2@patient.example>"
    assert second.mail["References"].split() == ["<q1@patient.example>", f"<{first.sid}>", "<q2@patient.example>"]
    answer = f"From: {AMY}\r\nTo: {second.mail['Reply-To']}\r\nSubject: Re\r\nMessage-ID: <q3@patient.example>\r\n\r\nThanks\r\n"
    read = read_mail(answer.encode(), site=site_of(mails.own))
    assert read.conversation_token is not None


async def test_a_lost_answer_is_unknown_and_never_sent_again(mails: Mails) -> None:
    conversation = await mails.amy_writes()
    await mails.staff_answer(conversation)
    mails.double.trouble(Trouble.DROP_AFTER)
    await mails.deliver()
    assert await mails.world.statuses() == ["unknown"]
    mails.clock.now += timedelta(hours=1)
    assert await mails.deliver() == 0
    assert list(mails.double.counts.values()) == [1]


async def test_nobody_at_the_address_marks_it_and_the_next_answer_is_refused(mails: Mails) -> None:
    conversation = await mails.amy_writes()
    await mails.staff_answer(conversation)
    mails.double.trouble(Trouble.REFUSED, code=550)
    await mails.deliver()
    assert await mails.world.statuses() == ["failed"]
    assert await mails.world.value("SELECT state FROM address WHERE hash = (SELECT address_hash FROM identity LIMIT 1)") == "invalid"
    await mails.staff_answer(conversation, "Once more")
    assert await mails.world.statuses() == ["failed", "refused"]


async def test_a_stop_stored_while_the_mail_waits_is_honoured(mails: Mails) -> None:
    conversation = await mails.amy_writes()
    await mails.staff_answer(conversation)
    contact = await mails.world.value("SELECT contact_id FROM conversation LIMIT 1")
    stop = PreferenceChange(
        account_id=mails.own.id,
        channel=Channel.EMAIL,
        provider_event_id="unsubscribe_page:1",
        senders=(),
        occurred_at=mails.clock(),
        stop=True,
        whole_channel=False,
        source="unsubscribe_page",
        contact_id=contact,  # type: ignore[arg-type]
        nothing_at_all=True,
    )
    await asyncio.gather(mails.world.takes([stop], account=mails.own.id), mails.deliver())
    late = await mails.world.value(
        """
        SELECT count(*) FROM message m JOIN decision d ON d.id = m.decision_id AND d.outcome = 'ALLOW' AND d.phase = 'claim'
        JOIN suppression s ON s.contact_id = m.contact_id WHERE s.recorded_at < d.asked_at
        """
    )
    assert late == 0
    await mails.staff_answer(conversation, "One more thing")
    await mails.deliver()
    assert (await mails.world.statuses())[-1] == "refused"
