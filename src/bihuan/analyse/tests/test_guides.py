"""The worked example in each question's guide is true."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bihuan.analyse.questions import QUESTIONS
from bihuan.engine.ask import Engine
from bihuan.engine.question import Answer, Question, Scope

PEOPLE = {"nobody": 0, "ann": 2_900_001, "ben": 2_900_002, "cem": 2_900_003, "dai": 2_900_004, "eva": 2_900_005}


def folder(question: Question[Any, Any]) -> Path:
    return Path(__file__).parent.parent / question.name


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_the_example_of_the_guide_is_true(question: Question[Any, Any], engine: Engine, scope: Scope, write: Any) -> None:
    """The code of the guide runs with `write` (people by name) and `ask`, on the project of the test, on 15 March 2026."""

    def write_of_people(*events: tuple[Any, ...]) -> None:
        write(*((PEOPLE[name], *rest) for name, *rest in events))

    def ask(name: str, document: Mapping[str, Any]) -> Answer[Any]:
        assert name == question.name
        return engine.ask(question, question.spec.model_validate(document), scope)

    examples = re.findall(r"```python\n(.*?)```", (folder(question) / "guide.md").read_text(), re.DOTALL)
    assert examples
    for example in examples:
        exec(compile(example, f"{question.name}/guide.md", "exec"), {"write": write_of_people, "ask": ask})


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_a_question_has_its_whole_folder(question: Question[Any, Any]) -> None:
    names = {path.name for path in folder(question).iterdir()}
    assert {"spec.py", "sql.py", "result.py", "chart.py", "form.html", "guide.md", "tests"} <= names
    assert ("panel.html" in names) == (question.panel is not None)


def test_no_question_of_the_stage_is_forgotten() -> None:
    folders = {path.parent.name for path in Path(__file__).parent.parent.glob("*/sql.py")}
    assert folders == {question.name for question in QUESTIONS}
