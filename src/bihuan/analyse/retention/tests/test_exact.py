"""Retention on the real engine against plain Python, on random worlds: every number the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.retention import RETENTION
from bihuan.analyse.retention.result import Mean, RetentionPart, Usage
from bihuan.analyse.retention.spec import Doing, RetentionCell, RetentionSpec
from bihuan.analyse.retention.tests import reference
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import EVERYTHING, EventChoice
from bihuan.engine.periods import Between, Last, PeriodSpec
from bihuan.engine.question import Scope
from bihuan.engine.tests.broken_down import breakdowns
from bihuan.engine.tests.exactly import exactly, thin_or_crowded
from bihuan.engine.tests.worlds import NAMES, World, event_choices, filters, load

conditions = st.one_of(st.just(EVERYTHING), filters(segments=("some", "same")))
also = st.just(()) | event_choices(NAMES[:2], st.none()).map(lambda one: (one,))
doings = st.builds(Doing, event=st.sampled_from(NAMES[:2]), filter=conditions, also=also)

named = st.builds(Doing, event=st.sampled_from((*NAMES[:2], "*")), also=st.just(()) | st.just((EventChoice(event="a"),)))


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, RetentionSpec]:
    world = draw(thin_or_crowded(max_events=80, names=NAMES[:2], days=draw(st.sampled_from([5, 16, 70]))))
    until = world.today - timedelta(days=draw(st.integers(-3, 16)))
    since = until - timedelta(days=draw(st.integers(0, 60)))
    periods: list[PeriodSpec] = [Last(last=15), Last(last=1), Between(since=since, until=until)]
    units: list[Literal["hour", "day", "week", "month"]] = ["hour", "day", "week", "month"]
    unit = draw(st.sampled_from(units))
    if unit == "hour":
        periods = [Last(last=2), Between(since=until - timedelta(days=2), until=until)]
    if draw(st.booleans()):  # what whole days tell, too
        return world, RetentionSpec(
            start=draw(named),
            returning=draw(named),
            mode=draw(st.sampled_from(["first_ever", "recurring"])),
            unit="day" if unit == "hour" else unit,
            periods=draw(st.sampled_from([1, 3, 12, 70])),
            brackets=draw(st.sampled_from([(), (), (1, 3, 7), (1, 2, 14, 30)])),
            period=draw(st.sampled_from(periods)),
        )
    return world, RetentionSpec(
        start=draw(doings),
        returning=draw(doings),
        mode=draw(st.sampled_from(["first_ever", "recurring"])),
        unit=unit,
        clock="calendar" if unit == "month" else draw(st.sampled_from(["calendar", "exact"])),
        periods=draw(st.sampled_from([1, 3, 12, 70])),
        brackets=draw(st.sampled_from([(), (), (1, 3, 7), (2,), (1, 2, 14, 30)])),
        counts=draw(st.sampled_from(["on", "on_or_after"])),
        reference=draw(st.sampled_from(["start", "previous"])),
        value=draw(st.sampled_from([None, "n", "revenue"])),
        suggest=draw(st.booleans()),
        filter=draw(conditions),
        period=draw(st.sampled_from(periods)),
        breakdown=draw(st.just(()) | breakdowns()),
        top=draw(st.integers(1, 3)),
    )


@exactly(9)
@given(st.lists(cases(), min_size=1, max_size=5))
def test_retention_answers_what_plain_python_answers(engine: Engine, several: list[tuple[World, RetentionSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several), whole=True), strict=True):
        result = engine.ask(RETENTION, spec, scope).result
        for found, expected in zip(
            (result.everybody, *result.parts), (reference.part(world, spec), *reference.parts(world, spec)), strict=True
        ):
            assert rounded(found) == rounded(expected)
            assert [(mean.came, mean.of) for mean in found.curve] == [(mean.came, mean.of) for mean in expected.curve]
        if spec.clock == "calendar" and spec.suggest:
            assert result.usage == reference.usage(world, spec)


def test_plain_events_are_told_by_whole_days(engine, scope):
    doing = {"event": "a"}
    plain = RetentionSpec.model_validate({"start": doing, "return": doing})
    assert "daily" in engine.statement(RETENTION, plain, scope).sql
    for other in ({"clock": "exact"}, {"value": "n"}, {"breakdown": [{"property": "plan"}]}, {"filter": {"property": "n", "values": [1]}}):
        spec = RetentionSpec.model_validate({"start": doing, "return": doing} | other)
        assert "daily" not in engine.statement(RETENTION, spec, scope).sql


def rounded(part: RetentionPart) -> RetentionPart:
    """Sums of floats differ in their last places by the order in which they were added up."""

    def near(value: float | None) -> float | None:
        return None if value is None else round(value, 6)

    cohorts = tuple(
        replace(cohort, start=cohort.start.astimezone(UTC), cells=tuple(replace(cell, value=near(cell.value)) for cell in cohort.cells))
        for cohort in part.cohorts
    )
    curve = (replace(mean, plain=near(mean.plain), value=near(mean.value)) for mean in part.curve)
    return replace(part, cohorts=cohorts, curve=tuple(curve))


@exactly(5)
@given(st.lists(cases(), min_size=3, max_size=4))
def test_behind_each_number_are_as_many_people(engine: Engine, several: list[tuple[World, RetentionSpec]]) -> None:
    question = behind(RETENTION)
    for (_, spec), scope in zip(several, load(engine.store, *(world for world, _ in several), whole=True), strict=True):
        table = engine.ask(RETENTION, spec, scope).table
        linked = [(row[at], cell) for row, cells in zip(table.rows, table.cells, strict=True) for at, cell in enumerate(cells) if cell]
        for number, cell in [each for each in linked if each[0]][-6:]:
            asked = question.spec.model_validate({"of": spec, "cell": RetentionCell.model_validate(cell)})
            assert engine.ask(question, asked, scope).result.total == number


def test_who_came_back_and_who_did_not(engine, scope, write, first_person):
    ann, ben = first_person, first_person + 1
    write((ann, "a", "2026-03-10 23:00"), (ann, "a", "2026-03-11 01:00"), (ben, "a", "2026-03-10 08:00"))
    doing = {"event": "a"}
    spec = RetentionSpec.model_validate({"start": doing, "return": doing, "period": {"since": "2026-03-10", "until": "2026-03-11"}})

    def people(spec: RetentionSpec, **cell: object) -> list[int]:
        asked = behind(RETENTION).spec.model_validate({"of": spec, "cell": cell})
        return [member.number for member in engine.ask(behind(RETENTION), asked, scope).result.people]

    assert people(spec, cohort="2026-03-10") == [ann, ben]
    assert people(spec, cohort="2026-03-10", after=1) == [ann]
    assert people(spec, cohort="2026-03-10", after=1, came=False) == [ben]
    exact = spec.model_copy(update={"clock": "exact"})
    assert people(exact, cohort="2026-03-10", after=1) == []  # two hours later is within the first 24
    hours = spec.model_copy(update={"unit": "hour"})
    assert people(hours, cohort="2026-03-10T15:00:00Z", after=2) == [ann]
    with pytest.raises(QuestionError, match="begins at 2026-03-12"):
        people(spec, cohort="2026-03-12")


def test_intervals_are_wilsons():
    assert Mean(0.5, 0.5, 5, 10).interval == pytest.approx((0.23659, 0.76341), abs=1e-5)
    assert Mean(0.0, 0.0, 0, 10).interval == pytest.approx((0.0, 0.27754), abs=1e-5)
    assert Mean(None, None, 0, 0).interval is None
    assert Mean(2.0, 2.0, 4, 2).interval is None  # more came than in the column before


def test_the_unit_that_fits_a_habit_is_the_nearest():
    assert [Usage(1, days).unit for days in (1, 2, 3, 7, 14, 15, 30)] == ["day", "day", "week", "week", "week", "month", "month"]
    assert Usage(0, None).unit is None


def test_columns_that_do_not_rise_and_months_of_so_many_hours_are_refused():
    doing = {"event": "a"}
    with pytest.raises(ValueError, match="must rise"):
        RetentionSpec.model_validate({"start": doing, "return": doing, "brackets": "1, 7, 3"})
    with pytest.raises(ValueError, match="differ in length"):
        RetentionSpec.model_validate({"start": doing, "return": doing, "unit": "month", "clock": "exact"})
    spec = RetentionSpec.model_validate({"start": doing, "return": doing, "brackets": "1, 3, 7"})
    assert spec.columns == ((0, 0), (1, 1), (2, 3), (4, 7))


def test_more_periods_than_can_be_followed_are_refused_with_what_to_do(engine: Engine, scope: Scope) -> None:
    long = Between(since=date(2024, 1, 1), until=date(2025, 1, 1))
    spec = RetentionSpec(start=Doing(event="a"), returning=Doing(event="b"), period=long)
    with pytest.raises(QuestionError, match=r"367 cohorts followed for 7 periods.*choose a shorter period, or weeks or months"):
        engine.ask(RETENTION, spec, scope)
