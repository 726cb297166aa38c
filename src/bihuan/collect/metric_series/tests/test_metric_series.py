"""The question metric series against plain Python, on random small worlds in one insert; corrections, stock and clock changes."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bihuan.collect.metric_series import METRIC_SERIES
from bihuan.collect.metric_series.result import MetricSeriesResult
from bihuan.collect.metric_series.spec import MetricSeriesSpec
from bihuan.engine.ask import Engine
from bihuan.engine.errors import QuestionError
from bihuan.engine.periods import midnight
from bihuan.engine.question import Scope
from bihuan.engine.store import Store

TYPES = {"project_id": "UInt32", "metric": "String", "day": "Date", "at": "DateTime64(3, 'UTC')", "dimensions": "String"}
TYPES |= {"value": "Float64", "version": "UInt64"}
Value = tuple[str, date, datetime, dict[str, str], float, int]


BEGINS: dict[str, Callable[[date], date]] = {"day": lambda day: day, "week": lambda day: day - timedelta(days=day.weekday())}


def put(store: Store, scope: Scope, values: list[Value]) -> None:
    rows = [
        (scope.project_id, name, day, at.astimezone(UTC), json.dumps(about, separators=(",", ":")), number, version)
        for name, day, at, about, number, version in values
    ]
    store.insert("metric_values", list(TYPES), list(zip(*rows, strict=True)), list(TYPES.values()))


def ask(engine: Engine, scope: Scope, **spec: Any) -> MetricSeriesResult:
    return engine.ask(METRIC_SERIES, MetricSeriesSpec.model_validate(spec), scope).result


def daily(scope: Scope, name: str, day: str, number: float, version: int = 1, **about: str) -> Value:
    of = date.fromisoformat(day)
    return name, of, midnight(of, scope.zone), about, number, version


MEASURES: dict[str, Any] = {
    "sum": lambda values: sum(number for _, number in values),
    "average": lambda values: sum(number for _, number in values) / len(values),
    "smallest": lambda values: min(number for _, number in values),
    "greatest": lambda values: max(number for _, number in values),
    "last": lambda values: sum(number for at, number in values if at == max(at for at, _ in values)),
}


def test_any_series_is_what_plain_python_says(store: Store, engine: Engine, scope: Scope) -> None:
    chance = random.Random(7)
    values: list[Value] = []
    for _ in range(300):
        day = date(2026, 3, 1) + timedelta(days=chance.randrange(14))
        at = midnight(day, scope.zone) + timedelta(hours=chance.choice((0, 0, 9, 23)))
        about = {"channel": chance.choice(("ads", "mail", "shop"))} if chance.random() < 0.8 else {}
        values.append(("cost", day, at, about, float(chance.randrange(1, 100)), chance.randrange(1, 10**9)))
    put(store, scope, [*values, daily(scope, "stock", "2026-03-05", 4)])
    held: dict[Any, tuple[float, int]] = {}
    for _, day, at, about, number, version in values:
        place = (day, at, about.get("channel", ""))
        if version >= held.get(place, (0.0, 0))[1]:
            held[place] = (number, version)
    for measure, plain in MEASURES.items():
        for unit, begin in BEGINS.items():
            wanted: dict[str, dict[date, list[Any]]] = defaultdict(lambda: defaultdict(list))
            for (day, at, channel), (number, _) in held.items():
                wanted[channel][begin(day)].append((at, number))
            period = {"since": "2026-03-01", "until": "2026-03-14"}
            found = ask(engine, scope, series="cost", measure=measure, unit=unit, breakdown="channel", period=period)
            lines = {
                line.part: {start.date(): value for start, value in zip(found.buckets, line.values, strict=True) if value is not None}
                for line in found.lines
            }
            assert lines == {part: {day: pytest.approx(plain(those)) for day, those in days.items()} for part, days in wanted.items()}
            everything = [one for days in wanted.values() for those in days.values() for one in those]
            assert found.total == pytest.approx(plain(everything))
            assert found.measured == len(held)


def test_those_beyond_the_top_are_one_line_and_nothing_is_lost(store: Store, engine: Engine, scope: Scope) -> None:
    put(store, scope, [daily(scope, "cost", "2026-03-12", number, channel=f"c{number}") for number in (1, 2, 30, 40)])
    found = ask(engine, scope, series="cost", breakdown="channel", top=2, period={"since": "2026-03-12", "until": "2026-03-12"})
    assert [(line.part, line.rest, line.total) for line in found.lines] == [("c40", False, 40), ("c30", False, 30), ("", True, 3)]
    assert found.total == 73


def test_only_some_values_of_a_dimension(store: Store, engine: Engine, scope: Scope) -> None:
    put(store, scope, [daily(scope, "cost", "2026-03-12", 1, channel="ads"), daily(scope, "cost", "2026-03-12", 2, channel="mail")])
    period = {"since": "2026-03-12", "until": "2026-03-12"}
    assert ask(engine, scope, series="cost", where=[{"dimension": "channel", "values": ["mail"]}], period=period).total == 2
    assert ask(engine, scope, series="cost", where=[{"dimension": "medium", "values": [""]}], period=period).total == 3


def test_an_hour_that_comes_twice_stays_two(store: Store, engine: Engine, scope: Scope) -> None:
    berlin = replace(scope, zone="Europe/Berlin", now=datetime(2025, 10, 28, tzinfo=UTC))
    day = date(2025, 10, 26)
    hours = [midnight(day, "Europe/Berlin").astimezone(UTC) + timedelta(hours=hour) for hour in range(25)]
    put(store, berlin, [("warm", day, at, {}, float(number), 1) for number, at in enumerate(hours)])
    found = ask(engine, berlin, series="warm", unit="hour", period={"since": "2025-10-26", "until": "2025-10-26"})
    assert found.lines[0].values == tuple(float(number) for number in range(25))


def test_nothing_measured_is_no_number(engine: Engine, scope: Scope) -> None:
    found = ask(engine, scope, series="nothing")
    assert (found.lines, found.total, found.measured) == ((), None, 0)
    with pytest.raises(QuestionError):
        ask(engine, scope, series="nothing", unit="hour", period={"last": 200})
