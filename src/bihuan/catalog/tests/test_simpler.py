"""Simpler conditions are true of the same people, by the real engine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any as Whatever

import pytest

from bihuan.catalog.segment_size import SEGMENT_SIZE, SegmentSizeSpec
from bihuan.catalog.simpler import simpler
from bihuan.engine.ask import Engine
from bihuan.engine.filters import All, Any, Did, EventProperty, Filter, Not, PersonProperty
from bihuan.engine.question import Scope
from bihuan.engine.store import Store

VIEWED_TEA = Did(did="View", where=EventProperty(property="page", values=("tea",)))
PAIRS: tuple[tuple[Filter, Filter], ...] = (
    (Not(negated=Did(did="Buy")), Did(did="Buy", op="le", times=0)),
    (Not(negated=Did(did="Buy", times=2)), Did(did="Buy", op="le", times=1)),
    (Not(negated=Did(did="Buy", op="le", times=1)), Did(did="Buy", times=2)),
    (Not(negated=Did(did="Buy", op="eq", times=1)), Not(negated=Did(did="Buy", op="eq", times=1))),
    (Not(negated=VIEWED_TEA), VIEWED_TEA.model_copy(update={"op": "le", "times": 0})),
    (Not(negated=PersonProperty(person="plan", values=("gold",))), PersonProperty(person="plan", op="is_not", values=("gold",))),
    (Not(negated=PersonProperty(person="plan", op="not_set")), PersonProperty(person="plan", op="set")),
    (Not(negated=Not(negated=Did(did="Buy"))), Did(did="Buy")),
    (
        All(all=(Did(did="View"), Any(any=(Not(negated=Did(did="Buy")), PersonProperty(person="plan", op="set"))))),
        All(all=(Did(did="View"), Any(any=(Did(did="Buy", op="le", times=0), PersonProperty(person="plan", op="set"))))),
    ),
)


@pytest.mark.parametrize(("tree", "expected"), PAIRS)
def test_a_simpler_condition_is_true_of_the_same_people(
    engine: Engine, store: Store, scope: Scope, write: Whatever, first_person: int, tree: Filter, expected: Filter
) -> None:
    first = first_person
    people = range(first, first + 4)
    columns: list[list[Whatever]] = [
        [scope.project_id] * 4,
        ["user"] * 4,
        [str(n) for n in people],
        list(people),
        [datetime(2026, 1, 1, tzinfo=UTC)] * 4,
    ]
    types = ["UInt32", "LowCardinality(String)", "String", "UInt32", "DateTime64(3, 'UTC')"]
    store.insert("person_ids", ["project_id", "id_type", "id", "person_id", "first_seen"], columns, types)
    names = ["project_id", "name", "person_id", "once", "value", "rank"]
    traits: list[list[Whatever]] = [[scope.project_id] * 2, ["plan"] * 2, [first, first + 1], [False] * 2, ['"gold"', '"free"'], [1, 1]]
    store.insert("traits", names, traits, ["UInt32", "LowCardinality(String)", "UInt32", "Bool", "String", "Int64"])
    write((first, "Buy", "2026-03-14 10:00"), (first + 1, "Buy", "2026-03-13 10:00"), (first + 1, "Buy", "2026-03-12 10:00"))
    write((first, "View", "2026-03-14 10:00", {"page": "tea"}), (first + 2, "View", "2026-03-14 10:00", {"page": "cup"}))

    def size(of: Filter) -> int:
        return int(engine.ask(SEGMENT_SIZE, SegmentSizeSpec(filter=of), scope).result.people)

    assert simpler(tree) == expected
    assert size(tree) == size(expected)
    assert 0 < size(tree) < 4
