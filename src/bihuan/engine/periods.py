"""Periods of days in a project's time zone, and the buckets (hour, day, week, month) that they are cut into."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator

Unit = Literal["hour", "day", "week", "month"]


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


PeriodSpec = Last | Between


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
        until = now.astimezone(ZoneInfo(zone)).date() - timedelta(days=1 if spec.complete else 0)
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
    """The first day of the day, week or month that holds `day`."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def next_bucket_day(day: date, unit: Unit) -> date:
    """The first day of the day, week or month after the one that begins on `day`."""
    if unit == "month":
        return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return day + timedelta(days=7 if unit == "week" else 1)
