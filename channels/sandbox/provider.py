"""What the doubles of webhook providers share: what they keep, how reports come, how webhooks go astray, how they are served.

It knows no provider's words; those that do are `twilio` and `meta`.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Generic, Protocol, Self, TypeVar

from aiohttp import web

from channels.sandbox.doubles import Button, CannotDo, Diary, Item, Note, Person, Standing
from channels.sandbox.values import AT_DELIVERY, Changes, Rule, Trouble, Troubles
from hub.model.message import Account

KEEP_COUNTS: Final = 1_000_000
MAX_MEDIA_KEPT: Final = 200
LAST_KEPT: Final = 1000
STANDINGS: Final = {
    "queued": Standing.ACCEPTED,
    "sent": Standing.SENT,
    "delivered": Standing.DELIVERED,
    "read": Standing.READ,
    "undelivered": Standing.LOST,
    "failed": Standing.LOST,
}
Pair = tuple[str, str]  # our sender and the person, as the provider spells them
Deliver = Callable[[int, bool], Awaitable[list[int]]]  # copies, forged -> the HTTP status of each copy


class Sent(Protocol):
    """As much of an accepted message as is the same everywhere. message_id: the hub's own, where it told one."""

    sid: str
    to: str
    body: str
    status: str

    @property
    def pair(self) -> Pair: ...
    @property
    def message_id(self) -> str | None: ...


M = TypeVar("M", bound=Sent)


class ProviderDouble(ABC, Generic[M]):
    """One provider. reach: (public URL of the hub, where it really is). statuses: whether reports are sent at all. pace:
    multiplies every delay; 0 for none. window: how long after a person's last message free answers pass; None for always.
    keep: how many messages are kept. clock: aware UTC.
    """

    name: str
    title: str
    offers: frozenset[Trouble]
    delays: ClassVar[Mapping[str, float]]  # seconds after the send at which each report comes, at pace 1

    def __init__(self, *, statuses: bool, pace: float, window: timedelta | None, keep: int, clock: Callable[[], datetime]) -> None:
        self.statuses, self.pace, self.window, self.clock = statuses, pace, window, clock
        self.base_url = ""
        self.messages: OrderedDict[str, M] = OrderedDict()
        self.counts: OrderedDict[str, int] = OrderedDict()  # our message id -> sends accepted
        self.media: OrderedDict[str, tuple[str, bytes]] = OrderedDict()  # by id or path: type and content
        self.last_written: dict[Pair, datetime] = {}
        self.changes, self.troubles, self.diary = Changes(), Troubles(), Diary(keep)
        self.closing = asyncio.Event()
        self.owned: dict[str, Account] = {}
        self._keep = keep
        self._last: OrderedDict[Pair, Deliver] = OrderedDict()
        self._held: list[asyncio.Event] = []
        self._tasks: set[asyncio.Task[Any]] = set()

    # -- for tests, benches and the practice phone

    @property
    def accounts(self) -> Sequence[Account]:
        """The accounts it was given with `own`."""
        return list(self.owned.values())

    @property
    def sent(self) -> list[M]:
        """What was accepted, oldest first, the last `keep` of it."""
        return list(self.messages.values())

    @property
    def media_host(self) -> str:
        """Host and port, for the account option of the same name."""
        return self.base_url.removeprefix("http://")

    def sends_of(self, message_id: object) -> int:
        """How many sends were accepted for one message of ours."""
        return self.counts.get(str(message_id), 0)

    def doubled(self) -> list[str]:
        """Our message ids that were accepted more than once."""
        return [message_id for message_id, count in self.counts.items() if count > 1]

    def trouble(
        self,
        kind: Trouble,
        *,
        to: str | None = None,
        sender: str | None = None,
        times: int | None = 1,
        code: int | None = None,
        wait_s: float = 1.0,
    ) -> None:
        """Ask for trouble. to, sender: None for anybody. times: None for ever. wait_s: Retry-After, or how late."""
        self.troubles.add(Rule(trouble=kind, to=to, sender=sender, left=times, code=code, wait_s=wait_s))

    @abstractmethod
    def pair_of(self, account: Account, handle: str) -> Pair:
        """An account's sender and a person (`Person.handle`), as this provider spells both."""

    def menu(self, account: Account) -> Sequence[Button]:
        """No menu, unless a provider has one."""
        return ()

    def thread(self, account: Account, person: Person) -> Sequence[Item]:
        """What the person sees there, oldest first."""
        return self.diary.between(self.pair_of(account, person.handle(account.channel)))

    def notes(self, account: Account, person: Person) -> Sequence[Note]:
        """What was done or seen about the two, and about everybody."""
        pair = self.pair_of(account, person.handle(account.channel))
        return [note for note in self.diary.notes if note.pair in (None, pair)]

    def note(self, title: str, detail: str, pair: Pair | None = None, *, alarm: bool = False) -> None:
        """Put down what happened."""
        self.diary.notes.append(Note(at=self.clock(), title=title, detail=detail, pair=pair, alarm=alarm))
        self.changes.notify()

    async def again(self, account: Account, person: Person) -> list[int]:
        """Deliver the person's last event once more, unchanged. Raises CannotDo when there is none."""
        pair = self.pair_of(account, person.handle(account.channel))
        if (deliver := self._last.get(pair)) is None:
            raise CannotDo("Write a message first.")
        answers = await deliver(1, False)
        if pair in self._last and (item := self._latest_of(pair)) is not None:
            self.settle(item, answers)
        return answers

    def _latest_of(self, pair: Pair) -> Item | None:
        return next((item for item in reversed(self.diary.between(pair)) if item.mine), None)

    # -- what people do

    async def tell(self, pair: Pair, deliver: Deliver, *, item: Item | None = None, copies: int = 1) -> list[int]:
        """Let the hub hear of what a person did, as trouble will have it. item: the message it is, to be marked with the outcome."""
        self._last[pair] = deliver
        while len(self._last) > LAST_KEPT:
            self._last.popitem(last=False)
        self.changes.notify()
        if self._take(Trouble.FORGED, pair):
            answers = await deliver(1, True)
            self.note("A message with a wrong signature was tried", f"The hub answered {_spelt(answers)}", pair, alarm=True)
        else:
            await self._delay(pair)
            if self._take(Trouble.TRIPLE, pair):
                copies = 3
            answers = await deliver(copies, False)
            if copies > 1:
                self.note(f"Delivered {copies} times at once", f"The hub answered {_spelt(answers)}", pair, alarm=True)
        if item is not None:
            self.settle(item, answers)
        self.changes.notify()
        return answers

    def _take(self, kind: Trouble, pair: Pair) -> Rule | None:
        return self.troubles.take(frozenset({kind}), to=pair[0], sender=pair[1])

    async def _delay(self, pair: Pair) -> None:
        """Hold an event back: for a time, or until the next one has overtaken it."""
        if (rule := self._take(Trouble.PUSH_LATE, pair)) is not None:
            await asyncio.sleep(rule.wait_s)
        if self._held:
            self._spawn(self._release())
        elif (rule := self._take(Trouble.PUSH_REORDERED, pair)) is not None:
            overtaken = asyncio.Event()
            self._held.append(overtaken)
            try:
                async with asyncio.timeout(rule.wait_s):
                    await overtaken.wait()
                self.note("Two messages changed places on the way", "The later one came first", pair, alarm=True)
            except TimeoutError:
                pass
            finally:
                self._held.remove(overtaken)

    async def _release(self) -> None:
        await asyncio.sleep(0.2)  # long enough for the one that overtakes
        for overtaken in self._held:
            overtaken.set()

    @staticmethod
    def settle(item: Item, answers: Iterable[int]) -> None:
        """Mark a person's message with what the hub answered; what was stored once stays stored."""
        if any(200 <= status < 300 for status in answers):
            item.standing = Standing.STORED
        elif item.standing is Standing.SENDING:
            item.standing = Standing.REFUSED

    # -- what the hub sends

    @abstractmethod
    def shown(self, message: M) -> Item:
        """An accepted message as the person will see it."""

    @abstractmethod
    def failure_of(self, message: M, rule: Rule | None) -> int | None:
        """The code a message fails with, or None when it arrives."""

    @abstractmethod
    def words_of(self, message: M, *, failing: bool) -> list[str]:
        """The reports of a message, in their proper order."""

    @abstractmethod
    async def report(self, message: M, word: str, code: int | None) -> None:
        """Send one report."""

    def accept(self, message: M) -> Coroutine[Any, Any, None] | None:
        """Take a message on. What must happen before the answer goes out is returned, to be awaited by the caller."""
        self.remember(message)
        if ours := message.message_id:
            self.counts[ours] = self.counts.get(ours, 0) + 1
            if len(self.counts) > KEEP_COUNTS:
                self.counts.popitem(last=False)
        ours_to, person = message.pair
        rule = self.troubles.take(AT_DELIVERY, to=person, sender=ours_to)
        if not self.statuses:
            return None
        report = self._report(message, rule)
        if rule is not None and rule.trouble is Trouble.EARLY:
            return report
        self._spawn(report)
        return None

    def remember(self, message: M) -> None:
        """Keep a message, and put it into the person's thread."""
        self.messages[message.sid] = message
        if len(self.messages) > self._keep:
            self.messages.popitem(last=False)
        self.diary.add(message.pair, self.shown(message))
        self.changes.notify()

    async def _report(self, message: M, rule: Rule | None) -> None:
        """Send the reports of one message, each at its time."""
        trouble, code = rule.trouble if rule else None, self.failure_of(message, rule)
        words = self.words_of(message, failing=code is not None)
        if trouble is Trouble.REORDERED:
            words.reverse()
        if rule and trouble is Trouble.LATE:
            self._arrives(message, "undelivered" if code else "delivered", code)
            await asyncio.sleep(rule.wait_s)
        if not words:
            self._arrives(message, "failed", code)
        elapsed = 0.0
        for word in words:
            due = self.delays[word] * self.pace
            if trouble is not Trouble.EARLY and due > elapsed:
                await asyncio.sleep(due - elapsed)
                elapsed = due
            message.status = word if trouble is not Trouble.REORDERED else words[0]
            self._arrives(message, message.status, code)
            if trouble is not Trouble.SILENT:
                await self.report(message, word, code if word in ("undelivered", "failed") else None)

    def _arrives(self, message: M, word: str, code: int | None) -> None:
        """Let the person see what became of a message; a later word never takes one back from the screen."""
        item = self.diary.get(message.sid)
        if item is not None and item.standing is not Standing.READ:
            standing = STANDINGS[word]
            if item.standing is not Standing.DELIVERED or standing is Standing.READ:
                item.standing = standing
            item.code = str(code) if code and standing is Standing.LOST else ""
        self.changes.notify()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until every report under way has been sent."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def keep_file(self, key: str, mime: str, content: bytes) -> None:
        """Hold a file under an id or path; the oldest go first."""
        self.media[key] = (mime, content)
        while len(self.media) > MAX_MEDIA_KEPT:
            self.media.popitem(last=False)

    # -- serving

    @abstractmethod
    def sending(self) -> AbstractAsyncContextManager[object]:
        """What carries the webhooks, opened with the double."""

    @abstractmethod
    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request as the provider would."""

    @asynccontextmanager
    async def open(self, base_url: str) -> AsyncIterator[None]:
        """Run without a server of its own: the routes are mounted elsewhere, at `base_url`."""
        self.base_url = base_url
        async with self.sending():
            try:
                yield
            finally:
                self.closing.set()
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    @asynccontextmanager
    async def serve(self, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[Self]:
        """Serve on a port of its own; 0 takes a free one."""
        server = web.Server(self.handle, access_log=None, keepalive_timeout=75)
        runner = web.ServerRunner(server, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
            bound = runner.addresses[0]
            async with self.open(f"http://{bound[0]}:{bound[1]}"):
                yield self
        finally:
            await runner.cleanup()


def utc_now() -> datetime:
    """The clock of a double that was given none."""
    return datetime.now(UTC)


def _spelt(answers: Iterable[int]) -> str:
    return ", ".join(str(status) if status else "nothing" for status in answers)
