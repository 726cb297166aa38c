"""How long answers about days of plain events are kept: until one of these events comes."""

from __future__ import annotations

from typing import Any

import pytest

from bihuan.analyse.lifecycle import LIFECYCLE
from bihuan.analyse.retention import RETENTION
from bihuan.engine.ask import Engine
from bihuan.engine.question import Question, Scope
from bihuan.engine.tests.kept import kept_after, other_mark
from bihuan.engine.tests.test_ask import Write

DAY = "2026-03-14 10:00"


@pytest.mark.parametrize(
    ("asked", "spec"),
    [
        (RETENTION, {"start": {"event": "View"}, "returning": {"event": "View"}}),
        (LIFECYCLE, {"active": {"event": "View"}}),
        (LIFECYCLE, {"active": {"event": "View"}, "compare": {"to": "previous"}}),
    ],
)
def test_an_answer_about_one_event_is_as_old_as_that(
    engine: Engine, scope: Scope, write: Write, asked: Question[Any, Any], spec: dict[str, Any]
) -> None:
    asked_for = asked.spec.model_validate(spec)
    write((1, "View", DAY))
    assert kept_after(lambda: write((1, other_mark("View"), DAY)), engine, asked, asked_for, scope)
    assert not kept_after(lambda: write((2, "View", DAY)), engine, asked, asked_for, scope)
