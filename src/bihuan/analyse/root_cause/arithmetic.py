"""Splits a change exactly: a product into its factors (Shapley), a rate into what happened within parts and how the parts' mix shifted.

Nothing is left over: the parts of every split sum to the change. There is no residual, and no order of the factors to choose.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations


@dataclass(frozen=True)
class Amounts:
    """What a part has: `x` (of a rate the hits) and `y` (of a rate the attempts), now and before."""

    x: float
    y: float
    was_x: float
    was_y: float

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(self.x + other.x, self.y + other.y, self.was_x + other.was_x, self.was_y + other.was_y)


NOTHING = Amounts(0, 0, 0, 0)


def ratio(x: float, y: float) -> float | None:
    return x / y if y else None


def shapley(now: Sequence[float], was: Sequence[float]) -> tuple[float, ...]:
    """How much each factor of a product adds to its change: the mean, over all orders in which they could change one after the other."""
    added = [0.0] * len(now)
    orders = list(permutations(range(len(now))))
    for order in orders:
        mixed = list(was)
        for place in order:
            before = math.prod(mixed)
            mixed[place] = now[place]
            added[place] += math.prod(mixed) - before
    return tuple(each / len(orders) for each in added)


def filled(now: Sequence[float | None], was: Sequence[float | None]) -> tuple[list[float], list[float]]:
    """Factors that are undefined on one side (the orders of nobody) are taken as on the other: they did not change."""
    return (
        [mine if mine is not None else other if other is not None else 0.0 for mine, other in zip(now, was, strict=True)],
        [other if other is not None else mine if mine is not None else 0.0 for mine, other in zip(now, was, strict=True)],
    )


def of_rate(part: Amounts, whole: Amounts) -> tuple[float, float]:
    """What a part adds to the change of a rate, as (within, mix), after Marshall and Edgeworth: each at the mean of both periods.

    within = w̄ Δr, mix = (r̄ - R̄) Δw, where w is the part's share of the attempts, r its rate and R the whole's. Because the shares sum to
    one, R̄ changes no total; it makes the mix of a part negative when a part *below* the mean grows. Hits where nobody attempted
    anything are within. Without attempts in one of the periods the whole has no rate and nothing is split.
    """
    if not whole.y or not whole.was_y:
        return 0.0, 0.0
    share, was_share = part.y / whole.y, part.was_y / whole.was_y
    mean = (whole.x / whole.y + whole.was_x / whole.was_y) / 2
    (rate,), (was_rate,) = filled([ratio(part.x, part.y)], [ratio(part.was_x, part.was_y)])
    mix = ((rate + was_rate) / 2 - mean) * (share - was_share)
    added = part.x / whole.y - part.was_x / whole.was_y - mean * (share - was_share)
    return added - mix, mix


def surprise(expected: float, actual: float) -> float:
    """A part's term of the Jensen-Shannon divergence between the expected shares and the actual ones, in nats: 0 … ln 2 / 2."""
    middle = (expected + actual) / 2
    return sum(share * math.log(share / middle) for share in (expected, actual) if share > 0) / 2
