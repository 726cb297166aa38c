"""A lift as a chart: the share of each arm that had reached the goal by each day after assignment."""

from __future__ import annotations

from typing import Any

from bihuan.act.lift.result import LiftResult
from bihuan.engine.question import Reader


def chart_lift(result: LiftResult, reader: Reader) -> dict[str, Any] | None:
    """The ECharts option, or None when there is nothing to draw."""
    if not result.treated.people or not result.held.people or not result.treated.converted + result.held.converted:
        return None
    arms = ((reader.say("Got the campaign"), result.treated, "solid"), (reader.say("Held out"), result.held, "dashed"))
    return {
        "tooltip": {"trigger": "axis"},
        "legend": {"data": [name for name, _, _ in arms], "top": 0, "left": 0},
        "grid": {"left": 44, "right": 16, "top": 36, "bottom": 44},
        "xAxis": {
            "type": "category",
            "name": reader.say("Days after assignment"),
            "nameLocation": "middle",
            "nameGap": 28,
            "data": [str(day) for day in range(result.window + 1)],
        },
        "yAxis": {"type": "value", "axisLabel": {"formatter": "{value}%"}},
        "series": [
            {
                "name": name,
                "type": "line",
                "symbolSize": 5,
                "lineStyle": {"type": line},
                "data": [0, *(round(share * 100, 3) for share in arm.curve)],
            }
            for name, arm, line in arms
        ],
    }
