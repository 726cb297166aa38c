"""What a funnel answers, each number defined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.analyse.funnel.sql import EDGES, entry_period
from bihuan.engine.breakdowns import Breakdown, cells_of, columns_of
from bihuan.engine.periods import Period
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class Durations:
    """How long people took, in seconds.

    `p10` … `p90` are quantiles with linear interpolation between the two nearest people (`median` is `p50`).
    `histogram` has one number for each bar of `FunnelResult.bars`: how many people took that long.
    """

    p10: float
    p25: float
    median: float
    p75: float
    p90: float
    histogram: tuple[int, ...]


@dataclass(frozen=True)
class FunnelStep:
    """One step. `people` reached it (each person counts once, on the way that went furthest, the earliest of those).

    `from_start` is `people` as a fraction of those at the first step, `from_previous` of those at the step before (both None when nobody
    was there; 1 at the first step). `dropped` of those at the step before did not come. `since_previous` is the time from the step before
    to this one, `since_start` from the first step to this one, of the people who reached it (None at the first step, and when nobody did).
    """

    number: int
    title: str
    people: int
    from_start: float | None
    from_previous: float | None
    dropped: int
    since_previous: Durations | None
    since_start: Durations | None


@dataclass(frozen=True)
class FunnelPart:
    """The funnel of some of the people: of everybody (`value` None), of those with `value` ('' when they have none), or of all those whose
    value is not among the first (`other` is then how many values those are).

    `open` people did not do all the steps, but their time is not over yet: they may still.
    """

    value: str | None
    other: int
    steps: tuple[FunnelStep, ...]
    open: int

    @property
    def entered(self) -> int:
        return self.steps[0].people

    @property
    def conversion(self) -> float | None:
        """The fraction of those at the first step who reached the last."""
        return self.steps[-1].from_start


@dataclass(frozen=True)
class FunnelResult:
    """`everybody`, and when broken down `parts`, most people first, the rest last. `period` is when people entered; `bars` are the
    durations (from, to) in seconds that the histograms count, the last without an end; `names` are the segments' by key."""

    period: Period
    everybody: FunnelPart
    parts: tuple[FunnelPart, ...]
    bars: tuple[tuple[int, int | None], ...]
    breakdown: tuple[Breakdown, ...]
    names: Mapping[str, str]

    @property
    def warnings(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        if not self.everybody.open:
            return ()
        return (("{count} people may still convert: the time they have is not over yet.", {"count": self.everybody.open}),)


def shape_funnel(spec: FunnelSpec, scope: Scope, rows: Rows) -> FunnelResult:
    bars = tuple(_bars(spec))
    places: dict[int, list[Mapping[str, Any]]] = {}
    totals = []
    for row in rows:
        if row["total"]:
            totals.append(row)
        else:
            places.setdefault(row["place"], []).append(row)
    return FunnelResult(
        period=entry_period(spec, scope),
        everybody=_part(spec, totals, len(bars), value=None),
        parts=tuple(_part(spec, places[place], len(bars), value=_shown(spec, place, places[place])) for place in sorted(places)),
        bars=bars,
        breakdown=spec.breakdown,
        names=scope.segment_names,
    )


def table_funnel(result: FunnelResult) -> Table:
    """One row for each step, of everybody or of each value; none when nobody entered."""
    value = columns_of(result.breakdown) if result.parts else ()
    columns = (
        *value,
        Column("step", "Step", "number"),
        Column("name", "Name"),
        Column("people", "People", "number"),
        Column("from_start", "From the start", "share"),
        Column("from_previous", "From the previous step", "share"),
        Column("dropped", "Dropped off", "number"),
        Column("median_since_previous", "Median time from the previous step", "seconds"),
        Column("median_since_start", "Median time from the start", "seconds"),
        Column("p10_since_start", "Fastest 10 % from the start within", "seconds"),
        Column("p90_since_start", "90 % from the start within", "seconds"),
    )
    rows = []
    for part in (result.parts or (result.everybody,)) if result.everybody.entered else ():
        for step in part.steps:
            start, previous = step.since_start, step.since_previous
            rows.append(
                (
                    *(cells_of(part.value, result.breakdown) if value else ()),
                    step.number,
                    step.title,
                    step.people,
                    step.from_start,
                    step.from_previous,
                    step.dropped,
                    previous.median if previous else None,
                    start.median if start else None,
                    start.p10 if start else None,
                    start.p90 if start else None,
                )
            )
    return Table(columns, tuple(rows))


def headlines_funnel(result: FunnelResult) -> tuple[Headline, ...]:
    last = result.everybody.steps[-1]
    return (
        Headline("Conversion", result.everybody.conversion, "share"),
        Headline("People who entered", result.everybody.entered),
        Headline("People who converted", last.people),
        Headline("Median time to convert", last.since_start.median if last.since_start else None, "seconds"),
    )


def _part(spec: FunnelSpec, rows: list[Mapping[str, Any]], bars: int, *, value: str | None) -> FunnelPart:
    by_step = {row["step"]: row for row in rows}
    counts = [by_step[number]["people"] if number in by_step else 0 for number in range(1, len(spec.steps) + 1)]
    steps = [FunnelStep(1, spec.steps[0].title, counts[0], _share(counts[0], counts[0]), _share(counts[0], counts[0]), 0, None, None)]
    for number, (before, people) in enumerate(pairwise(counts), 2):
        row = by_step.get(number)
        steps.append(
            FunnelStep(
                number=number,
                title=spec.steps[number - 1].title,
                people=people,
                from_start=_share(people, counts[0]),
                from_previous=_share(people, before),
                dropped=before - people,
                since_previous=_durations(row["since_previous"], row["previous_histogram"], bars) if row else None,
                since_start=_durations(row["since_start"], row["start_histogram"], bars) if row else None,
            )
        )
    entered = by_step.get(1)
    other = entered["values"] if entered and not entered["total"] and value is None else 0
    return FunnelPart(value, other, tuple(steps), entered["open"] if entered else 0)


def _shown(spec: FunnelSpec, place: int, rows: list[Mapping[str, Any]]) -> str | None:
    return None if place > spec.top else str(rows[0]["value"])


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _durations(quantiles: list[float], histogram: list[int], bars: int) -> Durations:
    p10, p25, median, p75, p90 = (value / 1000 for value in quantiles)
    return Durations(p10, p25, median, p75, p90, tuple(histogram[:bars]))


def _bars(spec: FunnelSpec) -> Iterator[tuple[int, int | None]]:
    """The bars that a time within the window can fall into."""
    edges = [edge for edge in EDGES if edge <= spec.window.length.total_seconds()]
    yield from pairwise((*edges, None))
