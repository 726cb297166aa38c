"""How many events were to be expected: an interval from the same weekdays of the past that a few odd ones cannot bend. Pure.

Counts are judged by their square root, whose spread hardly depends on how many there are. The middle is the median of the same weekdays,
the spread the median deviation of all the days from the median of theirs, and at least what chance alone does to a count. Days that
follow the same law leave the interval less than once in 300: as seen in `tests/test_volumes.py` did.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

LEAST_PAST = 4  # of the same weekday, before anything is judged
WIDTH = 4.6  # spreads from the middle
OF_CHANCE = 0.5  # the spread of the square root of a count that chance alone makes
TO_DEVIATION = 1.4826  # from the median deviation to the standard one, where chances are normal


class Interval(NamedTuple):
    """`expected` many, and from `low` to `high` where nothing is unusual."""

    expected: float
    low: float
    high: float


def interval(same: Sequence[float], groups: Mapping[int, Sequence[float]]) -> Interval | None:
    """The interval for a count, from those of the `same` weekdays (or hours) before it; `groups` are the pasts of all weekdays, from
    which the spread is taken. None when there is too little past."""
    if len(same) < LEAST_PAST:
        return None
    middle = median(math.sqrt(count) for count in same)
    off = [
        abs(math.sqrt(count) - median(math.sqrt(one) for one in past))
        for past in groups.values()
        if len(past) >= LEAST_PAST
        for count in past
    ]
    # A median of eight sits closer to its own eight than to others: the factor makes up for that.
    spread = max(OF_CHANCE, TO_DEVIATION * median(off) * 1.15) if off else OF_CHANCE
    low, high = max(0.0, middle - WIDTH * spread), middle + WIDTH * spread
    return Interval(middle**2, math.floor(low**2), math.ceil(high**2))
