"""What a funnel answers, each number defined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.analyse.funnel.sql import EDGES, entry_period
from bihuan.engine.breakdowns import Breakdown, cells_of, columns_of
from bihuan.engine.periods import Period
from bihuan.engine.question import Column, Headline, Rows, Scope, Table

TITLES = {"people": "People", "sessions": "Sessions", "attempts": "Attempts"}
STILL = {
    "people": "{count} people may still convert: the time they have is not over yet.",
    "sessions": "{count} sessions may still convert: the time they have is not over yet.",
    "attempts": "{count} attempts may still convert: the time they have is not over yet.",
}
ENTERED = {"people": "People who entered", "sessions": "Sessions that entered", "attempts": "Attempts that began"}
CONVERTED = {"people": "People who converted", "sessions": "Sessions that converted", "attempts": "Attempts that converted"}


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
    """One step. `people` did it: people, or the sessions or attempts that are counted (each once, on the way that counts).

    `from_start` is `people` as a fraction of those at the first step, `from_previous` of those at the required step before (both None
    when nobody was there; 1 at the first step). `dropped` of those at the required step before did not come. `since_previous` is the time
    from the step that was done before to this one, `since_start` from the first step to this one, of the people who reached it (None at
    the first step, and when nobody did).
    """

    number: int
    title: str
    people: int
    from_start: float | None
    from_previous: float | None
    dropped: int
    since_previous: Durations | None
    since_start: Durations | None
    optional: bool = False


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
    counted: Literal["people", "sessions", "attempts"] = "people"

    @property
    def warnings(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        if not self.everybody.open:
            return ()
        return ((STILL[self.counted], {"count": self.everybody.open}),)


def shape_funnel(spec: FunnelSpec, scope: Scope, rows: Rows) -> FunnelResult:
    bars = tuple(_bars(spec))
    values = sorted((row for row in rows if row["part"] == "value"), key=lambda row: row["place"])
    return FunnelResult(
        period=entry_period(spec, scope),
        everybody=_part(spec, next((row for row in rows if row["part"] == "total"), None), len(bars), value=None),
        parts=tuple(_part(spec, row, len(bars), value=None if row["place"] > spec.top else str(row["value"])) for row in values),
        bars=bars,
        breakdown=spec.breakdown,
        names=scope.segment_names,
        counted=spec.count,
    )


def table_funnel(result: FunnelResult) -> Table:
    """One row for each step, of everybody or of each value; none when nobody entered."""
    value = columns_of(result.breakdown) if result.parts else ()
    columns = (
        *value,
        Column("step", "Step", "number"),
        Column("name", "Name"),
        Column("people", TITLES[result.counted], "number"),
        Column("from_start", "From the start", "share"),
        Column("from_previous", "From the previous step", "share"),
        Column("dropped", "Dropped off", "number"),
        Column("median_since_previous", "Median time from the previous step", "seconds"),
        Column("median_since_start", "Median time from the start", "seconds"),
        Column("p10_since_start", "Fastest 10 % from the start within", "seconds"),
        Column("p90_since_start", "90 % from the start within", "seconds"),
    )
    rows, cells = [], []
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
            behind = [None, None, cell_of(part, step), None, None, cell_of(part, step, "dropped") if step.number > 1 else None, *[None] * 4]
            cells.append((*[None] * len(value), *behind))
    return Table(columns, tuple(rows), tuple(cells))


def cell_of(part: FunnelPart, step: FunnelStep, state: str = "reached") -> dict[str, Any] | None:
    """Those behind a number of a step, as fields of `FunnelCell`; None for the rest of the values, who are not told apart."""
    if part.other:
        return None
    value = {} if part.value is None else {"value": part.value} if part.value else {"no_value": True}
    return {"step": step.number, **({"state": state} if state != "reached" else {}), **value}


def headlines_funnel(result: FunnelResult) -> tuple[Headline, ...]:
    last = result.everybody.steps[-1]
    return (
        Headline("Conversion", result.everybody.conversion, "share"),
        Headline(ENTERED[result.counted], result.everybody.entered),
        Headline(CONVERTED[result.counted], last.people),
        Headline("Median time to convert", last.since_start.median if last.since_start else None, "seconds"),
    )


def _part(spec: FunnelSpec, row: Mapping[str, Any] | None, bars: int, *, value: str | None) -> FunnelPart:
    counts = [*(row["people"] if row else ()), *[0] * len(spec.steps)][: len(spec.steps)]
    steps = [FunnelStep(1, spec.steps[0].title, counts[0], _share(counts[0], counts[0]), _share(counts[0], counts[0]), 0, None, None)]
    before = counts[0]
    for place, people in enumerate(counts[1:], 1):
        steps.append(
            FunnelStep(
                number=place + 1,
                title=spec.steps[place].title,
                people=people,
                from_start=_share(people, counts[0]),
                from_previous=_share(people, before),
                dropped=before - people,
                since_previous=_durations(row["previous_times"][place], row["previous_histogram"][place], bars) if row and people else None,
                since_start=_durations(row["start_times"][place], row["start_histogram"][place], bars) if row and people else None,
                optional=spec.steps[place].optional,
            )
        )
        before = before if spec.steps[place].optional else people
    other = row["values"] if row and row["part"] == "value" and value is None else 0
    return FunnelPart(value, other, tuple(steps), row["open"] if row else 0)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _durations(quantiles: list[float], histogram: list[int], bars: int) -> Durations:
    p10, p25, median, p75, p90 = (value / 1000 for value in quantiles)
    return Durations(p10, p25, median, p75, p90, tuple(histogram[:bars]))


def _bars(spec: FunnelSpec) -> Iterator[tuple[int, int | None]]:
    """The bars that a time within the window can fall into."""
    edges = [edge for edge in EDGES if edge <= spec.window.length.total_seconds()]
    yield from pairwise((*edges, None))
