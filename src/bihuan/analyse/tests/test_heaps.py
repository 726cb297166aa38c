"""Heaps give each person's events in order, whoever shares a heap and however wide the events' numbers are."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bihuan.analyse.heaps import Heaps
from bihuan.engine.store import Store

# Of one heap, of neighbouring ones, and the highest numbers that there can be.
PERSONS = (1, 2, 256, 257, 513, 65_537, 2**24 + 1, 2**31 + 1, 2**32 - 255, 2**32 - 1)


@st.composite
def gathered(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]]]:
    bits = draw(st.sampled_from((1, 5, 33, 40, 41, 44, 56, 62, 63)))
    number = st.integers(0, 2**bits - 1) | st.sampled_from((0, 2**bits - 1))
    return bits, draw(st.lists(st.tuples(st.sampled_from(PERSONS), number), max_size=40))


@pytest.mark.parametrize("told_by", [int, str])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(gathered())
def test_each_person_has_their_own_events_in_order(store: Store, told_by: type, drawn: tuple[int, list[tuple[int, int]]]) -> None:
    bits, events = drawn
    heaps = Heaps.of(told_by(bits))
    rows = "FROM (SELECT one.1 AS person, one.2 AS number FROM (SELECT arrayJoin({events:Array(Tuple(UInt32, UInt64))}) AS one))"
    pieces = heaps.cut_sql("codes", heaps.another, "number", rows)
    sql = f"SELECT {heaps.owner('codes[1]')} AS person, arrayMap(one -> {heaps.number('one')}, codes) AS numbers FROM ({pieces})"
    expected = defaultdict(list)
    for person, number in sorted(events):
        expected[person].append(number)
    found = store.fetch(sql, {"events": events}).rows
    assert len(found) == len(expected)
    assert {row["person"]: list(row["numbers"]) for row in found} == expected


def test_there_are_few_heaps_where_there_is_room_for_people_and_many_where_there_is_not() -> None:
    assert [Heaps.of(bits).heap_bits for bits in (5, 40, 44, 63)] == ["8", "8", "12", "31"]
