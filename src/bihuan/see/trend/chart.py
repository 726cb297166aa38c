"""A trend as an ECharts option: lines over time, their unfinished end dashed, the previous period paler; bars for one or two buckets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bihuan.engine.question import Reader
from bihuan.see.trend.result import Line, Number, TrendResult

PALE = 0.35
COLOURS = 10  # of the page's palette; "palette:0" is its first
MOST_LINES = 30


def chart_trend(result: TrendResult, reader: Reader) -> dict[str, Any] | None:
    """The option, or None when there is nothing to draw."""
    if not result.lines:
        return None
    return _bars(result, reader) if len(result.buckets) <= 2 else _lines(result, reader)


def _lines(result: TrendResult, reader: Reader) -> dict[str, Any]:
    series: list[dict[str, Any]] = []
    for number, line in enumerate(result.lines[:MOST_LINES]):
        name, colour = reader.say(line.title, **line.title_values), f"palette:{number % COLOURS}"
        if result.compared:
            before = reader.say("{name}, previous period", name=name)
            series.append(_line(before, line.previous, colour, opacity=PALE))
        if result.open_end:
            series.append(_line(name, (*line.values[:-1], None), colour))
            unfinished: tuple[Number, ...] = (*(None for _ in line.values[:-2]), *line.values[-2:])
            series.append(_line(name, unfinished, colour, dashed=True))
        else:
            series.append(_line(name, line.values, colour))
    return {
        "grid": {"left": 8, "right": 16, "top": 40, "bottom": 8, "containLabel": True},
        "legend": {"type": "scroll", "top": 0, "data": list(dict.fromkeys(one["name"] for one in series))},
        "tooltip": {"trigger": "axis", "formatter": "lines"},
        "xAxis": {
            "type": "category",
            "boundaryGap": False,
            "axisLabel": {"alignMinLabel": "left", "alignMaxLabel": "right"},
            "data": [_when(start, result, reader) for start in result.buckets],
        },
        "yAxis": {"type": "value"},
        "series": series,
    }


def _line(name: str, values: tuple[Number, ...], colour: str, *, opacity: float = 1, dashed: bool = False) -> dict[str, Any]:
    few = sum(value is not None for value in values) <= 31
    return {
        "type": "line",
        "name": name,
        "data": list(values),
        "color": colour,
        "lineStyle": {"width": 2, "opacity": opacity, "type": "dashed" if dashed else "solid"},
        "itemStyle": {"opacity": opacity},
        "showSymbol": few and not dashed,
        "symbolSize": 5,
        "emphasis": {"focus": "series"},
    }


def _bars(result: TrendResult, reader: Reader) -> dict[str, Any]:
    """A group of bars for each line, one bar for each bucket; the previous period's are paler."""
    lines = result.lines[:MOST_LINES]
    series = []
    for place, start in enumerate(result.buckets):
        when = _when(start, result, reader)
        if result.compared:
            before = reader.say("{name}, previous period", name=when)
            series.append(_bar(before, [line.previous[place] for line in lines], f"palette:{place}", PALE))
        series.append(_bar(when, [line.values[place] for line in lines], f"palette:{place}", 1))
    return {
        "grid": {"left": 8, "right": 24, "top": 40, "bottom": 8, "containLabel": True},
        "legend": {"type": "scroll", "top": 0},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "xAxis": {"type": "value"},
        "yAxis": {"type": "category", "inverse": True, "data": [_name(line, reader) for line in lines]},
        "series": series,
    }


def _bar(name: str, values: list[Number], colour: str, opacity: float) -> dict[str, Any]:
    return {"type": "bar", "name": name, "data": values, "color": colour, "itemStyle": {"opacity": opacity}, "barMaxWidth": 28}


def _name(line: Line, reader: Reader) -> str:
    return reader.say(line.title, **line.title_values)


def _when(start: datetime, result: TrendResult, reader: Reader) -> str:
    return reader.show(start, "time") if result.unit == "hour" else reader.show(start.date(), "day")
