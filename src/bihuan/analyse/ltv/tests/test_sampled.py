"""Lifetime value of a sample: that of its people alone, its numbers scaled up; on random worlds against plain Python."""

from __future__ import annotations

import statistics
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.ltv import LTV
from bihuan.analyse.ltv.chart import panel_ltv
from bihuan.analyse.ltv.estimates import shape_estimated
from bihuan.analyse.ltv.result import Cohort, Customers, headlines_ltv, shape_ltv, table_ltv
from bihuan.analyse.ltv.spec import LtvCell, LtvSpec
from bihuan.analyse.ltv.tests.test_exact import ROWS, Orders, age, cases, check_brought, check_learned, orders, values
from bihuan.analyse.ltv.tests.test_parts import BY_CHANNEL, customers
from bihuan.analyse.purchase import each_spent
from bihuan.analyse.tests.test_shown import Plain
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.periods import bucket_day
from bihuan.engine.tests.asked_in_part import between, only_sampled
from bihuan.engine.tests.exactly import exactly
from bihuan.engine.tests.worlds import World, load

__all__ = ["customers"]  # a fixture
SAMPLES = (0.5, 0.5, 0.3, 0.85)
NONE = (None, None)


def mean_between(each: list[float], sample: float) -> Any:
    """Where the average of everybody lies, by how much those differ who were asked."""
    if len(each) < 2:
        return NONE
    mean, error = statistics.mean(each), 1.959963984540054 * ((1 - sample) * statistics.variance(each) / len(each)) ** 0.5
    return pytest.approx((mean - error, mean + error), abs=1e-6)


def bounds(people: Any, sample: float) -> Any:
    surely = between(people, sample)
    return pytest.approx((surely.low, surely.high)) if surely else NONE


def check_cohort(cohort: Cohort, seen: Cohort, spec: LtvSpec, mine: Orders) -> None:
    sample = spec.sample or 0
    assert (cohort.customers, cohort.again) == (round(seen.customers / sample), round(seen.again / sample))
    assert (cohort.values, cohort.complete, cohort.expected) == (seen.values, seen.complete, seen.expected)
    whose = {person: days for person, days in mine.items() if bucket_day(min(days), spec.unit) == cohort.day}
    for aged, (value, surely) in enumerate(zip(cohort.values, cohort.between, strict=True)):
        each = [sum(worth for day, worth in days.items() if age(min(days), day, spec.unit) <= aged) for days in whose.values()]
        assert ((surely.low, surely.high) if surely else NONE) == (NONE if value is None else mean_between(each, sample))


def check_scaled(found: Customers, seen: Customers, spec: LtvSpec, mine: Orders) -> None:
    sample = spec.sample or 0
    assert (found.customers, found.again, found.curve) == (round(seen.customers / sample), round(seen.again / sample), seen.curve)
    assert found.bought_again == (seen.again / seen.customers if seen.customers else None)
    for cohort, of_seen in zip(found.cohorts, seen.cohorts, strict=True):
        check_cohort(cohort, of_seen, spec, mine)


@exactly(6)
@given(st.lists(st.tuples(cases(), st.sampled_from(SAMPLES)), min_size=2, max_size=6))
def test_a_sample_is_what_its_people_brought(engine: Engine, several: list[tuple[tuple[World, LtvSpec], float]]) -> None:
    worlds = [world for (world, _), _ in several]
    question = behind(LTV)
    for ((world, plain), sample), scope in zip(several, load(engine.store, *worlds), strict=True):
        spec = plain.model_copy(update={"sample": sample})
        rows = engine.ask(ROWS, spec, scope).result
        seen, found = shape_ltv(spec, scope, rows), shape_estimated(spec, scope, rows)
        small = only_sampled(engine, world, scope, sample)
        mine = orders(small, spec)
        check_brought(small, spec, seen, mine)
        check_learned(small, [row for row in rows if not row.get("place")], mine)
        check_scaled(found, seen, spec, mine)
        expected = values(small, spec, mine) if spec.breakdown else []
        assert [(part.value, part.other) for part in found.parts] == [(value, other) for value, other, _ in expected]
        for part, of_seen, (_, _, some) in zip(found.parts, seen.parts, expected, strict=True):
            check_brought(small, spec, of_seen, some)
            check_scaled(part, of_seen, spec, some)
        table = table_ltv(found)
        names = [column.name for column in table.columns]
        for row, cells in list(zip(table.rows, table.cells, strict=True))[:2]:
            told, cell = dict(zip(names, row, strict=True)), cells[names.index("customers")]
            asked = question.spec.model_validate({"of": spec, "cell": LtvCell.model_validate(cell)})
            total = engine.ask(question, asked, scope).result.total
            assert told["customers"] == round(total / sample)
            assert (told["customers_low"], told["customers_high"]) == bounds(range(total), sample)


def test_the_table_of_a_sample_says_where_each_number_lies(engine, scope, customers):
    customers("email", 80, 1)
    customers("cpc", 60, 2)
    spec = LtvSpec.model_validate({**BY_CHANNEL, "sample": 0.5})
    answer = engine.ask(LTV, spec, scope)
    names = [column.name for column in answer.table.columns]
    assert names[-14:] == ["customers_low", "customers_high", "again_low", "again_high"] + [
        f"age_{age}_{end}" for age in range(5) for end in ("low", "high")
    ]
    whole, first = (dict(zip(names, row, strict=True)) for row in answer.table.rows[:2])
    part = answer.result.parts[0]
    cohort = part.cohorts[0]
    assert (whole["age_0_low"], whole["cohort"], first["cohort"]) == (None, None, cohort.day)
    assert (first["age_0_low"], first["age_0_high"]) == (cohort.between[0].low, cohort.between[0].high)
    assert (first["again_low"], first["again_high"]) == bounds(range(round(cohort.again / 2)), 0.5)
    assert (whole["again_low"], whole["again_high"]) == bounds(range(round(part.again / 2)), 0.5)
    assert {len(row) for row in answer.table.rows} == {len(cells) for cells in answer.table.cells} == {len(names)}
    plain = engine.ask(LTV, LtvSpec.model_validate({**BY_CHANNEL, "breakdown": [], "sample": 0.5}), scope).table
    assert "again_low" not in [column.name for column in plain.columns]
    assert {len(row) for row in plain.rows} == {len(cells) for cells in plain.cells} == {len(plain.columns)}
    panel = panel_ltv(answer.result, Plain())
    assert panel["sampled"]
    low, high = (round(bound) for bound in bounds(range(round(part.customers / 2)), 0.5).expected)
    assert panel["parts"][0]["sure"] == f"{low} number – {high} number"
    shown = answer.result.cohorts[0]
    assert panel["cohorts"][0]["cells"][0]["sure"] == f"{shown.between[0].low} money – {shown.between[0].high} money"
    assert panel["cohorts"][0]["sure"]


def test_what_is_predicted_of_a_sample_is_of_everybody(engine, scope, customers):
    customers("email", 300, 1)
    spec = LtvSpec.model_validate({**BY_CHANNEL, "sample": 0.5, "horizon": 77})
    rows = engine.ask(ROWS, spec, scope).result
    seen, found = shape_ltv(spec, scope, rows), shape_estimated(spec, scope, rows)
    for few, all_of_them in ((seen, found), (seen.parts[0], found.parts[0])):
        assert few.prediction is not None
        assert all_of_them.prediction is not None
        for number in ("purchases", "value", "alive"):
            assert getattr(all_of_them.prediction, number) == getattr(few.prediction, number) * 2
        assert all_of_them.prediction.learned == few.prediction.learned
        assert all_of_them.expected == pytest.approx(few.expected)
    texts = dict(found.warnings)
    assert next(iter(texts.values())) == {"percent": 50.0}
    learned = texts["The prediction learned from {learned} of {customers} customers, and is about all of them."]
    assert learned == {"learned": seen.customers, "customers": 2 * seen.customers}
    assert [headline.value for headline in headlines_ltv(found)][:3] == [2 * seen.customers, seen.brought, seen.again / seen.customers]


def test_too_few_of_a_sample_are_told_as_they_were_seen(engine, scope, customers):
    customers("email", 60, 1)
    spec = LtvSpec.model_validate({**BY_CHANNEL, "breakdown": [], "sample": 0.3})
    found = engine.ask(LTV, spec, scope).result
    assert found.missing == "few"
    (few,) = [told for text, told in found.warnings if text.startswith("Too few")]
    assert few == {"count": found.seen(found.again)}
    assert found.again > few["count"] > 0


def test_one_customer_says_nothing_of_how_much_they_differ():
    assert each_spent(10.0, 100.0, 1, 0.5) is None
    assert each_spent(20.0, 250.0, 2, None) is None
    alike = each_spent(30.0, 300.0, 3, 0.5)
    assert alike is not None
    assert (alike.low, alike.high) == (10.0, 10.0)


def test_without_a_sample_the_statement_and_the_table_know_of_none(engine, scope, write, first_person):
    write((first_person, "Buy", "2026-01-05"), (first_person + 1, "Buy", "2026-01-20"))
    spec = LtvSpec.model_validate({**BY_CHANNEL, "breakdown": []})
    sql = LTV.compile(spec, scope).sql
    assert "cityHash64('sample'" not in sql
    assert "squares" not in sql
    answer = engine.ask(LTV, spec, scope)
    assert [column.name for column in answer.table.columns][-1] == "expected"
    assert answer.result.cohorts[0].day == date(2026, 1, 1)
    assert set(answer.result.cohorts[0].between) == {None}
