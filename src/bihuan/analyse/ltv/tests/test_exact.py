"""Lifetime value on the real engine against plain Python, on random worlds: every number the same."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.ltv import LTV
from bihuan.analyse.ltv.result import Customers, shape_ltv
from bihuan.analyse.ltv.spec import LtvCell, LtvSpec
from bihuan.analyse.purchase import Purchase
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.breakdowns import OTHER, Breakdown, ByChannel, ByNumber, ByPerson, BySegment
from bihuan.engine.filters import EVERYTHING
from bihuan.engine.periods import Between, bucket_day, next_bucket_day
from bihuan.engine.question import Question, Table
from bihuan.engine.tests import broken_down
from bihuan.engine.tests.exactly import exactly, thin_or_crowded
from bihuan.engine.tests.worlds import NAMES, World, filters, load, number


def age(first: date, day: date, unit: str) -> int:
    """Whole units from `first` to `day`."""
    if unit != "month":
        return (day - first).days // (7 if unit == "week" else 1)
    months = (day.year - first.year) * 12 + day.month - first.month
    return months - (day.day < first.day)


Orders = dict[int, dict[date, float]]


def orders(world: World, spec: LtvSpec) -> Orders:
    """What each customer of the period spent on which day, from the first day on."""
    found: Orders = defaultdict(lambda: defaultdict(float))
    for event in world.events:
        day, person = world.day(event), world.person(event)
        if person and day <= world.today and world.chosen(spec.purchase.choices, event) and world.holds(spec.filter, event):
            found[person][day] += number(event.props.get(spec.purchase.value)) or 0.0
    assert isinstance(spec.period, Between)
    return {person: days for person, days in found.items() if spec.period.since <= min(days) <= spec.period.until}


def values(world: World, spec: LtvSpec, customers: Orders) -> list[tuple[str | None, int, Orders]]:
    """The customers with each value, most first, as they stand in the answer: with the value, or how many values are the others."""
    of = {world.person(event): broken_down.part(world, spec.breakdown, event) for event in world.events if world.person(event) in customers}
    ranked = sorted(set(of.values()), key=lambda value: (-list(of.values()).count(value), value.encode()))
    shown, rest = ranked[: spec.top], ranked[spec.top :]
    parts: list[tuple[str | None, int, set[str]]] = [(value, 0, {value}) for value in shown]
    parts += [(None, len(rest), set(rest))] if rest else []
    return [(value, other, {person: customers[person] for person in customers if of[person] in among}) for value, other, among in parts]


# What the models learn from is in no answer: here the rows are.
ROWS: Question[LtvSpec, Any] = replace(cast("Any", LTV), shape=lambda spec, scope, rows: rows, table=lambda rows: Table((), ()))


def check_learned(world: World, rows: Any, customers: Orders) -> None:
    """What the models are fitted to: customers by their purchases again, and of whom bought again what these were worth."""
    expected: dict[tuple[int, int, int], list[float]] = defaultdict(list)
    worth = []
    for days in customers.values():
        first, repeat = min(days), math.fsum(value for day, value in days.items() if day != min(days))
        expected[len(days) - 1, (max(days) - first).days, (world.today - first).days].append(repeat)
        if len(days) > 1 and repeat > 0:
            worth.append((len(days) - 1, repeat / (len(days) - 1)))
    groups = [row for row in rows if row["part"] == "groups"]
    names = ("bought", "last_days", "known_days", "number", "fitted", "worth")
    found = {tuple(each[:3]): each[3:] for row in groups for each in zip(*(row[name] for name in names), strict=True)}
    assert found == {three: (len(each), len(each), pytest.approx(sum(each), abs=1e-9)) for three, each in expected.items()}
    assert sum(row["customers"] for row in groups) == len(customers)
    repeaters = [each for row in rows if row["part"] == "repeaters" for each in zip(row["bought"], row["worth"], strict=True)]
    assert sorted((again, round(value, 6)) for again, value in repeaters) == sorted((again, round(value, 6)) for again, value in worth)


def check_brought(world: World, spec: LtvSpec, found: Customers, customers: Orders) -> None:
    """Every number of some customers but the prediction."""
    firsts = {person: min(days) for person, days in customers.items()}
    cohorts = sorted({bucket_day(first, spec.unit) for first in firsts.values()})
    assert [cohort.day for cohort in found.cohorts] == cohorts
    assert found.customers == len(customers)
    assert found.again == sum(len(days) > 1 for days in customers.values())
    assert len(found.curve) == (spec.ages + 1 if customers else 0)
    curve = 0.0
    for aged in range(len(found.curve)):
        lived = [cohort for cohort in found.cohorts if cohort.complete[aged]]
        old = [person for person, first in firsts.items() if bucket_day(first, spec.unit) in {cohort.day for cohort in lived}]
        now = [value for person in old for day, value in customers[person].items() if age(firsts[person], day, spec.unit) == aged]
        curve += sum(now) / len(old) if old else 0
        assert found.curve[aged] == (pytest.approx(curve, abs=1e-9) if old else None)
    for cohort in found.cohorts:
        mine = [person for person, first in firsts.items() if bucket_day(first, spec.unit) == cohort.day]
        assert cohort.customers == len(mine)
        assert cohort.again == sum(len(customers[person]) > 1 for person in mine)
        for aged in range(spec.ages + 1):
            total = sum(value for person in mine for day, value in customers[person].items() if age(firsts[person], day, spec.unit) <= aged)
            assert isinstance(spec.period, Between)
            oldest = max(cohort.day, spec.period.since)
            if age(oldest, world.today, spec.unit) < aged:
                assert cohort.values[aged] is None
            else:
                assert cohort.values[aged] == pytest.approx(total / len(mine), abs=1e-9)
            youngest = min(next_bucket_day(cohort.day, spec.unit) - timedelta(days=1), spec.period.until)
            tomorrow = world.today + timedelta(days=1)
            assert cohort.complete[aged] == (age(youngest, tomorrow, spec.unit) > aged)


conditions = st.one_of(st.just(EVERYTHING), filters(segments=("some", "same")))
one: st.SearchStrategy[Breakdown] = st.one_of(
    st.builds(ByPerson, person=st.sampled_from(("vip", "age", "missing"))),
    st.just(BySegment(segments=("fans", "rest"))),
    st.just(BySegment(segments=("fans",))),
    st.builds(ByNumber, number=st.just("age"), of=st.just("person"), width=st.just(10.0)),
    st.builds(ByNumber, number=st.just("age"), of=st.just("person"), quantiles=st.just(2)),
    st.just(ByChannel(channel="first")),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, LtvSpec]:
    world = draw(thin_or_crowded(max_events=60, names=NAMES[:3]))
    until = world.today - timedelta(days=draw(st.integers(-3, 10)))
    return world, LtvSpec(
        purchase=Purchase(event=draw(st.sampled_from(NAMES[:3])), value=draw(st.sampled_from(["revenue", "amount", "n"]))),
        filter=draw(conditions),
        period=Between(since=until - timedelta(days=draw(st.integers(0, 40))), until=until),
        unit=draw(st.sampled_from(["day", "week", "month"])),
        ages=draw(st.integers(1, 6)),
        breakdown=draw(st.just(()) | one.map(lambda each: (each,)) | st.lists(one, max_size=3).map(tuple)),
        top=draw(st.integers(1, 3)),
    )


@exactly(10)
@given(st.lists(cases(), min_size=1, max_size=6))
def test_lifetime_value_is_what_plain_python_adds_up(engine: Engine, several: list[tuple[World, LtvSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        rows = engine.ask(ROWS, spec, scope).result
        found = shape_ltv(spec, scope, rows)
        customers = orders(world, spec)
        check_brought(world, spec, found, customers)
        check_learned(world, [row for row in rows if not row.get("place")], customers)
        expected = values(world, spec, customers) if spec.breakdown else []
        assert [(part.value, part.other, part.place) for part in found.parts] == [
            (value, other, place) for place, (value, other, _) in enumerate(expected, 1)
        ]
        for part, (_, _, mine) in zip(found.parts, expected, strict=True):
            check_brought(world, spec, part, mine)
            check_learned(world, [row for row in rows if row["place"] == part.place], mine)


@exactly(5)
@given(st.lists(cases(), min_size=3, max_size=5))
def test_behind_each_number_of_the_table_are_as_many_people(engine: Engine, several: list[tuple[World, LtvSpec]]) -> None:
    question = behind(LTV)
    for (_, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        table = engine.ask(LTV, spec, scope).table
        linked = [(row[at], cell) for row, cells in zip(table.rows, table.cells, strict=True) for at, cell in enumerate(cells) if cell]
        for people, cell in linked[:3] + linked[-5:]:
            asked = question.spec.model_validate({"of": spec, "cell": LtvCell.model_validate(cell)})
            assert engine.ask(question, asked, scope).result.total == people


def test_who_is_behind_a_cohort_is_a_list(engine, scope, write, first_person):
    write(
        (first_person, "Buy", "2026-01-05"),
        (first_person, "Buy", "2026-02-05"),
        (first_person + 1, "Buy", "2026-01-20"),
        (first_person + 2, "Buy", "2026-02-20"),
    )
    spec = LtvSpec(purchase=Purchase(event="Buy"), period=Between(since=date(2026, 1, 1), until=date(2026, 3, 1)))
    question = behind(LTV)

    def people(**cell: object) -> list[int]:
        asked = question.spec.model_validate({"of": spec, "cell": LtvCell.model_validate(cell)})
        return [one.number - first_person for one in engine.ask(question, asked, scope).result.people]

    assert people() == [0, 1, 2]
    assert people(cohort="2026-01-01") == [0, 1]
    assert people(cohort="2026-01-01", bought="again") == [0]
    assert people(bought="once") == [1, 2]


def test_a_breakdown_by_what_is_the_events_is_refused_and_a_number_is_the_persons():
    for wrong in (
        {"property": "plan"},
        {"channel": "last"},
        {"person": "vip", "as_of": "event"},
        {"number": "n", "of": "event", "width": 5},
    ):
        with pytest.raises(ValueError, match="something of the person"):
            LtvSpec.model_validate({"purchase": {"event": "Buy"}, "breakdown": wrong})
    spec = LtvSpec.model_validate({"purchase": {"event": "Buy"}, "breakdown": {"number": "age", "cuts": [18]}})
    assert spec.breakdown == (ByNumber(number="age", of="person", cuts=(18.0,)),)
    with pytest.raises(ValueError, match="at most 3"):
        LtvSpec.model_validate({"purchase": {"event": "Buy"}, "breakdown": [{"person": name} for name in "abcd"]})
    with pytest.raises(ValueError, match="less than or equal to 50"):
        LtvSpec.model_validate({"purchase": {"event": "Buy"}, "top": 51})


BY_CHANNEL = {
    "purchase": {"event": "Buy"},
    "period": {"since": "2026-01-01", "until": "2026-03-15"},
    "ages": 2,
    "breakdown": {"channel": "first"},
    "top": 1,
}


def test_the_table_has_a_row_of_each_value_and_one_of_each_of_its_cohorts(engine, scope, write, first_person):
    ann, ben, cem, dai, eva = range(first_person, first_person + 5)
    write(
        (ann, "Visit", "2026-01-04", {"utm_source": "google", "utm_medium": "cpc"}),
        (ann, "Buy", "2026-01-05", {"revenue": 10.0}),
        (ann, "Buy", "2026-02-10", {"revenue": 4.0}),
        (ben, "Visit", "2026-01-04", {"utm_source": "google", "utm_medium": "cpc"}),
        (ben, "Buy", "2026-02-20", {"revenue": 6.0}),
        (cem, "Buy", "2026-01-20", {"revenue": 2.0}),
        (dai, "Visit", "2026-03-01", {"utm_medium": "email"}),
        (dai, "Buy", "2026-03-02", {"revenue": 8.0}),
        (eva, "Buy", "2026-01-20", {"revenue": 3.0, "utm_medium": "social"}),  # the last value, in Cem's cohort
    )
    spec = LtvSpec.model_validate(BY_CHANNEL)
    answer = engine.ask(LTV, spec, scope)
    january, february, march = (date(2026, month, 1) for month in (1, 2, 3))
    table = answer.table
    assert [column.name for column in table.columns] == ["value", "cohort", "customers", "again", "age_0", "age_1", "age_2", "expected"]
    assert table.rows == (
        ("paid_search", None, 2, 1, 10.0, None, None, None),  # who bought first on the last of February is no month old yet
        ("paid_search", january, 1, 1, 10.0, 14.0, 14.0, None),
        ("paid_search", february, 1, 0, 6.0, 6.0, None, None),
        (OTHER, None, 3, 0, 2.5, None, None, None),
        (OTHER, january, 2, 0, 2.5, 2.5, 2.5, None),
        (OTHER, march, 1, 0, 8.0, None, None, None),
    )
    assert [part.other for part in answer.result.parts] == [0, 3]
    question = behind(LTV)

    def people(**cell: object) -> list[int]:
        asked = question.spec.model_validate({"of": spec, "cell": LtvCell.model_validate(cell)})
        return [one.number for one in engine.ask(question, asked, scope).result.people]

    assert people() == [ann, ben, cem, dai, eva]
    assert people(place=1) == [ann, ben]
    assert people(place=1, cohort="2026-02-01") == [ben]
    assert people(place=1, bought="again") == [ann]
    assert people(place=2) == [cem, dai, eva]
    plain = question.spec.model_validate({"of": {**BY_CHANNEL, "breakdown": []}, "cell": {"place": 1}})
    assert engine.ask(question, plain, scope).result.total == 0  # a number that the answer does not have


def test_nobody_has_no_values(engine, scope):
    answer = engine.ask(LTV, LtvSpec.model_validate(BY_CHANNEL), scope)
    assert (answer.result.customers, answer.result.parts, answer.table.rows, answer.warnings) == (0, (), (), ())
