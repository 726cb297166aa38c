"""A trend as an ECharts option: lines over time, its unfinished end dashed, what it is compared with paler; areas, bars, pies, maps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bihuan.engine.breakdowns import part_said
from bihuan.engine.question import Reader
from bihuan.see.trend.mapped import chart_map
from bihuan.see.trend.result import Line, Number, TrendResult

PALE = 0.35
COLOURS = 10  # of the page's palette; "palette:0" is its first
MOST_LINES = 30
GRID = {"left": 8, "right": 16, "top": 40, "bottom": 8, "containLabel": True}


def chart_trend(result: TrendResult, reader: Reader) -> dict[str, Any] | None:
    """The option, or None when there is nothing to draw, or numbers alone are asked for."""
    if not result.lines or result.look in ("number", "table", "pivot"):
        return None
    if result.look == "pie":
        return _pie(result, reader)
    if result.mapped is not None and result.mapped.spots:
        return chart_map(result.mapped, result.lines[0].kind, reader)
    if result.look == "bar" and len(result.buckets) > 2:
        return _columns(result, reader)
    return _bars(result, reader) if len(result.buckets) <= 2 else _lines(result, reader)


def line_name(line: Line, result: TrendResult, reader: Reader) -> str:
    """How the reader calls a line: a part by its own words."""
    if line.part is None:
        return reader.say(line.title, **line.title_values)
    part = part_said(line.part, result.breakdown, reader, result.names)
    return reader.say("{name}: {value}", name=line.title_values["name"], value=part) if "name" in line.title_values else part


def _lines(result: TrendResult, reader: Reader) -> dict[str, Any]:
    series: list[dict[str, Any]] = []
    area = result.look == "area"
    for number, line in enumerate(result.lines[:MOST_LINES]):
        name, colour = line_name(line, result, reader), f"palette:{number % COLOURS}"
        if result.compared:
            series.append(_line(_compared_name(name, result, reader), line.previous, colour, opacity=PALE))
        if result.open_end and not area:
            series.append(_line(name, (*line.values[:-1], None), colour))
            unfinished: tuple[Number, ...] = (*(None for _ in line.values[:-2]), *line.values[-2:])
            series.append(_line(name, unfinished, colour, dashed=True))
        else:
            series.append(_line(name, line.values, colour))
            if area:
                series[-1] |= {"areaStyle": {"opacity": 0.6}, "stack": "all"}
    if result.target is not None and series:
        series[0]["markLine"] = _target(result, reader)
    _on_axes(series, result)
    return {
        "grid": GRID,
        "legend": _legend(series),
        "tooltip": {"trigger": "axis", "formatter": "lines"},
        "xAxis": {
            "type": "category",
            "boundaryGap": False,
            "axisLabel": {"alignMinLabel": "left", "alignMaxLabel": "right"},
            "data": [_when(start, result, reader) for start in result.buckets],
        },
        "yAxis": _axes(result),
        "series": series,
    }


def _columns(result: TrendResult, reader: Reader) -> dict[str, Any]:
    """Bars over time, parts of one number on top of each other; an unfinished last bar is paler."""
    series = []
    for number, line in enumerate(result.lines[:MOST_LINES]):
        name, colour = line_name(line, result, reader), f"palette:{number % COLOURS}"
        if result.compared:
            series.append(_bar(_compared_name(name, result, reader), list(line.previous), colour, PALE))
        data: list[Any] = list(line.values)
        if result.open_end:
            data[-1] = {"value": data[-1], "itemStyle": {"opacity": 0.55}}
        series.append(_bar(name, data, colour, 1))
        if result.breakdown and not result.compared:
            series[-1]["stack"] = str(line.series)
    if result.target is not None and series:
        series[0]["markLine"] = _target(result, reader)
    _on_axes(series, result)
    return {
        "grid": GRID,
        "legend": _legend(series),
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "xAxis": {"type": "category", "data": [_when(start, result, reader) for start in result.buckets]},
        "yAxis": _axes(result),
        "series": series,
    }


def _pie(result: TrendResult, reader: Reader) -> dict[str, Any] | None:
    """The parts of the first number over the whole period; what is not above zero has no slice."""
    first = result.lines[0].series
    slices = [
        {"name": line_name(line, result, reader), "value": line.total}
        for line in result.lines
        if (line.series == first or not result.breakdown) and line.total is not None and line.total > 0
    ]
    if not slices:
        return None
    return {
        "legend": {"type": "scroll", "top": 0},
        "tooltip": {"trigger": "item"},
        "series": [{"type": "pie", "radius": ["40%", "70%"], "top": 24, "data": slices, "label": {"formatter": "{b}: {d}%"}}],
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
    """A group of bars for each line, one bar for each bucket; those to compare with are paler."""
    lines = result.lines[:MOST_LINES]
    series = []
    for place, start in enumerate(result.buckets):
        when = _when(start, result, reader)
        if result.compared:
            before = _compared_name(when, result, reader)
            series.append(_bar(before, [line.previous[place] for line in lines], f"palette:{place}", PALE))
        series.append(_bar(when, [line.values[place] for line in lines], f"palette:{place}", 1))
    return {
        "grid": {**GRID, "right": 24},
        "legend": {"type": "scroll", "top": 0},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "xAxis": _axis(result),
        "yAxis": {"type": "category", "inverse": True, "data": [line_name(line, result, reader) for line in lines]},
        "series": series,
    }


def _bar(name: str, values: list[Any], colour: str, opacity: float) -> dict[str, Any]:
    return {"type": "bar", "name": name, "data": values, "color": colour, "itemStyle": {"opacity": opacity}, "barMaxWidth": 28}


SHARES = {"type": "value", "axisLabel": {"formatter": "percent"}}


def _axis(result: TrendResult) -> dict[str, Any]:
    return SHARES if all(line.kind == "share" for line in result.lines) else {"type": "value"}


def _axes(result: TrendResult) -> dict[str, Any] | list[dict[str, Any]]:
    """One axis; where shares stand beside other numbers, these have one of their own, on the right."""
    if not _mixed(result):
        return _axis(result)
    return [{"type": "value"}, {**SHARES, "position": "right", "splitLine": {"show": False}}]


def _mixed(result: TrendResult) -> bool:
    return len({line.kind == "share" for line in result.lines}) == 2


def _on_axes(series: list[dict[str, Any]], result: TrendResult) -> None:
    """Put what was drawn of each line, in order, on its axis."""
    if not _mixed(result):
        return
    each = len(series) // len(result.lines[:MOST_LINES])
    for place, drawn in enumerate(series):
        drawn["yAxisIndex"] = int(result.lines[place // each].kind == "share")


def _legend(series: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "scroll", "top": 0, "data": list(dict.fromkeys(one["name"] for one in series))}


def _target(result: TrendResult, reader: Reader) -> dict[str, Any]:
    label = {"formatter": reader.say("Target"), "position": "insideEndTop"}
    return {"silent": True, "symbol": "none", "lineStyle": {"type": "dashed"}, "label": label, "data": [{"yAxis": result.target}]}


def _compared_name(name: str, result: TrendResult, reader: Reader) -> str:
    if result.before or result.compared_with is None:
        return reader.say("{name}, previous period", name=name)
    msgid, values = result.compared_with
    return reader.say("{name}, {other}", name=name, other=reader.say(msgid, **values))


def _when(start: datetime, result: TrendResult, reader: Reader) -> str:
    return reader.show(start, "time") if result.unit == "hour" else reader.show(start.date(), "day")
