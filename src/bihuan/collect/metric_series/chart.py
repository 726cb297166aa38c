"""A metric series as an ECharts option: a line for each value of the dimension."""

from __future__ import annotations

from typing import Any

from bihuan.collect.metric_series.result import OTHERS, MetricSeriesResult
from bihuan.engine.question import Reader

COLOURS = 10


def chart_metric_series(result: MetricSeriesResult, reader: Reader) -> dict[str, Any] | None:
    """The option, or None when nothing was measured."""
    if not result.lines:
        return None
    names = [_name(result, line.part, line.rest, reader) for line in result.lines]
    kind = "time" if result.unit == "hour" else "day"
    return {
        "grid": {"left": 8, "right": 16, "top": 40, "bottom": 8, "containLabel": True},
        "legend": {"type": "scroll", "top": 0, "data": names},
        "tooltip": {"trigger": "axis", "formatter": "lines"},
        "xAxis": {
            "type": "category",
            "axisLabel": {"alignMinLabel": "left", "alignMaxLabel": "right"},
            "data": [
                reader.show(start if kind == "time" else start.date(), "time" if kind == "time" else "day") for start in result.buckets
            ],
        },
        "yAxis": {"type": "value"},
        "series": [
            {
                "type": "line",
                "name": name,
                "data": list(line.values),
                "color": f"palette:{number % COLOURS}",
                "lineStyle": {"width": 2},
                "showSymbol": sum(value is not None for value in line.values) <= 31,
                "symbolSize": 5,
                "emphasis": {"focus": "series"},
            }
            for number, (name, line) in enumerate(zip(names, result.lines, strict=True))
        ],
    }


def _name(result: MetricSeriesResult, part: str, rest: bool, reader: Reader) -> str:
    if rest:
        return reader.say(OTHERS)
    return (part or reader.say("Without a value")) if result.broken_down else result.metric
