"""Volumes: what is unusual is found, what is not seldom cries; on series that follow a known law."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from bihuan.collect.volumes import VOLUMES
from bihuan.collect.volumes.interval import interval
from bihuan.collect.volumes.result import shape_volumes
from bihuan.collect.volumes.spec import VolumesSpec
from bihuan.engine.ask import Engine
from bihuan.engine.question import Scope

NOW = datetime(2026, 3, 15, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
SCOPE = Scope(1, "Asia/Shanghai", NOW)
WEEK = np.array([1.0, 1.0, 1.05, 1.1, 1.3, 1.6, 1.4])


def series(rng: np.random.Generator, level: float, noise: float, days: int = 71) -> list[dict[str, object]]:
    """Counts of the days before today: by weekday, with chance of its own and of counting."""
    today = NOW.date()
    rows: list[dict[str, object]] = []
    for back in range(days, 0, -1):
        day = today - timedelta(days=back)
        rate = level * WEEK[day.weekday()] * rng.lognormal(0, noise)
        rows.append({"event": "Order", "slot": day.isoformat(), "events": int(rng.poisson(rate))})
    return rows


@pytest.mark.parametrize(("level", "noise"), [(3, 0.0), (40, 0.0), (500, 0.1), (20_000, 0.05), (2_000, 0.2)])
def test_a_day_that_follows_its_law_is_called_unusual_less_than_once_in_two_hundred(level: float, noise: float) -> None:
    rng = np.random.default_rng(7)
    judged = alarms = 0
    for _ in range(120):
        found = shape_volumes(VolumesSpec(), SCOPE, series(rng, level, noise))
        judged += sum(one.judged for one in found.volumes)
        alarms += len(found.unusual)
    assert judged == 120 * 7
    assert alarms / judged < 0.005


@pytest.mark.parametrize(("level", "factor"), [(400, 0.5), (400, 1.8), (5_000, 0.7), (5_000, 1.4), (40, 0.0)])
def test_a_day_that_breaks_it_is_found(level: float, factor: float) -> None:
    rng = np.random.default_rng(8)
    found = 0
    for _ in range(50):
        rows = series(rng, level, 0.05)
        rows[-1]["events"] = int(float(str(rows[-1]["events"])) * factor)
        found += shape_volumes(VolumesSpec(), SCOPE, rows).latest[0].unusual
    assert found >= 45


def test_odd_days_of_the_past_do_not_bend_the_interval() -> None:
    usual = interval([100, 104, 98, 101, 99, 103, 97, 102], {0: [100, 104, 98, 101, 99, 103, 97, 102]})
    bent = interval([100, 104, 98, 0, 99, 5_000, 97, 102], {0: [100, 104, 98, 0, 99, 5_000, 97, 102]})
    assert usual is not None
    assert bent is not None
    assert abs(usual.expected - bent.expected) < 3
    assert bent.high < 200


def test_a_short_past_judges_nothing_and_a_day_without_events_counts_as_none() -> None:
    rng = np.random.default_rng(9)
    assert not any(one.judged for one in shape_volumes(VolumesSpec(), SCOPE, series(rng, 100, 0, days=20)).volumes)
    rows = series(rng, 100, 0)[:-1]
    latest = shape_volumes(VolumesSpec(), SCOPE, rows).latest[0]
    assert (latest.events, latest.unusual) == (0, True)


def test_hours_are_judged_by_the_same_hour_of_the_same_weekdays(engine: Engine, scope: Scope, write, first_person: int) -> None:
    events = []
    for week in range(9):
        for hour in range(8, 12):
            number = 30 if week else (30 if hour != 10 else 2)
            at = NOW.replace(hour=hour, minute=5) - timedelta(days=7 * week)
            events += [(first_person, "Order", at + timedelta(seconds=n)) for n in range(number)]
    events.append((first_person, "Order", NOW - timedelta(days=70)))
    write(*events)
    found = engine.ask(VOLUMES, VolumesSpec(unit="hour"), scope).result
    assert [(one.slot.hour, one.events) for one in found.unusual] == [(10, 2)]


def test_days_are_counted_in_the_projects_zone(engine: Engine, scope: Scope, write, first_person: int) -> None:
    write(
        (first_person, "Order", "2026-03-14 23:59"),
        (first_person, "Order", "2026-03-15 00:01"),
        (first_person, "Order", "2026-02-01 10:00"),
    )
    found = engine.ask(VOLUMES, VolumesSpec(days=1), scope).result
    assert [(one.slot.day, one.events) for one in found.volumes] == [(14, 1)]
