"""Sessions as an ECharts option, and as values, entries and exits with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from bihuan.analyse.parts import part_title
from bihuan.analyse.sessions.result import Measures, Part, SessionsResult, part_cell
from bihuan.engine.breakdowns import heading
from bihuan.engine.question import Reader


def chart_sessions(result: SessionsResult, reader: Reader) -> dict[str, Any] | None:
    """Sessions as bars (paler while the time runs), and the share that bounced as a line."""
    if not result.total.sessions:
        return None
    bars = [
        {
            "value": bucket.measures.sessions,
            "cell": {"bucket": bucket.day.isoformat()},
            **({"itemStyle": {"opacity": 0.5}} if bucket.state in ("running", "cut") else {}),
        }
        for bucket in result.buckets
        if bucket.state != "future"
    ]
    shown = [bucket for bucket in result.buckets if bucket.state != "future"]
    share = [None if bucket.measures.bounce is None else round(bucket.measures.bounce * 100, 1) for bucket in shown]
    return {
        "grid": {"left": 8, "right": 8, "top": 40, "bottom": 8, "containLabel": True},
        "legend": {"top": 0},
        "tooltip": {"trigger": "axis", "valueFormatter": "count"},
        "xAxis": {"type": "category", "data": [reader.show(bucket.day, "day") for bucket in shown]},
        "yAxis": [
            {"type": "value"},
            {"type": "value", "min": 0, "max": 100, "splitLine": {"show": False}, "axisLabel": {"formatter": "{value} %"}},
        ],
        "series": [
            {"type": "bar", "name": reader.say("Sessions"), "data": bars},
            {
                "type": "line",
                "name": reader.say("Bounce rate, %"),
                "yAxisIndex": 1,
                "data": share,
                "showSymbol": len(share) <= 31,
            },
        ],
    }


def panel_sessions(result: SessionsResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the chart, the values side by side, where sessions begin and end, and each bucket."""
    return {
        "chart": chart_sessions(result, reader),
        "breakdown": heading(result.breakdown, reader),
        "parts": [{"title": part_title(part, result, reader), **_shown(part.measures, part_cell(part), reader)} for part in result.parts],
        "entries": [_end(part, "entry", result.total, reader) for part in result.entries],
        "exits": [_end(part, "exit", result.total, reader) for part in result.exits],
        "buckets": [
            {
                "title": reader.show(bucket.day, "day"),
                "running": bucket.state in ("running", "cut"),
                **_shown(bucket.measures, {"bucket": bucket.day.isoformat()}, reader),
            }
            for bucket in reversed(result.buckets)
            if bucket.state != "future"
        ],
    }


def _end(part: Part, name: str, total: Measures, reader: Reader) -> Mapping[str, Any]:
    cell = {f"{name}_other": True} if part.value is None else {name: part.value}
    title = reader.say("{count} others", count=part.other) if part.value is None else part.value
    share = reader.show(part.measures.sessions / total.sessions, "share")
    return {"title": title, "rest": part.value is None, "share": share, **_shown(part.measures, cell, reader)}


def _shown(measures: Measures, cell: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    return {
        "any": bool(measures.sessions),
        "any_bounced": bool(measures.bounces),
        "sessions": reader.show(measures.sessions, "number"),
        "people": reader.show(measures.people, "number"),
        "each": reader.show(measures.each, "number"),
        "median": reader.show(measures.median, "seconds"),
        "p90": reader.show(measures.p90, "seconds"),
        "depth": reader.show(measures.depth, "number"),
        "bounces": _bounces(measures, reader),
        "query": urlencode([(f"cell.{name}", value) for name, value in cell.items()]),
    }


def _bounces(measures: Measures, reader: Reader) -> str:
    bounces = reader.show(measures.bounces, "number")
    return f"{bounces} ({reader.show(measures.bounce, 'share')})" if measures.bounces else bounces
