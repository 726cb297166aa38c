"""Retention as an ECharts option, and as a triangle with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bihuan.analyse.parts import part_title
from bihuan.analyse.retention.result import Cell, RetentionPart, RetentionResult
from bihuan.engine.breakdowns import heading
from bihuan.engine.question import Reader

# What a column is called in a heading; 0 is the cohort's own.
COLUMNS = {"day": "Day {number}", "week": "Week {number}", "month": "Month {number}"}
MOST_SHOWN = 20
SHADES = 9


def chart_retention(result: RetentionResult, reader: Reader) -> dict[str, Any] | None:
    """The mean share that came back after each number of periods: weighted by people and plain, or a line for each value."""
    if not result.everybody.size:
        return None
    if result.parts:
        shown = result.parts[:MOST_SHOWN]
        series = [_line(part_title(part, result, reader), [mean.weighted for mean in part.curve]) for part in shown]
    else:
        curve = result.everybody.curve
        series = [
            _line(reader.say("Mean, each person alike"), [mean.weighted for mean in curve]),
            _line(reader.say("Mean, each cohort alike"), [mean.plain for mean in curve], kind="dashed"),
        ]
    return {
        "grid": {"left": 8, "right": 24, "top": 32, "bottom": 8, "containLabel": True},
        "legend": {"top": 0},
        "tooltip": {"trigger": "axis", "valueFormatter": "percent"},
        "xAxis": {"type": "category", "boundaryGap": False, "data": column_titles(result, reader)},
        "yAxis": {"type": "value", "min": 0, "axisLabel": {"formatter": "percent"}},
        "series": series,
    }


def _line(name: str, data: Sequence[float | None], kind: str = "solid") -> dict[str, Any]:
    return {"type": "line", "name": name, "data": list(data), "lineStyle": {"width": 2, "type": kind}, "showSymbol": len(data) <= 31}


def column_titles(result: RetentionResult, reader: Reader) -> list[str]:
    return [reader.say(COLUMNS[result.unit], number=number) for number in range(len(result.everybody.curve))]


def panel_retention(result: RetentionResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the curve, the triangle of everybody with its mean, and the means of each value."""
    darkest = _darkest(result.everybody)
    return {
        "chart": chart_retention(result, reader),
        "columns": column_titles(result, reader),
        "cohorts": [
            {
                "title": reader.show(cohort.day, "day"),
                "size": reader.show(cohort.size, "number"),
                "cells": [_cell(cell, darkest, reader) for cell in cohort.cells],
            }
            for cohort in result.everybody.cohorts
        ],
        "mean": _means(result.everybody, darkest, reader),
        "running": any(not cell.complete and cell.people is not None for cohort in result.everybody.cohorts for cell in cohort.cells),
        "breakdown": heading(result.breakdown, reader),
        "parts": [
            {
                "title": part_title(part, result, reader),
                "size": reader.show(part.size, "number"),
                "means": _means(part, darkest, reader),
            }
            for part in result.parts[:MOST_SHOWN]
        ],
        "size": reader.show(result.everybody.size, "number"),
    }


def _cell(cell: Cell, darkest: float, reader: Reader) -> dict[str, Any]:
    """`state` is "none" (nothing to show), "running" (still grows) or "complete"."""
    if cell.share is None or cell.people is None:
        return {"state": "none", "share": "", "people": "", "heat": ""}
    return {
        "state": "complete" if cell.complete else "running",
        "share": reader.show(cell.share, "share"),
        "people": reader.show(cell.people, "number"),
        "heat": _heat(cell.share, darkest),
    }


def _means(part: RetentionPart, darkest: float, reader: Reader) -> list[dict[str, Any]]:
    return [
        {"share": reader.show(mean.weighted, "share"), "heat": "" if mean.weighted is None else _heat(mean.weighted, darkest)}
        for mean in part.curve
    ]


def _darkest(part: RetentionPart) -> float:
    """The share with the darkest shade: the greatest after the cohorts' own period, which is mostly 100 % and would pale the rest."""
    shares = [cell.share for cohort in part.cohorts for cell in cohort.cells[1:] if cell.share]
    return max(shares, default=1.0)


def _heat(share: float, darkest: float) -> int:
    """A shade from 0 (nobody) to 9."""
    return min(SHADES, max(1, round(share / darkest * SHADES))) if share else 0
