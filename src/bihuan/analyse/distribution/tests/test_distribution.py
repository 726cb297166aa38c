"""Distributions one by one: what counts, what is refused, and how it is shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from bihuan.analyse.distribution import DISTRIBUTION
from bihuan.analyse.distribution.spec import DistributionSpec
from bihuan.analyse.tests.test_shown import Plain


def spec(**more: Any) -> DistributionSpec:
    return DistributionSpec.model_validate({"counted": {"event": "A"}, "period": {"last": 10, "complete": True}, **more})


def test_what_cannot_be_asked_is_refused():
    for wrong in (
        {"measure": "sum"},
        {"measure": "days", "unit": "day"},
        {"measure": "text", "property": "plan", "among": "active"},
        {"compare": {"target": 3}},
    ):
        with pytest.raises(ValidationError):
            spec(**wrong)


def test_who_was_active_without_doing_it_counts_with_nothing(engine, scope, write, first_person):
    at = scope.now - timedelta(days=3)
    write((first_person, "A", at), (first_person, "A", at), (first_person + 1, "B", at), (0, "A", at))
    for measure, bars in (("events", [("0", 1), ("2.0", 1)]), ("days", [("0", 1), ("1.0", 1)])):
        panel = shown(engine, scope, spec(measure=measure, among="active"))
        assert [
            (row["title"].removesuffix(" number"), int(row["many"].split()[0])) for row in panel["rows"] if row["many"] != "0 number"
        ] == bars


def test_events_of_nobody_have_values_but_are_no_people(engine, scope, write, first_person):
    at = scope.now - timedelta(days=3)
    write((first_person, "A", at, {"n": 2}), (0, "A", at, {"n": 4}), (0, "A", at, {"n": "four"}))
    numbers = engine.ask(DISTRIBUTION, spec(measure="number", property="n"), scope).result.everybody.now
    assert (numbers.many, numbers.people, numbers.mean) == (2, 1, 3.0)
    texts = engine.ask(DISTRIBUTION, spec(measure="text", property="n"), scope)
    assert texts.table.rows == (("2", 1, 1 / 3, 1), ("4", 1, 1 / 3, 0), ("four", 1, 1 / 3, 0))


def test_texts_that_are_not_shown_alone_are_one(engine, scope, write, first_person):
    at = scope.now - timedelta(days=3)
    write(*((first_person, "A", at, {"t": text}) for text in "aaabbcd"))
    result = engine.ask(DISTRIBUTION, spec(measure="text", property="t", texts=2), scope).result
    assert [(bar.text, bar.other, many) for bar, many in zip(result.bars, result.everybody.now.bars, strict=True)] == [
        ("a", 0, 3),
        ("b", 0, 2),
        (None, 2, 2),
    ]
    assert [headline.value for headline in DISTRIBUTION.headlines(result)] == [7, 1, 4]
    assert (DISTRIBUTION.chart(result, Plain()) or {})["yAxis"]["data"][-1] == "2 other values"


def test_days_and_weeks_stack_up_to_all_of_them(engine, scope, write, first_person):
    for ago, times in ((1, 1), (1, 3), (2, 3)):
        write(*((first_person + times, "A", scope.now - timedelta(days=ago)) for _ in range(times)))
    panel = shown(engine, scope, spec(unit="day", cuts="2"))
    one, more = panel["by_time"]["series"]
    assert [each["value"] for each in one["data"]][-2:] == [0.0, 0.5]
    assert [each["value"] for each in more["data"]][-2:] == [1.0, 0.5]
    assert more["data"][-1]["cell"] == {"bucket": (scope.today - timedelta(days=1)).isoformat(), "least": 2.0}
    assert panel["counted"] == "People × days"


def test_a_sample_says_so_and_is_scaled_up(engine, scope, write, first_person):
    write(*((person, "A", scope.now - timedelta(days=3)) for person in range(first_person, first_person + 100)))
    answer = engine.ask(DISTRIBUTION, spec(sample=0.5), scope)
    everybody = answer.result.everybody.now
    assert everybody.many % 2 == 0
    assert everybody.bars[1] == everybody.bar_people[1] == everybody.people == everybody.many
    assert 50 < everybody.many < 150
    assert answer.warnings == (("Estimated from {percent} % of the people.", {"percent": 50.0}),)


def test_nothing_has_no_chart_and_no_rows(engine, scope):
    result = engine.ask(DISTRIBUTION, spec(unit="week"), scope).result
    assert DISTRIBUTION.chart(result, Plain()) is None
    assert DISTRIBUTION.table(result).rows == ()


def shown(engine: Any, scope: Any, asked: DistributionSpec) -> Any:
    assert DISTRIBUTION.panel is not None
    return DISTRIBUTION.panel(engine.ask(DISTRIBUTION, asked, scope).result, Plain())
