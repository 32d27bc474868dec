"""Mail through the gate to a real SMTP server: threads, stops, unknown outcomes. The judge is asked as for every channel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

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

    async def amy_writes(
        self, subject: str = "Opening hours", message_id: str = "q1@patient.example", *, from_: str = AMY
    ) -> ConversationId:
        """She writes, with DMARC passed. from_: somebody else does."""
        words = Sealed("Are you open on Sunday?")
        detail = MailDetail(subject=Sealed(subject), whole_text=words, own_text=words, message_id=message_id, trusted=True)
        event = InboundMessage(
            account_id=self.own.id,
            channel=Channel.EMAIL,
            provider_event_id=message_id,
            senders=(Address(kind=AddressClass.EMAIL, value=Sealed(from_)),),
            sent_at=self.clock(),
            text=words,
            mail=detail,
        )
        await self.world.takes([event], account=self.own.id)
        return ConversationId(await self.world.value("SELECT id FROM conversation ORDER BY id DESC LIMIT 1"))  # type: ignore[arg-type]

    async def staff_answer(self, conversation: ConversationId, text: str = "Yes, from ten to four.") -> str:
        draft = Draft(
            conversation_id=conversation, kind=Kind.RPL, channel=Channel.EMAIL, text=Sealed(text), written_by=None, send_after=self.clock()
        )
        async with self.world.pool.acquire() as conn, conn.transaction():
            queued = await queue(conn, draft, now=self.clock(), settings=self.world.settings)
        return queued.decision.reason

    async def deliver(self, *, in_flight: int = 64) -> int:
        async with open_transport(self.own) as transport:
            out = Delivery(
                self.world.pool,
                self.own,
                ADAPTERS["email"],
                transport,
                policy=self.world.settings.policy,
                clock=self.clock,
                in_flight=in_flight,
            )
            return await out.run(deadline_s=5, linger_s=0.05)


@pytest.fixture
async def mails(pool: Pool, settings: Settings) -> AsyncIterator[Mails]:
    async with _clinic(pool, settings) as opened:
        yield opened


class RunningClock(StandingClock):
    """A clock that goes on from where it was set."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self._began = time.monotonic()

    def __call__(self) -> datetime:
        return self.now + timedelta(seconds=time.monotonic() - self._began)


@asynccontextmanager
async def _clinic(pool: Pool, settings: Settings, clock: StandingClock | None = None, **options: object) -> AsyncIterator[Mails]:
    clock = clock or StandingClock(NOW)
    async with MailDouble(clock=clock).serve() as double:
        own = account(double.port, **options)
        double.own(own)
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
    """The stop takes the person's locks first and is held there; a claim that did not wait for it would let the mail go."""
    conversation = await mails.amy_writes()
    await mails.staff_answer(conversation)
    contact = await mails.world.value("SELECT contact_id FROM conversation LIMIT 1")
    async with mails.world.pool.acquire() as conn, conn.transaction():
        await conn.execute("SELECT 1 FROM address FOR NO KEY UPDATE")
        await conn.execute("SELECT 1 FROM contact WHERE id = $1 FOR NO KEY UPDATE", contact)
        delivering = asyncio.create_task(mails.deliver())
        await a_lock_is_waited_for(mails)
        await conn.execute(
            "INSERT INTO suppression (id, contact_id, scope, occurred_at, recorded_at, source)"
            " VALUES (gen_random_uuid(), $1, 'ALL_CONTACT', $2, $2, 'unsubscribe_page')",
            contact,
            mails.clock(),
        )
    await delivering
    assert mails.double.sent == []
    assert await mails.world.statuses() == ["refused"]


async def a_lock_is_waited_for(mails: Mails) -> None:
    for _ in range(500):
        if await mails.world.value("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits for the locks a stop holds")


async def test_stops_that_race_sends_are_never_overtaken(pool: Pool, settings: Settings) -> None:
    """Real time, real intake, a server that takes its time: no claim that read its facts after a stop was stored let a mail go."""
    async with _clinic(pool, settings, RunningClock(NOW), smtp_connections=2) as mails:
        mails.double.trouble(Trouble.SLOW, times=None, wait_s=0.01)
        people = [f"p{n}@patient.example" for n in range(40)]
        for n, person in enumerate(people):
            await mails.staff_answer(await mails.amy_writes(message_id=f"m{n}@patient.example", from_=person))
        contacts = [r["contact_id"] for r in await mails.world.rows("SELECT contact_id FROM conversation ORDER BY id")]

        stored: dict[object, datetime] = {}

        async def stop_them() -> None:
            for n, contact in enumerate(reversed(contacts)):  # meeting the sends half-way
                await mails.world.takes([ends_all(mails, contact, n)], account=mails.own.id)
                stored[contact] = mails.clock()

        await asyncio.gather(stop_them(), mails.deliver(in_flight=4))
        claims = await mails.world.rows("SELECT contact_id, outcome, asked_at FROM decision WHERE phase = 'claim'")
        late = {str(r["outcome"]) for r in claims if stored[r["contact_id"]] < r["asked_at"]}  # type: ignore[operator]
        assert late == {"REFUSE"}, "empty: the race was not run, since no stop came before its claim"
        allowed = await mails.world.value("SELECT count(*) FROM message WHERE status = 'accepted'")
        assert len(mails.double.sent) == allowed


def ends_all(mails: Mails, contact: object, n: int) -> PreferenceChange:
    return PreferenceChange(
        account_id=mails.own.id,
        channel=Channel.EMAIL,
        provider_event_id=f"unsubscribe_page:{n}",
        senders=(),
        occurred_at=mails.clock(),
        stop=True,
        whole_channel=False,
        source="unsubscribe_page",
        contact_id=contact,  # type: ignore[arg-type]
        nothing_at_all=True,
    )


async def test_behind_a_slow_server_every_mail_begins_within_a_second_of_its_decision(pool: Pool, settings: Settings) -> None:
    async with _clinic(pool, settings, RunningClock(NOW), smtp_connections=1) as mails:
        mails.double.trouble(Trouble.SLOW, times=None, wait_s=0.35)
        for n in range(7):
            await mails.staff_answer(await mails.amy_writes(message_id=f"m{n}@patient.example", from_=f"p{n}@patient.example"))
        assert await mails.deliver() >= 7
        asked = {
            f"ob-{r['id'].hex}@clinic.example": r["asked_at"]  # type: ignore[attr-defined]
            for r in await mails.world.rows("SELECT m.id, d.asked_at FROM message m JOIN decision d ON d.id = m.decision_id")
        }
        assert len(mails.double.sent) == 7
        late = [sent.at - asked[sent.sid] for sent in mails.double.sent]  # type: ignore[operator]
        assert max(late) < timedelta(seconds=1.2)


async def test_a_mail_waits_for_a_server_that_is_away_and_is_decided_anew_each_time(pool: Pool, settings: Settings) -> None:
    async with _clinic(pool, settings) as mails:
        conversation = await mails.amy_writes()
        await mails.staff_answer(conversation)
        mails.double.trouble(Trouble.SERVER_ERROR, times=20)
        waits = []
        for _ in range(20):
            await mails.deliver()
            assert await mails.world.statuses() == ["queued"]
            due = await mails.world.value("SELECT send_after FROM message WHERE direction = 'outbound'")
            waits.append((due - mails.clock()).total_seconds())  # type: ignore[operator]
            mails.clock.now = due  # type: ignore[assignment]
        assert waits == sorted(waits, key=lambda s: min(s, 1800)), "waits grow"
        assert sum(waits) > 5 * 3600
        assert await mails.world.value("SELECT count(*) FROM decision WHERE phase = 'claim' AND outcome = 'ALLOW'") == 20
        await mails.deliver()
        assert await mails.world.statuses() == ["accepted"]
        assert len(mails.double.sent) == 1


async def test_a_stop_while_a_mail_waits_for_its_server_keeps_it_here(mails: Mails) -> None:
    await mails.staff_answer(await mails.amy_writes())
    mails.double.trouble(Trouble.SERVER_ERROR)
    await mails.deliver()
    contact = await mails.world.value("SELECT contact_id FROM conversation LIMIT 1")
    await mails.world.takes([ends_all(mails, contact, 1)], account=mails.own.id)
    mails.clock.forward(hours=1)
    await mails.deliver()
    assert await mails.world.statuses() == ["refused"]
    assert mails.double.sent == []
