"""A lifecycle beside something as charts, a panel and headlines, made from rows by hand: no store needed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bihuan.analyse.lifecycle import LIFECYCLE
from bihuan.analyse.lifecycle.chart import PALE, UNFINISHED
from bihuan.analyse.lifecycle.result import LifecycleResult, shape_lifecycle
from bihuan.analyse.lifecycle.spec import LifecycleSpec
from bihuan.analyse.tests.test_shown import Plain
from bihuan.engine.question import Scope

NOW = datetime(2026, 3, 25, 12, tzinfo=UTC)
FOUR_WEEKS = {"unit": "week", "period": {"since": "2026-03-02", "until": "2026-03-25"}}


def rows(side: int, bucket: int, **states: int) -> list[dict[str, Any]]:
    same = {"place": 0, "side": side, "bucket": bucket, "value": "", "rank": 0, "shared": 0}
    return [{**same, "state": state, "people": people} for state, people in states.items()]


def shaped(compare: Any) -> LifecycleResult:
    found = [
        *rows(0, 0, new=3, returning=5, dormant=2),
        *(row for number in range(1, 4) for row in rows(0, number, new=1, returning=6, resurrected=1, dormant=2)),
        *rows(1, 0, new=10, returning=10, dormant=30, earlier=1),
        *(row for number in range(1, 4) for row in rows(1, number, new=8, dormant=2)),
    ]
    spec = LifecycleSpec.model_validate({**FOUR_WEEKS, "compare": compare})
    return shape_lifecycle(spec, Scope(1, "UTC", NOW), [row for row in found if compare or not row["side"]])


def drawn(series: list[dict[str, Any]], name: str) -> list[Any]:
    """The first of this name."""
    return next([item["value"] if isinstance(item, dict) else item for item in one["data"]] for one in series if one["name"] == name)


def test_charts_show_the_other_period_paler_beside_each_bar_and_below_each_line():
    result = shaped("previous")
    bars = chart_of(result)["series"]
    assert [one["stack"] for one in bars] == ["people"] * 4 + ["before"] * 4
    assert drawn(bars, "New") == [3, 1, 1, 1]
    assert drawn(bars, "New, previous period") == [10, 8, 8, 8]
    assert drawn(bars, "Dormant, previous period") == [-30, -2, -2, -2]
    assert [one.get("itemStyle") for one in bars[4:]] == [{"opacity": PALE}] * 4
    assert bars[4]["data"][1]["cell"] == {"day": "2026-03-09", "state": "returning", "before": True}
    assert [item.get("itemStyle") for item in bars[0]["data"]] == [None, None, None, {"opacity": UNFINISHED}]
    lines = panel(result)["lines"]
    assert drawn(lines["series"], "Dormant, previous period") == [30, 2, 2, 2]
    assert lines["legend"]["data"][-1] == "Dormant, previous period"
    assert lines["tooltip"]["formatter"] == "lines"


def test_groups_are_shown_by_their_shares():
    result = shaped({"segment": "fans"})
    chart = chart_of(result)
    assert drawn(chart["series"], "New") == [3 / 8, 1 / 8, 1 / 8, 1 / 8]
    assert drawn(chart["series"], "Dormant, everybody") == [-0.75, -1.0, -1.0, -1.0]
    assert (chart["tooltip"]["valueFormatter"], chart["yAxis"]["axisLabel"]) == ("percent", {"formatter": "percent"})
    shown = panel(result)
    assert drawn(shown["lines"]["series"], "Returning, everybody") == [0.5, 0.0, 0.0, 0.0]
    assert shown["lines"]["tooltip"]["formatter"] == "shares"
    first = shown["stages"][-1]
    assert [one["text"] for one in first["states"]] == [f"{text} share)" for text in STATES_NOW]
    assert (first["beside"], first["before"]["active"]) == ("everybody", "20 number")


STATES_NOW = ("3 number (0.375", "5 number (0.625", "0 number (0.0", f"2 number ({2 / 7}")


def test_below_each_period_stands_the_one_beside_it():
    shown = panel(shaped("previous"))
    newest = shown["stages"][0]
    assert (newest["when"], newest["running"], newest["beside"]) == ("2026-03-23 day", True, "2026-02-23 day")
    assert newest["place"] is None  # no part of the address of its people
    assert [one["text"] for one in newest["before"]["states"]] == ["8 number", "0 number", "0 number", "2 number"]
    assert (shown["compared"], shown["stops"], shown["shares"]) == ("previous period", True, False)


def test_headlines_are_changes_against_what_stands_beside_the_last_whole_period():
    changes = {line.title: line.change for line in LIFECYCLE.headlines(shaped("previous"))}
    assert changes == {"New": 1 / 8 - 1, "Returning": None, "Resurrected": None, "Dormant": None, "Quick ratio": -0.75}


def test_headlines_of_groups_are_their_shares():
    told = {line.title: (line.value, line.kind, line.change) for line in LIFECYCLE.headlines(shaped({"segment": "fans"}))}
    assert told["New, share of the active"] == (1 / 8, "share", 1 / 8 - 1)
    assert told["Dormant, share of those active before"] == (2 / 8, "share", None)
    assert told["Quick ratio"] == (1.0, "number", -0.75)


def test_nothing_is_said_of_another_side_where_nothing_is_compared():
    result = shaped(None)
    assert (result.everybody.before, result.compared_with, result.warnings) == ((), None, ())
    assert len(chart_of(result)["series"]) == 4
    assert [column.name for column in LIFECYCLE.table(result).columns][-1] == "complete"
    assert not any("before" in stage for stage in panel(result)["stages"])


def panel(result: LifecycleResult) -> Any:
    assert LIFECYCLE.panel is not None
    return LIFECYCLE.panel(result, Plain())


def chart_of(result: LifecycleResult) -> dict[str, Any]:
    chart = LIFECYCLE.chart(result, Plain())
    assert chart is not None
    return chart
