"""What a call costs, told so that a busy machine fails no test: by how the cost grows, never by the clock alone.

Absolute times belong to `make bench`, beside their ceilings.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

_ROUNDS = 4
_NOISE_S = 0.05  # below this a figure says nothing


def seconds(call: Callable[[], object]) -> float:
    """Processor seconds of one call, without a collector that looks through what other tests have kept."""
    gc.collect()
    gc.disable()
    try:
        began = time.process_time()
        call()
        return time.process_time() - began
    finally:
        gc.enable()


def grows_in_step(call: Callable[[int], object], small: int, large: int, *, slack: float = 2.5) -> bool:
    """Whether the call of a size grows with that size, and not with its square: true as soon as one round says so.

    Linear is `large / small`; a quadratic one is that squared, which no round reaches by luck when large is 8 times small.
    """
    most = slack * large / small
    return any(seconds(lambda: call(large)) < most * seconds(lambda: call(small)) + _NOISE_S for _ in range(_ROUNDS))
