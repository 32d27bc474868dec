"""Fetching files that messages point at. The addresses come from outside, so every step is distrusted (channels.md §0):
https only, hosts on the list only, no private address after the name is resolved, redirects looked at again, the
credential shown to one host only, and no more bytes or seconds than allowed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from channels.errors import MediaRefused

MAX_REDIRECTS: Final = 3
TIMEOUT_S: Final = 30.0
CHUNK: Final = 65_536
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaRules:
    """What one account may fetch.

    hosts: names, and ".example.com" for every host below that one; https on port 443. credential_host, credential: the
    Authorization header value and the only host that sees it. loopback: "127.0.0.1:port" of a sandbox double, reached by plain
    http; None everywhere else.
    """

    account_id: str
    hosts: tuple[str, ...]
    credential_host: str
    credential: str = field(repr=False)
    loopback: str | None = None
    timeout_s: float = TIMEOUT_S


class _PublicOnly(AbstractResolver):
    """Resolves names, and refuses a name that leads to any address of an inner network."""

    def __init__(self, account_id: str, resolver: AbstractResolver) -> None:
        self._account_id, self._resolver = account_id, resolver

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not found or any(not is_public(answer["host"]) for answer in found):
            raise MediaRefused(self._account_id, "private_address")
        return found

    async def close(self) -> None:
        await self._resolver.close()


def is_public(address: str) -> bool:
    """Whether an IP address lies in the public internet; an IPv4 address wrapped in IPv6 is judged by what it wraps."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_global and not ip.is_multicast


async def fetch(url: str, rules: MediaRules, max_bytes: int, *, resolver: AbstractResolver | None = None) -> bytes:
    """The file's bytes, at most `max_bytes`. Raises MediaRefused for whatever goes wrong.

    resolver: for tests; otherwise the system's.
    """
    try:
        async with asyncio.timeout(rules.timeout_s):
            guard = _PublicOnly(rules.account_id, resolver or ThreadedResolver())
            connector = aiohttp.TCPConnector(resolver=guard, use_dns_cache=False, force_close=True)
            async with aiohttp.ClientSession(connector=connector, trust_env=False) as session:
                return await _follow(session, url, rules, max_bytes)
    except MediaRefused:
        raise
    except TimeoutError:
        raise MediaRefused(rules.account_id, "timeout") from None
    except (aiohttp.ClientError, OSError, ValueError):
        # The cause carries the address, which may hold a token.
        raise MediaRefused(rules.account_id, "unreachable") from None


async def _follow(session: aiohttp.ClientSession, url: str, rules: MediaRules, max_bytes: int) -> bytes:
    target = _address(url, rules)
    for _ in range(MAX_REDIRECTS + 1):
        headers = check(target, rules)
        async with session.get(target, headers=headers, allow_redirects=False) as answer:
            if answer.status not in REDIRECTS:
                return await _body(answer, rules, max_bytes)
            target = target.join(_address(answer.headers.get("Location", ""), rules))
    raise MediaRefused(rules.account_id, "redirects")


def _address(text: str, rules: MediaRules) -> URL:
    try:
        return URL(text)
    except ValueError:
        raise MediaRefused(rules.account_id, "host") from None


def check(target: URL, rules: MediaRules) -> Mapping[str, str]:
    """The headers for a step that may be taken. Raises MediaRefused for one that may not."""
    credential = {"Authorization": rules.credential}
    host = target.host or ""
    if rules.loopback is not None and target.scheme == "http" and target.authority == rules.loopback and _is_loopback(host):
        return credential
    if target.scheme != "https":
        raise MediaRefused(rules.account_id, "scheme")
    if not _listed(host, rules.hosts) or target.port != 443 or target.user or target.password:
        raise MediaRefused(rules.account_id, "host")
    return credential if host == rules.credential_host else {}


def _listed(host: str, hosts: tuple[str, ...]) -> bool:
    return any(host == name or (name.startswith(".") and host.endswith(name)) for name in hosts)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _body(answer: aiohttp.ClientResponse, rules: MediaRules, max_bytes: int) -> bytes:
    if answer.status != 200:
        raise MediaRefused(rules.account_id, f"http_{answer.status}")
    if answer.content_length is not None and answer.content_length > max_bytes:
        raise MediaRefused(rules.account_id, "too_big")
    chunks: list[bytes] = []
    size = 0
    async for chunk in answer.content.iter_chunked(CHUNK):
        size += len(chunk)
        if size > max_bytes:
            raise MediaRefused(rules.account_id, "too_big")
        chunks.append(chunk)
    return b"".join(chunks)
