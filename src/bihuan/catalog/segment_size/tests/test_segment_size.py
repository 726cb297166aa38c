"""A segment's size: known people give known numbers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bihuan.catalog.segment_size import SEGMENT_SIZE, SegmentSize, SegmentSizeSpec
from bihuan.engine.ask import Engine
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import Did, InSegment, Not
from bihuan.engine.question import Scope
from bihuan.engine.store import Store


@pytest.fixture
def people(store: Store, scope: Scope, write, first_person: int) -> int:
    """Four people, of whom the first has two ids and the first two bought. Returns the first one's number."""
    first = first_person
    ids = [
        ("user", "u1", first),
        ("anonymous", "a1", first),
        ("user", "u2", first + 1),
        ("user", "u3", first + 2),
        ("user", "u4", first + 3),
    ]
    columns: list[list[Any]] = [
        [scope.project_id] * 5,
        *([row[i] for row in ids] for i in range(3)),
        [datetime(2026, 1, 1, tzinfo=UTC)] * 5,
    ]
    store.insert(
        "person_ids",
        ["project_id", "id_type", "id", "person_id", "first_seen"],
        columns,
        ["UInt32", "LowCardinality(String)", "String", "UInt32", "DateTime64(3, 'UTC')"],
    )
    write((first, "Buy", "2026-03-14 10:00"), (first + 1, "Buy", "2026-03-10 10:00"), (0, "Buy", "2026-03-10 10:00"))
    return first


def test_everybody_counts_once_however_many_ids(engine: Engine, scope: Scope, people: int) -> None:
    assert engine.ask(SEGMENT_SIZE, SegmentSizeSpec(), scope).result == SegmentSize(4, 4)


def test_a_condition_and_its_opposite_make_everybody(engine: Engine, scope: Scope, people: int) -> None:
    bought = Did(did="Buy", days=30)
    assert engine.ask(SEGMENT_SIZE, SegmentSizeSpec(filter=bought), scope).result.people == 2
    assert engine.ask(SEGMENT_SIZE, SegmentSizeSpec(filter=Not(negated=bought)), scope).result.people == 2
    assert engine.ask(SEGMENT_SIZE, SegmentSizeSpec(filter=Did(did="Buy", days=2)), scope).result.people == 1


def test_a_saved_segment_is_its_filter(engine: Engine, scope: Scope, people: int) -> None:
    with_segment = replace(scope, segments={"buyers": Did(did="Buy", days=30)})
    assert engine.ask(SEGMENT_SIZE, SegmentSizeSpec(filter=InSegment(segment="buyers")), with_segment).result.people == 2
    with pytest.raises(QuestionError, match="no segment"):
        engine.ask(SEGMENT_SIZE, SegmentSizeSpec(filter=InSegment(segment="buyers")), scope)


def test_nobody_is_a_share_of_nothing(engine: Engine, scope: Scope) -> None:
    assert engine.ask(SEGMENT_SIZE, SegmentSizeSpec(), scope).result.share is None
