"""Beside what an answer stands: another period laid over this one day by day, a target, or another group of people.

A question asks `sides` for SQL that says of each event on which side it is (0: what is asked about, 1: what it is compared with),
and `laid` for the day of this period that an event of the other one is shown on. Both sides go as far: while this period runs, the
other one counts until the same moment, by the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bihuan.engine.conditions import condition
from bihuan.engine.filters import InSegment
from bihuan.engine.periods import MONTHS, Period, PeriodSpec, Unit, midnight, months_later
from bihuan.engine.question import Scope
from bihuan.engine.visible import Binder

EVERYBODY = "*"  # everybody, those in the segment too
OTHERS = "!"  # everybody who is not in the segment
Said = tuple[str, Mapping[str, Any]]


class _Compare(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Before(_Compare):
    """As many days just before (`to` "previous"), or the same days `ago` weeks, months, quarters or years before.

    `align` says which days are the same: those of the same `weekday` (4 weeks for a month, 13 for a quarter, 52 for a year: the number of
    whole weeks that is nearest to it), or those of the same `date`. Then a day that the other month does not have (the 31st, 29 February)
    has no counterpart, and a period that ends with its month is compared with one that does.
    """

    to: Literal["previous", "week", "month", "quarter", "year"]
    ago: Annotated[int, Field(ge=1, le=100)] = 1
    align: Literal["weekday", "date"] = "weekday"

    @model_validator(mode="after")
    def _previous_is_one(self) -> Before:
        if self.to == "previous" and self.ago != 1:
            raise ValueError("The previous period is the one just before.")
        return self


class Other(_Compare):
    """The given `period`, its first day beside this period's first."""

    period: PeriodSpec


class Target(_Compare):
    """The number `target` that each bucket should reach, or the whole `period`."""

    target: Annotated[float, Field(allow_inf_nan=False)]
    per: Literal["bucket", "period"] = "bucket"


class Groups(_Compare):
    """The people of the saved segment `segment` beside those of another (`against`: its key), everybody (`*`) or everybody else (`!`)."""

    segment: Annotated[str, Field(min_length=1, max_length=100)]
    against: Annotated[str, Field(min_length=1, max_length=100)] = EVERYBODY


def _from_word(given: object) -> object:
    return {"to": given} if isinstance(given, str) else given


Compare = Before | Other | Target | Groups
Comparison = Annotated[Compare | None, BeforeValidator(_from_word)]  # "previous" alone is {"to": "previous"}


@dataclass(frozen=True)
class Baseline:
    """The other `period`. It counts until the instant `until`. Its days are `shift` days before their counterparts, or (`months` not 0)
    so many months, by date."""

    period: Period
    until: datetime
    shift: int = 0
    months: int = 0

    @property
    def whole(self) -> bool:
        """Whether all of its last day counts."""
        return self.until.timestamp() >= self.period.end.timestamp()

    def day_of(self, day: date) -> date:
        """The day of the other period that is the counterpart of `day`; its month's last where it has no such day."""
        return months_later(day, -self.months) if self.months else day - timedelta(days=self.shift)

    def laid(self, day: date) -> date | None:
        """The day that `day` of the other period is shown on; None when there is no such day."""
        if not self.months:
            return day + timedelta(days=self.shift)
        on = months_later(day, self.months)
        return on if on.day == day.day else None

    def laid_sql(self, unit: Unit, binder: Binder) -> str:
        """SQL for `laid` of the column `day`; NULL for a day without counterpart where one looks at days or weeks."""
        if not self.months:
            return f"(day + {binder.bind(self.shift, 'Int32')})"
        on = f"addMonths(day, {binder.bind(self.months, 'Int32')})"
        return on if unit in MONTHS else f"if(toDayOfMonth({on}) = toDayOfMonth(day), {on}, NULL)"

    def hours(self, period: Period) -> list[int | None]:
        """For each hour of the other period the place of its counterpart in `period`, by the clock: None for hours that this one has not
        (a day has 23 or 25 of them where clocks change)."""
        places: dict[tuple[date, int], list[int]] = {}
        for place, start in enumerate(period.buckets("hour")):
            places.setdefault((start.date(), start.hour), []).append(place)
        return [places[key].pop(0) if places.get(key) else None for key in map(self._hour, self.period.buckets("hour"))]

    def _hour(self, start: datetime) -> tuple[date, int]:
        return self.laid(start.date()) or date.min, start.hour


def baseline(compare: Compare | None, period: Period, scope: Scope) -> Baseline | None:
    """The period that `compare` means for `period`; None when it is not about a period."""
    if isinstance(compare, Other):
        other = scope.period(compare.period)
        return _until(Baseline(other, other.end, (period.since - other.since).days), period, scope.now)
    if not isinstance(compare, Before):
        return None
    if compare.to == "previous":
        found = Baseline(period.previous(), period.start, period.days)
    else:
        months = MONTHS.get(compare.to, 0) * compare.ago
        if months and compare.align == "date":
            other = Period(months_later(period.since, -months), _same_end(period.until, months), period.zone)
            found = Baseline(other, other.end, months=months)
        else:
            days = (period.since - months_later(period.since, -months)).days if months else 7 * compare.ago
            weeks = timedelta(days=round(days / 7) * 7)
            other = Period(period.since - weeks, period.until - weeks, period.zone)
            found = Baseline(other, other.end, weeks.days)
    return _until(found, period, scope.now)


def _same_end(until: date, months: int) -> date:
    """The last day of the other period; a month's last day for a month's last."""
    if (until + timedelta(days=1)).day == 1:
        return months_later(until.replace(day=1), 1 - months) - timedelta(days=1)
    return months_later(until, -months)


def _until(found: Baseline, period: Period, now: datetime) -> Baseline:
    """Both go as far: to the minute that the clock shows now, while this period runs."""
    if now >= period.end:
        return found
    local = now.astimezone(ZoneInfo(period.zone)).replace(second=0, microsecond=0)
    day = found.day_of(local.date())
    if found.months and day.day != local.day:  # the month has no such day: its last day counts as a whole
        until = midnight(day + timedelta(days=1), period.zone)
    else:
        until = datetime.combine(day, local.time(), ZoneInfo(period.zone))
    return Baseline(found.period, min(until, found.period.end, key=datetime.timestamp), found.shift, found.months)


def reads(period: Period, other: Baseline | None) -> Period:
    """The days that a statement about both needs to see."""
    if other is None:
        return period
    return Period(min(period.since, other.period.since), max(period.until, other.period.until), period.zone)


@dataclass(frozen=True)
class Sides:
    """SQL: `side` is 0 for what is asked about and 1 for what it is compared with; `where` is true of what is on either side. `bits` is
    1 and 2 for these, and 3 on both.

    An event that is on both gives two rows: select `side` in the innermost SELECT, once.
    """

    side: str
    where: str
    bits: str


def sides(compare: Compare | None, period: Period, other: Baseline | None, scope: Scope, binder: Binder) -> Sides:
    """On which side an event of `visible` is."""
    mine = f"day BETWEEN {binder.bind(period.since, 'Date')} AND {binder.bind(period.until, 'Date')}"
    if isinstance(compare, Groups):
        segment, against = groups(compare, scope, binder)
        return Sides(_both(segment, against), f"{mine} AND ({segment} OR {against})", _bits(segment, against))
    if other is None:
        return Sides("0", mine, "1")
    since, until = binder.bind(other.period.since, "Date"), binder.bind(other.period.until, "Date")
    theirs = f"day BETWEEN {since} AND {until}"
    if not other.whole:
        theirs += f" AND ts < fromUnixTimestamp64Milli({binder.bind(round(other.until.timestamp() * 1000), 'Int64')}, 'UTC')"
    apart = other.period.until < period.since or other.period.since > period.until
    side = f"toUInt8(NOT ({mine}))" if apart else _both(mine, theirs)
    return Sides(side, f"(({mine}) OR ({theirs}))", _bits(mine, theirs))


def groups(compare: Groups, scope: Scope, binder: Binder, *, over: str = "visible") -> tuple[str, str]:
    """SQL, of a row of the relation `over`: its person is of the segment; and of those that it is compared with."""
    segment = condition(InSegment(segment=compare.segment), scope, binder, over=over)
    match compare.against:
        case "*":
            return segment, "1"
        case "!":
            return segment, f"NOT ({segment})"
        case key:
            return segment, condition(InSegment(segment=key), scope, binder, over=over)


def _both(first: str, second: str) -> str:
    return f"arrayJoin(arrayFilter((side, holds) -> holds, [0, 1], [toUInt8({first}), toUInt8({second})]))"


def _bits(first: str, second: str) -> str:
    return f"(toUInt8({first}) + 2 * toUInt8({second}))"


BEFORE: Mapping[str, tuple[str, str]] = {
    "week": ("the same days a week before", "the same days {ago} weeks before"),
    "month": ("the same days a month before", "the same days {ago} months before"),
    "quarter": ("the same days a quarter before", "the same days {ago} quarters before"),
    "year": ("the same days a year before", "the same days {ago} years before"),
}


def compare_said(compare: Compare, scope: Scope) -> Said:
    """What it is compared with, for readers."""
    match compare:
        case Before(to="previous"):
            return "previous period", {}
        case Before():
            one, several = BEFORE[compare.to]
            return (one, {}) if compare.ago == 1 else (several, {"ago": compare.ago})
        case Other():
            other = scope.period(compare.period)
            return "{since} – {until}", {"since": other.since, "until": other.until}
        case Target():
            return "target", {}
        case Groups(against="*"):
            return "everybody", {}
        case Groups(against="!"):
            return "everybody else", {}
        case Groups():
            return "{segment}", {"segment": scope.segment_names.get(compare.against, compare.against)}
