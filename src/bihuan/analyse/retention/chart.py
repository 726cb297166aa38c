"""Retention as an ECharts option, and as a triangle with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bihuan.analyse.parts import part_title
from bihuan.analyse.retention.result import Cell, Cohort, RetentionPart, RetentionResult, Usage, cell_of
from bihuan.engine.breakdowns import heading
from bihuan.engine.question import Reader

# What a column is called in a heading; 0 is the cohort's own.
COLUMNS = {"hour": "Hour {number}", "day": "Day {number}", "week": "Week {number}", "month": "Month {number}"}
UNITS = {"hour": "by the hour", "day": "by the day", "week": "by the week", "month": "by the month"}
MOST_SHOWN = 20
SHADES = 9


def chart_retention(result: RetentionResult, reader: Reader) -> dict[str, Any] | None:
    """The mean share that came back in each column, between the ends of its interval, and the plain mean; or a line for each value."""
    if not result.everybody.size:
        return None
    if result.parts:
        shown = result.parts[:MOST_SHOWN]
        series = [_line(part_title(part, result, reader), [mean.weighted for mean in part.curve]) for part in shown]
    else:
        curve = result.everybody.curve
        series = [
            _line(reader.say("Mean, each person alike"), [mean.weighted for mean in curve], colour="palette:0"),
            _line(reader.say("Mean, each cohort alike"), [mean.plain for mean in curve], kind="dashed", colour="palette:1"),
            *(
                _line(
                    reader.say(title),
                    [mean.interval[end] if mean.interval else None for mean in curve],
                    kind="dotted",
                    opacity=0.6,
                    colour="palette:0",
                )
                for end, title in enumerate(("At least, 95 %", "At most, 95 %"))
            ),
        ]
    return _option(series, result, reader, "percent")


def chart_value(result: RetentionResult, reader: Reader) -> dict[str, Any] | None:
    """What each person of the cohorts brought on average in each column; None when it is not asked."""
    if result.valued is None or not result.everybody.size:
        return None
    parts = result.parts[:MOST_SHOWN] or (result.everybody,)
    series = [_line(part_title(part, result, reader), [mean.value for mean in part.curve]) for part in parts]
    return _option(series, result, reader, "short")


def _option(series: Sequence[Mapping[str, Any]], result: RetentionResult, reader: Reader, kind: str) -> dict[str, Any]:
    return {
        "grid": {"left": 8, "right": 24, "top": 32, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "type": "scroll"},
        "tooltip": {"trigger": "axis", "valueFormatter": "percent" if kind == "percent" else "count"},
        "xAxis": {"type": "category", "boundaryGap": False, "data": column_titles(result, reader)},
        "yAxis": {"type": "value", "min": 0, "axisLabel": {"formatter": kind}},
        "series": list(series),
    }


def _line(name: str, data: Sequence[float | None], kind: str = "solid", opacity: float = 1, colour: str = "") -> dict[str, Any]:
    style = {"width": 2 if opacity == 1 else 1, "type": kind, "opacity": opacity}
    line = {"type": "line", "name": name, "data": list(data), "lineStyle": style, "showSymbol": opacity == 1 and len(data) <= 31}
    return {**line, "color": colour} if colour else line


def column_titles(result: RetentionResult, reader: Reader) -> list[str]:
    return [
        reader.say(COLUMNS[result.unit], number=first if first == last else f"{first}–{last}")
        + ("+" if result.counts == "on_or_after" else "")
        for first, last in result.columns
    ]


def panel_retention(result: RetentionResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the curve, the triangle of everybody with its mean, the means of each value, and the same for the value."""
    darkest = _darkest(result.everybody)
    return {
        "chart": chart_retention(result, reader),
        "columns": column_titles(result, reader),
        "cohorts": [
            {
                "title": reader.show(cohort.start, "time") if result.unit == "hour" else reader.show(cohort.day, "day"),
                "key": cell_of(result.everybody, cohort, result.unit)["cohort"],
                "size": reader.show(cohort.size, "number"),
                "cells": [_cell(cell, darkest, reader) for cell in cohort.cells],
                "values": [_value(cell, cohort, reader) for cell in cohort.cells],
            }
            for cohort in result.everybody.cohorts
        ],
        "mean": _means(result.everybody, darkest, reader),
        "previous": result.reference == "previous",
        "running": any(not cell.complete and cell.people is not None for cohort in result.everybody.cohorts for cell in cohort.cells),
        "breakdown": heading(result.breakdown, reader),
        "parts": [
            {
                "title": part_title(part, result, reader),
                "place": part.place,
                "size": reader.show(part.size, "number"),
                "means": _means(part, darkest, reader),
            }
            for part in result.parts[:MOST_SHOWN]
        ],
        "size": reader.show(result.everybody.size, "number"),
        "valued": result.valued or "",
        "value_chart": chart_value(result, reader),
        "usage": _usage(result.usage, reader),
    }


def _usage(usage: Usage | None, reader: Reader) -> str:
    """How often people come, in a sentence; "" when it is not asked."""
    if usage is None:
        return ""
    if usage.unit is None:
        return reader.say("Nobody came back on another day, so there is no habit to see yet.")
    return reader.say(
        "{people} people came on more than one day; half of them come every {days} days or more often. Follow them {unit}.",
        people=reader.show(usage.people, "number"),
        days=reader.show(usage.days, "number"),
        unit=reader.say(UNITS[usage.unit]),
    )


def _cell(cell: Cell, darkest: float, reader: Reader) -> dict[str, Any]:
    """A share that may still change is `running`; where there is nothing to show, all is empty."""
    if cell.share is None or cell.people is None:
        return {"share": "", "people": "", "heat": "", "running": False}
    return {
        "share": reader.show(cell.share, "share"),
        "people": reader.show(cell.people, "number"),
        "heat": _heat(cell.share, darkest),
        "running": not cell.complete,
    }


def _value(cell: Cell, cohort: Cohort, reader: Reader) -> dict[str, str]:
    """What the cohort brought in the column, for each of its people, and in all."""
    if cell.value is None or not cohort.size:
        return {"each": "", "all": ""}
    return {"each": reader.show(round(cell.value / cohort.size, 2), "number"), "all": reader.show(round(cell.value, 2), "number")}


def _means(part: RetentionPart, darkest: float, reader: Reader) -> list[dict[str, Any]]:
    return [
        {
            "share": reader.show(mean.weighted, "share"),
            "interval": " – ".join(reader.show(end, "share") for end in mean.interval or ()),
            "heat": "" if mean.weighted is None else _heat(mean.weighted, darkest),
            "value": "" if mean.value is None else reader.show(round(mean.value, 2), "number"),
        }
        for mean in part.curve
    ]


def _darkest(part: RetentionPart) -> float:
    """The share with the darkest shade: the greatest after the cohorts' own period, which is mostly 100 % and would pale the rest."""
    shares = [cell.share for cohort in part.cohorts for cell in cohort.cells[1:] if cell.share]
    return max(shares, default=1.0)


def _heat(share: float, darkest: float) -> int:
    """A shade from 0 (nobody) to 9."""
    return min(SHADES, max(1, round(share / darkest * SHADES))) if share else 0
