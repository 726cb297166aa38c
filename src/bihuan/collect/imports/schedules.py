"""When an import runs: by hand, every so many minutes, or daily at a time of the project's clock."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

FIRST_RETRY = timedelta(minutes=1)
LAST_RETRY = timedelta(hours=1)


class Schedule(BaseModel):
    """`manual`: when somebody asks; `every` so many `minutes`; `daily` at `at`, a local time."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: Literal["manual", "every", "daily"] = "manual"
    minutes: Annotated[int, Field(ge=5, le=10_080)] = 60
    at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "06:00"


def next_run(schedule: Schedule, *, zone: str, after: datetime) -> datetime | None:
    """The first time to run after `after` (aware). A local time that the clock shows twice is its first occurrence; one that it skips is
    moved by the gap: a daily import runs once on every day, whatever the clock does."""
    if schedule.kind == "manual":
        return None
    if schedule.kind == "every":
        return after + timedelta(minutes=schedule.minutes)
    hour, minute = map(int, schedule.at.split(":"))
    local = ZoneInfo(zone)
    day = after.astimezone(local).date() - timedelta(days=1)
    while True:
        found = datetime.combine(day, time(hour, minute), local).astimezone(UTC)
        if found > after:
            return found
        day += timedelta(days=1)


def retry_after(failures: int) -> timedelta:
    """How long to wait after so many failures in a row: twice as long each time, at most an hour."""
    doubled = min(max(failures - 1, 0), 10)
    return min(FIRST_RETRY * int(2**doubled), LAST_RETRY)
