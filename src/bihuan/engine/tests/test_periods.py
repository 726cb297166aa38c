"""Periods and buckets: what a day, an hour, a week and a month are in a time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from bihuan.engine.periods import Between, Last, Period, Unit, midnight


def period(since: str, until: str, zone: str = "UTC") -> Period:
    return Period(date.fromisoformat(since), date.fromisoformat(until), zone)


def starts(of: Period, unit: Unit) -> list[str]:
    return [start.isoformat() for start in of.buckets(unit)]


def test_today_is_the_project_s_day_not_the_server_s() -> None:
    late = datetime(2026, 3, 14, 16, 30, tzinfo=UTC)
    assert Period.resolve(Last(last=1), zone="Asia/Shanghai", now=late).since == date(2026, 3, 15)
    assert Period.resolve(Last(last=1), zone="America/New_York", now=late).since == date(2026, 3, 14)


def test_complete_ends_yesterday_and_keeps_its_length() -> None:
    now = datetime(2024, 3, 1, 12, tzinfo=UTC)
    assert Period.resolve(Last(last=2, complete=True), zone="UTC", now=now) == period("2024-02-28", "2024-02-29")


def test_a_leap_day_is_a_day() -> None:
    assert period("2024-02-28", "2024-03-01").days == 3
    assert period("2023-02-28", "2023-03-01").days == 2


def test_the_previous_period_is_as_many_days_just_before() -> None:
    assert period("2024-03-01", "2024-03-31").previous() == period("2024-01-30", "2024-02-29")


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("America/New_York", "2026-11-02", 24),
        ("America/Sao_Paulo", "2018-11-04", 23),
        ("Asia/Kolkata", "2026-03-08", 24),
    ],
)
def test_a_day_has_as_many_hours_as_its_clocks_say(zone: str, day: str, hours: int) -> None:
    one = period(day, day, zone)
    assert len(starts(one, "hour")) == hours
    assert one.end.astimezone(UTC) - one.start.astimezone(UTC) == timedelta(hours=hours)


def test_the_hour_that_clocks_repeat_is_two_buckets() -> None:
    hours = starts(period("2026-11-01", "2026-11-01", "America/New_York"), "hour")
    assert hours[1:3] == ["2026-11-01T01:00:00-04:00", "2026-11-01T01:00:00-05:00"]


def test_where_clocks_skip_midnight_the_day_begins_with_its_first_instant() -> None:
    first = midnight(date(2018, 11, 4), "America/Sao_Paulo")
    assert first.isoformat() == "2018-11-04T01:00:00-02:00"
    assert (first.astimezone(UTC) - timedelta(seconds=1)).astimezone(ZoneInfo("America/Sao_Paulo")).date() == date(2018, 11, 3)


def test_half_hour_zones_begin_their_hours_at_their_own_full_hour() -> None:
    assert starts(period("2026-03-08", "2026-03-08", "Asia/Kolkata"), "hour")[:2] == [
        "2026-03-08T00:00:00+05:30",
        "2026-03-08T01:00:00+05:30",
    ]


def test_weeks_begin_on_monday_also_before_the_period_and_across_a_year() -> None:
    weeks = [start.date() for start in period("2025-12-31", "2026-01-06").buckets("week")]
    assert weeks == [date(2025, 12, 29), date(2026, 1, 5)]


def test_months_begin_on_their_first_day() -> None:
    months = [start.date() for start in period("2024-01-31", "2024-03-01").buckets("month")]
    assert months == [date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)]


def test_a_period_that_ends_before_it_begins_says_so() -> None:
    with pytest.raises(ValidationError, match=r"ends .* before it begins"):
        Between(since=date(2026, 3, 2), until=date(2026, 3, 1))


def test_a_period_of_more_than_ten_years_is_refused() -> None:
    with pytest.raises(ValidationError, match="at most 3,660 days"):
        Between(since=date(2000, 1, 1), until=date(2026, 1, 1))
    with pytest.raises(ValidationError):
        Last(last=3661)
