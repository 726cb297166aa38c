"""What goes with success, on random worlds against plain Python; and who is behind it."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bihuan.analyse.funnel import FUNNEL
from bihuan.analyse.funnel.chart import panel_funnel
from bihuan.analyse.funnel.drivers import driver_cell
from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.analyse.funnel.tests.reference import Funnel
from bihuan.analyse.funnel.tests.test_exact import cases
from bihuan.analyse.tests.test_shown import Plain
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.breakdowns import ranges
from bihuan.engine.tests.exactly import exactly
from bihuan.engine.tests.worlds import TRAITS, World, load, number, text

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
            if event.at > entry and on_time and event.name not in steps and event.source != "ledger":
                with_it["event", event.name, ""].add(way.person)
        firsts = spec.steps if spec.order == "any" else spec.steps[:1]
        fits = [e for e in mine if e.at == entry and any(world.chosen(s.choices, e) for s in firsts)]
        for name, value in min(fits, key=lambda event: event.key).props.items():
            if text(value):
                with_it["property", name, text(value)].add(way.person)
        for name in TRAITS:
            value = text(world.trait(way.person, name, entry))
            if value:
                with_it["person", name, value].add(way.person)
    return tried, in_ranges(with_it)


def in_ranges(with_it: dict[Key, set[int]]) -> dict[Key, set[int]]:
    """More than four different numbers as ranges that begin at the quartiles of those who have one."""
    found = dict(with_it)
    for kind, name in {key[:2] for key in with_it if key[0] != "event"}:
        mine = {key[2]: people for key, people in with_it.items() if key[:2] == (kind, name)}
        if len(mine) <= 4 or any(number(value) is None for value in mine) or all(re.fullmatch("[0-9]{8,}", value) for value in mine):
            continue
        ordered = sorted(float(value) for value, people in mine.items() for _ in people)
        cuts = sorted({ordered[math.ceil(level * len(ordered)) - 1] for level in (0.25, 0.5, 0.75)})
        for value, people in mine.items():
            del found[kind, name, value]
            place = sum(cut <= float(value) for cut in cuts)
            found.setdefault((kind, name, ranges(cuts)[place]), set()).update(people)
    return found


@exactly(5)
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
        assert {(one.kind, one.name, one.said): (one.having.people, one.having.converted) for one in found.found} == expected
        assert found.several == len(expected)
        for one in found.found:
            assert one.having.people + one.lacking.people == len(tried)
            assert one.having.converted + one.lacking.converted == sum(tried.values())


@pytest.fixture
def shop(scope: Any, write: Any, first_person: int) -> Any:
    """Of 40 who put something into the cart, 20 saw an error on their way, of whom 3 bought; of the other 20 all but 2 did. Everybody saw
    the error after they had bought, and whoever bought had a coupon by then, not before."""
    for nth in range(40):
        person, failed = first_person + nth, nth < 20
        write((person, "Cart", f"2026-03-10 {nth % 24:02}:00", {"device": "phone" if nth % 2 else "desk", "items": nth % 3}))
        if failed:
            write((person, "Error", f"2026-03-10 {nth % 24:02}:05"))
        if nth in (0, 1, 2) or 20 <= nth < 38:
            write((person, "Paid", f"2026-03-10 {nth % 24:02}:10"), (person, "Error", f"2026-03-10 {nth % 24:02}:10:01"))
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


def test_the_table_and_the_page_lead_from_who_had_a_driver_to_them(engine: Engine, scope: Any, shop: FunnelSpec) -> None:
    def behind_it(spec: FunnelSpec, cell: Any) -> float:
        found: Any = engine.ask(behind(FUNNEL), behind(FUNNEL).spec.model_validate({"of": spec, "cell": cell}), scope).result
        total: int = found.total
        return total / (spec.sample or 1)

    for sample in (None, 0.5):
        spec = shop.model_copy(update={"sample": sample, "least": 2})
        answer: Any = engine.ask(FUNNEL, spec, scope)
        drivers, table = answer.result.drivers, answer.table
        names = [column.name for column in table.columns]
        assert {tuple(name for name, cell in zip(names, cells, strict=True) if cell) for cells in table.cells} == {("having_succeeded",)}
        at = names.index("having_succeeded")
        assert [row[at] for row in table.rows[:3]] == [behind_it(spec, cells[at]) for cells in table.cells[:3]]
        rows = panel_funnel(answer.result, Plain())["drivers"]["rows"]
        for one, row in zip(drivers.found[:3], rows, strict=False):
            reached, lost = (behind_it(spec, driver_cell(2, one, state)) for state in ("reached", "dropped"))
            lacking = one.lacking.people / (sample or 1)
            assert (row["succeeded"], row["lost"], row["lacking"]) == tuple(f"{count:.0f} number" for count in (reached, lost, lacking))


def test_numbers_go_with_success_by_ranges(engine: Engine, scope: Any, write: Any, first_person: int) -> None:
    """Forty who came with a price of 1 to 40; those of more than 20 paid, but for one; and one of the others did."""
    for price in range(1, 41):
        person = first_person + price
        write((person, "Cart", "2026-03-10 09:00", {"price": price, "phone": f"138{price:08}", "rooms": price % 3}))
        if (price > 20 and price != 33) or price == 7:
            write((person, "Paid", "2026-03-10 10:00"))
    spec = FunnelSpec.model_validate(
        {"steps": [{"event": "Cart"}, {"event": "Paid"}], "period": {"last": 10}, "window": {"n": 1}, "show": "drivers", "least": 5}
    )
    answer = engine.ask(FUNNEL, spec, scope)
    drivers: Any = answer.result.drivers
    told = {one.title: (one.having.people, one.having.converted, one.clear) for one in drivers.found if one.name == "price"}
    assert told == {
        "price < 10": (9, 1, True),
        "10 ≤ price < 20": (10, 0, True),
        "20 ≤ price < 30": (10, 9, True),
        "price ≥ 30": (11, 10, True),
    }
    assert {one.title for one in drivers.found if one.name != "price"} == {"rooms = 0", "rooms = 1", "rooms = 2"}  # no phone
    assert {row[2] for row in answer.table.rows if row[1] == "price"} == {"(-∞, 10)", "[10, 20)", "[20, 30)", "[30, ∞)"}
    for one in drivers.found:
        for state, counted in (("reached", one.having.converted), ("dropped", one.having.people - one.having.converted)):
            asks = behind(FUNNEL).spec.model_validate({"of": spec, "cell": driver_cell(2, one, state)})
            assert engine.ask(behind(FUNNEL), asks, scope).result.total == counted


def test_without_anybody_there_are_no_drivers(engine: Engine, scope: Any) -> None:
    spec = FunnelSpec.model_validate({"steps": [{"event": "Cart"}, {"event": "Paid"}], "show": "drivers"})
    result: Any = engine.ask(FUNNEL, spec, scope).result
    assert (result.drivers.tried.people, result.drivers.found) == (0, ())
    assert FUNNEL.table(result).rows == ()
