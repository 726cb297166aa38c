"""Filters against the real engine: every kind of condition means what plain Python says it means."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.engine.conditions import MAX_DEPTH, condition
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import All, Did, EventProperty, Filter, InSegment, Not, Op, PersonProperty, Value
from bihuan.engine.filters import Any as AnyOf
from bihuan.engine.periods import Period
from bihuan.engine.question import Scope
from bihuan.engine.store import Store
from bihuan.engine.tests.exactly import exactly, thin_or_crowded
from bihuan.engine.tests.worlds import NAMES, World, did, filters, load
from bihuan.engine.visible import Binder, ctes

Write = Callable[..., None]


def selected(store: Store, scope: Scope, tree: Filter) -> list[int]:
    """The keys of the events of which `tree` is true."""
    binder = Binder()
    test = condition(tree, scope, binder)
    head, bound = ctes(scope, Period(scope.now.date(), scope.now.date(), scope.zone))
    rows = store.fetch(f"WITH {head} SELECT event_key FROM history WHERE {test}", {**bound, **binder.params}).rows
    return sorted(row["event_key"] for row in rows)


@exactly(25)
@given(st.lists(st.tuples(thin_or_crowded(max_events=25), filters(segments=("some", "same"))), min_size=1, max_size=4))
def test_a_filter_selects_the_events_that_plain_python_selects(store: Store, cases: list[tuple[World, Filter]]) -> None:
    for (world, tree), scope in zip(cases, load(store, *(world for world, _ in cases)), strict=True):
        assert selected(store, scope, tree) == [event.key for event in world.events if world.holds(tree, event)]


def doings() -> st.SearchStrategy[Filter]:
    """Trees of nothing but what people did, or did not."""
    return st.recursive(
        did(NAMES[:2], st.none()),
        lambda inner: st.one_of(
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: All(all=tuple(parts))),
            st.lists(inner, min_size=2, max_size=3).map(lambda parts: AnyOf(any=tuple(parts))),
            inner.map(lambda part: Not(negated=part)),
        ),
        max_leaves=6,
    )


@exactly(20)
@given(st.lists(st.tuples(thin_or_crowded(max_events=25), doings()), min_size=3, max_size=4))
def test_what_people_did_of_several_things_is_found_in_one_look(store: Store, cases: list[tuple[World, Filter]]) -> None:
    for (world, tree), scope in zip(cases, load(store, *(world for world, _ in cases)), strict=True):
        assert selected(store, scope, tree) == [event.key for event in world.events if world.holds(tree, event)]


def test_conditions_on_what_people_did_are_one_look_wherever_they_stand_side_by_side(scope: Scope) -> None:
    often, never = Did(did="a", times=3), Not(negated=Did(did="b", days=7))
    city = PersonProperty(person="city", values=("上海",))
    for tree, looks in ((All(all=(often, city, never)), 1), (AnyOf(any=(often, never)), 1), (All(all=(often, city)), 1), (often, 1)):
        assert condition(tree, scope, Binder()).count("FROM history") == looks
    nested: Filter = often
    for _ in range(MAX_DEPTH + 1):
        nested = All(all=(nested, never))
    with pytest.raises(QuestionError, match="nested"):
        condition(nested, scope, Binder())


ODD = ("", "x", "it's", 'say "hi"', "back\\slash", "专业版", "🙂", "100%", "_", "{v0:String}", "a\nb", "null", "true")


@pytest.mark.parametrize("value", ODD[1:])
def test_a_text_with_any_characters_is_found_and_only_it(store: Store, scope: Scope, write: Write, value: str) -> None:
    write(*[(1, "View", "2026-03-14 10:00", {"text": each, "city": each, "n": n}) for n, each in enumerate(ODD)])
    for name in ("text", "city"):
        found = texts(store, scope, EventProperty(property=name, values=(value,)))
        assert found == [str(ODD.index(value))]


@pytest.mark.parametrize(
    ("op", "values", "found"),
    [
        ("is", (2.0,), ["2", '"2"']),
        ("is", ("2",), ["2", '"2"']),
        ("is", (True,), ["true", '"true"']),
        ("is", ("two", 10), ["10", '"two"']),
        ("is_not", (2.0,), ["-1.5", '"nan"', '""', '"true"', '"two"', "10", "[2]", "null", "true"]),
        ("gt", (1.5,), ["2", '"2"', "10"]),
        ("le", ("2",), ["2", '"2"', "-1.5"]),
        ("contains", ("TW",), ['"two"']),
        ("set", (), ["-1.5", '"2"', '"nan"', '"true"', '"two"', "10", "2", "[2]", "true"]),
        ("not_set", (), ['""', "null"]),
    ],
)
def test_each_comparison_with_each_type(
    store: Store, scope: Scope, write: Write, op: Op, values: tuple[Value, ...], found: list[str]
) -> None:
    kinds = [2, "2", 10, -1.5, True, "true", "two", "nan", "", None, [2]]
    write(*[(1, "View", "2026-03-14 10:00", {"x": each, "n": n}) for n, each in enumerate(kinds)])
    numbers = texts(store, scope, EventProperty(property="x", op=op, values=values))
    assert sorted(json.dumps(kinds[int(n)]) for n in numbers) == sorted(found)


def texts(store: Store, scope: Scope, tree: Filter) -> list[str]:
    """The property n of the events of which `tree` is true."""
    binder = Binder()
    test = condition(tree, scope, binder)
    head, bound = ctes(scope, Period(scope.now.date(), scope.now.date(), scope.zone))
    sql = f"WITH {head} SELECT JSONExtractRaw(props, 'n') AS n FROM history WHERE {test}"
    return sorted(str(row["n"]) for row in store.fetch(sql, {**bound, **binder.params}).rows)


def test_people_who_never_did_it_are_among_those_who_did_it_at_most_so_often(store: Store, scope: Scope, write: Write) -> None:
    write((1, "Order", "2026-03-14 10:00"), (2, "View", "2026-03-14 10:00", {"n": 2}), (0, "View", "2026-03-14 10:00", {"n": 0}))
    assert texts(store, scope, All(all=(EventProperty(property="n", op="set"), Did(did="Order", op="le", times=0)))) == ["2"]
    assert texts(store, scope, All(all=(EventProperty(property="n", op="set"), Did(did="Order", op="eq", times=0)))) == ["2"]


def test_a_property_of_a_person_that_is_not_set_is_the_empty_text(store: Store, scope: Scope, write: Write) -> None:
    write((1, "View", "2026-03-14 10:00", {"n": 1}), (2, "View", "2026-03-14 10:00", {"n": 2}))
    assert texts(store, scope, PersonProperty(person="city", values=("",))) == ["1", "2"]
    assert texts(store, scope, PersonProperty(person="city", op="is_not", values=("",))) == []


def test_the_days_of_did_are_the_project_s_with_today(store: Store, scope: Scope, write: Write) -> None:
    write((1, "View", "2026-03-15 00:00", {"n": 1}), (2, "View", "2026-03-14 23:59", {"n": 2}))
    assert texts(store, scope, Did(did="View", days=1)) == ["1"]
    assert texts(store, scope, Did(did="View", days=2)) == ["1", "2"]


def test_a_segment_may_be_made_of_segments(store: Store, scope: Scope, write: Write) -> None:
    write((1, "View", "2026-03-14 10:00", {"n": 1}), (2, "View", "2026-03-14 10:00", {"n": 2}))
    segments: dict[str, Filter] = {"one": EventProperty(property="n", values=(1,)), "not one": Not(negated=InSegment(segment="one"))}
    assert texts(store, replace(scope, segments=segments), InSegment(segment="not one")) == ["2"]


def test_a_segment_that_refers_to_itself_is_an_error_that_says_so(scope: Scope) -> None:
    around = replace(scope, segments={"a": Not(negated=InSegment(segment="b")), "b": InSegment(segment="a")})
    with pytest.raises(QuestionError, match="refers to itself"):
        condition(InSegment(segment="a"), around, Binder())


def test_conditions_nested_too_deep_are_an_error(scope: Scope) -> None:
    tree: Filter = All()
    for _ in range(MAX_DEPTH + 1):
        tree = Not(negated=tree)
    with pytest.raises(QuestionError, match="nested more than 20 deep"):
        condition(tree, scope, Binder())


def test_an_unknown_segment_is_an_error_with_its_name(scope: Scope) -> None:
    with pytest.raises(QuestionError, match="no segment “gone”"):
        condition(InSegment(segment="gone"), scope, Binder())


def test_a_comparison_without_a_value_or_of_a_word_by_size_is_an_error(scope: Scope) -> None:
    with pytest.raises(QuestionError, match="no value"):
        condition(EventProperty(property="n"), scope, Binder())
    with pytest.raises(QuestionError, match="“many” is not a number"):
        condition(EventProperty(property="n", op="gt", values=("many",)), scope, Binder())
