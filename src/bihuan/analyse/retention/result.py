"""What retention answers, each number defined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from math import sqrt
from typing import Any

from bihuan.analyse.differences import Difference, adjusted, compared
from bihuan.analyse.retention.cohorts import cohort_starts, counting, shared, sides_of, spans
from bihuan.analyse.retention.spec import RetentionSpec
from bihuan.analyse.statistics import Interval, Share
from bihuan.engine import meta
from bihuan.engine.breakdowns import Breakdown
from bihuan.engine.compare import EVERYBODY, Groups, Said, compare_said
from bihuan.engine.question import Headline, Rows, Scope

DAY = 86_400  # seconds
Z95 = 1.959963984540054  # of a normal distribution 95 % lie so near to its mean


@dataclass(frozen=True)
class Cell:
    """One cohort in one column: `people` of the cohort who came back in it, `share` of what is asked for (the cohort's size, or those of
    the column before; None when that is 0). `value` is what their return events are worth together (None when that is not asked).

    All are None when the column has not begun. `complete` says that it is over for everybody; until then the numbers may still change.
    Of a sample, `people` and `value` are estimates for everybody, and `sure` is where the number of people lies (None: nobody was seen).
    """

    people: int | None
    share: float | None
    complete: bool
    value: float | None = None
    sure: meta.Interval | None = None


@dataclass(frozen=True)
class Cohort:
    """The people who started in the period that begins at `start`: `size` of them. `cells` has their own period first. Of a sample, `size`
    is an estimate for everybody, and `sure` is where it lies."""

    start: datetime
    size: int
    cells: tuple[Cell, ...]
    sure: meta.Interval | None = None

    @property
    def day(self) -> date:
        return self.start.date()


@dataclass(frozen=True)
class Mean:
    """The mean over all cohorts with people whose cell is complete (None when there is none).

    `weighted` is those who came back of all together, as a fraction; `plain` is the mean of the cohorts' shares, each cohort alike.
    `came` came back of `of` (of a sample: of those in it), from which `interval` tells how far chance reaches. `value` is what each person
    of the cohorts brought (None when it is not asked).
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
class Beside:
    """A column on both sides: the means `now` and `before` over the cohorts whose cell is complete, and that of their counterpart on the
    other side too; and their `difference`, whose p-values are adjusted for all columns."""

    now: Mean
    before: Mean
    difference: Difference


@dataclass(frozen=True)
class RetentionPart:
    """The retention of everybody (`value` None), of those with `value` ('' when they have none), or of all those whose value is not
    among the first (`other` is then how many values those are). `curve` has one mean for each column of the cohorts. `place` is where it
    stands in the answer; 0 is everybody. `beside` is each column next to what it is compared with, whose cohorts are `before` (both empty:
    nothing)."""

    value: str | None
    other: int
    cohorts: tuple[Cohort, ...]
    curve: tuple[Mean, ...]
    place: int = 0
    before: tuple[Cohort, ...] = ()
    beside: tuple[Beside, ...] = ()

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
    `unit`s after the cohort's own, which is 0. `valued` is the property summed up, `usage` how often people come, where asked for.

    `compared` is what it is compared with: `overlapping` says that all of this side are on that one too, `shared` that a cohort is on both.
    `recurring` people count in each of their cohorts. Of a `sample` shares and their intervals are those of the people in it, numbers of
    people estimates for everybody.
    """

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
    recurring: bool = False
    compared: Said | None = None
    overlapping: bool = False
    shared: bool = False
    sample: float | None = None

    @property
    def warnings(self) -> tuple[meta.Warning_, ...]:
        return meta.sample_warning(self.sample)

    def of_all(self, count: int) -> int:
        """How many there are, when so many were counted."""
        return _of_all(count, self.sample)


def shape_retention(spec: RetentionSpec, scope: Scope, rows: Rows) -> RetentionResult:
    places: dict[int, list[Mapping[str, Any]]] = {0: []}
    for row in rows:
        places.setdefault(row["place"], []).append(row)
    usage = [_usage(row, spec.sample) for row in places.pop(-1, ())]
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
        recurring=spec.mode == "recurring",
        compared=compare_said(spec.compare, scope) if spec.compare else None,
        overlapping=_overlapping(spec),
        shared=shared(spec, scope),
        sample=spec.sample,
    )


def _usage(row: Mapping[str, Any], sample: float | None) -> Usage:
    people = int(row["people"])
    return Usage(_of_all(people, sample), round(row["amount"] / DAY) if people else None)


AFTER_ONE = {
    "hour": "Back after one hour",
    "day": "Back after one day",
    "week": "Back after one week",
    "month": "Back after one month",
}


def headlines_retention(result: RetentionResult) -> tuple[Headline, ...]:
    curve, beside = result.everybody.curve, result.everybody.beside
    known = [column for column, mean in enumerate(curve) if column and mean.weighted is not None]
    first = AFTER_ONE[result.unit] if result.columns[1] == (1, 1) and result.counts == "on" else "Back in the first column"
    people = _change(beside[0].now.of, beside[0].before.of) if beside else None
    return (
        Headline("People in cohorts", result.everybody.size, change=people),
        Headline(first, curve[1].weighted, "share", change=_change_of(beside, 1)),
        Headline(
            "Back in the last complete period",
            curve[known[-1]].weighted if known else None,
            "share",
            change=_change_of(beside, known[-1]) if known else None,
        ),
    )


def _change_of(beside: Sequence[Beside], column: int) -> float | None:
    return _change(beside[column].now.weighted, beside[column].before.weighted) if beside else None


def _change(now: float | None, before: float | None) -> float | None:
    return None if now is None or not before else now / before - 1


def _overlapping(spec: RetentionSpec) -> bool:
    return isinstance(spec.compare, Groups) and spec.compare.against == EVERYBODY


def _part(spec: RetentionSpec, scope: Scope, rows: Sequence[Mapping[str, Any]], place: int) -> RetentionPart:
    asked = [side.asked for side in sides_of(spec, scope)]
    mine, *theirs = (_cohorts(one, scope, [row for row in rows if row.get("side", 0) == side]) for side, one in enumerate(asked))
    is_other = place > spec.top
    complete = [[cell.complete for cell in cohort.cells] for cohort in mine]
    return RetentionPart(
        value=None if place == 0 or is_other else str(rows[0]["value"]),
        other=max(row["rank"] for row in rows) - spec.top if is_other else 0,
        cohorts=_of_everybody(mine, spec.sample),
        curve=tuple(_curve(mine, complete, spec)),
        place=place,
        before=_of_everybody(theirs[0], spec.sample) if theirs else (),
        beside=_beside(spec, scope, mine, theirs[0]) if theirs else (),
    )


def _cohorts(spec: RetentionSpec, scope: Scope, rows: Sequence[Mapping[str, Any]]) -> tuple[Cohort, ...]:
    """The cohorts of one side."""
    counts = {(row["cohort"], row["after"]): (int(row["people"]), float(row.get("amount", 0))) for row in rows}
    cohorts = []
    starts = cohort_starts(spec, scope)
    for number, row in enumerate(spans(spec, scope)):
        size, _ = counts.get((number, -1), (0, 0.0))
        cells: list[Cell] = []
        for column, (begun, over) in enumerate(row):
            people, amount = counts.get((number, column), (0, 0.0))
            of = cells[-1].people if column and spec.reference == "previous" else size
            value = amount if spec.value is not None else None
            cells.append(Cell(people, people / of if of else None, over, value) if begun else Cell(None, None, False))
        cohorts.append(Cohort(starts[number], size, tuple(cells)))
    return tuple(cohorts)


def _curve(cohorts: Sequence[Cohort], counts: Sequence[Sequence[bool]], spec: RetentionSpec) -> Iterator[Mean]:
    """The mean of each column over the cohorts that count in it."""
    for column in range(len(spec.columns)):
        known = [cohort for cohort, row in zip(cohorts, counts, strict=True) if cohort.size and row[column]]
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


def _beside(spec: RetentionSpec, scope: Scope, mine: Sequence[Cohort], theirs: Sequence[Cohort]) -> tuple[Beside, ...]:
    now, before = (tuple(_curve(cohorts, counts, spec)) for cohorts, counts in zip((mine, theirs), counting(spec, scope), strict=True))
    differences = adjusted([_difference(column, *both, spec) for column, both in enumerate(zip(now, before, strict=True))])
    return tuple(map(Beside, now, before, differences))


def _difference(column: int, now: Mean, before: Mean, spec: RetentionSpec) -> Difference:
    """Not tested where it is certain (who does the same event has come back in their own period), and where those who came need not be
    among those whom they are a share of."""
    certain = column == 0 and spec.start == spec.returning
    among = column == 0 or spec.reference == "start" or spec.counts == "on_or_after"
    if not certain and among:
        return compared(column, Share(now.came, now.of), Share(before.came, before.of), _overlapping(spec))
    change = None if now.weighted is None or before.weighted is None else Interval(now.weighted - before.weighted, None, None)
    return Difference(column, _estimate(now), _estimate(before), change, None, None)


def _estimate(mean: Mean) -> Interval | None:
    return None if mean.weighted is None else Interval(mean.weighted, *(mean.interval or (None, None)))


# --- Samples ---------------------------------------------------------------------------------------------------------------------------


def _of_everybody(cohorts: tuple[Cohort, ...], sample: float | None) -> tuple[Cohort, ...]:
    """What the cohorts of the sample say of everybody; shares stay as they are."""
    return cohorts if sample is None else tuple(map(partial(_estimated, sample), cohorts))


def _estimated(sample: float, cohort: Cohort) -> Cohort:
    cells = tuple(
        replace(
            cell,
            people=_of_all(cell.people, sample),
            value=meta.scaled(cell.value, sample),
            sure=meta.between(cell.people, cell.people, sample),
        )
        if cell.people is not None
        else cell
        for cell in cohort.cells
    )
    return Cohort(cohort.start, _of_all(cohort.size, sample), cells, meta.between(cohort.size, cohort.size, sample))


def _of_all(count: int, sample: float | None) -> int:
    return round(meta.scaled(count, sample) or 0)
