"""What retention answers, each number defined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from math import sqrt
from typing import Any

from bihuan.analyse.retention.spec import RetentionSpec
from bihuan.analyse.retention.sql import cohort_starts, period_starts
from bihuan.engine.breakdowns import Breakdown, cells_of, columns_of
from bihuan.engine.question import Column, Headline, Rows, Scope, Table

DAY = 86_400  # seconds
LENGTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}  # by the clock, not by the calendar
Z95 = 1.959963984540054  # of a normal distribution 95 % lie so near to its mean


@dataclass(frozen=True)
class Cell:
    """One cohort in one column: `people` of the cohort who came back in it, `share` of what is asked for (the cohort's size, or those of
    the column before; None when that is 0). `value` is what their return events are worth together (None when that is not asked).

    All are None when the column has not begun. `complete` says that it is over for everybody; until then the numbers may still change.
    """

    people: int | None
    share: float | None
    complete: bool
    value: float | None = None


@dataclass(frozen=True)
class Cohort:
    """The people who started in the period that begins at `start`: `size` of them. `cells` has their own period first."""

    start: datetime
    size: int
    cells: tuple[Cell, ...]

    @property
    def day(self) -> date:
        return self.start.date()


@dataclass(frozen=True)
class Mean:
    """The mean over all cohorts with people whose cell is complete (None when there is none).

    `weighted` is those who came back of all together, as a fraction; `plain` is the mean of the cohorts' shares, each cohort alike.
    `came` came back of `of`, from which `interval` tells how far chance reaches. `value` is what each person of the cohorts brought
    (None when it is not asked).
    """

    weighted: float | None
    plain: float | None
    came: int = field(default=0, compare=False)
    of: int = field(default=0, compare=False)
    value: float | None = None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's interval of 95 % around `weighted` (None when there is no share, or more came than in the column before)."""
        if not self.of or self.came > self.of:
            return None
        share, z = self.came / self.of, Z95 * Z95 / self.of
        middle, half = share + z / 2, Z95 * sqrt(share * (1 - share) / self.of + z / (4 * self.of))
        return max(0.0, (middle - half) / (1 + z)), min(1.0, (middle + half) / (1 + z))


@dataclass(frozen=True)
class RetentionPart:
    """The retention of everybody (`value` None), of those with `value` ('' when they have none), or of all those whose value is not
    among the first (`other` is then how many values those are). `curve` has one mean for each column of the cohorts. `place` is where it
    stands in the answer; 0 is everybody."""

    value: str | None
    other: int
    cohorts: tuple[Cohort, ...]
    curve: tuple[Mean, ...]
    place: int = 0

    @property
    def size(self) -> int:
        """The cohorts' sizes together; `recurring` counts a person once in each cohort."""
        return sum(cohort.size for cohort in self.cohorts)


@dataclass(frozen=True)
class Usage:
    """Of the `people` who did the return event on more than one day: the median, over people, of the median `days` between two such days
    (None: there are none), and the `unit` that fits such a habit."""

    people: int
    days: int | None

    @property
    def unit(self) -> str | None:
        """Whichever of a day, a week (7) and a month (30) is nearest by ratio."""
        return None if self.days is None else "day" if self.days < sqrt(7) else "week" if self.days < sqrt(7 * 30) else "month"


@dataclass(frozen=True)
class RetentionResult:
    """`everybody`, and when broken down `parts`, most people first, the rest last. `columns` are the first and last period of each, in
    `unit`s after the cohort's own, which is 0. `valued` is the property summed up, `usage` how often people come, where asked for."""

    unit: str
    everybody: RetentionPart
    parts: tuple[RetentionPart, ...]
    breakdown: tuple[Breakdown, ...]
    names: Mapping[str, str]
    columns: tuple[tuple[int, int], ...]
    counts: str
    reference: str
    clock: str
    valued: str | None
    usage: Usage | None


def shape_retention(spec: RetentionSpec, scope: Scope, rows: Rows) -> RetentionResult:
    places: dict[int, list[Mapping[str, Any]]] = {0: []}
    for row in rows:
        places.setdefault(row["place"], []).append(row)
    usage = [Usage(int(row["people"]), round(row["amount"] / DAY) if row["people"] else None) for row in places.pop(-1, ())]
    parts = {place: _part(spec, scope, found, place) for place, found in places.items()}
    return RetentionResult(
        unit=spec.unit,
        everybody=parts[0],
        parts=tuple(parts[place] for place in sorted(parts) if place > 0),
        breakdown=spec.breakdown,
        names=scope.segment_names,
        columns=spec.columns,
        counts=spec.counts,
        reference=spec.reference,
        clock=spec.clock,
        valued=spec.value,
        usage=usage[0] if usage else None,
    )


def table_retention(result: RetentionResult) -> Table:
    """One row for each cell that has begun: of everybody, or of each value; none when nobody started."""
    value = columns_of(result.breakdown) if result.parts else ()
    columns = (
        *value,
        Column("cohort", "Cohort", "time" if result.unit == "hour" else "day"),
        Column("size", "People", "number"),
        Column("after", "Periods later", "number"),
        Column("people", "Came back", "number"),
        Column("share", "Share", "share"),
        Column("complete", "Complete"),
        Column("away", "Did not come back", "number"),
    )
    if result.valued is not None:
        columns += (Column("value", "{name}, in all", "number", {"name": result.valued}),)
    rows, cells = [], []
    for part in (result.parts or (result.everybody,)) if result.everybody.size else ():
        for cohort in part.cohorts:
            for number, cell in enumerate(cohort.cells):
                if cell.people is None:
                    continue
                named = cells_of(part.value, result.breakdown) if value else ()
                when = cohort.start if result.unit == "hour" else cohort.day
                row = (
                    *named,
                    when,
                    cohort.size,
                    result.columns[number][0],
                    cell.people,
                    cell.share,
                    cell.complete,
                    cohort.size - cell.people,
                )
                rows.append((*row, cell.value) if result.valued is not None else row)
                whose = cell_of(part, cohort, result.unit)
                links = (
                    *[None] * len(named),
                    None,
                    whose,
                    None,
                    {**whose, "after": number},
                    None,
                    None,
                    {**whose, "after": number, "came": False},
                )
                cells.append((*links, None) if result.valued is not None else links)
    return Table(columns, tuple(rows), tuple(cells))


def cell_of(part: RetentionPart, cohort: Cohort, unit: str) -> dict[str, Any]:
    """The fields of the cell that is a whole cohort."""
    start = f"{cohort.start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if unit == "hour" else cohort.day.isoformat()
    return {"cohort": start, **({"place": part.place} if part.place else {})}


AFTER_ONE = {
    "hour": "Back after one hour",
    "day": "Back after one day",
    "week": "Back after one week",
    "month": "Back after one month",
}


def headlines_retention(result: RetentionResult) -> tuple[Headline, ...]:
    curve = result.everybody.curve
    known = [mean.weighted for mean in curve[1:] if mean.weighted is not None]
    first = AFTER_ONE[result.unit] if result.columns[1] == (1, 1) and result.counts == "on" else "Back in the first column"
    return (
        Headline("People in cohorts", result.everybody.size),
        Headline(first, curve[1].weighted, "share"),
        Headline("Back in the last complete period", known[-1] if known else None, "share"),
    )


def _part(spec: RetentionSpec, scope: Scope, rows: Sequence[Mapping[str, Any]], place: int) -> RetentionPart:
    counts = {(row["cohort"], row["after"]): (int(row["people"]), float(row.get("amount", 0))) for row in rows}
    cohorts = []
    starts = cohort_starts(spec, scope)
    for number, spans in enumerate(_spans(spec, scope)):
        size, _ = counts.get((number, -1), (0, 0.0))
        cells: list[Cell] = []
        for column, (begun, over) in enumerate(spans):
            people, amount = counts.get((number, column), (0, 0.0))
            of = cells[-1].people if column and spec.reference == "previous" else size
            value = amount if spec.value is not None else None
            cells.append(Cell(people, people / of if of else None, over, value) if begun else Cell(None, None, False))
        cohorts.append(Cohort(starts[number], size, tuple(cells)))
    is_other = place > spec.top
    return RetentionPart(
        value=None if place == 0 or is_other else str(rows[0]["value"]),
        other=max(row["rank"] for row in rows) - spec.top if is_other else 0,
        cohorts=tuple(cohorts),
        curve=tuple(_curve(cohorts, spec)),
        place=place,
    )


def _spans(spec: RetentionSpec, scope: Scope) -> Iterator[list[tuple[bool, bool]]]:
    """For each cohort and column: whether it has begun for somebody, and whether it is over for everybody."""
    starts = [start.astimezone(UTC) for start in period_starts(spec, scope)]
    now = scope.now.astimezone(UTC)
    for number in range(len(cohort_starts(spec, scope))):
        spans = []
        for first, last in spec.columns:
            end = spec.followed if spec.counts == "on_or_after" else last
            if spec.clock == "exact":
                begins, ends = starts[number] + first * LENGTHS[spec.unit], starts[number + 1] + (end + 1) * LENGTHS[spec.unit]
            else:
                begins, ends = starts[number + first], starts[number + end + 1]
            spans.append((begins <= now, ends <= now))
        yield spans


def _curve(cohorts: Sequence[Cohort], spec: RetentionSpec) -> Iterator[Mean]:
    for column in range(len(spec.columns)):
        known = [cohort for cohort in cohorts if cohort.size and cohort.cells[column].complete]
        before = column - 1 if column and spec.reference == "previous" else None
        came = sum(cohort.cells[column].people or 0 for cohort in known)
        of = sum(cohort.size if before is None else cohort.cells[before].people or 0 for cohort in known)
        shares = [cohort.cells[column].share for cohort in known]
        plain = [share for share in shares if share is not None]
        value = sum(cohort.cells[column].value or 0.0 for cohort in known) if known and spec.value is not None else None
        yield Mean(
            weighted=came / of if of else None,
            plain=sum(plain) / len(plain) if plain else None,
            came=came,
            of=of,
            value=None if value is None else value / sum(cohort.size for cohort in known),
        )
