"""Sessions on the real engine against plain Python, on random worlds: every number the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.sessions import SESSIONS
from bihuan.analyse.sessions.result import Measures, Part, SessionsResult
from bihuan.analyse.sessions.spec import SessionsCell, SessionsSpec
from bihuan.analyse.sessions.tests.reference import Reference, Session, measures
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.compare import Before, Compare, Groups, Other
from bihuan.engine.filters import EVERYTHING, EventChoice
from bihuan.engine.meta import sampled
from bihuan.engine.periods import Between, Last
from bihuan.engine.question import Scope, Statement
from bihuan.engine.tests.broken_down import breakdowns
from bihuan.engine.tests.exactly import exactly, thin_or_crowded
from bihuan.engine.tests.worlds import NAMES, World, filters, load
from bihuan.engine.visible import Binder

Sides = tuple[list[Session], list[Session]]


def same(mine: Measures, other: Measures) -> bool:
    for name in ("sessions", "people", "events", "bounces"):
        assert getattr(mine, name) == getattr(other, name)
    for name in ("median", "p90", "mean", "each", "depth", "bounce"):
        assert getattr(mine, name) == (None if getattr(other, name) is None else pytest.approx(getattr(other, name), abs=1e-6))
    assert (mine.sure is None) == (other.sure is None)
    if mine.sure is not None and other.sure is not None:
        for name in ("sessions", "people", "events", "bounces"):
            here, there = getattr(mine.sure, name), getattr(other.sure, name)
            assert (here.low, here.high) == (pytest.approx(there.low), pytest.approx(there.high))
    return True


def check_sides(now: Measures, before: Measures | None, expected: Sequence[Sequence[Session]], spec: SessionsSpec) -> None:
    assert same(now, measures(expected[0], spec.sample))
    assert (before is None) == (spec.compare is None)
    assert before is None or same(before, measures(expected[1], spec.sample))


def check_parts(parts: Sequence[Part], by_value: Mapping[str, Sides], spec: SessionsSpec) -> None:
    order = sorted(by_value, key=lambda value: (-len(by_value[value][0]), value.encode()))
    alone, rest = order[: spec.top], order[spec.top :]
    assert {part.value for part in parts} == {*alone, *([None] if rest else [])}
    for part in parts:
        values = [part.value] if part.value is not None else rest
        expected = [[one for value in values for one in by_value[value][side]] for side in (0, 1)]
        assert part.other == (0 if part.value is not None else len(rest))
        check_sides(part.measures, part.before, expected, spec)


def check(world: World, spec: SessionsSpec, scope: Scope, result: SessionsResult) -> None:
    found = Reference(world, spec, scope).sides
    check_sides(result.total, result.before, found, spec)
    for bucket in result.buckets:
        check_sides(bucket.measures, bucket.before, [[one for one in side if one.day == bucket.day] for side in found], spec)
    assert spec.sample or sum(bucket.measures.sessions for bucket in result.buckets) == len(found[0])
    for parts, name in ((result.parts, "value"), (result.entries, "entry"), (result.exits, "exit")):
        by_value: dict[str, Sides] = defaultdict(lambda: ([], []))
        for side, sessions in enumerate(found):
            for one in sessions:
                by_value[getattr(one, name)][side].append(one)
        check_parts(parts, {} if name == "value" and not spec.breakdown else by_value, spec)


comparisons: st.SearchStrategy[Compare | None] = st.sampled_from(
    [
        None,
        None,
        Before(to="previous"),
        Before(to="previous"),
        Before(to="week"),
        Before(to="month", align="date"),
        Groups(segment="fans"),
        Groups(segment="fans", against="!"),
        Other(period=Last(last=9)),
        Other(period=Last(last=1)),
    ]
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, SessionsSpec]:
    days = draw(st.sampled_from([3, 6, 6, 16, 50]))
    world = draw(thin_or_crowded(days=days, max_events=60))
    choice = st.builds(EventChoice, event=st.sampled_from(NAMES), filter=st.one_of(st.none(), filters()))
    until = world.today - timedelta(days=draw(st.sampled_from([0, 0, 1, 1, 5, -1])))
    periods: list[Last | Between] = [Last(last=draw(st.integers(1, 6)))]
    periods.append(Between(since=until - timedelta(days=draw(st.sampled_from([0, 1, 5, 40]))), until=until))
    return world, SessionsSpec(
        events=draw(st.one_of(st.just(()), st.lists(choice, max_size=3).map(tuple))),
        filter=draw(st.one_of(st.just(EVERYTHING), filters(segments=("some", "same")))),
        period=draw(st.sampled_from(periods)),
        unit=draw(st.sampled_from(("day", "week", "month"))),
        gap=draw(st.sampled_from((1, 15, 30, 240, 720))),
        bounce_seconds=draw(st.sampled_from((None, 10, 900, 3600))),
        by=draw(st.sampled_from((None, "plan", "country"))),
        compare=draw(comparisons),
        breakdown=draw(st.just(()) | breakdowns()),
        top=draw(st.integers(1, 4)),
        sample=draw(st.sampled_from((None, None, None, 0.6))),
    )


def only_sampled(engine: Engine, world: World, scope: Scope, sample: float | None) -> World:
    """The world without the people who are not in the sample."""
    binder = Binder()
    sql = f"SELECT event_key AS key FROM history WHERE {sampled(sample, binder)}"
    whole = engine.whole("test", Statement(sql, binder.params), scope.period(Last(last=1)), scope)
    keys = {row["key"] for row in engine.store.fetch(whole.sql, whole.params, settings=engine.settings()).rows}
    return replace(world, events=tuple(event for event in world.events if event.key in keys))


@exactly(5)
@given(st.lists(cases(), min_size=1, max_size=6))
def test_sessions_are_those_that_plain_python_counts(engine: Engine, several: list[tuple[World, SessionsSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        asked = only_sampled(engine, world, scope, spec.sample) if spec.sample else world
        check(asked, spec, scope, engine.ask(SESSIONS, spec, scope).result)


def told(result: SessionsResult) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbers of people with the cell that each leads to, save those of the table."""
    for name, parts in (("entry", result.entries), ("exit", result.exits)):
        for part in parts:
            cell = {f"{name}_other": True} if part.value is None else {name: part.value}
            yield part.measures.people, cell
            if part.before is not None:
                yield part.before.people, {**cell, "before": True}
    if result.before is not None:
        yield result.before.people, {"before": True}


@exactly(4)
@given(st.lists(cases(), min_size=2, max_size=3))
def test_behind_each_number_are_as_many_people(engine: Engine, several: list[tuple[World, SessionsSpec]]) -> None:
    question = behind(SESSIONS)
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        answer = engine.ask(SESSIONS, spec, scope)
        table = answer.table
        linked = [
            (row[at], dict(cell)) for row, cells in zip(table.rows, table.cells, strict=True) for at, cell in enumerate(cells) if cell
        ]
        people = [(number, cell) for number, cell in linked if not cell.get("bounced")]
        found = Reference(only_sampled(engine, world, scope, spec.sample) if spec.sample else world, spec, scope).sides
        bounced = [({one.person for one in found[side] if one.bounced}, {"bounced": True, "before": bool(side)}) for side in (0, 1)]
        part = spec.sample or 1
        numbers = [*people, *told(answer.result), *((round(len(some) / part), cell) for some, cell in bounced if some)]
        for number, cell in [each for each in numbers if each[0]][-6:]:
            asked = question.spec.model_validate({"of": spec, "cell": SessionsCell.model_validate(cell)})
            assert round(engine.ask(question, asked, scope).result.total / part) == number


def test_who_is_behind_a_day_a_value_an_entry_and_a_bounce(engine, scope, write, first_person):
    write(
        (first_person, "A", "2026-03-14 09:00", {"plan": "pro"}),
        (first_person, "B", "2026-03-14 09:30"),
        (first_person + 1, "B", "2026-03-13 09:00"),
        (first_person + 1, "A", "2026-03-13 09:31"),
        (0, "A", "2026-03-13 09:31"),
    )
    spec = SessionsSpec.model_validate({"breakdown": {"property": "plan"}, "top": 1})
    question = behind(SESSIONS)

    def people(**cell: object) -> list[int]:
        asked = question.spec.model_validate({"of": spec, "cell": SessionsCell.model_validate(cell)})
        return [one.number - first_person for one in engine.ask(question, asked, scope).result.people]

    assert people() == [0, 1]
    assert people(bucket="2026-03-13") == [1]
    assert people(none=True) == [1]
    assert people(other=True) == [0]
    assert people(entry="A") == [0, 1]
    assert people(exit="B") == [0, 1]
    assert people(bounced=True) == [1]
    assert people(entry="A", bounced=True) == [1]


def test_a_period_without_sessions_has_zeros_and_no_chart(engine, scope):
    answer = engine.ask(SESSIONS, SessionsSpec(period=Last(last=3)), scope)
    assert (answer.result.total, len(answer.table.rows), answer.table.rows[0][1:4]) == (Measures(), 3, (0, 0, None))
    assert answer.result.entries == answer.result.exits == ()
