"""How long a trend is kept: one of plain events until one of these comes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bihuan.engine.ask import Engine
from bihuan.engine.question import Scope
from bihuan.engine.tests.kept import kept_after, other_mark
from bihuan.engine.tests.test_ask import Write
from bihuan.see.trend import TREND

DAY = "2026-03-14 10:00"


def people(event: str, **more: Any) -> Any:
    return TREND.spec.model_validate({"series": [{"event": event, "measure": "people"}], **more})


@pytest.fixture
def is_kept(engine: Engine, scope: Scope, write: Write) -> Callable[..., bool]:
    write((1, "View", DAY))
    return lambda act, asked=people("View"): kept_after(act, engine, TREND, asked, scope)


def test_a_trend_of_one_event_is_as_old_as_that(write: Write, is_kept: Callable[..., bool]) -> None:
    assert is_kept(lambda: write((1, other_mark("View"), DAY)))
    assert not is_kept(lambda: write((2, "View", DAY)))


@pytest.mark.parametrize("asked", [people("*"), people("View", breakdown=[{"property": "city"}]), people("View", unit="hour")])
def test_a_trend_of_any_event_or_of_more_than_days_is_old_after_any(write: Write, is_kept: Callable[..., bool], asked: Any) -> None:
    assert not is_kept(lambda: write((1, other_mark("View"), DAY)), asked)


def test_a_write_that_says_nothing_makes_a_trend_old(engine: Engine, is_kept: Callable[..., bool]) -> None:
    assert not is_kept(lambda: engine.store.command("INSERT INTO events SELECT * FROM events WHERE 0"))


def test_what_is_kept_is_told_though_other_events_came(engine: Engine, scope: Scope, write: Write) -> None:
    write((1, "View", DAY))
    answer = engine.ask(TREND, people("View"), scope)
    write((1, other_mark("View"), DAY))
    (kept,) = engine.kept([(TREND, people("View"))], scope)
    assert kept is not None
    assert replace(kept, from_cache=False, asked_at=answer.asked_at) == answer
