"""Funnels on the real engine against plain Python, on random worlds: every number the same."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.funnel import FUNNEL
from bihuan.analyse.funnel.lean import is_lean
from bihuan.analyse.funnel.result import Durations, FunnelPart, cell_of
from bihuan.analyse.funnel.spec import Exclusion, FunnelSpec, Step
from bihuan.analyse.funnel.tests import reference
from bihuan.analyse.window import Window
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.breakdowns import ByPerson
from bihuan.engine.filters import EVERYTHING
from bihuan.engine.periods import Between, Last, PeriodSpec
from bihuan.engine.tests.broken_down import breakdowns
from bihuan.engine.tests.exactly import TIMES, exactly, thin_or_crowded
from bihuan.engine.tests.worlds import NAMES, Event, Trait, World, event_choices, filters, load


def rounded(part: FunnelPart) -> FunnelPart:
    """Quantiles are interpolated in floating point: equal to a millionth of a second."""

    def times(durations: Durations | None) -> Durations | None:
        if durations is None:
            return None
        names = ("p10", "p25", "median", "p75", "p90")
        return replace(durations, **{name: round(getattr(durations, name), 6) for name in names})

    steps = tuple(replace(step, since_previous=times(step.since_previous), since_start=times(step.since_start)) for step in part.steps)
    return replace(part, steps=steps)


TRIES = 8 * TIMES

conditions = st.sampled_from([True, True, True, False]).flatmap(
    lambda any_event: st.just(EVERYTHING) if any_event else filters(segments=("some", "same"))
)
also = st.just(()) | event_choices(NAMES, st.none()).map(lambda one: (one,))
windows = st.sampled_from(
    [Window(n=1, unit="second"), Window(n=15, unit="minute"), Window(n=2, unit="hour"), *(Window(n=days) for days in (1, 2, 7, 365))]
)


within = st.none() | st.sampled_from([Window(n=15, unit="minute"), Window(n=5, unit="hour"), Window(n=1), Window(n=3)])
steps = st.builds(Step, event=st.sampled_from(NAMES), filter=conditions, also=also)
orders = st.sampled_from(["ordered", "ordered", "ordered", "strict", "any"])


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, FunnelSpec]:
    world = draw(thin_or_crowded(max_events=40, names=draw(st.sampled_from([NAMES, NAMES[:2]]))))
    back, length = draw(st.tuples(st.integers(0, 16), st.integers(0, 16)))
    until = world.today - timedelta(days=back)
    between = Between(since=until - timedelta(days=length), until=until)
    periods: list[PeriodSpec] = [Last(last=length + 1), Last(last=3, complete=True), between]
    chosen = draw(st.lists(steps, min_size=2, max_size=4))
    asked: dict[str, Any] = {
        "filter": draw(conditions),
        "period": draw(st.sampled_from(periods)),
        "window": draw(windows),
        "breakdown": draw(breakdowns()),
        "top": draw(st.integers(1, 3)),
        "order": draw(orders),
        **draw(st.sampled_from([{}, {}, {"count": "sessions", "session_gap": 600}, {"count": "attempts"}, {"held": "plan"}])),
        "attribution": draw(st.sampled_from(["first", "last", "all", 2])),
    }
    if asked["attribution"] == "all" and (asked.get("held") or asked.get("count")):
        asked["attribution"] = "first"
    if asked["order"] == "any":
        asked |= {} if asked.get("count") != "attempts" else {"count": "people"}
    else:
        asked["first_ever"] = draw(st.sampled_from([False, False, True]))
        chosen = [step.model_copy(update={"within": draw(within)}) for step in chosen]
        chosen[1:-1] = [step.model_copy(update={"optional": draw(st.booleans())}) for step in chosen[1:-1]]
    asked["exclusions"] = draw(exclusions(chosen, asked["order"]))
    return world, FunnelSpec(steps=tuple(chosen), **asked)


@st.composite
def exclusions(draw: st.DrawFn, chosen: list[Step], order: str) -> tuple[Exclusion, ...]:
    found = []
    for event in draw(st.lists(st.sampled_from(NAMES), max_size=2)):
        required = [number for number, step in enumerate(chosen, 1) if not step.optional]
        after = draw(st.sampled_from(required[:-1])) if order != "any" else 1
        before = draw(st.sampled_from([number for number in required if number > after])) if order != "any" else None
        found.append(Exclusion(event=event, filter=draw(conditions), after=after, before=before))
    return tuple(found)


@exactly(5)
@given(st.lists(cases(), min_size=1, max_size=6))
def test_a_funnel_answers_what_plain_python_answers(engine: Engine, several: list[tuple[World, FunnelSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        result = engine.ask(FUNNEL, spec, scope).result
        ways = reference.Funnel(world, spec).ways()
        assert rounded(result.everybody) == rounded(reference.part(spec, [way for way in ways if way.best], None))
        assert [rounded(part) for part in result.parts] == [rounded(part) for part in reference.parts(spec, ways)]


def crowd(people: int, seed: int, names: str = "abc") -> World:
    """A world of many people with short histories full of ties, and a property that tells them apart."""
    dice = random.Random(seed)
    now = datetime(2026, 3, 15, 12, tzinfo=UTC)
    events: list[Event] = []
    for person in range(1, people + 1):
        instants = [now - timedelta(milliseconds=dice.choice((1000, 999, 1)) * dice.randint(0, 200)) for _ in range(4)]
        for _ in range(dice.randint(1, 9)):
            props: dict[str, Any] = {"plan": dice.choice(("free", "pro"))}
            events.append(Event(person, dice.choice(names), dice.choice(instants), props, len(events) + 1))
    dice.shuffle(events)
    return World("UTC", now, tuple(events), {}, tuple(Trait(person, "who", str(person), False, 1) for person in range(1, people + 1)))


@pytest.mark.parametrize("names", ["ab", "cab", "aa", "aba", "abca", "bbb", "cabab"])
def test_each_of_a_thousand_people_goes_the_way_that_plain_python_finds(engine: Engine, names: str) -> None:
    world = crowd(1000, seed=len(names) * 7 + ord(names[-1]))
    (scope,) = load(engine.store, world)
    spec = FunnelSpec(steps=steps_of(names), window=Window(n=40, unit="second"), period=Last(last=2), breakdown=(ByPerson(person="who"),))
    spec = spec.model_copy(update={"top": 2000})  # more than a reader may ask for: everybody for themselves
    result = engine.ask(FUNNEL, spec, scope).result
    expected = reference.parts(spec, reference.Funnel(world, spec).ways())
    assert len(expected) > 300
    assert [rounded(part) for part in result.parts] == [rounded(part) for part in expected]


def test_the_short_way_to_the_answer_is_taken_where_it_may_be() -> None:
    plain = FunnelSpec(steps=steps_of("cab"))
    assert is_lean(plain)
    assert is_lean(plain.model_copy(update={"breakdown": (ByPerson(person="who"),), "show": "drivers"}))
    for more in ({"steps": steps_of("aba")}, {"order": "strict"}, {"held": "plan"}, {"count": "attempts"}, {"show": "trend"}):
        assert not is_lean(plain.model_copy(update=more))
    assert not is_lean(FunnelSpec(steps=(Step(event="a"), Step(event="*"))))


def steps_of(names: str) -> tuple[Step, ...]:
    """Steps of these events, every other one only with the plan "pro", so that some events can serve several steps and some only one."""
    pro = {"property": "plan", "values": ["pro"]}
    return tuple(Step.model_validate({"event": name, **({"filter": pro} if number % 2 else {})}) for number, name in enumerate(names))


def options(dice: random.Random, names: str) -> dict[str, Any]:
    """A funnel of these events with random options, that go together."""
    order = dice.choice(["ordered", "ordered", "ordered", "strict", "any"])
    asked: dict[str, Any] = {"order": order, "window": {"n": dice.choice([1, 40, 100]), "unit": "second"}, "period": {"last": 2}}
    chosen: list[dict[str, Any]] = [{"event": name} for name in names]
    if order != "any":
        for step in chosen[1:]:
            if dice.random() < 0.3:
                step["within"] = {"n": dice.choice([1, 20, 60]), "unit": "second"}
        for step in chosen[1:-1]:
            step["optional"] = dice.random() < 0.4
        asked["first_ever"] = dice.random() < 0.2
        asked |= dice.choice([{}, {}, {}, {"count": "attempts"}])
    asked |= dice.choice([{}, {}, {"held": "plan"}]) if "count" not in asked else {}
    if "held" not in asked and "count" not in asked and dice.random() < 0.25:
        asked |= {"count": "sessions", "session_gap": 1}
    required = [number for number, step in enumerate(chosen, 1) if not step.get("optional")]
    for _ in range(dice.choice([0, 0, 1, 2])):
        after, before = sorted(dice.sample(required, 2)) if order != "any" else (1, len(chosen))
        pro = {"property": "plan", "values": ["pro"]}
        asked.setdefault("exclusions", []).append({"event": dice.choice("abcx"), "after": after, "before": before, "filter": pro})
    return {**asked, "steps": chosen}


@pytest.mark.exact
def test_each_of_hundreds_goes_the_way_that_plain_python_finds_whatever_is_asked(engine: Engine) -> None:
    world = crowd(200, seed=11, names="abcx")
    (scope,) = load(engine.store, world)
    dice = random.Random(5)
    entered = 0
    for _ in range(TRIES):
        asked = options(dice, dice.choice(["ab", "abc", "abca", "aab", "cabab"]))
        asked["attribution"] = dice.choice(["first", "last", 2, "first"])
        by = [{"person": "who"}, {"property": "plan"}] if dice.random() < 0.5 else [{"person": "who"}]
        spec = FunnelSpec.model_validate({**asked, "breakdown": by}).model_copy(update={"top": 2000})
        result = engine.ask(FUNNEL, spec, scope).result
        ways = reference.Funnel(world, spec).ways()
        assert [rounded(part) for part in result.parts] == [rounded(part) for part in reference.parts(spec, ways)], asked
        entered += result.everybody.entered
    assert entered > 1000


def test_the_people_behind_a_number_are_those_that_it_counts(engine: Engine) -> None:
    world = crowd(60, seed=3)
    (scope,) = load(engine.store, world)
    dice = random.Random(8)
    for attribution in ("first", "all"):
        asked = {**options(dice, "abc"), "breakdown": {"property": "plan"}, "attribution": attribution, "count": "people", "held": None}
        spec = FunnelSpec.model_validate(asked)
        result = engine.ask(FUNNEL, spec, scope).result
        assert result.everybody.entered > 20
        for part in (result.everybody, *result.parts):
            for step in part.steps:
                for state, counted in (("reached", step.people), ("dropped", step.dropped)):
                    if step.number > 1 or state == "reached":
                        cell = cell_of(part, step, state)
                        asks = behind(FUNNEL).spec.model_validate({"of": spec, "cell": cell})
                        assert engine.ask(behind(FUNNEL), asks, scope).result.total == counted


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"steps": [{"event": "a", "optional": True}, {"event": "b"}]}, "cannot be optional"),
        ({"exclusions": [{"event": "x", "after": 2, "before": 2}]}, "a step and a later one"),
        ({"order": "any", "first_ever": True}, "no first step"),
        ({"order": "any", "exclusions": [{"event": "x", "after": 2}]}, "between the first event and the last"),
        ({"held": "plan", "count": "sessions"}, "cannot be asked together"),
        ({"attribution": 4}, "no such step"),
    ],
)
def test_what_does_not_go_together_is_refused(more: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        FunnelSpec.model_validate({"steps": [{"event": "a"}, {"event": "b"}, {"event": "c"}], **more})


def test_twenty_steps_answer_soon(engine: Engine) -> None:
    (scope,) = load(engine.store, crowd(20, seed=1))
    steps = [{"event": "abc"[number % 3], "optional": 0 < number < 19 and number % 2 == 0} for number in range(20)]
    answer = engine.ask(FUNNEL, FunnelSpec.model_validate({"steps": steps, "period": {"last": 2}}), scope)
    assert answer.result.everybody.entered > 0
    assert answer.seconds < 15  # about one on a quiet machine
