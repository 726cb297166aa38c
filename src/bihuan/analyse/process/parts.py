"""A process broken down: the same numbers of each kind of cases, and what they lose by the yardstick of all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bihuan.analyse.process.spec import ProcessSpec
from bihuan.analyse.process.whole import HOUR, NOTHING, Whole, whole_of
from bihuan.engine.breakdowns import order_key, ordered
from bihuan.engine.question import Rows

Link = tuple[str, str | None]


@dataclass(frozen=True)
class Spent:
    """Of `number` times of one part half are at most `median` seconds (None: there is none), and `lost` hours are lost: what they take
    beyond what is allowed to all, which is the target, or the median of all parts together. So the parts' hours add up to the whole's."""

    number: int = 0
    median: float | None = None
    lost: float = 0.0


@dataclass(frozen=True)
class Part:
    """The cases of `value` ('' when none of their events has one), or (None) of `other` values that are not shown alone.

    `whole` are their numbers, `before` those of what they are compared with. `ways` and `before_ways` are how many of them are exactly
    each of the answer's variants, `spent` their waiting at each connection (name, next) and the time that each activity (name, None)
    takes, `lost` the hours lost in all. `keeping` keep the order (None: there is none).
    """

    value: str | None
    other: int
    whole: Whole
    before: Whole | None
    ways: Mapping[tuple[str, ...], int]
    before_ways: Mapping[tuple[str, ...], int]
    spent: Mapping[Link, Spent]
    keeping: int | None

    @property
    def lost(self) -> float:
        return math.fsum(spent.lost for spent in self.spent.values())

    @property
    def waiting(self) -> float | None:
        """Hours that a case waits on average."""
        return self.whole.waiting / self.whole.cases if self.whole.cases else None

    @property
    def lost_each(self) -> float | None:
        """Hours that a case loses on average."""
        return self.lost / self.whole.cases if self.whole.cases else None

    @property
    def kept(self) -> float | None:
        """The share of its cases that keep the order."""
        return None if self.keeping is None or not self.whole.cases else self.keeping / self.whole.cases


def parts_of(spec: ProcessSpec, rows: Rows, names: Mapping[int, str]) -> tuple[Part, ...]:
    """By size, ranges and times in their order; all others last."""
    totals = {(int(row["a"]), int(row["side"])): row for row in rows if row["part"] == "value"}
    known = max((int(row["b"]) for row in totals.values()), default=0)
    ways = [row for row in rows if row["part"] == "variant"]
    links = [row for row in rows if row["part"] in ("activity", "edge") and row["side"] == 0]
    keeping = next((row for row in rows if row["part"] == "order" and row["side"] == 0 and row["a"] == 1), None)
    found = []
    for place in sorted({place for place, _ in totals}):
        now, before = totals.get((place, 0)), totals.get((place, 1))
        kept = None if not spec.order else round(keeping["counts"][COUNTS + place]) if keeping else 0
        found.append(
            Part(
                value=str((now or before or {})["name"]) if place else None,
                other=0 if place else known - spec.top,
                whole=whole_of(now) if now else NOTHING,
                before=None if spec.compare is None else whole_of(before) if before else NOTHING,
                ways=_ways(ways, WAYS + place, names),
                before_ways=_ways(ways, WAYS + spec.top + 1 + place, names),
                spent=dict(_spent(row, place, spec.top, names) for row in links),
                keeping=kept,
            )
        )
    if ordered(spec.breakdown):
        return tuple(sorted(found, key=lambda one: (one.value is None, order_key(one.value or "", spec.breakdown))))
    return tuple(sorted(found, key=lambda one: (one.value is None, -one.whole.cases, one.value or "")))


COUNTS, TIMES, WAYS = 9, 5, 4  # how many numbers of a row are of all parts together; those of each follow


def _ways(rows: Sequence[Mapping[str, Any]], place: int, names: Mapping[int, str]) -> dict[tuple[str, ...], int]:
    return {tuple(names[int(code)] for code in row["trail"]): round(row["counts"][place]) for row in rows}


def _spent(row: Mapping[str, Any], place: int, top: int, names: Mapping[int, str]) -> tuple[Link, Spent]:
    link = names[int(row["a"])], names[int(row["b"])] if row["part"] == "edge" else None
    number = round(row["counts"][COUNTS + place])
    if not number:
        return link, Spent()
    median, lost = (float(row["times"][TIMES + shift + place]) / 1000 for shift in (0, top + 1))
    return link, Spent(number, median, lost / HOUR)
