"""Which cohorts are looked at, those of one side or of two, and which of their columns are over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bihuan.analyse.retention.spec import RetentionSpec
from bihuan.engine.compare import Before, Groups, baseline
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import EVERYTHING, Filter, InSegment, Not
from bihuan.engine.periods import Between, Period, bucket_day, bucket_end, months_later, next_bucket_day
from bihuan.engine.question import Scope

MOST_PERIODS = 256
LENGTHS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}  # by the clock, not by the calendar


def cohort_starts(spec: RetentionSpec, scope: Scope) -> tuple[datetime, ...]:
    """The first instant of each cohort."""
    starts = tuple(scope.period(spec.period).buckets(spec.unit))
    if len(starts) + spec.followed > MOST_PERIODS:
        raise QuestionError(
            "{cohorts} cohorts followed for {periods} periods are more than {most} together; choose a shorter period, or weeks or months.",
            cohorts=len(starts),
            periods=spec.followed,
            most=MOST_PERIODS,
            where="period",
        )
    return starts


def period_starts(spec: RetentionSpec, scope: Scope) -> tuple[datetime, ...]:
    """The first instant of each calendar period that any cohort is followed in, the cohorts' own first; and of the one after them all."""
    starts = list(cohort_starts(spec, scope))
    for _ in range(spec.followed + 1):
        starts.append(bucket_end(starts[-1], spec.unit, scope.zone))
    return tuple(starts)


def days_read(spec: RetentionSpec, scope: Scope) -> Period:
    """From the first cohort to the end of what the last is followed in; by exact hours that is a period later."""
    starts = period_starts(spec, scope)
    last = bucket_end(starts[-1], spec.unit, scope.zone) if spec.clock == "exact" else starts[-1] - timedelta(milliseconds=1)
    return Period(starts[0].date(), last.date(), scope.zone)


# --- Two sides -------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Side:
    """What is `asked` on this side, whose period are its cohorts' days, of the people of whom `among` holds."""

    asked: RetentionSpec
    among: Filter = EVERYTHING


def sides_of(spec: RetentionSpec, scope: Scope) -> tuple[Side, ...]:
    """What is asked about, and what it is compared with."""
    alone = spec.model_copy(update={"compare": None}) if spec.compare else spec
    match spec.compare:
        case None:
            return (Side(alone),)
        case Groups():
            mine = InSegment(segment=spec.compare.segment)
            against: dict[str, Filter] = {"*": EVERYTHING, "!": Not(negated=mine)}
            theirs = against.get(spec.compare.against, InSegment(segment=spec.compare.against))
            return (Side(alone, mine), Side(alone, theirs))
    other = _other_period(spec, scope)
    return (Side(alone), Side(alone.model_copy(update={"period": Between.model_construct(since=other.since, until=other.until)})))


def _other_period(spec: RetentionSpec, scope: Scope) -> Period:
    """The days of the other cohorts. Weeks stand beside weeks, so that they begin on the same weekday, and months beside months."""
    period, compare = _whole(spec, scope), spec.compare
    if isinstance(compare, Before):
        if compare.to == "previous":
            since = months_later(period.since, -len(cohort_starts(spec, scope))) if spec.unit == "month" else period.previous().since
            return Period(since, period.since - timedelta(days=1), scope.zone)
        aligned = {"week": "weekday", "month": "date"}.get(spec.unit, compare.align)
        compare = compare.model_copy(update={"align": aligned})
    other = baseline(compare, period, scope)
    assert other is not None
    return other.period


def _whole(spec: RetentionSpec, scope: Scope) -> Period:
    """All days of the cohorts."""
    period = scope.period(spec.period)
    return Period(bucket_day(period.since, spec.unit), next_bucket_day(period.until, spec.unit) - timedelta(days=1), scope.zone)


def shared(spec: RetentionSpec, scope: Scope) -> bool:
    """Whether a cohort is on both sides, as where two periods overlap."""
    if spec.compare is None or isinstance(spec.compare, Groups):
        return False
    mine, theirs = (set(cohort_starts(side.asked, scope)) for side in sides_of(spec, scope))
    return bool(mine & theirs)


# --- What is over ----------------------------------------------------------------------------------------------------------------------


def spans(spec: RetentionSpec, scope: Scope) -> list[list[tuple[bool, bool]]]:
    """For each cohort and column: whether it has begun for somebody, and whether it is over for everybody."""
    starts = [start.astimezone(UTC) for start in period_starts(spec, scope)]
    now = scope.now.astimezone(UTC)
    found = []
    for number in range(len(cohort_starts(spec, scope))):
        row = []
        for first, last in spec.columns:
            end = spec.followed if spec.counts == "on_or_after" else last
            if spec.clock == "exact":
                begins, ends = starts[number] + first * LENGTHS[spec.unit], starts[number + 1] + (end + 1) * LENGTHS[spec.unit]
            else:
                begins, ends = starts[number + first], starts[number + end + 1]
            row.append((begins <= now, ends <= now))
        found.append(row)
    return found


def counting(spec: RetentionSpec, scope: Scope) -> tuple[list[list[bool]], ...]:
    """For each side, cohort and column: whether it counts in the mean. It is over; and where there are two sides, its counterpart is, the
    cohort with the same number on the other side (the last one, where that has fewer), so that both are looked at at the same age."""
    over = [[[over for _, over in row] for row in spans(side.asked, scope)] for side in sides_of(spec, scope)]
    if len(over) == 1:
        return tuple(over)
    return tuple(
        [[mine and theirs for mine, theirs in zip(row, other[min(number, len(other) - 1)], strict=True)] for number, row in enumerate(one)]
        for one, other in (over, over[::-1])
    )
