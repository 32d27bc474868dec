"""How often one network or one address may hand in a form.

Token buckets in the memory of each web process, on purpose: a flood must be turned away before it costs the database
anything, nothing about a person may stand in Redis, and a restart that forgives everybody does no harm. With several
processes a sender gets that many times the limit, which is still a limit.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from hub.model.address import Address

MOST_BUCKETS = 50_000  # about 10 MB; the longest unused are forgotten first


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`burst` at once, then one each `every_s` seconds."""

    burst: int
    every_s: float


class Buckets:
    """Token buckets by key. Keys are hashed under a key that lives as long as the process: no address is kept."""

    def __init__(self, rate: Rate, *, most: int = MOST_BUCKETS) -> None:
        self._rate = rate
        self._most = most
        self._key = secrets.token_bytes(32)
        self._full_at: OrderedDict[bytes, float] = OrderedDict()

    def take(self, name: str, now_s: float) -> bool:
        """Use one token; False when there is none. now_s: seconds of a clock that does not jump back."""
        digest = hmac.digest(self._key, name.encode("utf-8", "surrogatepass"), "sha256")[:16]
        # One number per bucket: when it will be full again.
        full_at = max(self._full_at.get(digest, now_s), now_s) + self._rate.every_s
        if full_at - now_s > self._rate.burst * self._rate.every_s + 1e-6:
            return False
        self._full_at[digest] = full_at
        self._full_at.move_to_end(digest)
        while len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
        return True


class Limits:
    """The two limits of the form: per network, counted before anything is decoded, and per typed address."""

    def __init__(self, *, per_network: Rate = Rate(burst=20, every_s=30), per_address: Rate = Rate(burst=5, every_s=600)) -> None:
        self._networks = Buckets(per_network)
        self._addresses = Buckets(per_address)

    def network_may(self, remote_ip: str | None, now_s: float) -> bool:
        return self._networks.take(network(remote_ip), now_s)

    def addresses_may(self, addresses: Iterable[Address | None], now_s: float) -> bool:
        """Every address is counted, also when one of them is over its limit."""
        taken = [self._addresses.take(a.value.reveal(), now_s) for a in addresses if a is not None]
        return all(taken)


def sender_ip(peer: str | None, forwarded_for: str) -> str | None:
    """Who sent a request: the peer, or whom a proxy on this machine or in this private network names.

    Only the last name in X-Forwarded-For counts: the nearest proxy wrote it, the others may be the sender's own words.
    """
    last = forwarded_for.rpartition(",")[2].strip()
    try:
        near = ipaddress.ip_address((peer or "").partition("%")[0])
        named = ipaddress.ip_address(last) if last else None
    except ValueError:
        return peer
    return str(named) if named is not None and (near.is_loopback or near.is_private) else peer


def network(remote_ip: str | None) -> str:
    """What one sender can easily hold: a single IPv4 address, a /64 of IPv6. Senders we cannot name share one bucket."""
    try:
        address = ipaddress.ip_address((remote_ip or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
