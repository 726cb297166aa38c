"""Basket as an ECharts option, and as rules and items with every number written for the reader."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from bihuan.analyse.basket.beside import Change
from bihuan.analyse.basket.result import BasketResult, cell_of
from bihuan.analyse.basket.rules import Beside, Item, Numbers, Rule, Sure
from bihuan.analyse.parts import between_said
from bihuan.analyse.statistics import Interval as Estimate
from bihuan.engine.question import Reader

MOST_SQUARES = 12
MOST_ITEMS_SHOWN = 30
SPAN = 3  # a lift of 8 or more, and one of 1/8 or less, have the strongest colours
VERDICTS = {"more": "More often than chance", "less": "More rarely than chance"}
OFTEN, GROWN = ("more often together", "more rarely"), ("lift is higher", "lift is lower")
CHANGES = {"more": "Grew by more than chance", "less": "Fell by more than chance"}


def chart_basket(result: BasketResult, reader: Reader) -> dict[str, Any] | None:
    """The most common items against each other: a square for each pair, the stronger the further its lift is from 1; or, beside another
    period or other people, from the lift there."""
    names = [item.name for item in result.items[:MOST_SQUARES]]
    data = []
    for (one, other), lift in result.lifts.items():
        before = result.lifts_before.get((one, other))
        if max(one, other) > len(names) or (result.compared_with and before is None):
            continue
        times = reader.show(round(lift, 2), "number")
        if before is not None:
            times = f"{reader.show(round(before, 2), 'number')} → {times}"
        level = max(-SPAN, min(SPAN, math.log2(lift / (before or 1))))
        for x, y in ((one, other), (other, one)):
            data.append(
                {
                    "value": [x - 1, y - 1, round(level, 3)],
                    "name": f"{names[x - 1]} + {names[y - 1]}: {times}",
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
            "text": [reader.say(word) for word in (GROWN if result.compared_with else OFTEN)],
            "inRange": {"color": ["#d6336c", "#94a3b855", "#0ca678"]},
        },
        "series": [{"type": "heatmap", "name": reader.say("Lift (times)"), "data": data}],
    }


def panel_basket(result: BasketResult, reader: Reader) -> Mapping[str, Any]:
    """What panel.html shows: the squares, the rules, and the items."""
    return {
        "chart": chart_basket(result, reader),
        "tile": {"height": "medium"},
        "compared": reader.say(result.compared_with[0], **result.compared_with[1]) if result.compared_with else "",
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
        "share": _shown(item.share, reader),
        "at": urlencode({"cell.first": item.name}),
        **_sure(item.sure, reader),
        "before": {
            "share": _shown(item.before.share, reader),
            "people": reader.show(item.before.people, "number"),
            "at": _query({"first": item.name, "before": True}),
            "change": _change(item.change, reader),
        }
        if item.before
        else None,
    }


def _sure(sure: Sure | None, reader: Reader) -> dict[str, str]:
    """Of a sample, where the numbers lie."""
    if sure is None:
        return {}
    return {
        "baskets_sure": between_said(sure.baskets, reader),
        "people_sure": between_said(sure.people, reader),
        "share_sure": between_said(sure.share, reader, "share"),
        "confidence_sure": between_said(sure.confidence, reader, "share"),
    }


def _rule(rule: Rule, reader: Reader) -> dict[str, Any]:
    return {
        "when": " + ".join(rule.when),
        "then": rule.then,
        **_numbers(rule, reader),
        "at": _query(cell_of(rule)),
        "without_at": _query(cell_of(rule, without=True)),
        **_sure(rule.sure, reader),
        "before": _beside(rule, rule.before, reader) if rule.before else None,
    }


def _numbers(one: Numbers, reader: Reader) -> dict[str, str]:
    lift = one.lift
    return {
        "together": reader.show(one.together, "number"),
        "people": reader.show(one.people, "number"),
        "support": _shown(one.support, reader),
        "confidence": _shown(one.confidence, reader),
        "lift": reader.show(round(lift.estimate, 2), "number") if lift else "",
        "interval": "" if lift is None else _within(lift, lambda bound: reader.show(round(bound, 2), "number")),
        "verdict": one.verdict,
        "hint": reader.say(VERDICTS[one.verdict]) if one.verdict else "",
    }


def _beside(rule: Rule, before: Beside, reader: Reader) -> dict[str, Any]:
    return {
        **_numbers(before, reader),
        "at": _query(cell_of(rule, before=True)),
        "changes": {name: _change(change, reader) for name, change in before.changes.items()},
    }


def _change(change: Change | None, reader: Reader) -> dict[str, str] | None:
    """A share's change in points, a lift's as how many times it is the other one."""
    if change is None:
        return None

    def said(number: float) -> str:
        return reader.show(round(number, 2), "number") if change.neutral else f"{round(number * 100, 1) + 0.0:+.1f}"

    return {
        "by": f"× {said(change.by.estimate)}" if change.neutral else said(change.by.estimate),
        "interval": _within(change.by, said),
        "verdict": change.verdict,
        "hint": reader.say(CHANGES[change.verdict]) if change.verdict else "",
    }


def _within(interval: Estimate, said: Callable[[float], str]) -> str:
    return "" if interval.low is None or interval.high is None else f"{said(interval.low)} – {said(interval.high)}"


def _shown(share: float | None, reader: Reader) -> str:
    return "" if share is None else reader.show(share, "share")


def _query(cell: Mapping[str, Any]) -> str:
    return urlencode({f"cell.{name}": "true" if value is True else value for name, value in cell.items()})
