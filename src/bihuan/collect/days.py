"""Which day a time is in a project's zone, quickly for many times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

QUARTER = 900_000  # ms; since 1972 every zone's offset and every change of one falls on a quarter of an hour
_EPOCH = date(1970, 1, 1).toordinal()


def days(projects: Sequence[int], times: Sequence[int], zones: Callable[[int], ZoneInfo]) -> list[int]:
    """For each time (ms since 1970) the day in its project's zone, counted since 1970-01-01."""
    of = {project: zones(project) for project in set(projects)}
    if len(of) == 1:
        (zone,) = of.values()
        known = {quarter: _day(zone, quarter) for quarter in {time // QUARTER for time in times}}
        return [known[time // QUARTER] for time in times]
    return [_day(of[project], time // QUARTER) for project, time in zip(projects, times, strict=True)]


@lru_cache(maxsize=50_000)
def _day(zone: ZoneInfo, quarter: int) -> int:
    return datetime.fromtimestamp(quarter * 900, zone).toordinal() - _EPOCH


def day_of(at: datetime, zone: ZoneInfo) -> int:
    """The day of an instant, counted since 1970-01-01."""
    return at.astimezone(zone).toordinal() - _EPOCH
