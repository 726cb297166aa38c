"""A trend against slow and obvious Python, on random worlds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from bihuan.engine.ask import Engine
from bihuan.engine.filters import EVERYTHING
from bihuan.engine.periods import Between, Last
from bihuan.engine.tests.broken_down import breakdowns
from bihuan.engine.tests.worlds import NAMES, World, filters, load, worlds
from bihuan.see.trend import TREND
from bihuan.see.trend.result import Line, TrendResult
from bihuan.see.trend.spec import Series, TrendSpec
from bihuan.see.trend.tests import reference

FILTERS = st.just(EVERYTHING) | filters(segments=("some", "same"))
SERIES = st.builds(
    Series,
    event=st.sampled_from(("*", *NAMES)),
    measure=st.sampled_from(("events", "people", "sum", "average", "median", "p90", "distinct")),
    property=st.sampled_from(("n", "revenue", "plan")),
    filter=FILTERS,
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, TrendSpec]:
    world = draw(worlds(days=12))
    first, second = sorted(draw(st.tuples(st.integers(0, 11), st.integers(0, 11))))
    ends = [world.today.fromordinal(world.today.toordinal() - back) for back in (second, first)]
    spec = TrendSpec(
        series=tuple(draw(st.lists(SERIES, min_size=1, max_size=3))),
        filter=draw(FILTERS),
        unit=draw(st.sampled_from(("hour", "day", "week", "month"))),
        period=draw(st.builds(Last, last=st.integers(1, 12), complete=st.booleans()) | st.just(Between(since=ends[0], until=ends[1]))),
        breakdown=draw(st.just(()) | breakdowns()),
        top=draw(st.integers(1, 3)),
        compare=draw(st.sampled_from((None, "previous"))),
    )
    return world, spec


# Not made smaller when it fails: worlds are small, and shrinking four of them takes minutes.
@settings(max_examples=20, phases=(Phase.reuse, Phase.generate), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(cases(), min_size=1, max_size=4))
def test_a_trend_is_what_plain_python_counts(engine: Engine, drawn: list[tuple[World, TrendSpec]]) -> None:
    for (world, spec), scope in zip(drawn, load(engine.store, *(world for world, _ in drawn)), strict=True):
        note(f"{spec!r} of {world!r}")
        result = engine.ask(TREND, spec, scope).result
        expected = reference.trend(spec, world)
        for number, line in enumerate(result.overall):
            agrees(line, expected["overall"][number], spec)
        if spec.breakdown:
            names = [f"={line.part}" if not line.rest else "rest" for line in result.lines if line.series == 0]
            assert names == [name for name in expected if name != "overall"]
            for line in result.lines:
                agrees(line, expected["rest" if line.rest else f"={line.part}"][line.series], spec)
        shows_every_used_bucket(result, expected["overall"])


def agrees(line: Line, expected: Any, spec: TrendSpec) -> None:
    (values, total), (before, total_before) = expected
    close = pytest.approx if spec.series[line.series].measure in ("sum", "average", "median", "p90") else lambda value, **_: value
    length = len(line.values)  # buckets that have not begun are left out
    assert list(line.values) == [value if value is None else close(value, rel=1e-12, abs=1e-12) for value in values[:length]]
    assert line.total == (total if total is None else close(total, rel=1e-12, abs=1e-12))
    if spec.compare:
        assert list(line.previous) == [value if value is None else close(value, rel=1e-12, abs=1e-12) for value in before[:length]]
        assert line.previous_total == (total_before if total_before is None else close(total_before, rel=1e-12, abs=1e-12))


def shows_every_used_bucket(result: TrendResult, overall: Any) -> None:
    for (values, _), _ in overall:
        assert not any(values[len(result.buckets) :])
