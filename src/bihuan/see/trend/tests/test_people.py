"""Who is behind a number of a trend, and what a sample says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.errors import QuestionError
from bihuan.engine.question import Scope
from bihuan.engine.tests.exactly import exactly
from bihuan.engine.tests.worlds import World, load
from bihuan.see.trend import TREND
from bihuan.see.trend.spec import TrendSpec
from bihuan.see.trend.tests.test_truth import cases

Write = Callable[..., None]
PEOPLE = behind(TREND)


@exactly(3)
@given(st.lists(cases(), min_size=1, max_size=5))
def test_behind_each_number_of_people_are_so_many_people(engine: Engine, drawn: list[tuple[World, TrendSpec]]) -> None:
    for (_, spec), scope in zip(drawn, load(engine.store, *(world for world, _ in drawn)), strict=True):
        series = tuple(one.model_copy(update={"measure": "people"}) for one in spec.series)
        asked = spec.model_copy(update={"series": series, "compare": None})
        answer = engine.ask(TREND, asked, scope)
        shown = [
            (cell, row[place]) for row, cells in zip(answer.table.rows, answer.table.cells, strict=True) for place, cell in enumerate(cells)
        ]
        for cell, number in [each for each in shown if each[0] is not None][:3]:
            listed = engine.ask(PEOPLE, PEOPLE.spec.model_validate({"of": asked, "cell": cell}), scope)
            assert listed.result.total == number


def test_the_people_who_came_for_the_first_time_are_listed(engine: Engine, scope: Scope, write: Write, first_person: int) -> None:
    write(
        (first_person, "View", "2026-03-01 10:00"),
        (first_person, "View", "2026-03-14 10:00"),
        (first_person + 1, "View", "2026-03-14 10:00"),
    )
    spec = {"series": [{"event": "View", "measure": "first_time"}], "period": {"last": 3}}
    cell = {"series": 0, "at": "2026-03-14T00:00:00+08:00"}
    listed = engine.ask(PEOPLE, PEOPLE.spec.model_validate({"of": spec, "cell": cell}), scope).result
    assert [person.number for person in listed.people] == [first_person + 1]


def test_a_cell_that_is_not_there_is_refused(engine: Engine, scope: Scope) -> None:
    for document in ({"cell": {"series": 3}}, {"cell": {"at": "2020-01-01T00:00:00Z"}}):
        with pytest.raises(QuestionError, match="There is no such"):
            engine.ask(PEOPLE, PEOPLE.spec.model_validate({"of": {"series": [{}]}, **document}), scope)


@pytest.fixture
def crowd(write: Write, first_person: int) -> int:
    """800 people with 1 to 4 events of 10 each, 2,000 in all."""
    events: list[tuple[Any, ...]] = []
    for number in range(800):
        events += [(first_person + number, "Buy", f"2026-03-14 1{hour}:00", {"price": 10}) for hour in range(1 + number % 4)]
    write(*events)
    return len(events)


def test_a_sample_is_scaled_up_and_says_how_sure_it_is(engine: Engine, scope: Scope, crowd: int) -> None:
    series = [
        {"event": "Buy"},
        {"event": "Buy", "measure": "people"},
        {"event": "Buy", "measure": "sum", "property": "price"},
        {"event": "Buy", "measure": "average", "property": "price"},
    ]
    answer = engine.ask(TREND, TrendSpec.model_validate({"series": series, "period": {"last": 2}, "sample": 0.5}), scope)
    events, people, price, average = answer.result.lines
    for line, truth in ((events, crowd), (people, 800), (price, crowd * 10)):
        assert line.total_interval is not None
        assert line.total is not None
        assert line.total_interval.low < line.total < line.total_interval.high
        assert abs(line.total - truth) < 2 * (line.total_interval.high - line.total)
        assert line.total_interval.high - line.total_interval.low < 0.4 * truth
    assert (average.total, average.total_interval) == (10, None)
    assert answer.sample == 0.5
    assert ("Estimated from {percent} % of the people.", {"percent": 50.0}) in answer.warnings
    whole = engine.ask(TREND, TrendSpec.model_validate({"series": series, "period": {"last": 2}}), scope)
    assert (whole.from_cache, whole.sample, whole.result.lines[0].total) == (False, None, crowd)


def test_events_of_nobody_and_hidden_values_are_warned_of(engine: Engine, scope: Scope, write: Write, first_person: int) -> None:
    write(*((first_person if n % 4 else 0, "View", "2026-03-14 10:00", {"page": f"p{n % 8}"}) for n in range(8)))
    spec = {"series": [{"event": "View", "measure": "people"}], "period": {"last": 3}, "breakdown": {"property": "page"}, "top": 3}
    warnings = dict(engine.ask(TREND, TrendSpec.model_validate(spec), scope).warnings)
    assert warnings["{percent} % of the events have no user and no device; they count no people."] == {"percent": 25}
    assert warnings["{count} further values are together in “other”."] == {"count": 5}
