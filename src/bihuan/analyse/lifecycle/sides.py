"""Which days, weeks or months a lifecycle is about: those of the period asked about, and those that they stand beside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bihuan.analyse.lifecycle.spec import LifecycleSpec
from bihuan.engine.compare import Baseline, Before, Compare, Other, baseline, reads
from bihuan.engine.errors import QuestionError
from bihuan.engine.periods import Between, Period, Unit, bucket_day, bucket_end, midnight, next_bucket_day
from bihuan.engine.question import Scope

MOST_PERIODS = 255  # one bit each in 256, and one for the period before


@dataclass(frozen=True)
class Side:
    """Each day, week or month by its first of the `days`, all of them within `period`. What happens counts until the instant `cut` (None:
    until the period ends)."""

    days: tuple[date, ...]
    period: Period
    cut: datetime | None = None

    @property
    def last(self) -> date:
        """The last day of which anything counts."""
        return self.cut.astimezone(ZoneInfo(self.period.zone)).date() if self.cut else self.period.until

    def begun(self, day: date, now: datetime) -> bool:
        """Whether the day, week or month from `day` on has begun."""
        return midnight(day, self.period.zone).timestamp() <= min(now.timestamp(), (self.cut or now).timestamp())

    def over(self, day: date, unit: Unit, now: datetime) -> bool:
        """Whether all of it counts."""
        end = bucket_end(midnight(day, self.period.zone), unit, self.period.zone)
        return end.timestamp() <= min(now.timestamp(), (self.cut or now).timestamp())


def whole_period(spec: LifecycleSpec, scope: Scope) -> Period:
    """The days of all weeks or months that the period touches."""
    return _whole(spec, scope.period(spec.period))


def bucket_days(spec: LifecycleSpec, scope: Scope) -> tuple[date, ...]:
    """The first day of each day, week or month asked about."""
    return _days(spec, whole_period(spec, scope))


def reads_lifecycle(spec: LifecycleSpec, scope: Scope) -> Period:
    """What `visible` would need; who is new is found in all of `history`."""
    period = whole_period(spec, scope)
    return reads(period, _baseline(spec, period, scope))


def asked(spec: LifecycleSpec, scope: Scope) -> Side:
    """The side that is asked about."""
    return Side(bucket_days(spec, scope), whole_period(spec, scope))


def compared(spec: LifecycleSpec, scope: Scope) -> Side:
    """What it is compared with: for groups of people the same days."""
    mine = asked(spec, scope)
    other = _baseline(spec, mine.period, scope)
    if other is None:
        return mine
    days = _days(spec, other.period)
    if isinstance(spec.compare, Other):
        days = days[: min(len(mine.days), len(_days(spec, _whole(spec, scope.period(spec.compare.period)))))]
    last = next_bucket_day(days[-1], spec.unit) - timedelta(days=1)
    period = Period(days[0], last, scope.zone)
    whole = other.until.timestamp() >= period.end.timestamp()
    return Side(days, period, None if whole else other.until)


def counterparts(spec: LifecycleSpec, scope: Scope) -> tuple[int | None, ...]:
    """For each day, week or month asked about: the number of the one that it stands beside (None: the other period has none)."""
    mine, theirs = asked(spec, scope), compared(spec, scope)
    other = _baseline(spec, mine.period, scope)
    if other is None or not other.months or spec.unit == "month":
        return tuple(number if number < len(theirs.days) else None for number in range(len(mine.days)))
    by_date = {other.laid(day): number for number, day in enumerate(theirs.days)}
    return tuple(by_date.get(day) for day in mine.days)


def _baseline(spec: LifecycleSpec, period: Period, scope: Scope) -> Baseline | None:
    return baseline(_laid(spec, period, scope), period, scope)


def _laid(spec: LifecycleSpec, period: Period, scope: Scope) -> Compare | None:
    """Weeks stand beside weeks, so that they begin on the same weekday, and months beside months, so by their dates."""
    match spec.compare:
        case Before(to="previous") if spec.unit == "month":
            return _months_before(len(_days(spec, period)))
        case Before() as before:
            return before.model_copy(update={"align": {"week": "weekday", "month": "date"}.get(spec.unit, before.align)})
        case Other(period=given):
            other = _whole(spec, scope.period(given))
            if spec.unit == "month":
                return _months_before((period.since.year - other.since.year) * 12 + period.since.month - other.since.month)
            return Other(period=Between.model_construct(since=other.since, until=other.until))
    return spec.compare


def _months_before(months: int) -> Before:
    """By date; 0 and less are no month before, but as good."""
    return Before.model_construct(to="month", ago=months, align="date")


def _whole(spec: LifecycleSpec, period: Period) -> Period:
    last = next_bucket_day(period.until, spec.unit) - timedelta(days=1)
    return Period(bucket_day(period.since, spec.unit), last, period.zone)


def _days(spec: LifecycleSpec, period: Period) -> tuple[date, ...]:
    days = tuple(start.date() for start in period.buckets(spec.unit))
    if len(days) > MOST_PERIODS:
        raise QuestionError(
            "That are {count} periods, more than {most}; choose a shorter period, or weeks or months.",
            count=len(days),
            most=MOST_PERIODS,
            where="period",
        )
    return days
