"""A rule beside the same rule of another period or other people: by how much it changed, and whether that is more than chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from bihuan.analyse.statistics import ALPHA, NORMAL, Interval


@dataclass(frozen=True)
class Change:
    """By how much a number changed, with its 95 % interval: a share less the other one, or a lift divided by the other one. `p_value` is of
    "it is chance", adjusted for all that could have been found; `verdict` where that is at most 0.05."""

    by: Interval
    p_value: float
    neutral: float

    @property
    def verdict(self) -> str:
        """more, less, or '' where it may be chance."""
        if self.p_value > ALPHA:
            return ""
        return "more" if self.by.estimate > self.neutral else "less"

    @property
    def least(self) -> float:
        """How far from no change at all it is at least (a lift on the logarithmic scale); 0 where the interval has that, too."""
        low, high = (self.neutral if bound is None else bound for bound in (self.by.low, self.by.high))
        if self.neutral:
            low, high = (math.log(bound) if bound > 0 else -math.inf for bound in (low, high))
        return max(low, -high, 0.0)


class Four(NamedTuple):
    """Of `baskets`, so many have what a rule begins with (`when`), what it ends with (`then`), and `together` both."""

    together: int
    when: int
    then: int
    baskets: int


def lift_ratio(mine: Four, theirs: Four, both: Four) -> tuple[Interval | None, float | None]:
    """The one lift divided by the other, and how likely chance makes as much; None where a side has none of the one or of the other item.

    By the delta method on the logarithm: what each basket adds to the logarithm of a lift is known, and those on `both` sides add to both,
    so that a part stands beside its whole as it should. Where a side has none together, a half takes its place.
    """
    if not all((mine.when, mine.then, theirs.when, theirs.then)):
        return None, None
    one, other = (max(side.together, 0.5) * side.baskets / (side.when * side.then) for side in (mine, theirs))
    variance = _summed(mine, mine, mine) + _summed(theirs, theirs, theirs) - 2 * _summed(both, mine, theirs)
    logarithm, error = math.log(one / other), math.sqrt(max(variance, 0.0))
    if error < 1e-9:
        return Interval(one / other, one / other, one / other), 1.0
    half = NORMAL.inv_cdf(1 - ALPHA / 2) * error
    return Interval(one / other, math.exp(logarithm - half), math.exp(logarithm + half)), math.erfc(abs(logarithm) / error / math.sqrt(2))


def _summed(over: Four, one: Four, other: Four) -> float:
    """Over these baskets, the sum of the products of what each adds to the logarithms of the two lifts."""
    together = over.together if over.together or over is not one else 0.5
    numbers = (together, over.when - together, over.then - together, over.baskets - over.when - over.then + together)
    return sum(number * mine * theirs for number, mine, theirs in zip(numbers, _adds(one), _adds(other), strict=True))


def _adds(side: Four) -> tuple[float, float, float, float]:
    """What a basket with both, with only the one, only the other, and neither adds."""
    together, when, then, baskets = 1 / max(side.together, 0.5), 1 / side.when, 1 / side.then, 1 / side.baskets
    return together - when - then + baskets, baskets - when, baskets - then, baskets
