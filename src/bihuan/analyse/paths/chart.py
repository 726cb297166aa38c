"""Paths as an ECharts option, and as steps and ways with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from bihuan.analyse.paths.result import Node, PathsResult
from bihuan.engine.question import Reader

REST = "#94a3b8"  # what is not one node: others, and ways that end
LABELS = 550  # pixels that the names of all steps share
APART = "\u200b"  # keeps the names of the chart's own nodes apart from those of events


def chart_paths(result: PathsResult, reader: Reader) -> dict[str, Any] | None:
    """A column of nodes for each step, flows as wide as their ways (or people), and where ways end."""
    if not result.links:
        return None
    data = [
        {
            "name": _name(node.place, node.name, reader),
            "depth": node.place - 1,
            "cell": node.cell,
            **({"itemStyle": {"color": REST}} if node.name is None else {}),
        }
        for node in result.nodes
    ]
    links = [
        {
            "source": _name(link.place, link.name, reader),
            "target": _name(link.place + 1, link.next, reader),
            "value": link.ways if result.measure == "ways" else link.people,
            "cell": link.cell,
        }
        for link in result.links
    ]
    ends = [] if result.backwards else [node for node in result.nodes if node.ended and node.place < result.steps]
    places = sorted({node.place for node in ends})
    data += [{"name": _dropped(place, reader), "depth": place, "itemStyle": {"color": REST}} for place in places]
    links += [
        {
            "source": _name(node.place, node.name, reader),
            "target": _dropped(node.place, reader),
            "value": node.ended if result.measure == "ways" else node.ended_people,
            "cell": {**node.cell, "edge": True},
            "lineStyle": {"color": REST, "opacity": 0.2},
        }
        for node in ends
    ]
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
                "share": reader.show(way.ways / result.ways, "share"),
                "query": _query({**{f"way.{place}": node for place, node in enumerate(way.nodes)}, "more": way.more}),
            }
            for way in result.top_ways
        ],
    }


def _shown(node: Node, result: PathsResult, reader: Reader) -> Mapping[str, Any]:
    return {
        "title": _title(node, reader),
        "rest": node.name is None,
        "ways": reader.show(node.ways, "number"),
        "share": reader.show(node.ways / result.ways, "share"),
        "people": reader.show(node.people, "number"),
        "ended": f"{reader.show(node.ended, 'number')} ({reader.show(node.ended / node.ways, 'share')})" if node.ended else "",
        "query": _query(node.cell),
    }


def _title(node: Node, reader: Reader) -> str:
    return reader.say("{count} other nodes", count=node.hidden) if node.name is None else node.name


def _name(place: int, node: str | None, reader: Reader) -> str:
    return f"{place} · {reader.say('Other')}{APART}" if node is None else f"{place} · {node}"


def _dropped(place: int, reader: Reader) -> str:
    """Where those go who drop off at step `place`."""
    return f"{place + 1} · {reader.say('Dropped off')}{APART}"


def _query(cell: Mapping[str, Any]) -> str:
    return urlencode([(f"cell.{name}", value) for name, value in cell.items()])
