"""Baskets as a chart, a panel and a table, made from rows by hand: no store needed."""

from __future__ import annotations

from typing import Any

import pytest

from bihuan.analyse.basket.chart import chart_basket, panel_basket
from bihuan.analyse.basket.result import headlines_basket, shape_basket, table_basket
from bihuan.analyse.basket.spec import BasketSpec, Bought
from bihuan.analyse.tests.test_shown import SCOPE, Plain

SPEC = BasketSpec(of=Bought(event="Buy"), item="product", top=1)


def row(*its: int, name: str = "", baskets: int, people: int = 9, extra: tuple[int, ...] = ()) -> dict[str, Any]:
    return {"its": list(its), "name": name, "baskets": baskets, "people": people, "extra": list(extra)}


def rows(together: int) -> list[dict[str, Any]]:
    items = [row(1, name="tea", baskets=100), row(2, name="cup & pot", baskets=50), row(1, 2, baskets=together, people=7)]
    return [row(baskets=400, people=300, extra=(150, 700, 9)), *items]


def test_a_rule_has_the_numbers_of_the_textbooks_and_leads_to_its_people():
    result = shape_basket(SPEC, SCOPE, rows(40))
    rule = result.rules[0]
    assert (rule.when, rule.then, rule.verdict) == (("cup & pot",), "tea", "more")  # of two that are as sure, the more confident
    assert rule.lift is not None
    assert [rule.support, rule.confidence, rule.lift.estimate] == pytest.approx([0.1, 0.8, 3.2])
    assert [rule.leverage, rule.conviction] == pytest.approx([0.1 - 0.25 * 0.125, 0.75 / 0.2])
    panel = panel_basket(result, Plain())
    assert panel["more"] == "1 number"
    assert panel["rules"][0]["at"] == "cell.first=cup+%26+pot&cell.second=tea"
    assert panel["rules"][0]["without_at"] == "cell.first=cup+%26+pot&cell.without=tea"
    assert table_basket(result).cells[0][3] == {"first": "cup & pot", "second": "tea"}
    assert [each.value for each in headlines_basket(result)] == [400, 1.75, 0.375, 2]
    assert result.warnings == (
        ("Only the {items} items that are in the most baskets are looked at; {count} others are not.", {"items": 2, "count": 7}),
    )


def test_the_squares_are_there_twice_and_have_their_people():
    chart = chart_basket(shape_basket(SPEC, SCOPE, rows(40)), Plain()) or {}
    data = chart["series"][0]["data"]
    assert [each["value"][:2] for each in data] == [[0, 1], [1, 0]]
    assert data[0]["cell"] == {"first": "tea", "second": "cup & pot"}
    assert chart_basket(shape_basket(SPEC, SCOPE, rows(40)[:3]), Plain()) is None


def test_where_all_may_be_chance_it_is_said():
    result = shape_basket(SPEC, SCOPE, rows(13))
    assert [rule.verdict for rule in result.rules] == [""]
    assert result.warnings[0][0] == "Nothing is together more often than chance: all of these rules may be chance."
