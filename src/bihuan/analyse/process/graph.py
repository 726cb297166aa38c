"""Which activities and connections of a process are drawn, and what is left of the rest."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from bihuan.analyse.process.result import Activity, Edge, ProcessResult

MOST_NODES, MOST_LINKS = 40, 120
START, END, OPEN, REST = "\x02start", "\x02end", "\x02open", "\x02rest"  # nodes that are no activity

Link = tuple[str, str]


@dataclass(frozen=True)
class Drawn:
    """The `activities` and connections that are drawn; `gone` says how often each connection (also from START, to END, to OPEN where cases
    are not complete, and from and to REST, all other activities together) was taken. `loops`: how often an activity follows itself.

    `hidden_activities` and `hidden_links` are not drawn (what goes by REST is); `shown` is the part of all steps from one activity to the
    next that is.
    """

    activities: tuple[Activity, ...]
    edges: Mapping[Link, Edge]
    gone: Mapping[Link, int]
    loops: Mapping[str, int]
    hidden_activities: int
    hidden_links: int
    shown: float | None

    @property
    def nodes(self) -> list[str]:
        ends = {node for link in self.gone for node in link}
        return [
            *([START] if START in ends else []),
            *(one.name for one in self.activities),
            *(node for node in (REST, OPEN, END) if node in ends),
        ]


def drawn(result: ProcessResult) -> Drawn:
    """The most frequent activities, as many as asked for; of the connections between them the most frequent, and the most frequent one to
    and from each activity, so that nothing hangs in the air."""
    there = [one for one in result.activities if one.executions]
    count = min(max(1, math.ceil(len(there) * result.activities_shown / 100)), MOST_NODES) if there else 0
    activities = tuple(there[:count])
    names = {one.name for one in activities}
    edges = {(edge.name, edge.next): edge for edge in result.edges if edge.gone}
    loops = {edge.name: edge.gone for edge in edges.values() if edge.name == edge.next}
    gone = _merged(there, names, edges)
    ranked = sorted(gone, key=lambda link: (-gone[link], link))
    kept = set(ranked[: min(math.ceil(len(ranked) * result.edges_shown / 100), MOST_LINKS)])
    for name in sorted(names):
        kept |= {next((link for link in ranked if link[side] == name), (name, name)) for side in (0, 1)}
    kept = {link for link in ranked if link in kept}
    all_gone = sum(edge.gone for edge in edges.values())
    seen = sum(edges[link].gone for link in edges if link in kept or (link[0] == link[1] and link[0] in names))
    inner = [link for link in edges if link[0] != link[1]]
    return Drawn(
        activities=activities,
        edges={link: edges[link] for link in edges if link in kept},
        gone={link: gone[link] for link in ranked if link in kept},
        loops={name: number for name, number in loops.items() if name in names},
        hidden_activities=len(there) - count,
        hidden_links=sum(link not in kept for link in inner),
        shown=seen / all_gone if all_gone else None,
    )


def _merged(there: list[Activity], names: set[str], edges: Mapping[Link, Edge]) -> dict[Link, int]:
    """How often each connection was taken, where all activities but `names` are one; none from a node to itself."""
    found: dict[Link, int] = defaultdict(int)

    def node(name: str) -> str:
        return name if name in names else REST

    for (first, last), edge in edges.items():
        found[node(first), node(last)] += edge.gone
    for one in there:
        found[START, node(one.name)] += one.begins
        found[node(one.name), END] += one.ended
        found[node(one.name), OPEN] += one.running
    return {link: number for link, number in found.items() if number and link[0] != link[1]}
