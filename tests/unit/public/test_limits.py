"""How often one sender may hand in a form, and who counts as one sender."""

from __future__ import annotations

import pytest

from hub.model.address import Address, AddressClass
from hub.model.sealed import Sealed
from hub.public.limits import Buckets, Limits, Rate, network, sender_ip


def test_a_bucket_gives_its_burst_and_then_one_at_a_time() -> None:
    buckets = Buckets(Rate(burst=3, every_s=10), most=100)
    assert [buckets.take("a", 0) for _ in range(4)] == [True, True, True, False]
    assert buckets.take("b", 0)
    assert [buckets.take("a", 10) for _ in range(2)] == [True, False]
    assert [buckets.take("a", 1000) for _ in range(4)] == [True, True, True, False]


def test_one_ipv6_household_is_one_network() -> None:
    assert network("2001:db8:1:2::3") == network("2001:db8:1:2:ffff::1") != network("2001:db8:1:3::3")
    assert network("::ffff:203.0.113.7") == network("203.0.113.7")
    assert network(None) == network("nonsense")


def test_the_longest_unused_buckets_are_forgotten_first() -> None:
    buckets = Buckets(Rate(burst=1, every_s=1000), most=2)
    assert [buckets.take(name, 0) for name in "abc"] == [True, True, True]
    assert not buckets.take("c", 1)
    assert buckets.take("a", 1), "forgotten, so free again"


def test_a_clock_that_steps_back_gives_nothing_away() -> None:
    buckets = Buckets(Rate(burst=2, every_s=10))
    assert [buckets.take("a", 100), buckets.take("a", 100), buckets.take("a", 50)] == [True, True, False]


def test_every_typed_address_is_counted_even_when_one_is_over_its_limit() -> None:
    amy, bea = (Address(kind=AddressClass.EMAIL, value=Sealed(f"{name}@example.org")) for name in ("amy", "bea"))
    limits = Limits(per_address=Rate(burst=1, every_s=600))
    assert limits.addresses_may([amy, None], 0)
    assert not limits.addresses_may([amy, bea], 0)
    assert not limits.addresses_may([bea], 0)


@pytest.mark.parametrize(
    ("peer", "forwarded", "sender"),
    [
        ("9.9.9.9", "", "9.9.9.9"),
        ("9.9.9.9", "198.51.100.1", "9.9.9.9"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.2", "192.0.2.66, 198.51.100.1", "198.51.100.1"),
        ("::1", "2001:db8::1", "2001:db8::1"),
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        (None, "198.51.100.1", None),
    ],
)
def test_only_a_proxy_of_our_own_may_name_the_sender(peer: str | None, forwarded: str, sender: str | None) -> None:
    assert sender_ip(peer, forwarded) == sender
