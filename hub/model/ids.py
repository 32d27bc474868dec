"""Identifiers: UUIDv7 made in Python (so a row knows its id before it is stored), typed per noun."""

from __future__ import annotations

import os
import time
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
_MASK_74 = (1 << 74) - 1


def uuid7(time_ms: int | None = None) -> UUID:
    """A UUID version 7 (RFC 9562 §5.7): 48 bits of Unix milliseconds, then 74 random bits.

    Ids made in different milliseconds sort by time, which keeps index pages warm and lists newest-first for free.
    """
    ms = time.time_ns() // 1_000_000 if time_ms is None else time_ms
    rand = int.from_bytes(os.urandom(10)) & _MASK_74
    value = (ms & _MASK_48) << 80 | 0x7 << 76 | (rand >> 62) << 64 | 0b10 << 62 | rand & ((1 << 62) - 1)
    return UUID(int=value)
