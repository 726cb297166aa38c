"""Which days stand beside which: weekdays or dates kept, month ends, leap days, days of 23 and 25 hours, periods that still run."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from bihuan.engine.compare import Baseline, Comparison, baseline
from bihuan.engine.periods import Between, Period
from bihuan.engine.question import Scope

COMPARISON: TypeAdapter[Any] = TypeAdapter(Comparison)
LATER = datetime(2030, 1, 1, tzinfo=ZoneInfo("UTC"))


def against(document: Any, since: str, until: str, *, zone: str = "UTC", now: datetime = LATER) -> Baseline:
    period = Period(date.fromisoformat(since), date.fromisoformat(until), zone)
    found = baseline(COMPARISON.validate_python(document), period, Scope(1, zone, now))
    assert found is not None
    return found


def days(found: Baseline) -> tuple[str, str]:
    return found.period.since.isoformat(), found.period.until.isoformat()


@pytest.mark.parametrize(
    ("document", "since", "until", "expected"),
    [
        ("previous", "2026-03-01", "2026-03-31", ("2026-01-29", "2026-02-28")),
        ({"to": "week"}, "2026-03-02", "2026-03-04", ("2026-02-23", "2026-02-25")),
        ({"to": "week", "ago": 2}, "2026-03-02", "2026-03-04", ("2026-02-16", "2026-02-18")),
        ({"to": "month"}, "2026-03-02", "2026-03-15", ("2026-02-02", "2026-02-15")),  # 28 days, Monday to Monday
        ({"to": "quarter"}, "2026-03-02", "2026-03-15", ("2025-12-01", "2025-12-14")),  # 13 weeks
        ({"to": "year"}, "2026-03-02", "2026-03-15", ("2025-03-03", "2025-03-16")),  # 52 weeks
        ({"to": "year", "ago": 5}, "2026-03-02", "2026-03-15", ("2021-03-01", "2021-03-14")),  # 261 weeks, not 260
        ({"to": "month", "align": "date"}, "2026-03-01", "2026-03-31", ("2026-02-01", "2026-02-28")),  # a month's end stays one
        ({"to": "month", "align": "date"}, "2026-02-01", "2026-02-28", ("2026-01-01", "2026-01-31")),
        ({"to": "month", "align": "date"}, "2026-03-29", "2026-03-30", ("2026-02-28", "2026-02-28")),
        ({"to": "year", "align": "date"}, "2024-02-01", "2024-02-29", ("2023-02-01", "2023-02-28")),
        ({"to": "year", "align": "date"}, "2025-02-01", "2025-02-28", ("2024-02-01", "2024-02-29")),
        ({"to": "quarter", "align": "date"}, "2026-01-01", "2026-03-31", ("2025-10-01", "2025-12-31")),
        ({"period": {"since": "2025-11-11", "until": "2025-11-20"}}, "2026-03-01", "2026-03-10", ("2025-11-11", "2025-11-20")),
    ],
)
def test_the_days_that_stand_beside_the_period(document: Any, since: str, until: str, expected: tuple[str, str]) -> None:
    assert days(against(document, since, until)) == expected


def test_a_day_that_the_other_month_has_not_has_no_counterpart() -> None:
    february = against({"to": "month", "align": "date"}, "2026-02-01", "2026-02-28")
    assert february.laid(date(2026, 1, 28)) == date(2026, 2, 28)
    assert [february.laid(date(2026, 1, day)) for day in (29, 30, 31)] == [None] * 3
    leap = against({"to": "year", "align": "date"}, "2025-02-01", "2025-02-28")
    assert leap.laid(date(2024, 2, 29)) is None


@given(st.dates(date(2000, 1, 1), date(2040, 1, 1)), st.sampled_from(("month", "quarter", "year")), st.integers(1, 12))
def test_by_weekday_each_day_stands_beside_one_of_the_same_weekday_and_nearly_the_same_date(day: date, unit: str, ago: int) -> None:
    found = against({"to": unit, "ago": ago}, day.isoformat(), day.isoformat())
    assert found.period.since.weekday() == day.weekday()
    same_date = against({"to": unit, "ago": ago, "align": "date"}, day.isoformat(), day.isoformat())
    assert abs((found.period.since - same_date.period.since).days) <= 4


def test_while_a_period_runs_the_other_goes_as_far() -> None:
    now = datetime(2026, 3, 15, 12, 30, 59, tzinfo=ZoneInfo("Asia/Shanghai"))
    found = against("previous", "2026-03-14", "2026-03-15", zone="Asia/Shanghai", now=now)
    assert found.until == datetime(2026, 3, 13, 12, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
    over = against("previous", "2026-03-13", "2026-03-14", zone="Asia/Shanghai", now=now)
    assert over.until == datetime(2026, 3, 13, tzinfo=ZoneInfo("Asia/Shanghai"))


def test_on_the_31st_a_shorter_month_counts_as_a_whole() -> None:
    now = datetime(2026, 3, 31, 9, tzinfo=ZoneInfo("UTC"))
    found = against({"to": "month", "align": "date"}, "2026-03-01", "2026-03-31", now=now)
    assert found.until == datetime(2026, 3, 1, tzinfo=ZoneInfo("UTC"))


def test_hours_stand_beside_the_same_hours_by_the_clock() -> None:
    # 8 March 2026 has no hour 2 in New York, 1 November has hour 1 twice.
    spring = against({"to": "week"}, "2026-03-15", "2026-03-15", zone="America/New_York")
    period = Period(date(2026, 3, 15), date(2026, 3, 15), "America/New_York")
    assert spring.hours(period) == [0, 1, *range(3, 24)]
    autumn = against({"to": "week"}, "2026-11-08", "2026-11-08", zone="America/New_York")
    period = Period(date(2026, 11, 8), date(2026, 11, 8), "America/New_York")
    assert autumn.hours(period) == [0, 1, None, *range(2, 24)]
    back = against({"to": "week"}, "2026-11-01", "2026-11-01", zone="America/New_York")
    assert back.hours(Period(date(2026, 11, 1), date(2026, 11, 1), "America/New_York"))[:3] == [0, 1, 3]


@given(st.dates(date(2023, 1, 1), date(2026, 12, 31)), st.integers(0, 400), st.sampled_from(("month", "quarter", "year")))
def test_by_date_every_day_of_the_period_has_its_own_counterpart_or_none(since: date, length: int, unit: str) -> None:
    until = since + timedelta(days=length)
    found = against({"to": unit, "align": "date"}, since.isoformat(), until.isoformat())
    shown = [found.laid(found.period.since + timedelta(days=n)) for n in range(found.period.days)]
    kept = [day for day in shown if day is not None]
    assert len(set(kept)) == len(kept)
    assert all(day.day == found.day_of(day).day for day in kept)


def test_one_word_is_still_a_comparison_and_nonsense_is_none() -> None:
    assert COMPARISON.validate_python("previous") == COMPARISON.validate_python({"to": "previous"})
    assert COMPARISON.validate_python(None) is None
    for wrong in ("never", {"to": "year", "ago": 0}, {"to": "previous", "ago": 2}, {"target": float("nan")}, {"period": {}, "to": "week"}):
        with pytest.raises(ValidationError):
            COMPARISON.validate_python(wrong)


def test_a_given_period_may_be_longer_or_shorter() -> None:
    found = against({"period": Between(since=date(2026, 1, 1), until=date(2026, 1, 10))}, "2026-03-01", "2026-03-03")
    assert (found.shift, found.laid(date(2026, 1, 10))) == (59, date(2026, 3, 10))
