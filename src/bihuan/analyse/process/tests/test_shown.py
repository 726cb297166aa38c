"""A process as a drawing, a table and a list of cases; who is behind its numbers; and its limits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bihuan.analyse.process import PROCESS, PROCESS_CASES
from bihuan.analyse.process import cases as cases_module
from bihuan.analyse.process.graph import END, REST, START, drawn
from bihuan.analyse.process.listing.chart import panel_cases
from bihuan.analyse.process.listing.result import Case, ProcessCases, said_cases
from bihuan.analyse.process.listing.spec import ProcessCasesSpec
from bihuan.analyse.process.spec import ProcessCell, ProcessSpec
from bihuan.analyse.tests.test_shown import Plain
from bihuan.engine.behind import behind
from bihuan.govern.forms import parse_dotted

TRACES = ("abcd", "abcd", "abcd", "acbd", "acbd", "aed", "abbd")
ORDER = [{"activity": step} for step in "abcd"]


@pytest.fixture
def traces(write, first_person):
    """L1 of the textbooks and one trace with a repetition; each an order of a person of its own, an hour from step to step."""
    for number, trace in enumerate(TRACES):
        write(*((first_person + number, step, f"2026-03-10 {9 + hour:02}:00", {"order": f"o{number}"}) for hour, step in enumerate(trace)))
    return first_person


def spec(**asked: Any) -> ProcessSpec:
    return ProcessSpec.model_validate({"case": "property", "id": "order", "order": ORDER, **asked})


def test_a_number_of_people_in_the_table_is_that_of_its_list(engine, scope, traces):
    table = engine.ask(PROCESS, spec(), scope).table
    question = behind(PROCESS)
    assert {row[0] for row in table.rows} == {"activity", "connection", "variant", "missing", "out_of_order", "repeated", "unexpected"}
    one_of_each = {row[0]: (row, cells) for row, cells in zip(table.rows, table.cells, strict=True)}
    for row, cells in one_of_each.values():
        cell = parse_dotted([(f"cell.{name}", str(value)) for name, value in cells[5].items()])
        asked = question.spec.model_validate({"of": spec(), **cell})
        assert engine.ask(question, asked, scope).result.total == row[5]


def test_cases_behind_a_number_are_listed_with_their_way(engine, scope, traces):
    def listed(**cell: Any) -> list[str]:
        asked = ProcessCasesSpec.model_validate({**spec().model_dump(), "cell": cell})
        return [one.id for one in engine.ask(PROCESS_CASES, asked, scope).result.cases]

    assert listed() == ["o0", "o1", "o2", "o3", "o4", "o6", "o5"]  # the longest first, then by their beginning and id
    assert listed(activity="c", next="b") == ["o3", "o4"]
    assert listed(activity="b", again=True) == ["o6"]
    assert listed(conforming="yes") == ["o0", "o1", "o2"]
    assert listed(deviation="missing", activity="c") == ["o6", "o5"]
    assert listed(deviation="unexpected") == ["o5"]
    assert listed(variant=["a", "e", "d"]) == ["o5"]
    assert listed(activity="a", begins=True, conforming="no") == ["o3", "o4", "o6", "o5"]
    assert listed(activity="a", ended=True) == []
    asked = ProcessCasesSpec.model_validate({**spec().model_dump(), "limit": 1})
    found = engine.ask(PROCESS_CASES, asked, scope)
    assert (found.result.total, found.result.cases[0].names, found.result.cases[0].person) == (7, tuple("abcd"), traces)
    assert found.table.rows[0][:2] == ("o0", traces)


def test_the_list_of_cases_shows_their_ways_folded_and_ids_only_where_cases_have_them():
    def shown(named: bool) -> dict[str, Any]:
        one = Case("o1" if named else "", 7, datetime(2026, 3, 1, tzinfo=UTC), 90.0, True, ("a", "a", "b"))
        return dict(panel_cases(ProcessCases((one,), 1, ProcessCell(), named), Plain()))

    (row,) = shown(named=True)["cases"]
    assert [(step["name"], step["times"]) for step in row["steps"]] == [("a", 2), ("b", 1)]
    assert (row["id"], row["activities"], row["took"]) == ("o1", "3 number", "90.0 seconds")
    assert (shown(named=True)["named"], shown(named=False)["named"]) == (True, False)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ({}, "Cases"),
        ({"running": True}, "Cases that are not complete"),
        ({"activity": "Pay"}, "Cases with Pay"),
        ({"activity": "Pay", "again": True}, "Cases with Pay more than once"),
        ({"activity": "Pay", "begins": True}, "Cases that begin with Pay"),
        ({"activity": "Pay", "ended": True}, "Cases that end with Pay"),
        ({"activity": "Pay", "running": True}, "Cases that are at Pay so far"),
        ({"activity": "Pay", "next": "Ship"}, "Cases that go from Pay to Ship"),
        ({"variant": ["Pay", "Ship"]}, "Cases that take the way Pay → Ship"),
        ({"conforming": "no"}, "Cases that do not keep the order"),
        ({"deviation": "missing", "activity": "Pay"}, "Cases that lack Pay"),
    ],
)
def test_the_list_says_which_cases_it_has(cell, said):
    title, values = said_cases(ProcessCell.model_validate(cell))
    assert title.format(**values) == said


def test_the_drawing_leads_to_people_and_says_what_it_hides(engine, scope, traces):
    result = engine.ask(PROCESS, spec(activities=60, edges=80), scope).result
    shown = drawn(result)
    assert [one.name for one in shown.activities] == ["a", "b", "d"]  # of five, a and d 7 times, b 7 times, c 5, e once
    assert shown.hidden_activities == 2
    assert (shown.gone[START, "a"], shown.gone["d", END]) == (7, 7)
    assert shown.gone["a", REST] == 3  # to c twice, to e once
    assert shown.loops == {"b": 1}
    series = (PROCESS.chart(result, Plain()) or {})["series"][0]
    names = {node["name"] for node in series["data"]}
    assert {end for link in series["links"] for end in (link["source"], link["target"])} <= names
    assert len(names) == len(series["data"])
    cells = [link["cell"] for link in series["links"] if "cell" in link]
    assert {"activity": "a", "next": "b"} in cells
    assert {"activity": "a", "begins": True} in cells
    for cell in cells:
        ProcessCell.model_validate(cell)


def test_all_that_was_asked_for_is_drawn(engine, scope, traces):
    result = engine.ask(PROCESS, spec(edges=100), scope).result
    shown = drawn(result)
    assert (shown.hidden_activities, shown.hidden_links, shown.shown) == (0, 0, 1.0)
    panel = PROCESS.panel(result, Plain()) if PROCESS.panel else {}
    assert panel["hidden"] == ""
    assert panel["variants"][0]["steps"] == [{"name": name, "times": 1} for name in "abcd"]
    assert panel["variants"][2]["query"] == "cell.variant.0=a&cell.variant.1=b&cell.variant.2=b&cell.variant.3=d"
    assert [one["name"] for one in panel["again"]] == ["b"]


def test_an_answer_without_cases_has_no_chart_and_no_rows(engine, scope):
    result = engine.ask(PROCESS, spec(), scope).result
    assert PROCESS.chart(result, Plain()) is None
    assert PROCESS.table(result).rows == ()
    assert result.warnings == ()
    assert (PROCESS.panel(result, Plain()) if PROCESS.panel else {})["chart"] is None


def test_limits_are_said(engine, scope, traces, monkeypatch):
    monkeypatch.setattr(cases_module, "MOST_ACTIVITIES", 3)
    monkeypatch.setattr(cases_module, "MOST_EVENTS", 3)
    result = engine.ask(PROCESS, spec(order=[]), scope).result
    assert {one.name for one in result.activities} == {"a", "b", "d", "…"}
    assert (result.whole.cut, max(len(way.names) for way in result.variants)) == (6, 3)
    assert len(result.warnings) == 2


def test_too_many_cases_are_a_random_part_that_is_always_the_same(engine, scope, write, first_person, monkeypatch):
    write(*((first_person + number, "a", "2026-03-10 09:00") for number in range(200)))
    monkeypatch.setattr(cases_module, "MOST_CASES", 100)
    found = engine.ask(PROCESS, ProcessSpec(case="person"), scope).result
    assert found.whole.found == 200
    assert 70 < found.whole.cases < 130
    people = behind(PROCESS)
    asked = people.spec.model_validate({"of": ProcessSpec(case="person"), "cell": {}})
    assert engine.ask(people, asked, scope).result.total == found.whole.cases


def test_service_is_the_time_from_start_to_completion(engine, scope, write, first_person):
    write(
        (first_person, "Packing started", "2026-03-10 09:00"),
        (first_person, "Packing started", "2026-03-10 09:10"),  # again, while it runs
        (first_person, "Called", "2026-03-10 09:30"),
        (first_person, "Packing finished", "2026-03-10 10:00"),
        (first_person, "Sent", "2026-03-10 10:20"),
    )
    packing = {"begin": "Packing started", "end": "Packing finished", "name": "Packing"}
    result = engine.ask(PROCESS, ProcessSpec.model_validate({"case": "person", "services": [packing]}), scope).result
    (variant,) = result.variants
    assert variant.names == ("Packing", "Called", "Sent")
    assert {one.name: one.service.median for one in result.activities} == {"Packing": 3600, "Called": None, "Sent": None}
    waiting = {(edge.name, edge.next): edge.waiting.median for edge in result.edges}
    assert waiting == {("Packing", "Called"): 0, ("Called", "Sent"): 50 * 60}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"case": "property"}, "which case"),
        ({"order": [{"activity": "a"}, {"activity": "a"}]}, "once"),
        ({"services": [{"begin": "a", "end": "b"}, {"begin": "b", "end": "c"}]}, "one activity only"),
        ({"compare": {"target": 3}}, "not with a number"),
    ],
)
def test_what_does_not_fit_together_is_said(asked, message):
    with pytest.raises(ValueError, match=message):
        ProcessSpec.model_validate(asked)
