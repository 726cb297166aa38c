"""What a funnel answers, each number defined."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from itertools import pairwise
from typing import Any, Literal

from bihuan.analyse.differences import Difference, adjusted
from bihuan.analyse.funnel.differences import of_steps, of_whole
from bihuan.analyse.funnel.drivers import Drivers, shape_drivers
from bihuan.analyse.funnel.sides import buckets_of, overlapping, stretches
from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.analyse.funnel.sql import EDGES
from bihuan.engine.breakdowns import Breakdown
from bihuan.engine.compare import Said, compare_said
from bihuan.engine.meta import Interval, between, sample_warning
from bihuan.engine.periods import Period, midnight, next_bucket_day
from bihuan.engine.question import Headline, Rows, Scope

TITLES = {"people": "People", "sessions": "Sessions", "attempts": "Attempts"}
STILL = {
    "people": "{count} people may still convert: the time they have is not over yet.",
    "sessions": "{count} sessions may still convert: the time they have is not over yet.",
    "attempts": "{count} attempts may still convert: the time they have is not over yet.",
}
MORE_DRIVERS = "There were {count} things to look at; only the {shown} that most people have, of those that most have not, were tested."
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
    the first step, and when nobody did). Of a sample, `sure` is where `people` lies (None: nobody of the sample did it).
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
    sure: Interval | None = None


@dataclass(frozen=True)
class FunnelPart:
    """The funnel of some of the people: of everybody (`value` None), of those with `value` ('' when they have none), or of all those whose
    value is not among the first (`other` is then how many values those are).

    `open` people did not do all the steps, but their time is not over yet: they may still. `before` is the same of what it is compared
    with; `whole` is the difference of both in the conversion from the first step to the last (adjusted for how many values there are),
    `changes` that of each step after the first from the required step before it.
    """

    value: str | None
    other: int
    steps: tuple[FunnelStep, ...]
    open: int
    before: FunnelPart | None = None
    whole: Difference | None = None
    changes: tuple[Difference, ...] = ()

    @property
    def entered(self) -> int:
        return self.steps[0].people

    @property
    def conversion(self) -> float | None:
        """The fraction of those at the first step who reached the last."""
        return self.steps[-1].from_start


BucketState = Literal["whole", "cut", "open", "future"]


@dataclass(frozen=True)
class Bucket:
    """A day, week or month of entry that begins on `start`. `state`: it is `whole`; the period takes only a part of it (`cut`); the time of
    those who entered is not over yet, so that its conversion may still grow (`open`); or it has not begun (`future`)."""

    start: date
    state: BucketState


@dataclass(frozen=True)
class Course:
    """The trend of everybody (`value` None) or of a value: how many did each step of those who entered in each bucket, and `before` in its
    counterpart (empty: it is not compared). `rates` are the fractions who did the last step (None: nobody entered), `rates_before` those
    of `before`. Of a sample, `sure` is where each of `counts` lies; empty without one."""

    value: str | None
    other: int
    counts: tuple[tuple[int, ...], ...]
    before: tuple[tuple[int, ...], ...] = ()
    sure: tuple[tuple[Interval | None, ...], ...] = ()
    rates: tuple[float | None, ...] = ()
    rates_before: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Trend:
    """The funnel of each day, week or month. People count in each bucket for itself, as if the period were that bucket alone, so they do
    not sum to all; sessions and attempts count in the one in which they began."""

    unit: Literal["day", "week", "month"]
    buckets: tuple[Bucket, ...]
    courses: tuple[Course, ...]


@dataclass(frozen=True)
class FunnelResult:
    """`everybody`, and when broken down `parts`, most people first, the rest last. `period` is when people entered; `bars` are the
    durations (from, to) in seconds that the histograms count, the last without an end; `names` are the segments' by key. `compared` is
    what it is compared with. `trend` and `drivers` are there where they are asked for.

    Of a `sample`, all numbers of people, sessions and attempts are estimates for everybody, but for those of `drivers`. Shares, times,
    their intervals and tests are those of the sample."""

    period: Period
    everybody: FunnelPart
    parts: tuple[FunnelPart, ...]
    bars: tuple[tuple[int, int | None], ...]
    breakdown: tuple[Breakdown, ...]
    names: Mapping[str, str]
    counted: Literal["people", "sessions", "attempts"] = "people"
    compared: Said | None = None
    overlapping: bool = False
    trend: Trend | None = None
    drivers: Drivers | None = None
    sample: float | None = None

    @property
    def warnings(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        found: list[tuple[str, Mapping[str, Any]]] = [*sample_warning(self.sample)]
        if self.everybody.open:
            found.append((STILL[self.counted], {"count": self.everybody.open}))
        if self.drivers and self.drivers.several > len(self.drivers.found):
            found.append((MORE_DRIVERS, {"count": self.drivers.several, "shown": len(self.drivers.found)}))
        return tuple(found)


def shape_funnel(spec: FunnelSpec, scope: Scope, rows: Rows) -> FunnelResult:
    asked = spec.asked
    bars = tuple(_bars(spec))
    overlap = overlapping(spec)
    everybody = _part(asked, [row for row in rows if row["part"] == "total"], len(bars), overlap)
    places = sorted({row["place"] for row in rows if row["part"] == "value"})
    parts = [
        _part(asked, [row for row in rows if row["part"] == "value" and row["place"] == place], len(bars), overlap) for place in places
    ]
    wholes = adjusted([part.whole for part in parts if part.whole])
    if wholes:
        parts = [replace(part, whole=whole) for part, whole in zip(parts, wholes, strict=True)]
    result = FunnelResult(
        period=scope.period(spec.period),
        everybody=everybody,
        parts=tuple(parts),
        bars=bars,
        breakdown=spec.breakdown,
        names=scope.segment_names,
        counted=spec.count,
        compared=compare_said(spec.compare, scope) if spec.compare else None,
        overlapping=overlap,
        trend=_trend(spec, scope, rows, (everybody, *parts), (0, *places)) if spec.show == "trend" else None,
        drivers=shape_drivers(spec.success_step, spec.least, rows, spec.sample) if spec.show == "drivers" else None,
        sample=spec.sample,
    )
    return result if spec.sample is None else _of_everybody(result, spec, _squares(spec, scope, rows), places)


def cell_of(part: FunnelPart, step: FunnelStep, state: str = "reached", *, before: bool = False) -> dict[str, Any] | None:
    """Those behind a number of a step, as fields of `FunnelCell`; None for the rest of the values, who are not told apart."""
    if part.other:
        return None
    value = {} if part.value is None else {"value": part.value} if part.value else {"no_value": True}
    return {"step": step.number, **({"state": state} if state != "reached" else {}), **value, **({"before": True} if before else {})}


def headlines_funnel(result: FunnelResult) -> tuple[Headline, ...]:
    now, before = result.everybody, result.everybody.before
    last = now.steps[-1]
    time = last.since_start.median if last.since_start else None
    time_before = before.steps[-1].since_start if before else None
    return (
        Headline("Conversion", now.conversion, "share", change=_change(now.conversion, before.conversion if before else None)),
        Headline(ENTERED[result.counted], now.entered, change=_change(now.entered, before.entered if before else None)),
        Headline(CONVERTED[result.counted], last.people, change=_change(last.people, before.steps[-1].people if before else None)),
        Headline("Median time to convert", time, "seconds", change=_change(time, time_before.median if time_before else None)),
    )


def _change(now: float | None, before: float | None) -> float | None:
    return None if now is None or not before else now / before - 1


def _part(spec: FunnelSpec, rows: Rows, bars: int, overlap: bool) -> FunnelPart:
    """Everybody or a value, from the rows of both sides."""
    sides = {row["side"]: row for row in rows}
    is_value = bool(rows) and rows[0]["part"] == "value"
    other = is_value and rows[0]["place"] > spec.top
    value = str(rows[0]["value"]) if is_value and not other else None
    values = max(row["values"] for row in rows) if other else 0
    part = _side(spec, sides.get(0), bars, value, values)
    if spec.compare is None:
        return part
    before = _side(spec, sides.get(1), bars, value, values)
    return replace(
        part,
        before=before,
        whole=of_whole(part.steps, before.steps, overlapping=overlap),
        changes=of_steps(part.steps, before.steps, overlapping=overlap),
    )


def _side(spec: FunnelSpec, row: Mapping[str, Any] | None, bars: int, value: str | None, other: int) -> FunnelPart:
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
                since_previous=_durations(row, "previous", place, bars) if row and people else None,
                since_start=_durations(row, "start", place, bars) if row and people else None,
                optional=spec.steps[place].optional,
            )
        )
        before = before if spec.steps[place].optional else people
    return FunnelPart(value, other, tuple(steps), row["open"] if row else 0)


def _trend(spec: FunnelSpec, scope: Scope, rows: Rows, parts: Sequence[FunnelPart], places: Sequence[int]) -> Trend:
    firsts, both = buckets_of(spec, scope), stretches(spec, scope)
    nobody = [0] * len(spec.steps)
    found: dict[tuple[int, int], list[list[int]]] = defaultdict(lambda: [nobody] * len(firsts))
    for row in rows:
        if row["part"] == "bucket":
            bucket = both[row["side"]][row["bucket"] - 1].bucket
            if bucket is not None:
                found[row["place"], row["side"]][bucket] = [*row["people"], *nobody][: len(nobody)]
    courses = tuple(
        Course(
            part.value,
            part.other,
            tuple(map(tuple, found[place, 0])),
            tuple(map(tuple, found[place, 1])) if spec.compare else (),
            rates=tuple(_share(row[-1], row[0]) for row in found[place, 0]),
            rates_before=tuple(_share(row[-1], row[0]) for row in found[place, 1]) if spec.compare else (),
        )
        for part, place in zip(parts, places, strict=True)
    )
    return Trend(spec.unit, tuple(_bucket(first, spec, scope) for first in firsts), courses)


def _bucket(first: date, spec: FunnelSpec, scope: Scope) -> Bucket:
    period = scope.period(spec.period)
    last = next_bucket_day(first, spec.unit) - timedelta(days=1)
    ends = midnight(min(last, period.until) + timedelta(days=1), scope.zone)
    if first > scope.today:
        return Bucket(first, "future")
    if ends.astimezone(UTC) + spec.window.length > scope.now:
        return Bucket(first, "open")
    return Bucket(first, "cut" if first < period.since or last > period.until else "whole")


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _durations(row: Mapping[str, Any], since: str, place: int, bars: int) -> Durations:
    """How long those of a row took to the step at `place` (from 0)."""
    p10, p25, median, p75, p90 = (value / 1000 for value in row[f"{since}_times"][place - 1])
    return Durations(p10, p25, median, p75, p90, tuple(row[f"{since}_histogram"][place - 1][:bars]))


def _bars(spec: FunnelSpec) -> Iterator[tuple[int, int | None]]:
    """The bars that a time within the window can fall into."""
    edges = [edge for edge in EDGES if edge <= spec.window.length.total_seconds()]
    yield from pairwise((*edges, None))


# --- What a sample says of everybody ----------------------------------------------------------------------------------------------------

Squares = Mapping[tuple[int, int, int | None], Sequence[int]]  # of a place and a side, in a bucket (None: of the whole)


def _squares(spec: FunnelSpec, scope: Scope, rows: Rows) -> Squares:
    """By how much people differ in how often they did each step, where they may have several times."""
    told = [row for row in rows if row["part"] == "squares"]
    both = stretches(spec, scope) if any(row["bucket"] for row in told) else ()
    return {
        (row["place"], row["side"], both[row["side"]][row["bucket"] - 1].bucket if row["bucket"] else None): row["people"] for row in told
    }


def _of_everybody(result: FunnelResult, spec: FunnelSpec, squares: Squares, places: Sequence[int]) -> FunnelResult:
    """Numbers are scaled up and say where they lie. Shares, times and tests stay: a test may know of no more people than were asked."""
    sample = spec.sample or 1.0
    courses = result.trend.courses if result.trend else ()
    scaled = tuple(_scaled_course(course, sample, squares, place) for course, place in zip(courses, (0, *places), strict=False))
    return replace(
        result,
        everybody=_scaled_part(result.everybody, sample, squares, 0),
        parts=tuple(_scaled_part(part, sample, squares, place) for part, place in zip(result.parts, places, strict=True)),
        trend=replace(result.trend, courses=scaled) if result.trend else None,
    )


def _scaled_part(part: FunnelPart, sample: float, squares: Squares, place: int, side: int = 0) -> FunnelPart:
    found = _sure([step.people for step in part.steps], squares.get((place, side, None)), sample)
    steps = tuple(
        replace(
            step,
            people=round(step.people / sample),
            dropped=round(step.dropped / sample),
            since_previous=_scaled_times(step.since_previous, sample),
            since_start=_scaled_times(step.since_start, sample),
            sure=one,
        )
        for step, one in zip(part.steps, found, strict=True)
    )
    before = _scaled_part(part.before, sample, squares, place, 1) if part.before else None
    return replace(part, steps=steps, open=round(part.open / sample), before=before)


def _scaled_times(times: Durations | None, sample: float) -> Durations | None:
    return replace(times, histogram=tuple(round(people / sample) for people in times.histogram)) if times else None


def _scaled_course(course: Course, sample: float, squares: Squares, place: int) -> Course:
    return replace(
        course,
        counts=tuple(tuple(round(one / sample) for one in counts) for counts in course.counts),
        before=tuple(tuple(round(one / sample) for one in counts) for counts in course.before),
        sure=tuple(_sure(counts, squares.get((place, 0, bucket)), sample) for bucket, counts in enumerate(course.counts)),
    )


def _sure(counts: Sequence[int], squares: Sequence[int] | None, sample: float) -> tuple[Interval | None, ...]:
    """Where the numbers lie that the sample's `counts` estimate."""
    own = [*(counts if squares is None else squares), *[0] * len(counts)]
    return tuple(between(count, square, sample) for count, square in zip(counts, own, strict=False))
