"""How the audit log is sealed: what is hashed, and how hashes become a chain. Pure; bytes in, bytes out.

A leaf is one row, every column length-prefixed. A batch's leaves form a Merkle tree with the leaf and node prefixes
of RFC 6962 §2.1, so inclusion and order of each row can be shown from the root alone. Each seal's chain value covers
its root and the chain value before it: whoever keeps one value elsewhere can tell a rebuilt log from the true one.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

FIRST_CHAIN = bytes(32)
_LEAF = b"\x00enquiry-hub audit row 1\x00"
_NODE = b"\x01"
_SEAL = b"\x02enquiry-hub audit seal 1\x00"
_NULL = b"\xff\xff\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_length = struct.Struct(">I").pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """One sealed batch. at_us: microseconds since 2000-01-01 UTC, as PostgreSQL keeps time."""

    seal_no: int
    at_us: int
    from_id: UUID
    to_id: UUID
    count: int
    root: bytes
    prev_chain: bytes
    chain: bytes


def microseconds(at: datetime) -> int:
    """An aware time as PostgreSQL keeps it."""
    delta = at - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def leaf_hash(columns: Sequence[bytes | str | None]) -> bytes:
    """SHA-256 of one row. Null, empty and a shift of text from one column to the next all differ."""
    parts = [_LEAF]
    for value in columns:
        if value is None:
            parts.append(_NULL)
            continue
        raw = value.encode() if isinstance(value, str) else value
        parts.append(_length(len(raw)))
        parts.append(raw)
    return hashlib.sha256(b"".join(parts)).digest()


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1 over leaf hashes. Raises ValueError for none: an empty batch is never sealed."""
    if not leaves:
        raise ValueError("no leaves")
    level = list(leaves)
    sha256 = hashlib.sha256
    # Pairing level by level and carrying an odd last one up gives the RFC's tree, without its recursion.
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [sha256(_NODE + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)] + odd
    return level[0]


def chain_value(*, seal_no: int, at_us: int, from_id: UUID, to_id: UUID, count: int, root: bytes, prev_chain: bytes) -> bytes:
    """What the next seal builds on and what is exported."""
    head = struct.pack(">qqq", seal_no, at_us, count)
    return hashlib.sha256(_SEAL + head + from_id.bytes + to_id.bytes + root + prev_chain).digest()


def make_seal(*, seal_no: int, at: datetime, ids: Sequence[UUID], leaves: Sequence[bytes], prev_chain: bytes) -> Seal:
    """The seal over these rows, given in the order of their ids."""
    at_us, root = microseconds(at), merkle_root(leaves)
    chain = chain_value(seal_no=seal_no, at_us=at_us, from_id=ids[0], to_id=ids[-1], count=len(ids), root=root, prev_chain=prev_chain)
    return Seal(seal_no=seal_no, at_us=at_us, from_id=ids[0], to_id=ids[-1], count=len(ids), root=root, prev_chain=prev_chain, chain=chain)
