"""Lifecycle beside another period or other people, on the real engine against plain Python, on random worlds: every number the same."""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.lifecycle import LIFECYCLE
from bihuan.analyse.lifecycle.result import FIRST_AFTER, FIRST_WITHIN, STATES, Stage
from bihuan.analyse.lifecycle.sides import compared
from bihuan.analyse.lifecycle.spec import LifecycleCell, LifecycleSpec
from bihuan.analyse.lifecycle.tests.test_exact import asked_days, before, cases, first_day, following, instant
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.compare import Before, Compare, Groups, Other
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import EVERYTHING, EventProperty
from bihuan.engine.periods import Between
from bihuan.engine.question import Scope
from bihuan.engine.tests import broken_down
from bihuan.engine.tests.asked_in_part import between, only_sampled
from bihuan.engine.tests.exactly import exactly
from bihuan.engine.tests.worlds import Event, World, load

MONTHS = {"month": 1, "quarter": 3, "year": 12}
Back = Callable[[date], date | None]


def earlier(day: date, months: int) -> date | None:
    """The same date so many months before, if there is one."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, day.day) if day.day <= calendar.monthrange(year, month + 1)[1] else None


def back(world: World, spec: LifecycleSpec) -> Back:
    """The day that stands beside a day."""
    days, compare = asked_days(world, spec), spec.compare
    if isinstance(compare, Other):
        period = compare.period
        assert isinstance(period, Between)
        begin = first_day(period.since, spec.unit)
        if spec.unit == "month":
            months = (days[0].year - begin.year) * 12 + days[0].month - begin.month
            return lambda day: earlier(day, months)
        return lambda day: day - (days[0] - begin)
    assert isinstance(compare, Before)
    if compare.to == "previous":
        if spec.unit == "month":
            return lambda day: earlier(day, len(days))
        return lambda day: day - len(days) * timedelta(days=7 if spec.unit == "week" else 1)
    months = MONTHS.get(compare.to, 0) * compare.ago
    if months and (spec.unit == "month" or (spec.unit == "day" and compare.align == "date")):
        return lambda day: earlier(day, months)
    year, month = divmod(days[0].year * 12 + days[0].month - 1 - months, 12)
    same = date(year, month + 1, min(days[0].day, calendar.monthrange(year, month + 1)[1]))
    shift = round((days[0] - same).days / 7) if months else compare.ago
    return lambda day: day - timedelta(weeks=shift)


def beside(world: World, spec: LifecycleSpec) -> list[date | None]:
    """What each day, week or month stands beside."""
    days = asked_days(world, spec)
    if isinstance(spec.compare, Groups):
        return list(days)
    found = list(map(back(world, spec), days))
    if isinstance(spec.compare, Other):
        period = spec.compare.period
        assert isinstance(period, Between)
        return [day if day and day <= period.until else None for day in found]
    return found


def stop(world: World, spec: LifecycleSpec) -> datetime | None:
    """Until when the other period counts, because this one still runs: the same time of the clock, to the minute."""
    end = instant(following(asked_days(world, spec)[-1], spec.unit), world)
    if isinstance(spec.compare, Groups) or world.now.timestamp() >= end.timestamp():
        return None
    local = world.now.astimezone(ZoneInfo(world.zone)).replace(second=0, microsecond=0)
    day = back(world, spec)(local.date())
    if day is None:  # its month has no such day, and counts as a whole
        last = back(world, spec)(local.date().replace(day=1))
        assert last is not None
        return instant(following(last, "month"), world)
    return datetime.combine(day, local.time(), ZoneInfo(world.zone)).astimezone(ZoneInfo("UTC"))


def counted(world: World, spec: LifecycleSpec) -> tuple[list[Event], list[Event]]:
    """The events of all time that count on either side."""
    chosen = [
        event
        for event in world.events
        if world.person(event) and world.chosen(spec.active.choices, event) and world.holds(spec.filter, event)
    ]
    if isinstance(spec.compare, Groups):
        fans, rest = ([event for event in chosen if world.holds(world.segments[key], event)] for key in ("fans", "rest"))
        return fans, {"*": chosen, "!": [event for event in chosen if event not in fans], "rest": rest}[spec.compare.against]
    end = stop(world, spec)
    return chosen, [event for event in chosen if end is None or event.at.timestamp() < end.timestamp()]


def stage(world: World, spec: LifecycleSpec, day: date | None, events: Iterable[Event], end: datetime | None, among: Any) -> Stage | None:
    """The states in the day, week or month that begins on `day`, of those `among`."""
    if day is None:
        return None
    until = min(world.now.timestamp(), end.timestamp() if end else world.now.timestamp())
    if instant(day, world).timestamp() > until:
        return Stage(day, None, None, None, None, False)
    when: dict[int, set[date]] = defaultdict(set)
    for event in events:
        if among is None or world.person(event) in among:
            when[world.person(event)].add(first_day(world.day(event), spec.unit))
    found = {"new": 0, "returning": 0, "resurrected": 0, "dormant": 0}
    for active in when.values():
        last = before(day, spec.unit) in active
        if day in active:
            found["new" if min(active) == day else "returning" if last else "resurrected"] += 1
        elif last:
            found["dormant"] += 1
    over = instant(following(day, spec.unit), world).timestamp() <= until
    return Stage(day, found["new"], found["returning"], found["resurrected"], found["dormant"], over)


def values(world: World, spec: LifecycleSpec, scope: Scope) -> list[set[int]]:
    """Those with each value, most of this side first, as they stand in the answer, of all who are active in the periods of their side or in
    the one before them."""
    days, period = asked_days(world, spec), compared(spec, scope).period
    spans = ((days[0], following(days[-1], spec.unit)), (period.since, period.until + timedelta(days=1)))
    found: dict[str, list[set[int]]] = {}
    for side, (events, (begin, end)) in enumerate(zip(counted(world, spec), spans, strict=True)):
        for event in events:
            if before(begin, spec.unit) <= world.day(event) < end:
                value = broken_down.part(world, spec.breakdown, event)
                found.setdefault(value, [set(), set()])[side].add(world.person(event))
    ranked = sorted(found, key=lambda value: (-len(found[value][0]), value.encode()))
    parts = [set().union(*found[value]) for value in ranked[: spec.top]]
    rest = ranked[spec.top :]
    return [*parts, set().union(*(people for value in rest for people in found[value]))] if rest else parts


@st.composite
def besides(draw: st.DrawFn) -> tuple[World, LifecycleSpec]:
    world, spec = draw(cases())
    until = world.today - timedelta(days=draw(st.integers(-3, 40)))
    other = Between(since=until - timedelta(days=draw(st.sampled_from([0, 3, 30]))), until=until)
    several: list[Compare] = [
        Before(to="previous"),
        Before(to="week", ago=draw(st.integers(1, 2))),
        Before(to="month", align=draw(st.sampled_from(["weekday", "date"]))),
        Before(to="quarter", align=draw(st.sampled_from(["weekday", "date"]))),
        Groups(segment="fans", against=draw(st.sampled_from("*!"))),
        Groups(segment="fans", against="rest"),
        Other(period=other),
    ]
    given = [one for one in several if spec.unit != "month" or not isinstance(one, Before) or one.to != "week"]
    compare = draw(st.sampled_from(given))
    return world, LifecycleSpec.model_validate({**spec.model_dump(), "compare": compare})


@exactly(14)
@given(st.lists(besides(), min_size=1, max_size=6))
def test_both_sides_are_what_plain_python_finds(engine: Engine, several: list[tuple[World, LifecycleSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several), whole=True), strict=True):
        result = engine.ask(LIFECYCLE, spec, scope).result
        among = [None, *(values(world, spec, scope) if spec.breakdown else [])]
        mine, theirs = counted(world, spec)
        for part, some in zip((result.everybody, *result.parts), among, strict=True):
            assert part.stages == tuple(stage(world, spec, day, mine, None, some) for day in asked_days(world, spec))
            assert part.before == tuple(stage(world, spec, day, theirs, stop(world, spec), some) for day in beside(world, spec))


@exactly(6)
@given(st.lists(besides(), min_size=3, max_size=5))
def test_behind_each_number_of_either_side_are_as_many_people(engine: Engine, several: list[tuple[World, LifecycleSpec]]) -> None:
    question = behind(LIFECYCLE)
    for (_, spec), scope in zip(several, load(engine.store, *(world for world, _ in several), whole=True), strict=True):
        table = engine.ask(LIFECYCLE, spec, scope).table
        linked = [(row[at], cell) for row, cells in zip(table.rows, table.cells, strict=True) for at, cell in enumerate(cells) if cell]
        for number, cell in [*[each for each in linked if each[1].get("before")][-6:], *linked[-20:-16]]:
            asked = question.spec.model_validate({"of": spec, "cell": LifecycleCell.model_validate(cell)})
            assert engine.ask(question, asked, scope).result.total == number


@exactly(6)
@given(st.lists(besides(), min_size=1, max_size=6))
def test_the_table_has_both_sides(engine: Engine, several: list[tuple[World, LifecycleSpec]]) -> None:
    for (_, spec), scope in zip(several, load(engine.store, *(world for world, _ in several), whole=True), strict=True):
        answer = engine.ask(LIFECYCLE, spec, scope)
        parts = answer.result.parts or (answer.result.everybody,)
        pairs = [pair for part in parts for pair in zip(part.stages, part.before, strict=True) if pair[0].new is not None]
        names = [column.name for column in answer.table.columns]
        for row, (now, other) in zip(answer.table.rows, pairs if answer.table.rows else [], strict=True):
            told = dict(zip(names, row, strict=True))
            for number in (*STATES, "active", "stayed", "quick_ratio", "complete"):
                assert told[number] == getattr(now, number)
                assert told[f"{number}_before"] == (getattr(other, number) if other else None)
            assert (told["period"], told["period_before"]) == (now.day, other.day if other else None)
            for state in STATES if isinstance(spec.compare, Groups) else ():
                assert told[f"{state}_share"] == share(now, state)
                assert told[f"{state}_share_before"] == share(other, state)


def share(one: Stage | None, state: str) -> float | None:
    people = {str(each): getattr(one, each, None) or 0 for each in STATES}
    among = people["returning"] + people["dormant"] if state == "dormant" else people["new"] + people["returning"] + people["resurrected"]
    return people[state] / among if among else None


@exactly(6)
@given(st.lists(besides(), min_size=1, max_size=6))
def test_warnings_say_what_both_sides_have_in_common_and_where_history_begins(
    engine: Engine, several: list[tuple[World, LifecycleSpec]]
) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several), whole=True), strict=True):
        result = engine.ask(LIFECYCLE, spec, scope).result
        said = [msgid for msgid, _ in result.warnings]
        mine, theirs = counted(world, spec)
        side = compared(spec, scope)
        if isinstance(spec.compare, Groups):
            days = asked_days(world, spec)
            begin, end = before(days[0], spec.unit), following(days[-1], spec.unit)
            both = [{world.person(event) for event in events if begin <= world.day(event) < end} for events in (mine, theirs)]
            words = "among everybody" if spec.compare.against == "*" else "in both segments"
            assert [words in each for each in said] == [True] * bool(both[0] & both[1])
            continue
        count = len({*asked_days(world, spec)} & {*side.days})
        told = [values.get("count", 1) for msgid, values in result.warnings if "both sides" in msgid]
        assert told == [count] * bool(count)
        known = any(world.day(event) < side.days[0] for event in theirs)
        came = any(world.day(event) >= side.days[0] for event in theirs if world.day(event) <= side.period.until)
        begun = any(each and each.active for each in result.everybody.before)
        assert came or not begun
        if not known and result.people:
            assert (FIRST_WITHIN if begun else FIRST_AFTER) in said
        else:
            assert not {FIRST_WITHIN, FIRST_AFTER} & set(said)


@exactly(6)
@given(st.lists(st.tuples(besides(), st.sampled_from((0.5, 0.3))), min_size=2, max_size=6))
def test_a_sample_beside_something_is_the_states_of_its_people(
    engine: Engine, several: list[tuple[tuple[World, LifecycleSpec], float]]
) -> None:
    worlds = [world for (world, _), _ in several]
    for ((world, plain), sample), scope in zip(several, load(engine.store, *worlds, whole=True), strict=True):
        spec = plain.model_copy(update={"sample": sample})
        answer = engine.ask(LIFECYCLE, spec, scope)
        small = only_sampled(engine, world, scope, sample)
        everybody, theirs = answer.result.everybody, counted(small, spec)[1]
        for other, day in zip(everybody.before, beside(small, spec), strict=True):
            seen = stage(small, spec, day, theirs, stop(small, spec), None)
            if seen is None or seen.new is None:
                assert other == seen
                continue
            assert other is not None
            assert other.seen == seen
            assert [getattr(other, state) for state in STATES] == [round(getattr(seen, state) / sample) for state in STATES]
        if spec.breakdown or not answer.table.rows:
            continue
        names = [column.name for column in answer.table.columns]
        begun = [other for now, other in zip(everybody.stages, everybody.before, strict=True) if now.new is not None]
        for row, other in zip(answer.table.rows, begun, strict=True):
            told = dict(zip(names, row, strict=True))
            for number in (*STATES, "active"):
                surely = between(range(getattr(other.seen, number)), sample) if other and other.seen else None
                bounds = (surely.low, surely.high) if surely else (None, None)
                assert (told[f"{number}_before_low"], told[f"{number}_before_high"]) == pytest.approx(bounds)


VISITS = (
    (0, "2026-02-04 09:00"),
    (0, "2026-02-11 09:00"),  # back a week later, by the clock before what is now
    (1, "2026-02-05 09:00"),
    (1, "2026-02-11 12:00"),  # by the clock just when it is now: too late
    (2, "2026-03-04 09:00"),
    (0, "2026-03-11 09:00"),
)


@pytest.mark.parametrize("filtered", [False, True])
def test_what_stands_beside_a_running_week_counts_until_the_same_moment(engine, scope, write, first_person, filtered):
    write(*((first_person + who, "Visit", at, {"plan": "pro"}) for who, at in VISITS))
    now = datetime(2026, 3, 11, 12, tzinfo=ZoneInfo(scope.zone))
    asked: dict[str, Any] = {"period": {"since": "2026-03-02", "until": "2026-03-11"}, "compare": {"to": "week", "ago": 4}}
    spec = LifecycleSpec.model_validate(asked | ({"filter": {"property": "plan", "op": "is", "values": ["pro"]}} if filtered else {}))
    result = engine.ask(LIFECYCLE, spec, replace(scope, now=now)).result
    assert result.everybody.stages == (Stage(date(2026, 3, 2), 1, 0, 0, 0, True), Stage(date(2026, 3, 9), 0, 0, 1, 1, False))
    assert result.everybody.before == (Stage(date(2026, 2, 2), 2, 0, 0, 0, True), Stage(date(2026, 2, 9), 0, 1, 0, 1, False))
    assert result.warnings == ((FIRST_WITHIN, {}),)
    headlines = {line.title: (line.value, line.change) for line in LIFECYCLE.headlines(result)}
    assert headlines["New"] == (1, -0.5)
    assert headlines["Dormant"] == (0, None)


def test_whole_days_tell_what_stands_beside_but_for_the_day_that_is_not_whole(scope):
    period = {"since": "2026-02-02", "until": "2026-03-01"}
    over = LIFECYCLE.compile(LifecycleSpec.model_validate({"period": period, "compare": "previous"}), scope).sql
    running = LIFECYCLE.compile(LifecycleSpec.model_validate({"compare": "previous"}), scope).sql
    groups = LIFECYCLE.compile(LifecycleSpec.model_validate({"compare": {"segment": "fans"}}), with_fans(scope)).sql
    assert over.count("daily_any_ever") == running.count("daily_any_ever") == 2
    assert ("visible" in over, "visible" in running) == (False, True)
    assert "history" not in over + running
    assert "daily" not in groups


def with_fans(scope: Scope) -> Scope:
    return replace(scope, segments={"fans": EventProperty(property="plan", op="is", values=("pro",))}, segment_names={"fans": "Fans"})


def test_a_day_that_the_other_month_has_not_stands_beside_nothing(engine, scope, write, first_person):
    write((first_person, "Visit", "2025-02-28"), (first_person, "Visit", "2025-03-29"))
    asked = {"unit": "day", "period": {"since": "2025-03-27", "until": "2025-04-01"}, "compare": {"to": "month", "align": "date"}}
    spec = LifecycleSpec.model_validate(asked)
    result = engine.ask(LIFECYCLE, spec, scope).result
    days = [other and other.day.isoformat() for other in result.everybody.before]
    assert days == ["2025-02-27", "2025-02-28", None, None, None, "2025-03-01"]
    people = behind(LIFECYCLE)
    with pytest.raises(QuestionError, match="Nothing stands beside"):
        engine.ask(people, people.spec.model_validate({"of": spec, "cell": {"day": "2025-03-29", "before": True}}), scope)
    asked_of = people.spec.model_validate({"of": spec, "cell": {"day": "2025-03-28", "state": "new", "before": True}})
    assert [member.number for member in engine.ask(people, asked_of, scope).result.people] == [first_person]


def test_before_means_nothing_where_nothing_is_compared(engine, scope):
    people = behind(LIFECYCLE)
    with pytest.raises(QuestionError, match="Nothing stands beside"):
        engine.ask(people, people.spec.model_validate({"of": LifecycleSpec(), "cell": {"before": True}}), scope)


def test_a_target_and_months_beside_weeks_are_refused():
    with pytest.raises(ValueError, match="have no target"):
        LifecycleSpec.model_validate({"compare": {"target": 3}})
    with pytest.raises(ValueError, match="some months, quarters or years"):
        LifecycleSpec.model_validate({"unit": "month", "compare": {"to": "week"}})
    assert LifecycleSpec().compare is None
    assert LifecycleSpec().filter == EVERYTHING
