"""Intervals on the real engine against plain Python, on random worlds: every number and every list the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.interval import INTERVAL
from bihuan.analyse.interval.result import IntervalPart
from bihuan.analyse.interval.spec import IntervalCell, IntervalSpec
from bihuan.analyse.interval.tests.reference import Interval, Reference
from bihuan.analyse.spread import TIMES, Spread
from bihuan.analyse.tests.spreading import readable_edges, rounded, spread
from bihuan.analyse.window import Window
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.compare import Before, Compare, Groups, Other
from bihuan.engine.filters import EVERYTHING
from bihuan.engine.periods import Between, Last
from bihuan.engine.selection import Choosing
from bihuan.engine.tests.broken_down import breakdowns
from bihuan.engine.tests.exactly import crowded, exactly
from bihuan.engine.tests.worlds import NAMES, World, event_choices, filters, load

conditions = st.integers(0, 9).flatmap(lambda one: filters(segments=("some", "same")) if one in (4, 7) else st.just(EVERYTHING))
comparisons: st.SearchStrategy[Compare | None] = st.sampled_from(
    [
        None,
        Before(to="previous"),
        Before(to="week"),
        Before(to="month", align="date"),
        Groups(segment="fans"),
        Groups(segment="fans", against="!"),
        Other(period=Last(last=9)),
    ]
)


@st.composite
def choosing(draw: st.DrawFn) -> Choosing:
    also = draw(st.just(()) | event_choices(NAMES[:2], st.none()).map(lambda each: (each,)))
    return Choosing(event=draw(st.sampled_from([*NAMES[:2], "*"])), filter=draw(conditions), also=also)


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, IntervalSpec]:
    world = draw(crowded(days=draw(st.sampled_from([2, 16, 50]))))
    until = world.today - timedelta(days=draw(st.sampled_from([0, 0, 1, 5, -3])))
    start = draw(choosing())
    return world, IntervalSpec(
        start=start,
        end=draw(choosing() | st.just(start)),
        begins=draw(st.sampled_from(["last", "first"])),
        longest=draw(
            st.sampled_from([Window(n=9), Window(n=9), Window(n=30, unit="hour"), Window(n=2, unit="hour"), Window(n=1, unit="second")])
        ),
        held=draw(st.sampled_from([None, None, None, "plan", "n"])),
        filter=draw(conditions),
        period=Between(since=until - timedelta(days=draw(st.sampled_from([1, 9, 40]))), until=until),
        day=draw(st.sampled_from(["start", "end"])),
        unit=draw(st.sampled_from(["day", "week", "month"])),
        cuts=draw(st.sampled_from([(), (), (0.25, 1.0, 2.0)])),
        compare=draw(comparisons),
        breakdown=draw(st.just(()) | breakdowns()),
        value_of=draw(st.sampled_from(["start", "end"])),
        top=draw(st.integers(1, 3)),
    )


def expected(some: Sequence[Interval], edges: Sequence[float]) -> Spread:
    return spread([(one.person, one.length) for one in some], edges, per=1000)


def check(told: Reference, part: IntervalPart, sides: list[list[Interval]], edges: Sequence[float]) -> None:
    assert rounded(part.now) == expected(sides[0], edges)
    assert (None if part.before is None else rounded(part.before)) == (expected(sides[1], edges) if told.spec.compare else None)
    for side, buckets in enumerate((part.buckets, part.buckets_before)):
        if buckets is not None:
            assert [rounded(each) for each in buckets] == [expected(some, edges) for some in told.buckets(side, sides[side])]


@exactly(3)
@given(st.lists(cases(), min_size=4, max_size=4))
def test_every_interval_is_the_one_that_plain_python_finds(engine: Engine, several: list[tuple[World, IntervalSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        result = engine.ask(INTERVAL, spec, scope).result
        told = Reference(world, spec, scope)
        sides = told.sides()
        every = [*sides[0], *sides[1]]
        edges = list(spec.edges) or (readable_edges([one.length for one in every], TIMES) if every else [])
        if not every:
            assert (result.everybody.now.many, result.parts) == (0, ())
            continue
        check(told, result.everybody, sides, edges)
        for part, both in zip(sorted(result.parts, key=lambda part: part.place), told.parts(sides), strict=True):
            check(told, part, both, edges)


@exactly(3)
@given(st.lists(cases(), min_size=1, max_size=1))
def test_behind_each_number_are_as_many_people(engine: Engine, several: list[tuple[World, IntervalSpec]]) -> None:
    question = behind(INTERVAL)
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        answer = engine.ask(INTERVAL, spec, scope)
        table, everybody = answer.table, answer.result.everybody
        linked = [(row[at], cell) for row, cells in zip(table.rows, table.cells, strict=True) for at, cell in enumerate(cells) if cell]
        for (least, below), people in zip(answer.result.bars, everybody.now.bar_people, strict=False):
            linked.append((people, {name: at for name, at in (("least", least), ("below", below)) if at is not None}))
        for number, cell in [each for each in linked if each[0]][-3:]:
            asked = question.spec.model_validate({"of": spec, "cell": IntervalCell.model_validate(cell)})
            assert engine.ask(question, asked, scope).result.total == number
        now = Reference(world, spec, scope).sides()[0]
        for quarter, (above, up_to) in enumerate(everybody.now.quarters if now else (), 1):
            whose = {
                one.person
                for one in now
                if (quarter == 1 or one.length / 1000 > (above or 0)) and (quarter == 4 or one.length / 1000 <= (up_to or 0))
            }
            asked = question.spec.model_validate({"of": spec, "cell": IntervalCell(quarter=quarter)})
            assert engine.ask(question, asked, scope).result.total == len(whose)
