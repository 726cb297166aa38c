"""Distributions on the real engine against plain Python, on random worlds: every number and every list the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.distribution import DISTRIBUTION
from bihuan.analyse.distribution.result import DistributionPart
from bihuan.analyse.distribution.spec import OF_EVENTS, OF_NOTHING, WHOLE, Counted, DistributionCell, DistributionSpec, Measure
from bihuan.analyse.distribution.tests.reference import Number, Reference, pooled
from bihuan.analyse.spread import TENTHS, Spread
from bihuan.analyse.spread import WHOLE as WHOLE_STEPS
from bihuan.analyse.tests.spreading import readable_edges, rounded, spread
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.compare import Before, Compare, Groups, Other
from bihuan.engine.filters import EVERYTHING
from bihuan.engine.periods import Between, Last
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
MEASURES: tuple[Measure, ...] = ("events", "days", "hours", "sum", "average", "min", "max", "distinct", "number", "text", "number", "text")


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, DistributionSpec]:
    world = draw(crowded(days=draw(st.sampled_from([2, 16, 50]))))
    until = world.today - timedelta(days=draw(st.sampled_from([0, 0, 1, 5, -3])))
    measure = draw(st.sampled_from(MEASURES))
    also = draw(st.just(()) | event_choices(NAMES[:2], st.none()).map(lambda each: (each,)))
    return world, DistributionSpec(
        counted=Counted(event=draw(st.sampled_from([*NAMES[:2], "*"])), filter=draw(conditions), also=also),
        measure=measure,
        property=None if measure in OF_NOTHING else draw(st.sampled_from(["n", "revenue", "plan", "missing"])),
        among="doers" if measure in OF_EVENTS else draw(st.sampled_from(["doers", "active"])),
        unit=draw(st.sampled_from(["period", "week", "month", *([] if measure == "days" else ["day"])])),
        filter=draw(conditions),
        period=Between(since=until - timedelta(days=draw(st.sampled_from([1, 9, 40]))), until=until),
        cuts=draw(st.sampled_from([(), (), (0.25, 1.0, 2.0)])),
        texts=draw(st.sampled_from([2, 20])),
        compare=draw(comparisons),
        breakdown=draw(st.just(()) | breakdowns()),
        top=draw(st.integers(1, 3)),
    )


class Expected:
    """What the answer to a spec must be."""

    def __init__(self, told: Reference) -> None:
        self.told, spec = told, told.spec
        self.texts = told.texts()
        every = [one for side in (0, 1) for _, one in pooled(told.numbers(side, told.sides[side]))]
        steps, begin = (WHOLE_STEPS, 1) if spec.measure in WHOLE else ((*TENTHS, *WHOLE_STEPS), 0)
        self.edges: Sequence[float] = spec.cuts
        if not spec.cuts and every and spec.measure != "text":
            self.edges = readable_edges([float(one) for one in every], steps, begin)
        self.empty = not every

    def spread(self, numbers: Sequence[Number]) -> Spread:
        if self.told.spec.measure != "text":
            return spread([(person, float(one)) for person, one in numbers], self.edges)
        shown = self.told.spec.texts
        bars = [[each for each in numbers if each[1] == text] for text in self.texts[:shown]]
        if len(self.texts) > shown:
            bars.append([each for each in numbers if each[1] in self.texts[shown:]])
        return Spread(len(numbers), people(numbers), bars=tuple(map(len, bars)), bar_people=tuple(map(people, bars)))

    def check(self, part: DistributionPart, sides: Sequence[Sequence[object]]) -> None:
        for side, (found, buckets) in enumerate(((part.now, part.buckets), (part.before, part.buckets_before))):
            if found is None or buckets is None:
                assert self.told.spec.compare is None
                continue
            numbers = self.told.numbers(side, sides[side])  # type: ignore[arg-type]
            assert rounded(found) == self.spread(pooled(numbers))
            assert [rounded(each) for each in buckets] == [self.spread(numbers.get(day, [])) for day in self.days()]

    def days(self) -> list[date]:
        unit = self.told.spec.unit
        return [] if unit == "period" else [start.date() for start in self.told.period.buckets(unit)]


def people(numbers: Sequence[Number]) -> int:
    return len({person for person, _ in numbers} - {0})


@exactly(3)
@given(st.lists(cases(), min_size=4, max_size=4))
def test_every_number_is_the_one_that_plain_python_finds(engine: Engine, several: list[tuple[World, DistributionSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        result = engine.ask(DISTRIBUTION, spec, scope).result
        told = Reference(world, spec, scope)
        expected = Expected(told)
        if expected.empty:
            assert (result.everybody.now.many, result.parts) == (0, ())
            continue
        expected.check(result.everybody, told.sides)
        parts = [both for both in told.parts() if any(pooled(told.numbers(side, both[side])) for side in (0, 1))]
        for part, both in zip(sorted(result.parts, key=lambda part: part.place), parts, strict=True):
            expected.check(part, both)


@exactly(3)
@given(st.lists(cases(), min_size=1, max_size=1))
def test_behind_each_number_are_as_many_people(engine: Engine, several: list[tuple[World, DistributionSpec]]) -> None:
    question = behind(DISTRIBUTION)
    for (_, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        table = engine.ask(DISTRIBUTION, spec, scope).table
        linked = [(row[at], cell) for row, cells in zip(table.rows, table.cells, strict=True) for at, cell in enumerate(cells) if cell]
        for number, cell in [each for each in linked if each[0]][-3:]:
            asked = question.spec.model_validate({"of": spec, "cell": DistributionCell.model_validate(cell)})
            assert engine.ask(question, asked, scope).result.total == number
