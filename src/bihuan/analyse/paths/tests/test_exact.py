"""Paths on the real engine against plain Python, on random worlds: every number the same."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.paths import PATHS
from bihuan.analyse.paths.result import PathsResult
from bihuan.analyse.paths.spec import Group, PathsCell, PathsSpec
from bihuan.analyse.paths.ways import MOST_WAYS, SKIPPED
from bihuan.analyse.tests.visiting import visits
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.filters import EVERYTHING, EventChoice
from bihuan.engine.periods import Last
from bihuan.engine.tests.exactly import exactly, thin_or_crowded
from bihuan.engine.tests.worlds import NAMES, Event, World, filters, load, text

Step = tuple[int, str | None]


def fits(name: str, pattern: str | None) -> bool:
    return pattern is None or re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name, re.DOTALL) is not None


@dataclass(frozen=True)
class Walked:
    """One way: `nodes` as looked at, the first of them at step `first`; of the `visit` with these events."""

    person: int
    nodes: tuple[str, ...]
    first: int
    more: bool
    visit: tuple[int, ...]


Visits = list[tuple[int, list[Event]]]
Counts = Callable[[Event], bool]


def in_period(world: World, spec: PathsSpec, counted: Counts) -> Visits:
    assert isinstance(spec.period, Last)
    return visits(world, counted, spec.gap, spec.period)


def walk(
    world: World, spec: PathsSpec, looked_at: Callable[[World, PathsSpec, Counts], Visits] = in_period
) -> tuple[int, list[int], list[Walked]]:
    """Visits, the person of each that has the start, and the ways."""
    names = [choice.event for choice in spec.events]
    extra = [EventChoice(event=end) for end in (spec.start, spec.end) if end and "*" not in end and end not in names]
    choices = [*spec.events, *extra] if spec.events else [EventChoice(event="*")]

    def raw(event: Event) -> str:
        return (text(event.props.get(spec.by)) if spec.by else "") or event.name

    def counted(event: Event) -> bool:
        left_out = any(fits(raw(event), pattern) for pattern in spec.without)
        return not left_out and world.chosen(choices, event) and world.holds(spec.filter, event)

    def node(event: Event) -> str:
        return next((group.name or group.match for group in spec.groups if fits(raw(event), group.match)), raw(event))

    all_visits = looked_at(world, spec, counted)
    started: list[int] = []
    ways: list[Walked] = []
    for person, events in all_visits:
        trail: list[tuple[str, list[Event]]] = []  # a node and the events that are it
        for event in events:
            if spec.loops == "collapse" and trail and trail[-1][0] == node(event):
                trail[-1][1].append(event)
            else:
                trail.append((node(event), [event]))

        def fitting(pattern: str | None, trail: list[tuple[str, list[Event]]] = trail) -> list[int]:
            return [
                place
                for place, (name, these) in enumerate(trail)
                if any(fits(text, pattern) for event in these for text in (name, raw(event), event.name))
            ]

        begins = fitting(spec.start)
        if not begins:
            continue
        started.append(person)
        first, last = begins[0], len(trail) - 1
        if spec.end is not None:
            ends = [place for place in fitting(spec.end) if place >= first and not (spec.start and place == first)]
            if not ends:
                continue
            last = ends[0]
        ways.append(walked(person, [name for name, _ in trail[first : last + 1]], spec, tuple(event.key for event in events)))
    return len(all_visits), started, ways


def walked(person: int, trail: Sequence[str], spec: PathsSpec, visit: tuple[int, ...]) -> Walked:
    more = len(trail) > spec.steps
    if not more:
        return Walked(person, tuple(trail), 1 + (spec.steps - len(trail)) * spec.backwards, False, visit)
    if spec.backwards:
        return Walked(person, tuple(trail[-spec.steps :]), 1, True, visit)
    if spec.end:
        return Walked(person, (*trail[: spec.steps - 2], SKIPPED, trail[-1]), 1, True, visit)
    return Walked(person, tuple(trail[: spec.steps]), 1, True, visit)


def kept(ways: Sequence[Walked], spec: PathsSpec) -> set[tuple[int, str]]:
    """The nodes that are shown alone."""
    sizes: dict[tuple[int, str], int] = defaultdict(int)
    for way in ways:
        for place, name in enumerate(way.nodes, way.first):
            sizes[place, name] += 1
    ends = {(way.first + len(way.nodes) - 1, way.nodes[-1]) for way in ways}
    found = set()
    for step in range(1, spec.steps + 1):
        here = [(place, name) for place, name in sizes if place == step]

        def rank(node: tuple[int, str]) -> tuple[bool, int, str]:
            always = bool(spec.start and spec.end) and (node[1] == SKIPPED or node in ends)
            return not always, -sizes[node], node[1]

        found |= set(sorted(here, key=rank)[: spec.top])
    return found


def check(world: World, spec: PathsSpec, result: PathsResult) -> None:
    count, started, ways = walk(world, spec)
    assert (result.visits, result.started, result.started_people) == (count, len(started), len(set(started)))
    assert (result.ways, result.people) == (len(ways), len({way.person for way in ways}))
    alone = kept(ways, spec)
    nodes: dict[Step, list[tuple[Walked, str, bool]]] = defaultdict(list)
    links: dict[tuple[int, str | None, str | None], list[int]] = defaultdict(list)
    for way in ways:
        names = [(place, name if (place, name) in alone else None) for place, name in enumerate(way.nodes, way.first)]
        edge = names[0 if spec.backwards else -1]
        for (place, name), itself in zip(names, way.nodes, strict=True):
            nodes[place, name].append((way, itself, (place, name) == edge))
        for (place, name), (_, following) in pairwise(names):
            links[place, name, following].append(way.person)
    assert {(one.place, one.name, one.next): (one.ways, one.people) for one in result.links} == {
        key: (len(people), len(set(people))) for key, people in links.items()
    }
    assert {(one.place, one.name) for one in result.nodes} == set(nodes)
    for one in result.nodes:
        here = nodes[one.place, one.name]
        assert (one.ways, one.people) == (len(here), len({way.person for way, _, _ in here}))
        ended = [way.person for way, _, edge in here if edge and not way.more]
        assert (one.ended, one.ended_people) == (len(ended), len(set(ended)))
        assert one.onward == sum(edge and way.more for way, _, edge in here)
        assert one.hidden == (len({itself for _, itself, _ in here}) if one.name is None else 0)
    whole: dict[tuple[tuple[str, ...], bool], list[int]] = defaultdict(list)
    for way in ways:
        whole[way.nodes, way.more].append(way.person)
    expected = sorted(((*key, len(people), len(set(people))) for key, people in whole.items()), key=lambda row: (-row[2], row[0], row[1]))
    assert [(way.nodes, way.more, way.ways, way.people) for way in result.top_ways] == expected[:MOST_WAYS]


@st.composite
def cases(draw: st.DrawFn) -> tuple[World, PathsSpec]:
    world = draw(thin_or_crowded(days=4, max_events=60))
    ends = st.sampled_from((None, None, "a", "b", "*", "x", "p*"))
    choice = st.builds(EventChoice, event=st.sampled_from(NAMES), filter=st.one_of(st.none(), filters()))
    group = st.builds(Group, match=st.sampled_from(("a", "*", "*o*", "p%", "pr_", "2*", "b*")), name=st.sampled_from((None, "x", "a")))
    return world, PathsSpec(
        events=draw(st.one_of(st.just(()), st.lists(choice, max_size=3).map(tuple))),
        by=draw(st.sampled_from((None, None, "plan", "country", "n"))),
        groups=draw(st.lists(group, max_size=2).map(tuple)),
        without=draw(st.sampled_from(((), (), ("c",), ("p*", "2")))),
        start=draw(ends),
        end=draw(ends),
        period=Last(last=draw(st.integers(1, 4))),
        filter=draw(st.one_of(st.just(EVERYTHING), filters(segments=("some", "same")))),
        gap=draw(st.sampled_from((1, 15, 30, 240, 720))),
        steps=draw(st.integers(3, 6)),
        loops=draw(st.sampled_from(("collapse", "keep"))),
        top=draw(st.integers(1, 4)),
    )


@exactly(5)
@given(st.lists(cases(), min_size=1, max_size=5))
def test_ways_are_those_that_plain_python_walks(engine: Engine, several: list[tuple[World, PathsSpec]]) -> None:
    for (world, spec), scope in zip(several, load(engine.store, *(world for world, _ in several)), strict=True):
        check(world, spec, engine.ask(PATHS, spec, scope).result)


def test_who_is_behind_a_node_a_link_a_drop_off_and_a_way(engine, scope, write, first_person):
    write(
        *((first_person, name, f"2026-03-14 09:0{minute}") for minute, name in enumerate("AABC")),
        *((first_person + 1, name, f"2026-03-14 09:0{minute}") for minute, name in enumerate("AB")),
        (first_person + 2, "A", "2026-03-14 09:00"),
    )
    spec = PathsSpec(top=1, steps=2)
    question = behind(PATHS)

    def people(**cell: object) -> list[int]:
        asked = question.spec.model_validate({"of": spec, "cell": PathsCell.model_validate(cell)})
        return [one.number - first_person for one in engine.ask(question, asked, scope).result.people]

    assert people() == [0, 1, 2]
    assert people(place=2, node="B") == [0, 1]
    assert people(place=1, node="A", next="B") == [0, 1]
    assert people(place=1, node="A", edge=True) == [2]
    assert people(place=2, node="B", edge=True) == [1]
    assert people(way=["A", "B"], more=True) == [0]
    assert people(way=["A", "B"]) == [1]
    assert people(place=2, other=True) == []


def test_every_number_of_people_in_the_table_is_that_of_its_list(engine, scope, write, first_person):
    write(*((first_person + who, "ABCDE"[(who * step) % 5], f"2026-03-14 09:{step:02}") for who in range(6) for step in range(4)))
    spec = PathsSpec(top=2, steps=3)
    table = engine.ask(PATHS, spec, scope).table
    question = behind(PATHS)
    assert {"(other)"} <= {row[1] for row in table.rows}
    for row, cells in zip(table.rows, table.cells, strict=True):
        asked = question.spec.model_validate({"of": spec, "cell": cells[4]})
        assert engine.ask(question, asked, scope).result.total == row[4]


def visits_of(person: int, *ways: str) -> list[tuple[int, str, str]]:
    """Events of a person who goes these ways, each in an hour of its own."""
    return [(person, name, f"2026-03-14 {9 + hour:02}:{minute:02}") for hour, way in enumerate(ways) for minute, name in enumerate(way)]


def test_who_begins_twice_at_a_node_and_goes_on_differently_is_one_of_its_people(engine, scope, write, first_person):
    write(*visits_of(first_person, "ABZ", "ACZ"))
    result = engine.ask(PATHS, PathsSpec(end="Z", steps=3), scope).result
    began = next(node for node in result.nodes if node.name == "A")
    assert (began.ways, began.people, began.ended, began.ended_people) == (2, 1, 2, 1)


def test_a_way_that_goes_on_is_another_one_than_that_which_ends_there(engine, scope, write, first_person):
    write(*visits_of(first_person, "AB", "ABC", "AB"))
    result = engine.ask(PATHS, PathsSpec(steps=2), scope).result
    assert [(way.nodes, way.more, way.ways, way.people) for way in result.top_ways] == [(("A", "B"), False, 2, 1), (("A", "B"), True, 1, 1)]


def test_the_others_of_a_step_are_as_many_as_are_not_shown_alone(engine, scope, write, first_person):
    write(*(event for who, way in enumerate(("AB", "AB", "AC", "AD", "AE")) for event in visits_of(first_person + who, way)))
    result = engine.ask(PATHS, PathsSpec(top=1, steps=2), scope).result
    assert [(node.place, node.name, node.hidden, node.ways) for node in result.nodes] == [(1, "A", 0, 5), (2, "B", 0, 2), (2, None, 3, 3)]


def test_a_start_and_an_end_are_found_by_the_event_that_a_rule_renames(engine, scope, write, first_person):
    write(
        *((first_person, name, f"2026-03-14 09:0{minute}") for minute, name in enumerate(("Home", "Pay by card", "Search", "Pay by card")))
    )
    rules = {"groups": [{"match": "Pay*", "name": "Paying"}], "steps": 3}
    result = engine.ask(PATHS, PathsSpec.model_validate({"start": "Pay by card", "end": "Pay by card", **rules}), scope).result
    assert [way.nodes for way in result.top_ways] == [("Paying", "Search", "Paying")]
    assert engine.ask(PATHS, PathsSpec.model_validate({"start": "Paying", "end": "Paying", **rules}), scope).result.ways == 1


def test_a_sample_is_scaled_up_and_says_how_sure_it_is(engine, scope, write, first_person):
    write(*((first_person + who, name, f"2026-03-14 09:0{minute}") for who in range(400) for minute, name in enumerate("AB")))
    half, tenth = (engine.ask(PATHS, PathsSpec(sample=sample), scope) for sample in (0.5, 0.1))
    for answer, sample in ((half, 0.5), (tenth, 0.1)):
        result = answer.result
        assert (result.visits, result.ways, result.people) == (result.people,) * 3
        assert result.sure is not None
        listed_there = result.people * sample
        assert result.sure.high - result.people == pytest.approx(1.96 * ((1 - sample) * listed_there) ** 0.5 / sample, rel=1e-4)
        assert result.people - result.sure.low == pytest.approx(result.sure.high - result.people)
        assert [(link.ways, link.people) for link in result.links] == [(result.people, result.people)]
        question = behind(PATHS)
        listed = engine.ask(question, question.spec.model_validate({"of": PathsSpec(sample=sample), "cell": {}}), scope).result
        assert listed.total == round(result.people * sample)
        assert len(answer.warnings) == 2


def test_two_ends_need_room_between():
    with pytest.raises(ValueError, match="at least 3 steps"):
        PathsSpec(start="a", end="b", steps=2)
