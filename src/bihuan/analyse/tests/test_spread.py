"""How numbers spread, without a store; and bars that no number can break, with one."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from bihuan.analyse.spread import TENTHS, TIMES, WHOLE, Cuts, Spread, edges_sql, range_said, ranges, spread_of, used
from bihuan.analyse.tests.spreading import readable_edges
from bihuan.analyse.tests.test_shown import Plain
from bihuan.engine.visible import Binder


class Short(Plain):
    """Says numbers as they are."""

    def show(self, value: Any, kind: str) -> str:
        return f"{value:g}"


def said(*bar: float | None, reads: Any = "whole") -> str:
    return range_said((bar[0], bar[1]), reads, Short())


def test_whole_numbers_are_told_one_by_one():
    assert [said(None, 1), said(1, 2), said(3, 6), said(6, None), said(None, 3)] == ["0", "1", "3–5", "6 or more", "under 3"]
    assert said(1, 2.5) == "1 – 2.5"
    assert [said(1, 2, reads="number"), said(None, 1, reads="number")] == ["1 – 2", "under 1"]


def test_times_begin_with_nothing():
    assert [said(0, 60, reads="seconds"), said(None, 60, reads="seconds"), said(60, None, reads="seconds")] == [
        *["under 60"] * 2,
        "from 60",
    ]


def test_empty_bars_at_both_ends_are_not_shown():
    assert ranges([1.0, 2.0]) == ((None, 1.0), (1.0, 2.0), (2.0, None))
    assert used([Spread(bars=(0, 2, 0, 0)), Spread(bars=(0, 0, 1, 0))]) == range(1, 3)
    assert used([Spread(bars=(0, 0))]) == range(0)


def test_a_sample_is_scaled_up_and_numbers_are_not():
    row = {"many": 3, "people": 2, "bars": [1, 2], "bar_people": [1, 1], "quantiles": [2.0] * 7, "total": 6.0}
    found = spread_of(row, 2, sample=0.1)
    assert (found.many, found.people, found.bars, found.bar_people, found.mean) == (30, 20, (10, 20), (10, 10), 2.0)


def test_cuts_are_typed_as_people_type_them():
    cuts = TypeAdapter(Cuts)
    assert cuts.validate_python("1，3、 10;20") == (1, 3, 10, 20)
    for wrong in ("3, 1", "1, 1", "1, inf", "one"):
        with pytest.raises(ValidationError):
            cuts.validate_python(wrong)


@pytest.mark.parametrize(
    ("numbers", "steps", "begin"),
    [
        ([0.1, 0.2, 0.3, 0.7, 0.7], TENTHS, 0),
        ([-3, 5, 1000, 12.5], (*TENTHS, *WHOLE), 0),
        ([0, 0, 0, 4], WHOLE, 1),
        ([0], WHOLE, 1),
        ([*range(30), 1000, 1000], WHOLE, 0),  # the 95th of a hundred is one of the great ones, the 90th is not
        ([7 * 86_400_000, 1, 365 * 86_400_000], TIMES, 0),
    ],
)
def test_bars_begin_where_plain_python_lets_them_begin(store, numbers, steps, begin):
    assert edges(store, numbers, steps, begin) == readable_edges(numbers, steps, begin)


def test_no_number_is_too_large_for_bars(store):
    for numbers in ([1e300, -1e300], [1e-300], [1e18, 0.5]):
        assert 1 <= len(edges(store, numbers, (*TENTHS, *WHOLE), 0)) <= 13


def edges(store: Any, numbers: list[float], steps: Any, begin: int) -> list[float]:
    binder = Binder()
    source = f"(SELECT arrayJoin({binder.bind([float(number) for number in numbers], 'Array(Float64)')}) AS number)"
    found = store.fetch(edges_sql(source, "number", steps, binder, begin=begin), binder.params).rows[0]["edges"]
    return [float(edge) for edge in found]
