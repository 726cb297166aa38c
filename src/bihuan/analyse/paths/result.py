"""What paths answer, each number defined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bihuan.analyse.paths.spec import PathsSpec
from bihuan.analyse.paths.sql import MOST_WAYS, OTHER
from bihuan.engine.meta import Interval, sample_warning, sure
from bihuan.engine.question import Column, Headline, Rows, Scope, Table

Cell = Mapping[str, Any]


@dataclass(frozen=True)
class Node:
    """What `ways` ways of `people` people have at step `place`: `name`, or (None) one of `hidden` nodes that are not shown alone.

    `ended` of the ways (of `ended_people`) have nothing further: the visit ends there; where steps are counted from the end, it begins
    there. `onward` of them go on where no step is shown. All others are in the links from here (counted from the end: to here).
    """

    place: int
    name: str | None
    hidden: int
    ways: int
    people: int
    ended: int
    ended_people: int
    onward: int

    @property
    def cell(self) -> Cell:
        return {"place": self.place, "other": True} if self.name is None else {"place": self.place, "node": self.name}


@dataclass(frozen=True)
class Link:
    """`ways` ways of `people` people go from `name` at step `place` to `next` at the step after it (None: nodes not shown alone)."""

    place: int
    name: str | None
    next: str | None
    ways: int
    people: int

    @property
    def cell(self) -> Cell:
        begin: Cell = {"other": True} if self.name is None else {"node": self.name}
        end: Cell = {"next_other": True} if self.next is None else {"next": self.next}
        return {"place": self.place, **begin, **end}


@dataclass(frozen=True)
class Way:
    """`ways` ways of `people` people are exactly `nodes`, as far as steps are shown; `more`: they go on (counted from the end: began
    before; between two nodes: are longer, and "…" is what lies between)."""

    nodes: tuple[str, ...]
    more: bool
    ways: int
    people: int


@dataclass(frozen=True)
class PathsResult:
    """`nodes` by step and size, `links` by step, the most frequent `top_ways` first.

    Of a `sample`, numbers of visits, ways and people are scaled up to everybody; `sure` is where the number of `people` lies.

    `visits` began in the period; `started` of them (of `started_people`) have the start that is asked for, and `ways` (of `people`) the
    end too: these are the ways. `steps` are looked at; `backwards`: counted from the end. `measure` is what a chart's widths mean.
    """

    steps: int
    backwards: bool
    between: bool
    measure: str
    start: str | None
    end: str | None
    visits: int
    started: int
    started_people: int
    ways: int
    people: int
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    top_ways: tuple[Way, ...]
    sample: float | None = None
    sure: Interval | None = None

    @property
    def warnings(self) -> tuple[tuple[str, Mapping[str, Any]], ...]:
        found = sample_warning(self.sample)
        if self.sure is not None:
            between = {"low": round(self.sure.low), "high": round(self.sure.high)}
            found += (("Between {low} and {high} people have such a way, with 95 % confidence.", between),)
        hidden = sum(node.ways for node in self.nodes if node.name is None)
        shown = sum(node.ways for node in self.nodes)
        if hidden * 4 <= shown:
            return found
        return (
            *found,
            ("{share} of all steps are at nodes that are not shown alone: show more, or group them.", {"share": f"{hidden / shown:.0%}"}),
        )


COUNTED = ("ways", "people", "ended", "ended_people", "going_on")


def shape_paths(spec: PathsSpec, scope: Scope, rows: Rows) -> PathsResult:
    people = next(int(row["people"]) for row in rows if row["part"] == "total")
    if spec.sample is not None:
        rows = [_scaled(row, spec.sample) for row in rows]
    total = next(row for row in rows if row["part"] == "total")
    hidden = {int(row["place"]): int(row["nodes"]) for row in rows if row["part"] == "rest"}
    nodes = [_node(row, hidden) for row in rows if row["part"] == "node"]
    links = [
        Link(int(row["place"]), _name(row["node"]), _name(row["next"]), int(row["ways"]), int(row["people"]))
        for row in rows
        if row["part"] == "link" and row["next"]
    ]
    ways = [
        Way(tuple(row["way"]), bool(row["going_on"]), int(row["ways"]), int(row["people"]))
        for row in rows
        if row["part"] == "way" and row["way"]
    ]
    return PathsResult(
        steps=spec.steps,
        backwards=spec.backwards,
        between=bool(spec.start and spec.end),
        measure=spec.measure,
        start=spec.start,
        end=spec.end,
        visits=int(total["going_on"]),
        started=int(total["ended"]),
        started_people=int(total["ended_people"]),
        ways=int(total["ways"]),
        people=int(total["people"]),
        nodes=tuple(sorted(nodes, key=lambda node: (node.place, node.name is None, -node.ways, node.name or ""))),
        links=tuple(sorted(links, key=lambda link: (link.place, -link.ways, link.name is None, link.name or "", link.next or ""))),
        top_ways=tuple(sorted(ways, key=lambda way: (-way.ways, way.nodes, way.more))[:MOST_WAYS]),
        sample=spec.sample,
        sure=sure(people, people, spec.sample),
    )


def _scaled(row: Mapping[str, Any], sample: float) -> Mapping[str, Any]:
    """The row as it is likely to be of everybody; that a way goes on is no number."""
    counted = COUNTED if row["part"] != "way" else COUNTED[:-1]
    return {**row, **{name: round(int(row[name]) / sample) for name in counted}}


ENDED, BEGAN, OTHERS = "(dropped off)", "(began here)", "(other)"


def table_paths(result: PathsResult) -> Table:
    """One row for each way to go on from a node, dropping off there included; `share` is of the node's ways."""
    columns = (
        Column("step", "Step", "number"),
        Column("node", "From"),
        Column("next", "Goes on to"),
        Column("ways", "Ways", "number"),
        Column("people", "People", "number"),
        Column("share", "Share of the ways there", "share"),
    )
    sizes = {(node.place, node.name): node.ways for node in result.nodes}
    ended = BEGAN if result.backwards else ENDED
    found: list[tuple[tuple[Any, ...], Cell]] = []
    for link in result.links:
        share = link.ways / sizes[link.place, link.name]
        found.append(((link.place, _text(link.name), _text(link.next), link.ways, link.people, share), link.cell))
    for node in result.nodes:
        if node.ended:
            row = (node.place, _text(node.name), ended, node.ended, node.ended_people, node.ended / node.ways)
            found.append((row, {**node.cell, "edge": True}))
    found.sort(key=lambda one: (one[0][0], -one[0][3], one[0][1], one[0][2]))
    return Table(columns, tuple(row for row, _ in found), tuple((None, None, None, None, cell, None) for _, cell in found))


def headlines_paths(result: PathsResult) -> tuple[Headline, ...]:
    first = Headline("Visits", result.visits)
    ways = (Headline("Ways", result.ways), Headline("People", result.people))
    if result.between:
        reached = Headline("Reached the end", result.ways / result.started if result.started else None, "share")
        return (first, Headline("Visits with the start", result.started), reached, *ways[1:])
    if result.start or result.end:
        return (first, *ways)
    return (*ways, Headline("Ways of a person", result.ways / result.people if result.people else None))


def _node(row: Mapping[str, Any], hidden: Mapping[int, int]) -> Node:
    """`hidden` says how many nodes of a place are not shown alone."""
    name, place = _name(row["node"]), int(row["place"])
    return Node(
        place=place,
        name=name,
        hidden=hidden[place] if name is None else 0,
        ways=int(row["ways"]),
        people=int(row["people"]),
        ended=int(row["ended"]),
        ended_people=int(row["ended_people"]),
        onward=int(row["going_on"]),
    )


def _name(node: str) -> str | None:
    return None if node == OTHER else node


def _text(name: str | None) -> str:
    return OTHERS if name is None else name
