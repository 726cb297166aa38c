"""Lifetime value as an ECharts option, and as a triangle with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bihuan.analyse.ltv.result import AGES, LtvResult, Prediction
from bihuan.engine.question import Reader

MOST_LINES = 12
SHADES = 9


def chart_ltv(result: LtvResult, reader: Reader) -> dict[str, Any] | None:
    """A line for each of the latest cohorts, and a stronger one for the mean: what a customer has brought by each age."""
    if not result.customers:
        return None
    lines = [
        {
            "type": "line",
            "name": reader.show(cohort.day, "day"),
            "data": [value if done else None for value, done in zip(cohort.values, cohort.complete, strict=True)],
            "showSymbol": False,
            "lineStyle": {"width": 1, "opacity": 0.6},
        }
        for cohort in result.cohorts[-MOST_LINES:]
        if any(cohort.complete)
    ]
    mean = {"type": "line", "name": reader.say("All cohorts"), "data": list(result.curve), "lineStyle": {"width": 3}, "showSymbol": False}
    return {
        "grid": {"left": 8, "right": 24, "top": 48, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "type": "scroll"},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "boundaryGap": False, "data": titles(result, reader)},
        "yAxis": {"type": "value", "min": 0},
        "series": [mean, *lines],
    }


def titles(result: LtvResult, reader: Reader) -> list[str]:
    return [reader.say(AGES[result.unit], number=age) for age in range(len(result.curve))]


def panel_ltv(result: LtvResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the curve, the triangle of cohorts, and the prediction with the models that it comes from."""
    most = max((value for cohort in result.cohorts for value in cohort.values if value is not None), default=0) or 1
    return {
        "chart": chart_ltv(result, reader),
        "columns": titles(result, reader),
        "predicted": result.prediction is not None,
        "cohorts": [
            {
                "title": reader.show(cohort.day, "day"),
                "day": cohort.day.isoformat(),
                "customers": reader.show(cohort.customers, "number"),
                "cells": [
                    {
                        "text": "" if value is None else reader.show(value, "money"),
                        "heat": 0 if value is None else round(value / most * SHADES),
                        "running": value is not None and not done,
                    }
                    for value, done in zip(cohort.values, cohort.complete, strict=True)
                ],
                "expected": reader.show(cohort.expected, "money"),
            }
            for cohort in result.cohorts
        ],
        "running": any(value is not None and not done for c in result.cohorts for value, done in zip(c.values, c.complete, strict=True)),
        "facts": _facts(result.prediction, reader) if result.prediction else [],
    }


def _facts(found: Prediction, reader: Reader) -> list[dict[str, str]]:
    """What is expected, and from which models."""
    buying, spending = found.buying, found.spending
    named = (
        ("Purchases expected", reader.show(found.purchases, "number")),
        ("Worth of a purchase on average", reader.show(spending.mean, "money")),
        ("Customers that the models learned from", reader.show(found.learned, "number")),
        ("BG/NBD (weeks)", f"r {buying.r:.4g} · α {buying.alpha:.4g} · a {buying.a:.4g} · b {buying.b:.4g}"),
        ("Gamma-Gamma", f"p {spending.p:.4g} · q {spending.q:.4g} · γ {spending.gamma:.4g}"),
    )
    return [{"title": reader.say(title), "value": value} for title, value in named]
