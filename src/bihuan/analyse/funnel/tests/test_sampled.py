"""A funnel of a sample: that of its people alone, its numbers scaled up; on random worlds against plain Python."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.funnel import FUNNEL
from bihuan.analyse.funnel.differences import of_steps, of_whole
from bihuan.analyse.funnel.drivers import driver_cell
from bihuan.analyse.funnel.result import Durations, FunnelPart, FunnelStep, shape_funnel
from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.analyse.funnel.tests import reference
from bihuan.analyse.funnel.tests.reference import Way
from bihuan.analyse.funnel.tests.test_beside import buckets, compared, counts, sides
from bihuan.analyse.funnel.tests.test_drivers import asked as asking_drivers
from bihuan.analyse.funnel.tests.test_drivers import had
from bihuan.analyse.funnel.tests.test_exact import rounded
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.compare import EVERYBODY, Groups
from bihuan.engine.tests.asked_in_part import between, only_sampled
from bihuan.engine.tests.exactly import exactly
from bihuan.engine.tests.worlds import World, load

SAMPLES = (0.5, 0.5, 0.3, 0.85)


def each_of(spec: FunnelSpec, ways: Sequence[Way], number: int) -> list[int]:
    """The person of each way that has the step."""
    assert number <= len(spec.steps)
    return [way.person for way in ways if number in way.steps]


def of_everybody(spec: FunnelSpec, part: FunnelPart, ways: Sequence[Way]) -> FunnelPart:
    """What the sample's `part`, which is made of `ways`, says of everybody."""
    sample = spec.sample or 1.0

    def times(one: Durations | None) -> Durations | None:
        return replace(one, histogram=tuple(round(n / sample) for n in one.histogram)) if one else None

    def step(one: FunnelStep) -> FunnelStep:
        return replace(
            one,
            people=round(one.people / sample),
            dropped=round(one.dropped / sample),
            since_previous=times(one.since_previous),
            since_start=times(one.since_start),
            sure=between(each_of(spec, ways, one.number), sample),
        )

    return replace(part, steps=tuple(map(step, part.steps)), open=round(part.open / sample))


def same(mine: FunnelPart, expected: FunnelPart) -> None:
    for one, other in zip(mine.steps, expected.steps, strict=True):
        assert (one.sure is None) is (other.sure is None)
        if one.sure and other.sure:
            assert (one.sure.low, one.sure.high) == pytest.approx((other.sure.low, other.sure.high))

    def plain(part: FunnelPart) -> FunnelPart:
        return rounded(FunnelPart(part.value, 0, tuple(replace(step, sure=None) for step in part.steps), part.open))

    assert plain(mine) == plain(expected)


def values_of(spec: FunnelSpec, both: list[list[Way]]) -> list[tuple[str | None, set[str]]]:
    """The values that are shown, most people first, and all others as one."""
    entered = Counter(way.value for way in both[0])
    ranked = sorted({way.value for ways in both for way in ways}, key=lambda value: (-entered[value], value.encode()))
    shown: list[tuple[str | None, set[str]]] = [(value, {value}) for value in ranked[: spec.top]]
    return shown + ([(None, set(ranked[spec.top :]))] if ranked[spec.top :] else [])


@exactly(5)
@given(st.lists(st.tuples(compared(), st.sampled_from(SAMPLES)), min_size=2, max_size=6))
def test_a_sample_is_the_funnel_of_its_people_scaled_up(engine: Engine, several: list[tuple[tuple[World, FunnelSpec], float]]) -> None:
    worlds = [world for (world, _), _ in several]
    for ((world, plain), sample), scope in zip(several, load(engine.store, *worlds), strict=True):
        spec = plain.model_copy(update={"sample": sample})
        result: Any = engine.ask(FUNNEL, spec, scope).result
        small = only_sampled(engine, world, scope, sample)
        funnels = sides(small, spec)
        both = [funnel.ways() for funnel in funnels]
        overlapping = isinstance(spec.compare, Groups) and spec.compare.against == EVERYBODY
        shown: list[tuple[FunnelPart, str | None, list[list[Way]]]] = [
            (result.everybody, None, [[way for way in ways if way.best] for ways in both])
        ]
        named = values_of(spec, both) if spec.breakdown else []
        assert len(result.parts) == len(named)
        shown += [
            (part, value, [[way for way in ways if way.value in values] for ways in both])
            for part, (value, values) in zip(result.parts, named, strict=True)
        ]
        for part, value, mine in shown:
            told = [reference.part(spec, ways, value) for ways in mine]
            same(part, of_everybody(spec, told[0], mine[0]))
            if spec.compare:
                assert part.before is not None
                same(part.before, of_everybody(spec, told[1], mine[1]))
                assert part.changes == of_steps(told[0].steps, told[1].steps, overlapping=overlapping)
                whole = of_whole(told[0].steps, told[1].steps, overlapping=overlapping)
                assert part.whole is not None
                assert replace(part.whole, adjusted=None) == replace(whole, adjusted=None)
        if spec.show == "trend":
            check_trend(spec, result, buckets(small, spec, funnels), named)


def check_trend(spec: FunnelSpec, result: Any, expected: list[Any], named: list[tuple[str | None, set[str]]]) -> None:
    sample = spec.sample or 1.0
    starts = [bucket.start for bucket in result.trend.buckets]
    for course, values in zip(result.trend.courses, [None, *(values for _, values in named)], strict=True):
        for side, (counted, rates) in enumerate(((course.counts, course.rates), (course.before, course.rates_before))):
            if side and not spec.compare:
                assert (counted, rates) == ((), ())
                continue
            for place, start in enumerate(starts):
                ways = [way for way in expected[side].get(start, []) if (way.best if values is None else way.value in values)]
                seen = counts(spec, ways)
                assert counted[place] == tuple(round(n / sample) for n in seen)
                assert rates[place] == (seen[-1] / seen[0] if seen[0] else None)
                if side == 0:
                    surely = [between(each_of(spec, ways, number), sample) for number in range(1, len(seen) + 1)]
                    for one, other in zip(course.sure[place], surely, strict=True):
                        assert (one and (one.low, one.high)) == (other and pytest.approx((other.low, other.high)))


@exactly(4)
@given(st.lists(st.tuples(asking_drivers(), st.sampled_from(SAMPLES)), min_size=2, max_size=6))
def test_drivers_of_a_sample_are_those_of_its_people(engine: Engine, several: list[tuple[tuple[World, FunnelSpec], float]]) -> None:
    worlds = [world for (world, _), _ in several]
    for ((world, plain), sample), scope in zip(several, load(engine.store, *worlds), strict=True):
        spec = plain.model_copy(update={"sample": sample})
        answer = engine.ask(FUNNEL, spec, scope)
        found: Any = answer.result.drivers
        tried, with_it = had(only_sampled(engine, world, scope, sample), spec)
        assert (found.tried.people, found.tried.converted) == (len(tried), sum(tried.values()))
        expected = {
            key: (len(people), sum(tried[one] for one in people))
            for key, people in with_it.items()
            if len(people) >= spec.least and len(tried) - len(people) >= spec.least
        }
        assert {(one.kind, one.name, one.said): (one.having.people, one.having.converted) for one in found.found} == expected
        names = [column.name for column in answer.table.columns]
        for row in answer.table.rows:
            told = dict(zip(names, row, strict=True))
            people, succeeded = expected[told["kind"], told["name"], told["value"] or ""]
            assert (told["having"], told["having_succeeded"]) == (round(people / sample), round(succeeded / sample))
            assert told["lacking"] == round((len(tried) - people) / sample)
            assert told["having_share"] == succeeded / people
            surely = between(range(len(tried) - people), sample)
            assert surely is not None
            assert (told["lacking_low"], told["lacking_high"]) == pytest.approx((surely.low, surely.high))


def kept_of(engine: Engine, people: range) -> list[int]:
    """Those of these people who are in a sample of a half."""
    return [
        int(row["person"])
        for row in engine.store.fetch(
            "SELECT person FROM (SELECT arrayJoin(range({first:UInt32}, {last:UInt32})) AS person) "
            "WHERE cityHash64('sample', toUInt64(person)) % 1000000 < 500000",
            {"first": people.start, "last": people.stop},
        ).rows
    ]


@pytest.fixture
def visitors(scope: Any, write: Any, first_person: int) -> range:
    """Two hundred people who look one to four times, each an attempt; every second one buys after each."""
    people = range(first_person, first_person + 200)
    for number, person in enumerate(people):
        for hour in range(1 + number % 4):
            write((person, "a", f"2026-03-10 {hour + 1:02}:00", {"device": "phone" if number % 3 else "desk"}))
            if number % 2:
                write((person, "b", f"2026-03-10 {hour + 1:02}:10"))
    return people


def asking(**more: object) -> FunnelSpec:
    steps = [{"event": "a"}, {"event": "b"}]
    return FunnelSpec.model_validate({"steps": steps, "period": {"last": 10}, "window": {"n": 1, "unit": "hour"}, "sample": 0.5, **more})


def test_many_attempts_of_few_people_are_less_sure(engine: Engine, scope: Any, visitors: range) -> None:
    kept = [person - visitors.start for person in kept_of(engine, visitors)]
    people: Any = engine.ask(FUNNEL, asking(), scope).result.everybody.steps
    attempts: Any = engine.ask(FUNNEL, asking(count="attempts"), scope).result.everybody.steps
    assert (people[0].people, attempts[0].people) == (2 * len(kept), 2 * sum(1 + number % 4 for number in kept))
    assert people[1].from_start == sum(number % 2 for number in kept) / len(kept)
    for steps, squares in ((people, len(kept)), (attempts, sum((1 + number % 4) ** 2 for number in kept))):
        half = 1.959963984540054 * (0.5 * squares) ** 0.5 / 0.5
        assert steps[0].sure.high - steps[0].people == pytest.approx(half)
        assert steps[0].people - steps[0].sure.low == pytest.approx(half)


def test_who_is_behind_a_number_of_a_sample_are_its_people(engine: Engine, scope: Any, visitors: range) -> None:
    kept = kept_of(engine, visitors)
    question = behind(FUNNEL)
    for more in ({}, {"order": "strict"}, {"show": "trend", "breakdown": {"property": "device"}}, {"compare": "previous"}):
        spec = asking(**more)
        for cell, expected in (({}, kept), ({"step": 2, "state": "dropped"}, [one for one in kept if (one - visitors.start) % 2 == 0])):
            asks = question.spec.model_validate({"of": spec, "cell": cell, "limit": 500})
            answer = engine.ask(question, asks, scope)
            assert [one.number for one in answer.result.people] == expected
            assert answer.warnings == (("Only people of the sample of {percent} % are listed.", {"percent": 50.0}),)
    drivers = asking(show="drivers", least=5)
    found: Any = engine.ask(FUNNEL, drivers, scope).result.drivers
    (phone,) = [one for one in found.found if one.value == "phone"]
    asks = question.spec.model_validate({"of": drivers, "cell": driver_cell(2, phone, "dropped")})
    expected = [one - visitors.start for one in kept]
    lost = sum(number % 2 == 0 and number % 3 != 0 for number in expected)
    assert engine.ask(question, asks, scope).result.total == lost == phone.having.people - phone.having.converted


def test_the_table_says_where_its_numbers_lie_only_of_a_sample(engine: Engine, scope: Any, visitors: range) -> None:
    for more in ({}, {"compare": "previous"}, {"show": "trend"}, {"show": "trend", "compare": "previous"}, {"show": "drivers", "least": 5}):
        sampled, whole = (engine.ask(FUNNEL, asking(**more, sample=sample), scope).table for sample in (0.5, None))
        bounds = [column.name for column in sampled.columns if column.name not in {one.name for one in whole.columns}]
        assert bounds
        assert all(name.endswith(("_low", "_high")) for name in bounds)
        assert [column.name for column in sampled.columns] == [*(one.name for one in whole.columns), *bounds]
        for table in (sampled, whole):
            assert {len(row) for row in table.rows} == {len(table.columns)} == {len(cells) for cells in table.cells}


def test_a_sample_without_anybody_says_nothing(engine: Engine, scope: Any) -> None:
    for more in ({}, {"count": "attempts"}, {"show": "trend"}, {"show": "drivers"}, {"compare": "previous", "count": "sessions"}):
        result: Any = engine.ask(FUNNEL, asking(**more), scope).result
        assert [(step.people, step.sure) for step in result.everybody.steps] == [(0, None), (0, None)]
        assert FUNNEL.table(result).rows == ()


def test_tests_of_a_sample_know_of_no_more_people_than_were_asked(scope: Any) -> None:
    """Of 30 who were asked and entered 12 bought, of those before 20 and 2: scaled up ten times it would be as clear as can be."""
    nothing: dict[str, list[Any]] = {"start_times": [], "previous_times": [], "start_histogram": [], "previous_histogram": []}

    def row(part: str, side: int, people: list[int], *, bucket: int = 0, still: int = 0) -> dict[str, Any]:
        times = {f"{since}_times": [[1000] * 5] for since in ("start", "previous")}
        bars = {f"{since}_histogram": [[people[-1], *[0] * 18]] for since in ("start", "previous")}
        told = nothing if part in ("bucket", "squares") else {**times, **bars}
        return {
            "part": part,
            "place": 0,
            "value": "",
            "values": 0,
            "side": side,
            "bucket": bucket,
            "people": people,
            "open": still,
            **told,
        }

    spec = asking(sample=0.1, compare="previous", show="trend", period={"last": 1}, count="attempts")
    rows = [row("total", 0, [30, 12], still=3), row("total", 1, [20, 2]), row("bucket", 0, [30, 12], bucket=1)]
    rows += [row("squares", 0, [100, 20]), row("squares", 1, [40, 2]), row("squares", 0, [90, 18], bucket=1)]
    seen: Any = shape_funnel(spec.model_copy(update={"sample": None}), scope, rows)
    told: Any = shape_funnel(spec, scope, rows)
    assert (told.everybody.changes, told.everybody.whole) == (seen.everybody.changes, seen.everybody.whole)
    assert [step.people for step in told.everybody.steps] == [300, 120]
    assert [step.people for step in told.everybody.before.steps] == [200, 20]
    assert (told.everybody.open, told.everybody.steps[1].dropped, told.everybody.conversion) == (30, 180, 0.4)
    assert told.everybody.steps[1].since_start.histogram[0] == 120
    (course,) = told.trend.courses
    assert (course.counts, course.rates) == (((300, 120),), (0.4,))
    for sure, people, squares in (
        (told.everybody.steps[0].sure, 300, 100),
        (told.everybody.before.steps[0].sure, 200, 40),
        (course.sure[0][1], 120, 18),
    ):
        assert sure.high == pytest.approx(people + 1.959963984540054 * (0.9 * squares) ** 0.5 / 0.1)
    assert told.everybody.before.steps[1].sure.low == 2  # who were seen are there


def test_without_a_sample_nothing_of_it_is_in_the_statement(scope: Any) -> None:
    for more in ({}, {"count": "attempts"}, {"attribution": "all", "breakdown": {"property": "plan"}}, {"show": "drivers"}):
        whole = FUNNEL.compile(asking(**more, sample=None), scope).sql
        assert "cityHash64('sample'" not in whole
        assert "squares" not in whole
        assert "cityHash64('sample'" in FUNNEL.compile(asking(**more), scope).sql


@pytest.mark.parametrize("sample", [0, 1, 1.5, -0.1, "many"])
def test_a_sample_is_a_part(sample: object) -> None:
    with pytest.raises(ValueError, match="sample"):
        asking(sample=sample)
