"""Paths as an ECharts option, and as steps and ways with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bihuan.analyse.paths.beside import flow_beside, node_beside, panel_beside, query, ways_beside
from bihuan.analyse.paths.result import Node, PathsResult
from bihuan.engine.question import Reader

REST = "#94a3b8"  # what is not one node: others, and ways that end
LABELS = 550  # pixels that the names of all steps share
APART = "\u200b"  # keeps the names of the chart's own nodes apart from those of events


def chart_paths(result: PathsResult, reader: Reader) -> dict[str, Any] | None:
    """A column of nodes for each step, flows as wide as their ways (or people), and where ways end."""
    links = _flows(result, reader)
    if not any("next" in link["cell"] or "next_other" in link["cell"] for link in links):
        return None
    data = [
        {
            "name": _name(node.place, node.name, reader),
            "depth": node.place - 1,
            "cell": node.cell,
            **({"itemStyle": {"color": REST}} if node.name is None else {}),
            **(node_beside(node, _name(node.place, node.name, reader), result, reader) if result.before else {}),
        }
        for node in result.nodes
        if node.ways
    ]
    places = sorted({int(link["cell"]["place"]) for link in links if "edge" in link["cell"]})
    data += [{"name": _dropped(place, reader), "depth": place, "itemStyle": {"color": REST}} for place in places]
    width = max(56, LABELS // result.steps)
    return {
        "tooltip": {"trigger": "item", "valueFormatter": "count"},
        "series": [
            {
                "type": "sankey",
                "left": 8,
                "right": width + 24,  # the last step's names stand to its right
                "top": 8,
                "bottom": 8,
                "nodeWidth": 14,
                "nodeGap": 10,
                "draggable": False,
                "emphasis": {"focus": "adjacency"},
                "lineStyle": {"color": "source", "opacity": 0.3},
                "label": {"width": width, "overflow": "truncate"},
                "data": data,
                "links": links,
            }
        ],
    }


def _flows(result: PathsResult, reader: Reader) -> list[dict[str, Any]]:
    """The links, and where ways end; of this side."""
    flows: list[dict[str, Any]] = [
        {
            "source": _name(link.place, link.name, reader),
            "target": _name(link.place + 1, link.next, reader),
            "value": link.ways if result.measure == "ways" else link.people,
            "cell": link.cell,
        }
        for link in result.links
        if link.ways
    ]
    ends = [] if result.backwards else [node for node in result.nodes if node.ended and node.place < result.steps]
    flows += [
        {
            "source": _name(node.place, node.name, reader),
            "target": _dropped(node.place, reader),
            "value": node.ended if result.measure == "ways" else node.ended_people,
            "cell": node.end.cell,
            "lineStyle": {"color": REST, "opacity": 0.2},
        }
        for node in ends
    ]
    if result.before is None:
        return flows
    changes = {tuple(sorted(one.cell.items())): one for one in result.changes if one.kind != "way"}
    return [{**flow, **flow_beside(flow, changes[tuple(sorted(flow["cell"].items()))], result, reader)} for flow in flows]


def panel_paths(result: PathsResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the chart, each step's nodes with what became of them, and the most frequent ways."""
    return {
        "chart": chart_paths(result, reader),
        "backwards": result.backwards,
        "people": result.measure == "people",
        "steps": [
            {
                "number": place,
                "nodes": [_shown(node, result, reader) for node in result.nodes if node.place == place],
            }
            for place in range(1, result.steps + 1)
            if any(node.place == place for node in result.nodes)
        ],
        "ways": [
            {
                "nodes": way.nodes,
                "more": way.more and not result.between,
                "ways": reader.show(way.ways, "number"),
                "people": reader.show(way.people, "number"),
                "share": reader.show(_share(way.ways, result.ways), "share"),
                "query": query(way.cell),
                **ways_beside(way, result, reader),
            }
            for way in result.top_ways
        ],
        **panel_beside(result, reader),
    }


def _shown(node: Node, result: PathsResult, reader: Reader) -> Mapping[str, Any]:
    return {
        "title": _title(node, reader),
        "rest": node.name is None,
        "ways": reader.show(node.ways, "number"),
        "share": reader.show(_share(node.ways, result.ways), "share"),
        "people": reader.show(node.people, "number"),
        "ended": f"{reader.show(node.ended, 'number')} ({reader.show(node.ended / node.ways, 'share')})" if node.ended else "",
        "query": query(node.cell),
        **ways_beside(node, result, reader),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _title(node: Node, reader: Reader) -> str:
    return reader.counted("{count} other node", "{count} other nodes", node.hidden) if node.name is None else node.name


def _name(place: int, node: str | None, reader: Reader) -> str:
    return f"{place} · {reader.say('Other')}{APART}" if node is None else f"{place} · {node}"


def _dropped(place: int, reader: Reader) -> str:
    """Where those go who drop off at step `place`."""
    return f"{place + 1} · {reader.say('Dropped off')}{APART}"
