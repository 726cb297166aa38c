"""The rows of a statement as a simple ECharts option: numbers over days as lines, over names as bars."""

from __future__ import annotations

from typing import Any

from bihuan.analyse.sql.result import SqlResult
from bihuan.engine.question import Reader

MOST_BARS = 40
MOST_SERIES = 8


def chart_sql(result: SqlResult, reader: Reader) -> dict[str, Any] | None:
    """A chart where the first column names and others count; none where rows have no such shape."""
    numbers = [place for place, kind in enumerate(result.kinds) if place and kind == "number"][:MOST_SERIES]
    if not numbers or len(result.rows) < 2 or result.kinds[0] not in ("text", "day", "time"):
        return None
    over_time = result.kinds[0] != "text"
    if not over_time and len(result.rows) > MOST_BARS:
        return None
    rows = sorted(result.rows, key=lambda row: (row[0] is not None, row[0])) if over_time else result.rows
    return {
        "tooltip": {"trigger": "axis"},
        "legend": {"show": len(numbers) > 1},
        "grid": {"left": 8, "right": 16, "top": 32 if len(numbers) > 1 else 12, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "category", "data": [reader.show(row[0], result.kinds[0]) for row in rows]},
        "yAxis": {"type": "value"},
        "series": [
            {"type": "line" if over_time else "bar", "name": result.names[place], "data": [row[place] for row in rows]} for place in numbers
        ],
    }
