"""Paths beside another period or other people: exact against plain Python, honest about chance, and how it is shown."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.analyse.paths import PATHS
from bihuan.analyse.paths.beside import QUIET, RISE
from bihuan.analyse.paths.changes import Sums, compared, design_effect
from bihuan.analyse.paths.chart import panel_paths
from bihuan.analyse.paths.result import PathsResult, Side
from bihuan.analyse.paths.spec import PathsSpec
from bihuan.analyse.paths.tests.test_exact import Counts, Visits, Walked, cases, walk
from bihuan.analyse.paths.ways import MOST_WAYS, SKIPPED
from bihuan.analyse.statistics import Share, benjamini_hochberg, share_difference, share_p_value
from bihuan.analyse.tests.test_shown import Plain
from bihuan.engine import compare
from bihuan.engine.ask import Engine
from bihuan.engine.behind import behind
from bihuan.engine.compare import Groups
from bihuan.engine.errors import QuestionError
from bihuan.engine.filters import Did
from bihuan.engine.periods import Period, midnight
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
            now, end = scope.now.astimezone(UTC), period.end.astimezone(UTC)
            if now < midnight(period.until + timedelta(days=2), scope.zone):
                known = min(known.astimezone(UTC), until.astimezone(UTC) + max(now - end, timedelta(0)))
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


def test_every_number_of_people_leads_to_them_on_both_sides(engine: Engine, scope: Scope, write, first_person: int) -> None:
    for who in range(6):
        for step in range(4):
            write((first_person + who, "ABCDE"[(who * step) % 5], f"2026-03-14 09:{step:02}"))
            write((first_person + who, "ABCDE"[(who + step * 2) % 5], f"2026-03-{'07' if who else '14'} 10:{step:02}"))
    day = {"since": "2026-03-14", "until": "2026-03-14"}
    question = behind(PATHS)
    scope = replace(scope, segments={"some": Did(did="D", days=30)})
    for spec in (
        PathsSpec.model_validate({"period": day, "compare": "week", "top": 2, "steps": 3}),
        PathsSpec.model_validate({"period": day, "compare": "week", "top": 2, "steps": 3, "end": "C"}),
        PathsSpec.model_validate({"period": day, "compare": {"segment": "some"}, "top": 2, "steps": 3}),
        PathsSpec.model_validate({"period": day, "compare": {"segment": "some", "against": "!"}, "top": 2, "steps": 3}),
    ):
        table = engine.ask(PATHS, spec, scope).table
        names = [column.name for column in table.columns]
        for row, cells in zip(table.rows, table.cells, strict=True):
            for name in ("people", "other_people"):
                place = names.index(name)
                asked = question.spec.model_validate({"of": spec, "cell": cells[place]})
                assert engine.ask(question, asked, scope).result.total == row[place]
        asked_of = [question.spec.model_validate({"of": spec, "cell": {"before": side}}) for side in (False, True)]
        everybody = [engine.ask(question, one, scope) for one in asked_of]
        result = engine.ask(PATHS, spec, scope).result
        assert result.before is not None
        assert [one.result.total for one in everybody] == [result.people, result.before.people]


def test_who_was_asked_before_is_refused_where_nothing_is_compared(engine: Engine, scope: Scope) -> None:
    question = behind(PATHS)
    with pytest.raises(QuestionError, match="no such part"):
        engine.ask(question, question.spec.model_validate({"of": PathsSpec(), "cell": {"before": True}}), scope)


def test_a_target_is_refused() -> None:
    with pytest.raises(ValueError, match="Ways have no target"):
        PathsSpec.model_validate({"compare": {"target": 3}})


WEEK = {"period": {"since": "2026-03-08", "until": "2026-03-14"}}


@pytest.mark.parametrize("day", ["2026-03-14", "2026-03-07"])
@pytest.mark.parametrize("measure", ["ways", "people"])
def test_one_side_may_be_empty(engine: Engine, scope: Scope, write, first_person: int, day: str, measure: str) -> None:
    write((first_person, "A", f"{day} 09:00"), (first_person, "B", f"{day} 09:01"))
    answer = engine.ask(PATHS, PathsSpec.model_validate({**WEEK, "compare": "previous", "measure": measure}), scope)
    result = answer.result
    assert result.before is not None
    assert (result.ways, result.before.ways) == ((1, 0) if day == "2026-03-14" else (0, 1))
    assert {(one.change, one.p_value, one.verdict) for one in result.changes} == {(None, None, "")}
    panel = panel_paths(result, Plain())
    assert panel["changes"] == []
    assert (panel["chart"] is None) == (result.ways == 0)
    assert [node["change"] for step in panel["steps"] for node in step["nodes"]] == ["", ""]
    assert len(answer.table.rows) == 3


def test_nothing_on_either_side_is_an_empty_answer(engine: Engine, scope: Scope) -> None:
    answer = engine.ask(PATHS, PathsSpec.model_validate({**WEEK, "compare": "previous"}), scope)
    assert (answer.result.nodes, answer.result.changes, answer.table.rows) == ((), (), ())
    assert PATHS.chart(answer.result, Plain()) is None


def test_a_node_of_the_other_side_alone_is_shown_but_not_drawn(engine: Engine, scope: Scope, write, first_person: int) -> None:
    write((first_person, "A", "2026-03-14 09:00"), (first_person, "B", "2026-03-14 09:01"))
    write((first_person, "A", "2026-03-07 09:00"), (first_person, "C", "2026-03-07 09:01"))
    result = engine.ask(PATHS, PathsSpec.model_validate({**WEEK, "compare": "previous"}), scope).result
    assert [(node.name, node.ways, node.before_ways) for node in result.nodes] == [("A", 1, 1), ("B", 1, 0), ("C", 0, 1)]
    chart = PATHS.chart(result, Plain())
    assert chart is not None
    assert [one["name"] for one in chart["series"][0]["data"]] == ["1 · A", "2 · B", "3 · Dropped off\u200b"]
    assert [link["cell"] for link in chart["series"][0]["links"]] == [
        {"place": 1, "node": "A", "next": "B"},
        {"place": 2, "node": "B", "edge": True},
    ]


def test_a_running_period_is_compared_with_as_much_of_the_other_one(engine: Engine, scope: Scope, write, first_person: int) -> None:
    """It is noon: a visit that began in the morning a week before is known until noon."""
    write(
        *((first_person, name, f"2026-03-{day} {at}") for day in ("14", "07") for name, at in (("A", "11:58"), ("B", "11:59"))),
        (first_person, "C", "2026-03-07 12:01"),
        (first_person, "D", "2026-03-07 14:00"),
    )
    noon = replace(scope, now=Period(date(2026, 3, 14), date(2026, 3, 14), scope.zone).start + timedelta(hours=12))
    result = engine.ask(PATHS, PathsSpec.model_validate({"period": {"last": 1}, "compare": "week"}), noon).result
    assert result.before is not None
    assert (result.visits, result.before.visits) == (1, 1)
    assert [(way.nodes, way.ways, way.before_ways) for way in result.top_ways] == [(("A", "B"), 1, 1)]


def test_one_person_who_goes_a_way_often_proves_little() -> None:
    """Sixty of a hundred ways go a link, none of the hundred before: of one person, or of sixty people."""
    every = Sums(100, 100, 0, 60 * 60 + 40 + 100, 0)
    one = Sums(60, 0, 0, 60 * 60, 60 * 60)
    assert design_effect(one, every) > 20
    _, p_value = compared(one, every, by_person=True)
    assert p_value is not None
    assert p_value > 0.05
    several = Sums(60, 0, 0, 60, 60)
    assert design_effect(several, Sums(100, 100, 0, 200, 0)) == pytest.approx(1.0)
    change, p_value = compared(several, Sums(100, 100, 0, 200, 0), by_person=True)
    assert change is not None
    assert change == pytest.approx(share_difference(Share(60, 100), Share(0, 100)))
    assert p_value == pytest.approx(share_p_value(Share(60, 100), Share(0, 100)))


@pytest.mark.parametrize(("other", "steps", "kind", "names"), [("AC", 5, "link", ("A", "B")), ("ABC", 2, "end", ("B",))])
def test_how_often_somebody_goes_a_link_is_counted_apart_from_their_other_ways(
    engine: Engine, scope: Scope, write, first_person: int, other: str, steps: int, kind: str, names: tuple[str, ...]
) -> None:
    """One person goes A, B six times and twice another way, in turn; five people go that other way once, and ten the week before."""
    ways = ["AB", other, "AB", other, "AB", "AB", "AB", "AB"]
    told = [(0, "14", hour, way) for hour, way in enumerate(ways)]
    told += [(who, "14", 0, other) for who in range(1, 6)] + [(who, "07", 0, other) for who in range(10)]
    write(
        *(
            (first_person + who, name, f"2026-03-{day} {hour:02}:0{minute}")
            for who, day, hour, way in told
            for minute, name in enumerate(way)
        )
    )
    result = engine.ask(PATHS, PathsSpec.model_validate({**WEEK, "compare": "previous", "steps": steps}), scope).result
    (one,) = [one for one in result.changes if (one.kind, one.names) == (kind, names)]
    change, _ = compared(Sums(6, 0, 0, 6 * 6, 6 * 8), Sums(13, 10, 0, 8 * 8 + 5 + 10, 0), by_person=True)
    assert one.change == pytest.approx(change)


def test_a_rare_way_of_few_people_is_told_by_the_exact_test() -> None:
    """One of ten has what nobody of ten thousand others has: that happens once in a thousand times, not never."""
    _, p_value = compared(Sums(1, 0, 0, 1, 1), Sums(10, 10_000, 0, 10_010, 0), by_person=True)
    assert p_value == pytest.approx(2 * 10 / 10_010, rel=0.01)


def test_a_part_is_compared_with_the_rest() -> None:
    inside, every = Sums(20, 30, 20, 0, 0), Sums(50, 150, 50, 0, 0)
    change, p_value = compared(inside, every, by_person=False)
    rest = share_difference(Share(20, 50), Share(10, 100))
    assert rest is not None
    assert change == pytest.approx(rest.times(100 / 150))
    assert p_value == pytest.approx(share_p_value(Share(20, 50), Share(10, 100)))
    turned, _ = compared(Sums(30, 20, 20, 0, 0), Sums(150, 50, 50, 0, 0), by_person=False)
    assert turned is not None
    assert change is not None
    assert (turned.estimate, turned.low, turned.high) == pytest.approx((-change.estimate, -(change.high or 0), -(change.low or 0)))


@pytest.mark.parametrize("others", [0, 30, 60])
def test_where_nothing_differs_few_differences_are_called_more_than_chance(others: int) -> None:
    """People with one to forty ways, each with a habit of their own; `others` of the sixty are on both sides with the same ways. At a level
    of 5 %, about one test in twenty may say that something differs."""
    dice = random.Random(7)
    said, looks = 0, 600
    for _ in range(looks):
        people = []
        for _ in range(120 - others):
            ways, habit = dice.choice((1, 2, 3, 10, 40)), dice.choice((0.02, 0.1, 0.6))
            people.append((sum(dice.random() < habit for _ in range(ways)), ways))
        sides = people[:60], people[60 - others :]
        numbers = [[sum(one[part] for one in side) for side in sides] for part in (0, 1)]
        shared = [sum(one[part] for one in people[60 - others : 60]) for part in (0, 1)]
        both = [one for side in sides for one in side]
        every = Sums(numbers[1][0], numbers[1][1], shared[1], sum(ways * ways for _, ways in both), 0)
        link = Sums(numbers[0][0], numbers[0][1], shared[0], sum(gone * gone for gone, _ in both), sum(gone * ways for gone, ways in both))
        _, p_value = compared(link, every, by_person=True)
        assert p_value is not None
        said += p_value <= 0.05
    assert said / looks < 0.075


def test_with_a_sample_numbers_are_of_everybody_and_sureness_of_those_asked(engine: Engine, scope: Scope, write, first_person: int) -> None:
    for who in range(200):
        write(*((first_person + who, name, f"2026-03-14 09:0{minute}") for minute, name in enumerate("AB" if who % 4 else "AC")))
        write(*((first_person + who, name, f"2026-03-07 09:0{minute}") for minute, name in enumerate("AB" if who % 2 else "AC")))
    asked = {**WEEK, "compare": "previous"}
    half = engine.ask(PATHS, PathsSpec.model_validate({**asked, "sample": 0.5}), scope)
    question = behind(PATHS)
    assert half.result.before is not None
    assert half.result.before.people == half.result.people
    for one in half.result.changes:
        spec = {"of": PathsSpec.model_validate({**asked, "sample": 0.5}), "cell": {**one.cell, "before": True}}
        listed = engine.ask(question, question.spec.model_validate(spec), scope).result
        assert one.before_people == listed.total * 2
    link = next(one for one in half.result.changes if one.kind == "link" and one.names == ("A", "B"))
    number = half.result.people // 2
    mine, theirs = Share(link.people // 2, number), Share(link.before_people // 2, number)
    assert link.change == pytest.approx(share_difference(mine, theirs))
    assert len(half.warnings) == 2


def test_an_old_document_compares_nothing(engine: Engine, scope: Scope, write, first_person: int) -> None:
    write((first_person, "A", "2026-03-14 09:00"), (first_person, "B", "2026-03-14 09:01"))
    answer = engine.ask(PATHS, PathsSpec.model_validate({"start": "A", "steps": 4}), scope)
    assert (answer.result.before, answer.result.compared, answer.result.changes) == (None, None, ())
    assert [column.name for column in answer.table.columns] == ["step", "node", "next", "ways", "people", "share"]
    assert all(headline.change is None for headline in PATHS.headlines(answer.result))


def test_what_rose_and_fell_is_coloured_and_listed(engine: Engine, scope: Scope, write, first_person: int) -> None:
    """Forty people go from A to B, and one to D; a week before forty went from A to C, one to D."""
    for day, end in (("14", "B"), ("07", "C")):
        for who in range(41):
            then = "D" if who == 40 else end
            write(*((first_person + who, name, f"2026-03-{day} 09:0{minute}") for minute, name in enumerate(("A", then))))
    result = engine.ask(PATHS, PathsSpec.model_validate({**WEEK, "compare": "previous"}), scope).result
    chart = PATHS.chart(result, Plain())
    assert chart is not None
    flows = chart["series"][0]["links"]
    assert [(flow["target"], flow["value"], flow["lineStyle"]["color"]) for flow in flows[:2]] == [("2 · B", 40, RISE), ("2 · D", 1, QUIET)]
    assert "+97.6 percentage points" in flows[0]["tooltip"]["formatter"]
    assert [node["label"]["formatter"] for node in chart["series"][0]["data"][:3]] == ["1 · A\n0.0", "2 · B\n+97.6", "2 · D"]
    rows = panel_paths(result, Plain())["changes"]
    first = {(row["kind"], tuple(row["names"])): (row["verdict"], row["number"], row["before_number"], row["change"]) for row in rows}
    assert first["Goes on", ("1 · A", "2 · B")] == ("more", "40 number", "0 number", "+97.6")
    assert first["Goes on", ("1 · A", "2 · C")] == ("less", "0 number", "40 number", "−97.6")
    assert first["Drops off", ("2 · D",)] == ("", "1 number", "1 number", "0.0")
    assert first["Whole way", ("A", "C")] == ("less", "0 number", "40 number", "−97.6")
    verdicts = {row[1:3]: row[-1] for row in PATHS.table(result).rows}
    assert verdicts == {
        ("A", "B"): "more",
        ("A", "C"): "less",
        ("A", "D"): None,
        ("B", "(dropped off)"): "more",
        ("C", "(dropped off)"): "less",
        ("D", "(dropped off)"): None,
        ("A → B", "(whole way)"): "more",
        ("A → C", "(whole way)"): "less",
        ("A → D", "(whole way)"): None,
    }
    changes = [(headline.title, headline.change) for headline in PATHS.headlines(result)]
    assert changes == [("Ways", 0.0), ("People", 0.0), ("Ways of a person", None)]
