"""Two funnels beside each other, and the funnel of each day, on random worlds against plain Python."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.funnel import FUNNEL
from bihuan.analyse.funnel.result import FunnelPart
from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.analyse.funnel.tests import reference
from bihuan.analyse.funnel.tests.reference import Funnel, Way
from bihuan.analyse.funnel.tests.test_exact import cases, rounded
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.compare import Before, Groups, Other, baseline
from bihuan.engine.filters import All, Filter, InSegment, Not
from bihuan.engine.periods import Between, Period, bucket_day
from bihuan.engine.question import Scope
from bihuan.engine.tests.exactly import exactly
from bihuan.engine.tests.worlds import World, load


@st.composite
def comparisons(draw: st.DrawFn, world: World) -> Any:
    day = st.integers(0, 15).map(lambda ago: world.today - timedelta(days=ago))
    first, last = sorted((draw(day), draw(day)))
    return draw(
        st.sampled_from(
            [
                Before(to="previous"),
                Before(to="week"),
                Before(to="month", align="date"),
                Other(period=Between(since=first, until=last)),
                Groups(segment="fans"),
                Groups(segment="fans", against="!"),
                Groups(segment="rest", against="fans"),
            ]
        )
    )


@st.composite
def compared(draw: st.DrawFn) -> tuple[World, FunnelSpec]:
    world, spec = draw(cases())
    compare = draw(st.none() | comparisons(world))
    shown = {"show": draw(st.sampled_from(["steps", "trend", "trend"])), "unit": draw(st.sampled_from(["day", "day", "week", "month"]))}
    return world, spec.model_copy(update={"compare": compare, **shown})


def sides(world: World, spec: FunnelSpec) -> list[Funnel]:
    """The funnel that is asked about, and the one beside it."""
    period = Period.resolve(spec.period, zone=world.zone, now=world.now)
    mine = Funnel(world, spec)
    match spec.compare:
        case None:
            found = [mine]
        case Groups():
            against: dict[str, list[Filter]] = {"*": [], "!": [Not(negated=InSegment(segment=spec.compare.segment))]}
            others = against.get(spec.compare.against, [InSegment(segment=spec.compare.against)])
            trees: list[list[Filter]] = [[InSegment(segment=spec.compare.segment)], others]
            found = [Funnel(world, spec.model_copy(update={"filter": All(all=(spec.filter, *more))})) for more in trees]
        case compare:
            scope = Scope(1, world.zone, world.now)
            other = baseline(compare, period, scope)
            assert other
            end = period.end.astimezone(UTC)
            now = min(world.now.astimezone(UTC).replace(second=0, microsecond=0), end + spec.window.length)
            known = other.until if now < end else other.period.end.astimezone(UTC) + (now - end)
            found = [mine, Funnel(world, spec, other.period, known)]
    among = [event for funnel in found for event in funnel.among if world.holds(funnel.spec.filter, event)]
    for funnel in found:
        funnel.among = among
    return found


def buckets(world: World, spec: FunnelSpec, funnels: list[Funnel]) -> list[dict[date, list[Way]]]:
    """The ways of each side by the day, week or month that they are shown in."""
    scope = Scope(1, world.zone, world.now)
    other = baseline(spec.compare, funnels[0].period, scope)
    found: list[dict[date, list[Way]]] = []
    for side, funnel in enumerate(funnels):
        days: dict[date, list[date]] = {}
        for number in range(funnel.period.days):
            day = funnel.period.since + timedelta(days=number)
            laid = other.laid(day) if side and other else day
            if side and other and other.months and spec.unit == "month":
                laid = (day.replace(day=1) + timedelta(days=31 * other.months)).replace(day=1)
            if laid is not None and bucket_day(laid, spec.unit) >= bucket_day(funnels[0].period.since, spec.unit):
                days.setdefault(bucket_day(laid, spec.unit), []).append(day)
        if spec.count == "people":
            alone = {start: Funnel(world, funnel.spec, Period(some[0], some[-1], world.zone), funnel.known) for start, some in days.items()}
            for each in alone.values():
                each.among = funnel.among
            found.append({start: each.ways() for start, each in alone.items()})
        else:
            zone = ZoneInfo(world.zone)
            ways = funnel.ways()
            found.append({start: [w for w in ways if w.times[0].astimezone(zone).date() in some] for start, some in days.items()})
    return found


def counts(spec: FunnelSpec, ways: list[Way]) -> tuple[int, ...]:
    return tuple(sum(number in way.steps for way in ways) for number in range(1, len(spec.steps) + 1))


def plain(part: FunnelPart) -> FunnelPart:
    return rounded(part.__class__(part.value, part.other, part.steps, part.open))


@exactly(4)
@given(st.lists(compared(), min_size=2, max_size=6))
def test_two_funnels_and_each_day_are_those_of_plain_python(engine: Engine, several: list[tuple[World, FunnelSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        result: Any = engine.ask(FUNNEL, spec, scope).result
        funnels = sides(world, spec)
        both = [funnel.ways() for funnel in funnels]
        everybody = [result.everybody, *([result.everybody.before] if spec.compare else [])]
        for part, ways in zip(everybody, both, strict=True):
            assert plain(part) == rounded(reference.part(spec, [way for way in ways if way.best], None))
        for part in result.parts:
            for side, ways in zip([part, *([part.before] if spec.compare else [])], both, strict=True):
                if part.value is not None:
                    mine = [way for way in ways if way.value == part.value]
                    assert plain(side) == rounded(reference.part(spec, mine, part.value))
        if spec.show != "trend":
            continue
        expected = buckets(world, spec, funnels)
        starts = [bucket.start for bucket in result.trend.buckets]
        for course in result.trend.courses:
            if course.other:
                continue
            for counted, by_day in zip([course.counts, *([course.before] if spec.compare else [])], expected, strict=True):
                for start, row in zip(starts, counted, strict=True):
                    ways = by_day.get(start, [])
                    mine = [w for w in ways if (w.best if course.value is None else w.value == course.value)]
                    assert row == counts(spec, mine), (start, course.value)


def test_who_is_behind_a_day_and_behind_the_other_side(engine: Engine, scope: Scope, write: Any, first_person: int) -> None:
    one, two, three = range(first_person, first_person + 3)
    write(
        *[(one, name, f"2026-03-{day:02} 10:0{place}") for day in (3, 10, 11) for place, name in enumerate("ab")],
        (two, "a", "2026-03-10 12:00"),
        (two, "a", "2026-03-03 12:00"),
        (three, "a", "2026-03-04 12:00"),
    )
    period = {"since": "2026-03-09", "until": "2026-03-14"}
    asked = {"steps": [{"event": "a"}, {"event": "b"}], "period": period, "window": {"n": 1}, "compare": {"to": "week"}, "show": "trend"}
    spec = FunnelSpec.model_validate(asked)
    result: Any = engine.ask(FUNNEL, spec, scope).result

    def people(**cell: object) -> list[int]:
        asks = behind(FUNNEL).spec.model_validate({"of": spec, "cell": cell})
        return [person.number - first_person for person in engine.ask(behind(FUNNEL), asks, scope).result.people]

    (everybody,) = result.trend.courses
    assert [row[0] for row in everybody.counts] == [0, 2, 1, 0, 0, 0]
    assert [row[0] for row in everybody.before] == [0, 2, 1, 0, 0, 0]
    assert (result.everybody.entered, result.everybody.before.entered) == (2, 3)
    assert people(step=1) == [0, 1]
    assert people(step=1, before=True) == [0, 1, 2]
    assert people(step=2, state="dropped", before=True) == [1, 2]
    assert people(step=1, day=date(2026, 3, 11)) == [0]
    assert people(step=2, state="dropped", day=date(2026, 3, 10)) == [1]
    assert people(step=1, day=date(2026, 3, 11), before=True) == [2]
    assert people(step=1, day=date(2026, 3, 1)) == []


def test_days_whose_time_is_not_over_are_said_to_be_open(engine: Engine, scope: Scope) -> None:
    asked = {"steps": [{"event": "a"}, {"event": "b"}], "period": {"last": 5}, "window": {"n": 2}, "show": "trend"}
    result: Any = engine.ask(FUNNEL, FunnelSpec.model_validate(asked), scope).result
    assert [bucket.state for bucket in result.trend.buckets] == ["whole", "whole", "open", "open", "open"]  # now is the 15th at noon
    weeks: Any = engine.ask(FUNNEL, FunnelSpec.model_validate({**asked, "unit": "week", "period": {"last": 10}}), scope).result
    assert [bucket.state for bucket in weeks.trend.buckets] == ["cut", "open"]


def test_a_year_by_the_day_beside_the_year_before_is_answered(engine: Engine, scope: Scope) -> None:
    asked = {
        "steps": [{"event": "a"}, {"event": "b"}],
        "period": {"last": 365},
        "window": {"n": 30},
        "show": "trend",
        "compare": {"to": "year"},
    }
    result: Any = engine.ask(FUNNEL, FunnelSpec.model_validate(asked), scope).result
    assert len(result.trend.buckets) == 365
    assert FUNNEL.table(result).rows == ()


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"compare": {"target": 3}}, "no target"),
        ({"show": "drivers", "compare": "previous"}, "without a comparison"),
        ({"show": "drivers", "count": "attempts"}, "of people"),
        ({"show": "drivers", "success": 4}, "no such step"),
        ({"show": "drivers", "success": 2, "order": "any"}, "to do all steps"),
    ],
)
def test_what_does_not_go_together_is_refused(more: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        FunnelSpec.model_validate({"steps": [{"event": "a"}, {"event": "b"}, {"event": "c"}], **more})
