"""Results as tables, charts and panels, made from rows by hand: no store needed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from bihuan.analyse.funnel import FUNNEL
from bihuan.analyse.funnel.result import shape_funnel
from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.analyse.retention import RETENTION
from bihuan.analyse.retention.result import Mean, shape_retention
from bihuan.analyse.retention.spec import RetentionSpec
from bihuan.engine.question import Scope

SCOPE = Scope(1, "UTC", datetime(2026, 3, 3, 12, tzinfo=UTC))


class Plain:
    """A reader who is told values as they are."""

    language, zone, currency = "en", "UTC", ""

    def say(self, msgid: str, **values: Any) -> str:
        return msgid.format(**values)

    def counted(self, one: str, several: str, count: int, **values: Any) -> str:
        return self.say(one if count == 1 else several, count=count, **values)

    def show(self, value: Any, kind: str) -> str:
        return f"{value} {kind}"


def row(*people: int, part: str = "total", place: int = 0, value: str = "", values: int = 1) -> dict[str, Any]:
    times = {"start_times": [[0, 0, 60_000, 0, 0]] * 2, "previous_times": [[0, 0, 30_000, 0, 0]] * 2}
    bars = {"start_histogram": [[0, people[-1], *[0] * 17]] * 2, "previous_histogram": [[people[-1], *[0] * 18]] * 2}
    return {"part": part, "place": place, "people": list(people), "value": value, "values": values, "open": 2, "side": 0, **times, **bars}


TWO_STEPS = FunnelSpec.model_validate(
    {"steps": [{"event": "a"}, {"event": "b", "name": "Bought"}], "breakdown": {"property": "plan"}, "top": 1}
)
EACH_DAY = RetentionSpec.model_validate({"start": {"event": "a"}, "return": {"event": "b"}, "periods": 1, "period": {"last": 3}})


def test_a_funnel_without_anybody_has_zeros_but_no_chart_and_no_rows():
    result = shape_funnel(TWO_STEPS, SCOPE, [])
    assert [(step.people, step.from_start, step.from_previous) for step in result.everybody.steps] == [(0, None, None), (0, None, None)]
    assert FUNNEL.chart(result, Plain()) is None
    assert FUNNEL.table(result).rows == ()
    assert result.warnings == ()
    assert (FUNNEL.panel(result, Plain()) if FUNNEL.panel else {})["times"] is None


def test_a_funnel_shows_steps_and_values_with_the_rest_as_one():
    rows = [row(8, 2), row(3, part="value", place=2, values=4), row(5, 2, part="value", place=1, value="pro")]
    result = shape_funnel(TWO_STEPS, SCOPE, rows)
    assert [(part.value, part.other, part.entered, part.conversion) for part in result.parts] == [("pro", 0, 5, 0.4), (None, 4, 3, 0.0)]
    assert [cells[:4] for cells in FUNNEL.table(result).rows] == [
        ("pro", 1, "a", 5),
        ("pro", 2, "Bought", 2),
        ("(other)", 1, "a", 3),
        ("(other)", 2, "Bought", 0),
    ]
    assert FUNNEL.table(result).cells[1][3] == {"step": 2, "value": "pro"}
    assert FUNNEL.table(result).cells[1][6] == {"step": 2, "state": "dropped", "value": "pro"}
    assert set(FUNNEL.table(result).cells[3]) == {None}  # who is behind the rest is not told
    panel = FUNNEL.panel(result, Plain()) if FUNNEL.panel else {}
    assert [step["width"] for step in panel["steps"]] == [100.0, 25.0]
    assert panel["steps"][1]["median"] == "30.0 seconds"
    assert [part["title"] for part in panel["parts"]] == ["pro", "4 other values"]
    assert result.warnings == (("{count} people may still convert: the time they have is not over yet.", {"count": 2}),)


def test_a_retention_triangle_marks_what_runs_and_leaves_out_what_has_not_begun():
    counts = {(0, -1): 4, (0, 0): 4, (0, 1): 1, (1, -1): 1, (1, 0): 1, (1, 1): 1}
    rows = [{"place": 0, "cohort": at, "after": after, "people": people, "value": "", "rank": 0} for (at, after), people in counts.items()]
    result = shape_retention(EACH_DAY, SCOPE, rows)
    assert [cohort.day for cohort in result.everybody.cohorts] == [date(2026, 3, day) for day in (1, 2, 3)]
    assert result.everybody.curve == (Mean(1.0, 1.0), Mean(0.25, 0.25))  # the second cohort's next day is today: left out
    cohorts = (RETENTION.panel(result, Plain()) if RETENTION.panel else {})["cohorts"]
    shown = [[(bool(cell["share"]), cell["running"]) for cell in cohort["cells"]] for cohort in cohorts]
    assert shown == [[(True, False), (True, False)], [(True, False), (True, True)], [(False, False), (False, False)]]
    assert len(RETENTION.table(result).rows) == 5
    chart = RETENTION.chart(result, Plain()) or {}
    assert chart["xAxis"]["data"] == ["Day 0", "Day 1"]
    assert [line["data"] for line in chart["series"][:2]] == [[1.0, 0.25], [1.0, 0.25]]


def test_retention_of_nobody_has_no_chart_and_no_rows():
    result = shape_retention(EACH_DAY, SCOPE, [])
    assert RETENTION.chart(result, Plain()) is None
    assert RETENTION.table(result).rows == ()
