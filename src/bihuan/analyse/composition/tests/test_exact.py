"""Composition on the real engine against plain Python, on random worlds: every number the same."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.composition import COMPOSITION
from bihuan.analyse.composition.result import cell_of
from bihuan.analyse.composition.spec import ByDate, ByElement, CompositionCell, CompositionSpec, Did, Who
from bihuan.analyse.composition.tests.reference import days_later, instant, load_with_ids, measured, parts, scanned
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.breakdowns import ByChannel, ByNumber, ByPerson, BySegment
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import EVERYTHING, PersonProperty
from bihuan.engine.tests.exactly import exactly, thin_or_crowded
from bihuan.engine.tests.worlds import NAMES, Trait, World, filters, milliseconds

AGO = (0, 2, 5)  # days before today on which periods end
LISTS: tuple[object, ...] = (["a", "b"], ["b"], [], ["c", 2, "c"], "b", [""], None)


@st.composite
def worlds_with_lists(draw: st.DrawFn) -> World:
    """People have a property that is a list, too, and more of the others: some since the very end of a period, which is too late for it."""
    world = draw(thin_or_crowded(max_events=30))
    seed = random.Random(draw(st.integers(0, 10_000)))
    now = milliseconds(world.now)
    more = [Trait(seed.randint(1, 6), "tags", seed.choice(LISTS), False, now - seed.randint(1, 12) * 86_400_000 - n) for n in range(5)]
    more += [Trait(seed.randint(1, 6), "age", seed.choice([17, 18, 25, 41.5, 60]), False, now - n * 86_400_000 - 77) for n in range(4)]
    more += [Trait(seed.randint(1, 6), "joined", f"2026-0{seed.randint(1, 3)}-05", False, now - n * 90_000_000 - 99) for n in range(4)]
    ends = [milliseconds(instant(world.today - timedelta(days=days - 1), world.zone)) for days in AGO]
    more += [Trait(seed.randint(1, 6), name, "Köln", False, end) for end in ends for name in ("city", "vip") if seed.random() < 0.5]
    return replace(world, traits=(*(one for one in world.traits if abs(one.rank) not in ends), *more))


def some_people() -> st.SearchStrategy[Who]:
    did = st.builds(Did, event=st.sampled_from((*NAMES[:2], "*")))
    return st.builds(
        Who,
        segment=st.sampled_from((None, None, "fans", "rest")),
        did=st.none() | did,
        filter=st.just(EVERYTHING) | filters(people=True),
    )


def properties() -> st.SearchStrategy[tuple[object, ...]]:
    one: st.SearchStrategy[object] = st.one_of(
        st.builds(ByPerson, person=st.sampled_from(("city", "vip", "age", "missing"))),
        st.builds(ByElement, elements=st.sampled_from(("tags", "city"))),
        st.builds(ByDate, date=st.sampled_from(("joined", "member")), unit=st.sampled_from(("day", "month", "year"))),
        st.builds(ByNumber, number=st.just("age"), of=st.just("person"), cuts=st.just((18.0, 40.0))),
        st.builds(ByNumber, number=st.just("age"), of=st.just("person"), width=st.just(10.0)),
        st.builds(ByNumber, number=st.just("age"), of=st.just("person"), quantiles=st.integers(2, 3)),
        st.builds(BySegment, segments=st.just(("fans", "rest"))),
        st.builds(ByChannel, channel=st.just("first")),
    )
    return st.lists(one, min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def cases(draw: st.DrawFn, *, scan: bool = False) -> tuple[World, CompositionSpec]:
    world = draw(worlds_with_lists())
    document = {
        "who": draw(some_people()),
        "base": draw(st.just(Who()) | some_people()),
        "by": () if scan else draw(properties()),
        "as_of": draw(st.sampled_from(("now", "end"))),
        "value": draw(st.sampled_from((None, "age"))),
        "measure": draw(st.sampled_from(("sum", "avg", "median"))),
        "period": days_later(world, draw(st.sampled_from(AGO))),
        "top": draw(st.sampled_from((1, 2, 10))),
    }
    return world, CompositionSpec.model_validate(document)


@exactly(3)
@given(st.lists(cases(), min_size=3, max_size=4))
def test_parts_are_those_that_plain_python_finds(engine: Engine, several: list[tuple[World, CompositionSpec]]) -> None:
    question = behind(COMPOSITION)
    for (world, spec), (scope, numbers) in zip(several, load_with_ids(engine.store, *(world for world, _ in several)), strict=True):
        result = engine.ask(COMPOSITION, spec, scope).result
        found, hidden, target, base = parts(world, spec, scope)
        assert (result.people, result.base_people, result.shared) == (len(target), len(base), len(target & base))
        assert {part.values: (part.people, part.base_people, part.shared) for part in result.parts} == {
            shown: (len(each.target), len(each.base), len(each.target & each.base)) for shown, each in found.items()
        }
        assert list(result.hidden) == hidden
        if spec.value is not None:
            assert result.whole == pytest.approx(measured(world, spec, scope, target))
            for part in result.parts:
                assert part.number == pytest.approx(measured(world, spec, scope, found[part.values].target))
                if spec.compared:
                    assert part.base_number == pytest.approx(measured(world, spec, scope, found[part.values].base))
        for part in result.parts[-1:]:
            side = len(found) % 2 == 0
            cell = CompositionCell.model_validate(cell_of(part, base=side))
            people = engine.ask(question, question.spec.model_validate({"of": spec, "cell": cell}), scope).result.people
            assert {numbers.index(one.number) for one in people} == (found[part.values].base if side else found[part.values].target)


@exactly(2)
@given(st.lists(cases(scan=True), min_size=3, max_size=4))
def test_all_properties_are_those_that_plain_python_finds(engine: Engine, several: list[tuple[World, CompositionSpec]]) -> None:
    question = behind(COMPOSITION)
    for (world, spec), (scope, _) in zip(several, load_with_ids(engine.store, *(world for world, _ in several)), strict=True):
        result = engine.ask(COMPOSITION, spec, scope).result
        found = {
            one.name: (one.kind, {part.values[0]: (part.people, part.base_people) for part in one.parts}, one.people, one.base_people)
            for one in result.properties
        }
        assert found == scanned(world, spec, scope)
        for one in result.properties[:1]:
            for part in one.parts[:1]:
                cell = CompositionCell.model_validate(cell_of(part, name=one.name))
                people = engine.ask(question, question.spec.model_validate({"of": spec, "cell": cell}), scope).result
                assert people.total == part.people


def test_a_segment_is_of_now_where_properties_are_of_the_end(engine):
    """Somebody was in Chengdu at the end of the period, and has been in Shanghai since."""
    now = datetime(2026, 3, 16, 12, tzinfo=UTC)
    at = [milliseconds(now - timedelta(days=days)) for days in (9, 1)]
    traits = tuple(Trait(1, "city", city, False, rank) for city, rank in zip(("成都", "上海"), at, strict=True))
    here = PersonProperty(person="city", op="is", values=("上海",))
    ((scope, _),) = load_with_ids(engine.store, World("Asia/Shanghai", now, (), traits=traits, segments={"here": here}))
    by = [{"person": "city"}, {"segments": ["here"]}]
    asked = {"by": by, "as_of": "end", "period": {"since": "2026-03-01", "until": "2026-03-10"}}
    parts = engine.ask(COMPOSITION, CompositionSpec.model_validate(asked), scope).result.parts
    assert {part.values: part.people for part in parts} == {("=成都", "=here"): 1, ("=", "="): 5}


def test_a_hidden_property_is_refused_and_not_looked_through(engine, scope):
    secret = replace(scope, hidden=frozenset({"salary"}))
    for document in ({"by": [{"person": "salary"}]}, {"by": [{"person": "city"}], "value": "salary"}):
        with pytest.raises(QuestionError, match="hidden"):
            engine.ask(COMPOSITION, CompositionSpec.model_validate(document), secret)
    cell = CompositionCell(name="salary", first="=9")
    question = behind(COMPOSITION)
    with pytest.raises(QuestionError, match="hidden"):
        engine.ask(question, question.spec.model_validate({"of": CompositionSpec(), "cell": cell}), secret)


def test_a_condition_on_events_is_refused(engine, scope):
    spec = CompositionSpec.model_validate({"who": {"filter": {"property": "page", "op": "set"}}})
    with pytest.raises(QuestionError, match="is about people"):
        engine.ask(COMPOSITION, spec, scope)


@pytest.mark.parametrize(
    "document",
    [
        {"by": [{"person": "city", "as_of": "event"}]},
        {"by": [{"channel": "last"}]},
        {"by": [{"number": "age", "of": "event", "width": 5}]},
        {"by": [{"person": "city"}, {"person": "city"}]},
        {"by": [{"person": "a"}, {"person": "b"}, {"person": "c"}], "top": 30},
    ],
)
def test_what_does_not_tell_people_apart_is_refused(document):
    with pytest.raises(ValueError, match=r"People|Say once|twice|at most 15"):
        CompositionSpec.model_validate(document)
