"""The measure of growth tells a quadratic cost from a linear one."""

from __future__ import annotations

from tests.cost import grows_in_step

SMALL, LARGE = 1_000, 8_000


def linear(size: int) -> int:
    return sum(i % 7 for i in range(size * 100))


def quadratic(size: int) -> int:
    return sum(i % 7 for i in range(size * size // 8))


def test_a_linear_cost_passes_and_a_quadratic_one_does_not() -> None:
    assert grows_in_step(linear, SMALL, LARGE)
    assert not grows_in_step(quadratic, SMALL, LARGE)
