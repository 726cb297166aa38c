"""Retention on the real engine against plain Python, on random worlds: every number the same."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bihuan.analyse.retention import RETENTION
from bihuan.analyse.retention.spec import Doing, RetentionSpec
from bihuan.analyse.retention.tests import reference
from bihuan.engine.ask import Engine
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import EVERYTHING
from bihuan.engine.periods import Between, Last, PeriodSpec
from bihuan.engine.question import Scope
from bihuan.engine.tests.broken_down import breakdowns
from bihuan.engine.tests.worlds import NAMES, World, event_choices, filters, load, worlds

conditions = st.one_of(st.just(EVERYTHING), filters(segments=("some", "same")))
also = st.just(()) | event_choices(NAMES[:2], st.none()).map(lambda one: (one,))
doings = st.builds(Doing, event=st.sampled_from(NAMES[:2]), filter=conditions, also=also)


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, RetentionSpec]:
    world = draw(worlds(max_events=80, names=NAMES[:2], days=draw(st.sampled_from([5, 16, 70]))))
    until = world.today - timedelta(days=draw(st.integers(-3, 16)))
    since = until - timedelta(days=draw(st.integers(0, 60)))
    periods: list[PeriodSpec] = [Last(last=15), Last(last=1), Between(since=since, until=until)]
    return world, RetentionSpec(
        start=draw(doings),
        returning=draw(doings),
        mode=draw(st.sampled_from(["first_ever", "recurring"])),
        unit=draw(st.sampled_from(["day", "week", "month"])),
        periods=draw(st.sampled_from([1, 3, 12, 70])),
        filter=draw(conditions),
        period=draw(st.sampled_from(periods)),
        breakdown=draw(st.just(()) | breakdowns()),
        top=draw(st.integers(1, 3)),
    )


@settings(max_examples=20, phases=(Phase.reuse, Phase.generate), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(cases(), min_size=1, max_size=4))
def test_retention_answers_what_plain_python_answers(engine: Engine, several: list[tuple[World, RetentionSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        result = engine.ask(RETENTION, spec, scope).result
        assert result.everybody == reference.part(world, spec)
        assert list(result.parts) == reference.parts(world, spec)


def test_more_periods_than_can_be_followed_are_refused_with_what_to_do(engine: Engine, scope: Scope) -> None:
    long = Between(since=date(2024, 1, 1), until=date(2025, 1, 1))
    spec = RetentionSpec(start=Doing(event="a"), returning=Doing(event="b"), period=long)
    with pytest.raises(QuestionError, match=r"367 cohorts followed for 7 periods.*choose a shorter period, or weeks or months"):
        engine.ask(RETENTION, spec, scope)
