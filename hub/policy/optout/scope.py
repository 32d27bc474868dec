"""How far a revocation reaches, from the words around it (policy §3.6). Where words leave it open, the reading that sends less."""

from __future__ import annotations

from collections.abc import Iterable

from hub.model.address import Channel
from hub.model.permission import Scope
from hub.policy.optout.classes import BITS
from hub.policy.optout.patterns import Reach

Suppression = tuple[Scope, Channel | None]

MARKETING: Suppression = (Scope.ALL_MARKETING, None)
EVERYTHING: Suppression = (Scope.ALL_CONTACT, None)
_WIDEST_FIRST = {scope: rank for rank, scope in enumerate(Scope)}
_CHANNELS = (
    (BITS["sms"], Channel.SMS),
    (BITS["email"], Channel.EMAIL),
    (BITS["whatsapp"], Channel.WHATSAPP),
    (BITS["wechat"], Channel.WECHAT),
    (BITS["messenger"], Channel.MESSENGER),
    (BITS["instagram"], Channel.INSTAGRAM),
)
_CHATS = frozenset({Channel.WHATSAPP, Channel.WECHAT, Channel.MESSENGER, Channel.INSTAGRAM})


def bare(channel: Channel) -> set[Suppression]:
    """A stop that says no more than stop."""
    return {(Scope.CHANNEL, channel), MARKETING}


def named_channels(mask: int) -> set[Channel]:
    """The channels named by words of these classes."""
    return {channel for bit, channel in _CHANNELS if mask & bit}


def reach(kind: Reach, mask: int, channel: Channel) -> set[Suppression]:
    """What a revocation writes. mask: classes of its words and of those after it in the clause. channel: where it was said.

    Telephone calls are no channel of ours: who forbids them forbids all contact.
    """
    named = named_channels(mask)
    if Channel.SMS in named and channel in _CHATS:
        named |= {channel}  # "stop texting me", said in a chat, means the chat at least as much as SMS
    if named and not mask & BITS["phone"]:
        return {MARKETING} if mask & BITS["promo"] else {(Scope.CHANNEL, c) for c in named} | {MARKETING}
    if mask & BITS["promo"]:
        return {MARKETING}
    if kind is Reach.EVERYTHING or mask & BITS["phone"]:
        return {EVERYTHING}
    return {MARKETING} if kind is Reach.MARKETING else bare(channel)


def ordered(found: Iterable[Suppression]) -> tuple[Suppression, ...]:
    """Widest first; nothing else beside a stop of all contact, which covers it."""
    rows = set(found)
    if EVERYTHING in rows:
        return (EVERYTHING,)
    return tuple(sorted(rows, key=lambda row: (_WIDEST_FIRST[row[0]], str(row[1]))))
