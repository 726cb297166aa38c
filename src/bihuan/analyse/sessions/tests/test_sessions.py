"""Sessions one by one: what stands beside them, what is refused, and how it is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from bihuan.analyse.sessions import SESSIONS
from bihuan.analyse.sessions.result import Measures
from bihuan.analyse.sessions.spec import SessionsCell, SessionsSpec
from bihuan.analyse.tests.test_shown import Plain
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import Did

NOON = {"period": {"last": 1}, "compare": "previous"}  # the scope's now is a noon


def spec(**more: Any) -> SessionsSpec:
    return SessionsSpec.model_validate({"period": {"since": "2026-03-13", "until": "2026-03-14"}, **more})


def panel(result: Any) -> Any:
    assert SESSIONS.panel is not None
    return SESSIONS.panel(result, Plain())


def test_a_target_is_refused():
    with pytest.raises(ValidationError, match="Sessions have no target"):
        spec(compare={"target": 3})


def test_an_old_spec_asks_what_it_asked(engine, scope, write, first_person):
    write((first_person, "A", "2026-03-13 09:00"), (first_person, "A", "2026-03-11 09:00"))
    answer = engine.ask(SESSIONS, spec(), scope)
    assert (answer.result.before, answer.result.compared_with, panel(answer.result)["totals"]) == (None, None, [])
    assert [column.name for column in answer.table.columns][-1] == "bounce_share"
    assert len((SESSIONS.chart(answer.result, Plain()) or {})["series"]) == 2
    assert [headline.change for headline in SESSIONS.headlines(answer.result)] == [None] * 6


def test_each_day_stands_beside_its_counterpart(engine, scope, write, first_person):
    write(
        (first_person, "A", "2026-03-13 09:00"),
        (first_person, "A", "2026-03-14 09:00"),
        (first_person, "B", "2026-03-14 09:10"),
        (first_person, "A", "2026-03-07 09:00"),
        (first_person + 1, "C", "2026-03-07 09:00"),
    )
    result = engine.ask(SESSIONS, spec(compare="week"), scope).result
    assert [(one.measures.sessions, one.before.sessions) for one in result.buckets] == [(1, 0), (1, 2)]
    assert [(one.value, one.measures.sessions, one.before.sessions) for one in result.entries] == [("A", 2, 1), ("C", 0, 1)]
    shown = panel(result)
    assert (shown["asked_about"], shown["compared"]) == ("This period", "the same days a week before")
    assert [(row["title"], row["now"], row["before"], row["change"]) for row in shown["totals"]][:3] == [
        ("Sessions", "2 number", "2 number", "0.0 share"),
        ("People", "1 number", "2 number", "-0.5 share"),
        ("Events", "3 number", "2 number", "+0.5 share"),
    ]
    assert [headline.change for headline in SESSIONS.headlines(result)][:2] == [0.0, 1.0]
    first = shown["buckets"][0]
    assert (first["before"]["people"], first["before"]["query"]) == ("2 number", "cell.bucket=2026-03-14&cell.before=True")
    *_, sessions, bounce = (SESSIONS.chart(result, Plain()) or {})["series"]
    assert (sessions["name"], bounce["name"]) == (
        "Sessions, the same days a week before",
        "Bounce rate, %, the same days a week before",
    )
    assert sessions["data"][1] == {"value": 2, "cell": {"bucket": "2026-03-14", "before": True}}
    assert bounce["data"] == [None, 100.0]


@pytest.mark.parametrize("by", [None, "plan"])
def test_what_it_is_compared_with_is_known_as_far_as_the_clock_is(engine, scope, write, first_person, by):
    write(
        *((first_person, "A", f"2026-03-14 {clock}") for clock in ("11:50", "11:59", "12:00", "12:10")),
        (first_person + 1, "A", "2026-03-14 12:00"),
        (first_person, "A", "2026-03-15 11:50"),
    )
    result = engine.ask(SESSIONS, SessionsSpec.model_validate({**NOON, "by": by}), scope).result
    assert (result.before.sessions, result.before.people, result.before.events, result.before.median) == (1, 1, 2, 540.0)


@pytest.mark.parametrize("by", [None, "plan"])
def test_a_session_is_followed_as_long_on_both_sides(engine, scope, write, first_person, by):
    """At every eleventh hour from the last evening of the period before: the third one is after the day on which it is followed."""
    hours = ("2026-03-12 20:00", "2026-03-13 07:00", "2026-03-13 18:00", "2026-03-14 05:00")
    write(*((first_person, "A", hour) for hour in hours))
    asked = {"period": {"since": "2026-03-13", "until": "2026-03-13"}, "compare": "previous", "gap": 720, "by": by}
    both = engine.ask(SESSIONS, SessionsSpec.model_validate(asked), scope).result
    alone = {"period": {"since": "2026-03-12", "until": "2026-03-12"}, "gap": 720, "by": by}
    assert both.total == Measures()
    assert both.before == engine.ask(SESSIONS, SessionsSpec.model_validate(alone), scope).result.total
    assert both.before.events == 3
    turned = {**alone, "compare": {"period": {"since": "2026-03-13", "until": "2026-03-14"}}}
    assert engine.ask(SESSIONS, SessionsSpec.model_validate(turned), scope).result.total == both.before


@pytest.mark.parametrize("by", [None, "plan"])
def test_while_sessions_of_yesterday_may_go_on_those_before_are_known_as_far(engine, scope, write, first_person, by):
    """It is noon: of what began on the 13th, what happened after the noon of the 14th is not known yet."""
    write(*((first_person, "A", at) for at in ("2026-03-13 23:00", "2026-03-14 10:00", "2026-03-14 12:10")))
    asked = {"period": {"since": "2026-03-14", "until": "2026-03-14"}, "compare": "previous", "gap": 720, "by": by}
    before = engine.ask(SESSIONS, SessionsSpec.model_validate(asked), scope).result.before
    assert (before.sessions, before.events, before.median) == (1, 2, 11 * 3600.0)


def test_a_segment_stands_beside_everybody_and_is_called_by_its_name(engine, scope, write, first_person):
    write((first_person, "A", "2026-03-13 09:00"), (first_person + 1, "B", "2026-03-13 09:00"))
    scope = replace(scope, segments={"buyers": Did(did="B", days=30)}, segment_names={"buyers": "Buyers"})
    result = engine.ask(SESSIONS, spec(compare={"segment": "buyers"}), scope).result
    assert (result.total.people, result.before.people) == (1, 2)
    assert panel(result)["asked_about"] == "Buyers"


def test_one_side_alone_has_a_chart_and_shares_of_nothing_are_none(engine, scope, write, first_person):
    write((first_person, "A", "2026-03-12 09:00"))
    result = engine.ask(SESSIONS, spec(compare="previous"), scope).result
    assert (result.total, result.before.sessions) == (Measures(), 1)
    assert SESSIONS.chart(result, Plain()) is not None
    assert [(one["share"], one["before"]["sessions"]) for one in panel(result)["entries"]] == [("None share", "1 number")]


def test_a_sample_says_so_and_is_scaled_up(engine, scope, write, first_person):
    write(*((person, "A", "2026-03-13 09:00") for person in range(first_person, first_person + 100)))
    answer = engine.ask(SESSIONS, spec(sample=0.5), scope)
    total = answer.result.total
    assert total.sessions == total.people == total.events == total.bounces
    assert total.sessions % 2 == 0
    assert 50 < total.sessions < 150
    assert (total.each, total.depth, total.bounce, answer.sample) == (1.0, 1.0, 1.0, 0.5)
    assert answer.warnings == (("Estimated from {percent} % of the people.", {"percent": 50.0}),)
    error = 1.959963984540054 * (total.sessions / 2 * 0.5) ** 0.5 / 0.5
    assert (total.sure.people.low, total.sure.people.high) == pytest.approx((total.people - error, total.people + error))
    at = [column.name for column in answer.table.columns].index("sessions_low")
    assert answer.table.rows[0][at : at + 2] == (total.sure.sessions.low, total.sure.sessions.high)
    assert [len(cells) for cells in answer.table.cells] == [len(row) for row in answer.table.rows] == [14, 14]
    rows = {row["title"]: row["between"] for row in panel(answer.result)["totals"]}
    assert rows["People"] == f"{round(total.people - error)} number – {round(total.people + error)} number"
    assert rows["Bounce rate"] == ""


def test_how_sure_a_sample_is_rests_on_what_each_person_adds(engine, scope, write, first_person):
    """Everybody has a session of two events and one that bounced."""
    for clock in ("09:00", "09:10", "15:00"):
        write(*((person, "A", f"2026-03-13 {clock}") for person in range(first_person, first_person + 100)))
    total = engine.ask(SESSIONS, spec(sample=0.5), scope).result.total
    people = total.people / 2
    for name, each in (("people", 1), ("sessions", 2), ("events", 3), ("bounces", 1)):
        error = 1.959963984540054 * (people * each**2 * 0.5) ** 0.5 / 0.5
        found = getattr(total.sure, name)
        assert (found.low, found.high) == pytest.approx((2 * people * each - error, 2 * people * each + error))


def test_nothing_on_both_sides_has_no_chart(engine, scope):
    result = engine.ask(SESSIONS, spec(compare="previous"), scope).result
    assert (SESSIONS.chart(result, Plain()), result.before) == (None, Measures())
    assert panel(result)["entries"] == []


def test_where_nothing_is_compared_nobody_is_behind_the_other_side(scope):
    assert SESSIONS.people is not None
    with pytest.raises(QuestionError, match="no such part"):
        SESSIONS.people(spec(), SessionsCell(before=True), scope)
