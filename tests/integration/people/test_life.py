"""The whole life of people, in any order: write, consent, stop, start, merge, part, import, be erased, come back (promise P5).

Beside the store runs a slow, obvious model: sets of what stands against each address and each person. After every
step the facts the judge would be given must be exactly those of the model, and what it allows must be allowed there.
"""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections import defaultdict
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from hub import wordings
from hub.model.address import Channel
from hub.model.ids import ContactId, ConversationId, IdentityId, uuid7
from hub.model.permission import ContentFacts, Kind, Scope, Selection
from hub.people.erasure import erase
from hub.people.importing import Importer, import_contacts, import_suppressions
from hub.people.merge import CannotMerge, merge, unmerge
from hub.policy.consent import derive
from hub.policy.permission import decide
from hub.settings import Settings
from hub.store import consents, facts
from hub.store import wordings as archive
from hub.store.pool import open_pool
from tests.conftest import NOW
from tests.integration.people.helpers import CLEAN, box, fills_in, phone
from tests.world import SMS, WHATSAPP, StandingClock, World, world

Standing = tuple[str, str | None]  # (scope, channel)
ALL_MARKETING: Standing = (Scope.ALL_MARKETING, None)
ALL_CONTACT: Standing = (Scope.ALL_CONTACT, None)
ACCOUNTS = {Channel.SMS: SMS, Channel.WHATSAPP: WHATSAPP}
MARKETING = ContentFacts(
    **{f: getattr(CLEAN, f) for f in CLEAN.__slots__ if f not in ("promo", "interests")}, promo=True, interests=("skin",)
)
_numbers = itertools.count(7_700_900_200)
Done = TypeVar("Done")


@dataclass
class Model:
    """Who forbade what. by_person and by_address hold what stands; whoever is both is bound by both."""

    by_person: dict[UUID, set[Standing]] = field(default_factory=lambda: defaultdict(set))
    by_address: dict[str, set[Standing]] = field(default_factory=lambda: defaultdict(set))
    ticked: set[str] = field(default_factory=set)  # numbers for which the box was ticked
    proven: set[str] = field(default_factory=set)  # of these, the ones somebody wrote from since

    def against(self, person: UUID, address: str) -> set[Standing]:
        return self.by_person[person] | self.by_address[address]

    def share(self, giver: UUID, taker: UUID, addresses: set[str]) -> None:
        """All that stands against the giver, by name or by any of these addresses, stands against the taker."""
        self.by_person[taker] |= self.by_person[giver].union(*(self.by_address[a] for a in addresses))

    def stop(self, person: UUID, sender: str, channel: Channel, effects: set[Standing], held: dict[str, set[str]]) -> None:
        """held: the person's addresses, each with the channels it is known on."""
        for effect in effects:
            self.by_person[person].add(effect)
            for address, channels in held.items():
                if effect[1] is None or effect[1] in channels or address == sender:
                    self.by_address[address].add(effect)

    def start(self, person: UUID, sender: str, channel: Channel) -> None:
        self.by_person[person].discard((Scope.CHANNEL, channel))
        self.by_address[sender].discard((Scope.CHANNEL, channel))


def covers(standing: set[Standing], channel: Channel) -> bool:
    return ALL_CONTACT in standing or (Scope.CHANNEL, channel) in standing


@dataclass(frozen=True)
class Ground:
    """What all lives of a run share: one database, and the loop that its connections live in."""

    runner: asyncio.Runner
    clinic: World
    clock: StandingClock
    folder: Path


@pytest.fixture
def ground(template_database: str, settings: Settings) -> Iterator[Ground]:
    from tests.conftest import with_database

    name = f"hub_test_life_{uuid7().hex[:12]}"
    clock = StandingClock(NOW)

    async def open_all(stack: AsyncExitStack) -> World:
        import asyncpg

        admin = await asyncpg.connect(template_database)
        stack.push_async_callback(admin.close)
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE hub_template")
        stack.push_async_callback(admin.execute, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        pool = await open_pool(with_database(template_database, name), min_size=1, max_size=4)
        stack.callback(pool.terminate)
        async with pool.acquire() as conn:
            await archive.register(conn, wordings.load(settings.config_dir / "wordings").entries)
        return await stack.enter_async_context(world(pool, settings, clock))

    with asyncio.Runner() as runner, tempfile.TemporaryDirectory() as folder:
        stack = AsyncExitStack()
        clinic = runner.run(open_all(stack))
        try:
            yield Ground(runner, clinic, clock, Path(folder))
        finally:
            runner.run(stack.aclose())


class Lives(RuleBasedStateMachine):
    """Two telephones and everything that may happen to whoever holds them."""

    ground: Ground

    def run(self, work: Coroutine[Any, Any, Done]) -> Done:
        return self.ground.runner.run(work)

    @initialize()
    def two_numbers(self) -> None:
        self.model = Model()
        self.numbers = [f"+44{next(_numbers)}" for _ in range(2)]
        self.hashes = {self.ground.clinic.settings.hasher.hash(phone(n)): n for n in self.numbers}
        self.merged: dict[UUID, UUID] = {}  # the merged contact -> the one it went into

    def identities(self) -> list[tuple[UUID, UUID, str, str]]:
        """(identity, contact, number, channel) of everybody here, as the store has it."""
        rows = self.run(
            self.ground.clinic.rows(
                "SELECT i.id, contact_id, address_hash, channel FROM identity i JOIN contact c ON c.id = contact_id"
                " WHERE address_hash = ANY($1) AND c.erasure <> 'done' AND c.merged_into IS NULL ORDER BY i.id",
                list(self.hashes),
            )
        )
        return [(r["id"], r["contact_id"], self.hashes[r["address_hash"]], r["channel"]) for r in rows]  # type: ignore[misc,index]

    def held_by(self, person: UUID) -> dict[str, set[str]]:
        held: dict[str, set[str]] = defaultdict(set)
        for _, contact, number, channel in self.identities():
            if contact == person:
                held[number].add(channel)
        return held

    def latest_contact(self) -> UUID:
        return self.run(self.ground.clinic.value("SELECT contact_id FROM message WHERE direction = 'inbound' ORDER BY id DESC LIMIT 1"))  # type: ignore[return-value]

    def people(self) -> list[UUID]:
        return sorted({contact for _, contact, _, _ in self.identities()})

    @rule(
        who=st.integers(0, 1),
        channel=st.sampled_from(sorted(ACCOUNTS)),
        words=st.sampled_from(["Hello there", "STOP", "never contact me again", "START"]),
    )
    def somebody_writes(self, who: int, channel: Channel, words: str) -> None:
        self.ground.clock.forward(minutes=1)
        number, before = self.numbers[who], self.identities()
        self.run(self.ground.clinic.writes(words, phone=number, account=ACCOUNTS[channel]))
        person = self.latest_contact()
        if self.gained(person, before):
            self.model.share(person, person, set(self.held_by(person)))
        if number in self.model.ticked:
            self.model.proven.add(number)
        bare = {(Scope.CHANNEL, channel), ALL_MARKETING}
        effects = {"STOP": bare, "never contact me again": {ALL_CONTACT}}.get(words)
        if effects:
            self.model.stop(person, number, channel, effects, self.held_by(person))
        elif words == "START":
            self.model.start(person, number, channel)

    def gained(self, person: UUID, before: list[tuple[UUID, UUID, str, str]]) -> bool:
        """A person we knew comes with an address, or a channel for it, that we did not know to be theirs."""
        known = {row[0] for row in before}
        return any(c == person for _, c, _, _ in before) and any(c == person and i not in known for i, c, _, _ in self.identities())

    @rule(who=st.integers(0, 1), ticks=st.booleans(), words=st.sampled_from(["Hello there", "stop texting me"]))
    def somebody_fills_in_the_form(self, who: int, ticks: bool, words: str) -> None:
        self.ground.clock.forward(minutes=1)
        number = self.numbers[who]
        boxes = (box(Channel.SMS),) if ticks else ()
        self.run(fills_in(self.ground.clinic, event_id=uuid7().hex, number=number, text=words, consents=boxes, birth_date="1990-01-01"))
        if words == "stop texting me":
            person = self.latest_contact()
            self.model.stop(person, number, Channel.SMS, {(Scope.CHANNEL, Channel.SMS), ALL_MARKETING}, self.held_by(person))
        if ticks:
            self.model.ticked.add(number)
            self.model.proven.discard(number)

    @precondition(lambda self: len(self.people()) > 1)
    @rule(data=st.data())
    def staff_join_two(self, data: st.DataObject) -> None:
        kept, gone = data.draw(st.permutations(self.people()))[:2]
        theirs = {person: set(self.held_by(person)) for person in (kept, gone)}
        self.ground.clock.forward(minutes=1)
        self.run(self.acting(merge, kept=ContactId(kept), merged=ContactId(gone)))
        self.model.share(kept, gone, theirs[kept])
        self.model.share(gone, kept, theirs[gone])
        self.merged[gone] = kept

    async def acting(self, act: Any, *people: Any, **named: Any) -> None:
        async with self.ground.clinic.pool.acquire() as conn, conn.transaction():
            await act(conn, *people, **named, now=self.ground.clock(), actor="staff:x")

    @precondition(lambda self: self.merged)
    @rule(data=st.data())
    def staff_part_them(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(sorted(self.merged)))
        kept = self.merged[gone]
        theirs = set(self.held_by(kept))
        self.ground.clock.forward(minutes=1)
        try:
            self.run(self.acting(unmerge, ContactId(gone)))
        except CannotMerge:
            return  # the one it went into went into another since
        self.model.share(kept, gone, theirs)
        del self.merged[gone]

    @precondition(lambda self: self.people())
    @rule(data=st.data())
    def somebody_is_erased(self, data: st.DataObject) -> None:
        person = data.draw(st.sampled_from(self.people()))
        for number in self.held_by(person):
            self.model.by_address[number] |= self.model.by_person[person]
        self.run(self.acting(erase, ContactId(person)))
        self.merged = {gone: kept for gone, kept in self.merged.items() if person not in (gone, kept)}

    @rule(who=st.integers(0, 1), channel=st.sampled_from([None, *sorted(ACCOUNTS)]))
    def a_list_of_stops_comes(self, who: int, channel: Channel | None) -> None:
        self.ground.clock.forward(minutes=1)
        number = self.numbers[who]
        effect: Standing = (Scope.CHANNEL, channel) if channel else ALL_MARKETING
        said = self.ground.clock().isoformat()
        self.bring(import_suppressions, f"phone,scope,channel,date\n{number},{effect[0]},{channel or ''},{said}\n")
        self.model.by_address[number].add(effect)
        for person in self.people():
            if number in self.held_by(person):
                self.model.by_person[person].add(effect)

    @rule(who=st.integers(0, 1))
    def a_list_of_people_comes(self, who: int) -> None:
        self.ground.clock.forward(minutes=1)
        number = self.numbers[who]
        statement = self.ground.folder / "statement.txt"
        statement.write_text("There is no list of suppressions for these people.")
        head = (
            "name,email,phone,consent_purpose,consent_channel,consent_wording,consent_date,consent_source,consent_control,consent_confirmed"
        )
        self.bring(import_contacts, f"{head}\nAmy,,{number},,,,,,,\n", statement=statement)
        for person in self.people():
            if number in self.held_by(person):
                self.touched_by_import(person)

    def touched_by_import(self, person: UUID) -> None:
        """The list went to one holder of the number, which the store chose; for a holder it did not choose nothing may have changed."""
        held = {(r["scope"], r["channel"]) for r in self.run(self.ground.clinic.rows(_BY_NAME, person))}
        if held != self.model.by_person[person]:
            self.model.share(person, person, set(self.held_by(person)))

    def bring(self, act: Any, text: str, **more: Path) -> None:
        path = self.ground.folder / "list.csv"
        path.write_text(text, encoding="utf-8")

        async def read() -> None:
            clinic = self.ground.clinic
            async with clinic.pool.acquire() as conn:
                report = await act(
                    Importer(conn=conn, hasher=clinic.settings.hasher, clock=clinic.clock, actor="system:terminal", source="old"),
                    path,
                    **more,
                )
            assert report.bad == []

        self.run(read())

    @invariant()
    def the_judge_is_told_what_they_said(self) -> None:
        if not hasattr(self, "model"):
            return
        for identity, contact, number, channel in self.identities():
            said = self.model.against(contact, number)
            found = self.run(self.facts(identity, contact, Channel(channel), Kind.RPL))
            assert {(s.scope, s.channel) for s in found.suppressions or ()} == said
            if covers(said, Channel(channel)):
                assert not decide(found, self.ground.clinic.settings.policy).allowed
            if channel == Channel.SMS and self.run(self.marketing_allowed(identity, contact)):
                assert not said & {ALL_MARKETING, ALL_CONTACT, (Scope.CHANNEL, Channel.SMS)}
                assert number in self.model.proven

    async def facts(self, identity: UUID, contact: UUID, channel: Channel, kind: Kind) -> facts.Facts:
        ask = facts.Ask(
            conversation_id=ConversationId(uuid7()),
            contact_id=ContactId(contact),
            identity_id=IdentityId(identity),
            channel=channel,
            kind=kind,
            account_id="test",
            content=CLEAN if kind is Kind.RPL else MARKETING,
            route_ok=True,
            reply_window_h=None,
            purpose="newsletter",
        )
        async with self.ground.clinic.pool.acquire() as conn:
            [found] = await facts.gather(conn, [ask], now=self.ground.clock())
        return found

    async def marketing_allowed(self, identity: UUID, contact: UUID) -> bool:
        """With everything else as the judge wants it, so that only consent and stops can refuse."""
        found = await self.facts(identity, contact, Channel.SMS, Kind.MKT)
        async with self.ground.clinic.pool.acquire() as conn:
            events = (await consents.of_contacts(conn, [ContactId(contact)])).get(ContactId(contact), [])
            wrote = {h: self.ground.clock() for h, n in self.hashes.items() if n in self.model.proven}
        given = derive(events, now=self.ground.clock(), written_from=wrote)
        env = replace(found.env, marketing_sent_7d=0, marketing_sent_30d=0, campaign_already_sent=False)
        full = replace(found, consents=given, selection=Selection.DECLARED_INTEREST, age=36, age_confirmed=True, env=env, objections=())
        return decide(full, self.ground.clinic.settings.policy).allowed


_BY_NAME = "SELECT DISTINCT scope, channel FROM suppression WHERE contact_id = $1 AND lifted_at IS NULL"


def test_no_life_makes_a_stop_weaker(ground: Ground) -> None:
    Lives.ground = ground
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Lives,
        settings=settings(
            max_examples=40,
            stateful_step_count=20,
            deadline=None,
            phases=[Phase.generate],  # shrinking costs minutes here; a life of twenty steps can be read as it is
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
