"""Where the nodes and connections of a directed graph are drawn: in layers from left to right, with few crossings (after Sugiyama).

Connections that would run backwards are turned round for the layout alone; one that passes layers runs through a place of its own in
each of them, so that it goes round the nodes there. The same graph is always laid out the same.
"""

from __future__ import annotations

from bisect import bisect, insort
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 12
ROOM = 1.0  # between two nodes of a layer
LESS = 0.45  # between connections that pass

Node = str
Link = tuple[Node, Node]
Inner = tuple[int, int]  # what passes a layer: the number of its link, and the layer
Item = Node | Inner
Point = tuple[float, float]


@dataclass(frozen=True)
class Laid:
    """The place of each node (x: its layer, y: 0 is the topmost in all), and the places between its ends that each link goes through, in
    the link's own direction. `backward` are the links that run from right to left. `layers` and `height` say how large it is."""

    places: Mapping[Node, Point]
    routes: Mapping[Link, tuple[Point, ...]]
    backward: frozenset[Link]
    layers: int
    height: float


def laid_out(nodes: Sequence[Node], links: Mapping[Link, float], *, near: Node | None = None) -> Laid:
    """Lay out `links` (with their weights) between `nodes`; a link from a node to itself takes no room. `near` is a node of
    the upper half."""
    between = {link: weight for link, weight in links.items() if link[0] != link[1]}
    rank = {node: place for place, node in enumerate(in_order(nodes, between))}
    backward = frozenset(link for link in between if rank[link[0]] > rank[link[1]])
    onward = {link: (link[1], link[0]) if link in backward else link for link in between}
    layer = layers_of(sorted(nodes, key=lambda node: rank[node]), list(onward.values()))
    paths: dict[Link, list[Item]] = {}
    for number, (link, (first, last)) in enumerate(onward.items()):
        paths[link] = [first, *((number, at) for at in range(layer[first] + 1, layer[last])), last]
    rows = _rows(sorted(nodes, key=lambda node: rank[node]), layer, paths)
    weights = _neighbours(paths, between)
    rows = _untangled(rows, weights)
    heights = _heights(rows, weights)
    whole = max(heights.values(), default=0.0)
    if near is not None and heights[near] > whole / 2:
        heights = {item: whole - height for item, height in heights.items()}
    where = {item: (float(at), heights[item]) for at, row in enumerate(rows) for item in row}
    routes = {}
    for link, path in paths.items():
        inner = tuple(where[item] for item in path[1:-1])
        routes[link] = inner[::-1] if link in backward else inner
    return Laid({node: where[node] for node in nodes}, routes, backward, len(rows), whole)


def in_order(nodes: Sequence[Node], links: Mapping[Link, float]) -> list[Node]:
    """The nodes so that little weight runs backwards (after Eades, Lin and Smyth): what only sends comes first, what only receives last,
    else who sends most more than it receives comes next."""
    left = dict.fromkeys(nodes)
    out: dict[Node, float] = defaultdict(float)
    into: dict[Node, float] = defaultdict(float)
    for (first, last), weight in links.items():
        out[first] += weight
        into[last] += weight
    begin: list[Node] = []
    end: list[Node] = []

    def take(node: Node, to: list[Node]) -> None:
        to.append(node)
        del left[node]
        for (first, last), weight in links.items():
            if first == node:
                into[last] -= weight
            if last == node:
                out[first] -= weight

    while left:
        sinks = [node for node in left if out[node] <= 1e-9 < into[node]]
        sources = [node for node in left if into[node] <= 1e-9]
        if sources:
            take(sources[0], begin)
        elif sinks:
            take(sinks[-1], end)
        else:
            take(max(left, key=lambda node: out[node] - into[node]), begin)
    return begin + end[::-1]


def layers_of(nodes: Sequence[Node], onward: Sequence[Link]) -> dict[Node, int]:
    """Each node behind all that lead to it; then as far right as what it leads to allows, if that shortens more than it lengthens. What
    leads nowhere is in the last layer."""
    before: dict[Node, list[Node]] = defaultdict(list)
    after: dict[Node, list[Node]] = defaultdict(list)
    for first, last in onward:
        before[last].append(first)
        after[first].append(last)
    layer: dict[Node, int] = {}
    for node in nodes:
        layer[node] = max((layer[one] + 1 for one in before[node]), default=0)
    for node in reversed(nodes):
        if before[node] and not after[node]:
            layer[node] = max(layer.values())
        elif 0 < len(before[node]) < len(after[node]):
            layer[node] = max(layer[node], min(layer[one] for one in after[node]) - 1)
    return layer


def _rows(nodes: Sequence[Node], layer: Mapping[Node, int], paths: Mapping[Link, list[Item]]) -> list[list[Item]]:
    rows: list[list[Item]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for node in nodes:
        rows[layer[node]].append(node)
    for path in paths.values():
        for item in path[1:-1]:
            assert isinstance(item, tuple)
            rows[item[1]].append(item)
    return rows


Neighbours = tuple[dict[Item, list[tuple[Item, float]]], dict[Item, list[tuple[Item, float]]]]


def _neighbours(paths: Mapping[Link, list[Item]], links: Mapping[Link, float]) -> Neighbours:
    """What each item is connected with on its left and on its right, and how strongly; what passes pulls harder, for straight lines."""
    left: dict[Item, list[tuple[Item, float]]] = defaultdict(list)
    right: dict[Item, list[tuple[Item, float]]] = defaultdict(list)
    most = max(links.values(), default=1.0)
    for link, path in paths.items():
        for first, last in pairwise(path):
            passing = isinstance(first, tuple) + isinstance(last, tuple)
            weight = (links[link] / most + 0.05) * (1, 2, 8)[passing]
            right[first].append((last, weight))
            left[last].append((first, weight))
    return left, right


def crossings(rows: Sequence[Sequence[Item]], right: Mapping[Item, Sequence[tuple[Item, float]]]) -> int:
    """How many pairs of connections cross."""
    total = 0
    for row, following in pairwise(rows):
        place = {item: number for number, item in enumerate(following)}
        seen: list[int] = []
        for item in row:
            ends = sorted(place[other] for other, _ in right.get(item, ()))
            total += sum(len(seen) - bisect(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _untangled(rows: list[list[Item]], neighbours: Neighbours) -> list[list[Item]]:
    """The rows with their items ordered by the middle of what they are connected with, forth and back; the best order that was met."""
    left, right = neighbours
    best, fewest = rows, crossings(rows, right)
    for sweep in range(SWEEPS):
        side = left if sweep % 2 == 0 else right
        rows = [list(row) for row in rows]
        numbers = range(1, len(rows)) if sweep % 2 == 0 else range(len(rows) - 2, -1, -1)
        for number in numbers:
            beside = rows[number - 1] if sweep % 2 == 0 else rows[number + 1]
            place = {item: (at + 0.5) / len(beside) for at, item in enumerate(beside)}
            own = {item: (at + 0.5) / len(rows[number]) for at, item in enumerate(rows[number])}

            middle = {item: _middle(side.get(item, ()), place, own[item]) for item in rows[number]}
            rows[number].sort(key=middle.__getitem__)
        count = crossings(rows, right)
        if count < fewest:
            best, fewest = rows, count
    return best


def _middle(beside: Sequence[tuple[Item, float]], place: Mapping[Item, float], own: float) -> float:
    known = [(place[other], weight) for other, weight in beside if other in place]
    return sum(at * weight for at, weight in known) / sum(weight for _, weight in known) if known else own


def _heights(rows: Sequence[Sequence[Item]], neighbours: Neighbours) -> dict[Item, float]:
    """How high each item lies: near what it is connected with, in order, and with room between; the topmost at 0."""
    y: dict[Item, float] = {}
    for row in rows:
        offsets = _offsets(row)
        middle = offsets[-1] / 2 if offsets else 0.0
        y.update({item: offset - middle for item, offset in zip(row, offsets, strict=True)})
    for sweep in range(SWEEPS):
        side = neighbours[sweep % 2]
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wanted, weights = [], []
            for item in row:
                known = side.get(item, ())
                weight = sum(one for _, one in known)
                wanted.append(sum(y[other] * one for other, one in known) / weight if known else y[item])
                weights.append(weight or 0.1)
            y.update(zip(row, apart(wanted, weights, _offsets(row)), strict=True))
    top = min(y.values(), default=0.0)
    return {item: height - top for item, height in y.items()}


def _offsets(row: Sequence[Item]) -> list[float]:
    """How far each item must at least lie below the first."""
    found, at = [], 0.0
    for place, item in enumerate(row):
        if place:
            thin = isinstance(item, tuple) + isinstance(row[place - 1], tuple)
            at += (ROOM, (ROOM + LESS) / 2, LESS)[thin]
        found.append(at)
    return found


def apart(wanted: Sequence[float], weights: Sequence[float], offsets: Sequence[float]) -> list[float]:
    """The heights nearest to those wanted (weighted least squares) that keep the order and the room: neighbours that would come too near
    are moved as one block."""
    blocks: list[tuple[float, float, int]] = []  # mean of what is wanted less the offset, weight, size
    for want, weight, offset in zip(wanted, weights, offsets, strict=True):
        mean, heavy, size = want - offset, weight, 1
        while blocks and blocks[-1][0] > mean:
            other, its_weight, its_size = blocks.pop()
            mean = (mean * heavy + other * its_weight) / (heavy + its_weight)
            heavy, size = heavy + its_weight, size + its_size
        blocks.append((mean, heavy, size))
    shifts = [mean for mean, _, size in blocks for _ in range(size)]
    return [shift + offset for shift, offset in zip(shifts, offsets, strict=True)]
