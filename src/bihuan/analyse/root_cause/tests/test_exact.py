"""Root cause on the real engine against plain Python, on random worlds; and that everything sums to the change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.root_cause import ROOT_CAUSE
from bihuan.analyse.root_cause.arithmetic import Amounts, of_rate, shapley, surprise
from bihuan.analyse.root_cause.spec import RootCauseCell, RootCauseSpec
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.compare import Before, Other, baseline
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import EVERYTHING
from bihuan.engine.periods import Between, Period
from bihuan.engine.question import Scope
from bihuan.engine.schema import COLUMNS
from bihuan.engine.selection import Choosing
from bihuan.engine.tests.exactly import exactly, thin_or_crowded
from bihuan.engine.tests.worlds import NAMES, Event, World, filters, load, number, text

Pair = tuple[float, float]


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, RootCauseSpec]:
    world = draw(thin_or_crowded(max_events=50, names=NAMES[:2]))
    days = st.integers(0, 15).map(lambda ago: world.today - timedelta(days=ago))
    periods = [Between(since=min(pair), until=max(pair)) for pair in (draw(st.tuples(days, days)) for _ in range(2))]
    others: list[Before | Other] = [Other(period=periods[1]), Before(to="previous"), Before(to="week"), Before(to="month", align="date")]
    return world, RootCauseSpec(
        of=Choosing(event=draw(st.sampled_from((*NAMES[:2], "*")))),
        measure=draw(st.sampled_from(["count", "people", "sum", "rate", "revenue"])),
        value=draw(st.sampled_from(["revenue", "n"])),
        hits=Choosing(event=NAMES[1]),
        filter=draw(st.one_of(st.just(EVERYTHING), filters(segments=("some",)))),
        period=periods[0],
        compare=draw(st.sampled_from(others)),
        dimensions=("plan", "n", "tags"),
        people=("city", "age"),
        top=draw(st.sampled_from([1, 2, 50])),
    )


def value_in(world: World, by: str, event: Event) -> str:
    kind, _, name = by.partition(":")
    if kind == "event":
        return event.name
    if kind == "person":
        person = world.person(event)
        return text(world.trait(person, name)) if person else ""
    return text(number(event.props.get(name)) if name == "revenue" else event.props.get(name))


def on_sides(world: World, spec: RootCauseSpec, scope: Scope) -> tuple[list[Event], list[Event]]:
    """The events of the period asked about, and of the other one: while this one runs, up to the same time of the day only."""
    period = scope.period(spec.period)
    other = baseline(spec.compare, period, scope)
    assert other is not None
    return side(world, spec, period), [event for event in side(world, spec, other.period) if event.at < other.until]


def side(world: World, spec: RootCauseSpec, period: Period) -> list[Event]:
    """The events of a period, in the order of time."""
    chosen = [spec.of, *([spec.hits] if spec.measure == "rate" and spec.hits else [])]
    mine = [
        event
        for event in world.events
        if period.since <= world.day(event) <= period.until
        and any(world.chosen(each.choices, event) for each in chosen)
        and world.holds(spec.filter, event)
    ]
    return sorted(mine, key=lambda event: (event.at, event.key))


def amounts(world: World, spec: RootCauseSpec, events: Sequence[Event], part: Callable[[Event], str]) -> dict[str, Pair]:
    """(x, y) of each part."""
    found: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    seen = set()
    for event in events:
        if spec.measure == "people" and (not world.person(event) or world.person(event) in seen):
            continue
        seen.add(world.person(event))
        mine = found[part(event)]
        if spec.measure == "rate":
            assert spec.hits is not None
            mine[0] += world.chosen(spec.hits.choices, event)
            mine[1] += world.chosen(spec.of.choices, event)
        elif spec.measure in ("sum", "revenue"):
            mine[0] += number(event.props.get(spec.value)) or 0.0
        else:
            mine[0] += 1
    return {key: (x, y) for key, (x, y) in found.items()}


def effects(world: World, spec: RootCauseSpec, now: Sequence[Event], was: Sequence[Event]) -> list[tuple[Any, ...]]:
    """By the arithmetic: each factor in the other period and in this one."""

    def divided(above: float, below: float) -> float | None:
        return above / below if below else None

    sides_ = (was, now)
    people = [{world.person(event) for event in events} - {0} for events in sides_]
    whole = [amounts(world, spec, events, lambda _: "").get("", (0.0, 0.0)) for events in sides_]
    known = [[event for event in events if world.person(event)] for events in sides_]
    spent = [sum(number(event.props.get(spec.value)) or 0.0 for event in events) for events in known]
    nobody = [len(events) - len(mine) for events, mine in zip(sides_, known, strict=True)]
    counts = [len(each) for each in people]
    each = [divided(len(mine), count) for mine, count in zip(known, counts, strict=True)]
    match spec.measure:
        case "count":
            found: list[tuple[Any, ...]] = [("People", *counts), ("Events of each person", *each)]
            return [*found, *([("Events of nobody", *nobody)] if any(nobody) else [])]
        case "people":
            both = len(people[0] & people[1])
            return [("New here", 0, counts[1] - both), ("No longer here", counts[0] - both, 0), ("In both periods", both, both)]
        case "sum":
            means = [divided(x, len(events)) for (x, _), events in zip(whole, sides_, strict=True)]
            return [("Events", len(was), len(now)), ("Value of each event", *means)]
        case "revenue":
            value = [divided(worth, len(mine)) for worth, mine in zip(spent, known, strict=True)]
            rest = [round(x - worth, 6) for (x, _), worth in zip(whole, spent, strict=True)]
            found = [("People", *counts), ("Orders of each person", *each), ("Value of each order", *value)]
            return [*found, *([("Orders of nobody", *rest)] if any(rest) else [])]
    return [] if not whole[0][1] or not whole[1][1] else [("Hits", whole[0][0], whole[1][0]), ("Attempts", whole[0][1], whole[1][1])]


def metric(spec: RootCauseSpec, pair: Pair) -> float | None:
    return pair[0] if spec.measure != "rate" else pair[0] / pair[1] if pair[1] else None


def near(value: Any) -> Any:
    return None if value is None else pytest.approx(value, abs=1e-9)


@exactly(5)
@given(st.lists(cases(), min_size=2, max_size=6))
def test_parts_are_those_of_plain_python_and_sum_to_the_change(engine: Engine, several: list[tuple[World, RootCauseSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        result = engine.ask(ROOT_CAUSE, spec, scope).result
        now, was = on_sides(world, spec, scope)
        all_now, all_was = (amounts(world, spec, events, lambda _: "").get("", (0.0, 0.0)) for events in (now, was))
        assert (result.now, result.was) == (near(metric(spec, all_now)), near(metric(spec, all_was)))
        if result.change is not None:
            assert sum(effect.added for effect in result.effects) == near(result.change)
        told = [(effect.title, effect.was, effect.now) for effect in result.effects]
        assert told == [(title, near(before), near(after)) for title, before, after in effects(world, spec, now, was)]
        several_events = spec.of.event == "*" and spec.measure != "rate"
        looked = {one.by for one in result.dimensions} | set(result.alike)
        assert len(looked) == len(COLUMNS) + 3 + 2 + several_events
        for one in result.dimensions:
            parts = [amounts(world, spec, events, partial(value_in, world, one.by)) for events in (now, was)]
            assert one.values == len({*parts[0], *parts[1]})
            for part in one.parts:
                if part.value is not None:
                    pairs = [side.get(part.value, (0.0, 0.0)) for side in parts]
                    assert (part.now, part.was) == tuple(near(metric(spec, pair)) for pair in pairs)
                    assert sum(day or 0 for day in part.days) == near(pairs[0][0]) or spec.measure in ("people", "rate")
            if result.change is not None:
                assert sum(part.added for part in one.parts) == near(result.change)
                if spec.measure == "rate":
                    assert one.within + one.mix == near(result.change)
                    shares = [(pair[0][1] / all_now[1], pair[1][1] / all_was[1]) for pair in _both(parts)]
                    rates = [_rates(*pair) for pair in _both(parts)]
                    plain = sum((w + v) / 2 * (r - s) for (w, v), (r, s) in zip(shares, rates, strict=True))
                    outside = sum(h[0] / all_now[1] * (not h[1]) - g[0] / all_was[1] * (not g[1]) for h, g in _both(parts))
                    assert one.within == near(plain + outside)


def _both(parts: Sequence[dict[str, Pair]]) -> list[tuple[Pair, Pair]]:
    return [(parts[0].get(key, (0.0, 0.0)), parts[1].get(key, (0.0, 0.0))) for key in sorted({*parts[0], *parts[1]})]


def _rates(now: Pair, was: Pair) -> Pair:
    """The rate of each; without attempts, the other's."""
    rates = [pair[0] / pair[1] if pair[1] else None for pair in (now, was)]
    first = rates[0] if rates[0] is not None else rates[1]
    second = rates[1] if rates[1] is not None else rates[0]
    return first or 0.0, second or 0.0


@given(st.lists(st.tuples(*[st.floats(-50, 50)] * 2), min_size=1, max_size=4))
def test_factors_add_up_to_the_change_of_their_product(pairs):
    import math

    now, was = zip(*pairs, strict=True)
    assert sum(shapley(now, was)) == pytest.approx(math.prod(now) - math.prod(was), abs=1e-6)


def test_shapley_shares_what_two_factors_did_together():
    assert shapley((3, 5), (2, 4)) == (4.5, 2.5)  # 1 × 4.5 and 1 × 2.5


def test_simpsons_paradox_is_seen_as_mix():
    """Both parts convert better than before, and the whole converts worse: there are more of the weaker."""
    weak, strong = Amounts(30, 100, 2, 10), Amounts(9, 10, 80, 100)
    whole = weak + strong
    splits = [of_rate(part, whole) for part in (weak, strong)]
    assert all(within > 0 for within, _ in splits)
    assert sum(mix for _, mix in splits) < -0.4
    assert sum(map(sum, splits)) == pytest.approx(39 / 110 - 82 / 110)


def test_what_was_expected_is_no_surprise():
    assert surprise(0.4, 0.4) == 0
    assert surprise(0.0, 1.0) == pytest.approx(0.34657359)
    assert surprise(0.0, 0.0) == 0


def test_who_is_behind_a_part_is_a_list(engine, scope, write, first_person):
    write(
        (first_person, "Buy", "2026-03-10", {"device": "phone"}),
        (first_person, "Buy", "2026-03-12", {"device": "desk"}),
        (first_person + 1, "Buy", "2026-03-12", {"device": "desk"}),
        (first_person + 2, "Buy", "2026-03-12"),
        (first_person + 3, "Buy", "2026-03-03", {"device": "phone"}),
    )
    spec = RootCauseSpec(of=Choosing(event="Buy"), measure="people", period=Between(since=date(2026, 3, 9), until=date(2026, 3, 14)))
    question = behind(ROOT_CAUSE)

    def people(**cell: object) -> list[int]:
        asked = question.spec.model_validate({"of": spec, "cell": RootCauseCell.model_validate(cell)})
        return [one.number - first_person for one in engine.ask(question, asked, scope).result.people]

    assert people() == [0, 1, 2]
    assert people(by="property:device", value="phone") == [0]  # by the first event, so nobody is in two parts
    assert people(by="property:device", value="desk") == [1]
    assert people(by="property:device", nothing=True) == [2]
    assert people(by="property:device", value="phone", before=True) == [3]
    with pytest.raises(QuestionError, match="no such part"):
        people(by="property:other", value="phone")
    effects = {effect.title: effect.added for effect in engine.ask(ROOT_CAUSE, spec, scope).result.effects}
    assert effects == {"New here": 3, "No longer here": -1, "In both periods": 0}


def test_of_first_events_at_the_same_instant_the_one_that_was_told_first_says_the_part(engine, scope, write, first_person):
    write((first_person, "b", "2026-03-10", {"device": "phone"}), (first_person, "a", "2026-03-10", {"device": "desk"}))
    write((first_person + 1, "c", "2026-03-10", {"device": "tablet"}))
    spec = RootCauseSpec(of=Choosing(event="*"), measure="people", period=Between(since=date(2026, 3, 9), until=date(2026, 3, 14)))
    (device,) = [one for one in engine.ask(ROOT_CAUSE, spec, scope).result.dimensions if one.name == "device"]
    assert sorted((part.value, part.now) for part in device.parts) == [("phone", 1), ("tablet", 1)]


def test_small_values_are_one_part_and_still_sum_up(engine, scope, write, first_person):
    rows = [(first_person, "Buy", "2026-03-12", {"path": f"/{place}"}) for place in range(230)]
    write(*rows, (first_person, "Buy", "2026-03-12", {"path": "/0"}), (first_person, "Buy", "2026-03-03", {"path": "/0"}))
    spec = RootCauseSpec(of=Choosing(event="Buy"), period=Between(since=date(2026, 3, 9), until=date(2026, 3, 14)), top=50)
    (path,) = [one for one in engine.ask(ROOT_CAUSE, spec, scope).result.dimensions if one.name == "path"]
    assert path.values == 230
    assert (path.parts[-1].value, path.parts[-1].values) == (None, 180)
    assert sum(part.added for part in path.parts) == 230


def test_hidden_properties_are_not_looked_at(engine, scope, write, first_person):
    from dataclasses import replace

    write((first_person, "Buy", "2026-03-12", {"city": "上海"}), (first_person, "Buy", "2026-03-12", {"city": "北京"}))
    spec = RootCauseSpec(of=Choosing(event="Buy"))
    hidden = replace(scope, hidden=frozenset({"city", "plan"}))
    assert "city" in {one.name for one in engine.ask(ROOT_CAUSE, spec, scope).result.dimensions}
    answer = engine.ask(ROOT_CAUSE, spec, hidden).result
    assert "city" not in {one.name for one in answer.dimensions} | set(answer.alike)
    for more in ({"dimensions": ("plan",)}, {"people": ("plan",)}):
        with pytest.raises(QuestionError, match="hidden"):
            engine.ask(ROOT_CAUSE, spec.model_copy(update=more), hidden)


def test_a_rate_without_attempts_has_nothing_to_explain(engine, scope):
    spec = RootCauseSpec(of=Choosing(event="Try"), hits=Choosing(event="Hit"), measure="rate")
    result = engine.ask(ROOT_CAUSE, spec, scope).result
    assert (result.now, result.change, result.effects, result.causes) == (None, None, (), ())


@pytest.mark.parametrize("wrong", [{"measure": "rate"}, {"only": True}, {"compare": {"target": 5}}])
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError):
        RootCauseSpec.model_validate({"of": {"event": "Buy"}, **wrong})
