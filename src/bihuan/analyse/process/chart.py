"""A process as an ECharts graph, and its tables with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from bihuan.analyse.process.graph import END, OPEN, REST, START, Drawn, Link, drawn
from bihuan.analyse.process.layout import Laid, laid_out
from bihuan.analyse.process.result import Activity, Bottleneck, Deviates, Edge, ProcessResult, Times, Variant
from bihuan.analyse.process.side_by_side import folded, hours, panel_parts, query
from bihuan.analyse.process.table import activity_cell, edge_cell, link_cell, variant_cell
from bihuan.engine.question import Reader

BOX, ENDS = (116, 36), 30  # pixels of an activity, and of where cases begin and end
LAYER, COLUMN = 80, 142  # pixels between layers, and between the activities of one
MARGIN, TOP, BOTTOM = 72, 28, 36  # pixels around the middle of the outermost activities
WIDTHS = (("bh-process-narrow", 480), ("bh-flow", 672), ("bh-process", 928), ("bh-process-wide", 1344), ("bh-process-huge", 1920))
HEIGHTS = (("medium", 320), ("large", 448), ("tall", 640), ("huge", 896), ("giant", 1280))
INK, QUIET = "#0f766e", "#64748b"  # readable with white text, on light and on dark
SLOWEST = 3  # connections that are marked because most hours are lost there
LABELLED = 30  # connections that carry their numbers
MOST_ROWS = 100
DEVIATIONS = {
    "missing": "Missing",
    "out_of_order": "Too late: after a later step",
    "repeated": "Repeated",
    "unexpected": "Not in the order",
}
PERCENTILES = ("10 % at most", "25 % at most", "Half at most", "75 % at most", "90 % at most", "99 % at most")


def chart_process(result: ProcessResult, reader: Reader) -> dict[str, Any] | None:
    """The activities as boxes and what follows what as arrows, as wide as they are often taken."""
    return _chart(result, drawn(result), reader)[0] if result.whole.executions else None


def _chart(result: ProcessResult, shown: Drawn, reader: Reader) -> tuple[dict[str, Any], Laid]:
    nodes = shown.nodes
    laid = laid_out(nodes, {link: float(gone) for link, gone in shown.gone.items()}, near=nodes[0])
    activities = {one.name: one for one in shown.activities}
    data = [_node(name, laid, activities.get(name), result, shown, reader) for name in nodes]
    links: list[dict[str, Any]] = []
    slow = {(one.name, one.next) for one in result.bottlenecks[:SLOWEST] if one.next is not None}
    most = max(shown.gone.values(), default=1)
    labelled = set(list(shown.gone)[:LABELLED])
    for number, (link, gone) in enumerate(shown.gone.items()):
        looks = _line(link, gone / most, link in slow, link in laid.backward)
        text = _label(gone, shown.edges.get(link), reader) if link in labelled else ""
        stops = _stops(number, link, laid, text, looks["color"])
        data += stops
        names = [link[0], *(stop["name"] for stop in stops), link[1]]
        told = _told(link, gone, shown.edges.get(link), reader)
        cell = edge_cell(shown.edges[link]) if link in shown.edges else _end_cell(link)
        for place, (first, last) in enumerate(pairwise(names)):
            part: dict[str, Any] = {"source": first, "target": last, "value": gone, "lineStyle": looks, "tooltip": {"formatter": told}}
            if cell:
                part["cell"] = cell
            part["symbol"] = ["none", "arrow" if place == len(names) - 2 else "none"]
            links.append(part)
    series = {
        "type": "graph",
        "layout": "none",
        "left": MARGIN,
        "right": MARGIN,
        "top": TOP,
        "bottom": BOTTOM,
        "preserveAspect": "contain",
        "nodeScaleRatio": 0,
        "roam": False,
        "symbol": "roundRect",
        "edgeSymbolSize": [0, 8],
        "emphasis": {"focus": "adjacency", "lineStyle": {"opacity": 1}},
        "data": data,
        "links": links,
    }
    return {"tooltip": {"trigger": "item"}, "series": [series]}, laid


def _node(name: str, laid: Laid, activity: Activity | None, result: ProcessResult, shown: Drawn, reader: Reader) -> dict[str, Any]:
    x, y = laid.places[name]
    at = {"name": name, "x": y * COLUMN, "y": x * LAYER}  # the layers from top to bottom
    if activity is None:
        title, text = _pseudo(name, shown, reader)
        box = {"symbolSize": list(BOX)} if name == REST else {"symbol": "circle", "symbolSize": ENDS}
        label = {
            "show": True,
            "position": "inside" if name == REST else "right",
            "formatter": title,
            "color": "#fff" if name == REST else "palette:7",
        }
        return {**at, **box, "itemStyle": {"color": QUIET}, "label": label, "tooltip": {"formatter": text}}
    lines = [activity.name, reader.show(activity.executions, "number")]
    if name in shown.loops:
        lines[1] += f"  ↻ {reader.show(shown.loops[name], 'number')}"
    return {
        **at,
        "symbolSize": list(BOX),
        "cell": activity_cell(activity),
        "itemStyle": {"color": INK},
        "label": {
            "show": True,
            "position": "inside",
            "formatter": "\n".join(lines),
            "color": "#fff",
            "fontSize": 12,
            "lineHeight": 15,
            "width": BOX[0] - 10,
            "overflow": "truncate",
        },
        "tooltip": {"formatter": _activity_told(activity, result, shown, reader)},
    }


def _pseudo(name: str, shown: Drawn, reader: Reader) -> tuple[str, str]:
    """What stands at a node that is no activity, and what is told of it."""
    if name == REST:
        hidden = shown.hidden_activities
        return reader.counted("{count} other", "{count} others", hidden), reader.counted(
            "{count} other activity, which is not shown alone", "{count} other activities, which are not shown alone", hidden
        )
    texts = {START: "Cases begin", END: "Cases end", OPEN: "Not complete"}
    return reader.say(texts[name]), reader.say(texts[name])


def _activity_told(activity: Activity, result: ProcessResult, shown: Drawn, reader: Reader) -> str:
    lines = [
        activity.name,
        reader.counted("{count} time", "{count} times", activity.executions),
        reader.counted("in {count} case", "in {count} cases", activity.cases),
    ]
    if activity.service.number:
        lines.append(reader.say("takes {time} (median)", time=reader.show(activity.service.median, "seconds")))
    if activity.extra:
        lines.append(reader.counted("{count} time done again", "{count} times done again", activity.extra))
    return "\n".join(lines)


def _stops(number: int, link: Link, laid: Laid, text: str, colour: str) -> list[dict[str, Any]]:
    """The places that a line goes through; its numbers, if it carries any, stand at one in its middle."""
    points = [laid.places[link[0]], *laid.routes[link], laid.places[link[1]]]
    middle = len(points) // 2
    if text and len(points) == 2:
        points.insert(1, ((points[0][0] + points[1][0]) / 2, (points[0][1] + points[1][1]) / 2))
    found = []
    for place, (layer, across) in enumerate(points[1:-1], 1):
        label: dict[str, Any] = {"show": False}
        if text and place == middle:
            label = {
                "show": True,
                "position": "right",
                "distance": 6,
                "formatter": text,
                "fontSize": 11,
                "color": "palette:3" if colour == "palette:3" else "palette:7",
            }
        found.append(
            {
                "name": f"\x02{number}.{place}",
                "x": across * COLUMN,
                "y": layer * LAYER,
                "symbol": "circle",
                "symbolSize": 0.1,
                "itemStyle": {"color": colour},
                "label": label,
            }
        )
    return found


def _line(link: Link, part: float, slow: bool, backward: bool) -> dict[str, Any]:
    quiet = link[0] in (START, REST) or link[1] in (END, OPEN, REST)
    colour = "palette:3" if slow else "palette:7" if quiet else "palette:0"
    kind = "dashed" if backward or link[1] == OPEN else "solid"
    return {"width": round(1 + 6 * part**0.5, 1), "color": colour, "opacity": 0.45 if quiet else 0.6, "type": kind, "curveness": 0}


def _label(gone: int, edge: Edge | None, reader: Reader) -> str:
    count = reader.show(gone, "number")
    return count if edge is None else f"{count} · {reader.show(edge.waiting.median, 'seconds')}"


def _told(link: Link, gone: int, edge: Edge | None, reader: Reader) -> str:
    names = {START: "Cases begin", END: "Cases end", OPEN: "Not complete", REST: "Other activities"}
    begin, end = (reader.say(names[name]) if name in names else name for name in link)
    lines = [f"{begin} → {end}", reader.counted("{count} time", "{count} times", gone)]
    if edge is not None:
        waiting = edge.waiting
        lines.append(reader.counted("in {count} case", "in {count} cases", edge.cases))
        lines.append(
            reader.say(
                "waiting {median} (median), {mean} on average, {p90} at most for 90 %",
                median=reader.show(waiting.median, "seconds"),
                mean=reader.show(waiting.mean, "seconds"),
                p90=reader.show(waiting.p90, "seconds"),
            )
        )
        lines.append(reader.say("{hours} hours lost", hours=hours(waiting.lost, reader)))
    return "\n".join(lines)


def _end_cell(link: Link) -> Mapping[str, Any] | None:
    if link[0] == START and link[1] != REST:
        return {"activity": link[1], "begins": True}
    if link[0] != REST and link[1] in (END, OPEN):
        return {"activity": link[0], "ended" if link[1] == END else "running": True}
    return None


# --- The panel ----------------------------------------------------------------------------------------------------------------------------


def panel_process(result: ProcessResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows."""
    shown = drawn(result)
    chart, laid = _chart(result, shown, reader) if result.whole.executions else (None, None)
    size = {
        "width": _size(WIDTHS, laid.height * COLUMN + 2 * MARGIN if laid else 0),
        "height": _size(HEIGHTS, (laid.layers - 1) * LAYER + TOP + BOTTOM if laid else 0),
    }
    return {
        "chart": chart,
        **size,
        "tile": size,
        "hidden": _hidden(shown, reader),
        "services": result.services,
        "compared": reader.say(result.compared[0], **result.compared[1]) if result.compared else "",
        "before": result.before is not None,
        "percentiles": [
            {"title": reader.say(title), "value": reader.show(value, "seconds")}
            for title, value in zip(PERCENTILES, result.whole.durations, strict=False)
        ],
        "before_median": reader.show(result.before.median, "seconds") if result.before else "",
        "median": reader.show(result.whole.median, "seconds"),
        "target": reader.show(result.target * 60, "seconds") if result.target else "",
        "bottlenecks": [_bottleneck(one, reader) for one in result.bottlenecks[:15]],
        "variants": [_variant(one, reader) for one in result.variants],
        "variants_all": reader.show(result.whole.variants, "number"),
        "conformance": _conformance(result, reader),
        "activities": [_activity(one, result, reader) for one in result.activities if one.executions],
        "edges": [_edge(one, result, reader) for one in result.edges[:MOST_ROWS]],
        "again": [_again(one, reader) for one in _repeated(result.activities)],
        "again_cases": reader.show(result.whole.again, "number"),
        "again_share": reader.show(result.whole.again / result.whole.cases if result.whole.cases else None, "share"),
        "open": reader.show(result.whole.open, "number") if result.whole.open else "",
        "parts": panel_parts(result, reader),
    }


def _size(sizes: Sequence[tuple[str, int]], pixels: float) -> str:
    """The name of the smallest size in which so many pixels find room, else of the largest."""
    return next((name for name, size in sizes if pixels <= size), sizes[-1][0])


def _hidden(shown: Drawn, reader: Reader) -> str:
    if not (shown.hidden_activities or shown.hidden_links):
        return ""
    return reader.say(
        "Not drawn: {activities} activities (together as one) and {links} connections. What is drawn is {share} of all steps from one"
        " activity to the next.",
        activities=shown.hidden_activities,
        links=shown.hidden_links,
        share=reader.show(shown.shown, "share"),
    )


def _bottleneck(one: Bottleneck, reader: Reader) -> dict[str, Any]:
    return {
        "name": one.name,
        "next": one.next,
        **_times(one.times, reader),
        "share": reader.show(one.share, "share"),
        "width": round(one.share * 100, 2),
        "query": query(link_cell(one.name, one.next)),
    }


def _times(times: Times, reader: Reader) -> dict[str, str]:
    return {
        "number": reader.show(times.number, "number"),
        "mean": reader.show(times.mean, "seconds"),
        "median": reader.show(times.median, "seconds"),
        "p90": reader.show(times.p90, "seconds"),
        "lost": hours(times.lost, reader) if times.number else "",
    }


def _variant(one: Variant, reader: Reader) -> dict[str, Any]:
    change = None if one.before_share is None else one.share - one.before_share
    return {
        "steps": folded(one.names),
        "cases": reader.show(one.cases, "number"),
        "people": reader.show(one.people, "number"),
        "share": reader.show(one.share, "share"),
        "width": round(one.share * 100, 2),
        "up_to": reader.show(one.up_to, "share"),
        "median": reader.show(one.median, "seconds"),
        "before_share": reader.show(one.before_share, "share"),
        "before": reader.show(one.before, "number"),
        "change": "" if change is None else f"{'+' if change > 0 else '−' if change < 0 else ''}{abs(change) * 100:.1f}",
        "query": query(variant_cell(one)),
    }


def _conformance(result: ProcessResult, reader: Reader) -> dict[str, Any] | None:
    found = result.conformance
    if found is None:
        return None
    return {
        "keeping": reader.show(found.keeping.cases, "number"),
        "share": reader.show(found.share, "share"),
        "before_share": reader.show(found.before_share, "share"),
        "others": reader.show(found.others.cases, "number"),
        "median": reader.show(found.keeping.median, "seconds"),
        "mean": reader.show(found.keeping.mean, "seconds"),
        "others_median": reader.show(found.others.median, "seconds"),
        "others_mean": reader.show(found.others.mean, "seconds"),
        "hours": hours(found.hours, reader),
        "deviations": [_deviates(one, result, reader) for one in found.deviations],
    }


def _deviates(one: Deviates, result: ProcessResult, reader: Reader) -> dict[str, Any]:
    return {
        "kind": reader.say(DEVIATIONS[one.kind]),
        "activity": one.activity,
        "cases": reader.show(one.of.cases, "number"),
        "people": reader.show(one.of.people, "number"),
        "share": reader.show(one.of.cases / result.whole.cases, "share"),
        "median": reader.show(one.of.median, "seconds"),
        "hours": hours(one.hours, reader),
        "before": reader.show(one.before, "number"),
        "query": query({"deviation": one.kind, "activity": one.activity}),
    }


def _activity(one: Activity, result: ProcessResult, reader: Reader) -> dict[str, Any]:
    return {
        "name": one.name,
        "executions": reader.show(one.executions, "number"),
        "cases": reader.show(one.cases, "number"),
        "share": reader.show(one.cases / result.whole.cases, "share"),
        "people": reader.show(one.people, "number"),
        "begins": reader.show(one.begins, "number"),
        "ended": reader.show(one.ended, "number"),
        "running": reader.show(one.running, "number"),
        "before": reader.show(one.before, "number"),
        "service": _times(one.service, reader),
        "query": query(activity_cell(one)),
    }


def _edge(one: Edge, result: ProcessResult, reader: Reader) -> dict[str, Any]:
    return {
        "name": one.name,
        "next": one.next,
        "cases": reader.show(one.cases, "number"),
        "people": reader.show(one.people, "number"),
        "times": _times(one.waiting, reader),
        "before": reader.show(one.before, "number"),
        "before_median": reader.show(one.before_median, "seconds"),
        "query": query(edge_cell(one)),
    }


def _repeated(activities: Sequence[Activity]) -> list[Activity]:
    return sorted((one for one in activities if one.extra), key=lambda one: (-one.again_hours, -one.extra, one.name))[:30]


def _again(one: Activity, reader: Reader) -> dict[str, Any]:
    return {
        "name": one.name,
        "cases": reader.show(one.again_cases, "number"),
        "share": reader.show(one.again_cases / one.cases, "share"),
        "extra": reader.show(one.extra, "number"),
        "hours": hours(one.again_hours, reader),
        "query": query({**activity_cell(one), "again": True}),
    }
