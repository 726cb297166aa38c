"""Paths as charts and panels, made from rows by hand: no store needed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bihuan.analyse.paths import PATHS
from bihuan.analyse.paths.chart import panel_paths
from bihuan.analyse.paths.result import PathsResult, shape_paths
from bihuan.analyse.paths.spec import PathsSpec
from bihuan.analyse.paths.ways import OTHER
from bihuan.analyse.tests.test_shown import Plain
from bihuan.engine.question import Scope

SCOPE = Scope(1, "UTC", datetime(2026, 3, 3, 12, tzinfo=UTC))


def row(part: str, **known: Any) -> dict[str, Any]:
    nothing = {
        "place": 0,
        "node": "",
        "next": "",
        "ways": 0,
        "people": 0,
        "ended": 0,
        "ended_people": 0,
        "going_on": 0,
        "nodes": 1,
        "way": [],
    }
    return {"part": part, **nothing, **known}


def shaped(**asked: Any) -> PathsResult:
    """Five ways from A: two to B, two to one of three others, and one that ends there."""
    rows = [
        row("total", ways=5, people=3, ended=5, ended_people=3, going_on=6),
        row("node", place=1, node="A", ways=5, people=3, ended=1, ended_people=1),
        row("node", place=2, node="B", ways=2, people=2, ended=2, ended_people=2),
        row("node", place=2, node=OTHER, ways=2, people=1, ended=2, ended_people=1, nodes=3),
        row("link", place=1, node="A", next="B", ways=2, people=2),
        row("link", place=1, node="A", next=OTHER, ways=2, people=1),
        row("link", place=1, node="A", next="", ways=1, people=1),
        row("way", way=["A", "B"], ways=2, people=2),
    ]
    return shape_paths(PathsSpec.model_validate(asked), SCOPE, rows)


def series(result: PathsResult) -> dict[str, Any]:
    chart = PATHS.chart(result, Plain())
    assert chart is not None
    found: dict[str, Any] = chart["series"][0]
    return found


def test_each_flow_begins_and_ends_at_a_node_and_leads_to_its_people():
    flows = series(shaped(steps=2))
    names = [one["name"] for one in flows["data"]]
    assert len(names) == len(set(names)) == 4  # A, B, the others, and who dropped off
    assert {end for link in flows["links"] for end in (link["source"], link["target"])} == set(names)
    assert [(link["value"], link["cell"]) for link in flows["links"]] == [
        (2, {"place": 1, "node": "A", "next_other": True}),
        (2, {"place": 1, "node": "A", "next": "B"}),
        (1, {"place": 1, "node": "A", "edge": True}),
    ]
    assert [link["value"] for link in series(shaped(measure="people", steps=2))["links"]] == [1, 2, 1]


def test_counted_from_the_end_nobody_drops_off():
    result = shaped(end="B", steps=2)
    assert len(series(result)["links"]) == 2
    assert {row[2] for row in PATHS.table(result).rows} == {"B", "(other)", "(began here)"}
    assert panel_paths(result, Plain())["backwards"]


def test_the_hidden_rest_is_told_with_its_size():
    result = shaped()
    assert [node["title"] for node in panel_paths(result, Plain())["steps"][1]["nodes"]] == ["B", "3 other nodes"]
    assert [row[1:4] for row in PATHS.table(result).rows if "(other)" in row] == [("A", "(other)", 2), ("(other)", "(dropped off)", 2)]
    assert result.warnings == ()


def test_an_answer_without_ways_has_no_chart():
    result = shape_paths(PathsSpec(start="a", end="b"), SCOPE, [row("total", going_on=4)])
    assert PATHS.chart(result, Plain()) is None
    assert PATHS.table(result).rows == ()
    assert [headline.value for headline in PATHS.headlines(result)] == [4, 0, None, 0]
