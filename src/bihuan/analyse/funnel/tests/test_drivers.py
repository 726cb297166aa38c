"""What goes with success, on random worlds against plain Python; and who is behind it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bihuan.analyse.funnel import FUNNEL
from bihuan.analyse.funnel.drivers import driver_cell
from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.analyse.funnel.tests.reference import Funnel
from bihuan.analyse.funnel.tests.test_exact import cases
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.schema import NUMBER_COLUMNS
from bihuan.engine.tests.exactly import exactly
from bihuan.engine.tests.worlds import TRAITS, World, load, text

Key = tuple[str, str, str]


@st.composite
def asked(draw: st.DrawFn) -> tuple[World, FunnelSpec]:
    world, spec = draw(cases())
    plain: dict[str, Any] = {
        "breakdown": (),
        "attribution": "first",
        "count": "people",
        "show": "drivers",
        "least": draw(st.integers(1, 2)),
    }
    required = [number for number, step in enumerate(spec.steps, 1) if number > 1 and not step.optional]
    success = draw(st.sampled_from(required)) if spec.order != "any" else None
    return world, spec.model_copy(update={**plain, "success": success})


def had(world: World, spec: FunnelSpec) -> tuple[dict[int, bool], dict[Key, set[int]]]:
    """Who tried and whether they succeeded; and who of them had or did each thing."""
    step = spec.success or len(spec.steps)
    funnel = Funnel(world, spec.asked)
    before = max(number for number in range(1, step) if number == 1 or not spec.steps[number - 1].optional)
    tried, with_it = {}, defaultdict(set)
    steps = {choice.event for each in spec.steps for choice in each.choices}
    for way in funnel.ways():
        if before not in way.steps or way.open:
            continue
        entry, succeeded = way.times[0], step in way.steps
        tried[way.person] = succeeded
        mine = funnel.whose[way.person]
        for event in mine:
            on_time = event.at < way.times[-1] if succeeded else event.at - entry <= spec.window.length
            if event.at > entry and on_time and event.name not in steps:
                with_it["event", event.name, ""].add(way.person)
        firsts = spec.steps if spec.order == "any" else spec.steps[:1]
        fits = [e for e in mine if e.at == entry and any(world.chosen(s.choices, e) for s in firsts)]
        for name, value in min(fits, key=lambda event: event.key).props.items():
            if name not in NUMBER_COLUMNS and text(value):
                with_it["property", name, text(value)].add(way.person)
        for name in TRAITS:
            value = text(world.trait(way.person, name, entry))
            if value:
                with_it["person", name, value].add(way.person)
    return tried, with_it


@exactly(10)
@given(st.lists(asked(), min_size=2, max_size=6))
def test_drivers_are_those_of_plain_python(engine: Engine, several: list[tuple[World, FunnelSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        found: Any = engine.ask(FUNNEL, spec, scope).result.drivers
        tried, with_it = had(world, spec)
        assert (found.tried.people, found.tried.converted) == (len(tried), sum(tried.values()))
        expected = {
            key: (len(people), sum(tried[one] for one in people))
            for key, people in with_it.items()
            if len(people) >= spec.least and len(tried) - len(people) >= spec.least
        }
        assert {(one.kind, one.name, one.value): (one.having.people, one.having.converted) for one in found.found} == expected
        assert found.several == len(expected)
        for one in found.found:
            assert one.having.people + one.lacking.people == len(tried)
            assert one.having.converted + one.lacking.converted == sum(tried.values())


@pytest.fixture
def shop(scope: Any, write: Any, first_person: int) -> Any:
    """Of 40 who put something into the cart, 20 saw an error on their way, of whom 3 bought; of the other 20 all but 2 did. Everybody saw
    the error after they had bought, and whoever bought had a coupon by then, not before."""
    for number in range(40):
        person, failed = first_person + number, number < 20
        write((person, "Cart", f"2026-03-10 {number % 24:02}:00", {"device": "phone" if number % 2 else "desk", "items": number % 3}))
        if failed:
            write((person, "Error", f"2026-03-10 {number % 24:02}:05"))
        if number in (0, 1, 2) or 20 <= number < 38:
            write((person, "Paid", f"2026-03-10 {number % 24:02}:10"), (person, "Error", f"2026-03-10 {number % 24:02}:10:01"))
        write((person, "Late", "2026-03-12 12:00"))
    write((first_person + 40, "Cart", "2026-03-15 11:00"))  # may still buy
    return FunnelSpec.model_validate(
        {"steps": [{"event": "Cart"}, {"event": "Paid"}], "period": {"last": 10}, "window": {"n": 1}, "show": "drivers", "least": 5}
    )


def test_what_happens_after_success_or_too_late_is_no_driver(engine: Engine, scope: Any, shop: FunnelSpec) -> None:
    drivers: Any = engine.ask(FUNNEL, shop, scope).result.drivers
    assert (drivers.tried.people, drivers.tried.converted) == (40, 21)
    error, *rest = drivers.found
    assert (error.kind, error.name, error.having.people, error.having.converted) == ("event", "Error", 20, 3)
    assert (error.lacking.people, error.lacking.converted) == (20, 18)
    table = [[3, 17], [18, 2]]
    expected = stats.contingency.odds_ratio(table, kind="sample")
    interval = expected.confidence_interval(0.95)
    assert error.odds == pytest.approx((expected.statistic, interval.low, interval.high))
    assert error.p_value == pytest.approx(stats.chi2.sf(stats.chi2_contingency(table, correction=False).statistic * 39 / 40, 1))
    assert error.clear
    assert {(one.kind, one.name) for one in rest} == {("property", "device"), ("property", "items")}
    assert not any(one.clear for one in rest)
    expected_values = stats.false_discovery_control([one.p_value for one in drivers.found])
    assert [one.adjusted for one in drivers.found] == pytest.approx(list(expected_values))


def test_who_is_behind_a_driver_is_as_many_as_it_says(engine: Engine, scope: Any, shop: FunnelSpec) -> None:
    drivers: Any = engine.ask(FUNNEL, shop, scope).result.drivers
    for one in (drivers.found[0], *[driver for driver in drivers.found if driver.kind == "property"][:1]):
        for state, counted in (("reached", one.having.converted), ("dropped", one.having.people - one.having.converted)):
            asks = behind(FUNNEL).spec.model_validate({"of": shop, "cell": driver_cell(2, one, state)})
            assert engine.ask(behind(FUNNEL), asks, scope).result.total == counted


def test_without_anybody_there_are_no_drivers(engine: Engine, scope: Any) -> None:
    spec = FunnelSpec.model_validate({"steps": [{"event": "Cart"}, {"event": "Paid"}], "show": "drivers"})
    result: Any = engine.ask(FUNNEL, spec, scope).result
    assert (result.drivers.tried.people, result.drivers.found) == (0, ())
    assert FUNNEL.table(result).rows == ()
