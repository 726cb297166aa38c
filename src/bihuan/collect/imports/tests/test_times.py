"""Times: every usual way to write one, and what the clock does twice or never."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from bihuan.collect.imports.errors import Reason
from bihuan.collect.imports.times import parse_time, read_times
from bihuan.collect.imports.values import Loose, Typed

NOW = int(datetime(2026, 3, 15, tzinfo=UTC).timestamp() * 1000)


def utc(values: Any, zone: str = "Asia/Shanghai", **how: Any) -> list[str]:
    times = read_times(values, zone=zone, now=NOW, **how)
    assert not times.wrong
    return [datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] for ms in times.ms.tolist()]


def texts(*values: str | None) -> Typed:
    return Typed(pa.array(values, pa.string()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-13 10:21:14", "2024-03-13 02:21:14.000"),
        ("2024-03-13T10:21:14Z", "2024-03-13 10:21:14.000"),
        ("2024-03-13T10:21:14.123456+02:00", "2024-03-13 08:21:14.123"),
        ("2024-03-13 10:21:14.5", "2024-03-13 02:21:14.500"),
        ("2024-03-13", "2024-03-12 16:00:00.000"),
        ("2024/3/13 9:05", "2024-03-13 01:05:00.000"),
        ("2024年3月13日 10:21", "2024-03-13 02:21:00.000"),
        ("20240313", "2024-03-12 16:00:00.000"),
        ("1710325274", "2024-03-13 10:21:14.000"),
        ("1710325274.25", "2024-03-13 10:21:14.250"),
        ("1710325274123", "2024-03-13 10:21:14.123"),
        ("1710325274123456", "2024-03-13 10:21:14.123"),
        ("1710325274123456789", "2024-03-13 10:21:14.123"),
    ],
)
def test_a_time_may_be_written_in_every_usual_way(text: str, expected: str) -> None:
    assert utc(texts(text)) == [expected]


def test_columns_of_numbers_and_of_time_types_are_times_too() -> None:
    assert utc(Typed(pa.array([1710325274]))) == ["2024-03-13 10:21:14.000"]
    assert utc(Typed(pa.array([1710325274.5]))) == ["2024-03-13 10:21:14.500"]
    assert utc(Loose([1710325274123])) == ["2024-03-13 10:21:14.123"]
    naive, aware = datetime(2024, 3, 13, 10, 21, 14, 123456), datetime(2024, 3, 13, 10, 21, 14, tzinfo=UTC)  # noqa: DTZ001
    for unit in ("ms", "us", "ns"):
        assert utc(Typed(pa.array([naive], pa.timestamp(unit)).cast(pa.timestamp(unit), safe=False))) == ["2024-03-13 02:21:14.123"]
    assert utc(Typed(pa.array([aware], pa.timestamp("s", "Europe/Paris")))) == ["2024-03-13 10:21:14.000"]
    assert utc(Typed(pa.array([date(2024, 3, 13)]))) == ["2024-03-12 16:00:00.000"]


def test_a_pattern_and_a_unit_leave_nothing_to_guess() -> None:
    assert utc(texts("13/03/2024 10:21"), pattern="%d/%m/%Y %H:%M") == ["2024-03-13 02:21:00.000"]
    assert utc(texts("13.03.24 10:21 +0100"), pattern="%d.%m.%y %H:%M %z") == ["2024-03-13 09:21:00.000"]
    assert utc(texts("86400001"), unit="ms") == ["1970-01-02 00:00:00.001"]


def test_what_is_not_a_time_is_rejected_with_the_text_and_what_to_do() -> None:
    times = read_times(texts("13/03/2024", None, "", "yesterday", "2024-02-30", "20241399"), zone="UTC", now=NOW)
    assert [str(reason)[:40] for _, reason in sorted(times.wrong.items())] == [
        "“13/03/2024” is not a time that is under",
        "The row has no time.",
        "The row has no time.",
        "“yesterday” is not a time that is unders",
        "“2024-02-30” is not a time that is under",
        "“20241399” is neither a day nor a time.",
    ]
    assert "%d/%m/%Y" in str(times.wrong[0])


def test_times_before_1970_or_after_tomorrow_are_rejected() -> None:
    times = read_times(texts("1969-12-31", "2026-03-15 12:00", "2026-03-17", "9999-12-31 23:59", "0001-01-01"), zone="UTC", now=NOW)
    assert {row: str(reason).split(":")[0] for row, reason in times.wrong.items()} == {
        0: "The time is before 1970",
        2: "The time is more than a day in the future",
        3: "The time is more than a day in the future",
        4: "The time is before 1970",
    }


def test_a_local_time_that_the_clock_shows_twice_is_its_first_occurrence() -> None:
    assert utc(texts("2024-11-03 01:30"), zone="America/New_York") == ["2024-11-03 05:30:00.000"]


def test_a_local_time_that_the_clock_skips_is_moved_by_the_gap_and_said_so() -> None:
    times = read_times(texts("2024-03-10 02:30", "2024-03-10 03:30"), zone="America/New_York", now=NOW)
    assert [datetime.fromtimestamp(ms / 1000, UTC).hour for ms in times.ms.tolist()] == [7, 7]  # 03:30 there, both
    assert times.skipped.tolist() == [True, False]


def test_offsets_are_right_in_each_season_and_in_odd_zones() -> None:
    assert utc(texts("2024-01-15 12:00", "2024-07-15 12:00"), zone="Europe/London") == [
        "2024-01-15 12:00:00.000",
        "2024-07-15 11:00:00.000",
    ]
    assert utc(texts("2024-01-15 12:00"), zone="Asia/Kathmandu") == ["2024-01-15 06:15:00.000"]


def test_parsing_never_raises() -> None:
    for text in ("9" * 400, "-1", "1e5", "2024-13-01", "0000-00-00", "٢٠٢٤-٠١-٠١", "2024-01-01T25:00", "%", "1970-01-01T00:00:00+99:99"):
        parsed = parse_time(text)
        assert isinstance(parsed, Reason) or parsed.ms is not None
