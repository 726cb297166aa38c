"""Funnels on the real engine against plain Python, on random worlds: every number the same."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bihuan.analyse.funnel import FUNNEL
from bihuan.analyse.funnel.result import Durations, FunnelPart
from bihuan.analyse.funnel.spec import FunnelSpec, Step, Window
from bihuan.analyse.funnel.tests import reference
from bihuan.engine.ask import Engine
from bihuan.engine.breakdowns import ByPerson
from bihuan.engine.filters import EVERYTHING
from bihuan.engine.periods import Between, Last, PeriodSpec
from bihuan.engine.tests.broken_down import breakdowns
from bihuan.engine.tests.worlds import NAMES, Event, Trait, World, event_choices, filters, load, worlds


def rounded(part: FunnelPart) -> FunnelPart:
    """Quantiles are interpolated in floating point: equal to a millionth of a second."""

    def times(durations: Durations | None) -> Durations | None:
        if durations is None:
            return None
        names = ("p10", "p25", "median", "p75", "p90")
        return replace(durations, **{name: round(getattr(durations, name), 6) for name in names})

    steps = tuple(replace(step, since_previous=times(step.since_previous), since_start=times(step.since_start)) for step in part.steps)
    return replace(part, steps=steps)


conditions = st.one_of(st.just(EVERYTHING), filters(segments=("some", "same")))
also = st.just(()) | event_choices(NAMES, st.none()).map(lambda one: (one,))
steps = st.builds(Step, event=st.sampled_from(NAMES), filter=conditions, also=also)
windows = st.sampled_from(
    [Window(n=1, unit="second"), Window(n=15, unit="minute"), Window(n=2, unit="hour"), *(Window(n=days) for days in (1, 2, 7, 365))]
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, FunnelSpec]:
    world = draw(worlds(max_events=60, names=draw(st.sampled_from([NAMES, NAMES[:2]]))))
    back, length = draw(st.tuples(st.integers(0, 16), st.integers(0, 16)))
    until = world.today - timedelta(days=back)
    between = Between(since=until - timedelta(days=length), until=until)
    periods: list[PeriodSpec] = [Last(last=length + 1), Last(last=3, complete=True), between]
    return world, FunnelSpec(
        steps=tuple(draw(st.lists(steps, min_size=2, max_size=4))),
        filter=draw(conditions),
        period=draw(st.sampled_from(periods)),
        window=draw(windows),
        breakdown=draw(breakdowns()),
        top=draw(st.integers(1, 3)),
    )


@settings(max_examples=20, phases=(Phase.reuse, Phase.generate), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(cases(), min_size=1, max_size=4))
def test_a_funnel_answers_what_plain_python_answers(engine: Engine, several: list[tuple[World, FunnelSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        result = engine.ask(FUNNEL, spec, scope).result
        ways = reference.ways(world, spec)
        assert rounded(result.everybody) == rounded(reference.part(spec, ways, None))
        assert [rounded(part) for part in result.parts] == [rounded(part) for part in reference.parts(spec, ways)]


def crowd(people: int, seed: int) -> World:
    """A world of many people with short histories full of ties, and a property that tells them apart."""
    dice = random.Random(seed)
    now = datetime(2026, 3, 15, 12, tzinfo=UTC)
    events: list[Event] = []
    for person in range(1, people + 1):
        instants = [now - timedelta(milliseconds=dice.choice((1000, 999, 1)) * dice.randint(0, 200)) for _ in range(4)]
        for _ in range(dice.randint(1, 9)):
            props: dict[str, Any] = {"plan": dice.choice(("free", "pro"))}
            events.append(Event(person, dice.choice("abc"), dice.choice(instants), props, len(events) + 1))
    dice.shuffle(events)
    return World("UTC", now, tuple(events), {}, tuple(Trait(person, "who", str(person), False, 1) for person in range(1, people + 1)))


@pytest.mark.parametrize("names", ["ab", "aa", "aba", "abca", "bbb", "cabab"])
def test_each_of_a_thousand_people_goes_the_way_that_plain_python_finds(engine: Engine, names: str) -> None:
    world = crowd(1000, seed=len(names) * 7 + ord(names[-1]))
    (scope,) = load(engine.store, world)
    spec = FunnelSpec(steps=steps_of(names), window=Window(n=40, unit="second"), period=Last(last=2), breakdown=(ByPerson(person="who"),))
    spec = spec.model_copy(update={"top": 2000})  # more than a reader may ask for: everybody for themselves
    result = engine.ask(FUNNEL, spec, scope).result
    expected = reference.parts(spec, reference.ways(world, spec))
    assert len(expected) > 300
    assert [rounded(part) for part in result.parts] == [rounded(part) for part in expected]


def steps_of(names: str) -> tuple[Step, ...]:
    """Steps of these events, every other one only with the plan "pro", so that some events can serve several steps and some only one."""
    pro = {"property": "plan", "values": ["pro"]}
    return tuple(Step.model_validate({"event": name, **({"filter": pro} if number % 2 else {})}) for number, name in enumerate(names))
