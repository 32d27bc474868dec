"""What the doubles pass around: messages as the provider sees them, and the troubles one may ask for. No I/O."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

_CALLBACK_ID = re.compile(r"/status/([0-9a-fA-F-]{36})(?:$|[?#])")


class Trouble(StrEnum):
    """What may go wrong on demand, as channels.md §3 says it does."""

    # in the answer to a create
    THROTTLED = "throttled"  # 429, code 20429, Retry-After; not processed
    STOPPED = "stopped"  # 400, code 21610
    REFUSED = "refused"  # 400 with a code of one's choice
    CREDENTIALS = "credentials"  # 401, code 20003
    SERVER_ERROR = "server_error"  # 503 without JSON; not processed
    SERVER_ERROR_AFTER = "server_error_after"  # the same, though the message was accepted
    HANG = "hang"  # accepted, and then no answer
    MALFORMED = "malformed"  # accepted, and the answer is no JSON
    SLOW = "slow"  # the answer comes `wait_s` later
    DROP_AFTER = "drop_after"  # accepted, and the connection dropped
    DROP_BEFORE = "drop_before"  # dropped before the body was read; nothing accepted
    # in what follows
    UNDELIVERED = "undelivered"  # the callback says so; code 30003 unless another is given
    SILENT = "silent"  # no status ever comes
    LATE = "late"  # statuses come `wait_s` later
    REORDERED = "reordered"  # statuses come in the wrong order
    EARLY = "early"  # statuses come before the create's answer
    # in webhooks
    TRIPLE = "triple"  # each webhook three times at once
    PUSH_LATE = "push_late"  # what people write comes `wait_s` later
    PUSH_REORDERED = "push_reordered"  # what people write comes after what they write next, `wait_s` later at most
    PUSH_BATCHED = "push_batched"  # what people write within `wait_s` comes in one request
    FORGED = "forged"  # the signature is wrong: somebody else than the provider is sending
    # in files
    MEDIA_SLOW = "media_slow"  # a file begins to come after `wait_s`
    MEDIA_HUGE = "media_huge"  # a file is far longer than it was said to be
    MEDIA_WRONG = "media_wrong"  # a file is something else than it was said to be


AT_CREATE = frozenset(
    {
        Trouble.THROTTLED,
        Trouble.STOPPED,
        Trouble.REFUSED,
        Trouble.CREDENTIALS,
        Trouble.SERVER_ERROR,
        Trouble.SERVER_ERROR_AFTER,
        Trouble.HANG,
        Trouble.MALFORMED,
        Trouble.DROP_AFTER,
        Trouble.DROP_BEFORE,
    }
)
AT_MEDIA = frozenset({Trouble.MEDIA_SLOW, Trouble.MEDIA_HUGE, Trouble.MEDIA_WRONG})
AT_DELIVERY = frozenset({Trouble.UNDELIVERED, Trouble.SILENT, Trouble.LATE, Trouble.REORDERED, Trouble.EARLY})


class OptOutMode(StrEnum):
    """What the provider itself does about STOP. OFF lets the hub's own confirmation be seen."""

    OFF = "off"
    DEFAULT = "default"  # keyword list of the provider: it confirms and blocks, and says nothing about it
    ADVANCED = "advanced"  # as DEFAULT, and the webhook carries OptOutType


@dataclass(slots=True, kw_only=True)
class Rule:
    """One trouble asked for. to, sender: as the provider spells them; None means everybody. left: None means for ever."""

    trouble: Trouble
    to: str | None = None
    sender: str | None = None
    left: int | None = 1
    code: int | None = None
    wait_s: float = 1.0

    def fits(self, to: str, sender: str) -> bool:
        return (self.to is None or self.to == to) and (self.sender is None or self.sender == sender)


@dataclass(slots=True, kw_only=True)
class SentMessage:
    """One message the double accepted. message_id: the hub's own, from the callback's path."""

    sid: str
    sender: str
    to: str
    body: str
    media_urls: tuple[str, ...]
    content_sid: str
    callback: str
    created_at: datetime
    status: str = "queued"
    error_code: int | None = None

    @property
    def pair(self) -> tuple[str, str]:
        return self.sender, self.to

    @property
    def message_id(self) -> str | None:
        found = _CALLBACK_ID.search(self.callback)
        return found.group(1) if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenMessage:
    """One message a patient wrote. answers: the HTTP status of each copy, 0 where none came."""

    sid: str
    fields: dict[str, str] = field(repr=False)
    answers: list[int]


class Troubles:
    """The rules in force; the oldest that fits is used up first."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    def add(self, rule: Rule) -> None:
        self._rules.append(rule)

    def clear(self) -> None:
        self._rules.clear()

    def standing(self) -> list[Rule]:
        """The rules that stay until cleared."""
        return [rule for rule in self._rules if rule.left is None]

    def lift(self, trouble: Trouble) -> None:
        """Take back every rule of a kind."""
        self._rules = [rule for rule in self._rules if rule.trouble is not trouble]

    def take(self, among: frozenset[Trouble], *, to: str, sender: str) -> Rule | None:
        """The first rule among these kinds that fits, counted down."""
        for rule in self._rules:
            if rule.trouble in among and rule.fits(to, sender):
                if rule.left is not None:
                    rule.left -= 1
                    if rule.left <= 0:
                        self._rules.remove(rule)
                return rule
        return None


class Changes:
    """Tells whoever looks on that something changed; a slow onlooker misses nothing but the number of changes."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    def notify(self) -> None:
        for event in self._waiting:
            event.set()

    def watch(self, event: asyncio.Event | None = None) -> asyncio.Event:
        """An event that is set at every change; give it back with `unwatch`. One event may watch several."""
        event = event or asyncio.Event()
        self._waiting.add(event)
        return event

    def unwatch(self, event: asyncio.Event) -> None:
        self._waiting.discard(event)
