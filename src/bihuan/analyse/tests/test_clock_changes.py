"""Answers beside another period on the days on which clocks change: in Berlin 29 March has 23 hours, and 25 October 25."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bihuan.analyse.basket import BASKET
from bihuan.analyse.basket.spec import BasketSpec
from bihuan.analyse.funnel import FUNNEL
from bihuan.analyse.funnel.spec import FunnelSpec
from bihuan.analyse.paths import PATHS
from bihuan.analyse.paths.spec import PathsSpec
from bihuan.analyse.process import PROCESS
from bihuan.analyse.process.spec import ProcessSpec
from bihuan.analyse.retention import RETENTION
from bihuan.analyse.retention.spec import RetentionSpec
from bihuan.analyse.sessions import SESSIONS
from bihuan.analyse.sessions.spec import SessionsSpec
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.question import Scope
from bihuan.engine.tests.worlds import Event, World, load

BERLIN = ZoneInfo("Europe/Berlin")
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
BY = pytest.mark.parametrize("by", [None, "plan"])  # entries and exits, and nodes, are kept in two ways


def at(clock: str) -> datetime:
    """A time on Berlin's clock; the second time that it shows it with a `+`."""
    return datetime.fromisoformat(clock.removesuffix("+")).replace(tzinfo=BERLIN, fold=int(clock.endswith("+")))


def ask(engine: Engine, now: str, question: Any, spec: Any, *events: tuple[int, str, str]) -> Any:
    """The answer about events: (person, name, time on the clock)."""
    told = [Event(person, name, at(clock).astimezone(UTC), {"item": name}, key) for key, (person, name, clock) in enumerate(events, 1)]
    (scope,) = load(engine.store, World("Europe/Berlin", at(now), tuple(told)))
    return engine.ask(question, spec, scope)


def on(day: date, **more: Any) -> dict[str, Any]:
    return {"period": {"since": str(day), "until": str(day)}, "compare": "previous", **more}


@BY
def test_a_pause_is_as_long_as_it_was_and_not_as_clocks_say(engine: Engine, by: str | None) -> None:
    spring = ask(
        engine,
        "2026-03-31 12:00",
        SESSIONS,
        SessionsSpec.model_validate(on(SPRING, by=by)),
        *((1, "a", f"2026-03-{day} {clock}") for day in (28, 29) for clock in ("01:50", "03:05")),
    ).result
    assert (spring.total.sessions, spring.total.events, spring.total.median) == (1, 2, 900.0)
    assert (spring.before.sessions, spring.before.events, spring.before.median) == (2, 2, 0.0)
    autumn = ask(
        engine,
        "2026-10-27 12:00",
        SESSIONS,
        SessionsSpec.model_validate(on(AUTUMN, by=by)),
        *((1, "a", clock) for clock in ("2026-10-25 02:50", "2026-10-25 02:10+", "2026-10-24 02:10", "2026-10-24 02:50")),
    ).result
    assert (autumn.total.sessions, autumn.total.events, autumn.total.median) == (1, 2, 1200.0)
    assert (autumn.before.sessions, autumn.before.events, autumn.before.median) == (2, 2, 0.0)


@BY
def test_days_of_another_length_stand_beside_each_other(engine: Engine, by: str | None) -> None:
    """The last and the first minute of each of three days, and of the three before."""
    for last, before in ((SPRING + timedelta(days=1), 25), (AUTUMN + timedelta(days=1), 21)):
        since = last - timedelta(days=2)
        days = [since + timedelta(days=number) for number in range(-3, 3)]
        events = [(1 + number, "a", f"{day} {clock}") for number, day in enumerate(days) for clock in ("00:00", "23:59")]
        spec = {**on(last, by=by), "period": {"since": str(since), "until": str(last)}}
        result = ask(engine, f"{last + timedelta(days=3)} 12:00", SESSIONS, SessionsSpec.model_validate(spec), *events).result
        assert days[0].day == before
        assert [(one.day, one.measures.sessions, one.before.sessions) for one in result.buckets] == [(day, 2, 2) for day in days[3:]]
        assert (result.total.people, result.before.people) == (3, 3)


@BY
@pytest.mark.parametrize(("day", "before"), [(SPRING, "2026-03-28"), (AUTUMN, "2026-10-24")])
def test_while_a_day_runs_the_other_one_counts_up_to_the_same_time_of_the_clock(engine: Engine, by: str | None, day: date, before: str):
    spec = {"period": {"last": 1}, "compare": "previous", "by": by}
    events = [(1, "a", f"{before} {clock}") for clock in ("00:10", "11:59", "12:00", "12:30")]
    events += [(1, "a", f"{day} {clock}") for clock in ("00:10", "11:59")]
    result = ask(engine, f"{day} 12:00", SESSIONS, SessionsSpec.model_validate(spec), *events).result
    assert (result.total.events, result.before.events, result.before.sessions) == (2, 2, 2)


# It is 10 o'clock, and of yesterday's visits eleven hours of today are known, or nine.
FOLLOWED = (
    ("2026-10-25 10:00", "2026-10-23", "10:30", "11:10"),
    ("2026-03-29 10:00", "2026-03-27", "08:30", "09:10"),
)


@BY
@pytest.mark.parametrize(("now", "day", "known", "unknown"), FOLLOWED)
def test_visits_of_both_sides_are_known_for_as_long(engine: Engine, by: str | None, now: str, day: str, known: str, unknown: str) -> None:
    following = date.fromisoformat(day) + timedelta(days=1)
    events = [(1, "a", f"{day} 23:00"), (1, "b", f"{following} {known}"), (1, "c", f"{following} {unknown}")]
    asked = on(following, gap=720, by=by)
    sessions = ask(engine, now, SESSIONS, SessionsSpec.model_validate(asked), *events).result
    assert (sessions.before.sessions, sessions.before.events) == (1, 2)
    paths = ask(engine, now, PATHS, PathsSpec.model_validate(asked), *events).result
    assert [(way.nodes, way.before_ways) for way in paths.top_ways] == [(("a", "b"), 1)]
    bought = {"of": {"event": "*"}, "item": "item", "basket": "session", "gap": 720, "least": 1, **on(following)}
    baskets = ask(engine, now, BASKET, BasketSpec.model_validate(bought), *events).result
    assert sorted(item.name for item in baskets.items if item.before and item.before.baskets) == ["a", "b"]


def funnel(now: str, engine: Engine, *events: tuple[int, str, str], **more: Any) -> Any:
    steps = {"steps": [{"event": "a"}, {"event": "b"}], "window": {"n": 1}}
    return ask(engine, now, FUNNEL, FunnelSpec.model_validate({**steps, **more}), *events).result


def test_who_enters_a_funnel_in_the_last_hour_of_a_day_enters_on_that_day(engine: Engine) -> None:
    for day, now in ((AUTUMN, "2026-10-30 12:00"), (SPRING, "2026-04-03 12:00")):
        days = [day + timedelta(days=number) for number in range(-2, 3)]
        events = [(number, "a", f"{one} {clock}") for number, (one, clock) in enumerate(itertools.product(days, ("00:10", "23:50")), 1)]
        period = {"since": str(days[1]), "until": str(days[-1])}
        result = funnel(
            now, engine, *events, period=period, show="trend", compare={"period": {"since": str(days[0]), "until": str(days[3])}}
        )
        (course,) = result.trend.courses
        assert ([row[0] for row in course.counts], [row[0] for row in course.before]) == ([2] * 4, [2] * 4)
        assert result.everybody.entered == result.everybody.before.entered == 8


@pytest.mark.parametrize(("now", "day", "known", "unknown"), FOLLOWED)
def test_ways_and_cases_of_both_sides_are_known_for_as_long(engine: Engine, now: str, day: str, known: str, unknown: str) -> None:
    following = date.fromisoformat(day) + timedelta(days=1)
    events = [(1, "a", f"{day} 23:00"), (1, "b", f"{following} {known}"), (2, "a", f"{day} 23:00"), (2, "b", f"{following} {unknown}")]
    found = funnel(now, engine, *events, **on(following))
    assert [step.people for step in found.everybody.before.steps] == [2, 1]
    spec = ProcessSpec.model_validate({"gap": 720, **on(following)})
    cases = ask(engine, now, PROCESS, spec, *events).result
    assert (cases.before.cases, cases.before.executions) == (2, 3)


def test_within_a_minute_the_same_is_asked_so_that_the_answer_is_kept(engine: Engine, scope: Scope) -> None:
    asked = on(date(2026, 3, 14))  # yesterday, whose visits may go on
    bought = {"of": {"event": "a"}, "item": "item", "basket": "session", **asked}
    questions: tuple[tuple[Any, Any], ...] = (
        (SESSIONS, SessionsSpec.model_validate(asked)),
        (PATHS, PathsSpec.model_validate(asked)),
        (BASKET, BasketSpec.model_validate(bought)),
        (FUNNEL, FunnelSpec.model_validate({"steps": [{"event": "a"}, {"event": "b"}], **asked})),
        (PROCESS, ProcessSpec.model_validate({"quiet": 2, **asked})),
    )
    for question, spec in questions:
        moments = [scope.now + timedelta(seconds=seconds) for seconds in (0, 0.5, 59.9, 60)]
        said = [engine.statement(question, spec, replace(scope, now=now)) for now in moments]
        assert said[0] == said[1] == said[2] != said[3]


RETURNS = {"start": {"event": "a"}, "return": {"event": "b"}, "mode": "recurring", "periods": 2}


def test_hours_are_as_long_as_each_other_where_a_day_has_more_or_fewer(engine: Engine) -> None:
    """In autumn half past two comes twice, an hour apart; in spring half past three is an hour after half past one."""
    for day, before, now, mine, theirs in (
        (AUTUMN, "2026-10-24", "2026-10-28 12:00", ("02:30", "02:30+"), ("02:30", "03:30")),
        (SPRING, "2026-03-28", "2026-04-01 12:00", ("01:30", "03:30"), ("01:30", "02:30")),
    ):
        events = [(1, name, f"{day} {clock}") for name, clock in zip("ab", mine, strict=True)]
        events += [(2, name, f"{before} {clock}") for name, clock in zip("ab", theirs, strict=True)]
        events += [(3, "a", f"{day} 23:30"), (3, "b", f"{day + timedelta(days=1)} 00:10"), (4, "a", f"{before} 23:30")]
        for clock in ("calendar", "exact"):
            spec = RetentionSpec.model_validate({**RETURNS, **on(day, unit="hour", clock=clock)})
            everybody = ask(engine, now, RETENTION, spec, *events).result.everybody
            hours = 25 if day == AUTUMN else 23
            assert (len(everybody.cohorts), len(everybody.before)) == (hours, 24)
            assert [number for number, cohort in enumerate(everybody.cohorts) if cohort.size] == [1 if day == SPRING else 2, hours - 1]
            assert [number for number, cohort in enumerate(everybody.before) if cohort.size] == [1 if day == SPRING else 2, 23]
            following = everybody.beside[1]
            back = 2 if clock == "calendar" else 1  # forty minutes after half past eleven are less than an hour
            assert (following.now.came, following.now.of, following.before.came, following.before.of) == (back, 2, 1, 2)


@pytest.mark.parametrize("plain", [True, False])
def test_a_cohort_s_next_day_is_the_calendar_s_and_its_exact_one_24_hours(engine: Engine, plain: bool) -> None:
    """Half an hour later by the next day's clock: after 23 and a half hours in spring, 25 and a half in autumn, else 24 and a half."""
    more = {} if plain else {"value": "n"}
    for day, now, exactly in ((SPRING, "2026-04-02 12:00", 0), (AUTUMN, "2026-10-29 12:00", 1)):
        days = [day + timedelta(days=number) for number in (-2, -1, 0)]
        events = [(1, "a", f"{days[1]} 10:00"), (1, "b", f"{days[2]} 10:30"), (2, "a", f"{days[0]} 10:00"), (2, "b", f"{days[1]} 10:30")]
        for clock, came in (("calendar", 1), ("exact", exactly)):
            spec = RetentionSpec.model_validate({**RETURNS, **more, **on(days[1], clock=clock)})
            following = ask(engine, now, RETENTION, spec, *events).result.everybody.beside[1]
            assert (following.now.came, following.now.of, following.before.came, following.before.of) == (came, 1, 1, 1)


def test_exact_days_are_over_when_so_many_hours_are(engine: Engine) -> None:
    """Who started at the end of the 24th has had 48 hours when it is 23 o'clock on the 26th, as the 25th has 25 hours."""
    spec = RetentionSpec.model_validate({**RETURNS, "periods": 1, "clock": "exact", **on(date(2026, 10, 24))})
    for now, over in (("2026-10-26 22:59", False), ("2026-10-26 23:00", True)):
        everybody = ask(engine, now, RETENTION, spec, (1, "a", "2026-10-24 12:00"), (2, "a", "2026-10-23 12:00")).result.everybody
        assert [cell.complete for cell in everybody.cohorts[0].cells] == [True, over]
        assert (everybody.beside[1].now.of, everybody.beside[1].before.of) == ((1, 1) if over else (0, 0))


def test_behind_a_side_on_such_a_day_are_its_people(engine: Engine) -> None:
    events = [(1, "a", "2026-10-25 02:30"), (2, "a", "2026-10-25 02:30+"), (2, "a", "2026-10-24 23:59"), (3, "a", "2026-10-24 00:00")]
    told = [Event(person, name, at(clock).astimezone(UTC), {}, key) for key, (person, name, clock) in enumerate(events, 1)]
    (scope,) = load(engine.store, World("Europe/Berlin", at("2026-10-27 12:00"), tuple(told)))
    sessions, retention = SessionsSpec.model_validate(on(AUTUMN)), RetentionSpec.model_validate({**RETURNS, **on(AUTUMN, unit="hour")})
    for question, of, cell, many in (
        (SESSIONS, sessions, {"bucket": "2026-10-25"}, 2),
        (SESSIONS, sessions, {"bucket": "2026-10-25", "before": True}, 2),
        (RETENTION, retention, {"cohort": "2026-10-25T00:00:00Z"}, 1),  # the first half past two
        (RETENTION, retention, {"cohort": "2026-10-25T01:00:00Z"}, 1),  # the second
        (RETENTION, retention, {"cohort": "2026-10-23T22:00:00Z", "before": True}, 1),
    ):
        asked = behind(question)
        assert engine.ask(asked, asked.spec.model_validate({"of": of, "cell": cell}), scope).result.total == many
