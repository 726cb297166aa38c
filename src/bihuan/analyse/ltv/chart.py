"""Lifetime value as an ECharts option, and as a triangle with every number written for the reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bihuan.analyse.ltv.result import AGES, LtvPart, LtvResult, Missing, Prediction
from bihuan.analyse.parts import between_said, part_title
from bihuan.engine.breakdowns import heading
from bihuan.engine.question import Reader

MOST_LINES = 12
MOST_SHOWN = 20  # values
SHADES = 9


def chart_ltv(result: LtvResult, reader: Reader) -> dict[str, Any] | None:
    """What a customer has brought by each age that anybody has lived through: a line for each of the latest cohorts, or when broken down
    for each value; and a stronger one for all together."""
    lines = _of_parts(result, reader) if result.parts else _of_cohorts(result, reader)
    all_of_them = reader.say("Everybody" if result.parts else "All cohorts")
    mean = {"type": "line", "name": all_of_them, "data": list(result.curve), "lineStyle": {"width": 3}}
    ages = _reached(line["data"] for line in (mean, *lines))
    if not ages:
        return None
    series = [{**line, "data": line["data"][:ages], "showSymbol": _alone(line["data"])} for line in (mean, *lines)]
    return {
        "grid": {"left": 8, "right": 24, "top": 48, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "type": "scroll"},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "boundaryGap": False, "data": titles(result, reader)[:ages]},
        "yAxis": {"type": "value", "min": 0},
        "series": series,
    }


def _reached(rows: Iterable[Sequence[float | None]]) -> int:
    """How many ages there are up to the last that anything is known of."""
    return max((age for row in rows for age, value in enumerate(row, 1) if value is not None), default=0)


def _alone(row: Sequence[float | None]) -> bool:
    """Whether only one age of it is known, which makes no line."""
    return sum(value is not None for value in row) == 1


def _of_cohorts(result: LtvResult, reader: Reader) -> list[dict[str, Any]]:
    return [
        {
            "type": "line",
            "name": reader.show(cohort.day, "day"),
            "data": [value if done else None for value, done in zip(cohort.values, cohort.complete, strict=True)],
            "lineStyle": {"width": 1, "opacity": 0.6},
        }
        for cohort in result.cohorts[-MOST_LINES:]
        if any(cohort.complete)
    ]


def _of_parts(result: LtvResult, reader: Reader) -> list[dict[str, Any]]:
    return [
        {
            "type": "line",
            "name": part_title(part, result, reader),
            "data": list(part.curve),
            "lineStyle": {"width": 2},
        }
        for part in result.parts[:MOST_SHOWN]
        if any(value is not None for value in part.curve)
    ]


def titles(result: LtvResult, reader: Reader) -> list[str]:
    return [reader.say(AGES[result.unit], number=age) for age in range(len(result.curve))]


def panel_ltv(result: LtvResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the curve, the values side by side, the triangle of cohorts, and the prediction with its models."""
    most = max((value for cohort in result.cohorts for value in cohort.values if value is not None), default=0) or 1
    ages = _reached(cohort.values for cohort in result.cohorts)
    ages_of_parts = _reached(part.curve for part in result.parts)
    return {
        "chart": chart_ltv(result, reader),
        "columns": titles(result, reader)[:ages],
        "sampled": result.sample is not None,
        "predicted": result.prediction is not None,
        "horizon": reader.show(result.horizon, "number"),
        "breakdown": heading(result.breakdown, reader),
        "parts": _parts(result, ages_of_parts, reader),
        "columns_of_parts": titles(result, reader)[:ages_of_parts],
        "missing": [reader.say(MISSING[why][1]) for why in MISSING if any(part.missing == why for part in result.parts)],
        "cohorts": [
            {
                "title": reader.show(cohort.day, "day"),
                "day": cohort.day.isoformat(),
                "customers": reader.show(cohort.customers, "number"),
                "sure": between_said(cohort.sure(cohort.customers), reader),
                "cells": [
                    {
                        "text": "" if value is None else reader.show(value, "money"),
                        "heat": 0 if value is None else round(value / most * SHADES),
                        "running": value is not None and not done,
                        "sure": between_said(surely, reader, "money"),
                    }
                    for value, done, surely in zip(cohort.values[:ages], cohort.complete[:ages], cohort.between[:ages], strict=True)
                ],
                "expected": reader.show(cohort.expected, "money"),
            }
            for cohort in result.cohorts
        ],
        "running": any(value is not None and not done for c in result.cohorts for value, done in zip(c.values, c.complete, strict=True)),
        "facts": _facts(result.prediction, reader) if result.prediction else [],
    }


# Why nothing is predicted of a value: in its cell, and under the table.
MISSING: Mapping[Missing, tuple[str, str]] = {
    "few": ("Too few", "Too few: fewer than 30 of its customers bought again, so nothing is predicted."),
    "worthless": ("Too little", "Too little: fewer than 30 of its customers bought again for anything of worth, so nothing is predicted."),
    "unfit": ("No fit", "No fit: the models do not fit how its customers buy, so nothing is predicted."),
}


def _parts(result: LtvResult, ages: int, reader: Reader) -> list[dict[str, Any]]:
    """A row for each value, with its first `ages`."""
    shown = result.parts[:MOST_SHOWN]
    most = max((value for part in shown for value in part.curve if value is not None), default=0) or 1
    return [
        {
            "title": part_title(part, result, reader),
            "place": part.place,
            "customers": reader.show(part.customers, "number"),
            "sure": between_said(part.sure(part.customers), reader),
            "again": reader.show(part.again, "number"),
            "again_sure": between_said(part.sure(part.again), reader),
            "share": reader.show(part.bought_again, "share"),
            **_predicted(part, reader),
            "cells": [
                {
                    "text": "" if value is None else reader.show(value, "money"),
                    "heat": 0 if value is None else max(0, round(value / most * SHADES)),
                }
                for value in part.curve[:ages]
            ],
        }
        for part in shown
    ]


def _predicted(part: LtvPart, reader: Reader) -> dict[str, str]:
    """What is expected of a value's customers, of each and of all; or why that is not told."""
    if part.prediction is None:
        return {"expected": reader.say(MISSING[part.missing or "few"][0]), "value": "", "purchases": "", "alive": ""}
    found = part.prediction
    return {
        "expected": reader.show(part.expected, "money"),
        "value": reader.show(found.value, "money"),
        "purchases": reader.show(round(found.purchases), "number"),
        "alive": reader.show(round(found.alive), "number"),
    }


def _facts(found: Prediction, reader: Reader) -> list[dict[str, str]]:
    """What is expected, and from which models."""
    buying, spending = found.buying, found.spending
    named = (
        ("Purchases expected", reader.show(round(found.purchases), "number")),
        ("Worth of a purchase on average", reader.show(spending.mean, "money")),
        ("Customers that the models learned from", reader.show(found.learned, "number")),
        ("BG/NBD (weeks)", f"r {buying.r:.4g} · α {buying.alpha:.4g} · a {buying.a:.4g} · b {buying.b:.4g}"),
        ("Gamma-Gamma", f"p {spending.p:.4g} · q {spending.q:.4g} · γ {spending.gamma:.4g}"),
    )
    return [{"title": reader.say(title), "value": value} for title, value in named]
