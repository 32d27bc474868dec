"""Ids sort in the order they were made, and are still ids."""

from __future__ import annotations

import time

from hub.model.ids import uuid7, uuid7s


def test_ids_of_one_process_sort_in_the_order_they_were_made() -> None:
    made = [uuid7() for _ in range(5000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_an_id_is_a_version_7_of_its_moment() -> None:
    before = time.time_ns() // 1_000_000
    found = uuid7()
    assert (found.version, found.variant) == (7, "specified in RFC 4122")
    assert before - 1000 <= found.int >> 80 <= time.time_ns() // 1_000_000 + 1
    assert uuid7(1_760_000_000_000).int >> 80 == 1_760_000_000_000
    assert len({uuid7(1_760_000_000_000) for _ in range(1000)}) == 1000


def test_ids_made_many_at_once_take_their_place_among_those_made_singly() -> None:
    before, many, after = uuid7(), uuid7s(3000), uuid7()
    assert [before, *many, after] == sorted([before, *many, after])
    assert len(set(many)) == len(many) == 3000
    assert {(i.version, i.variant) for i in many} == {(7, "specified in RFC 4122")}
    assert 0 <= (many[0].int >> 80) - (before.int >> 80) < 1000
    assert len({i.int & (1 << 62) - 1 for i in many}) == len(many), "random bits are used twice"
    assert uuid7s(0) == []
