"""Examples -> the weights of the leaning (L5): a logistic regression, the same for the same examples.

Pure; run by a person who changed the examples, never in service.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.policy.optout.leaning import BESIDE, features, scale, weighed
from hub.policy.optout.tokens import Tokens

_ROUNDS = 12
_STEP = 0.2
_SHRINK = 0.01  # of every weight, each round: what few examples say counts little
_SEEN_AT_LEAST = 2  # examples, or a feature is that example's own
_PAIR_AT_LEAST = 4  # the same of neighbours: rarer ones are half of all features, and tell nothing that is missed
_NEGLIGIBLE = 0.002  # an error so small that the example has been learnt
_TELLING = 0.05  # what weighs less decides nothing, and is left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A message somebody judged. wants_out: it should at least be put to staff. hint: the rule that hints at that, "" for none."""

    tokens: Tokens
    hint: str = ""
    wants_out: bool
    after_marketing: bool


_Row = tuple[list[int], list[float], bool]


def learn(examples: Sequence[Example]) -> tuple[Mapping[str, float], float]:
    """The weights, rounded to a hundredth, and the bias. Raises ValueError where all examples are of one kind."""
    if len({e.wants_out for e in examples}) < 2:
        raise ValueError("there must be examples of both kinds")
    names, rows = _rows(examples)
    weights, slopes, bias = [0.0] * len(names), [1e-6] * len(names), 0.0
    chance = random.Random(0)  # noqa: S311 - an order that is always the same, no secret
    for _ in range(_ROUNDS):
        chance.shuffle(rows)
        for at, much, wants_out in rows:
            score = bias + sum([weights[i] * m for i, m in zip(at, much, strict=True)])
            error = 1 / (1 + math.exp(-max(-30.0, min(30.0, score)))) - wants_out
            if -_NEGLIGIBLE < error < _NEGLIGIBLE:
                continue
            bias -= 0.01 * error
            for i, m in zip(at, much, strict=True):
                slope = error * m
                slopes[i] += slope * slope
                weights[i] -= _STEP * slope / math.sqrt(slopes[i])
        weights = [weight * (1 - _SHRINK) for weight in weights]
    rounded = {name: round(weights[at], 2) for name, at in names.items()}
    return {name: weight for name, weight in sorted(rounded.items()) if abs(weight) >= _TELLING}, round(bias, 2)


def _rows(examples: Sequence[Example]) -> tuple[dict[str, int], list[_Row]]:
    """Each feature's place, and of each example the places of its features, how much each counts, and the judgement."""
    counted = [Counter(features(e.tokens, e.hint, after_marketing=e.after_marketing)) for e in examples]
    seen = Counter(name for count in counted for name in count)
    often = sorted(name for name, times in seen.items() if times >= (_PAIR_AT_LEAST if " " in name or BESIDE in name else _SEEN_AT_LEAST))
    names = {name: at for at, name in enumerate(often)}
    rows: list[_Row] = []
    for example, count in zip(examples, counted, strict=True):
        much = scale(weighed(example.tokens))
        known = sorted((names[name], times * much) for name, times in count.items() if name in names)
        rows.append(([at for at, _ in known], [m for _, m in known], example.wants_out))
    return names, rows
