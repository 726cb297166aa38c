"""Paths beside another period or other people: exact against plain Python, honest about chance, and how it is shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.paths import PATHS
from bihuan.analyse.paths.changes import Sums, compared
from bihuan.analyse.paths.result import PathsResult, Side
from bihuan.analyse.paths.spec import PathsSpec
from bihuan.analyse.paths.tests.test_exact import Counts, Visits, Walked, cases, walk
from bihuan.analyse.paths.ways import MOST_WAYS, SKIPPED
from bihuan.analyse.statistics import benjamini_hochberg
from bihuan.engine import compare
from bihuan.engine.ask import Engine
from bihuan.engine.compare import Groups
from bihuan.engine.periods import midnight
from bihuan.engine.question import Scope
from bihuan.engine.tests.exactly import exactly
from bihuan.engine.tests.worlds import Event, World, load

Walks = tuple[list[Walked], list[Walked]]
Key = tuple[Any, ...]  # what a way may have: ("node", place, name), ("link", place, name, next), ("end", place, name), ("way", nodes, more)


def on_side(scope: Scope, side: int) -> Callable[[World, PathsSpec, Counts], Visits]:
    """The visits of the one side or the other."""

    def looked_at(world: World, spec: PathsSpec, counted: Counts) -> Visits:
        period = scope.period(spec.period)
        since, until, known = period.start, period.end, midnight(period.until + timedelta(days=2), scope.zone)
        other = compare.baseline(spec.compare, period, scope)
        if side and other is not None:
            since, until, known = other.period.start, other.until, midnight(other.period.until + timedelta(days=2), scope.zone)
            if scope.now < midnight(period.until + timedelta(days=2), scope.zone):
                known = min(known, until + max(scope.now - period.end, timedelta(0)))
        mine = defaultdict(list)
        for event in world.events:
            if (
                world.person(event)
                and since - timedelta(days=1) <= event.at < known
                and counted(event)
                and _among(world, spec, event, side)
            ):
                mine[world.person(event)].append(event)
        return [(person, visit) for person, events in mine.items() for visit in _cut(events, spec.gap) if since <= visit[0].at < until]

    return looked_at


def _among(world: World, spec: PathsSpec, event: Event, side: int) -> bool:
    if not isinstance(spec.compare, Groups):
        return True
    inside = world.holds(world.segments[spec.compare.segment], event)
    if not side:
        return inside
    match spec.compare.against:
        case "*":
            return True
        case "!":
            return not inside
        case key:
            return world.holds(world.segments[key], event)


def _cut(events: list[Event], minutes: int) -> list[list[Event]]:
    found: list[list[Event]] = []
    for event in sorted(events, key=lambda one: (one.at, one.name, one.key)):
        if not found or event.at - found[-1][-1].at > timedelta(minutes=minutes):
            found.append([])
        found[-1].append(event)
    return found


def alone(sides: list[list[Walked]], spec: PathsSpec) -> tuple[set[tuple[int, str]], list[tuple[int, str]]]:
    """The nodes that are shown alone, by the sum of their shares of both sides; and all nodes."""
    sizes: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])
    ends = set()
    for number, ways in enumerate(sides):
        for way in ways:
            for place, name in enumerate(way.nodes, way.first):
                sizes[place, name][number] += 1
            ends.add((way.first + len(way.nodes) - 1, way.nodes[-1]))
    mine, theirs = (max(1, len(ways)) for ways in sides)

    def rank(node: tuple[int, str]) -> tuple[bool, int, str]:
        always = bool(spec.start and spec.end) and (node[1] == SKIPPED or node in ends)
        return not always, -(sizes[node][0] * theirs + sizes[node][1] * mine), node[1]

    found = set()
    for step in range(1, spec.steps + 1):
        found |= set(sorted((node for node in sizes if node[0] == step), key=rank)[: spec.top])
    return found, list(sizes)


def told(way: Walked, spec: PathsSpec, shown: set[tuple[int, str]]) -> list[Key]:
    names = [(place, name if (place, name) in shown else None) for place, name in enumerate(way.nodes, way.first)]
    found: list[Key] = [("node", *node) for node in names]
    found += [("link", *node, following) for node, (_, following) in pairwise(names)]
    if not way.more:
        found.append(("end", *names[0 if spec.backwards else -1]))
    return [*found, ("way", way.nodes, way.more)]


def counted_on(ways: list[Walked], spec: PathsSpec, shown: set[tuple[int, str]]) -> dict[Key, list[Walked]]:
    found = defaultdict(list)
    for way in ways:
        for key in told(way, spec, shown):
            found[key].append(way)
    return found


def sums(mine: list[Walked], theirs: list[Walked], every: Walks, spec: PathsSpec) -> Sums:
    """The slow way: person by person."""
    if spec.measure == "people":
        both = set(mine) & set(theirs) if isinstance(spec.compare, Groups) else set()
        return Sums(_people(mine), _people(theirs), len({way.person for way in both}), 0, 0)
    squares = products = 0
    for some, all_of in zip((mine, theirs), every, strict=True):
        for person in {way.person for way in some}:
            own = sum(way.person == person for way in some)
            squares += own * own
            products += own * sum(way.person == person for way in all_of)
    return Sums(len(mine), len(theirs), len({way.visit for way in mine} & {way.visit for way in theirs}), squares, products)


def _people(ways: list[Walked]) -> int:
    return len({way.person for way in ways})


def check(world: World, spec: PathsSpec, scope: Scope, result: PathsResult) -> None:
    here_and_there = [walk(world, spec, on_side(scope, side)) for side in (0, 1)]
    here, there = (Side(visits, len(some), len(set(some)), len(ways), _people(ways)) for visits, some, ways in here_and_there)
    assert Side(result.visits, result.started, result.started_people, result.ways, result.people) == here
    assert result.before == there
    check_numbers(spec, result, (here_and_there[0][2], here_and_there[1][2]))


def check_numbers(spec: PathsSpec, result: PathsResult, walks: Walks) -> None:
    shown, nodes = alone(list(walks), spec)
    mine, theirs = (counted_on(ways, spec, shown) for ways in walks)
    keys = set(mine) | set(theirs)
    assert {("node", node.place, node.name) for node in result.nodes} == {key for key in keys if key[0] == "node"}
    for node in result.nodes:
        for kind, numbers in (
            ("node", (node.ways, node.people, node.before_ways, node.before_people)),
            ("end", (node.ended, node.ended_people, node.before_ended, node.before_ended_people)),
        ):
            here, there = mine.get((kind, node.place, node.name), []), theirs.get((kind, node.place, node.name), [])
            assert numbers == (len(here), _people(here), len(there), _people(there))
        hidden = len([one for one in nodes if one[0] == node.place and one not in shown])
        assert node.hidden == (hidden if node.name is None else 0)
    assert {("link", one.place, one.name, one.next) for one in result.links} == {key for key in keys if key[0] == "link"}
    for link in result.links:
        here, there = (some.get(("link", link.place, link.name, link.next), []) for some in (mine, theirs))
        assert (link.ways, link.people, link.before_ways, link.before_people) == (len(here), _people(here), len(there), _people(there))
    check_ways(result, mine, theirs, walks)
    check_changes(spec, result, mine, theirs, walks)


def check_ways(result: PathsResult, mine: dict[Key, list[Walked]], theirs: dict[Key, list[Walked]], walks: Walks) -> None:
    sizes = [max(1, len(ways)) for ways in walks]
    whole = [
        (len(mine.get(key, [])), len(theirs.get(key, [])), key[1], key[2])
        for key in sorted(set(mine) | set(theirs), key=str)
        if key[0] == "way"
    ]
    whole.sort(key=lambda one: (-(one[0] * sizes[1] + one[1] * sizes[0]), one[2], one[3]))
    best = sorted(whole[:MOST_WAYS], key=lambda one: (-one[0], -one[1], one[2], one[3]))
    assert [(way.ways, way.before_ways, way.nodes, way.more) for way in result.top_ways] == best
    for way in result.top_ways:
        here, there = (some.get(("way", way.nodes, way.more), []) for some in (mine, theirs))
        assert (way.people, way.before_people) == (_people(here), _people(there))


def check_changes(
    spec: PathsSpec, result: PathsResult, mine: dict[Key, list[Walked]], theirs: dict[Key, list[Walked]], walks: Walks
) -> None:
    every = sums(walks[0], walks[1], walks, spec)
    expected = {}
    for one in result.changes:
        key = ("way", one.names, one.more) if one.kind == "way" else (one.kind, one.place, *one.names)
        here, there = mine.get(key, []), theirs.get(key, [])
        assert (one.ways, one.people, one.before_ways, one.before_people) == (len(here), _people(here), len(there), _people(there))
        found = sums(here, there, walks, spec)
        assert one.share == (pytest.approx(found.mine / every.mine) if every.mine else None)
        assert one.before_share == (pytest.approx(found.theirs / every.theirs) if every.theirs else None)
        expected[key] = compared(found, every, by_person=spec.measure == "ways")
        change = expected[key][0]
        assert one.change == (None if change is None else pytest.approx(change))
    shown = {("way", way.nodes, way.more) for way in result.top_ways}
    assert set(expected) == {key for key in set(mine) | set(theirs) if key[0] in ("link", "end") or key in shown}
    adjusted = benjamini_hochberg([1.0 if p_value is None else p_value for _, p_value in expected.values()])
    told = [1.0 if one.p_value is None else one.p_value for one in result.changes]
    assert told == pytest.approx(adjusted)
    sizes = [abs(one.change.estimate) if one.change else 0.0 for one in result.changes]
    assert sizes == pytest.approx(sorted(sizes, reverse=True))


@st.composite
def beside(draw: st.DrawFn) -> tuple[World, PathsSpec]:
    world, spec = draw(cases())
    since = world.today - timedelta(days=draw(st.integers(-1, 4)))
    chosen = draw(
        st.sampled_from(
            (
                {"to": "previous"},
                {"period": {"since": str(since), "until": str(since + timedelta(days=draw(st.integers(0, 2))))}},
                {"segment": "fans", "against": "!"},
                {"segment": "fans", "against": "*"},
                {"segment": "fans", "against": "rest"},
            )
        )
    )
    document = {**spec.model_dump(), "compare": chosen, "measure": draw(st.sampled_from(("ways", "ways", "people")))}
    return world, PathsSpec.model_validate(document)


@exactly(5)
@given(st.lists(beside(), min_size=3, max_size=5))
def test_both_sides_are_those_that_plain_python_walks(engine: Engine, several: list[tuple[World, PathsSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        check(world, spec, scope, engine.ask(PATHS, spec, scope).result)
