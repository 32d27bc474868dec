"""Identifiers: UUIDv7 made in Python (so a row knows its id before it is stored), typed per noun."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable
from typing import NewType
from uuid import UUID

AccountId = NewType("AccountId", str)
ContactId = NewType("ContactId", UUID)
IdentityId = NewType("IdentityId", UUID)
ConversationId = NewType("ConversationId", UUID)
MessageId = NewType("MessageId", UUID)
EventId = NewType("EventId", UUID)
DecisionId = NewType("DecisionId", UUID)
StaffId = NewType("StaffId", UUID)
CampaignId = NewType("CampaignId", UUID)

_MASK_48 = (1 << 48) - 1
_MASK_62 = (1 << 62) - 1
_SECOND = 1000 << 12  # in steps of 1/4096 ms
_last = 0


def uuid7(time_ms: int | None = None) -> UUID:
    """A UUID version 7 (RFC 9562 §5.7, §6.2 method 3): 48 bits of Unix milliseconds, 12 of their fraction, 62 random bits.

    Ids one process makes sort in the order they were made: what was written together is read in that order, index pages
    stay warm, and lists come newest-first for free. time_ms: a moment of one's choice, its fraction random.
    """
    rand = int.from_bytes(os.urandom(10))
    steps = _next_step() if time_ms is None else time_ms << 12 | rand >> 68
    value = (steps >> 12 & _MASK_48) << 80 | 0x7 << 76 | (steps & 0xFFF) << 64 | 0b10 << 62 | rand & _MASK_62
    return UUID(int=value)


def _from_bytes(value: bytes) -> UUID:
    return UUID(bytes=value)


def uuid7s(count: int, *, make: Callable[[bytes], UUID] = _from_bytes) -> list[UUID]:
    """`count` ids as `uuid7` makes them, in order, for the price of a few. make: builds one from its 16 bytes."""
    first, pack = _next_step(count), struct.Struct(">QQ").pack
    words = struct.unpack(f">{count}Q", os.urandom(8 * count))
    return [
        make(pack((step >> 12 & _MASK_48) << 16 | 0x7000 | step & 0xFFF, 0b10 << 62 | word & _MASK_62))
        for step, word in enumerate(words, start=first)
    ]


def _next_step(count: int = 1) -> int:
    """This moment in steps of 1/4096 ms, after every one before, and keeps `count` of them.

    A clock that was put back by a second or more is believed.
    """
    global _last
    now = time.time_ns()
    steps = now // 1_000_000 << 12 | now % 1_000_000 * 4096 // 1_000_000
    if steps <= _last < steps + _SECOND:
        steps = _last + 1
    _last = steps + count - 1
    return steps
