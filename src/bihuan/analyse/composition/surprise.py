"""How much a property tells those who are asked about from those beside them: Cramér's V, and how likely chance alone is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from bihuan.analyse.statistics import chi_square_tail, independence_p_value

LEAST_EXPECTED = 5  # Cochran's rule: values of which chance would give fewer count as one


class Surprise(NamedTuple):
    """`v`, Cramér's V without its bias (Bergsma, 2013): 0 the property tells nothing, 1 it tells everything. `p_value` of "it tells
    nothing", by Pearson's chi-square; of two values by `independence_p_value`."""

    v: float
    p_value: float


NOTHING = Surprise(0.0, 1.0)


def of_values(target: Sequence[int], rest: Sequence[int]) -> Surprise:
    """Of a property that everybody has one value of: how many of the target, and of the rest of the base, have each."""
    pairs = _merged(target, rest)
    targets, rests = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    total = targets + rests
    if len(pairs) < 2 or not targets or not rests:
        return NOTHING
    square = 0.0
    for a, b in pairs:
        expected = (a + b) * targets / total
        square += (a - expected) ** 2 * (1 / expected + 1 / (a + b - expected))
    freedom = len(pairs) - 1
    if freedom == 1:
        return Surprise(_v(square, 1, total), independence_p_value(pairs[0][0], targets, sum(pairs[0]), total))
    return Surprise(_v(square, freedom, total), chi_square_tail(square, freedom))


def of_elements(target: Sequence[int], rest: Sequence[int], targets: int, rests: int) -> Surprise:
    """Of a list, whose elements are not apart: that of the element that tells most, its p-value multiplied by how many there are."""
    found = NOTHING
    for a, b in zip(target, rest, strict=True):
        one = of_values((a, targets - a), (b, rests - b))
        p_value = min(1.0, independence_p_value(a, targets, a + b, targets + rests) * len(target))
        found = max(found, Surprise(one.v, p_value), key=lambda each: (each.v, -each.p_value))
    return found


def _merged(target: Sequence[int], rest: Sequence[int]) -> list[tuple[int, int]]:
    """The values, those with too few people as one, with the next smallest if they are too few even so; but two at least."""
    targets, total = sum(target), sum(target) + sum(rest)
    if not total:
        return []
    pairs = sorted(((a, b) for a, b in zip(target, rest, strict=True) if a + b), key=lambda pair: -sum(pair))
    share = min(targets, total - targets) / total
    while len(pairs) > 2 and sum(pairs[-1]) * share < LEAST_EXPECTED:
        last, before = pairs.pop(), pairs.pop()
        pairs.append((before[0] + last[0], before[1] + last[1]))
        pairs.sort(key=lambda pair: -sum(pair))
    return pairs


def _v(square: float, freedom: int, total: int) -> float:
    """Of a table with two rows and `freedom` + 1 columns."""
    bias = freedom / (total - 1)
    columns = freedom + 1 - freedom * freedom / (total - 1)
    rows = 2 - 1 / (total - 1)
    least = min(columns, rows) - 1
    return math.sqrt(max(0.0, square / total - bias) / least) if least > 0 else 0.0
