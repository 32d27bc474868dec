"""What every double offers the practice phone, whatever provider it plays: people, acts, threads and notes. No I/O.

A double is one provider with the accounts it serves. The page asks `abilities` what a person can do on a channel, hands each
act to `act`, and shows `thread` and `notes`. A double keeps what people see in a `Diary`; it never reads the hub's records.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from aiohttp import web

from channels.sandbox.values import Changes, Trouble, Troubles
from hub.model.address import Address, AddressClass, Channel
from hub.model.message import Account
from hub.model.sealed import Sealed

NOTES_KEPT: Final = 500
_SHARED: Final = frozenset({Channel.SMS, Channel.WHATSAPP})  # channels whose address is the phone number


class Do(StrEnum):
    """What a person can do on a channel; the abilities of a channel are a set of these."""

    WRITE = "write"  # text, and a subject where SUBJECT is an ability too
    SUBJECT = "subject"
    PRESS = "press"  # a button of one of the hub's messages, or of the channel's menu: `payload` and `text`
    MENU = "menu"  # the channel has a menu: see `Double.menu`
    FILE = "file"  # `files`, with `text` as their caption
    LOCATION = "location"
    REACT = "react"  # `text` is the sign, `target` the message
    REPLY = "reply"  # `text` answers `target`
    STORY = "story"  # `text` answers a story
    EDIT = "edit"  # `text` replaces the words of `target`, one's own
    TAKE_BACK = "take_back"  # `target`, one's own, is deleted
    READ = "read"  # opens the thread: what came is read
    STOP_NEWS = "stop_news"  # the channel's own switch for promotions
    RESUME_NEWS = "resume_news"
    FOLLOW = "follow"
    UNFOLLOW = "unfollow"
    UNSUBSCRIBE = "unsubscribe"  # the button a mail program shows: one click, RFC 8058; `target`
    COMPLAIN = "complain"  # "this is spam"; `target`


class Standing(StrEnum):
    """Where a message stands. Of a person's own: SENDING, STORED (the hub answered 2xx), REFUSED. Of the hub's: the rest."""

    SENDING = "sending"
    STORED = "stored"
    REFUSED = "refused"
    ACCEPTED = "accepted"  # taken on by the provider, not yet on the phone
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody invented. key: names the person in the page's address. number: E.164, from the range kept for drama."""

    key: str
    name: str
    number: str

    def handle(self, channel: Channel) -> str:
        """How the channel names this person: a number in E.164, a mail address, or the platform's own id."""
        if channel in _SHARED:
            return self.number
        if channel is Channel.EMAIL:
            return f"{self.name.lower().replace(' ', '.')}.{self.key}@patient.example"
        digits = self.number.removeprefix("+")
        return {Channel.MESSENGER: f"71{digits}", Channel.INSTAGRAM: f"17{digits}"}.get(channel, f"oPractice_{digits:0>18}")

    def address(self, account: Account) -> Address:
        """How the hub keys this person on an account."""
        kind = AddressClass.PHONE if account.channel in _SHARED else AddressClass(account.channel.value)
        handle = self.handle(account.channel)
        plain = kind in (AddressClass.PHONE, AddressClass.EMAIL)
        return Address(kind=kind, value=Sealed(handle if plain else f"{account.id}:{handle}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file a person sends. mime: as the phone believes it to be."""

    name: str
    mime: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """Something to press. payload: what the provider tells of the press."""

    text: str
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing a person does. target: the `Item.id` it is about, where it is about one. place: latitude, longitude."""

    do: Do
    text: str = ""
    subject: str = ""
    target: str = ""
    payload: str = ""
    place: tuple[float, float] | None = None
    files: tuple[File, ...] = ()


class CannotDo(Exception):
    """The act makes no sense here; the message is a sentence for whoever plays the patient."""


@dataclass(slots=True, kw_only=True)
class Item:
    """One message as the person sees it. id: the provider's. code: why one of the hub's was lost.

    html: a mail's other look, untrusted. target: what it answers. reactions: signs others put to it. acts: what can be done
    with this one item beyond what the channel allows with any (READ, UNSUBSCRIBE, COMPLAIN).
    """

    id: str
    at: datetime
    mine: bool
    text: str
    standing: Standing
    code: str = ""
    subject: str = ""
    html: str = field(default="", repr=False)
    files: tuple[str, ...] = ()  # their names, or kinds where they have none
    place: tuple[float, float] | None = None
    buttons: tuple[Button, ...] = ()
    target: str = ""
    story: bool = False
    reactions: tuple[str, ...] = ()
    edited: bool = False
    taken_back: bool = False
    acts: frozenset[Do] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something the provider did or saw beside messages: a preference, a trouble played, how the hub answered it.

    pair: whom it is about; None for everybody. alarm: whether it is one of the troubles.
    """

    at: datetime
    title: str
    detail: str
    pair: tuple[str, str] | None = None
    alarm: bool = False


class Diary:
    """The messages between our senders and people, as the provider spells both; the oldest go first beyond `keep`."""

    def __init__(self, keep: int = 20_000) -> None:
        self._items: OrderedDict[str, tuple[tuple[str, str], Item]] = OrderedDict()
        self._keep = keep
        self.notes: deque[Note] = deque(maxlen=NOTES_KEPT)

    def add(self, pair: tuple[str, str], item: Item) -> Item:
        """Take a message in; one whose id is known replaces it."""
        self._items[item.id] = (pair, item)
        if len(self._items) > self._keep:
            self._items.popitem(last=False)
        return item

    def find(self, pair: tuple[str, str], id: str) -> Item:
        """The message of that id between these two. Raises CannotDo."""
        known = self._items.get(id)
        if known is None or known[0] != pair:
            raise CannotDo("That message is no longer here.")
        return known[1]

    def get(self, id: str) -> Item | None:
        """The message of that id, whoever wrote it to whom."""
        known = self._items.get(id)
        return known[1] if known else None

    def between(self, pair: tuple[str, str]) -> list[Item]:
        """Everything between these two, oldest first."""
        return [item for known, item in self._items.values() if known == pair]


class Double(Protocol):
    """One provider, played on this computer, with the accounts of the hub that it serves.

    name: a small word for forms and paths ("twilio"). title: as the page calls it ("Twilio"). offers: the troubles it can
    play. Troubles asked for with `times=None` stay until `troubles.clear()`.
    """

    name: str
    title: str
    offers: frozenset[Trouble]
    changes: Changes
    troubles: Troubles
    closing: asyncio.Event

    @property
    def accounts(self) -> Sequence[Account]:
        """The hub's accounts at this provider; each is one channel of the phone."""

    def abilities(self, account: Account) -> frozenset[Do]:
        """What a person can do on this account's channel."""

    def menu(self, account: Account) -> Sequence[Button]:
        """The buttons the channel always shows; none for most."""

    def thread(self, account: Account, person: Person) -> Sequence[Item]:
        """What the person sees there, oldest first."""

    def notes(self, account: Account, person: Person) -> Sequence[Note]:
        """What the provider did or saw about the two, beside messages, oldest first."""

    async def act(self, account: Account, person: Person, act: Act) -> list[int]:
        """The person does something: the hub hears of it as the provider would tell it.

        Returns the HTTP status of each webhook, 0 where none was answered; empty where the hub is told in another way.
        Raises CannotDo.
        """

    async def again(self, account: Account, person: Person) -> list[int]:
        """Deliver the person's last event once more, unchanged. Raises CannotDo when there is none."""

    def routes(self) -> list[web.RouteDef]:
        """The provider's own API, to be mounted beside the others' on one port."""

    def open(self, base_url: str) -> AbstractAsyncContextManager[None]:
        """Run while open; `base_url` is where the routes are mounted, without a trailing slash."""
