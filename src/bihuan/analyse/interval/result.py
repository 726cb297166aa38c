"""What intervals answer, each number defined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bihuan.analyse.interval.spec import IntervalSpec
from bihuan.analyse.interval.sql import later, period_of
from bihuan.analyse.spread import Range, Spread, change, ranges, spread_of
from bihuan.engine.breakdowns import Breakdown, cells_of, columns_of, order_key, ordered
from bihuan.engine.compare import Said, compare_said
from bihuan.engine.meta import sample_warning
from bihuan.engine.periods import BucketState, Unit, bucket_end, bucket_state
from bihuan.engine.question import Column, Headline, Rows, Scope, Table

MILLISECONDS = 1000  # of a second: the result speaks of seconds


@dataclass(frozen=True)
class Bucket:
    """A day, week or month, by its first `day`; `state` says how much of it has passed and belongs to the period, and `open` that intervals
    which belong to it may still end, so that its numbers may change."""

    day: date
    state: BucketState
    open: bool


@dataclass(frozen=True)
class IntervalPart:
    """The intervals of everybody (`value` None), of those with `value` ('' when they have none), or of all whose value is not among the
    first (`other` is then how many values those are). `place` is where it stands in the answer; 0 is everybody.

    `now` is of the whole period, `buckets` of each bucket of it; `before` and `buckets_before` of what it is compared with (None: nothing),
    each bucket beside its counterpart. All are in seconds; the bars are those of the result.
    """

    place: int
    value: str | None
    other: int
    now: Spread
    before: Spread | None
    buckets: tuple[Spread, ...]
    buckets_before: tuple[Spread, ...] | None


@dataclass(frozen=True)
class IntervalResult:
    """`everybody`, and when broken down `parts`, most intervals first, the rest last. `bars` are the ranges of seconds that are counted.
    With a sample, numbers of intervals and people are estimates for all; times are those of the sample."""

    unit: Unit
    day: str
    buckets: tuple[Bucket, ...]
    bars: tuple[Range, ...]
    everybody: IntervalPart
    parts: tuple[IntervalPart, ...]
    breakdown: tuple[Breakdown, ...]
    names: Mapping[str, str]
    compared_with: Said | None
    longest: float
    sample: float | None

    @property
    def open(self) -> bool:
        """Whether intervals that belong to the period may still end."""
        return any(bucket.open for bucket in self.buckets)

    @property
    def warnings(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        found: tuple[tuple[str, Mapping[str, Any]], ...] = ()
        if self.open and self.everybody.now.many:
            found = (("Some intervals may still end, long ones above all: until then the numbers look shorter than they will be.", {}),)
        return (*found, *sample_warning(self.sample))


def shape_interval(spec: IntervalSpec, scope: Scope, rows: Rows) -> IntervalResult:
    edges: Sequence[float] = next((row["edges"] for row in rows), ())
    bars = ranges([edge / MILLISECONDS for edge in edges]) if edges else ()
    places: dict[int, list[Mapping[str, Any]]] = {0: []}
    for row in rows:
        places.setdefault(int(row["place"]), []).append(row)
    buckets = _buckets(spec, scope)
    parts = [_part(spec, scope, place, found, buckets, len(bars)) for place, found in sorted(places.items())]
    by_size = parts[1:]
    if ordered(spec.breakdown):
        by_size.sort(key=lambda part: (part.value is None, order_key(part.value or "", spec.breakdown)))
    return IntervalResult(
        unit=spec.unit,
        day=spec.day,
        buckets=buckets,
        bars=bars,
        everybody=parts[0],
        parts=tuple(by_size),
        breakdown=spec.breakdown,
        names=scope.segment_names,
        compared_with=compare_said(spec.compare, scope) if spec.compare else None,
        longest=spec.longest.length.total_seconds(),
        sample=spec.sample,
    )


BEGINS = {"start": "Begins in", "end": "Ends in"}


def table_interval(result: IntervalResult) -> Table:
    """One row for each bucket with intervals; when broken down for each value, and for each bucket of it (without a day: all of them)."""
    compared = result.everybody.before is not None
    heads = (*columns_of(result.breakdown), Column("day", BEGINS[result.day], "day"))
    columns = (*heads, *_columns(), Column("complete", "Complete"), *_columns_before()[: 3 if compared else 0])
    rows, cells = [], []
    for head, whose, now, before, complete in _lines(result):
        if not now.many and not (before and before.many):
            continue
        row = (*head, now.many, now.people, *_quantiles(now), complete)
        links: tuple[Any, ...] = (*[None] * len(head), None, whose, *[None] * 9)
        if before is not None:
            row += (before.many, before.people, before.median)
            links += (None, {**whose, "before": True}, None)
        rows.append(row)
        cells.append(links)
    return Table(columns, tuple(rows), tuple(cells))


def headlines_interval(result: IntervalResult) -> tuple[Headline, ...]:
    now, before = result.everybody.now, result.everybody.before or Spread()
    return (
        Headline("Number of intervals", now.many, change=change(now.many, before.many)),
        Headline("People", now.people, change=change(now.people, before.people)),
        Headline("Median", now.median, "seconds", change=change(now.median, before.median)),
        Headline("Mean", now.mean, "seconds", change=change(now.mean, before.mean)),
        Headline("90th percentile", now.p90, "seconds", change=change(now.p90, before.p90)),
    )


def _lines(result: IntervalResult) -> list[tuple[tuple[Any, ...], dict[str, Any], Spread, Spread | None, bool]]:
    """What a row begins with, whose people it has, its numbers, and whether these may not change any more."""
    found: list[tuple[tuple[Any, ...], dict[str, Any], Spread, Spread | None, bool]] = []
    for part in result.parts if result.breakdown else (result.everybody,):
        whose = {"place": part.place} if result.breakdown else {}
        value = cells_of(part.value, result.breakdown) if result.breakdown else ()
        if result.breakdown:
            found.append(((*value, None), whose, part.now, part.before, not result.open))
        befores = part.buckets_before or [None] * len(result.buckets)
        found += [
            ((*value, bucket.day), {**whose, "bucket": bucket.day.isoformat()}, now, before, not bucket.open)
            for bucket, now, before in zip(result.buckets, part.buckets, befores, strict=True)
        ]
    return found


def _columns() -> tuple[Column, ...]:
    return (
        Column("intervals", "Number of intervals", "number"),
        Column("people", "People", "number"),
        Column("min", "Shortest", "seconds"),
        Column("p10", "10th percentile", "seconds"),
        Column("p25", "First quartile", "seconds"),
        Column("median", "Median", "seconds"),
        Column("p75", "Third quartile", "seconds"),
        Column("p90", "90th percentile", "seconds"),
        Column("max", "Longest", "seconds"),
        Column("mean", "Mean", "seconds"),
    )


def _columns_before() -> tuple[Column, ...]:
    return (
        Column("intervals_before", "Number of intervals, compared", "number"),
        Column("people_before", "People, compared", "number"),
        Column("median_before", "Median, compared", "seconds"),
    )


def _quantiles(spread: Spread) -> tuple[float | None, ...]:
    return (spread.least, spread.p10, spread.p25, spread.median, spread.p75, spread.p90, spread.greatest, spread.mean)


def _buckets(spec: IntervalSpec, scope: Scope) -> tuple[Bucket, ...]:
    period = period_of(spec, scope)
    found = []
    for start in period.buckets(spec.unit):
        end = min(bucket_end(start, spec.unit, scope.zone), period.end, key=lambda at: at.timestamp())
        closed = later(end, spec.longest.length, scope) if spec.day == "start" else end
        found.append(Bucket(start.date(), bucket_state(start, spec.unit, period, scope.now), open=scope.now < closed))
    return tuple(found)


def _part(
    spec: IntervalSpec, scope: Scope, place: int, rows: Sequence[Mapping[str, Any]], buckets: Sequence[Bucket], bars: int
) -> IntervalPart:
    by = {(int(row["side"]), None if row["whole"] else row["bucket"]): row for row in rows}
    other = place > spec.top

    def spread(side: int, bucket: date | None) -> Spread:
        return spread_of(by.get((side, bucket)), bars, per=MILLISECONDS, sample=spec.sample)

    whole = [row for row in rows if row["whole"]]
    return IntervalPart(
        place=place,
        value=None if place == 0 or other else str(whole[0]["value"]),
        other=max(row["rank"] for row in whole) - spec.top if other else 0,
        now=spread(0, None),
        before=spread(1, None) if spec.compare else None,
        buckets=tuple(spread(0, bucket.day) for bucket in buckets),
        buckets_before=tuple(spread(1, bucket.day) for bucket in buckets) if spec.compare else None,
    )
