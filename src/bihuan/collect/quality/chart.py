"""An event's volume beside what its past says, as an ECharts option."""

from __future__ import annotations

from typing import Any

from bihuan.collect.volumes.result import VolumesResult
from bihuan.engine.question import Reader


def chart_volumes(result: VolumesResult, reader: Reader) -> dict[str, Any] | None:
    """Bars of what came, unusual ones in another colour, over the band of what is usual; None without any."""
    if not result.volumes:
        return None
    kind = reader.say("Usual, at least"), reader.say("Usual, at most")
    bars = [
        {"value": one.events, "itemStyle": {"color": "palette:3" if one.unusual else "palette:0", "opacity": 0.8}} for one in result.volumes
    ]
    return {
        "grid": {"left": 8, "right": 16, "top": 40, "bottom": 8, "containLabel": True},
        "legend": {"type": "scroll", "top": 0},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": [reader.show(one.slot.date(), "day") for one in result.volumes]},
        "yAxis": {"type": "value"},
        "series": [
            {"type": "bar", "name": reader.say("Events"), "data": bars, "color": "palette:0", "barMaxWidth": 18},
            _edge(kind[0], [one.low for one in result.volumes]),
            _edge(kind[1], [one.high for one in result.volumes]),
        ],
    }


def _edge(name: str, values: list[float | None]) -> dict[str, Any]:
    line = {"width": 1, "type": "dashed"}
    return {"type": "line", "name": name, "data": values, "color": "palette:2", "lineStyle": line, "showSymbol": False, "step": "middle"}
