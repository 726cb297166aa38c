"""Basket as an ECharts option, and as rules and items with every number written for the reader."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from bihuan.analyse.basket.result import BasketResult, cell_of
from bihuan.analyse.basket.rules import Item, Rule, Sure
from bihuan.engine.meta import Interval
from bihuan.engine.question import Kind, Reader

MOST_SQUARES = 12
MOST_ITEMS_SHOWN = 30
SPAN = 3  # a lift of 8 or more, and one of 1/8 or less, have the strongest colours
VERDICTS = {"more": "More often than chance", "less": "More rarely than chance"}


def chart_basket(result: BasketResult, reader: Reader) -> dict[str, Any] | None:
    """The most common items against each other: a square for each pair, the stronger the further its lift is from 1."""
    names = [item.name for item in result.items[:MOST_SQUARES]]
    data = []
    for (one, other), lift in result.lifts.items():
        if max(one, other) > len(names):
            continue
        level = max(-SPAN, min(SPAN, math.log2(lift)))
        for x, y in ((one, other), (other, one)):
            data.append(
                {
                    "value": [x - 1, y - 1, round(level, 3)],
                    "name": f"{names[x - 1]} + {names[y - 1]}: {reader.show(round(lift, 2), 'number')}",
                    "cell": {"first": names[x - 1], "second": names[y - 1]},
                }
            )
    if not data:
        return None
    axis = {
        "type": "category",
        "data": names,
        "axisLabel": {"width": 110, "overflow": "truncate", "interval": 0},
        "splitArea": {"show": True},
    }
    return {
        "grid": {"left": 8, "right": 8, "top": 8, "bottom": 48, "containLabel": True},
        "tooltip": {"formatter": "{b}"},
        "xAxis": {**axis, "axisLabel": {**axis["axisLabel"], "rotate": 45}},  # type: ignore[dict-item]
        "yAxis": {**axis, "inverse": True},
        "visualMap": {
            "min": -SPAN,
            "max": SPAN,
            "calculable": False,
            "orient": "horizontal",
            "left": "center",
            "bottom": 0,
            "text": [reader.say("more often together"), reader.say("more rarely")],
            "inRange": {"color": ["#d6336c", "#94a3b855", "#0ca678"]},
        },
        "series": [{"type": "heatmap", "name": reader.say("Lift (times)"), "data": data}],
    }


def panel_basket(result: BasketResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the squares, the rules, and the items."""
    return {
        "chart": chart_basket(result, reader),
        "tile": {"height": "medium"},
        "sampled": result.sure is not None,
        "rules": [_rule(rule, reader) for rule in result.rules],
        "more": reader.show(result.found - len(result.rules), "number") if result.found > len(result.rules) else "",
        "items": [_item(item, reader) for item in result.items[:MOST_ITEMS_SHOWN]],
    }


def _item(item: Item, reader: Reader) -> dict[str, Any]:
    return {
        "name": item.name,
        "baskets": reader.show(item.baskets, "number"),
        "people": reader.show(item.people, "number"),
        "share": reader.show(item.share, "share"),
        "at": urlencode({"cell.first": item.name}),
        **_sure(item.sure, reader),
    }


def _sure(sure: Sure | None, reader: Reader) -> dict[str, str]:
    """Of a sample, where the numbers lie."""
    if sure is None:
        return {}
    return {
        "baskets_sure": _between(sure.baskets, "number", reader),
        "people_sure": _between(sure.people, "number", reader),
        "share_sure": _between(sure.share, "share", reader),
        "confidence_sure": _between(sure.confidence, "share", reader) if sure.confidence else "",
    }


def _between(interval: Interval, kind: Kind, reader: Reader) -> str:
    low, high = (round(bound) if kind == "number" else bound for bound in (interval.low, interval.high))
    return f"{reader.show(low, kind)} – {reader.show(high, kind)}"


def _rule(rule: Rule, reader: Reader) -> dict[str, Any]:
    low, high = rule.lift.low, rule.lift.high
    interval = "" if low is None or high is None else f"{reader.show(round(low, 2), 'number')} – {reader.show(round(high, 2), 'number')}"
    return {
        "when": " + ".join(rule.when),
        "then": rule.then,
        "together": reader.show(rule.together, "number"),
        "people": reader.show(rule.people, "number"),
        "support": reader.show(rule.support, "share"),
        "confidence": reader.show(rule.confidence, "share"),
        "lift": reader.show(round(rule.lift.estimate, 2), "number"),
        "interval": interval,
        "verdict": rule.verdict,
        "hint": reader.say(VERDICTS[rule.verdict]) if rule.verdict else "",
        "at": _query(cell_of(rule)),
        "without_at": _query(cell_of(rule, without=True)),
        **_sure(rule.sure, reader),
    }


def _query(cell: Mapping[str, Any]) -> str:
    return urlencode({f"cell.{name}": value for name, value in cell.items()})
