"""All cases of one side, or of a part of it, as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bihuan.analyse.process.sql import LEVELS
from bihuan.engine.meta import Interval, sure

HOUR = 3600.0


@dataclass(frozen=True)
class Whole:
    """One side as a whole. `cases` of `people` people in `variants` different ways with `executions` activities; `open` are not complete,
    `cut` have more events than are looked at, in `again` an activity is done more than once. `durations` are seconds from the beginning
    of a case to its end at each of LEVELS, `mean` on average; `waiting` and `service` hours in all. `found` is how many cases there are:
    more than `cases` where there are too many to look at all, or only complete ones are asked for. Of a sample all numbers but `variants`
    and `found` are estimates of those of all, `sure` being where that of the cases lies (95 %)."""

    cases: int
    people: int
    executions: int
    variants: int
    open: int
    cut: int
    again: int
    found: int
    mean: float | None
    durations: tuple[float, ...]
    waiting: float
    service: float
    sure: Interval | None = None

    @property
    def median(self) -> float | None:
        return self.durations[LEVELS.index(0.5)] if self.durations else None


NOTHING = Whole(0, 0, 0, 0, 0, 0, 0, 0, None, (), 0.0, 0.0)


def whole_of(row: Mapping[str, Any], sample: float | None = None) -> Whole:
    """`row` is scaled already; its last count is not."""
    *counts, squares = row["counts"]
    cases, people, executions, variants, unfinished, cut, again, found = map(round, counts)
    between = sure(counts[0] * sample, squares, sample) if sample is not None else None
    total, *durations, waiting, service = (float(one) / 1000 for one in row["times"])
    return Whole(
        cases,
        people,
        executions,
        variants,
        unfinished,
        cut,
        again,
        found,
        total / counts[0],
        tuple(durations),
        waiting / HOUR,
        service / HOUR,
        between,
    )


# Which of a row's times are sums: of others, quantiles, the sample's are those of all.
SUMS = {"total": (0, -2, -1), "value": (0, -2, -1), "variant": ()}


def scaled_row(row: Mapping[str, Any], sample: float, places: int) -> Mapping[str, Any]:
    """What a row of the sample says of all. Broken down into `places` parts, the last of the times are what each loses."""
    if row["part"] == "name":
        return row
    counts, times = [int(one) / sample for one in row["counts"]], [float(one) for one in row["times"]]
    if row["part"] in ("total", "value"):
        for place in (3, 7, 8):  # ways that nobody of the sample takes are not known
            counts[place] = int(row["counts"][place])
    for place in SUMS.get(row["part"], (0, 3, 4, *range(len(times) - places, len(times)))):
        times[place] /= sample
    return {**row, "counts": counts, "times": times}
