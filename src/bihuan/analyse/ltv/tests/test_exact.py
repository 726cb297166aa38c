"""Lifetime value on the real engine against plain Python, on random worlds: every number the same."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.ltv import LTV
from bihuan.analyse.ltv.result import shape_ltv
from bihuan.analyse.ltv.spec import LtvCell, LtvSpec
from bihuan.analyse.purchase import Purchase
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.filters import EVERYTHING
from bihuan.engine.periods import Between, bucket_day, next_bucket_day
from bihuan.engine.question import Question, Table
from bihuan.engine.tests.exactly import exactly, thin_or_crowded
from bihuan.engine.tests.worlds import NAMES, World, filters, load, number


def age(first: date, day: date, unit: str) -> int:
    """Whole units from `first` to `day`."""
    if unit != "month":
        return (day - first).days // (7 if unit == "week" else 1)
    months = (day.year - first.year) * 12 + day.month - first.month
    return months - (day.day < first.day)


def orders(world: World, spec: LtvSpec) -> dict[int, dict[date, float]]:
    """What each customer of the period spent on which day, from the first day on."""
    found: dict[int, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    for event in world.events:
        day, person = world.day(event), world.person(event)
        if person and day <= world.today and world.chosen(spec.purchase.choices, event) and world.holds(spec.filter, event):
            found[person][day] += number(event.props.get(spec.purchase.value)) or 0.0
    assert isinstance(spec.period, Between)
    return {person: days for person, days in found.items() if spec.period.since <= min(days) <= spec.period.until}


# What the models learn from is in no answer: here the rows are.
ROWS: Question[LtvSpec, Any] = replace(cast("Any", LTV), shape=lambda spec, scope, rows: rows, table=lambda rows: Table((), ()))


def check_learned(world: World, rows: Any, customers: Mapping[int, Mapping[date, float]]) -> None:
    """What the models are fitted to: customers by their purchases again, and of whom bought again what these were worth."""
    expected: dict[tuple[int, int, int], list[float]] = defaultdict(list)
    worth = []
    for days in customers.values():
        first, repeat = min(days), math.fsum(value for day, value in days.items() if day != min(days))
        expected[len(days) - 1, (max(days) - first).days, (world.today - first).days].append(repeat)
        if len(days) > 1 and repeat > 0:
            worth.append((len(days) - 1, repeat / (len(days) - 1)))
    (groups,) = [row for row in rows if row["part"] == "groups"]
    names = ("bought", "last_days", "known_days", "number", "fitted", "worth")
    found = {tuple(each[:3]): each[3:] for each in zip(*(groups[name] for name in names), strict=True)}
    assert found == {three: (len(each), len(each), pytest.approx(sum(each), abs=1e-9)) for three, each in expected.items()}
    (repeaters,) = [row for row in rows if row["part"] == "repeaters"]
    told = sorted(zip(repeaters["bought"], (round(value, 6) for value in repeaters["worth"]), strict=True))
    assert told == sorted((again, round(value, 6)) for again, value in worth)


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, LtvSpec]:
    world = draw(thin_or_crowded(max_events=60, names=NAMES[:3]))
    until = world.today - timedelta(days=draw(st.integers(-3, 10)))
    return world, LtvSpec(
        purchase=Purchase(event=draw(st.sampled_from(NAMES[:3])), value=draw(st.sampled_from(["revenue", "amount", "n"]))),
        filter=draw(st.one_of(st.just(EVERYTHING), filters(segments=("some", "same")))),
        period=Between(since=until - timedelta(days=draw(st.integers(0, 40))), until=until),
        unit=draw(st.sampled_from(["day", "week", "month"])),
        ages=draw(st.integers(1, 6)),
    )


@exactly(6)
@given(st.lists(cases(), min_size=1, max_size=6))
def test_lifetime_value_is_what_plain_python_adds_up(engine: Engine, several: list[tuple[World, LtvSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        rows = engine.ask(ROWS, spec, scope).result
        found = shape_ltv(spec, scope, rows)
        customers = orders(world, spec)
        check_learned(world, rows, customers)
        firsts = {person: min(days) for person, days in customers.items()}
        cohorts = sorted({bucket_day(first, spec.unit) for first in firsts.values()})
        assert [cohort.day for cohort in found.cohorts] == cohorts
        assert found.customers == len(customers)
        assert found.again == sum(len(days) > 1 for days in customers.values())
        for cohort in found.cohorts:
            mine = [person for person, first in firsts.items() if bucket_day(first, spec.unit) == cohort.day]
            assert cohort.customers == len(mine)
            for aged in range(spec.ages + 1):
                total = sum(
                    value for person in mine for day, value in customers[person].items() if age(firsts[person], day, spec.unit) <= aged
                )
                assert isinstance(spec.period, Between)
                oldest = max(cohort.day, spec.period.since)
                if age(oldest, world.today, spec.unit) < aged:
                    assert cohort.values[aged] is None
                else:
                    assert cohort.values[aged] == pytest.approx(total / len(mine), abs=1e-9)
                youngest = min(next_bucket_day(cohort.day, spec.unit) - timedelta(days=1), spec.period.until)
                tomorrow = world.today + timedelta(days=1)
                assert cohort.complete[aged] == (age(youngest, tomorrow, spec.unit) > aged)


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
