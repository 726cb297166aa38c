"""A trend's edges, its table and its chart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from bihuan.engine.ask import Engine
from bihuan.engine.errors import QuestionError
from bihuan.engine.question import Kind, Scope
from bihuan.see.trend import TREND
from bihuan.see.trend.result import TrendResult
from bihuan.see.trend.spec import TrendSpec

Write = Callable[..., None]


class English:
    """A reader who takes everything as it is written."""

    language, zone, currency = "en", "Asia/Shanghai", "CNY"

    def say(self, msgid: str, **values: Any) -> str:
        return msgid.format(**values) if values else msgid

    def counted(self, one: str, several: str, count: int, **values: Any) -> str:
        return self.say(one if count == 1 else several, count=count, **values)

    def show(self, value: Any, kind: Kind) -> str:
        return str(value)


def spec(**document: Any) -> TrendSpec:
    return TrendSpec.model_validate({"series": [{"event": "View"}], "period": {"last": 3}, **document})


def asked(engine: Engine, scope: Scope, **document: Any) -> TrendResult:
    return engine.ask(TREND, spec(**document), scope).result


def test_what_bihuan_did_is_no_event_of_any_event_but_can_be_named(engine: Engine, scope: Scope, write: Write) -> None:
    write((1, "View", "2026-03-14 10:00"))
    write((2, "$message_sent", "2026-03-14 10:00"), source="ledger")
    assert asked(engine, scope, series=[{"measure": "people"}]).overall[0].total == 1
    assert asked(engine, scope, series=[{"event": "$message_sent"}]).overall[0].total == 1


def test_hours_that_have_not_begun_are_left_out_and_the_present_one_is_open(engine: Engine, scope: Scope, write: Write) -> None:
    write((1, "View", "2026-03-15 09:00"))
    result = asked(engine, scope, unit="hour", period={"last": 1})
    assert (len(result.buckets), result.open_end) == (13, True)  # it is noon
    whole = asked(engine, scope, unit="hour", period={"last": 1, "complete": True})
    assert (len(whole.buckets), whole.open_end) == (24, False)


def test_the_period_before_counts_until_the_same_time_of_day(engine: Engine, scope: Scope, write: Write) -> None:
    write((1, "View", "2026-03-14 11:59"), (1, "View", "2026-03-14 12:01"), (1, "View", "2026-03-15 08:00"))
    today = asked(engine, scope, period={"last": 1}, compare="previous").lines[0]
    assert (today.total, today.previous_total, today.change) == (1, 1, 0)
    done = asked(engine, scope, period={"last": 1, "complete": True}, compare="previous").lines[0]
    assert (done.total, done.previous_total, done.change) == (2, 0, None)


def test_on_a_day_of_25_hours_the_repeated_hour_is_a_bucket_of_its_own(engine: Engine, scope: Scope, write: Write) -> None:
    new_york = replace(scope, zone="America/New_York", now=datetime(2026, 11, 1, 23, 59, tzinfo=ZoneInfo("America/New_York")))
    write(
        (1, "View", datetime(2026, 11, 1, 5, 30, tzinfo=ZoneInfo("UTC"))), (1, "View", datetime(2026, 11, 1, 6, 30, tzinfo=ZoneInfo("UTC")))
    )
    result = asked(engine, new_york, unit="hour", period={"last": 1})
    assert len(result.buckets) == 25
    assert result.lines[0].values[:4] == (0, 1, 1, 0)


def test_a_week_that_the_period_cuts_says_so(engine: Engine, scope: Scope) -> None:
    cut = asked(engine, scope, unit="week", period={"since": "2026-03-04", "until": "2026-03-10"})
    assert [start.date().isoformat() for start in cut.buckets] == ["2026-03-02", "2026-03-09"]
    assert (cut.cut_start, cut.open_end) == (True, True)
    whole = asked(engine, scope, unit="week", period={"since": "2026-03-02", "until": "2026-03-08"})
    assert (whole.cut_start, whole.open_end) == (False, False)


def test_by_the_hour_a_long_period_is_refused_with_what_to_change(engine: Engine, scope: Scope) -> None:
    with pytest.raises(QuestionError, match="at most 100 days") as refused:
        asked(engine, scope, unit="hour", period={"last": 101})
    assert refused.value.where == "unit"


def test_a_hidden_property_can_neither_be_measured_nor_broken_down_by(engine: Engine, scope: Scope) -> None:
    hidden = replace(scope, hidden=frozenset({"secret"}))
    for document in (
        {"series": [{"measure": "sum", "property": "secret"}]},
        {"breakdown": {"property": "secret"}},
        {"breakdown": {"person": "secret"}},
        {"filter": {"property": "secret", "op": "set"}},
    ):
        with pytest.raises(QuestionError, match="is hidden from you"):
            asked(engine, hidden, **document)


def test_a_measure_of_a_property_needs_its_name() -> None:
    with pytest.raises(ValidationError, match="Choose the property"):
        spec(series=[{"measure": "median"}])


def test_every_value_is_bound(scope: Scope) -> None:
    evil = "x'; DROP TABLE events --"
    document = {"series": [{"event": evil, "measure": "sum", "property": evil}], "breakdown": {"property": evil}}
    assert "DROP" not in TREND.compile(spec(**document), scope).sql


def test_the_table_has_a_row_for_each_bucket_and_names_that_differ(engine: Engine, scope: Scope, write: Write) -> None:
    write((1, "View", "2026-03-14 10:00", {"n": 3}))
    document: dict[str, Any] = {"series": [{"event": "View"}, {"event": "View"}], "compare": "previous"}
    table = engine.ask(TREND, spec(**document), scope).table
    assert [column.name for column in table.columns] == ["time", "View", "View, previous period", "View 2", "View, previous period 2"]
    assert [(str(row[0]), row[1]) for row in table.rows] == [("2026-03-13", 0), ("2026-03-14", 1), ("2026-03-15", 0)]


def test_money_is_told_as_money(engine: Engine, scope: Scope) -> None:
    lines = asked(engine, scope, series=[{"measure": "sum", "property": "revenue"}, {"measure": "distinct", "property": "revenue"}]).lines
    assert [line.kind for line in lines] == ["money", "number"]


def test_the_unfinished_end_is_dashed_and_the_previous_period_paler(engine: Engine, scope: Scope, write: Write) -> None:
    write((1, "View", "2026-03-14 10:00"), (1, "View", "2026-03-15 10:00"))
    option = TREND.chart(asked(engine, scope, compare="previous"), English())
    assert option is not None
    before, solid, dashed = option["series"]
    assert (before["name"], before["lineStyle"]["opacity"] < 1) == ("View, previous period", True)
    assert (solid["data"], dashed["data"]) == ([0, 1, None], [None, 1, 1])
    assert dashed["lineStyle"]["type"] == "dashed"
    assert before["color"] == solid["color"] == dashed["color"]


def test_one_or_two_buckets_are_bars(engine: Engine, scope: Scope, write: Write) -> None:
    write((1, "View", "2026-03-14 10:00", {"city": "上海"}), (1, "View", "2026-03-15 10:00"))
    option = TREND.chart(asked(engine, scope, period={"last": 2}, breakdown={"property": "city"}), English())
    assert option is not None
    assert option["yAxis"]["data"] == ["(none)", "上海"]
    assert [(one["type"], one["data"]) for one in option["series"]] == [("bar", [0, 1]), ("bar", [1, 0])]


def test_a_value_whose_events_have_no_number_sums_up_to_nothing_and_ranks_above_less(engine: Engine, scope: Scope, write: Write) -> None:
    write((1, "View", "2026-03-14 10:00", {"way": "lost", "n": -2}), (1, "View", "2026-03-15 10:00", {"way": "unsaid"}))
    series = [{"event": "View", "measure": "sum", "property": "n"}]
    result = asked(engine, scope, series=series, breakdown={"property": "way"}, top=1)
    assert [(line.part, line.total) for line in result.lines] == [("unsaid", 0), (None, -2)]


def test_a_breakdown_of_nothing_has_no_chart_and_no_rows(engine: Engine, scope: Scope) -> None:
    answer = engine.ask(TREND, spec(breakdown={"property": "city"}), scope)
    assert TREND.chart(answer.result, English()) is None
    assert answer.table.rows == ()


def test_a_pivot_has_the_first_breakdown_down_and_the_last_across(engine: Engine, scope: Scope, write: Write) -> None:
    write(
        (1, "View", "2026-03-14 10:00", {"city": "上海"}),  # a Saturday
        (1, "View", "2026-03-15 10:00", {"city": "上海"}),
        (1, "View", "2026-03-15 10:00", {"city": "上海"}),
        (1, "View", "2026-03-15 10:00", {"city": "北京"}),
    )
    document = {"breakdown": [{"property": "city"}, {"time": "weekday"}], "look": "pivot"}
    table = engine.ask(TREND, spec(**document), scope).table
    assert [column.name for column in table.columns] == ["value", "Saturday", "Sunday"]
    assert sorted(table.rows) == [("上海", 1, 2), ("北京", None, 1)]


def test_shares_beside_counts_have_an_axis_of_their_own(engine: Engine, scope: Scope, write: Write) -> None:
    write((1, "View", "2026-03-14 10:00"))
    result = asked(engine, scope, series=[{"measure": "events"}, {"measure": "dau_mau"}], compare="previous")
    option = TREND.chart(result, English())
    assert option is not None
    assert [one["yAxisIndex"] for one in option["series"]] == [0, 0, 0, 1, 1, 1]
    assert len(option["yAxis"]) == 2


@pytest.mark.parametrize("look", ["area", "bar", "pie", "number", "table"])
def test_every_look_shows_the_same_numbers(engine: Engine, scope: Scope, write: Write, look: str) -> None:
    write((1, "View", "2026-03-14 10:00", {"city": "上海"}), (1, "View", "2026-03-15 10:00"))
    result = asked(engine, scope, breakdown={"property": "city"}, look=look)
    option = TREND.chart(result, English())
    if look in ("number", "table"):
        assert option is None
        return
    assert option is not None
    if look == "pie":
        assert option["series"][0]["data"] == [{"name": "(none)", "value": 1}, {"name": "上海", "value": 1}]
    else:
        assert [one["name"] for one in option["series"]] == ["(none)", "上海"]


def test_a_target_for_the_period_is_what_the_total_is_measured_by(engine: Engine, scope: Scope, write: Write) -> None:
    write((1, "View", "2026-03-14 10:00"), (1, "View", "2026-03-15 10:00"))
    (line,) = asked(engine, scope, compare={"target": 4, "per": "period"}).lines
    assert (line.total, line.previous_total, line.change) == (2, 4, -0.5)
    each = asked(engine, scope, compare={"target": 4})
    assert (each.target, each.lines[0].change) == (4, None)


def test_an_old_address_still_asks_the_same() -> None:
    old = spec(breakdown={"property": "city"}, compare="previous")
    new = spec(breakdown=[{"property": "city"}], compare={"to": "previous"})
    assert old == new
    assert spec(breakdown=None).breakdown == ()
