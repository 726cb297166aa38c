"""Every question that people choose from has its whole folder, and the worked example of its guide is true."""

from __future__ import annotations

import inspect
import itertools
import json
import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any

import pytest

from bihuan.console.questions import ALL, listed
from bihuan.engine.ask import Engine
from bihuan.engine.behind import Behind
from bihuan.engine.periods import midnight
from bihuan.engine.question import Answer, Question, Scope

STAGES = Path(__file__).resolve().parents[2]
IDS = {
    "project_id": "UInt32",
    "id_type": "LowCardinality(String)",
    "id": "String",
    "person_id": "UInt32",
    "first_seen": "DateTime64(3, 'UTC')",
}
TRAITS = {
    "project_id": "UInt32",
    "name": "LowCardinality(String)",
    "person_id": "UInt32",
    "once": "Bool",
    "value": "String",
    "rank": "Int64",
}
MEASURED = ("project_id", "metric", "day", "at", "dimensions", "value", "version")


def folder(question: Question[Any, Any]) -> Path:
    return Path(inspect.getfile(question.spec)).parent


@pytest.mark.parametrize("question", listed(), ids=lambda question: question.name)
def test_the_example_of_the_guide_is_true(question: Question[Any, Any], engine: Engine, scope: Scope, write: Any) -> None:
    """The code of the guide runs with `write` (what people did, by name), `know` (their properties), `measure` (a number of a series) and
    `ask`, on the project of the test, on 15 March 2026."""
    numbers = itertools.count(2_900_001)
    people = defaultdict[str, int](lambda: next(numbers), nobody=0)

    def write_of_people(*events: tuple[Any, ...]) -> None:
        write(*((people[name], *rest) for name, *rest in events))

    def know(known: Mapping[str, Mapping[str, Any]]) -> None:
        since = scope.now - timedelta(days=90)
        ids = [(scope.project_id, "user", name, people[name], since) for name in known]
        at = round(since.timestamp() * 1000)
        traits = [
            (scope.project_id, key, people[name], False, json.dumps(value, ensure_ascii=False), at)
            for name, properties in known.items()
            for key, value in properties.items()
        ]
        for table, columns, rows in (("person_ids", IDS, ids), ("traits", TRAITS, traits)):
            if rows:
                engine.store.insert(table, list(columns), [list(each) for each in zip(*rows, strict=True)], list(columns.values()))

    def measure(series: str, day: str, dimensions: Mapping[str, str], value: float) -> None:
        of, text = date.fromisoformat(day), json.dumps(dimensions, separators=(",", ":"), sort_keys=True)
        row = (scope.project_id, series, of, midnight(of, scope.zone).astimezone(UTC), text, value, next(numbers))
        types = ("UInt32", "String", "Date", "DateTime64(3, 'UTC')", "String", "Float64", "UInt64")
        engine.store.insert("metric_values", MEASURED, [[one] for one in row], types)

    def ask(name: str, document: Mapping[str, Any]) -> Answer[Any]:
        assert name == question.name
        return engine.ask(question, question.spec.model_validate(document), scope)

    examples = re.findall(r"```python\n(.*?)```", (folder(question) / "guide.md").read_text(), re.DOTALL)
    assert examples
    for example in examples:
        exec(
            compile(example, f"{question.name}/guide.md", "exec"), {"write": write_of_people, "know": know, "measure": measure, "ask": ask}
        )


@pytest.mark.parametrize("question", listed(), ids=lambda question: question.name)
def test_a_question_has_its_whole_folder(question: Question[Any, Any]) -> None:
    assert folder(question).name == question.name
    names = {path.name for path in folder(question).iterdir()}
    assert {"spec.py", "sql.py", "result.py", "chart.py", "form.html", "guide.md", "tests"} <= names
    assert ("panel.html" in names) == (question.panel is not None)


def test_no_question_is_forgotten() -> None:
    folders = {path.parent for path in STAGES.rglob("sql.py") if path.with_name("result.py").exists()}
    derived = inspect.getmodule(Behind)  # the lists of people behind numbers have no folders of their own
    assert folders == {folder(question) for question in ALL if inspect.getmodule(question.spec) is not derived}
