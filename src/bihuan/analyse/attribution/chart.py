"""Attribution as ECharts options, and as tables with every number written for the reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from bihuan.analyse.attribution.result import MODELS, AttributionResult, Point
from bihuan.analyse.attribution.sql import OTHERS
from bihuan.analyse.attribution.table import cost_each, part_cell, roas
from bihuan.analyse.parts import part_title, rounded
from bihuan.engine.breakdowns import heading
from bihuan.engine.channels import TITLES
from bihuan.engine.question import Reader

MOST_BARS = 15
SHADES = 9
Cell = Mapping[str, Any]


def chart_attribution(result: AttributionResult, reader: Reader) -> dict[str, Any] | None:
    """For each touch point a bar of each model; the chosen one, the first and the last touch are shown until the reader wants others."""
    if not result.total.touched:
        return None
    points = [point for point in result.points if any(credit.conversions for credit in point.credits.values())][:MOST_BARS]
    series = [
        {
            "type": "bar",
            "name": reader.say(MODELS[model]),
            "barMaxWidth": 18,
            "data": [
                {"value": round(point.credits[model].conversions, 2), "cell": {"point": point.key, "converted": True}} for point in points
            ],
        }
        for model in (result.model, *(model for model in result.models if model != result.model))
    ]
    shown = {result.model, "first", "last"}
    return {
        "grid": {"left": 8, "right": 16, "top": 64, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "type": "scroll", "selected": {reader.say(MODELS[model]): model in shown for model in result.models}},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "xAxis": {
            "type": "category",
            "data": [point_title(point.key, result, reader) for point in points],
            "axisLabel": {"interval": 0, "width": 90, "overflow": "truncate", "hideOverlap": True},
        },
        "yAxis": {"type": "value"},
        "series": series,
    }


def panel_attribution(result: AttributionResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the models side by side, the chosen one's shares, costs and breakdown, the most frequent paths, how long
    they are and how long they take."""
    total = result.total
    return {
        "chart": chart_attribution(result, reader),
        "model": reader.say(MODELS[result.model]),
        "models": [reader.say(MODELS[model]) for model in result.models],
        "worthy": result.worthy,
        "costly": any(point.cost is not None for point in result.points),
        "compared": reader.say(result.compared[0], **_written(result.compared[1], reader)) if result.compared else "",
        "points": [_point(point, result, reader) for point in result.points],
        "untouched": {
            "conversions": reader.show(total.untouched, "number"),
            "worth": reader.show(total.untouched_worth, "money"),
            "people": reader.show(total.untouched_people, "number"),
            "share": reader.show(total.untouched / total.conversions, "share"),
        }
        if total.untouched
        else None,
        "pivot": _pivot(result, reader) if result.parts else None,
        "ways": [
            {
                "points": _in_a_row([point_title(key, result, reader) for key in way.points]),
                "conversions": reader.show(way.conversions, "number"),
                "worth": reader.show(way.worth, "money"),
                "lost": reader.show(way.lost, "number"),
                "rate": reader.show(way.conversions / (way.conversions + way.lost), "share"),
                "query": _query({f"path.{place}": key for place, key in enumerate(way.points)}),
                "any": bool(way.conversions),
                "any_lost": bool(way.lost),
            }
            for way in result.ways
        ],
        "paths": reader.show(result.paths, "number"),
        "lags": _lags(result, reader),
        "lengths": _lengths(result, reader),
        "quartiles": [
            {"title": reader.say(title), "value": reader.show(seconds, "seconds")}
            for title, seconds in zip(
                ("A quarter converted within", "Half converted within", "Three quarters converted within", "Nine of ten converted within"),
                result.quartiles,
                strict=True,
            )
        ]
        if result.quartiles
        else [],
        "young": reader.show(total.young, "number") if total.young else "",
    }


def point_title(key: str, result: AttributionResult, reader: Reader) -> str:
    """What a reader calls a touch point."""
    if key == OTHERS:
        return reader.say("Other touch points")
    name = key[1:]
    if not name:
        return reader.say("(none)")
    if result.channels and (result.by == "channel" or name == "direct"):
        return reader.say(TITLES.get(name, name))
    return name


def _in_a_row(titles: Sequence[str]) -> list[str]:
    """Those that come several times in a row, once and with how often."""
    runs = ((title, len(list(same))) for title, same in groupby(titles))
    return [title if times == 1 else f"{title} × {times}" for title, times in runs]


def _point(point: Point, result: AttributionResult, reader: Reader) -> Mapping[str, Any]:
    credit, before = point.credits[result.model], point.before
    touched = result.total.touched
    change = credit.conversions / before.conversions - 1 if before and before.conversions else None
    return {
        "title": point_title(point.key, result, reader),
        "rest": point.name is None,
        "query": _query({"point": point.key}),
        "share": reader.show(credit.conversions / touched if touched else None, "share"),
        "worth": reader.show(credit.worth, "money"),
        "models": [
            {
                "text": reader.show(round(point.credits[model].conversions, 2), "number"),
                "heat": round(point.credits[model].conversions / touched * SHADES) if touched else 0,
                "worth": reader.show(point.credits[model].worth, "money") if result.worthy else "",
            }
            for model in result.models
        ],
        "people": reader.show(point.people, "number"),
        "buyers": reader.show(point.buyers, "number"),
        "rate": reader.show(point.rate, "share"),
        "effect": reader.show(point.effect, "share"),
        "lost": reader.show(point.lost, "number"),
        "cost": reader.show(point.cost, "money"),
        "cost_each": reader.show(cost_each(point, result.model), "money"),
        "roas": reader.show(rounded(roas(point, result.model)), "number"),
        "before": reader.show(round(before.conversions, 2), "number") if before else "",
        "change": reader.show(change, "share"),
        "any_bought": bool(point.buyers),
    }


def _pivot(result: AttributionResult, reader: Reader) -> Mapping[str, Any]:
    """Touch points by the values of the breakdown: what the chosen model gives."""
    most = max((credit.conversions for part in result.parts for credit in part.credits.values()), default=0) or 1
    return {
        "heading": heading(result.breakdown, reader),
        "columns": [part_title(part, result, reader) for part in result.parts],
        "rows": [
            {
                "title": point_title(point.key, result, reader),
                "cells": [
                    {
                        "text": reader.show(round(given, 2), "number"),
                        "heat": max(round(given / most * SHADES), 0),
                        "query": _query({**part_cell(part), "point": point.key, "converted": True}),
                        "any": given > 0,
                    }
                    for part in result.parts
                    for given in [part.credits[point.key].conversions if point.key in part.credits else 0.0]
                ],
            }
            for point in result.points
        ],
        "untouched": [
            {
                "text": reader.show(part.untouched, "number"),
                "query": _query({**part_cell(part), "untouched": True}),
                "any": bool(part.untouched),
            }
            for part in result.parts
        ],
    }


def _lags(result: AttributionResult, reader: Reader) -> dict[str, Any] | None:
    titles = []
    for bar in result.lags:
        if bar.until is None:
            titles.append(reader.say("{since} and more", since=reader.show(bar.since, "seconds")))
        else:
            titles.append(f"{reader.show(bar.since, 'seconds')} – {reader.show(bar.until, 'seconds')}")
    return _bars(titles, [bar.conversions for bar in result.lags], reader)


def _lengths(result: AttributionResult, reader: Reader) -> dict[str, Any] | None:
    counts = dict(result.lengths)
    longest = max(counts, default=0)
    lengths = range(1, longest + 1) if longest <= MOST_BARS else sorted(counts)
    return _bars([str(length) for length in lengths], [counts.get(length, 0) for length in lengths], reader)


def _bars(titles: Sequence[str], numbers: Sequence[int], reader: Reader) -> dict[str, Any] | None:
    if not any(numbers):
        return None
    return {
        "grid": {"left": 8, "right": 8, "top": 16, "bottom": 8, "containLabel": True},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}, "valueFormatter": "count"},
        "xAxis": {"type": "category", "data": list(titles), "axisLabel": {"hideOverlap": True}},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [{"type": "bar", "name": reader.say("Conversions"), "barMaxWidth": 36, "data": list(numbers)}],
    }


def _written(values: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    """Days as the reader writes them."""
    return {name: reader.show(value, "day") if name in ("since", "until") else value for name, value in values.items()}


def _query(cell: Cell) -> str:
    return urlencode([(f"cell.{name}", value) for name, value in cell.items()])
