"""Composition beside another period or segment: exact against plain Python, honest intervals, and how it is shown."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.composition import COMPOSITION
from bihuan.analyse.composition.beside import beside
from bihuan.analyse.composition.chart import panel_composition
from bihuan.analyse.composition.result import cell_of, shape_composition
from bihuan.analyse.composition.spec import CompositionCell, CompositionSpec
from bihuan.analyse.composition.table import table_composition
from bihuan.analyse.composition.tests.reference import at_the_time, doing, measured, values, who
from bihuan.analyse.composition.tests.reference import load_with_ids as load
from bihuan.analyse.composition.tests.test_exact import cases
from bihuan.analyse.statistics import Share, difference
from bihuan.analyse.tests.test_shown import SCOPE, Plain
from bihuan.engine import compare
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.breakdowns import BySegment
from bihuan.engine.compare import Groups
from bihuan.engine.errors import QuestionError
from bihuan.engine.question import Scope
from bihuan.engine.tests.exactly import exactly
from bihuan.engine.tests.worlds import Event, Trait, World

Parts = dict[tuple[str, ...], tuple[set[int], set[int], set[int]]]


def groups(world: World, spec: CompositionSpec, scope: Scope) -> tuple[set[int], set[int], set[int]]:
    """Who is asked about, who is the base, and with whom they are compared."""
    period = scope.period(spec.period)
    target, base = who(world, spec.who, period), who(world, spec.base, period)
    if isinstance(spec.compare, Groups):
        every = target
        target = {person for person in every if world.holds(world.segments[spec.compare.segment], doing(world, person))}
        if spec.compare.against == "*":
            return target, base, every
        if spec.compare.against == "!":
            return target, base, every - target
        return target, base, {one for one in every if world.holds(world.segments[spec.compare.against], doing(world, one))}
    other = compare.baseline(spec.compare, period, scope)
    assert other is not None
    assert spec.who.did is not None
    days = [one for one in world.events if other.period.since <= world.day(one) <= other.period.until and one.at < other.until]
    did = {world.person(one) for one in days if world.chosen(spec.who.did.choices, one)}
    return target, base, did & who(world, spec.who.model_copy(update={"did": None}), period)


def parts_of(world: World, spec: CompositionSpec, scope: Scope) -> tuple[Parts, tuple[set[int], set[int], set[int]]]:
    sides = groups(world, spec, scope)
    then = at_the_time(world, spec, scope.period(spec.period))
    has = {person: [values(world if isinstance(one, BySegment) else then, one, person) for one in spec.by] for person in set.union(*sides)}
    top = []
    for place in range(len(spec.by)):
        sizes = Counter(value for side in (sides[0], sides[2]) for person in side for value in has[person][place] if value)
        top.append(sorted(sizes, key=lambda value: (-sizes[value], value))[: spec.top])
    found: Parts = {}
    for person, each in has.items():
        for combination in itertools.product(*each):
            shown = tuple(f"={v}" if not v or v in top[place] else "*" for place, v in enumerate(combination))
            part = found.setdefault(shown, (set(), set(), set()))
            for mine, side in zip(part, sides, strict=True):
                if person in side:
                    mine.add(person)
    return found, sides


@st.composite
def compared(draw: st.DrawFn) -> tuple[World, CompositionSpec]:
    world, spec = draw(cases())
    document = spec.model_dump()
    if document["who"]["did"] is None:
        document["who"]["did"] = {"event": "*"}
    days = draw(st.integers(1, 6))
    since, until = str(world.today - timedelta(days=days + 6)), str(world.today - timedelta(days=6))
    document["compare"] = draw(
        st.sampled_from(
            (
                {"to": "previous"},
                {"to": "week"},
                {"period": {"since": since, "until": until}},
                {"segment": "fans", "against": "!"},
                {"segment": "fans", "against": "*"},
                {"segment": "fans", "against": "rest"},
            )
        )
    )
    return world, CompositionSpec.model_validate(document)


@exactly(2)
@given(st.lists(compared(), min_size=3, max_size=3))
def test_both_sides_are_those_that_plain_python_counts(engine: Engine, several: list[tuple[World, CompositionSpec]]) -> None:
    question = behind(COMPOSITION)
    for (world, spec), (scope, _) in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        result = engine.ask(COMPOSITION, spec, scope).result
        found, sides = parts_of(world, spec, scope)
        assert (result.people, result.base_people, result.other_people) == tuple(map(len, sides))
        assert {part.values for part in result.parts} == set(found)
        for part in result.parts:
            mine, theirs, other = found[part.values]
            assert part.beside is not None
            assert (part.people, part.base_people, part.beside.people, part.beside.shared) == (
                *(len(mine), len(theirs), len(other)),
                len(mine & other),
            )
            numbers = [measured(world, spec, scope, side) if spec.value else None for side in (mine, other)]
            assert (part.number, part.beside.number) == tuple(None if one is None else pytest.approx(one) for one in numbers)
        for part in result.parts[-1:]:
            cell = CompositionCell.model_validate(cell_of(part, before=True))
            people = engine.ask(question, question.spec.model_validate({"of": spec, "cell": cell}), scope).result
            assert people.total == len(found[part.values][2])


def test_all_properties_are_looked_through_on_both_sides(engine):
    """Six people buy in the first week, four in the second: three of them again."""
    now = datetime(2026, 3, 16, 12, tzinfo=UTC)
    bought = [(3, person) for person in range(1, 7)] + [(10, person) for person in (1, 3, 5, 8)]
    events = tuple(Event(person, "Buy", now.replace(day=day), {}, key) for key, (day, person) in enumerate(bought, 1))
    cities = tuple(Trait(person, "city", "成都" if person in (2, 4, 6) else "上海", False, person) for person in range(1, 9))
    ((scope, _),) = load(engine.store, World("Asia/Shanghai", now, events, traits=cities))
    spec = CompositionSpec.model_validate(
        {"who": {"did": {"event": "Buy"}}, "period": {"since": "2026-03-09", "until": "2026-03-15"}, "compare": "previous"}
    )
    (city,) = engine.ask(COMPOSITION, spec, scope).result.properties
    told = {part.values[0]: (part.people, part.beside.people, part.beside.shared) for part in city.parts if part.beside}
    assert told == {"=上海": (4, 3, 3), "=成都": (0, 3, 0)}
    question = behind(COMPOSITION)
    asked = question.spec.model_validate({"of": spec, "cell": {"name": "city", "first": "=成都", "before": True}})
    assert engine.ask(question, asked, scope).result.total == 3


def test_a_running_period_is_compared_with_as_much_of_the_other_one(engine, scope, write, first_person):
    """It is noon of the last day: of the other period's last day the morning counts."""
    write(
        (first_person, "Buy", "2026-03-15 09:00"),
        (first_person + 1, "Buy", "2026-03-08 11:59"),
        (first_person + 2, "Buy", "2026-03-08 12:01"),
    )
    asked = {"who": {"did": {"event": "Buy"}}, "by": [{"person": "city"}], "period": {"last": 7}, "compare": "previous"}
    result = engine.ask(COMPOSITION, CompositionSpec.model_validate(asked), scope).result
    assert (result.people, result.other_people) == (1, 1)
    alone = engine.ask(COMPOSITION, CompositionSpec.model_validate({**asked, "base": asked["who"]}), scope).result
    assert (alone.compared, alone.people, alone.base_people, alone.shared, alone.other_people) == (False, 1, 1, 1, 1)
    assert {(part.people, part.base_people) for part in alone.parts} == {(1, 1)}


# --- Differences ------------------------------------------------------------------------------------------------------------------------


def test_groups_apart_are_compared_by_the_score():
    change, p_value = difference(Share(56, 70), Share(48, 80), Share(0, 0))
    assert change is not None
    assert [round(one, 4) for one in change if one is not None] == [0.2, 0.0528, 0.3382]  # Newcombe (1998), table II, example a
    assert p_value is not None
    assert 0.005 < p_value < 0.01


def test_a_part_is_compared_with_the_rest_of_the_whole():
    inside, p_value = difference(Share(20, 50), Share(30, 150), Share(20, 50))
    rest, other_p = difference(Share(20, 50), Share(10, 100), Share(0, 0))
    assert inside is not None
    assert rest is not None
    assert inside.estimate == pytest.approx(20 / 50 - 30 / 150)
    assert inside == pytest.approx(rest.times(100 / 150))
    assert p_value == other_p
    turned, _ = difference(Share(30, 150), Share(20, 50), Share(20, 50))
    assert turned is not None
    assert turned.low == pytest.approx(-(inside.high or 0), abs=1e-6)
    assert turned.high == pytest.approx(-(inside.low or 0), abs=1e-6)


def test_the_same_people_do_not_differ():
    assert difference(Share(3, 9), Share(3, 9), Share(3, 9)) == ((0.0, 0.0, 0.0), 1.0)
    assert difference(Share(0, 0), Share(3, 9), Share(0, 0)) == (None, None)


@pytest.mark.parametrize(("rate", "other", "overlap"), [(0.3, 0.3, 0.5), (0.1, 0.16, 0.8), (0.5, 0.4, 0.2)])
def test_nineteen_of_twenty_intervals_of_groups_that_overlap_hold_the_truth(rate, other, overlap):
    """People who are in both groups have the values as often as those of either side do on average."""
    dice = random.Random(7)
    both, each = round(200 * overlap), round(200 * (1 - overlap))
    middle = (rate + other) / 2
    truth = (rate - other) * each / (both + each)
    held = chance = 0
    for _ in range(1000):
        shared = sum(dice.random() < middle for _ in range(both))
        mine = shared + sum(dice.random() < rate for _ in range(each))
        theirs = shared + sum(dice.random() < other for _ in range(each))
        change, p_value = difference(Share(mine, both + each), Share(theirs, both + each), Share(shared, both))
        assert change is not None
        assert p_value is not None
        assert change.low is not None
        assert change.high is not None
        held += change.low <= truth <= change.high
        chance += p_value <= 0.05
    assert 0.93 <= held / 1000 <= 0.975
    if rate == other:
        assert chance / 1000 <= 0.065


def test_people_in_both_make_the_difference_surer():
    apart, _ = difference(Share(60, 200), Share(40, 200), Share(0, 0))
    together, _ = difference(Share(60, 200), Share(40, 200), Share(30, 150))
    assert apart is not None
    assert together is not None
    assert apart.estimate == together.estimate
    assert (together.high or 0) - (together.low or 0) < 0.7 * ((apart.high or 0) - (apart.low or 0))
    assert beside(Share(60, 200), Share(40, 200), Share(30, 150)).shared == 30


# --- Shown ------------------------------------------------------------------------------------------------------------------------------


def row(*values: str, target: int, other: int, again: int, whole: bool = False) -> dict[str, Any]:
    counts = {"of_target": target, "of_base": 1000, "of_both": target, "of_other": other, "of_again": again}
    numbers = {f"in_{side}_numbers": [0.0, 0.0, 0.0] for side in ("target", "base", "other")}
    return {"whole": int(whole), "values": list(values), "hidden": [0], **counts, **numbers}


def test_the_other_side_stands_beside_each_share_and_leads_to_its_people():
    spec = CompositionSpec.model_validate({"who": {"did": {"event": "Buy"}}, "by": [{"person": "city"}], "compare": "previous"})
    rows = [
        row("=", target=100, other=100, again=40, whole=True),
        row("=上海", target=70, other=30, again=20),
        row("=成都", target=30, other=70, again=20),
    ]
    result = shape_composition(spec, SCOPE, rows)
    assert [(part.beside.verdict, part.beside.share) for part in result.parts if part.beside] == [("more", 0.3), ("less", 0.7)]
    panel = panel_composition(result, Plain())
    shown = panel["parts"][0]["beside"]
    assert (shown["change"], shown["at"]) == ("+40.0", "cell.first=%3D%E4%B8%8A%E6%B5%B7&cell.before=true")
    names = [series["name"] for series in panel["chart"]["series"]]
    assert names == ["These people", "previous period", "Base"]
    table = table_composition(result)
    told = dict(zip((column.name for column in table.columns), table.rows[0], strict=True))
    assert (told["other_people"], told["other_share"], told["change_verdict"]) == (30, 0.3, "more")
    assert table.cells[0][[column.name for column in table.columns].index("other_people")] == {"first": "=上海", "before": True}


@pytest.mark.parametrize(("compared", "message"), [({"target": 3}, "not with a number"), ("previous", "did in the period")])
def test_a_comparison_that_says_nothing_is_refused(compared, message):
    with pytest.raises(ValueError, match=message):
        CompositionSpec.model_validate({"compare": compared})


def test_nobody_stands_beside_where_nothing_is_compared(engine, scope):
    question = behind(COMPOSITION)
    asked = question.spec.model_validate({"of": CompositionSpec(), "cell": {"before": True}})
    with pytest.raises(QuestionError, match="no such part"):
        engine.ask(question, asked, scope)
