"""The hashes of the seal: RFC 6962's tree, and leaves that cannot be confused."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from hub.model.audit_seal import leaf_hash, merkle_root

columns = st.lists(st.none() | st.text(max_size=5), max_size=5)


def rfc_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1 as it is written: split at the largest power of two below n."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + rfc_root(leaves[:k]) + rfc_root(leaves[k:])).digest()


def test_the_tree_is_the_rfcs() -> None:
    leaves = [hashlib.sha256(bytes([n])).digest() for n in range(70)]
    for n in range(1, 70):
        assert merkle_root(leaves[:n]) == rfc_root(leaves[:n])


@given(columns, columns)
def test_two_rows_share_a_leaf_only_when_they_are_equal(a: list[str | None], b: list[str | None]) -> None:
    assert (leaf_hash(a) == leaf_hash(b)) == (a == b)
