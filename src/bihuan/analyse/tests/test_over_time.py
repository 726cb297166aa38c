"""How each value of a breakdown goes over time: lines, a grid, and rows of the table, of intervals and of a distribution."""

from __future__ import annotations

from typing import Any

import pytest

from bihuan.analyse.distribution import DISTRIBUTION
from bihuan.analyse.interval import INTERVAL
from bihuan.analyse.tests.test_shown import Plain
from bihuan.engine.behind import behind
from bihuan.engine.question import Question

PERIOD = {"since": "2026-03-02", "until": "2026-03-03"}
BY = [{"property": "channel"}]
QUESTIONS: list[tuple[Question[Any, Any], dict[str, Any]]] = [
    (INTERVAL, {"start": {"event": "Order"}, "end": {"event": "Pay"}, "period": PERIOD, "breakdown": BY}),
    (
        DISTRIBUTION,
        {"counted": {"event": "Order"}, "measure": "sum", "property": "price", "unit": "day", "period": PERIOD, "breakdown": BY},
    ),
]


@pytest.fixture
def orders(write, first_person):
    """Two days; on the web one order is paid after an hour, then two after three; in the shop one after two hours, on the second day."""
    for person, (day, channel, hours) in enumerate(((2, "web", 1), (3, "web", 3), (3, "web", 3), (3, "shop", 2)), first_person):
        write(
            (person, "Order", f"2026-03-0{day} 09:00", {"channel": channel, "price": hours * 10}),
            (person, "Pay", f"2026-03-0{day} {9 + hours:02}:00", {}),
        )


@pytest.mark.parametrize(("question", "asked"), QUESTIONS, ids=["interval", "distribution"])
def test_each_value_is_a_line_over_time_that_leads_to_its_people(engine, scope, orders, question, asked):
    result = engine.ask(question, question.spec.model_validate(asked), scope).result
    panel = question.panel(result, Plain())
    chart = panel["by_time" if question is INTERVAL else "lines"]
    size = 1 if question is INTERVAL else 10  # hours, or money
    lines = {line["name"]: [point["value"] for point in line["data"]] for line in chart["series"]}
    assert lines == {"web": [1 * size, 3 * size], "shop": [None, 2 * size]}
    cells = panel["over_time"]["rows"][0]["cells"]  # the second day
    assert [cell["query"] for cell in cells] == ["cell.place=1&cell.bucket=2026-03-03", "cell.place=2&cell.bucket=2026-03-03"]
    assert panel["over_time"]["rows"][1]["cells"][1]["text"] == ""
    people = behind(question)
    for (_, place, bucket), number in ((("web", 1, "2026-03-03"), 2), (("shop", 2, "2026-03-03"), 1), (("shop", 2, "2026-03-02"), 0)):
        spec = people.spec.model_validate({"of": asked, "cell": {"place": place, "bucket": bucket}})
        assert engine.ask(people, spec, scope).result.total == number


@pytest.mark.parametrize(("question", "asked"), QUESTIONS, ids=["interval", "distribution"])
def test_the_table_has_each_day_of_each_value_after_all_of_it(engine, scope, orders, question, asked):
    table = engine.ask(question, question.spec.model_validate(asked), scope).table
    assert [column.name for column in table.columns][:2] == ["value", "day"]
    told = [(row[0], str(row[1]) if row[1] else None) for row in table.rows]
    assert list(dict.fromkeys(told)) == [
        ("web", None),
        ("web", "2026-03-02"),
        ("web", "2026-03-03"),
        ("shop", None),
        ("shop", "2026-03-03"),
    ]


@pytest.mark.parametrize(("question", "asked"), QUESTIONS, ids=["interval", "distribution"])
def test_nothing_goes_over_time_where_nothing_is_broken_down(engine, scope, orders, question, asked):
    result = engine.ask(question, question.spec.model_validate({**asked, "breakdown": []}), scope).result
    panel = question.panel(result, Plain())
    assert panel["over_time"] is None
    assert panel["by_time" if question is INTERVAL else "lines"] is None
