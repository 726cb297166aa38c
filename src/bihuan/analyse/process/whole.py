"""All cases of one side, or of a part of it, as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bihuan.analyse.process.sql import LEVELS

HOUR = 3600.0


@dataclass(frozen=True)
class Whole:
    """One side as a whole. `cases` of `people` people in `variants` different ways with `executions` activities; `open` are not complete,
    `cut` have more events than are looked at, in `again` an activity is done more than once. `durations` are seconds from the beginning
    of a case to its end at each of LEVELS, `mean` on average; `waiting` and `service` hours in all. `found` is how many cases there are:
    more than `cases` where there are too many to look at all, or only complete ones are asked for."""

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

    @property
    def median(self) -> float | None:
        return self.durations[LEVELS.index(0.5)] if self.durations else None


NOTHING = Whole(0, 0, 0, 0, 0, 0, 0, 0, None, (), 0.0, 0.0)


def whole_of(row: Mapping[str, Any]) -> Whole:
    cases, people, executions, variants, unfinished, cut, again, found = map(int, row["counts"])
    total, *durations, waiting, service = (float(one) / 1000 for one in row["times"])
    return Whole(
        cases, people, executions, variants, unfinished, cut, again, found, total / cases, tuple(durations), waiting / HOUR, service / HOUR
    )
