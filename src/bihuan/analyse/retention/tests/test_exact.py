"""Retention on the real engine against plain Python, on random worlds: every number the same."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.differences import Difference
from bihuan.analyse.retention import RETENTION
from bihuan.analyse.retention.cohorts import cohort_starts, sides_of
from bihuan.analyse.retention.result import Beside, Cohort, Mean, RetentionPart, Usage, shape_retention
from bihuan.analyse.retention.spec import Doing, RetentionCell, RetentionSpec
from bihuan.analyse.retention.tests import reference
from bihuan.analyse.statistics import Interval, Share, benjamini_hochberg, share_difference, share_p_value, wilson
from bihuan.analyse.tests.test_shown import Plain
from bihuan.engine import meta
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.compare import Before, Compare, Groups, Other
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import EVERYTHING, EventChoice
from bihuan.engine.periods import Between, Last, PeriodSpec
from bihuan.engine.question import Scope
from bihuan.engine.tests.broken_down import breakdowns
from bihuan.engine.tests.exactly import exactly, thin_or_crowded
from bihuan.engine.tests.worlds import NAMES, World, event_choices, filters, load

comparisons: st.SearchStrategy[Compare | None] = st.sampled_from(
    [
        None,
        Before(to="previous"),
        Before(to="week"),
        Before(to="month"),
        Groups(segment="fans"),
        Groups(segment="fans", against="!"),
        Groups(segment="rest", against="fans"),
        Other(period=Last(last=4)),
        Other(period=Between(since=date(2026, 2, 20), until=date(2026, 3, 30))),
    ]
)
conditions = st.one_of(st.just(EVERYTHING), filters(segments=("some", "same")))
also = st.just(()) | event_choices(NAMES[:2], st.none()).map(lambda one: (one,))
doings = st.builds(Doing, event=st.sampled_from(NAMES[:2]), filter=conditions, also=also)

UNTOLD = Difference(None, None, None, None, None, None)
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


def compared(world: World, spec: RetentionSpec, compare: Compare | None) -> RetentionSpec:
    """The same beside something else, where that is allowed."""
    if spec.unit == "hour" and isinstance(compare, Other):
        compare = Other(period=Last(last=3))
    if isinstance(compare, Before) and compare.to == "week" and spec.unit == "month":
        compare = Before(to="previous")
    return spec.model_copy(update={"compare": compare})


def beside() -> st.SearchStrategy[tuple[World, RetentionSpec]]:
    return st.tuples(cases(), comparisons).map(lambda drawn: (drawn[0][0], compared(*drawn[0], drawn[1])))


@exactly(9)
@given(st.lists(cases() | beside(), min_size=1, max_size=5))
def test_retention_answers_what_plain_python_answers(engine: Engine, several: list[tuple[World, RetentionSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several), whole=True), strict=True):
        result = engine.ask(RETENTION, spec, scope).result
        for found, expected in zip(
            (result.everybody, *result.parts), (reference.part(world, spec), *reference.parts(world, spec)), strict=True
        ):
            assert rounded(found) == rounded(expected)
            assert [(mean.came, mean.of) for mean in found.curve] == [(mean.came, mean.of) for mean in expected.curve]
            for one, other in zip(found.beside, expected.beside, strict=True):
                assert (one.now.came, one.now.of, one.before.came, one.before.of) == (
                    other.now.came,
                    other.now.of,
                    other.before.came,
                    other.before.of,
                )
        if spec.clock == "calendar" and spec.suggest:
            assert result.usage == reference.usage(world, reference.sides(world, spec)[0])


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

    def plain(cohort: Cohort) -> Cohort:
        cells = tuple(replace(cell, value=near(cell.value)) for cell in cohort.cells)
        return replace(cohort, start=cohort.start.astimezone(UTC), cells=cells)

    def level(mean: Mean) -> Mean:
        return replace(mean, plain=near(mean.plain), value=near(mean.value))

    return replace(
        part,
        cohorts=tuple(map(plain, part.cohorts)),
        curve=tuple(map(level, part.curve)),
        before=tuple(map(plain, part.before)),
        beside=tuple(Beside(level(one.now), level(one.before), UNTOLD) for one in part.beside),
    )


@exactly(5)
@given(st.lists(cases() | beside(), min_size=3, max_size=4))
def test_behind_each_number_are_as_many_people(engine: Engine, several: list[tuple[World, RetentionSpec]]) -> None:
    question = behind(RETENTION)
    for (_, spec), scope in zip(several, load(engine.store, *(world for world, _ in several), whole=True), strict=True):
        table = engine.ask(RETENTION, spec, scope).table
        linked = [(row[at], cell) for row, cells in zip(table.rows, table.cells, strict=True) for at, cell in enumerate(cells) if cell]
        if spec.mode == "recurring":  # of all cohorts together, a person counts in each of theirs
            linked = [each for each in linked if "over" not in each[1]]
        for number, cell in [each for each in linked if each[0]][-6:]:
            asked = question.spec.model_validate({"of": spec, "cell": RetentionCell.model_validate(cell)})
            assert engine.ask(question, asked, scope).result.total == number


@exactly(5)
@given(st.lists(beside(), min_size=2, max_size=3))
def test_behind_both_sides_are_their_people(engine: Engine, several: list[tuple[World, RetentionSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several), whole=True), strict=True):
        if spec.compare is None:
            continue
        column = len(spec.columns) // 2
        for side, before in ((0, {}), (1, {"before": True})):
            of, came = reference.behind_mean(world, spec, column, side)
            assert how_many(engine, spec, scope, over=column, **before) == len(of)
            assert how_many(engine, spec, scope, over=column, after=column, **before) == len(came)
            asked = reference.sides(world, spec)[side]
            assert how_many(engine, spec, scope, **before) == len({who for who, *_ in reference.starts(world, asked)})


def how_many(engine: Engine, spec: RetentionSpec, scope: Scope, **cell: object) -> int:
    return engine.ask(behind(RETENTION), behind(RETENTION).spec.model_validate({"of": spec, "cell": cell}), scope).result.total


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
    for of in range(1, 300):
        assert (Mean(0.0, 0.0, 0, of).interval or (9, 9))[0] >= 0
        assert (Mean(1.0, 1.0, of, of).interval or (9, 9))[1] <= 1


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


BESIDE = {"start": {"event": "a"}, "return": {"event": "b"}, "periods": 1, "period": {"since": "2026-03-13", "until": "2026-03-15"}}


def other_days(more: dict[str, object], scope: Scope) -> tuple[date, date]:
    """The first and the last cohort of the other side."""
    other = sides_of(RetentionSpec.model_validate({**BESIDE, **more}), scope)[1].asked
    starts = cohort_starts(other, scope)
    return starts[0].date(), starts[-1].date()


def test_weeks_stand_beside_whole_weeks_and_months_beside_months(scope: Scope) -> None:
    assert other_days({"compare": "previous"}, scope) == (date(2026, 3, 10), date(2026, 3, 12))
    assert other_days({"compare": "previous", "unit": "week"}, scope) == (date(2026, 3, 2), date(2026, 3, 2))
    assert other_days({"compare": "previous", "unit": "month"}, scope) == (date(2026, 2, 1), date(2026, 2, 1))
    by_date = {"to": "month", "align": "date"}
    assert other_days({"compare": by_date}, scope) == (date(2026, 2, 13), date(2026, 2, 15))
    assert other_days({"compare": {"to": "year", "align": "date"}, "unit": "week"}, scope) == (date(2025, 3, 10), date(2025, 3, 10))
    assert other_days({"compare": {"to": "year"}, "unit": "month"}, scope) == (date(2025, 3, 1), date(2025, 3, 1))
    period = {"since": "2026-02-04", "until": "2026-02-11"}
    assert other_days({"compare": {"period": period}, "unit": "week"}, scope) == (date(2026, 2, 2), date(2026, 2, 9))
    long = {"since": "2016-02-02", "until": "2026-02-01"}
    assert other_days({"period": long, "compare": {"to": "quarter"}, "unit": "month"}, scope)[0] == date(2015, 11, 1)


def test_both_sides_are_looked_at_at_the_same_age(engine, scope, write, first_person):
    ann, ben, cem, dai = range(first_person, first_person + 4)
    write(
        *((ann, name, f"2026-03-{day} 10:00") for name, day in (("a", "06"), ("b", "07"))),
        (ben, "a", "2026-03-07 10:00"),  # its counterpart is the 14th, whose next day is today
        (ben, "b", "2026-03-08 10:00"),
        (cem, "a", "2026-03-13 10:00"),
        (dai, "a", "2026-03-14 10:00"),
    )
    asked = {**BESIDE, "compare": {"to": "week"}, "mode": "recurring"}
    everybody = engine.ask(RETENTION, RetentionSpec.model_validate(asked), scope).result.everybody
    own, following = everybody.beside
    assert (own.now.came, own.now.of, own.before.came, own.before.of) == (0, 2, 0, 2)
    assert (following.now.came, following.now.of, following.before.came, following.before.of) == (0, 1, 1, 1)
    assert [cohort.size for cohort in everybody.before] == [1, 1, 0]
    later = {
        **asked,
        "compare": {"period": {"since": "2026-03-14", "until": "2026-03-16"}},
        "period": {"since": "2026-03-06", "until": "2026-03-08"},
    }
    own, following = engine.ask(RETENTION, RetentionSpec.model_validate(later), scope).result.everybody.beside
    assert (own.now.of, own.before.of) == (1, 1)  # of the 6th and the 14th: the 15th and the 16th are not over
    assert (following.now.of, following.before.of) == (0, 0)


def test_differences_are_tested_for_all_columns_at_once_and_of_a_group_against_the_rest():
    rows = [
        {"place": 0, "side": side, "cohort": 0, "after": after, "people": people, "value": "", "rank": 0, "amount": 0.0}
        for side, counts in enumerate([{-1: 100, 0: 60, 1: 40, 2: 10}, {-1: 300, 0: 150, 1: 60, 2: 30}])
        for after, people in counts.items()
    ]
    scope = Scope(1, "UTC", datetime(2026, 3, 31, tzinfo=UTC), segments={"fans": EVERYTHING})
    spec = RetentionSpec.model_validate(
        {**BESIDE, "periods": 2, "period": {"since": "2026-03-13", "until": "2026-03-13"}, "compare": "previous"}
    )
    apart = [one.difference for one in shape_retention(spec, scope, rows).everybody.beside]
    shares = [(Share(now, 100), Share(before, 300)) for now, before in ((60, 150), (40, 60), (10, 30))]
    assert [one.change for one in apart] == [share_difference(*both) for both in shares]
    assert [one.now for one in apart] == [wilson(now) for now, _ in shares]
    assert [one.adjusted for one in apart] == benjamini_hochberg([share_p_value(*both) or 0.0 for both in shares])
    assert [one.clear for one in apart] == [False, True, False]
    among = [
        one.difference for one in shape_retention(spec.model_copy(update={"compare": Groups(segment="fans")}), scope, rows).everybody.beside
    ]
    assert among[1].p_value == share_p_value(Share(40, 100), Share(20, 200))
    assert among[1].change == (share_difference(Share(40, 100), Share(20, 200)) or Interval(0, 0, 0)).times(200 / 300)
    same = shape_retention(spec.model_copy(update={"returning": spec.start}), scope, rows).everybody.beside
    assert same[0].difference.p_value is None  # certain: who starts has come
    assert same[1].difference.adjusted == benjamini_hochberg([share_p_value(*both) or 0.0 for both in shares[1:]])[0]
    before = shape_retention(spec.model_copy(update={"reference": "previous"}), scope, rows).everybody.beside[2].difference
    assert (before.p_value, before.change) == (None, Interval(10 / 40 - 30 / 60, None, None))
    later = shape_retention(spec.model_copy(update={"reference": "previous", "counts": "on_or_after"}), scope, rows).everybody.beside[2]
    assert later.difference.p_value == share_p_value(Share(10, 40), Share(30, 60))


def test_the_other_period_may_have_many_more_cohorts(engine, scope, write, first_person):
    """One cohort beside seventy, with more periods than 64 bits hold: who came on the last of them is there."""
    write(
        *((first_person, name, f"2026-03-{day} 10:00") for name, day in (("a", "10"), ("b", "11"))), (first_person + 1, "a", "2026-03-12")
    )
    asked = {
        "period": {"since": "2026-03-12", "until": "2026-03-12"},
        "compare": {"period": {"since": "2025-12-31", "until": "2026-03-10"}},
    }
    for more in ({}, {"filter": {"property": "n", "op": "not_set"}}, {"clock": "exact"}, {"mode": "recurring", "suggest": True}):
        everybody = engine.ask(RETENTION, RetentionSpec.model_validate({**BESIDE, **asked, **more}), scope).result.everybody
        assert [cohort.size for cohort in everybody.before] == [*[0] * 69, 1]
        assert [cell.people for cell in everybody.before[-1].cells] == [0, 1]
        assert [cohort.size for cohort in everybody.cohorts] == [1]


def test_who_is_on_both_sides_is_said(engine: Engine, scope: Scope) -> None:
    def told(**more: object) -> tuple[bool, bool, bool]:
        result = engine.ask(RETENTION, RetentionSpec.model_validate({**BESIDE, **more}), scope).result
        return result.shared, result.overlapping, result.recurring

    assert told() == (False, False, False)
    assert told(compare="previous", mode="recurring") == (False, False, True)
    assert told(compare={"period": {"since": "2026-03-10", "until": "2026-03-13"}}) == (True, False, False)


def test_a_target_and_weeks_before_months_are_refused():
    with pytest.raises(ValueError, match="has no target"):
        RetentionSpec.model_validate({**BESIDE, "compare": {"target": 3}})
    with pytest.raises(ValueError, match="beside those of other months"):
        RetentionSpec.model_validate({**BESIDE, "unit": "month", "compare": {"to": "week"}})


def test_whole_days_tell_of_periods_but_not_of_groups(engine, scope):
    spec = RetentionSpec.model_validate({**BESIDE, "compare": "previous"})
    assert "daily" in engine.statement(RETENTION, spec, scope).sql
    fans = replace(scope, segments={"fans": EVERYTHING})
    assert "daily" not in engine.statement(RETENTION, spec.model_copy(update={"compare": Groups(segment="fans")}), fans).sql


def test_one_side_without_anybody_is_answered_and_shown(engine, scope, write, first_person):
    write((first_person, "a", "2026-03-10 10:00"), (first_person, "b", "2026-03-11 10:00"))
    spec = RetentionSpec.model_validate({**BESIDE, "compare": "previous"})
    answer = engine.ask(RETENTION, spec, scope)
    following = answer.result.everybody.beside[1]
    assert (following.now.of, following.before.came, following.before.of) == (0, 1, 1)
    assert (following.difference.change, following.difference.p_value) == (None, None)
    assert [row[:4] for row in answer.table.rows[:2]] == [(None, 0, 0, 0), (None, 0, 1, 0)]
    assert RETENTION.chart(answer.result, Plain()) is not None
    empty = engine.ask(RETENTION, RetentionSpec.model_validate({**BESIDE, "start": {"event": "z"}, "compare": "previous"}), scope)
    assert empty.table.rows == ()
    assert RETENTION.chart(empty.result, Plain()) is None


def test_ranges_are_those_of_both_sides(engine, scope, write, first_person):
    for number, (day, n) in enumerate((("13", 1), ("14", 2), ("10", 100), ("11", 200))):
        write((first_person + number, "a", f"2026-03-{day} 10:00", {"n": n}))
    halves = {**BESIDE, "compare": "previous", "breakdown": [{"number": "n", "quantiles": 2}]}
    parts = engine.ask(RETENTION, RetentionSpec.model_validate(halves), scope).result.parts
    assert [(part.value, part.size, sum(cohort.size for cohort in part.before)) for part in parts] == [
        ("[1, 100)", 2, 0),
        ("[100, 200]", 0, 2),
    ]


def test_the_chart_has_both_sides_with_their_intervals(engine, scope, write, first_person):
    ann, ben = first_person, first_person + 1
    write((ann, "a", "2026-03-10 10:00"), (ann, "b", "2026-03-11 10:00"), (ben, "a", "2026-03-13 10:00"))
    result = engine.ask(RETENTION, RetentionSpec.model_validate({**BESIDE, "compare": "previous"}), scope).result
    chart = RETENTION.chart(result, Plain()) or {}
    names = ["This", "This · At least, 95 %", "This · At most, 95 %"]
    assert [line["name"] for line in chart["series"]] == names + [name.replace("This", "previous period") for name in names]
    (_, nobody, one), (_, other, everybody) = (wilson(Share(came, 1)) or (0, 0, 0) for came in (0, 1))
    assert [line["data"][1] for line in chart["series"]] == pytest.approx([0.0, nobody, one, 1.0, other, everybody])
    panel = RETENTION.panel(result, Plain()) if RETENTION.panel else {}
    columns = panel["comparison"]["columns"]
    assert [side[number]["cell"] for side in columns[1]["sides"] for number in ("came", "of")] == [
        "cell.over=1&cell.after=1",
        "cell.over=1",
        "cell.over=1&cell.after=1&cell.before=true",
        "cell.over=1&cell.before=true",
    ]


SAMPLES: list[dict[str, object]] = [
    {},
    {"mode": "first_ever", "compare": {"to": "week"}},
    {"clock": "exact", "value": "n", "compare": {"segment": "fans"}},
    {"breakdown": [{"property": "plan"}], "unit": "week", "suggest": True, "reference": "previous"},
]


@pytest.mark.parametrize("more", SAMPLES, ids=lambda more: " ".join(more) or "plain")
def test_a_sample_answers_as_if_there_were_nobody_else_and_scales_people(engine, scope, write, first_person, more):
    dice = random.Random(7)
    people = range(first_person, first_person + 300)
    kept = in_half(engine, people)
    for person in people:
        for name, twin in (("a", "c"), ("b", "d")):
            for _ in range(dice.randint(0, 2)):
                at, props = f"2026-03-{dice.randint(2, 14):02} 10:00", {"n": dice.randint(1, 9), "plan": dice.choice("xy")}
                write((person, name, at, props), *([(person, twin, at, props)] if person in kept else []))
    asked = {**BESIDE, "mode": "recurring", "periods": 3, "period": {"since": "2026-03-09", "until": "2026-03-15"}, **more}
    scope = replace(scope, segments={"fans": EVERYTHING})
    estimated = engine.ask(RETENTION, RetentionSpec.model_validate({**asked, "sample": 0.5}), scope)
    exact = engine.ask(RETENTION, RetentionSpec.model_validate({**asked, "start": {"event": "c"}, "return": {"event": "d"}}), scope).result
    result = estimated.result
    assert (estimated.sample, [text for text, _ in estimated.warnings]) == (0.5, ["Estimated from {percent} % of the people."])
    for one, other in zip((result.everybody, *result.parts), (exact.everybody, *exact.parts), strict=True):
        assert one.size == 2 * other.size > 0
        assert (one.value, one.curve, one.beside) == (other.value, other.curve, other.beside)
        assert [mean.came for mean in one.curve] == [mean.came for mean in other.curve]
        for mine, theirs in zip((*one.cohorts, *one.before), (*other.cohorts, *other.before), strict=True):
            assert (mine.size, mine.sure) == (2 * theirs.size, least(theirs.size))
            for cell, seen in zip(mine.cells, theirs.cells, strict=True):
                assert (cell.share, cell.complete) == (seen.share, seen.complete)
                assert cell.people == (None if seen.people is None else 2 * seen.people)
                assert cell.sure == least(seen.people or 0)
                assert cell.value == (None if seen.value is None else 2 * seen.value)
    if exact.usage:
        assert result.usage == replace(exact.usage, people=2 * exact.usage.people)
    rows = [dict(zip((column.name for column in estimated.table.columns), row, strict=True)) for row in estimated.table.rows]
    cohorts = [row for row in rows if row["cohort"]]
    assert all(row["size_low"] <= row["size"] <= row["size_high"] for row in cohorts if row["size"])
    assert how_many(engine, RetentionSpec.model_validate({**asked, "sample": 0.5}), scope) == len(kept & started(engine, asked, scope))


def in_half(engine: Engine, people: Iterable[int]) -> set[int]:
    """Those of the people who are in a sample of a half."""
    rows = engine.store.fetch(
        "SELECT arrayJoin({people:Array(UInt32)}) AS person WHERE cityHash64('sample', toUInt64(person)) % 1000000 < 500000",
        {"people": list(people)},
    ).rows
    return {row["person"] for row in rows}


def least(count: int) -> meta.Interval | None:
    """Where a number lies of which a half was seen."""
    error = 1.959963984540054 * (0.5 * count) ** 0.5 / 0.5
    return meta.Interval(max(2 * count - error, count), 2 * count + error) if count else None


def started(engine: Engine, asked: dict[str, object], scope: Scope) -> set[int]:
    """All who started."""
    question = behind(RETENTION)
    spec = question.spec.model_validate({"of": RetentionSpec.model_validate(asked), "cell": {}, "limit": 1000})
    return {member.number for member in engine.ask(question, spec, scope).result.people}
