"""Lifecycle on the real engine against plain Python, on random worlds: every number and every list the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.lifecycle import LIFECYCLE
from bihuan.analyse.lifecycle.result import STATES, Stage
from bihuan.analyse.lifecycle.spec import Active, LifecycleCell, LifecycleSpec
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.breakdowns import Breakdown, ByChannel, ByNumber, ByPerson, BySegment
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import EVERYTHING
from bihuan.engine.periods import Between, Last
from bihuan.engine.tests import broken_down
from bihuan.engine.tests.exactly import exactly, thin_or_crowded
from bihuan.engine.tests.worlds import NAMES, World, event_choices, filters, load

People = Mapping[str, Mapping[date, set[int]]]


def first_day(day: date, unit: str) -> date:
    return {"day": day, "week": day - timedelta(days=day.weekday()), "month": day.replace(day=1)}[unit]


def following(day: date, unit: str) -> date:
    return first_day(day + timedelta(days={"day": 1, "week": 7, "month": 31}[unit]), unit)


def before(day: date, unit: str) -> date:
    return first_day(day - timedelta(days=1), unit)


def asked_days(world: World, spec: LifecycleSpec) -> list[date]:
    period = spec.period
    assert isinstance(period, Between)
    return sorted({first_day(period.since + timedelta(days=n), spec.unit) for n in range((period.until - period.since).days + 1)})


def states(world: World, spec: LifecycleSpec) -> People:
    """Who is in which state in which period."""
    when: dict[int, set[date]] = defaultdict(set)
    end = following(asked_days(world, spec)[-1], spec.unit)
    for event in world.events:
        if world.person(event) and world.chosen(spec.active.choices, event) and world.holds(spec.filter, event) and world.day(event) < end:
            when[world.person(event)].add(first_day(world.day(event), spec.unit))
    found: dict[str, dict[date, set[int]]] = {state: defaultdict(set) for state in STATES}
    for day in asked_days(world, spec):
        for person, active in when.items():
            last = before(day, spec.unit) in active
            if day in active:
                state = "new" if min(active) == day else "returning" if last else "resurrected"
                found[state][day].add(person)
            elif last:
                found["dormant"][day].add(person)
    return found


def stages(world: World, spec: LifecycleSpec, people: People, among: set[int] | None = None) -> tuple[Stage, ...]:
    made = []
    for day in asked_days(world, spec):
        if instant(day, world) > world.now:
            made.append(Stage(day, None, None, None, None, False))
            continue
        new, returning, resurrected, dormant = (len([p for p in people[s].get(day, ()) if among is None or p in among]) for s in STATES)
        made.append(Stage(day, new, returning, resurrected, dormant, instant(following(day, spec.unit), world) <= world.now))
    return tuple(made)


def instant(day: date, world: World) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(world.zone)).astimezone(ZoneInfo("UTC"))


def values(world: World, spec: LifecycleSpec) -> list[set[int]]:
    """Those with each value, most first, as they stand in the answer, of all who are active in the periods or in the one before them."""
    end, begin = following(asked_days(world, spec)[-1], spec.unit), before(asked_days(world, spec)[0], spec.unit)
    found: dict[str, set[int]] = defaultdict(set)
    for event in world.events:
        chosen = world.person(event) and world.chosen(spec.active.choices, event) and world.holds(spec.filter, event)
        if chosen and begin <= world.day(event) < end:
            found[broken_down.part(world, spec.breakdown, event)].add(world.person(event))
    ranked = sorted(found, key=lambda value: (-len(found[value]), value.encode()))
    parts = [found[value] for value in ranked[: spec.top]]
    rest: set[int] = set().union(*(found[value] for value in ranked[spec.top :]))
    return [*parts, rest] if rest else parts


conditions = st.one_of(st.just(EVERYTHING), filters(segments=("some", "same")))
one: st.SearchStrategy[Breakdown] = st.one_of(
    st.builds(ByPerson, person=st.sampled_from(("vip", "age", "missing"))),
    st.just(BySegment(segments=("fans", "rest"))),
    st.just(ByNumber(number="age", of="person", width=10.0)),
    st.just(ByChannel(channel="first")),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, LifecycleSpec]:
    world = draw(thin_or_crowded(max_events=80, names=NAMES[:2], days=draw(st.sampled_from([5, 16, 70]))))
    until = world.today - timedelta(days=draw(st.integers(-9, 16)))
    also = draw(st.just(()) | event_choices(NAMES[:2], st.none()).map(lambda each: (each,)))
    period = Between(since=until - timedelta(days=draw(st.sampled_from([0, 1, 20, 100]))), until=until)
    units: list[Literal["day", "week", "month"]] = ["day", "week", "month"]
    unit = draw(st.sampled_from(units))
    if draw(st.booleans()):  # what whole days tell, too
        return world, LifecycleSpec(active=Active(event=draw(st.sampled_from([*NAMES[:2], "*"]))), unit=unit, period=period)
    return world, LifecycleSpec(
        active=Active(event=draw(st.sampled_from([*NAMES[:2], "*"])), filter=draw(conditions), also=also),
        unit=unit,
        filter=draw(conditions),
        period=period,
        breakdown=draw(st.just(()) | one.map(lambda each: (each,)) | st.lists(one, max_size=2).map(tuple)),
        top=draw(st.integers(1, 3)),
    )


@exactly(10)
@given(st.lists(cases(), min_size=1, max_size=6))
def test_every_state_is_the_one_that_plain_python_finds(engine: Engine, several: list[tuple[World, LifecycleSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several), whole=True), strict=True):
        result = engine.ask(LIFECYCLE, spec, scope).result
        people = states(world, spec)
        assert result.everybody.stages == stages(world, spec, people)
        expected = values(world, spec) if spec.breakdown else []
        assert [part.stages for part in result.parts] == [stages(world, spec, people, among) for among in expected]
        assert [part.place for part in result.parts] == list(range(1, len(expected) + 1))


@exactly(6)
@given(st.lists(cases(), min_size=3, max_size=5))
def test_behind_each_number_are_as_many_people(engine: Engine, several: list[tuple[World, LifecycleSpec]]) -> None:
    question = behind(LIFECYCLE)
    for (_, spec), scope in zip(several, load(engine.store, *(world for world, _ in several), whole=True), strict=True):
        table = engine.ask(LIFECYCLE, spec, scope).table
        linked = [(row[at], cell) for row, cells in zip(table.rows, table.cells, strict=True) for at, cell in enumerate(cells) if cell]
        for number, cell in [each for each in linked if each[0]][-6:]:
            asked = question.spec.model_validate({"of": spec, "cell": LifecycleCell.model_validate(cell)})
            assert engine.ask(question, asked, scope).result.total == number


def test_who_they_are(engine, scope, write, first_person):
    ann, ben = first_person, first_person + 1
    write((ann, "Visit", "2026-02-24"), (ann, "Visit", "2026-03-04"), (ben, "Visit", "2026-03-11"), (0, "Visit", "2026-03-11"))
    spec = LifecycleSpec(period=Last(last=14))

    def people(**cell: object) -> list[int]:
        asked = behind(LIFECYCLE).spec.model_validate({"of": spec, "cell": cell})
        return [member.number for member in engine.ask(behind(LIFECYCLE), asked, scope).result.people]

    assert people(day="2026-03-02", state="returning") == [ann]
    assert people(day="2026-03-09", state="dormant") == [ann]
    assert people(day="2026-03-09") == [ben]  # all who were active
    assert people() == [ben]  # in the last period that has begun
    with pytest.raises(QuestionError, match="begins on 2026-03-03"):
        people(day="2026-03-03")


def test_a_breakdown_by_what_is_the_events_is_refused():
    with pytest.raises(ValueError, match="something of the person"):
        LifecycleSpec.model_validate({"breakdown": {"property": "plan"}})


def test_255_days_have_a_bit_each_and_more_are_refused(engine, scope, write, first_person):
    write((first_person, "Visit", "2026-03-15"), (first_person, "Visit", "2026-03-14"), (first_person, "Visit", "2024-03-14"))
    result = engine.ask(LIFECYCLE, LifecycleSpec(unit="day", period=Last(last=255)), scope).result
    assert (result.everybody.stages[-1].returning, result.everybody.stages[-2].resurrected) == (1, 1)
    assert not any(stage.new or stage.dormant for stage in result.everybody.stages)
    with pytest.raises(QuestionError, match="256 periods"):
        engine.ask(LIFECYCLE, LifecycleSpec(unit="day", period=Last(last=256)), scope)
