"""What retention answers, each number defined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from bihuan.analyse.retention.spec import RetentionSpec
from bihuan.analyse.retention.sql import cohort_days, period_days
from bihuan.engine.breakdowns import Breakdown, cells_of, columns_of
from bihuan.engine.periods import midnight
from bihuan.engine.question import Column, Headline, Rows, Scope, Table


@dataclass(frozen=True)
class Cell:
    """One cohort in one period: `people` of the cohort who came back in it, `share` of the cohort's size (None when that is 0).

    Both are None when the period has not begun. `complete` says that it is over; until then the numbers still grow.
    """

    people: int | None
    share: float | None
    complete: bool


@dataclass(frozen=True)
class Cohort:
    """The people who started in the period that begins on `day`: `size` of them. `cells` has their own period first."""

    day: date
    size: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Mean:
    """The mean over all cohorts with people whose cell is complete (None when there is none).

    `weighted` is those who came back of all together, as a fraction; `plain` is the mean of the cohorts' shares, each cohort alike.
    """

    weighted: float | None
    plain: float | None


@dataclass(frozen=True)
class RetentionPart:
    """The retention of everybody (`value` None), of those with `value` ('' when they have none), or of all those whose value is not
    among the first (`other` is then how many values those are). `curve` has one mean for each column of the cohorts."""

    value: str | None
    other: int
    cohorts: tuple[Cohort, ...]
    curve: tuple[Mean, ...]

    @property
    def size(self) -> int:
        """The cohorts' sizes together; `recurring` counts a person once in each cohort."""
        return sum(cohort.size for cohort in self.cohorts)


@dataclass(frozen=True)
class RetentionResult:
    """`everybody`, and when broken down `parts`, most people first, the rest last. The columns 0, 1, … are periods of one `unit`."""

    unit: str
    everybody: RetentionPart
    parts: tuple[RetentionPart, ...]
    breakdown: tuple[Breakdown, ...]
    names: Mapping[str, str]


def shape_retention(spec: RetentionSpec, scope: Scope, rows: Rows) -> RetentionResult:
    places: dict[int, list[Mapping[str, Any]]] = {0: []}
    for row in rows:
        places.setdefault(row["place"], []).append(row)
    parts = {place: _part(spec, scope, found, place) for place, found in places.items()}
    return RetentionResult(
        unit=spec.unit,
        everybody=parts[0],
        parts=tuple(parts[place] for place in sorted(parts) if place > 0),
        breakdown=spec.breakdown,
        names=scope.segment_names,
    )


def table_retention(result: RetentionResult) -> Table:
    """One row for each cell that has begun: of everybody, or of each value; none when nobody started."""
    value = columns_of(result.breakdown) if result.parts else ()
    columns = (
        *value,
        Column("cohort", "Cohort", "day"),
        Column("size", "People", "number"),
        Column("after", "Periods later", "number"),
        Column("people", "Came back", "number"),
        Column("share", "Share", "share"),
        Column("complete", "Complete"),
    )
    rows = [
        (*(cells_of(part.value, result.breakdown) if value else ()), cohort.day, cohort.size, after, *_cell(cell))
        for part in (result.parts or (result.everybody,) if result.everybody.size else ())
        for cohort in part.cohorts
        for after, cell in enumerate(cohort.cells)
        if cell.people is not None
    ]
    return Table(columns, tuple(rows))


AFTER_ONE = {"day": "Back after one day", "week": "Back after one week", "month": "Back after one month"}


def headlines_retention(result: RetentionResult) -> tuple[Headline, ...]:
    curve = result.everybody.curve
    known = [mean.weighted for mean in curve[1:] if mean.weighted is not None]
    return (
        Headline("People in cohorts", result.everybody.size),
        Headline(AFTER_ONE[result.unit], curve[1].weighted, "share"),
        Headline("Back in the last complete period", known[-1] if known else None, "share"),
    )


def _cell(cell: Cell) -> tuple[int | None, float | None, bool]:
    return cell.people, cell.share, cell.complete


def _part(spec: RetentionSpec, scope: Scope, rows: Sequence[Mapping[str, Any]], place: int) -> RetentionPart:
    counts = {(row["cohort"], row["after"]): int(row["people"]) for row in rows}
    spans = [_span(scope, day, following) for day, following in pairwise(period_days(spec, scope))]
    cohorts = []
    for number, day in enumerate(cohort_days(spec, scope)):
        size = counts.get((number, -1), 0)
        cells = (_filled(size, counts.get((number, after), 0), *spans[number + after]) for after in range(spec.periods + 1))
        cohorts.append(Cohort(day, size, tuple(cells)))
    is_other = place > spec.top
    return RetentionPart(
        value=None if place == 0 or is_other else str(rows[0]["value"]),
        other=max(row["rank"] for row in rows) - spec.top if is_other else 0,
        cohorts=tuple(cohorts),
        curve=tuple(_curve(cohorts, spec.periods)),
    )


def _span(scope: Scope, day: date, following: date) -> tuple[bool, bool]:
    """Whether the period from `day` to before `following` has begun, and whether it is over."""
    return midnight(day, scope.zone) <= scope.now, midnight(following, scope.zone) <= scope.now


def _filled(size: int, people: int, begun: bool, over: bool) -> Cell:
    return Cell(people, people / size if size else None, over) if begun else Cell(None, None, False)


def _curve(cohorts: Sequence[Cohort], periods: int) -> Iterator[Mean]:
    for after in range(periods + 1):
        known = [(cohort.size, cohort.cells[after]) for cohort in cohorts if cohort.size and cohort.cells[after].complete]
        if not known:
            yield Mean(None, None)
            continue
        people = sum(cell.people or 0 for _, cell in known)
        yield Mean(people / sum(size for size, _ in known), sum(cell.share or 0.0 for _, cell in known) / len(known))
