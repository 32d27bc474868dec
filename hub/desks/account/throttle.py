"""Slowing down guesses at passwords, per account tried and per network. Keeps hashes of both, never the address itself."""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import datetime, timedelta

from hub.store import staff
from hub.store.pool import Connection

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 10
PER_NETWORK = 50


def subjects(email: str, remote: str | None) -> tuple[bytes, bytes]:
    """What failures are counted under: the address tried, whether anybody has it or not, and the network it came from."""
    return _hash("account", email.strip().lower()), _hash("network", _network(remote))


async def too_many(conn: Connection, account: bytes, network: bytes, *, now: datetime) -> bool:
    """Whether this sign-in is refused unheard."""
    counted = await staff.count_failures(conn, [account, network], since=now - WINDOW)
    return counted.get(account, 0) >= PER_ACCOUNT or counted.get(network, 0) >= PER_NETWORK


def _network(remote: str | None) -> str:
    """An IPv6 customer holds a whole /64, so counting single addresses would count nothing."""
    try:
        address = ipaddress.ip_address(remote or "")
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((address, 64 if address.version == 6 else 32), strict=False))


def _hash(kind: str, value: str) -> bytes:
    return hashlib.sha256(f"{kind}\0{value}".encode("utf-8", "surrogatepass")).digest()
