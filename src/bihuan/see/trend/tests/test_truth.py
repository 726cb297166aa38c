"""A trend against slow and obvious Python, on random worlds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from bihuan.engine.ask import Engine
from bihuan.engine.compare import Before, Groups, Other
from bihuan.engine.filters import EVERYTHING
from bihuan.engine.periods import Between, Last, This
from bihuan.engine.tests.broken_down import breakdowns
from bihuan.engine.tests.exactly import exactly, thin_or_crowded
from bihuan.engine.tests.worlds import NAMES, World, event_choices, filters, load
from bihuan.see.trend import TREND
from bihuan.see.trend.result import Line, TrendResult
from bihuan.see.trend.spec import ROLLING, Measure, Series, TrendSpec
from bihuan.see.trend.tests import reference

FILTERS = st.just(EVERYTHING) | filters(segments=("some", "same"))
SERIES = st.builds(
    Series,
    event=st.sampled_from(("*", *NAMES)),
    measure=st.sampled_from(get_args(Measure)),
    property=st.sampled_from(("n", "revenue", "plan")),
    filter=FILTERS,
    also=st.just(()) | event_choices(NAMES, st.none() | FILTERS).map(lambda one: (one,)),
)
EXACT = frozenset({"events", "people", "distinct", "first_time", "active_7", "active_30"})


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, TrendSpec]:
    world = draw(thin_or_crowded(days=12))
    first, second = sorted(draw(st.tuples(st.integers(0, 11), st.integers(0, 11))))
    given_days = Between(since=world.today - timedelta(days=second), until=world.today - timedelta(days=first))
    periods = st.one_of(
        st.builds(Last, last=st.integers(1, 12), complete=st.booleans()),
        st.just(given_days),
        st.builds(This, this=st.sampled_from(("day", "week", "month")), ago=st.integers(0, 1)),
    )
    compare = st.one_of(
        st.none(),
        st.just(Before(to="previous")),
        st.builds(Before, to=st.just("week"), ago=st.integers(1, 2)),
        st.builds(Before, to=st.sampled_from(("month", "year")), align=st.sampled_from(("weekday", "date"))),
        st.builds(Other, period=periods),
        st.builds(Groups, segment=st.just("fans"), against=st.sampled_from(("*", "!", "rest", "fans"))),
    )
    series = tuple(draw(st.lists(SERIES, min_size=1, max_size=3)))
    units = ("day", "week", "month", "quarter", "year")
    rolling = any(one.measure in ROLLING for one in series)
    spec = TrendSpec(
        series=series,
        filter=draw(FILTERS),
        unit=draw(st.sampled_from(units if rolling else ("hour", *units))),
        period=draw(periods),
        breakdown=draw(st.just(()) | breakdowns()),
        top=draw(st.integers(1, 3)),
        compare=draw(compare),
    )
    return world, spec


# Not made smaller when it fails: worlds are small, and shrinking four of them takes minutes.
@exactly(8)
@given(st.lists(cases(), min_size=1, max_size=6))
def test_a_trend_is_what_plain_python_counts(engine: Engine, drawn: list[tuple[World, TrendSpec]]) -> None:
    for (world, spec), scope in zip(drawn, load(engine.store, *(world for world, _ in drawn), whole=True), strict=True):
        result = engine.ask(TREND, spec, scope).result
        expected = reference.trend(spec, world)
        try:
            same(result, expected, spec)
        except AssertionError:
            note(f"{spec!r} of {world!r}")
            raise


@exactly(8)
@given(st.lists(cases(), min_size=4, max_size=6), st.sampled_from(("events", "people", "per_person")))
def test_days_that_are_counted_already_say_what_their_events_say(
    engine: Engine, drawn: list[tuple[World, TrendSpec]], measure: Measure
) -> None:
    plain = [(world, plainly(spec, measure)) for world, spec in drawn]
    plain[0] = plain[0][0], plain[0][1].model_copy(update={"compare": None})  # groups are not counted by the day
    asked = 0
    for (world, spec), scope in zip(plain, load(engine.store, *(world for world, _ in drawn), whole=True), strict=True):
        asked += "daily" in engine.statement(TREND, spec, scope).sql
        same(engine.ask(TREND, spec, scope).result, reference.trend(spec, world), spec)
    assert asked > 0


def plainly(spec: TrendSpec, measure: Measure) -> TrendSpec:
    """The same of nothing but names."""
    names = {series.event for series in spec.series}
    series = tuple(
        one.model_copy(
            update={
                "event": "*" if names == {"*"} else "a" if one.event == "*" else one.event,
                "filter": EVERYTHING,
                "also": (),
                "measure": one.measure if one.measure in ROLLING else measure,
                "property": None,
            }
        )
        for one in spec.series
    )
    unit = "day" if spec.unit == "hour" else spec.unit
    return spec.model_copy(update={"series": series, "filter": EVERYTHING, "breakdown": (), "unit": unit})


def same(result: TrendResult, expected: dict[str, Any], spec: TrendSpec) -> None:
    for number, line in enumerate(result.overall):
        agrees(line, expected["overall"][number], spec)
    if spec.breakdown:
        names = {f"={line.part}" if not line.rest else "rest" for line in result.lines if line.series == 0}
        known = expected.keys() - {"overall", "others"}
        if any(series.measure in ROLLING for series in spec.series) and empty(expected.get("rest", ())):
            known |= {"rest"} & names  # events before the period that no bucket looks back to make no line, or one of nothing
            names |= {"rest"} & known
        assert names == known
        assert result.others == expected["others"]
        for line in result.lines:
            agrees(line, expected["rest" if line.rest else f"={line.part}"][line.series], spec)
    shows_every_used_bucket(result, expected["overall"], spec)


def empty(lines: Any) -> bool:
    return not any(number for side in lines for values, total in side for number in (*values, total))


def agrees(line: Line, expected: Any, spec: TrendSpec) -> None:
    (values, total), (before, total_before) = expected
    measure = spec.series[line.series].measure
    close = (lambda value, **_: value) if measure in EXACT else pytest.approx
    length = len(line.values)  # buckets that have not begun are left out
    assert list(line.values) == [value if value is None else close(value, rel=1e-12, abs=1e-12) for value in values[:length]]
    assert line.total == (total if total is None else close(total, rel=1e-12, abs=1e-12))
    if spec.compare:
        assert list(line.previous) == [value if value is None else close(value, rel=1e-12, abs=1e-12) for value in before[:length]]
        assert line.previous_total == (total_before if total_before is None else close(total_before, rel=1e-12, abs=1e-12))


def shows_every_used_bucket(result: TrendResult, overall: Any, spec: TrendSpec) -> None:
    for series, ((values, _), _) in zip(spec.series, overall, strict=True):
        assert series.measure in ROLLING or not any(values[len(result.buckets) :])
