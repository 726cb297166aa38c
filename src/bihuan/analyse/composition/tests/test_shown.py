"""Composition as charts, a panel and a table, made from rows by hand: no store needed."""

from __future__ import annotations

from typing import Any

from bihuan.analyse.composition.chart import chart_composition, most_telling, panel_composition
from bihuan.analyse.composition.result import shape_composition
from bihuan.analyse.composition.spec import CompositionSpec
from bihuan.analyse.composition.table import table_composition
from bihuan.analyse.tests.test_shown import SCOPE, Plain

BUYERS = {"did": {"event": "Buy"}}


def value(name: str, part: str, target: int, base: int, *, kind: str = "text") -> dict[str, Any]:
    counts = {"target": target, "base": base, "both": target}
    has = {"has_target": 90, "has_base": 900, "has_both": 90} if name else {"has_target": 0, "has_base": 0, "has_both": 0}
    return {"name": name, "kind": kind, "distinct": 3, "part": part, "values": 2, **has, **counts}


def test_the_properties_that_tell_most_come_first_and_the_unknown_is_no_telling_value():
    rows = [
        value("", "=", 100, 1000),
        value("plan", "=pro", 60, 200),
        value("plan", "*", 30, 700),
        value("color", "=red", 40, 400),
        value("color", "=blue", 50, 500),
        value("mail", "=", 90, 900, kind="unique"),
    ]
    result = shape_composition(CompositionSpec.model_validate({"who": BUYERS}), SCOPE, rows)
    assert [(one.name, one.differs) for one in result.properties] == [("plan", True), ("color", False), ("mail", False)]
    plan = result.properties[0]
    assert [(part.values, part.people, part.base_people) for part in plan.parts] == [
        (("=pro",), 60, 200),
        (("*",), 30, 700),
        (("=",), 10, 100),
    ]
    assert [(one.name, part.values[0]) for one, part in most_telling(result)] == [("plan", "=pro")]
    panel = panel_composition(result, Plain())
    assert panel["telling"][0]["people_at"] == "cell.name=plan&cell.first=%3Dpro"
    assert panel["properties"][0]["parts"][1]["people_at"] == ""  # who is behind the rest is not told
    assert (panel["chart"] or {})["series"][0]["data"][0]["value"] == 300.0
    assert [row[:2] for row in table_composition(result).rows] == [
        ("plan", "pro"),
        ("plan", "(other)"),
        ("plan", "(none)"),
        ("color", "blue"),
        ("color", "red"),
        ("color", "(none)"),
    ]


def part(*values: str, target: int, base: int, whole: bool = False) -> dict[str, Any]:
    numbers = {"in_target_numbers": [2.0, 30.0, 12.0], "in_base_numbers": [4.0, 40.0, 9.0]}
    return {
        "whole": int(whole),
        "values": list(values),
        "of_target": target,
        "of_base": base,
        "of_both": target,
        "hidden": [2, 0],
        **numbers,
    }


def test_two_properties_are_a_pivot_with_months_in_order_and_the_rest_at_the_end():
    document = {"who": BUYERS, "by": [{"person": "city"}, {"date": "joined"}], "value": "age", "measure": "median"}
    rows = [
        part("", "", target=20, base=90, whole=True),
        part("=a", "=2026-02", target=5, base=10),
        part("=a", "=2026-01", target=1, base=20),
        part("*", "=2026-01", target=12, base=50),
        part("=", "=2026-02", target=2, base=10),
    ]
    result = shape_composition(CompositionSpec.model_validate(document), SCOPE, rows)
    assert [one.values for one in result.parts] == [("=a", "=2026-01"), ("=a", "=2026-02"), ("=", "=2026-02"), ("*", "=2026-01")]
    assert (result.whole, result.base_whole, result.parts[0].number) == (12.0, 9.0, 12.0)
    panel = panel_composition(result, Plain())
    assert panel["pivot"]["columns"] == ["2026-01", "2026-02"]
    assert [[cell and cell["people"] for cell in row["cells"]] for row in panel["pivot"]["rows"]] == [
        ["1 number", "5 number"],
        [None, "2 number"],
        ["12 number", None],
    ]
    chart = chart_composition(result, Plain()) or {}
    assert [each["name"] for each in chart["series"]] == ["2026-01", "2026-02"]


def test_nobody_has_no_chart_and_no_rows():
    result = shape_composition(CompositionSpec.model_validate({"who": BUYERS}), SCOPE, [])
    assert chart_composition(result, Plain()) is None
    assert table_composition(result).rows == ()
