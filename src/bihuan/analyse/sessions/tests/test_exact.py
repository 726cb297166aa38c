"""Sessions on the real engine against plain Python, on random worlds: every number the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.sessions import SESSIONS
from bihuan.analyse.sessions.result import Measures, Part, SessionsResult
from bihuan.analyse.sessions.spec import SessionsCell, SessionsSpec
from bihuan.analyse.tests.visiting import visits
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.filters import EVERYTHING, EventChoice
from bihuan.engine.periods import Last, bucket_day
from bihuan.engine.tests import broken_down
from bihuan.engine.tests.broken_down import breakdowns
from bihuan.engine.tests.exactly import exactly, thin_or_crowded
from bihuan.engine.tests.worlds import NAMES, Event, World, filters, load, text


@dataclass(frozen=True)
class Session:
    person: int
    day: date
    milliseconds: int
    depth: int
    bounced: bool
    value: str
    entry: str
    exit: str


def sessions(world: World, spec: SessionsSpec) -> list[Session]:
    assert isinstance(spec.period, Last)
    choices = spec.events or (EventChoice(event="*"),)

    def counted(event: Event) -> bool:
        return world.chosen(choices, event) and world.holds(spec.filter, event)

    def node(event: Event) -> str:
        return (text(event.props.get(spec.by)) if spec.by else "") or event.name

    since = world.today - timedelta(days=spec.period.last - 1)
    among = [each for each in world.events if since <= world.day(each) <= world.today and world.person(each) and counted(each)]
    found = []
    for person, events in visits(world, counted, spec.gap, spec.period):
        first, last = events[0], events[-1]
        length = (last.at - first.at) // timedelta(milliseconds=1)
        bounced = len(events) == 1 or (spec.bounce_seconds is not None and length < spec.bounce_seconds * 1000)
        value = broken_down.part(world, spec.breakdown, first, among)
        day = bucket_day(world.day(first), spec.unit)
        found.append(Session(person, day, length, len(events), bounced, value, node(first), node(last)))
    return found


def quantile(numbers: Sequence[int], share: float) -> float:
    at = share * (len(numbers) - 1)
    below = int(at)
    above = min(below + 1, len(numbers) - 1)
    return numbers[below] + (numbers[above] - numbers[below]) * (at - below)


def measures(found: Sequence[Session]) -> Measures:
    if not found:
        return Measures()
    lengths = sorted(one.milliseconds for one in found)
    return Measures(
        sessions=len(found),
        people=len({one.person for one in found}),
        events=sum(one.depth for one in found),
        bounces=sum(one.bounced for one in found),
        median=quantile(lengths, 0.5) / 1000,
        p90=quantile(lengths, 0.9) / 1000,
        mean=sum(lengths) / len(lengths) / 1000,
    )


def same(mine: Measures, other: Measures) -> bool:
    for name in ("sessions", "people", "events", "bounces"):
        assert getattr(mine, name) == getattr(other, name)
    for name in ("median", "p90", "mean"):
        assert getattr(mine, name) == (None if getattr(other, name) is None else pytest.approx(getattr(other, name), abs=1e-6))
    return True


def check_parts(parts: Sequence[Part], by_value: Mapping[str, list[Session]], top: int) -> None:
    order = sorted(by_value, key=lambda value: (-len(by_value[value]), value.encode()))
    alone, rest = order[:top], order[top:]
    assert {part.value for part in parts} == {*alone, *([None] if rest else [])}
    for part in parts:
        expected = by_value[part.value] if part.value is not None else [one for value in rest for one in by_value[value]]
        assert part.other == (0 if part.value is not None else len(rest))
        assert same(part.measures, measures(expected))


def check(world: World, spec: SessionsSpec, result: SessionsResult) -> None:
    found = sessions(world, spec)
    assert same(result.total, measures(found))
    for bucket in result.buckets:
        assert same(bucket.measures, measures([one for one in found if one.day == bucket.day]))
    assert sum(bucket.measures.sessions for bucket in result.buckets) == len(found)
    for parts, name in ((result.parts, "value"), (result.entries, "entry"), (result.exits, "exit")):
        by_value = defaultdict(list)
        for one in found:
            by_value[getattr(one, name)].append(one)
        check_parts(parts, {} if name == "value" and not spec.breakdown else by_value, spec.top)


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, SessionsSpec]:
    world = draw(thin_or_crowded(days=6, max_events=60))
    choice = st.builds(EventChoice, event=st.sampled_from(NAMES), filter=st.one_of(st.none(), filters()))
    return world, SessionsSpec(
        events=draw(st.one_of(st.just(()), st.lists(choice, max_size=3).map(tuple))),
        filter=draw(st.one_of(st.just(EVERYTHING), filters(segments=("some", "same")))),
        period=Last(last=draw(st.integers(1, 6))),
        unit=draw(st.sampled_from(("day", "week", "month"))),
        gap=draw(st.sampled_from((1, 15, 30, 240, 720))),
        bounce_seconds=draw(st.sampled_from((None, 10, 900, 3600))),
        by=draw(st.sampled_from((None, "plan", "country"))),
        breakdown=draw(st.just(()) | breakdowns()),
        top=draw(st.integers(1, 4)),
    )


@exactly(5)
@given(st.lists(cases(), min_size=1, max_size=6))
def test_sessions_are_those_that_plain_python_counts(engine: Engine, several: list[tuple[World, SessionsSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        check(world, spec, engine.ask(SESSIONS, spec, scope).result)


def test_who_is_behind_a_day_a_value_an_entry_and_a_bounce(engine, scope, write, first_person):
    write(
        (first_person, "A", "2026-03-14 09:00", {"plan": "pro"}),
        (first_person, "B", "2026-03-14 09:30"),
        (first_person + 1, "B", "2026-03-13 09:00"),
        (first_person + 1, "A", "2026-03-13 09:31"),
        (0, "A", "2026-03-13 09:31"),
    )
    spec = SessionsSpec.model_validate({"breakdown": {"property": "plan"}, "top": 1})
    question = behind(SESSIONS)

    def people(**cell: object) -> list[int]:
        asked = question.spec.model_validate({"of": spec, "cell": SessionsCell.model_validate(cell)})
        return [one.number - first_person for one in engine.ask(question, asked, scope).result.people]

    assert people() == [0, 1]
    assert people(bucket="2026-03-13") == [1]
    assert people(none=True) == [1]
    assert people(other=True) == [0]
    assert people(entry="A") == [0, 1]
    assert people(exit="B") == [0, 1]
    assert people(bounced=True) == [1]
    assert people(entry="A", bounced=True) == [1]


def test_a_period_without_sessions_has_zeros_and_no_chart(engine, scope):
    answer = engine.ask(SESSIONS, SessionsSpec(period=Last(last=3)), scope)
    assert (answer.result.total, len(answer.table.rows), answer.table.rows[0][1:4]) == (Measures(), 3, (0, 0, None))
    assert answer.result.entries == answer.result.exits == ()
