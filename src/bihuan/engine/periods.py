"""Periods of days in a project's time zone, and the buckets (hour … year) that they are cut into."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Unit = Literal["hour", "day", "week", "month", "quarter", "year"]


class Last(BaseModel):
    """The last `last` days, today included unless `complete` (then it ends yesterday)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    last: Annotated[int, Field(ge=1, le=3660)] = 30
    complete: bool = False


class Between(BaseModel):
    """The days from `since` to `until`, both included."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    since: date
    until: date

    @model_validator(mode="after")
    def _in_order(self) -> Between:
        if self.until < self.since:
            raise ValueError(f"The period ends ({self.until}) before it begins ({self.since}).")
        if (self.until - self.since).days > 3660:
            raise ValueError("A period may have at most 3,660 days.")
        return self


class This(BaseModel):
    """The calendar `this` (day, week from Monday, month, quarter or year) up to today; with `ago` 1, 2, … the whole one so many before."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    this: Literal["day", "week", "month", "quarter", "year"]
    ago: Annotated[int, Field(ge=0, le=120)] = 0


def _from_word(given: object) -> object:
    """A form's one choice: "this-week" or "last-month" in the place of a number of days."""
    word = given.get("last") if isinstance(given, Mapping) else None
    which, _, unit = word.partition("-") if isinstance(word, str) else ("", "", "")
    return {"this": unit, "ago": int(which == "last")} if unit and which in ("this", "last") else given


PeriodSpec = Annotated[Last | Between | This, BeforeValidator(_from_word)]


@dataclass(frozen=True)
class Period:
    """Whole days `since` to `until`, both included, in the time zone `zone`."""

    since: date
    until: date
    zone: str

    @classmethod
    def resolve(cls, spec: PeriodSpec, *, zone: str, now: datetime) -> Period:
        """What `spec` means at the instant `now` (aware) in `zone`."""
        if isinstance(spec, Between):
            return cls(spec.since, spec.until, zone)
        today = now.astimezone(ZoneInfo(zone)).date()
        if isinstance(spec, This):
            since = bucket_day(today, spec.this)
            for _ in range(spec.ago):
                since = bucket_day(since - timedelta(days=1), spec.this)
            return cls(since, next_bucket_day(since, spec.this) - timedelta(days=1) if spec.ago else today, zone)
        until = today - timedelta(days=1 if spec.complete else 0)
        return cls(until - timedelta(days=spec.last - 1), until, zone)

    @property
    def days(self) -> int:
        return (self.until - self.since).days + 1

    @property
    def start(self) -> datetime:
        """The first instant."""
        return midnight(self.since, self.zone)

    @property
    def end(self) -> datetime:
        """The first instant after the period."""
        return midnight(self.until + timedelta(days=1), self.zone)

    def previous(self) -> Period:
        """As many days just before."""
        length = timedelta(days=self.days)
        return Period(self.since - length, self.until - length, self.zone)

    def extended(self, *, before: int = 0, after: int = 0) -> Period:
        """The period with so many days more on each side."""
        return Period(self.since - timedelta(days=before), self.until + timedelta(days=after), self.zone)

    def buckets(self, unit: Unit) -> Iterator[datetime]:
        """The start of each bucket that overlaps the period, aware, in order.

        A week begins on Monday (ISO 8601); a day and an hour are those of the zone, so a day may have 23 or 25 hours.
        The first bucket may begin before the period (a week, a month).
        """
        zone = ZoneInfo(self.zone)
        if unit == "hour":
            at, end = self.start.astimezone(ZoneInfo("UTC")), self.end
            while at < end:
                yield at.astimezone(zone)
                at += timedelta(hours=1)
            return
        day = bucket_day(self.since, unit)
        while day <= self.until:
            yield midnight(day, self.zone)
            day = next_bucket_day(day, unit)


def midnight(day: date, zone: str) -> datetime:
    """The first instant of `day` in `zone` (where the clock skips midnight, the first that exists)."""
    local = datetime.combine(day, time(), ZoneInfo(zone))
    return local.astimezone(ZoneInfo("UTC")).astimezone(ZoneInfo(zone))


def bucket_day(day: date, unit: Unit) -> date:
    """The first day of the day, week, month, quarter or year that holds `day`."""
    match unit:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            return day.replace(month=1, day=1)
    return day


def next_bucket_day(day: date, unit: Unit) -> date:
    """The first day of the day, week, month, quarter or year after the one that holds `day`."""
    if unit in MONTHS:
        return months_later(bucket_day(day, unit), MONTHS[unit])
    return bucket_day(day, unit) + timedelta(days=7 if unit == "week" else 1)


MONTHS: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}


def months_later(day: date, months: int) -> date:
    """The same day of the month so many months later (earlier when negative), or that month's last day where it has no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


BucketState = Literal["whole", "cut", "running", "future"]


def bucket_state(start: datetime, unit: Unit, period: Period, now: datetime) -> BucketState:
    """What may be said of the bucket that begins at `start`: `future` it has not begun; `running` it is not over yet, its number still
    grows; `cut` the period takes only a part of it; else it is `whole`."""
    end = bucket_end(start, unit, period.zone)
    if start > now:
        return "future"
    if now < end and now < period.end:
        return "running"
    return "cut" if start < period.start or end > period.end else "whole"


def bucket_end(start: datetime, unit: Unit, zone: str) -> datetime:
    """The first instant after the bucket that begins at `start`."""
    if unit == "hour":
        return (start.astimezone(UTC) + timedelta(hours=1)).astimezone(ZoneInfo(zone))
    return midnight(next_bucket_day(start.astimezone(ZoneInfo(zone)).date(), unit), zone)
