"""How numbers spread, in slow and obvious Python; see `analyse.spread`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bihuan.analyse.spread import Spread

Numbers = Sequence[tuple[int, float]]  # of whom, and the number


def quantile(numbers: Sequence[float], share: float) -> float:
    """Between the two nearest numbers, as far as the place lies between their places."""
    ordered = sorted(numbers)
    place = (len(ordered) - 1) * share
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return low + (high - low) * (place - math.floor(place))


def readable_edges(numbers: Sequence[float], steps: Sequence[tuple[int, int]], begin: int = 0) -> list[float]:
    """Where bars begin, so that what lies between the 5th and the 95th of a hundred fits into twelve."""
    ordered = sorted(float(number) for number in numbers)
    low = max(ordered[int(0.05 * len(ordered))] - begin, 0) if begin else ordered[int(0.05 * len(ordered))]
    high = ordered[int(0.95 * len(ordered))] - begin
    for top, bottom in steps:
        first, last = math.floor(low * bottom / top), math.floor(high * bottom / top)
        if last - first < 12:
            return [(first + place) * top / bottom + begin for place in range(max(last - first, 0) + 2)]
    raise AssertionError("worlds hold no such numbers")


def spread(numbers: Numbers, edges: Sequence[float], *, per: float = 1) -> Spread:
    """All numbers of a Spread, rounded as `rounded` does."""
    bars = len(edges) + 1
    if not numbers:
        return Spread(bars=(0,) * bars, bar_people=(0,) * bars)
    values = [number for _, number in numbers]
    places = [sum(edge <= number for edge in edges) for number in values]
    least, p10, p25, median, p75, p90, greatest = (quantile(values, share) / per for share in (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1))
    counts = tuple(places.count(bar) for bar in range(bars))
    people = tuple(len({person for (person, _), at in zip(numbers, places, strict=True) if at == bar} - {0}) for bar in range(bars))
    everybody = len({person for person, _ in numbers} - {0})
    mean = math.fsum(values) / len(values) / per
    return rounded(Spread(len(numbers), everybody, least, p10, p25, median, p75, p90, greatest, mean, counts, people))


def rounded(found: Spread) -> Spread:
    """To a millionth: sums and interpolated numbers differ in their last bits."""
    names = ("least", "p10", "p25", "median", "p75", "p90", "greatest", "mean")
    told: dict[str, Any] = {name: None if getattr(found, name) is None else round(getattr(found, name), 6) + 0.0 for name in names}
    return replace(found, **told)
