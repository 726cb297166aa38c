"""What a distribution answers, each number defined."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from bihuan.analyse.distribution.spec import OF_EVENTS, WHOLE, DistributionSpec, Measure
from bihuan.analyse.distribution.sql import period_of
from bihuan.analyse.spread import Range, Reads, Spread, change, ranges, spread_of
from bihuan.engine.breakdowns import Breakdown, cells_of, columns_of, order_key, ordered
from bihuan.engine.compare import Said, compare_said
from bihuan.engine.meta import sample_warning
from bihuan.engine.periods import BucketState, bucket_state
from bihuan.engine.question import Column, Headline, Rows, Scope, Table

COUNTED = {"period": "People", "day": "People × days", "week": "People × weeks", "month": "People × months"}


@dataclass(frozen=True)
class Bar:
    """One bar: the numbers of `range`, or the events whose text is `text` ('' for those that have none); with neither, those of the `other`
    texts that are not shown alone."""

    range: Range | None = None
    text: str | None = None
    other: int = 0

    @property
    def cell(self) -> dict[str, Any]:
        """Whose numbers these are, as fields of `DistributionCell`."""
        if self.range is not None:
            return {name: end for name, end in zip(("least", "below"), self.range, strict=True) if end is not None}
        if self.text is None:
            return {"rest": True}
        return {"text": self.text} if self.text else {"no_text": True}


@dataclass(frozen=True)
class Bucket:
    """A day, week or month, by its first `day`; `state` says how much of it has passed and belongs to the period."""

    day: date
    state: BucketState


@dataclass(frozen=True)
class DistributionPart:
    """The numbers of everybody (`value` None), of those with `value` ('' when they have none), or of all whose value is not among the first
    (`other` is then how many values those are). `place` is where it stands in the answer; 0 is everybody.

    `now` has each person's number, or one for each person and day (week, month), or each event's; `buckets` the same of each day (week,
    month). `before` and `buckets_before` are of what it is compared with (None: nothing), each bucket beside its counterpart.
    """

    place: int
    value: str | None
    other: int
    now: Spread
    before: Spread | None
    buckets: tuple[Spread, ...]
    buckets_before: tuple[Spread, ...] | None


@dataclass(frozen=True)
class DistributionResult:
    """`measure` (of the property `of`) of `everybody`, and when broken down of `parts`, most people (events) first, the rest last; with an
    event's property a person may be in several. `bars` are the same for all. With a sample, all counts are estimates for everybody; the
    numbers are those of the sample."""

    measure: Measure
    of: str | None
    unit: str
    of_people: bool
    bars: tuple[Bar, ...]
    buckets: tuple[Bucket, ...]
    everybody: DistributionPart
    parts: tuple[DistributionPart, ...]
    breakdown: tuple[Breakdown, ...]
    names: Mapping[str, str]
    compared_with: Said | None
    running: bool
    sample: float | None

    @property
    def reads(self) -> Reads:
        return "whole" if self.measure in WHOLE else "number"

    @property
    def counted(self) -> str:
        """What the bars count, as a msgid."""
        return COUNTED[self.unit] if self.of_people else "Events"

    @property
    def warnings(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        found: tuple[tuple[str, Mapping[str, Any]], ...] = ()
        if self.running and self.of_people and self.everybody.now.many:
            found = (("The period still runs: the numbers of people may grow.", {}),)
        return (*found, *sample_warning(self.sample))


def shape_distribution(spec: DistributionSpec, scope: Scope, rows: Rows) -> DistributionResult:
    bars = tuple(_bars(spec, rows))
    period = period_of(spec, scope)
    buckets = [] if spec.unit == "period" else [
        Bucket(start.date(), bucket_state(start, spec.unit, period, scope.now)) for start in period.buckets(spec.unit)
    ]  # fmt: skip
    places: dict[int, list[Mapping[str, Any]]] = {0: []}
    for row in rows:
        places.setdefault(int(row["place"]), []).append(row)
    everybody, *parts = (_part(spec, place, found, buckets, len(bars)) for place, found in sorted(places.items()))
    if ordered(spec.breakdown):
        parts.sort(key=lambda part: (part.value is None, order_key(part.value or "", spec.breakdown)))
    return DistributionResult(
        measure=spec.measure,
        of=spec.property,
        unit=spec.unit,
        of_people=spec.measure not in OF_EVENTS,
        bars=bars,
        buckets=tuple(buckets),
        everybody=everybody,
        parts=tuple(parts),
        breakdown=spec.breakdown,
        names=scope.segment_names,
        compared_with=compare_said(spec.compare, scope) if spec.compare else None,
        running=period.start <= scope.now < period.end,
        sample=spec.sample,
    )


def table_distribution(result: DistributionResult) -> Table:
    """One row for each bar that is not empty: of everybody, of each value, or of each day (week, month); broken down by both, of each value
    and of each day of it (without a day: of all)."""
    compared = result.everybody.before is not None
    heads = columns_of(result.breakdown) if result.breakdown else ()
    if result.unit != "period":
        heads = (*heads, Column("day", "Begins in", "day"))
    columns = (
        *heads,
        *_bar_columns(result),
        Column("many", result.counted, "number"),
        Column("share", "Share", "share"),
        Column("people", "People", "number"),
    )
    if compared:
        columns += (Column("many_before", "Compared", "number"), Column("share_before", "Share, compared", "share"))
    rows, cells = [], []
    for head, whose, now, before in _lines(result):
        for at, bar in enumerate(result.bars):
            if not now.bars[at] and not (before and before.bars[at]):
                continue
            cell = {**whose, **bar.cell}
            row = (*head, *_bar_cells(bar), now.bars[at], now.shares[at], now.bar_people[at])
            links: tuple[Any, ...] = (*[None] * (len(row) - 1), cell)
            if before is not None:
                row += (before.bars[at], before.shares[at])
                links += (None, None)
            rows.append(row)
            cells.append(links)
    return Table(columns, tuple(rows), tuple(cells))


def headlines_distribution(result: DistributionResult) -> tuple[Headline, ...]:
    now, before = result.everybody.now, result.everybody.before or Spread()
    counted = Headline(result.counted, now.many, change=change(now.many, before.many))
    people = Headline("People", now.people, change=change(now.people, before.people))
    if result.measure == "text":
        different = len(result.bars) + sum(bar.other - 1 for bar in result.bars if bar.other)
        return counted, people, Headline("Different values", different)
    return (
        counted,
        *(() if result.counted == "People" else (people,)),
        Headline("Mean", now.mean, change=change(now.mean, before.mean)),
        Headline("Median", now.median, change=change(now.median, before.median)),
        Headline("90th percentile", now.p90, change=change(now.p90, before.p90)),
        Headline("Greatest", now.greatest, change=change(now.greatest, before.greatest)),
    )


def _bar_columns(result: DistributionResult) -> tuple[Column, ...]:
    if result.measure == "text":
        return (Column("text", "{name}", "text", {"name": result.of}),)
    return (Column("from", "Bar from", "number"), Column("below", "Bar below", "number"))


def _bar_cells(bar: Bar) -> tuple[Any, ...]:
    if bar.range is not None:
        return bar.range
    return (bar.text if bar.text is not None else "(other)",)


def _lines(result: DistributionResult) -> Iterator[tuple[tuple[Any, ...], dict[str, Any], Spread, Spread | None]]:
    """What rows begin with, whose people they have, and their numbers."""
    for part in result.parts if result.breakdown else (result.everybody,):
        whose = {"place": part.place} if result.breakdown else {}
        value = cells_of(part.value, result.breakdown) if result.breakdown else ()
        if result.unit == "period":
            yield value, whose, part.now, part.before
            continue
        if result.breakdown:
            yield (*value, None), whose, part.now, part.before
        befores = part.buckets_before or [None] * len(result.buckets)
        for bucket, now, before in zip(result.buckets, part.buckets, befores, strict=True):
            yield (*value, bucket.day), {**whose, "bucket": bucket.day.isoformat()}, now, before


def _bars(spec: DistributionSpec, rows: Rows) -> Iterator[Bar]:
    first = next(iter(rows), None)
    if first is None:
        return
    if spec.measure == "text":
        yield from (Bar(text=text) for text in first["edges"])
        if first["different"] > len(first["edges"]):
            yield Bar(other=first["different"] - len(first["edges"]))
    else:
        yield from (Bar(range=each) for each in ranges(first["edges"]))


def _part(spec: DistributionSpec, place: int, rows: Sequence[Mapping[str, Any]], buckets: Sequence[Bucket], bars: int) -> DistributionPart:
    by = {(int(row["side"]), None if row["whole"] else row["bucket"]): row for row in rows}
    other = place > spec.top

    def spread(side: int, bucket: date | None) -> Spread:
        return spread_of(by.get((side, bucket)), bars, sample=spec.sample)

    whole = [row for row in rows if row["whole"]]
    return DistributionPart(
        place=place,
        value=None if place == 0 or other else str(whole[0]["value"]),
        other=max(int(row["rank"]) for row in whole) - spec.top if other else 0,
        now=spread(0, None),
        before=spread(1, None) if spec.compare else None,
        buckets=tuple(spread(0, bucket.day) for bucket in buckets),
        buckets_before=tuple(spread(1, bucket.day) for bucket in buckets) if spec.compare else None,
    )
