"""What paths answer, each number defined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bihuan.analyse.differences import CHANGE
from bihuan.analyse.paths.changes import Change, Kind, Sums, compared, tested
from bihuan.analyse.paths.spec import PathsSpec
from bihuan.analyse.paths.ways import MOST_WAYS, OTHER
from bihuan.engine.compare import Said, compare_said
from bihuan.engine.meta import Interval, sample_warning, sure
from bihuan.engine.question import Column, Headline, Rows, Scope, Table

Cell = Mapping[str, Any]
Row = Mapping[str, Any]


def node_cell(place: int, name: str | None) -> Cell:
    return {"place": place, "other": True} if name is None else {"place": place, "node": name}


@dataclass(frozen=True)
class Node:
    """What `ways` ways of `people` people have at step `place`: `name`, or (None) one of `hidden` nodes that are not shown alone.

    `ended` of the ways (of `ended_people`) have nothing further: the visit ends there; where steps are counted from the end, it begins
    there. `onward` of them go on where no step is shown. All others are in the links from here (counted from the end: to here). The same
    numbers of what is compared with are `before_`.
    """

    place: int
    name: str | None
    hidden: int
    ways: int
    people: int
    ended: int
    ended_people: int
    onward: int
    before_ways: int = 0
    before_people: int = 0
    before_ended: int = 0
    before_ended_people: int = 0

    @property
    def cell(self) -> Cell:
        return node_cell(self.place, self.name)

    @property
    def end(self) -> End:
        """The ways that have nothing further there."""
        return End(self.place, self.name, self.ended, self.ended_people, self.before_ended, self.before_ended_people)


@dataclass(frozen=True)
class Link:
    """`ways` ways of `people` people go from `name` at step `place` to `next` at the step after it (None: nodes not shown alone);
    `before_ways` of `before_people` of what is compared with."""

    place: int
    name: str | None
    next: str | None
    ways: int
    people: int
    before_ways: int = 0
    before_people: int = 0

    @property
    def cell(self) -> Cell:
        begin: Cell = {"other": True} if self.name is None else {"node": self.name}
        end: Cell = {"next_other": True} if self.next is None else {"next": self.next}
        return {"place": self.place, **begin, **end}


@dataclass(frozen=True)
class End:
    """`ways` ways of `people` people have nothing further at `name` at step `place`; `before_ways` of what is compared with."""

    place: int
    name: str | None
    ways: int
    people: int
    before_ways: int = 0
    before_people: int = 0

    @property
    def cell(self) -> Cell:
        return {**node_cell(self.place, self.name), "edge": True}


@dataclass(frozen=True)
class Way:
    """`ways` ways of `people` people are exactly `nodes`, as far as steps are shown; `more`: they go on (counted from the end: began
    before; between two nodes: are longer, and "…" is what lies between). `before_ways` of `before_people` of what is compared with."""

    nodes: tuple[str, ...]
    more: bool
    ways: int
    people: int
    before_ways: int = 0
    before_people: int = 0

    @property
    def cell(self) -> Cell:
        return {"way": list(self.nodes), "more": self.more}


@dataclass(frozen=True)
class Side:
    """`visits` began, `started` of them (of `started_people`) have the start that is asked for, and `ways` (of `people`) the end too."""

    visits: int
    started: int
    started_people: int
    ways: int
    people: int


NONE = Side(0, 0, 0, 0, 0)


@dataclass(frozen=True)
class PathsResult:
    """`nodes` by step and size, `links` by step, the most frequent `top_ways` first.

    Of a `sample`, numbers of visits, ways and people are scaled up to everybody; `sure` is where the number of `people` lies.

    `visits` began in the period; `started` of them (of `started_people`) have the start that is asked for, and `ways` (of `people`) the
    end too: these are the ways. `steps` are looked at; `backwards`: counted from the end. `measure` is what a chart's widths mean.

    `before` are the numbers of what it is `compared` with (None: with nothing), `changes` the differences, greatest first.
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
    compared: Said | None = None
    before: Side | None = None
    changes: tuple[Change, ...] = ()

    def size(self, side: PathsResult | Side) -> int:
        """Of how many a share on this side is, as they are measured."""
        return side.ways if self.measure == "ways" else side.people

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
    now = rows if spec.compare is None else [_of_side(row, 0) for row in rows]
    people = int(_total(now)["people"])
    before: Sequence[Row | None] = [None] * len(rows) if spec.compare is None else [_of_side(row, 1) for row in rows]
    if spec.sample is not None:
        now = [_scaled(row, spec.sample) for row in now]
        before = [row and _scaled(row, spec.sample) for row in before]
    total = _side(_total(now))
    pairs = list(zip(now, before, strict=True))
    nodes = sorted((_node(row, other) for row, other in pairs if row["part"] == "node"), key=_by_size)
    links = sorted((_link(row, other) for row, other in pairs if row["part"] == "link" and row["next"]), key=_link_order)
    ways = sorted((_way(row, other) for row, other in pairs if row["part"] == "way" and row["way"]), key=_way_order)[:MOST_WAYS]
    return PathsResult(
        steps=spec.steps,
        backwards=spec.backwards,
        between=bool(spec.start and spec.end),
        measure=spec.measure,
        start=spec.start,
        end=spec.end,
        visits=total.visits,
        started=total.started,
        started_people=total.started_people,
        ways=total.ways,
        people=total.people,
        nodes=tuple(nodes),
        links=tuple(links),
        top_ways=tuple(ways),
        sample=spec.sample,
        sure=sure(people, people, spec.sample),
        compared=compare_said(spec.compare, scope) if spec.compare else None,
        before=None if spec.compare is None else _side(_total([row for row in before if row])),
        changes=() if spec.compare is None else _changes(spec, rows, pairs),
    )


def _of_side(row: Row, side: int) -> Row:
    """A sum of nothing is an empty array."""
    return {**row, **{name: row[name][side] if row[name] else 0 for name in COUNTED}}


def _total(rows: Rows) -> Row:
    return next(row for row in rows if row["part"] == "total")


def _side(total: Row) -> Side:
    return Side(*(int(total[name]) for name in ("going_on", "ended", "ended_people", "ways", "people")))


def _scaled(row: Row, sample: float) -> Row:
    """The row as it is likely to be of everybody; that a way goes on is no number."""
    counted = COUNTED if row["part"] != "way" else COUNTED[:-1]
    return {**row, **{name: round(int(row[name]) / sample) for name in counted}}


def _changes(spec: PathsSpec, rows: Rows, pairs: Sequence[tuple[Row, Row | None]]) -> tuple[Change, ...]:
    """Numbers are of everybody; what chance makes is told by those of the sample, which `rows` are."""
    every = _sums(_total(rows), spec.measure)
    found = []
    for raw, (row, other) in zip(rows, pairs, strict=True):
        if row["part"] == "link" and row["next"]:
            link = _link(row, other)
            found.append(_change("link", link.place, (link.name, link.next), link, _sums(raw, spec.measure), every, spec))
        elif row["part"] == "node" and any(raw["ended"]):
            end = _end(row, other)
            found.append(_change("end", end.place, (end.name,), end, _sums(raw, ENDED_OF[spec.measure]), every, spec))
        elif row["part"] == "way" and row["way"]:
            way = _way(row, other)
            found.append(_change("way", 0, way.nodes, way, _sums(raw, spec.measure), every, spec))
    return tested(found)


ENDED_OF = {"ways": "ended", "people": "ended_people"}


def _sums(row: Row, measure: str) -> Sums:
    return Sums(int(row[measure][0]), int(row[measure][1]), int(row["shared"]), int(row["squares"]), int(row["products"]))


def _change(
    kind: Kind, place: int, names: tuple[str | None, ...], one: Link | End | Way, sums: Sums, every: Sums, spec: PathsSpec
) -> Change:
    change, p_value = compared(sums, every, by_person=spec.measure == "ways")
    return Change(
        kind=kind,
        place=place,
        names=names,
        more=isinstance(one, Way) and one.more,
        cell=one.cell,
        ways=one.ways,
        people=one.people,
        before_ways=one.before_ways,
        before_people=one.before_people,
        share=sums.mine / every.mine if every.mine else None,
        before_share=sums.theirs / every.theirs if every.theirs else None,
        change=change,
        p_value=p_value,
    )


ENDED, BEGAN, OTHERS, WHOLE = "(dropped off)", "(began here)", "(other)", "(whole way)"


def table_paths(result: PathsResult) -> Table:
    """One row for each way to go on from a node, dropping off there included; `share` is of the node's ways. Where something is compared,
    also one for each of the most frequent whole ways."""
    columns: tuple[Column, ...] = (
        Column("step", "Step", "number"),
        Column("node", "From"),
        Column("next", "Goes on to"),
        Column("ways", "Ways", "number"),
        Column("people", "People", "number"),
        Column("share", "Share of the ways there", "share"),
    )
    sizes = {(node.place, node.name): node.ways for node in result.nodes}
    ended = BEGAN if result.backwards else ENDED
    found: list[tuple[tuple[Any, ...], Link | End | Way]] = []
    for link in result.links:
        share = link.ways / sizes[link.place, link.name] if link.ways else 0.0
        found.append(((link.place, _text(link.name), _text(link.next), link.ways, link.people, share), link))
    for node in result.nodes:
        if node.ended or node.before_ended:
            share = node.ended / node.ways if node.ended else 0.0
            found.append(((node.place, _text(node.name), ended, node.ended, node.ended_people, share), node.end))
    found.sort(key=lambda one: (one[0][0], -one[0][3], one[0][1], one[0][2]))
    if result.before is not None:
        found += [((None, way_said(way, result), WHOLE, way.ways, way.people, None), way) for way in result.top_ways]
        return beside_table(result, columns, found)
    return Table(columns, tuple(row for row, _ in found), tuple((None, None, None, None, one.cell, None) for _, one in found))


def beside_table(result: PathsResult, columns: tuple[Column, ...], found: Sequence[tuple[tuple[Any, ...], Link | End | Way]]) -> Table:
    """The same rows with what the other side says."""
    changes = {(one.kind, one.place, one.names, one.more): one for one in result.changes}
    rows, cells = [], []
    for row, one in found:
        match one:
            case Link():
                change = changes["link", one.place, (one.name, one.next), False]
            case End():
                change = changes["end", one.place, (one.name,), False]
            case Way():
                change = changes["way", 0, one.nodes, one.more]
        interval = tuple(change.change) if change.change else (None, None, None)
        rows.append(
            (*row, change.share, one.before_ways, one.before_people, change.before_share, *interval, change.p_value, change.verdict or None)
        )
        cells.append((None, None, None, None, one.cell, None, None, None, {**one.cell, "before": True}, *(None,) * 6))
    return Table((*columns, *BESIDE), tuple(rows), tuple(cells))


BESIDE = (
    Column("share_of_all", "Share of all", "share"),
    Column("other_ways", "Ways compared with", "number"),
    Column("other_people", "People compared with", "number"),
    Column("other_share", "Share compared with", "share"),
    *CHANGE,
)


def way_said(way: Way, result: PathsResult) -> str:
    """A whole way in one line."""
    nodes = " → ".join(way.nodes)
    if not way.more or result.between:
        return nodes
    return f"… → {nodes}" if result.backwards else f"{nodes} → …"


def headlines_paths(result: PathsResult) -> tuple[Headline, ...]:
    before = result.before or NONE
    first = Headline("Visits", result.visits, change=_growth(result.visits, before.visits))
    ways = (
        Headline("Ways", result.ways, change=_growth(result.ways, before.ways)),
        Headline("People", result.people, change=_growth(result.people, before.people)),
    )
    if result.between:
        rate = _ratio(result.ways, result.started)
        change = None if rate is None else _growth(rate, _ratio(before.ways, before.started))
        reached = Headline("Reached the end", rate, "share", change)
        started = Headline("Visits with the start", result.started, change=_growth(result.started, before.started))
        return (first, started, reached, *ways[1:])
    if result.start or result.end:
        return (first, *ways)
    return (*ways, Headline("Ways of a person", _ratio(result.ways, result.people)))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _growth(now: float, before: float | None) -> float | None:
    return now / before - 1 if before else None


def _node(row: Row, other: Row | None) -> Node:
    name, place = _name(row["node"]), int(row["place"])
    return Node(
        place=place,
        name=name,
        hidden=int(row["nodes"]) if name is None else 0,
        ways=int(row["ways"]),
        people=int(row["people"]),
        ended=int(row["ended"]),
        ended_people=int(row["ended_people"]),
        onward=int(row["going_on"]),
        **_before(other, before_ways="ways", before_people="people", before_ended="ended", before_ended_people="ended_people"),
    )


def _before(other: Row | None, **names: str) -> dict[str, int]:
    return {} if other is None else {name: int(other[column]) for name, column in names.items()}


def _end(row: Row, other: Row | None) -> End:
    return _node(row, other).end


def _link(row: Row, other: Row | None) -> Link:
    before = _before(other, before_ways="ways", before_people="people")
    return Link(int(row["place"]), _name(row["node"]), _name(row["next"]), int(row["ways"]), int(row["people"]), **before)


def _way(row: Row, other: Row | None) -> Way:
    before = _before(other, before_ways="ways", before_people="people")
    return Way(tuple(row["way"]), bool(row["going_on"]), int(row["ways"]), int(row["people"]), **before)


def _by_size(node: Node) -> tuple[Any, ...]:
    return node.place, node.name is None, -node.ways, -node.before_ways, node.name or ""


def _link_order(link: Link) -> tuple[Any, ...]:
    return link.place, -link.ways, -link.before_ways, link.name is None, link.name or "", link.next or ""


def _way_order(way: Way) -> tuple[Any, ...]:
    return -way.ways, -way.before_ways, way.nodes, way.more


def _name(node: str) -> str | None:
    return None if node == OTHER else node


def _text(name: str | None) -> str:
    return OTHERS if name is None else name
